//! What a filter is.

use crate::{Answer, Exchange, OptionSpec, Outcome, Refusal, Setup};
use std::marker::PhantomData;

/// A use of a filter in a chain. Every worker makes its own; it is dropped when no exchange is left that could call it.
/// Hooks are called as filter.h explains. A filter that is to see bodies has [`RequestBody`] or [`ResponseBody`] too;
/// where it has not, bodies pass untouched.
pub trait Filter: Sized + 'static {
    const OPTIONS: &'static [OptionSpec] = &[];
    const MODE: Mode<Self> = Mode::on_loop();

    fn create(setup: &Setup) -> Result<Self, Refusal>;

    fn on_request_head(&self, _exchange: &mut Exchange) -> Answer {
        Answer::Continue
    }
    fn on_response_head(&self, _exchange: &mut Exchange) -> Answer {
        Answer::Continue
    }
    /// The client can take more of the reply that this filter streams.
    fn on_reply_body(&self, _exchange: &mut Exchange) -> Answer {
        Answer::Fail
    }
    /// A pause of this filter has ended. Without this method the exchange goes on, and a reply that had nothing to write
    /// is asked anew.
    fn on_resume(&self, exchange: &mut Exchange, _outcome: Outcome) -> Answer {
        if exchange.takes_owed_reply() {
            exchange.ask_for_reply(|exchange| self.on_reply_body(exchange))
        } else {
            Answer::Continue
        }
    }
    /// The exchange is over.
    fn on_end(&self, _exchange: &mut Exchange) {}

    /// For [`Mode::exclusive`]: gives up what its successor needs.
    fn quiesce(&self) -> bool {
        true
    }
    /// For [`Mode::exclusive`]: the successor did not come about.
    fn wake(&self) {}
}

/// A filter that decides about the request's body.
pub trait RequestBody: Filter {
    /// A piece, and whether it is the last one. What is neither passed nor written is gone.
    fn on_request_body(&self, exchange: &mut Exchange, piece: &[u8], last: bool) -> Answer;
}

/// A filter that decides about the response's body.
pub trait ResponseBody: Filter {
    /// A piece, and whether it is the last one. What is neither passed nor written is gone.
    fn on_response_body(&self, exchange: &mut Exchange, piece: &[u8], last: bool) -> Answer;
}

/// On which threads a filter's hooks run, and what else is told of it.
pub struct Mode<F> {
    pub(crate) flags: u32,
    filter: PhantomData<fn(F)>,
}

impl<F> Mode<F> {
    const fn of(flags: u32) -> Mode<F> {
        Mode { flags, filter: PhantomData }
    }

    pub(crate) const fn is_exclusive(&self) -> bool {
        self.flags & 4 != 0
    }

    /// On the worker's one event loop: a hook must not block. The default.
    pub const fn on_loop() -> Mode<F> {
        Mode::of(0)
    }

    /// On threads of a pool, one at a time: hooks may take long.
    pub const fn blocking() -> Mode<F>
    where
        F: Send,
    {
        Mode::of(1)
    }

    /// On threads of a pool, for several exchanges at once.
    pub const fn concurrent() -> Mode<F>
    where
        F: Send + Sync,
    {
        Mode::of(1 | 2)
    }

    /// It owns something that its successor needs too, as a port: see `quiesce`.
    pub const fn exclusive(self) -> Mode<F> {
        Mode::of(self.flags | 4)
    }

    /// Its body hooks look at pieces and change none.
    pub const fn observing(self) -> Mode<F> {
        Mode::of(self.flags | 8)
    }
}

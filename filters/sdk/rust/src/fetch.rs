//! Requests of a filter's own, to an upstream of the configuration: `flexilib/ext/fetch.h`.

use crate::guard::guard;
use crate::raw::ext::{flexilib_fetch, flexilib_fetch_events, flexilib_fetch_request};
use crate::raw::{flexilib_core, flexilib_pair};
use crate::text::{pointer, raw_text, Text};
use crate::timer::in_ms;
use crate::{Answer, Exchange, Refusal, Resumer, Setup};
use std::os::raw::{c_char, c_void};
use std::time::Duration;

/// What is asked. A method of "" is GET; a timeout of zero 30 seconds.
#[derive(Clone, Default)]
pub struct FetchRequest<'r> {
    pub upstream: &'r str,
    pub method: &'r str,
    pub authority: &'r str,
    pub path: &'r str,
    pub headers: &'r [(&'r str, &'r str)],
    pub body: &'r [u8],
    pub streams_body: bool,
    pub timeout: Duration,
}

/// What has become of a fetch.
#[derive(Clone, Debug, Default)]
pub struct FetchResponse {
    /// 0, the status that a client would have been answered, or -1 where it was cancelled.
    pub failure: i32,
    pub status: i32,
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub body: Vec<u8>,
    /// The body was longer than the limit.
    pub is_cut: bool,
}

/// What is told of a fetch, on the loop thread. It is dropped after `on_over`.
pub trait FetchEvents {
    fn on_head(&mut self, _status: i32, _headers: &[(Text, Text)]) {}
    /// False: no more until [`Fetch::more`].
    fn on_body(&mut self, _piece: &[u8]) -> bool {
        true
    }
    fn on_over(&mut self, _failure: i32) {}
    /// After [`Fetch::write`] has returned false for want of room: there is some again.
    fn on_room(&mut self) {}
}

pub struct Fetch {
    core: *const flexilib_core,
    table: *const flexilib_fetch,
}

/// What the core holds of a fetch that is under way.
struct Running {
    core: *const flexilib_core,
    events: Box<dyn FetchEvents>,
    is_busy: bool,
    failure: Option<i32>, // told while it was busy, by whoever has cancelled it from within
}

static EVENTS: flexilib_fetch_events = flexilib_fetch_events {
    size: std::mem::size_of::<flexilib_fetch_events>(),
    on_head: Some(head),
    on_body: Some(body),
    on_over: Some(over),
    on_room: Some(room),
};

impl Fetch {
    pub fn new(setup: &Setup) -> Result<Fetch, Refusal> {
        Ok(Fetch { core: setup.core, table: setup.extension("flexilib.fetch/1\0")? })
    }

    /// `return self.fetch.ask(exchange, &request, 1 << 20)`: pauses; `on_resume` takes a [`FetchResponse`]. Fails where
    /// the request cannot be made.
    pub fn ask(&self, exchange: &mut Exchange, request: &FetchRequest, limit_bytes: usize) -> Answer {
        let whole = Whole { resumer: exchange.resumer(), limit_bytes, response: FetchResponse::default() };
        match self.start(Some(exchange), request, whole) {
            Some(_) => Answer::Pause,
            None => Answer::Fail,
        }
    }

    /// Starts one for an exchange, with which it ends, or for the filter itself. Its number, or None where the request
    /// cannot be made.
    pub fn start(
        &self,
        exchange: Option<&mut Exchange>,
        request: &FetchRequest,
        events: impl FetchEvents + 'static,
    ) -> Option<u64> {
        let pair = |(name, value): &(&str, &str)| flexilib_pair {
            name: raw_text(name.as_bytes()),
            value: raw_text(value.as_bytes()),
        };
        let fields: Vec<flexilib_pair> = request.headers.iter().map(pair).collect();
        let asked = flexilib_fetch_request {
            size: std::mem::size_of::<flexilib_fetch_request>(),
            upstream: raw_text(request.upstream.as_bytes()),
            method: raw_text(request.method.as_bytes()),
            authority: raw_text(request.authority.as_bytes()),
            path: raw_text(request.path.as_bytes()),
            fields: fields.as_ptr(),
            field_count: fields.len(),
            body: raw_text(request.body),
            streams_body: request.streams_body,
            timeout_ms: in_ms(request.timeout),
        };
        let running = Running { core: self.core, events: Box::new(events), is_busy: false, failure: None };
        let running = Box::into_raw(Box::new(running)).cast();
        let owner = exchange.map_or(std::ptr::null_mut(), |exchange| exchange.raw());
        match unsafe { ((*self.table).start)(self.core, owner, &asked, &EVENTS, running) } {
            0 => {
                drop(unsafe { Box::from_raw(running.cast::<Running>()) });
                None
            }
            number => Some(number),
        }
    }

    /// Adds to the body of a request that streams it. False where nobody takes it any more, or too much would wait: see
    /// [`FetchEvents::on_room`].
    pub fn write(&self, fetch: u64, data: impl AsRef<[u8]>) -> bool {
        let data = data.as_ref();
        unsafe { ((*self.table).write)(self.core, fetch, pointer(data), data.len()) }
    }

    pub fn finish(&self, fetch: u64) {
        unsafe { ((*self.table).finish)(self.core, fetch) }
    }

    pub fn more(&self, fetch: u64) {
        unsafe { ((*self.table).more)(self.core, fetch) }
    }

    pub fn cancel(&self, fetch: u64) -> bool {
        unsafe { ((*self.table).cancel)(self.core, fetch) }
    }
}

unsafe fn tell<R>(data: *mut c_void, hook: &str, fallback: R, call: impl FnOnce(&mut dyn FetchEvents) -> R) -> R {
    let running = data.cast::<Running>();
    unsafe {
        let events: *mut dyn FetchEvents = &mut *(*running).events;
        (*running).is_busy = true;
        let result = guard((*running).core, std::ptr::null(), hook, fallback, || call(&mut *events));
        (*running).is_busy = false;
        if let Some(failure) = (*running).failure {
            end(running, failure);
        }
        result
    }
}

unsafe fn end(running: *mut Running, failure: i32) {
    let Running { core, mut events, .. } = *unsafe { Box::from_raw(running) };
    unsafe {
        guard(core, std::ptr::null(), "on_over", (), move || {
            events.on_over(failure);
            drop(events);
        })
    };
}

unsafe extern "C" fn head(data: *mut c_void, status: i32, fields: *const flexilib_pair, count: usize) {
    let headers: Vec<(Text, Text)> = (0..count)
        .map(|i| unsafe { (Text::lent((*fields.add(i)).name), Text::lent((*fields.add(i)).value)) })
        .collect();
    unsafe { tell(data, "on_head", (), |events| events.on_head(status, &headers)) };
}

unsafe extern "C" fn body(data: *mut c_void, piece: *const c_char, length: usize) -> bool {
    let piece = unsafe { Text::from_parts(piece, length) };
    unsafe { tell(data, "on_body", true, |events| events.on_body(&piece)) }
}

unsafe extern "C" fn room(data: *mut c_void) {
    unsafe { tell(data, "on_room", (), |events| events.on_room()) };
}

unsafe extern "C" fn over(data: *mut c_void, failure: i32) {
    let running = data.cast::<Running>();
    unsafe {
        if (*running).is_busy {
            (*running).failure = Some(failure);
        } else {
            end(running, failure);
        }
    }
}

/// Collects a response, with which it ends a pause.
struct Whole {
    resumer: Resumer,
    limit_bytes: usize,
    response: FetchResponse,
}

impl FetchEvents for Whole {
    fn on_head(&mut self, status: i32, headers: &[(Text, Text)]) {
        self.response.status = status;
        self.response.headers = headers.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
    }

    fn on_body(&mut self, piece: &[u8]) -> bool {
        let room = self.limit_bytes - self.response.body.len();
        self.response.is_cut |= piece.len() > room;
        self.response.body.extend_from_slice(&piece[..piece.len().min(room)]);
        true
    }

    fn on_over(&mut self, failure: i32) {
        self.response.failure = failure;
        self.resumer.resume(std::mem::take(&mut self.response));
    }
}

//! Things that happen later, on the loop thread: `flexilib/ext/timer.h`.

use crate::guard::guard;
use crate::raw::{ext::flexilib_timer, flexilib_core};
use crate::{Answer, Exchange, Refusal, Setup};
use std::cell::RefCell;
use std::collections::HashMap;
use std::os::raw::c_void;
use std::rc::{Rc, Weak};
use std::time::Duration;

pub struct Timer(Rc<Inner>);

struct Inner {
    core: *const flexilib_core,
    table: *const flexilib_timer,
    entries: RefCell<HashMap<u64, Box<Entry>>>,
}

struct Entry {
    timer: Weak<Inner>,
    number: u64,
    repeats: bool,
    call: Option<Call>, // None while it runs
}

type Call = Box<dyn FnMut(&Timer, u64)>;

impl Timer {
    pub fn new(setup: &Setup) -> Result<Timer, Refusal> {
        let table = setup.extension("flexilib.timer/1\0")?;
        Ok(Timer(Rc::new(Inner { core: setup.core, table, entries: RefCell::default() })))
    }

    /// `return self.timer.pause(exchange, delay)`: `on_resume` is called with an empty outcome.
    pub fn pause(&self, exchange: &mut Exchange, delay: Duration) -> Answer {
        unsafe { ((*self.0.table).resume_after)(self.0.core, exchange.ticket(), in_ms(delay)) };
        Answer::Pause
    }

    /// Calls it after `delay`, and then each `repeat` where that is not zero, with this and the timer's number, which is
    /// returned too.
    pub fn start(&self, delay: Duration, repeat: Duration, call: impl FnMut(&Timer, u64) + 'static) -> u64 {
        let call: Call = Box::new(call);
        let timer = Rc::downgrade(&self.0);
        let mut entry = Box::new(Entry { timer, number: 0, repeats: !repeat.is_zero(), call: Some(call) });
        let data = (&mut *entry as *mut Entry).cast();
        let start = unsafe { (*self.0.table).start };
        entry.number = unsafe { start(self.0.core, in_ms(delay), in_ms(repeat), on_time, data) };
        let number = entry.number;
        self.0.entries.borrow_mut().insert(number, entry);
        number
    }

    /// False where it has ended. Also from within the call.
    pub fn stop(&self, number: u64) -> bool {
        let entry = self.0.entries.borrow_mut().remove(&number);
        drop(entry);
        unsafe { ((*self.0.table).stop)(self.0.core, number) }
    }

    /// Since some moment in the past.
    pub fn now(&self) -> Duration {
        Duration::from_millis(unsafe { ((*self.0.table).now_ms)() })
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for number in self.entries.take().keys() {
            unsafe { ((*self.table).stop)(self.core, *number) };
        }
    }
}

/// Rounded up, since 0 is no short time but none at all.
pub(crate) fn in_ms(time: Duration) -> u64 {
    let ms = (time.as_nanos() + 999_999) / 1_000_000;
    ms.try_into().unwrap_or(u64::MAX)
}

/// The call may stop its own timer, and start others.
unsafe extern "C" fn on_time(_filter: *mut c_void, data: *mut c_void) {
    let entry = unsafe { &mut *data.cast::<Entry>() };
    let (number, repeats) = (entry.number, entry.repeats);
    let (timer, mut call) = match (entry.timer.upgrade(), entry.call.take()) {
        (Some(inner), Some(call)) => (Timer(inner), call),
        _ => return,
    };
    unsafe { guard(timer.0.core, std::ptr::null(), "a timer", (), || call(&timer, number)) };
    let mut entries = timer.0.entries.borrow_mut();
    if !repeats {
        entries.remove(&number);
    } else if let Some(entry) = entries.get_mut(&number) {
        entry.call = Some(call);
    }
}

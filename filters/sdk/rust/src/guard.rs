//! Where panics end. What would have been printed goes to FlexiLib's log, with the filter's name and the request's id.

use crate::raw::{flexilib_core, flexilib_exchange};
use crate::text::pointer;
use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, Location};
use std::sync::Once;

thread_local! {
    /// Some while code of a filter runs here: what the last panic said, or nothing yet.
    static CAUGHT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Has panics of guarded code remembered instead of printed. All others are printed as before.
fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let is_kept = CAUGHT
                .try_with(|caught| keep(&mut caught.borrow_mut(), info.location(), info.payload()))
                .unwrap_or(false);
            if !is_kept {
                before(info);
            }
        }));
    });
}

fn keep(caught: &mut Option<String>, place: Option<&Location<'_>>, payload: &(dyn Any + Send)) -> bool {
    if let Some(text) = caught {
        let place = place.map_or(String::new(), |place| format!(" at {}:{}", place.file(), place.line()));
        *text = format!("has panicked{place}: {}", message(payload));
    }
    caught.is_some()
}

fn message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("something that is no text")
}

/// Runs code of a filter's. Err says what it panicked with.
pub(crate) fn catch<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    install_hook();
    let outer = CAUGHT.with(|caught| caught.replace(Some(String::new())));
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    let text = CAUGHT.with(|caught| caught.replace(outer)).unwrap_or_default();
    result.map_err(|payload| {
        let said = if text.is_empty() { format!("has panicked: {}", message(payload.as_ref())) } else { text };
        // The payload may panic again where it is dropped.
        if let Err(again) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(again);
        }
        said
    })
}

/// The same in a hook: a panic is logged and gives `failure`.
///
/// The core, and the exchange where it is not null, must be there.
pub(crate) unsafe fn guard<T>(
    core: *const flexilib_core,
    exchange: *const flexilib_exchange,
    place: &str,
    failure: T,
    call: impl FnOnce() -> T,
) -> T {
    catch(call).unwrap_or_else(|said| {
        unsafe { log(core, exchange, crate::Level::Error, format!("{place} {said}").as_bytes()) };
        failure
    })
}

pub(crate) unsafe fn log(
    core: *const flexilib_core,
    exchange: *const flexilib_exchange,
    level: crate::Level,
    line: &[u8],
) {
    unsafe { ((*core).log)(core, exchange, level as i32, pointer(line), line.len()) }
}

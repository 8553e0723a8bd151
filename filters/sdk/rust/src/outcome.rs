//! What ends a pause: a [`Resumer`], which any thread may use, and the [`Outcome`] that it hands to `on_resume`.

use crate::guard::catch;
use crate::link::Link;
use std::any::Any;
use std::os::raw::c_void;
use std::sync::Arc;

/// A value on its way, or what the work that should have made it panicked with.
pub(crate) type Parcel = Result<Box<dyn Any + Send>, String>;

/// Ends the pause of the hook that made it, from any thread. What comes second, or too late, is dropped.
#[derive(Clone)]
pub struct Resumer {
    link: Arc<Link>,
    ticket: u64,
}

impl Resumer {
    pub(crate) fn new(link: &Arc<Link>, ticket: u64) -> Resumer {
        Resumer { link: Arc::clone(link), ticket }
    }

    /// Has `on_resume` called with that value.
    pub fn resume<T: Send + 'static>(&self, value: T) {
        self.send(Ok(Box::new(value)));
    }

    /// Works, here and now, and has `on_resume` called with what the work returns. Where it panics, taking the outcome
    /// does so.
    pub fn resume_with<T: Send + 'static>(&self, work: impl FnOnce() -> T) {
        self.send(catch(work).map(|value| Box::new(value) as Box<dyn Any + Send>));
    }

    fn send(&self, parcel: Parcel) {
        self.link.with(|core| {
            let parcel = Box::into_raw(Box::new(parcel)).cast();
            unsafe { ((*core).resume)(core, self.ticket, parcel, Some(drop_parcel)) }
        });
    }
}

unsafe extern "C" fn drop_parcel(parcel: *mut c_void) {
    let parcel = unsafe { Box::from_raw(parcel.cast::<Parcel>()) };
    let _ = catch(|| drop(parcel));
}

/// What `on_resume` is given.
pub struct Outcome(Option<Parcel>);

impl Outcome {
    /// A pointer that `resume` was given, or null.
    pub(crate) unsafe fn from_raw(parcel: *mut c_void) -> Outcome {
        if parcel.is_null() {
            return Outcome(None);
        }
        Outcome(Some(*unsafe { Box::from_raw(parcel.cast::<Parcel>()) }))
    }

    /// Whether there is nothing, as after a timer.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The value. Panics, which fails the hook, where it is of another type, or where the work has panicked.
    pub fn take<T: 'static>(self) -> T {
        match self.try_take() {
            Ok(value) => value,
            Err(Outcome(Some(Err(said)))) => panic!("the work {said}"),
            Err(_) => panic!("the outcome of the pause is no {}", std::any::type_name::<T>()),
        }
    }

    /// The value, or the outcome again where it is no such value.
    pub fn try_take<T: 'static>(self) -> Result<T, Outcome> {
        match self.0 {
            Some(Ok(value)) => value.downcast::<T>().map(|value| *value).map_err(|value| Outcome(Some(Ok(value)))),
            other => Err(Outcome(other)),
        }
    }
}

//! Work that takes long, on FlexiLib's pool: `flexilib/ext/offload.h`.

use crate::guard::catch;
use crate::outcome::Parcel;
use crate::raw::{ext::flexilib_offload, flexilib_core};
use crate::{Answer, Exchange, Refusal, Setup};
use std::os::raw::c_void;

pub struct Offload {
    core: *const flexilib_core,
    table: *const flexilib_offload,
}

/// A parcel that is filled on the pool. It begins as what comes out where nothing was done, and holds the work.
type Work = Box<dyn FnOnce() -> Parcel + Send>;

impl Offload {
    pub fn new(setup: &Setup) -> Result<Offload, Refusal> {
        Ok(Offload { core: setup.core, table: setup.extension("flexilib.offload/1\0")? })
    }

    /// `return self.offload.run(exchange, || something_that_takes_long())`: pauses; `on_resume` takes what the work
    /// returned. Fails where the pool's queue is full.
    pub fn run<T: Send + 'static>(&self, exchange: &mut Exchange, work: impl FnOnce() -> T + Send + 'static) -> Answer {
        let work: Work = Box::new(|| catch(work).map(|value| Box::new(value) as _));
        let parcel: Parcel = Ok(Box::new(work));
        let data = Box::into_raw(Box::new(parcel)).cast();
        if unsafe { ((*self.table).run)(self.core, exchange.ticket(), work_on, data, drop_work) } {
            return Answer::Pause;
        }
        unsafe { drop_work(data) };
        Answer::Fail
    }
}

unsafe extern "C" fn work_on(data: *mut c_void) {
    let parcel = unsafe { &mut *data.cast::<Parcel>() };
    let work = std::mem::replace(parcel, Err("has not been done".to_string()));
    if let Ok(Ok(work)) = work.map(|work| work.downcast::<Work>()) {
        *parcel = work();
    }
}

unsafe extern "C" fn drop_work(data: *mut c_void) {
    let parcel = unsafe { Box::from_raw(data.cast::<Parcel>()) };
    let _ = catch(|| drop(parcel));
}

//! The way from anywhere to the core, which ends when the filter does: who is late finds that there is nothing to call.

use crate::raw::flexilib_core;
use std::sync::{Arc, PoisonError, RwLock};

pub(crate) struct Link(RwLock<*const flexilib_core>);

// The pointer is used for calls only that any thread may make.
unsafe impl Send for Link {}
unsafe impl Sync for Link {}

impl Link {
    pub(crate) fn new(core: *const flexilib_core) -> Arc<Link> {
        Arc::new(Link(RwLock::new(core)))
    }

    /// Calls with the core, which stays there meanwhile; None where the filter has ended.
    pub(crate) fn with<T>(&self, call: impl FnOnce(*const flexilib_core) -> T) -> Option<T> {
        let core = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if core.is_null() {
            None
        } else {
            Some(call(*core))
        }
    }

    pub(crate) fn cut(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = std::ptr::null();
    }
}

//! The structs of `flexilib/ext/*.h`, likewise.

use super::{flexilib_core, flexilib_exchange, flexilib_pair, flexilib_text};
use std::os::raw::{c_char, c_void};

pub enum flexilib_dictionary_name {}
pub enum flexilib_metric {}
pub enum flexilib_series {}

type bytes = *const c_char;
type key = *const flexilib_dictionary_name;
type core = *const flexilib_core;
type work = unsafe extern "C" fn(*mut c_void);

#[repr(C)]
pub struct flexilib_timer {
    pub size: usize,
    pub resume_after: unsafe extern "C" fn(core, u64, u64),
    pub start: unsafe extern "C" fn(core, u64, u64, unsafe extern "C" fn(*mut c_void, *mut c_void), *mut c_void) -> u64,
    pub stop: unsafe extern "C" fn(core, u64) -> bool,
    pub now_ms: unsafe extern "C" fn() -> u64,
}

#[repr(C)]
pub struct flexilib_offload {
    pub size: usize,
    pub run: unsafe extern "C" fn(core, u64, work, *mut c_void, work) -> bool,
    pub run_for_filter: unsafe extern "C" fn(
        core,
        work,
        unsafe extern "C" fn(*mut c_void, *mut c_void),
        *mut c_void,
        Option<work>,
    ) -> bool,
}

#[repr(C)]
pub struct flexilib_fetch_request {
    pub size: usize,
    pub upstream: flexilib_text,
    pub method: flexilib_text,
    pub authority: flexilib_text,
    pub path: flexilib_text,
    pub fields: *const flexilib_pair,
    pub field_count: usize,
    pub body: flexilib_text,
    pub streams_body: bool,
    pub timeout_ms: u64,
}

#[repr(C)]
pub struct flexilib_fetch_events {
    pub size: usize,
    pub on_head: Option<unsafe extern "C" fn(*mut c_void, i32, *const flexilib_pair, usize)>,
    pub on_body: Option<unsafe extern "C" fn(*mut c_void, bytes, usize) -> bool>,
    pub on_over: Option<unsafe extern "C" fn(*mut c_void, i32)>,
    pub on_room: Option<unsafe extern "C" fn(*mut c_void)>,
}

#[repr(C)]
pub struct flexilib_fetch {
    pub size: usize,
    pub start: unsafe extern "C" fn(
        core,
        *mut flexilib_exchange,
        *const flexilib_fetch_request,
        *const flexilib_fetch_events,
        *mut c_void,
    ) -> u64,
    pub write: unsafe extern "C" fn(core, u64, bytes, usize) -> bool,
    pub finish: unsafe extern "C" fn(core, u64),
    pub more: unsafe extern "C" fn(core, u64),
    pub cancel: unsafe extern "C" fn(core, u64) -> bool,
}

#[repr(C)]
pub struct flexilib_dictionary {
    pub size: usize,
    pub open: unsafe extern "C" fn(core, bytes, usize) -> key,
    pub get: unsafe extern "C" fn(key, bytes, usize, *mut c_void, usize, *mut usize) -> bool,
    pub set: unsafe extern "C" fn(key, bytes, usize, *const c_void, usize, u64) -> bool,
    pub add: unsafe extern "C" fn(key, bytes, usize, *const c_void, usize, u64) -> bool,
    pub replace: unsafe extern "C" fn(key, bytes, usize, *const c_void, usize, *const c_void, usize, u64) -> bool,
    pub increment: unsafe extern "C" fn(key, bytes, usize, i64, u64, *mut i64) -> bool,
    pub remove: unsafe extern "C" fn(key, bytes, usize) -> bool,
}

#[repr(C)]
pub struct flexilib_metric_declaration {
    pub kind: i32,
    pub name: flexilib_text,
    pub help: flexilib_text,
    pub labels: *const flexilib_text,
    pub label_count: usize,
    pub buckets: *const f64,
    pub bucket_count: usize,
    pub most_series: usize,
}

#[repr(C)]
pub struct flexilib_metrics {
    pub size: usize,
    pub declare: unsafe extern "C" fn(core, *const flexilib_metric_declaration) -> *const flexilib_metric,
    pub series: unsafe extern "C" fn(*const flexilib_metric, *const flexilib_text) -> *const flexilib_series,
    pub add: unsafe extern "C" fn(*const flexilib_series, f64),
    pub set: unsafe extern "C" fn(*const flexilib_series, f64),
    pub observe: unsafe extern "C" fn(*const flexilib_series, f64),
}

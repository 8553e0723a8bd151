//! The structs of `flexilib/filter.h` as they are in memory, under the names that they have there. A test compares each
//! offset with C's.

#![allow(non_camel_case_types)]

use std::os::raw::{c_char, c_void};

pub const ABI_MAJOR: u16 = 0;
pub const ABI_MINOR: u16 = 9;

pub type flexilib_answer = i32;
pub type flexilib_half = i32;
pub type flexilib_level = i32;
pub type flexilib_option_type = i32;
pub type flexilib_tls_fact = i32;

pub enum flexilib_exchange {}
pub enum flexilib_template {}
pub enum flexilib_regex {}
pub enum flexilib_ranges {}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct flexilib_text {
    pub data: *const c_char,
    pub length: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct flexilib_option {
    pub name: *const c_char,
    pub r#type: flexilib_option_type,
    pub required: bool,
    pub fallback: *const c_char,
    pub minimum: i64,
    pub maximum: i64,
    pub summary: *const c_char,
    pub choices: *const *const c_char,
    pub fields: *const flexilib_option,
    pub field_count: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct flexilib_pair {
    pub name: flexilib_text,
    pub value: flexilib_text,
}

#[repr(C)]
pub struct flexilib_node {
    pub kind: i32,
    pub line: i32,
    pub text: flexilib_text,
    pub names: *const flexilib_text,
    pub items: *const flexilib_node,
    pub count: usize,
}

#[repr(C)]
pub struct flexilib_value {
    pub present: bool,
    pub boolean: bool,
    pub integer: i64,
    pub text: flexilib_text,
    pub list: *const flexilib_text,
    pub map: *const flexilib_pair,
    pub count: usize,
    pub number: f64,
    pub regex: *const flexilib_regex,
    pub expansion: *const flexilib_template,
    pub ranges: *const flexilib_ranges,
    pub values: *const flexilib_value,
    pub node: *const flexilib_node,
}

type ex = *const flexilib_exchange;
type ex_mut = *mut flexilib_exchange;
type bytes = *const c_char;
type get_text = unsafe extern "C" fn(ex) -> flexilib_text;
type set_text = unsafe extern "C" fn(ex_mut, bytes, usize) -> bool;
type set_field = unsafe extern "C" fn(ex_mut, flexilib_half, bytes, usize, bytes, usize) -> bool;
type release = unsafe extern "C" fn(*mut c_void);

#[repr(C)]
pub struct flexilib_core {
    pub size: usize,
    pub log: unsafe extern "C" fn(*const flexilib_core, ex, flexilib_level, bytes, usize),
    pub refuse: unsafe extern "C" fn(*const flexilib_core, i32, bytes, usize),
    pub method: get_text,
    pub set_method: set_text,
    pub scheme: get_text,
    pub authority: get_text,
    pub set_authority: set_text,
    pub path: get_text,
    pub set_path: set_text,
    pub query: get_text,
    pub set_query: set_text,
    pub status: unsafe extern "C" fn(ex) -> i32,
    pub set_status: unsafe extern "C" fn(ex_mut, i32) -> bool,
    pub header_count: unsafe extern "C" fn(ex, flexilib_half) -> usize,
    pub header_at: unsafe extern "C" fn(ex, flexilib_half, usize, *mut flexilib_pair) -> bool,
    pub header: unsafe extern "C" fn(ex, flexilib_half, bytes, usize, *mut flexilib_text) -> bool,
    pub set_header: set_field,
    pub add_header: set_field,
    pub remove_header: unsafe extern "C" fn(ex_mut, flexilib_half, bytes, usize) -> usize,
    pub peer_address: get_text,
    pub peer_port: unsafe extern "C" fn(ex) -> u16,
    pub route: get_text,
    pub request_id: get_text,
    pub allocate: unsafe extern "C" fn(ex_mut, usize) -> *mut c_void,
    pub state: unsafe extern "C" fn(ex) -> *mut c_void,
    pub set_state: unsafe extern "C" fn(ex_mut, *mut c_void),
    pub reply: unsafe extern "C" fn(ex_mut, i32, bytes, usize, bytes, usize) -> bool,
    pub pass: unsafe extern "C" fn(ex_mut) -> bool,
    pub write: set_text,
    pub ticket: unsafe extern "C" fn(ex_mut) -> u64,
    pub resume: unsafe extern "C" fn(*const flexilib_core, u64, *mut c_void, Option<release>),
    pub extension: unsafe extern "C" fn(*const flexilib_core, bytes) -> *const c_void,
    pub tls: unsafe extern "C" fn(ex, flexilib_tls_fact, *mut flexilib_text) -> bool,
    pub trace_id: get_text,
    pub set_attribute: unsafe extern "C" fn(ex_mut, bytes, usize, bytes, usize) -> bool,
    pub attribute: unsafe extern "C" fn(ex, bytes, usize, *mut flexilib_text) -> bool,
    pub expand: unsafe extern "C" fn(ex_mut, *const flexilib_template) -> flexilib_text,
    pub r#match: unsafe extern "C" fn(*const flexilib_regex, bytes, usize, usize, *mut flexilib_text, usize) -> usize,
    pub in_ranges: unsafe extern "C" fn(*const flexilib_ranges, bytes, usize) -> bool,
    pub set_scheme: set_text,
    pub set_upstream: set_text,
    pub collect: unsafe extern "C" fn(ex_mut, flexilib_half, u64) -> bool,
    pub hold_head: unsafe extern "C" fn(ex_mut, flexilib_half) -> bool,
    pub decode: unsafe extern "C" fn(ex_mut, flexilib_half) -> bool,
    pub reply_lent: unsafe extern "C" fn(ex_mut, i32, bytes, usize, bytes, usize, release, *mut c_void) -> bool,
    pub reply_stream: unsafe extern "C" fn(ex_mut, i32, bytes, usize) -> bool,
    pub end_reply: unsafe extern "C" fn(ex_mut) -> bool,
    pub defer_ready: unsafe extern "C" fn(*const flexilib_core),
    pub set_ready: unsafe extern "C" fn(*const flexilib_core, bytes, usize),
    pub refuse_value: unsafe extern "C" fn(*const flexilib_core, *const flexilib_value, bytes, usize),
    pub skip_body: unsafe extern "C" fn(ex_mut, flexilib_half) -> bool,
}

pub type create = unsafe extern "C" fn(*const flexilib_core, *const flexilib_value, *mut *mut c_void) -> bool;
pub type head_hook = unsafe extern "C" fn(*mut c_void, ex_mut) -> flexilib_answer;
pub type body_hook = unsafe extern "C" fn(*mut c_void, ex_mut, bytes, usize, bool) -> flexilib_answer;

#[repr(C)]
pub struct flexilib_filter {
    pub name: *const c_char,
    pub summary: *const c_char,
    pub version: *const c_char,
    pub options: *const flexilib_option,
    pub option_count: usize,
    pub create: Option<create>,
    pub destroy: Option<release>,
    pub on_request_head: Option<head_hook>,
    pub on_request_body: Option<body_hook>,
    pub on_response_head: Option<head_hook>,
    pub on_response_body: Option<body_hook>,
    pub on_resume: Option<unsafe extern "C" fn(*mut c_void, ex_mut, *mut c_void) -> flexilib_answer>,
    pub on_end: Option<unsafe extern "C" fn(*mut c_void, ex_mut)>,
    pub flags: u32,
    pub on_reply_body: Option<head_hook>,
    pub quiesce: Option<unsafe extern "C" fn(*mut c_void) -> bool>,
    pub wake: Option<release>,
}

#[repr(C)]
pub struct flexilib_library {
    pub abi_major: u16,
    pub abi_minor: u16,
    pub size: u32,
    pub filter_size: u32,
    pub option_size: u32,
    pub value_size: u32,
    pub filter_count: u32,
    pub filters: *const flexilib_filter,
}

// Constants, whose pointers lead to constants.
unsafe impl Sync for flexilib_library {}
unsafe impl Sync for flexilib_filter {}
unsafe impl Sync for flexilib_option {}

pub mod ext;

//! The constants that a library exports, and the functions in them. Used by what [`library!`](crate::library) makes.

use crate::guard::{catch, guard};
use crate::link::Link;
use crate::raw::{body_hook, flexilib_option};
use crate::raw::{flexilib_answer, flexilib_core, flexilib_exchange, flexilib_filter, flexilib_value};
use crate::text::Text;
use crate::{Answer, Exchange, Filter, Outcome, Refusal, RequestBody, ResponseBody, Setup};
use std::marker::PhantomData;
use std::os::raw::{c_char, c_void};
use std::sync::Arc;

/// Makes the constant `flexilib_library`: a line for each filter, with its name, what it is, its version, and its type.
///
/// ```ignore
/// flexilib::library! {
///     "answer", "answers by itself", "1.0" => Greeter,
/// }
/// ```
#[macro_export]
macro_rules! library {
    ($($name:literal, $summary:literal, $version:literal => $filter:ty),+ $(,)?) => {
        #[no_mangle]
        #[allow(non_upper_case_globals)]
        pub static flexilib_library: $crate::raw::flexilib_library = {
            #[allow(unused_imports)]
            use $crate::table::{NoRequestBody, NoResponseBody, Bodies};
            const FILTERS: &[$crate::raw::flexilib_filter] = &[$($crate::table::entry::<$filter>(
                concat!($name, "\0"),
                concat!($summary, "\0"),
                concat!($version, "\0"),
                Bodies::<$filter>::REQUEST,
                Bodies::<$filter>::RESPONSE,
            )),+];
            $crate::table::library(FILTERS)
        };
    };
}

pub const fn library(filters: &'static [flexilib_filter]) -> crate::raw::flexilib_library {
    crate::raw::flexilib_library {
        abi_major: crate::raw::ABI_MAJOR,
        abi_minor: crate::raw::ABI_MINOR,
        size: std::mem::size_of::<crate::raw::flexilib_library>() as u32,
        filter_size: std::mem::size_of::<flexilib_filter>() as u32,
        option_size: std::mem::size_of::<flexilib_option>() as u32,
        value_size: std::mem::size_of::<flexilib_value>() as u32,
        filter_count: filters.len() as u32,
        filters: filters.as_ptr(),
    }
}

/// Texts end with NUL.
pub const fn entry<F: Filter>(
    name: &'static str,
    summary: &'static str,
    version: &'static str,
    on_request_body: Option<body_hook>,
    on_response_body: Option<body_hook>,
) -> flexilib_filter {
    flexilib_filter {
        name: name.as_ptr().cast(),
        summary: summary.as_ptr().cast(),
        version: version.as_ptr().cast(),
        options: F::OPTIONS.as_ptr().cast(),
        option_count: F::OPTIONS.len(),
        create: Some(create::<F>),
        destroy: Some(destroy::<F>),
        on_request_head: Some(request_head::<F>),
        on_request_body,
        on_response_head: Some(response_head::<F>),
        on_response_body,
        on_resume: Some(resume::<F>),
        on_end: Some(end::<F>),
        flags: F::MODE.flags,
        on_reply_body: Some(reply_body::<F>),
        quiesce: if F::MODE.is_exclusive() { Some(quiesce::<F>) } else { None },
        wake: if F::MODE.is_exclusive() { Some(wake::<F>) } else { None },
    }
}

/// An array of choices, which a constant may hold.
pub struct Choices<const N: usize>(pub [*const c_char; N]);

unsafe impl<const N: usize> Sync for Choices<N> {}

/// The body hooks that a filter has: the constants of its own where it has the trait, else those of the traits below,
/// which only count where it has none.
pub struct Bodies<F>(PhantomData<F>);

pub trait NoRequestBody {
    const REQUEST: Option<body_hook> = None;
}
pub trait NoResponseBody {
    const RESPONSE: Option<body_hook> = None;
}
impl<F> NoRequestBody for Bodies<F> {}
impl<F> NoResponseBody for Bodies<F> {}

impl<F: RequestBody> Bodies<F> {
    pub const REQUEST: Option<body_hook> = Some(request_body::<F>);
}
impl<F: ResponseBody> Bodies<F> {
    pub const RESPONSE: Option<body_hook> = Some(response_body::<F>);
}

/// What `filter` points to in the hooks.
struct Use<F> {
    core: *const flexilib_core,
    link: Arc<Link>,
    filter: F,
}

unsafe extern "C" fn create<F: Filter>(
    core: *const flexilib_core,
    values: *const flexilib_value,
    filter: *mut *mut c_void,
) -> bool {
    let link = Link::new(core);
    let setup = unsafe { Setup::new(core, &link, F::OPTIONS, values) };
    let made = catch(|| F::create(&setup)).unwrap_or_else(|said| Err(Refusal::new(format!("create {said}"))));
    match made {
        Ok(made) => {
            unsafe { *filter = Box::into_raw(Box::new(Use { core, link, filter: made })).cast() };
            true
        }
        Err(refusal) => {
            unsafe { refusal.tell(&setup) };
            link.cut();
            false
        }
    }
}

unsafe extern "C" fn destroy<F: Filter>(filter: *mut c_void) {
    let Use { core, link, filter } = *unsafe { Box::from_raw(filter.cast::<Use<F>>()) };
    unsafe { guard(core, std::ptr::null(), "drop", (), || drop(filter)) };
    link.cut();
}

/// Calls a hook with what it is given.
unsafe fn run<F: Filter>(
    filter: *mut c_void,
    exchange: *mut flexilib_exchange,
    hook: &str,
    call: impl FnOnce(&F, &mut Exchange) -> Answer,
) -> flexilib_answer {
    let used = unsafe { &*filter.cast::<Use<F>>() };
    let mut seen = unsafe { Exchange::new(used.core, exchange, &used.link) };
    let answer = unsafe { guard(used.core, exchange, hook, Answer::Fail, || call(&used.filter, &mut seen)) };
    answer as flexilib_answer
}

unsafe extern "C" fn request_head<F: Filter>(filter: *mut c_void, exchange: *mut flexilib_exchange) -> flexilib_answer {
    unsafe { run(filter, exchange, "on_request_head", |filter: &F, exchange| filter.on_request_head(exchange)) }
}

unsafe extern "C" fn response_head<F: Filter>(
    filter: *mut c_void,
    exchange: *mut flexilib_exchange,
) -> flexilib_answer {
    unsafe { run(filter, exchange, "on_response_head", |filter: &F, exchange| filter.on_response_head(exchange)) }
}

unsafe extern "C" fn reply_body<F: Filter>(filter: *mut c_void, exchange: *mut flexilib_exchange) -> flexilib_answer {
    unsafe {
        run(filter, exchange, "on_reply_body", |filter: &F, exchange| {
            exchange.ask_for_reply(|exchange| filter.on_reply_body(exchange))
        })
    }
}

unsafe extern "C" fn request_body<F: RequestBody>(
    filter: *mut c_void,
    exchange: *mut flexilib_exchange,
    data: *const c_char,
    length: usize,
    last: bool,
) -> flexilib_answer {
    let piece = unsafe { Text::from_parts(data, length) };
    unsafe {
        run(filter, exchange, "on_request_body", |filter: &F, exchange| filter.on_request_body(exchange, &piece, last))
    }
}

unsafe extern "C" fn response_body<F: ResponseBody>(
    filter: *mut c_void,
    exchange: *mut flexilib_exchange,
    data: *const c_char,
    length: usize,
    last: bool,
) -> flexilib_answer {
    let piece = unsafe { Text::from_parts(data, length) };
    unsafe {
        run(filter, exchange, "on_response_body", |filter: &F, exchange| {
            filter.on_response_body(exchange, &piece, last)
        })
    }
}

unsafe extern "C" fn resume<F: Filter>(
    filter: *mut c_void,
    exchange: *mut flexilib_exchange,
    result: *mut c_void,
) -> flexilib_answer {
    let outcome = unsafe { Outcome::from_raw(result) };
    unsafe { run(filter, exchange, "on_resume", |filter: &F, exchange| filter.on_resume(exchange, outcome)) }
}

unsafe extern "C" fn end<F: Filter>(filter: *mut c_void, exchange: *mut flexilib_exchange) {
    unsafe {
        run(filter, exchange, "on_end", |filter: &F, exchange| {
            filter.on_end(exchange);
            Answer::Continue
        });
        run(filter, exchange, "drop of the state", |_: &F, exchange| {
            exchange.drop_state();
            Answer::Continue
        });
    }
}

unsafe extern "C" fn quiesce<F: Filter>(filter: *mut c_void) -> bool {
    let used = unsafe { &*filter.cast::<Use<F>>() };
    unsafe { guard(used.core, std::ptr::null(), "quiesce", false, || used.filter.quiesce()) }
}

unsafe extern "C" fn wake<F: Filter>(filter: *mut c_void) {
    let used = unsafe { &*filter.cast::<Use<F>>() };
    unsafe { guard(used.core, std::ptr::null(), "wake", (), || used.filter.wake()) }
}

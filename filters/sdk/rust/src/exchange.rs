//! One request and its response, as a hook sees it.

use crate::guard;
use crate::link::Link;
use crate::outcome::Resumer;
use crate::raw::{flexilib_core, flexilib_exchange, flexilib_pair, flexilib_text};
use crate::text::{pointer, raw_text, Text};
use crate::Template;
use std::any::Any;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::os::raw::c_void;
use std::sync::Arc;

/// What a hook answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Answer {
    Continue = 0,
    Pause = 1,
    Reply = 2,
    Fail = 3,
}

/// How serious a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Level {
    Debug = 0,
    Info = 1,
    Warning = 2,
    Error = 3,
}

/// Lives as long as the call that was given it. Calls that return false have changed nothing, and said why in the log.
pub struct Exchange<'a> {
    core: *const flexilib_core,
    exchange: *mut flexilib_exchange,
    link: &'a Arc<Link>,
    has_written: bool,
}

/// What is kept of an exchange from one hook to the next.
#[derive(Default)]
struct Kept {
    state: Option<Box<dyn Any>>,
    /// `on_reply_body` has paused before there was anything.
    owes_reply: bool,
}

macro_rules! texts {
    ($($(#[$about:meta])* $get:ident $($set:ident)?;)*) => {
        $($(#[$about])* pub fn $get(&self) -> Text<'a> {
            unsafe { Text::lent(((*self.core).$get)(self.exchange)) }
        }
        $(pub fn $set(&mut self, text: impl AsRef<[u8]>) -> bool {
            let text = text.as_ref();
            unsafe { ((*self.core).$set)(self.exchange, pointer(text), text.len()) }
        })?)*
    };
}

impl<'a> Exchange<'a> {
    /// Core, exchange and link have to be there for as long as the lifetime says.
    pub(crate) unsafe fn new(
        core: *const flexilib_core,
        exchange: *mut flexilib_exchange,
        link: &'a Arc<Link>,
    ) -> Self {
        Exchange { core, exchange, link, has_written: false }
    }

    texts! {
        method set_method;
        scheme set_scheme;
        authority set_authority;
        /// In canonical form, "/" at least.
        path set_path;
        /// Without its "?".
        query set_query;
        peer_address;
        route;
        request_id;
        trace_id;
    }

    /// Chooses the upstream of that name in place of the route's.
    pub fn set_upstream(&mut self, name: impl AsRef<[u8]>) -> bool {
        let name = name.as_ref();
        unsafe { ((*self.core).set_upstream)(self.exchange, pointer(name), name.len()) }
    }

    /// 0 before there is a response.
    pub fn status(&self) -> i32 {
        unsafe { ((*self.core).status)(self.exchange) }
    }

    pub fn set_status(&mut self, status: i32) -> bool {
        unsafe { ((*self.core).set_status)(self.exchange, status) }
    }

    pub fn peer_port(&self) -> u16 {
        unsafe { ((*self.core).peer_port)(self.exchange) }
    }

    /// A fact about the client's TLS, by its number in filter.h.
    pub fn tls(&self, fact: i32) -> Option<Text<'a>> {
        self.find(|value| unsafe { ((*self.core).tls)(self.exchange, fact, value) })
    }

    pub fn attribute(&self, name: impl AsRef<[u8]>) -> Option<Text<'a>> {
        let name = name.as_ref();
        self.find(|value| unsafe { ((*self.core).attribute)(self.exchange, pointer(name), name.len(), value) })
    }

    pub fn set_attribute(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> bool {
        let (name, value) = (name.as_ref(), value.as_ref());
        let set = unsafe { (*self.core).set_attribute };
        unsafe { set(self.exchange, pointer(name), name.len(), pointer(value), value.len()) }
    }

    /// What the template says for this exchange now.
    pub fn expand(&mut self, expansion: &Template) -> Text<'a> {
        unsafe { Text::lent(((*self.core).expand)(self.exchange, expansion.raw())) }
    }

    pub fn request(&mut self) -> Half<'_, 'a> {
        Half { exchange: self, half: 0 }
    }

    pub fn response(&mut self) -> Half<'_, 'a> {
        Half { exchange: self, half: 1 }
    }

    /// The filter's own value for this exchange: made when it is first asked for, dropped when the exchange ends. It is
    /// always the same type that has to be asked for.
    pub fn state<T: Default + Send + 'static>(&self) -> &'a RefCell<T> {
        let kept = self.keep();
        let is_there = unsafe { (*kept).state.is_some() };
        if !is_there {
            let made: Box<dyn Any> = Box::new(RefCell::new(T::default()));
            unsafe { (*kept).state = Some(made) };
        }
        let state: Option<&'a dyn Any> = unsafe { (*kept).state.as_deref() };
        state.and_then(|state| state.downcast_ref()).expect("the state of an exchange has one type")
    }

    /// Null where nothing is kept.
    fn kept(&self) -> *mut Kept {
        unsafe { ((*self.core).state)(self.exchange) }.cast()
    }

    fn keep(&self) -> *mut Kept {
        let mut kept = self.kept();
        if kept.is_null() {
            kept = Box::into_raw(Box::new(Kept::default()));
            unsafe { ((*self.core).set_state)(self.exchange, kept.cast()) };
        }
        kept
    }

    /// Ends what `state` has made.
    pub(crate) fn drop_state(&mut self) {
        let kept = self.kept();
        if !kept.is_null() {
            drop(unsafe { Box::from_raw(kept) });
        }
    }

    /// Has the filter asked for more of its reply, and notes where it pauses with nothing.
    pub(crate) fn ask_for_reply(&mut self, ask: impl FnOnce(&mut Self) -> Answer) -> Answer {
        self.has_written = false;
        let answer = ask(self);
        if answer == Answer::Pause && !self.has_written {
            unsafe { (*self.keep()).owes_reply = true };
        }
        answer
    }

    /// Whether the pause that has ended was such a one.
    pub(crate) fn takes_owed_reply(&mut self) -> bool {
        let kept = self.kept();
        !kept.is_null() && std::mem::take(unsafe { &mut (*kept).owes_reply })
    }

    /// Sets the whole response, which is copied: `return exchange.reply(404, "text/plain", "not here\n")`.
    pub fn reply(&mut self, status: i32, content_type: &str, body: impl AsRef<[u8]>) -> Answer {
        let (kind, body) = (content_type.as_bytes(), body.as_ref());
        let reply = unsafe { (*self.core).reply };
        when(unsafe { reply(self.exchange, status, pointer(kind), kind.len(), pointer(body), body.len()) })
    }

    /// The same for a long body, which is kept and not copied.
    pub fn reply_owned(&mut self, status: i32, content_type: &str, body: Vec<u8>) -> Answer {
        unsafe extern "C" fn release(body: *mut c_void) {
            drop(unsafe { Box::from_raw(body.cast::<Vec<u8>>()) });
        }
        let kind = content_type.as_bytes();
        let (data, length) = (pointer(&body), body.len());
        let kept = Box::into_raw(Box::new(body)).cast();
        let lend = unsafe { (*self.core).reply_lent };
        when(unsafe { lend(self.exchange, status, pointer(kind), kind.len(), data, length, release, kept) })
    }

    /// The same for a body that `on_reply_body` writes by and by.
    pub fn reply_stream(&mut self, status: i32, content_type: &str) -> Answer {
        let kind = content_type.as_bytes();
        when(unsafe { ((*self.core).reply_stream)(self.exchange, status, pointer(kind), kind.len()) })
    }

    /// In `on_reply_body`: that was all.
    pub fn end_reply(&mut self) -> bool {
        self.has_written = true;
        unsafe { ((*self.core).end_reply)(self.exchange) }
    }

    /// In a body hook: sends on what it was given.
    pub fn pass(&mut self) -> bool {
        unsafe { ((*self.core).pass)(self.exchange) }
    }

    /// In a body hook: sends on bytes of its own.
    pub fn write(&mut self, data: impl AsRef<[u8]>) -> bool {
        let data = data.as_ref();
        self.has_written = self.has_written || !data.is_empty();
        unsafe { ((*self.core).write)(self.exchange, pointer(data), data.len()) }
    }

    /// Ends the pause that this hook is about to ask for by [`Answer::Pause`].
    pub fn resumer(&mut self) -> Resumer {
        Resumer::new(self.link, self.ticket())
    }

    pub(crate) fn ticket(&mut self) -> u64 {
        unsafe { ((*self.core).ticket)(self.exchange) }
    }

    pub fn log(&self, level: Level, line: impl AsRef<[u8]>) {
        unsafe { guard::log(self.core, self.exchange, level, line.as_ref()) }
    }

    pub(crate) fn raw(&mut self) -> *mut flexilib_exchange {
        self.exchange
    }

    fn find(&self, ask: impl FnOnce(*mut flexilib_text) -> bool) -> Option<Text<'a>> {
        let mut value = MaybeUninit::uninit();
        if ask(value.as_mut_ptr()) {
            Some(unsafe { Text::lent(value.assume_init()) })
        } else {
            None
        }
    }
}

fn when(is_set: bool) -> Answer {
    if is_set {
        Answer::Reply
    } else {
        Answer::Fail
    }
}

/// One half of an exchange.
pub struct Half<'e, 'a> {
    exchange: &'e mut Exchange<'a>,
    half: i32,
}

impl<'a> Half<'_, 'a> {
    /// The value of the first field of that name.
    pub fn header(&self, name: impl AsRef<[u8]>) -> Option<Text<'a>> {
        let name = name.as_ref();
        let (core, exchange) = (self.exchange.core, self.exchange.exchange);
        self.exchange.find(|value| unsafe { ((*core).header)(exchange, self.half, pointer(name), name.len(), value) })
    }

    /// Replaces all fields of that name by one, or adds it.
    pub fn set_header(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> bool {
        let (name, value) = (raw_text(name.as_ref()), raw_text(value.as_ref()));
        let set = unsafe { (*self.exchange.core).set_header };
        unsafe { set(self.exchange.exchange, self.half, name.data, name.length, value.data, value.length) }
    }

    pub fn add_header(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> bool {
        let (name, value) = (raw_text(name.as_ref()), raw_text(value.as_ref()));
        let add = unsafe { (*self.exchange.core).add_header };
        unsafe { add(self.exchange.exchange, self.half, name.data, name.length, value.data, value.length) }
    }

    /// Removes all fields of that name, and says how many there were.
    pub fn remove_header(&mut self, name: impl AsRef<[u8]>) -> usize {
        let name = name.as_ref();
        unsafe { ((*self.exchange.core).remove_header)(self.exchange.exchange, self.half, pointer(name), name.len()) }
    }

    /// All fields, in order.
    pub fn headers(&self) -> Headers<'_, 'a> {
        Headers {
            core: self.exchange.core,
            exchange: self.exchange.exchange,
            half: self.half,
            index: 0,
            life: PhantomData,
        }
    }

    /// In the head hook: one call of the body hook, with the whole body; the head is held till then.
    pub fn collect(&mut self, limit_bytes: u64) -> bool {
        unsafe { ((*self.exchange.core).collect)(self.exchange.exchange, self.half, limit_bytes) }
    }

    /// In the head hook: the head stays changeable until the body hook has passed or written something.
    pub fn hold_head(&mut self) -> bool {
        unsafe { ((*self.exchange.core).hold_head)(self.exchange.exchange, self.half) }
    }

    /// In the head hook: the body comes without its Content-Encoding.
    pub fn decode(&mut self) -> bool {
        unsafe { ((*self.exchange.core).decode)(self.exchange.exchange, self.half) }
    }

    /// In the head hook: the body is none of the filter's business.
    pub fn skip_body(&mut self) -> bool {
        unsafe { ((*self.exchange.core).skip_body)(self.exchange.exchange, self.half) }
    }
}

/// The fields of a half, as pairs of name and value.
pub struct Headers<'h, 'a> {
    core: *const flexilib_core,
    exchange: *const flexilib_exchange,
    half: i32,
    index: usize,
    life: PhantomData<(&'h (), &'a ())>,
}

impl<'a> Iterator for Headers<'_, 'a> {
    type Item = (Text<'a>, Text<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let mut field = MaybeUninit::<flexilib_pair>::uninit();
        if !unsafe { ((*self.core).header_at)(self.exchange, self.half, self.index, field.as_mut_ptr()) } {
            return None;
        }
        self.index += 1;
        let field = unsafe { field.assume_init() };
        Some(unsafe { (Text::lent(field.name), Text::lent(field.value)) })
    }
}

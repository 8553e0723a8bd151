//! Options: how a filter declares what it takes, and how `create` reads what it was given.

use crate::link::Link;
use crate::raw::{self, flexilib_core, flexilib_option, flexilib_text, flexilib_value};
use crate::text::{pointer, Text};
use std::ffi::CStr;
use std::marker::PhantomData;
use std::ops::{Index, RangeInclusive};
use std::os::raw::{c_char, c_void};
use std::slice;
use std::sync::Arc;
use std::time::Duration;

/// One option that a filter takes, made by [`option!`](crate::option).
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct OptionSpec(flexilib_option);

/// Declares an option: its name, its type as filter.h calls it, a line for the manual, and what else is known of it.
///
/// ```
/// use flexilib::{option, OptionSpec};
/// const RULE: &[OptionSpec] = &[option!("weight", integer, "how much it counts", between = 1..=9, fallback = "1")];
/// const OPTIONS: &[OptionSpec] = &[
///     option!("greeting", text, "what is said", fallback = "Hello"),
///     option!("colour", choice, "of the text", required, choices = ["red", "green"]),
///     option!("rule", table, "what is done", fields = RULE),
/// ];
/// ```
///
/// Types: bool, integer, number, duration, size, text, secret, file, directory, upstream, list, map, choice, regex,
/// template, ranges, table, list_of, map_of, any. The one field of a list_of and map_of has the name "".
#[macro_export]
macro_rules! option {
    (@with $spec:expr) => { $spec };
    (@with $spec:expr, required $(, $($rest:tt)+)?) => {
        $crate::option!(@with $spec.required() $(, $($rest)+)?)
    };
    (@with $spec:expr, between = $range:expr $(, $($rest:tt)+)?) => {
        $crate::option!(@with $spec.between($range) $(, $($rest)+)?)
    };
    (@with $spec:expr, fallback = $value:literal $(, $($rest:tt)+)?) => {
        $crate::option!(@with $spec.fallback(concat!($value, "\0")) $(, $($rest)+)?)
    };
    (@with $spec:expr, choices = [$($choice:literal),+] $(, $($rest:tt)+)?) => {
        $crate::option!(@with $spec.choices({
            const CHOICES: &$crate::table::Choices<{ [$($choice),+].len() + 1 }> =
                &$crate::table::Choices([$(concat!($choice, "\0").as_ptr().cast(),)+ std::ptr::null()]);
            &CHOICES.0
        }) $(, $($rest)+)?)
    };
    (@with $spec:expr, fields = $fields:expr $(, $($rest:tt)+)?) => {
        $crate::option!(@with $spec.fields($fields) $(, $($rest)+)?)
    };
    ($name:literal, $kind:ident, $summary:literal $(, $($rest:tt)+)?) => {
        $crate::option!(
            @with $crate::OptionSpec::new(concat!($name, "\0"), $crate::OptionSpec::$kind, concat!($summary, "\0"))
            $(, $($rest)+)?
        )
    };
}

#[allow(non_upper_case_globals)]
#[doc(hidden)]
impl OptionSpec {
    pub const bool: i32 = 1;
    pub const integer: i32 = 2;
    pub const duration: i32 = 3;
    pub const size: i32 = 4;
    pub const text: i32 = 5;
    pub const list: i32 = 6;
    pub const map: i32 = 7;
    pub const secret: i32 = 8;
    pub const file: i32 = 9;
    pub const number: i32 = 10;
    pub const choice: i32 = 11;
    pub const regex: i32 = 12;
    pub const template: i32 = 13;
    pub const upstream: i32 = 14;
    pub const ranges: i32 = 15;
    pub const directory: i32 = 16;
    pub const table: i32 = 17;
    pub const list_of: i32 = 18;
    pub const map_of: i32 = 19;
    pub const any: i32 = 20;

    /// Texts end with NUL, as `option!` has it.
    pub const fn new(name: &'static str, kind: i32, summary: &'static str) -> OptionSpec {
        OptionSpec(flexilib_option {
            name: if name.len() == 1 { std::ptr::null() } else { name.as_ptr().cast() },
            r#type: kind,
            required: false,
            fallback: std::ptr::null(),
            minimum: 0,
            maximum: 0,
            summary: summary.as_ptr().cast(),
            choices: std::ptr::null(),
            fields: std::ptr::null(),
            field_count: 0,
        })
    }

    pub const fn required(mut self) -> OptionSpec {
        self.0.required = true;
        self
    }

    pub const fn between(mut self, range: RangeInclusive<i64>) -> OptionSpec {
        self.0.minimum = *range.start();
        self.0.maximum = *range.end();
        self
    }

    pub const fn fallback(mut self, value: &'static str) -> OptionSpec {
        self.0.fallback = value.as_ptr().cast();
        self
    }

    pub const fn choices(mut self, choices: &'static [*const c_char]) -> OptionSpec {
        self.0.choices = choices.as_ptr();
        self
    }

    pub const fn fields(mut self, fields: &'static [OptionSpec]) -> OptionSpec {
        self.0.fields = fields.as_ptr().cast();
        self.0.field_count = fields.len();
        self
    }
}

/// Why `create` gives up: a sentence, lower case, no full stop. FlexiLib shows it with the place in the file.
#[derive(Debug)]
pub struct Refusal {
    sentence: String,
    at: Place,
}

#[derive(Debug)]
enum Place {
    Step,
    Value(*const flexilib_value),
}

impl Refusal {
    /// About all of what the filter was given.
    pub fn new(sentence: impl Into<String>) -> Refusal {
        Refusal { sentence: sentence.into(), at: Place::Step }
    }

    pub(crate) unsafe fn tell(&self, setup: &Setup) {
        let sentence = self.sentence.as_bytes();
        let (core, text, length) = (setup.core, pointer(sentence), sentence.len());
        match self.at {
            Place::Step => unsafe { ((*core).refuse)(core, -1, text, length) },
            Place::Value(value) => match setup.values.iter().position(|own| own.value == value) {
                Some(index) => unsafe { ((*core).refuse)(core, index as i32, text, length) },
                None => unsafe { ((*core).refuse_value)(core, value, text, length) },
            },
        }
    }
}

impl From<String> for Refusal {
    fn from(sentence: String) -> Refusal {
        Refusal::new(sentence)
    }
}

impl From<&str> for Refusal {
    fn from(sentence: &str) -> Refusal {
        Refusal::new(sentence)
    }
}

/// What `create` is given: the core, and the options by their names.
pub struct Setup {
    pub(crate) core: *const flexilib_core,
    pub(crate) link: Arc<Link>,
    values: Vec<Value>,
}

impl Setup {
    /// What the core has given to create, for as long as that runs.
    pub(crate) unsafe fn new(
        core: *const flexilib_core,
        link: &Arc<Link>,
        options: &'static [OptionSpec],
        values: *const flexilib_value,
    ) -> Setup {
        let values = (0..options.len())
            .map(|i| Value { link: Arc::clone(link), option: &options[i].0, value: unsafe { values.add(i) } })
            .collect();
        Setup { core, link: Arc::clone(link), values }
    }

    /// Something has to be done before requests can be served: the worker waits for `set_ready` of what this returns.
    pub fn defer_ready(&self) -> Readiness {
        unsafe { ((*self.core).defer_ready)(self.core) };
        Readiness(Arc::clone(&self.link))
    }

    pub(crate) fn extension<T>(&self, id: &'static str) -> Result<*const T, Refusal> {
        debug_assert!(id.ends_with('\0'));
        let table: *const c_void = unsafe { ((*self.core).extension)(self.core, id.as_ptr().cast()) };
        if table.is_null() {
            return Err(format!("this FlexiLib has no {} for it", id.trim_end_matches('\0')).into());
        }
        Ok(table.cast())
    }
}

impl Index<&str> for Setup {
    type Output = Value;
    fn index(&self, name: &str) -> &Value {
        let found = self.values.iter().find(|value| value.name() == Some(name));
        found.unwrap_or_else(|| panic!("there is no option '{name}'"))
    }
}

/// Says when a filter that has put it off is ready. From any thread.
#[derive(Clone)]
pub struct Readiness(Arc<Link>);

impl Readiness {
    pub fn set_ready(&self) {
        self.0.with(|core| unsafe { ((*core).set_ready)(core, std::ptr::null(), 0) });
    }

    /// It will never be ready: the configuration is refused, for that reason.
    pub fn fail(&self, sentence: &str) {
        let text = sentence.as_bytes();
        self.0.with(|core| unsafe { ((*core).set_ready)(core, pointer(text), text.len()) });
    }
}

/// What stands in the configuration for one option, or for a part of one.
pub struct Value {
    link: Arc<Link>,
    option: *const flexilib_option,
    value: *const flexilib_value,
}

impl Value {
    fn name(&self) -> Option<&'static str> {
        let name = unsafe { (*self.option).name };
        if name.is_null() {
            return None;
        }
        unsafe { CStr::from_ptr(name) }.to_str().ok()
    }

    fn raw(&self) -> &flexilib_value {
        unsafe { &*self.value }
    }

    fn part(&self, option: *const flexilib_option, index: usize) -> Value {
        Value { link: Arc::clone(&self.link), option, value: unsafe { self.raw().values.add(index) } }
    }

    /// Whether it was written, or has a fallback.
    pub fn is_present(&self) -> bool {
        self.raw().present
    }

    pub fn boolean(&self) -> bool {
        self.raw().boolean
    }

    /// A number; of a size bytes, of a choice its index.
    pub fn integer(&self) -> i64 {
        self.raw().integer
    }

    pub fn number(&self) -> f64 {
        self.raw().number
    }

    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.raw().integer.max(0) as u64)
    }

    /// A text, secret, choice, the name of an upstream, a folder's path, or a file's content.
    pub fn text(&self) -> Text<'_> {
        unsafe { Text::lent(self.raw().text) }
    }

    /// Of a list its texts, of a map_of its names.
    pub fn list(&self) -> Vec<Text<'_>> {
        let (items, count) = (self.raw().list, self.raw().count);
        (0..count).map(|i| unsafe { Text::lent(*items.add(i)) }).collect()
    }

    pub fn map(&self) -> Vec<(Text<'_>, Text<'_>)> {
        let (items, count) = (self.raw().map, self.raw().count);
        (0..count).map(|i| unsafe { (Text::lent((*items.add(i)).name), Text::lent((*items.add(i)).value)) }).collect()
    }

    pub fn regex(&self) -> Regex {
        Regex { link: Arc::clone(&self.link), regex: self.raw().regex }
    }

    pub fn ranges(&self) -> Ranges {
        Ranges { link: Arc::clone(&self.link), ranges: self.raw().ranges }
    }

    pub fn template(&self) -> Template {
        assert!(!self.raw().present || !self.raw().expansion.is_null(), "the option is no template");
        Template(self.raw().expansion)
    }

    /// Of a list_of or map_of: each value.
    pub fn items(&self) -> Vec<Value> {
        (0..self.raw().count).map(|i| self.part(unsafe { (*self.option).fields }, i)).collect()
    }

    /// Of a table: the value of one of its keys.
    pub fn field(&self, name: &str) -> Value {
        let (fields, count) = unsafe { ((*self.option).fields, (*self.option).field_count) };
        (0..count)
            .map(|i| self.part(unsafe { fields.add(i) }, i))
            .find(|value| value.name() == Some(name))
            .unwrap_or_else(|| panic!("there is no option '{name}'"))
    }

    /// Whatever stands there.
    pub fn node(&self) -> Node<'_> {
        Node { node: self.raw().node, life: PhantomData }
    }

    /// `return Err(setup["greeting"].refuse("a greeting has no digits"))`
    pub fn refuse(&self, sentence: impl Into<String>) -> Refusal {
        Refusal { sentence: sentence.into(), at: Place::Value(self.value) }
    }
}

/// A text with placeholders, for [`Exchange::expand`](crate::Exchange::expand). It stays with the filter that has it.
pub struct Template(*const raw::flexilib_template);

impl Template {
    pub(crate) fn raw(&self) -> *const raw::flexilib_template {
        self.0
    }
}

// It is a constant, and read only where there is an exchange.
unsafe impl Send for Template {}
unsafe impl Sync for Template {}

/// A compiled regular expression.
pub struct Regex {
    link: Arc<Link>,
    regex: *const raw::flexilib_regex,
}

unsafe impl Send for Regex {}
unsafe impl Sync for Regex {}

const MOST_GROUPS: usize = 32;

impl Regex {
    /// The groups of the first match from that byte on, the whole match first; None where nothing matches.
    pub fn find<'t>(&self, text: &'t [u8], from: usize) -> Option<Vec<Option<&'t [u8]>>> {
        let mut groups = [flexilib_text { data: std::ptr::null(), length: 0 }; MOST_GROUPS];
        let count = self.link.with(|core| unsafe {
            ((*core).r#match)(self.regex, pointer(text), text.len(), from, groups.as_mut_ptr(), MOST_GROUPS)
        })?;
        if count == 0 {
            return None;
        }
        Some(groups[..count.min(MOST_GROUPS)].iter().map(part_of).collect())
    }
}

/// A part of a text that the core has found; the caller says whose.
fn part_of<'t>(text: &flexilib_text) -> Option<&'t [u8]> {
    if text.data.is_null() {
        return None;
    }
    Some(unsafe { slice::from_raw_parts(text.data.cast(), text.length) })
}

/// Addresses and networks.
pub struct Ranges {
    link: Arc<Link>,
    ranges: *const raw::flexilib_ranges,
}

unsafe impl Send for Ranges {}
unsafe impl Sync for Ranges {}

impl Ranges {
    pub fn contain(&self, address: impl AsRef<[u8]>) -> bool {
        let address = address.as_ref();
        let call =
            |core: *const flexilib_core| unsafe { ((*core).in_ranges)(self.ranges, pointer(address), address.len()) };
        self.link.with(call).unwrap_or(false)
    }
}

/// A piece of YAML.
#[derive(Clone, Copy)]
pub struct Node<'v> {
    node: *const raw::flexilib_node,
    life: PhantomData<&'v ()>,
}

impl<'v> Node<'v> {
    fn raw(&self) -> &'v raw::flexilib_node {
        unsafe { &*self.node }
    }

    pub fn is_null(&self) -> bool {
        self.raw().kind == 0
    }

    /// Its line in the file.
    pub fn line(&self) -> i32 {
        self.raw().line
    }

    pub fn scalar(&self) -> Option<Text<'v>> {
        (self.raw().kind == 1).then(|| unsafe { Text::lent(self.raw().text) })
    }

    pub fn list(&self) -> Option<Vec<Node<'v>>> {
        (self.raw().kind == 2).then(|| self.items())
    }

    pub fn map(&self) -> Option<Vec<(Text<'v>, Node<'v>)>> {
        let name = |i| unsafe { Text::lent(*self.raw().names.add(i)) };
        (self.raw().kind == 3).then(|| self.items().into_iter().enumerate().map(|(i, item)| (name(i), item)).collect())
    }

    fn items(&self) -> Vec<Node<'v>> {
        (0..self.raw().count).map(|i| Node { node: unsafe { self.raw().items.add(i) }, life: PhantomData }).collect()
    }
}

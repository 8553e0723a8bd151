//! Texts of the contract: bytes that are mostly readable.

use crate::raw::flexilib_text;
use std::fmt;
use std::ops::Deref;
use std::os::raw::c_char;
use std::slice;
use std::str::{self, Utf8Error};

/// Bytes that FlexiLib has lent for as long as the hook runs. They are compared with texts as they are, and printed with
/// what is no UTF-8 replaced.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    pub fn to_str(self) -> Result<&'a str, Utf8Error> {
        str::from_utf8(self.0)
    }

    /// What `raw` points to has to stay for as long as the caller's lifetime says.
    pub(crate) unsafe fn lent(raw: flexilib_text) -> Text<'a> {
        unsafe { Text::from_parts(raw.data, raw.length) }
    }

    pub(crate) unsafe fn from_parts(data: *const c_char, length: usize) -> Text<'a> {
        if length == 0 {
            return Text(&[]);
        }
        Text(unsafe { slice::from_raw_parts(data.cast(), length) })
    }
}

impl Deref for Text<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.0
    }
}

impl AsRef<[u8]> for Text<'_> {
    fn as_ref(&self) -> &[u8] {
        self.0
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        String::from_utf8_lossy(self.0).fmt(formatter)
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        String::from_utf8_lossy(self.0).fmt(formatter)
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

/// A text that is passed to the core, which copies it.
pub(crate) fn raw_text(bytes: &[u8]) -> flexilib_text {
    flexilib_text { data: pointer(bytes), length: bytes.len() }
}

pub(crate) fn pointer(bytes: &[u8]) -> *const c_char {
    bytes.as_ptr().cast()
}

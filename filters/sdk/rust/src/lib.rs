//! FlexiLib's filter contract for Rust; std only. A filter is a type with the trait [`Filter`]: `create` makes it, its
//! `Drop` is destroy, and its methods are the hooks. [`library!`] makes the constant that FlexiLib looks for. A panic in
//! a hook is caught, logged with its place, and counts as [`Answer::Fail`].
//!
//! Everything else is as `flexilib/filter.h` says, which stays the reference: threads, lifetimes, what may be called
//! when. What the types here forbid would be wrong there too: an [`Exchange`] cannot leave its hook, and only what may be
//! used by any thread can be sent to one.

#![deny(unsafe_op_in_unsafe_fn)]

mod exchange;
mod fetch;
mod filter;
mod guard;
mod link;
mod offload;
mod options;
mod outcome;
#[doc(hidden)]
pub mod raw;
mod shared;
#[doc(hidden)]
pub mod table;
mod text;
mod threads;
mod timer;

pub use exchange::{Answer, Exchange, Half, Level};
pub use fetch::{Fetch, FetchEvents, FetchRequest, FetchResponse};
pub use filter::{Filter, Mode, RequestBody, ResponseBody};
pub use offload::Offload;
pub use options::{Node, OptionSpec, Ranges, Readiness, Refusal, Regex, Setup, Template, Value};
pub use outcome::{Outcome, Resumer};
pub use shared::{Dictionary, Metric, MetricKind, Series};
pub use text::Text;
pub use threads::Threads;
pub use timer::Timer;

//! Go's `text/template`: what Helm charts are written in. It knows nothing of charts.
//!
//! [`Templates`] are parsed once and shared between threads; a [`Run`] executes them with values of its own thread.
//! Strings are bytes, maps are shared and changed in place, numbers keep Go's kinds. A run is limited in depth, steps
//! and output, and what it gives depends on its arguments alone.

mod builtin;
mod call;
mod error;
pub mod format;
pub mod functions;
mod list;
mod map;
mod object;
mod run;
mod text;
mod types;
mod value;

pub use self::call::{Body, Fault, Function, Functions, Limit};
pub use self::error::GoTemplateError;
pub use self::list::List;
pub use self::map::{Map, Snapshot};
pub use self::object::{Object, downcast};
pub use self::run::Run;
pub use self::text::Str;
pub use self::types::{Kind, Type};
pub use self::value::{DEEPEST, Value};

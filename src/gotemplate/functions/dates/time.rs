//! A time, as Go's `time.Time`.

use crate::gotemplate::Object;

/// A time.
#[derive(Clone, Debug, PartialEq)]
pub struct Time {
    /// Seconds since 1970.
    pub seconds: i64,
    /// Nanoseconds of the second.
    pub nanos: u32,
}

impl Time {
    /// As in JSON.
    pub fn rfc3339(&self) -> String {
        String::new()
    }
}

impl Object for Time {
    fn type_name(&self) -> &'static str {
        "time.Time"
    }
}

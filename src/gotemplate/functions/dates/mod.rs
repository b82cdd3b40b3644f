//! Times and durations.

mod time;

pub use self::time::Time;

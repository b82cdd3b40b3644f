//! Times and durations.

mod time;

pub use self::time::Time;

/// Year, month and day of a day since 1970.
pub(in crate::gotemplate::functions) fn civil(day: i64) -> (i64, u32, u32) {
    let _ = day;
    (0, 0, 0)
}

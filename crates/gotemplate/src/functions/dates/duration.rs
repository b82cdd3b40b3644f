//! Durations: Go's `time.Duration`.

use std::rc::Rc;

use super::parse::quote;
use crate::functions::arguments::any;
use crate::{Fault, Function, Kind, Object, Str, Type, Value, downcast};

/// A duration, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Duration(pub i64);

/// Nanoseconds of a second.
pub(super) const SECOND: i64 = 1_000_000_000;

const UNITS: &[(&str, i64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3600 * SECOND),
];

impl Duration {
    /// As a value.
    pub fn value(self) -> Value {
        Value::Object(Rc::new(self))
    }

    /// Reads such a text as `1h30m` (Go: `time.ParseDuration`).
    pub fn parse(text: &str) -> Result<Self, String> {
        let invalid = || format!("time: invalid duration {}", quote(text));
        let (negative, mut rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut sum = 0u64;
        while !rest.is_empty() {
            let (nanos, after) = part(rest, text)?.ok_or_else(invalid)?;
            sum = sum.checked_add(nanos).filter(|sum| *sum <= 1 << 63).ok_or_else(invalid)?;
            rest = after;
        }
        let nanos = if negative { -i128::from(sum) } else { i128::from(sum) };
        i64::try_from(nanos).map(Self).map_err(|_| invalid())
    }

    /// So many seconds, or units of `unit` nanoseconds.
    #[allow(clippy::cast_precision_loss, reason = "as Go divides: whole units and what is left")]
    fn in_units(self, unit: i64) -> f64 {
        (self.0 / unit) as f64 + (self.0 % unit) as f64 / unit as f64
    }

    /// In seconds.
    pub fn seconds(self) -> f64 {
        self.in_units(SECOND)
    }

    /// In minutes.
    pub fn minutes(self) -> f64 {
        self.in_units(60 * SECOND)
    }

    /// In hours.
    pub fn hours(self) -> f64 {
        self.in_units(3600 * SECOND)
    }

    /// The nearest multiple of another one, half away from zero.
    pub fn round(self, to: Self) -> Self {
        if to.0 <= 0 {
            return self;
        }
        let rest = self.0 % to.0;
        let near = rest.unsigned_abs() < to.0.unsigned_abs() - rest.unsigned_abs();
        let down = self.0 - rest;
        Self(match near {
            true => down,
            false if self.0 < 0 => down.checked_sub(to.0).unwrap_or(i64::MIN),
            false => down.checked_add(to.0).unwrap_or(i64::MAX),
        })
    }

    /// The multiple of another one towards zero.
    pub fn truncate(self, to: Self) -> Self {
        if to.0 <= 0 { self } else { Self(self.0 - self.0 % to.0) }
    }
}

/// A number with its unit, in nanoseconds, and what follows; `None` where there is none.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as Go does")]
fn part<'t>(rest: &'t str, text: &str) -> Result<Option<(u64, &'t str)>, String> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (whole, after) = rest.split_at(digits(rest));
    let (fraction, after) = match after.strip_prefix('.') {
        Some(after) => after.split_at(digits(after)),
        None => ("", after),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Ok(None);
    }
    let (unit, after) = after.split_at(after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len()));
    if unit.is_empty() {
        return Err(format!("time: missing unit in duration {}", quote(text)));
    }
    let known = UNITS.iter().find(|(name, _)| *name == unit);
    let (_, size) = known.ok_or_else(|| format!("time: unknown unit {} in duration {}", quote(unit), quote(text)))?;
    let size = size.unsigned_abs();
    let number = if whole.is_empty() { Some(0) } else { whole.parse::<u64>().ok() };
    let Some(mut nanos) = number.and_then(|it| it.checked_mul(size)).filter(|it| *it <= 1 << 63) else {
        return Ok(None);
    };
    if !fraction.is_empty() {
        let (digits, scale) = fraction_of(fraction);
        nanos += (digits as f64 * (size as f64 / scale)) as u64;
    }
    Ok(Some((nanos, after)))
}

/// The digits behind a point as a number, and what it is divided by; those that fit 63 bits count.
fn fraction_of(digits: &str) -> (u64, f64) {
    let mut number = 0u64;
    let mut scale = 1.0;
    for digit in digits.bytes().map(|byte| u64::from(byte - b'0')) {
        if number > i64::MAX.unsigned_abs() / 10 || number * 10 + digit > 1 << 63 {
            break;
        }
        number = number * 10 + digit;
        scale *= 10.0;
    }
    (number, scale)
}

impl std::fmt::Display for Duration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let size = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let fraction = |size: u64, unit: u64| {
            let digits = format!("{:09}", size % unit * (1_000_000_000 / unit));
            let digits = digits.trim_end_matches('0');
            if digits.is_empty() { format!("{}", size / unit) } else { format!("{}.{digits}", size / unit) }
        };
        match size {
            0 => f.write_str("0s"),
            1..1_000 => write!(f, "{sign}{size}ns"),
            1_000..1_000_000 => write!(f, "{sign}{}\u{b5}s", fraction(size, 1_000)),
            1_000_000..1_000_000_000 => write!(f, "{sign}{}ms", fraction(size, 1_000_000)),
            _ => {
                let hours = size / 3_600_000_000_000;
                let minutes = size / 60_000_000_000 % 60;
                f.write_str(sign)?;
                if hours > 0 {
                    write!(f, "{hours}h")?;
                }
                if hours > 0 || minutes > 0 {
                    write!(f, "{minutes}m")?;
                }
                write!(f, "{}s", fraction(size % 60_000_000_000, 1_000_000_000))
            }
        }
    }
}

const OTHER: &[Type] = &[Type::Named("time.Duration")];

static METHODS: &[Function] = &[
    Function::new("Hours", &[], |_, args| Ok(of(args, 0)?.hours().into())),
    Function::new("Minutes", &[], |_, args| Ok(of(args, 0)?.minutes().into())),
    Function::new("Seconds", &[], |_, args| Ok(of(args, 0)?.seconds().into())),
    Function::new("Milliseconds", &[], |_, args| Ok(Value::Int64(of(args, 0)?.0 / 1_000_000))),
    Function::new("Microseconds", &[], |_, args| Ok(Value::Int64(of(args, 0)?.0 / 1_000))),
    Function::new("Nanoseconds", &[], |_, args| Ok(Value::Int64(of(args, 0)?.0))),
    Function::new("Round", OTHER, |_, args| Ok(of(args, 0)?.round(of(args, 1)?).value())),
    Function::new("Truncate", OTHER, |_, args| Ok(of(args, 0)?.truncate(of(args, 1)?).value())),
    Function::new("Abs", &[], |_, args| Ok(Duration(of(args, 0)?.0.saturating_abs()).value())),
    Function::new("String", &[], |_, args| Ok(of(args, 0)?.to_string().into())),
];

/// The duration at a position.
pub(super) fn of(args: &[Value], at: usize) -> Result<Duration, Fault> {
    downcast(any(args, at)?).copied().ok_or_else(Fault::signature)
}

impl Object for Duration {
    fn type_name(&self) -> &'static str {
        "time.Duration"
    }

    fn kind(&self) -> Kind {
        Kind::Int64
    }

    fn methods(&self) -> &'static [Function] {
        METHODS
    }

    fn text(&self) -> Option<Str> {
        Some(self.to_string().into())
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::Int64(self.0))
    }

    fn same(&self, other: &dyn Object) -> bool {
        (other as &dyn std::any::Any).downcast_ref() == Some(self)
    }
}

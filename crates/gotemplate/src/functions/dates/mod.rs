//! Times and durations: sprig's `date.go`, and what Helm has of its own for durations.

mod civil;
mod duration;
mod format;
mod layout;
mod parse;
mod time;
mod zone;

pub(super) use self::civil::civil;
use self::duration::{Duration, SECOND};
pub use self::time::Time;
use self::time::of;
use self::zone::Zone;
use super::arguments::{any, text};
use super::host::{self, Chance};
use super::numbers::truncated;
use super::strconv;
use super::strings::trimmed;
use crate::{Fault, Function, Run, Str, Type, Value, downcast};
use weft_base::tree::reads;

const A: Type = Type::Any;
const S: Type = Type::Str;
const T: Type = Type::Named("time.Time");

/// The functions of this module.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("now", &[], |run, _| Ok(clock(run)?.clone().value())),
    Function::new("ago", &[A], ago),
    Function::new("date", &[S, A], |run, args| written(run, text(args, 0)?, any(args, 1)?, "Local")),
    Function::new("dateInZone", &[S, A, S], in_zone),
    Function::new("date_in_zone", &[S, A, S], in_zone),
    Function::new("htmlDate", &[A], |run, args| written(run, HTML, any(args, 0)?, "Local")),
    Function::new("htmlDateInZone", &[A, S], |run, args| written(run, HTML, any(args, 0)?, &text(args, 1)?.lossy())),
    Function::new("dateModify", &[S, T], modify),
    Function::new("date_modify", &[S, T], modify),
    Function::new("mustDateModify", &[S, T], must_modify),
    Function::new("must_date_modify", &[S, T], must_modify),
    Function::new("toDate", &[S, S], |_, args| Ok(to_date(args)?.unwrap_or_else(|_| Time::zero()).value())),
    Function::new("mustToDate", &[S, S], |_, args| Ok(to_date(args)??.value())),
    Function::new("unixEpoch", &[T], |_, args| Ok(of(args, 0)?.seconds.to_string().into())),
    Function::new("duration", &[A], |_, args| Ok(seconds(any(args, 0)?).to_string().into())),
    Function::new("durationRound", &[A], |run, args| rounded(run, any(args, 0)?)),
    Function::new("mustToDuration", &[A], |_, args| Ok(to_duration(any(args, 0)?)?.value())),
    Function::new("durationSeconds", &[A], |_, args| float(args, Duration::seconds)),
    Function::new("durationMinutes", &[A], |_, args| float(args, Duration::minutes)),
    Function::new("durationHours", &[A], |_, args| float(args, Duration::hours)),
    Function::new("durationDays", &[A], |_, args| float(args, |it| it.hours() / 24.0)),
    Function::new("durationWeeks", &[A], |_, args| float(args, |it| it.hours() / 24.0 / 7.0)),
    Function::new("durationMilliseconds", &[A], |_, args| whole(args, 1_000_000)),
    Function::new("durationMicroseconds", &[A], |_, args| whole(args, 1_000)),
    Function::new("durationNanoseconds", &[A], |_, args| whole(args, 1)),
    Function::new("durationRoundTo", &[A, A], |_, args| to_multiple(args, Duration::round)),
    Function::new("durationTruncateTo", &[A, A], |_, args| to_multiple(args, Duration::truncate)),
];

const HTML: &[u8] = b"2006-01-02";

/// The time of this run.
fn clock<'e>(run: &Run<'e>) -> Result<&'e Time, Fault> {
    reads::function("now");
    Ok(&host::of(run)?.now)
}

/// The moment that a value is: a time, or seconds since 1970; now, for anything else.
fn moment(run: &Run<'_>, value: &Value) -> Result<Time, Fault> {
    Ok(match value {
        Value::Int(seconds) | Value::Int64(seconds) => Time::utc(*seconds, 0),
        other => match downcast::<Time>(other) {
            Some(time) => time.clone(),
            None => clock(run)?.clone(),
        },
    })
}

fn written(run: &Run<'_>, layout: &[u8], value: &Value, zone: &str) -> Result<Value, Fault> {
    let zone = Zone::named(zone).unwrap_or(Zone::Utc);
    Ok(format::format(&moment(run, value)?.within(zone), layout).into())
}

fn in_zone(run: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    written(run, text(args, 0)?, any(args, 1)?, &text(args, 2)?.lossy())
}

fn ago(run: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let host = host::of(run)?;
    if matches!(host.chance, Chance::Fixed) {
        return Ok("1h0m0s".into());
    }
    let since = clock(run)?.since(&moment(run, any(args, 0)?)?);
    Ok(since.round(Duration(SECOND)).to_string().into())
}

fn modify(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let duration = Duration::parse(&text(args, 0)?.lossy()).unwrap_or(Duration(0));
    Ok(of(args, 1)?.plus(duration).value())
}

fn must_modify(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(of(args, 1)?.plus(Duration::parse(&text(args, 0)?.lossy())?).value())
}

fn to_date(args: &[Value]) -> Result<Result<Time, String>, Fault> {
    Ok(parse::parse(&text(args, 0)?.lossy(), &text(args, 1)?.lossy()))
}

/// So many seconds, of a text or an `int64`; none of anything else.
fn seconds(value: &Value) -> Duration {
    let seconds = match value {
        Value::Int64(seconds) => *seconds,
        Value::Str(text) => text.as_str().and_then(|it| strconv::parse_int(it, 10)).unwrap_or_default(),
        _ => 0,
    };
    Duration(seconds.wrapping_mul(SECOND))
}

/// The units of `durationRound`, in seconds.
const UNITS: &[(&str, i64)] =
    &[("y", 365 * 86_400), ("mo", 30 * 86_400), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];

/// The largest unit that a duration has more than one of, and how many.
fn rounded(run: &Run<'_>, value: &Value) -> Result<Value, Fault> {
    let duration = match value {
        Value::Str(text) => Duration::parse(&text.lossy()).unwrap_or(Duration(0)),
        Value::Int64(nanos) => Duration(*nanos),
        other => match downcast::<Time>(other) {
            Some(time) => clock(run)?.since(time),
            None => Duration(0),
        },
    };
    let size = duration.0.unsigned_abs();
    let unit = UNITS.iter().map(|(name, seconds)| (name, (seconds * SECOND).unsigned_abs()));
    let largest = unit.into_iter().find(|(_, unit)| size > *unit);
    Ok(largest.map_or_else(|| "0s".to_owned(), |(name, unit)| format!("{}{name}", size / unit)).into())
}

/// What Helm takes for a duration: one, a text such as `1h`, or seconds.
fn to_duration(value: &Value) -> Result<Duration, String> {
    if let Some(duration) = downcast::<Duration>(value) {
        return Ok(*duration);
    }
    match value.underlying() {
        Value::Nil => Err("invalid duration".to_owned()),
        Value::Str(text) => duration_of(&text),
        Value::Int(it) | Value::Int64(it) => whole_seconds(it),
        Value::Uint8(it) => whole_seconds(i64::from(it)),
        Value::Uint64(it) => {
            let fits = i64::try_from(it).map_err(|_| format!("duration seconds overflow: {it}"));
            fits.and_then(whole_seconds)
        }
        Value::Float(it) => float_seconds(it),
        other => Err(format!("unsupported duration type {}", other.type_name())),
    }
}

fn duration_of(text: &Str) -> Result<Duration, String> {
    let whole = String::from_utf8_lossy(trimmed(text)).into_owned();
    if whole.is_empty() {
        return Err("empty duration".to_owned());
    }
    match (Duration::parse(&whole), strconv::parse_float(&whole)) {
        (Ok(duration), _) => Ok(duration),
        (Err(_), Some(seconds)) => float_seconds(seconds),
        (Err(_), None) => Err(format!("could not parse duration {}", super::print::quoted(text).lossy())),
    }
}

fn whole_seconds(seconds: i64) -> Result<Duration, String> {
    seconds.checked_mul(SECOND).map(Duration).ok_or_else(|| format!("duration seconds overflow: {seconds}"))
}

fn float_seconds(seconds: f64) -> Result<Duration, String> {
    const MOST: f64 = 9_223_372_036.854_776;
    let shown = || super::print::printed(&Value::Float(seconds));
    if !seconds.is_finite() {
        return Err(format!("invalid duration seconds: {}", shown().lossy()));
    }
    if seconds.abs() > MOST {
        return Err(format!("duration seconds overflow: {}", shown().lossy()));
    }
    Ok(Duration(truncated(seconds * 1e9)))
}

fn float(args: &[Value], unit: impl Fn(Duration) -> f64) -> Result<Value, Fault> {
    Ok(to_duration(any(args, 0)?).map_or(0.0, unit).into())
}

fn whole(args: &[Value], unit: i64) -> Result<Value, Fault> {
    Ok(Value::Int64(to_duration(any(args, 0)?).map_or(0, |it| it.0 / unit)))
}

/// To a multiple of the second argument; as it is, where that is no duration.
fn to_multiple(args: &[Value], of: impl Fn(Duration, Duration) -> Duration) -> Result<Value, Fault> {
    let Ok(duration) = to_duration(any(args, 0)?) else { return Ok(Duration(0).value()) };
    Ok(to_duration(any(args, 1)?).map_or(duration, |unit| of(duration, unit)).value())
}

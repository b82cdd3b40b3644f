//! A moment in a time zone: Go's `time.Time`.

use std::any::Any;
use std::rc::Rc;

use super::civil::{DAY, MONTHS, WEEKDAYS, civil, day_of_year, days, weekday};
use super::duration::{self, Duration, SECOND};
use super::zone::Zone;
use crate::functions::arguments::{any, int, text};
use crate::{Fault, Function, Kind, Object, Str, Type, Value, downcast};

/// A moment in a time zone.
#[derive(Clone, Debug)]
pub struct Time {
    /// Seconds since 1970.
    pub seconds: i64,
    /// Nanoseconds of the second.
    pub nanos: u32,
    pub(super) zone: Zone,
}

/// The seconds of Go's zero time, the start of the year 1.
const ZERO: i64 = -62_135_596_800;

impl Time {
    /// A moment in UTC, by the seconds since 1970.
    pub fn utc(seconds: i64, nanos: u32) -> Self {
        Self { seconds, nanos, zone: Zone::Utc }
    }

    /// The zero value of Go's type.
    pub(super) fn zero() -> Self {
        Self::utc(ZERO, 0)
    }

    /// The time that a date or a time of TOML says, in a zone that says what is missing where it has none.
    pub(in crate::functions) fn of_toml(text: &str) -> Self {
        let text = text.replacen([' ', 't'], "T", 1);
        let known = [
            ("2006-01-02T15:04:05Z07:00", ""),
            ("2006-01-02T15:04:05", "datetime-local"),
            ("2006-01-02", "date-local"),
            ("15:04:05", "time-local"),
        ];
        let read = known.iter().find_map(|(layout, zone)| {
            let time = super::parse::parse(layout, &text).ok()?;
            Some(if zone.is_empty() { time } else { time.within(Zone::Fixed((*zone).to_owned(), 0)) })
        });
        read.unwrap_or_else(Self::zero)
    }

    /// As JSON has it.
    pub(in crate::functions) fn rfc3339(&self) -> String {
        super::format::format(self, b"2006-01-02T15:04:05.999999999Z07:00").lossy().into_owned()
    }

    /// As a value.
    pub(in crate::functions) fn value(self) -> Value {
        Value::Object(Rc::new(self))
    }

    /// A later moment, or an earlier one.
    pub(super) fn plus(&self, duration: Duration) -> Self {
        let nanos = i64::from(self.nanos) + duration.0 % SECOND;
        let seconds = self.seconds.saturating_add(duration.0 / SECOND).saturating_add(nanos.div_euclid(SECOND));
        Self { seconds, nanos: u32::try_from(nanos.rem_euclid(SECOND)).unwrap_or_default(), zone: self.zone.clone() }
    }

    /// The time from another moment to this one.
    pub(super) fn since(&self, other: &Self) -> Duration {
        let nanos = |time: &Self| i128::from(time.seconds) * i128::from(SECOND) + i128::from(time.nanos);
        let between = nanos(self) - nanos(other);
        Duration(i64::try_from(between).unwrap_or(if between < 0 { i64::MIN } else { i64::MAX }))
    }

    /// The same moment in another zone.
    pub(super) fn within(&self, zone: Zone) -> Self {
        Self { zone, ..self.clone() }
    }

    /// The seconds since 1970 that clocks of the zone show.
    pub(super) fn local(&self) -> i64 {
        self.seconds.saturating_add(self.zone.at(self.seconds).1)
    }

    fn day(&self) -> i64 {
        self.local().div_euclid(DAY)
    }

    fn second_of_day(&self) -> i64 {
        self.local().rem_euclid(DAY)
    }

    fn order(&self) -> (i64, u32) {
        (self.seconds, self.nanos)
    }

    /// The day so many years, months and days away, at the same time of the day.
    fn plus_date(&self, years: i64, months: i64, add: i64) -> Self {
        let (year, month, day) = civil(self.day());
        let date = days(year.saturating_add(years), month.saturating_add(months), day.saturating_add(add));
        let seconds = self.zone.instant(date * DAY + self.second_of_day());
        Self { seconds, ..self.clone() }
    }
}

const OTHER: &[Type] = &[Type::Named("time.Time")];
const SPAN: &[Type] = &[Type::Named("time.Duration")];

static METHODS: &[Function] = &[
    Function::new("Format", &[Type::Str], |_, args| Ok(super::format::format(of(args, 0)?, text(args, 1)?).into())),
    Function::new("String", &[], |_, args| Ok(of(args, 0)?.text().unwrap_or_default().into())),
    Function::new("Unix", &[], |_, args| Ok(Value::Int64(of(args, 0)?.seconds))),
    Function::new("UnixMilli", &[], |_, args| Ok(scaled(of(args, 0)?, 1_000))),
    Function::new("UnixMicro", &[], |_, args| Ok(scaled(of(args, 0)?, 1_000_000))),
    Function::new("UnixNano", &[], |_, args| Ok(scaled(of(args, 0)?, SECOND))),
    Function::new("Year", &[], |_, args| Ok(Value::Int(civil(of(args, 0)?.day()).0))),
    Function::new("Month", &[], |_, args| Ok(Named::month(civil(of(args, 0)?.day()).1))),
    Function::new("Day", &[], |_, args| Ok(Value::Int(civil(of(args, 0)?.day()).2))),
    Function::new("YearDay", &[], |_, args| Ok(Value::Int(day_of_year(of(args, 0)?.day())))),
    Function::new("Weekday", &[], |_, args| Ok(Named::weekday(weekday(of(args, 0)?.day())))),
    Function::new("Hour", &[], |_, args| Ok(Value::Int(of(args, 0)?.second_of_day() / 3600))),
    Function::new("Minute", &[], |_, args| Ok(Value::Int(of(args, 0)?.second_of_day() / 60 % 60))),
    Function::new("Second", &[], |_, args| Ok(Value::Int(of(args, 0)?.second_of_day() % 60))),
    Function::new("Nanosecond", &[], |_, args| Ok(Value::Int(i64::from(of(args, 0)?.nanos)))),
    Function::new("IsZero", &[], |_, args| Ok((of(args, 0)?.order() == (ZERO, 0)).into())),
    Function::new("UTC", &[], |_, args| Ok(of(args, 0)?.within(Zone::Utc).value())),
    Function::new("Local", &[], |_, args| Ok(of(args, 0)?.within(Zone::Utc).value())),
    Function::new("Add", SPAN, |_, args| Ok(of(args, 0)?.plus(duration::of(args, 1)?).value())),
    Function::new("AddDate", &[Type::Int, Type::Int, Type::Int], |_, args| {
        Ok(of(args, 0)?.plus_date(int(args, 1)?, int(args, 2)?, int(args, 3)?).value())
    }),
    Function::new("Sub", OTHER, |_, args| Ok(of(args, 0)?.since(of(args, 1)?).value())),
    Function::new("After", OTHER, |_, args| Ok((of(args, 0)?.order() > of(args, 1)?.order()).into())),
    Function::new("Before", OTHER, |_, args| Ok((of(args, 0)?.order() < of(args, 1)?.order()).into())),
    Function::new("Equal", OTHER, |_, args| Ok((of(args, 0)?.order() == of(args, 1)?.order()).into())),
    Function::new("Compare", OTHER, |_, args| Ok(Value::Int(of(args, 0)?.order().cmp(&of(args, 1)?.order()) as i64))),
];

/// The time at a position.
pub(super) fn of(args: &[Value], at: usize) -> Result<&Time, Fault> {
    downcast(any(args, at)?).ok_or_else(Fault::signature)
}

fn scaled(time: &Time, by: i64) -> Value {
    Value::Int64(time.seconds.wrapping_mul(by).wrapping_add(i64::from(time.nanos) / (SECOND / by)))
}

impl Object for Time {
    fn type_name(&self) -> &'static str {
        "time.Time"
    }

    fn methods(&self) -> &'static [Function] {
        METHODS
    }

    fn text(&self) -> Option<Str> {
        Some(super::format::format(self, b"2006-01-02 15:04:05.999999999 -0700 MST"))
    }

    fn same(&self, other: &dyn Object) -> bool {
        let other = (other as &dyn Any).downcast_ref::<Self>();
        other.is_some_and(|other| other.order() == self.order() && other.zone == self.zone)
    }
}

/// A month or a day of the week: a number with a name.
struct Named {
    kind: &'static str,
    number: i64,
    text: &'static str,
}

impl Named {
    fn month(number: i64) -> Value {
        let text = usize::try_from(number - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or_default();
        Value::Object(Rc::new(Self { kind: "time.Month", number, text }))
    }

    fn weekday(at: usize) -> Value {
        let number = i64::try_from(at).unwrap_or_default();
        Value::Object(Rc::new(Self { kind: "time.Weekday", number, text: WEEKDAYS[at % 7] }))
    }
}

impl Object for Named {
    fn type_name(&self) -> &'static str {
        self.kind
    }

    fn kind(&self) -> Kind {
        Kind::Int
    }

    fn text(&self) -> Option<Str> {
        Some(self.text.into())
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::Int(self.number))
    }

    fn same(&self, other: &dyn Object) -> bool {
        let other = (other as &dyn Any).downcast_ref::<Self>();
        other.is_some_and(|other| (other.kind, other.number) == (self.kind, self.number))
    }
}

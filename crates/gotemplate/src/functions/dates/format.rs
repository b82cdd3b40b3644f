//! Times written by a layout (Go: `Time.Format`).

use std::fmt::Write;

use super::civil::{DAY, MONTHS, WEEKDAYS, civil, day_of_year, weekday};
use super::layout::{Piece, cut};
use super::time::Time;
use crate::Str;

/// A time as its layout says.
pub(super) fn format(time: &Time, layout: &[u8]) -> Str {
    let mut out = Vec::new();
    let mut layout = layout;
    loop {
        let cut = cut(layout);
        out.extend_from_slice(cut.before);
        match cut.piece {
            None => return out.into(),
            Some(Piece::Named(name)) => out.extend(piece(time, name).into_bytes()),
            Some(Piece::Fraction { digits, trims }) => out.extend(fraction(time.nanos, digits, trims, cut.written[0])),
        }
        layout = cut.rest;
    }
}

fn piece(time: &Time, name: &str) -> String {
    let day = time.local().div_euclid(DAY);
    let second = time.local().rem_euclid(DAY);
    match name {
        "2006" | "06" | "January" | "Jan" | "1" | "01" | "2" | "_2" | "02" => date(civil(day), name),
        "Monday" => WEEKDAYS[weekday(day)].to_owned(),
        "Mon" => WEEKDAYS[weekday(day)][..3].to_owned(),
        "__2" => format!("{:3}", day_of_year(day)),
        "002" => format!("{:03}", day_of_year(day)),
        "MST" => abbreviation(time),
        _ if name.starts_with(['-', 'Z']) => offset(time.zone.at(time.seconds).1, name),
        _ => clock((second / 3600, second / 60 % 60, second % 60), name),
    }
}

fn date((year, month, day): (i64, i64, i64), name: &str) -> String {
    let month_name = usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or_default();
    match name {
        "2006" if year < 0 => format!("-{:04}", year.abs()),
        "2006" => format!("{year:04}"),
        "06" => format!("{:02}", year.abs() % 100),
        "January" => month_name.to_owned(),
        "Jan" => month_name.chars().take(3).collect(),
        "1" => month.to_string(),
        "01" => format!("{month:02}"),
        "2" => day.to_string(),
        "_2" => format!("{day:2}"),
        _ => format!("{day:02}"),
    }
}

fn clock((hour, minute, second): (i64, i64, i64), name: &str) -> String {
    let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    match name {
        "15" => format!("{hour:02}"),
        "3" => twelve.to_string(),
        "03" => format!("{twelve:02}"),
        "4" => minute.to_string(),
        "04" => format!("{minute:02}"),
        "5" => second.to_string(),
        "05" => format!("{second:02}"),
        "PM" => if hour >= 12 { "PM" } else { "AM" }.to_owned(),
        _ => if hour >= 12 { "pm" } else { "am" }.to_owned(),
    }
}

/// The name of the zone, or the offset of one that has none.
fn abbreviation(time: &Time) -> String {
    match time.zone.at(time.seconds) {
        (name, seconds) if name.is_empty() => offset(seconds, "-0700"),
        (name, _) => name,
    }
}

/// The offset from UTC, with as many parts as the layout has.
fn offset(seconds: i64, name: &str) -> String {
    if seconds == 0 && name.starts_with('Z') {
        return "Z".to_owned();
    }
    let colon = if name.contains(':') { ":" } else { "" };
    let parts = name.bytes().filter(u8::is_ascii_digit).count() / 2;
    let minutes = (seconds / 60).abs();
    let sign = if seconds / 60 < 0 { '-' } else { '+' };
    let mut out = format!("{sign}{:02}", minutes / 60);
    for part in [minutes % 60, seconds.abs() % 60].iter().take(parts - 1) {
        let _ = write!(out, "{colon}{part:02}");
    }
    out
}

fn fraction(nanos: u32, digits: usize, trims: bool, point: u8) -> Vec<u8> {
    let all = format!("{nanos:09}");
    let shown = format!("{all:.digits$}");
    let shown = if trims { shown.trim_end_matches('0') } else { &shown };
    if shown.is_empty() { Vec::new() } else { [&[point], shown.as_bytes()].concat() }
}

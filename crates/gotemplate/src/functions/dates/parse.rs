//! Times read by a layout (Go: `time.ParseInLocation`, with UTC as the location).

use std::fmt::Write;

use super::civil::{DAY, MONTHS, WEEKDAYS, civil, days, days_in};
use super::layout::{Piece, cut};
use super::time::Time;
use super::zone::Zone;

/// The time that a text says, or what Go says of it.
pub(super) fn parse(layout: &str, text: &str) -> Result<Time, String> {
    let mut reader = Reader { rest: text, text, layout, read: Read::default() };
    let mut left = layout.as_bytes();
    loop {
        let cut = cut(left);
        let before = utf8(cut.before);
        let written = utf8(cut.written);
        reader.skip(before).ok_or_else(|| reader.mismatch(reader.rest, before))?;
        let Some(piece) = cut.piece else { break };
        let hold = reader.rest;
        left = cut.rest;
        let next = super::layout::cut(left).piece;
        match reader.piece(piece, written, next) {
            Some(()) => {}
            None if reader.read.wrong.is_empty() => return Err(reader.mismatch(hold, written)),
            None => return Err(reader.out_of_range(reader.read.wrong)),
        }
    }
    if !reader.rest.is_empty() {
        return Err(format!("parsing time {}: extra text: {}", quote(text), quote(reader.rest)));
    }
    reader.read.time().map_err(|wrong| reader.out_of_range(wrong))
}

/// What was read so far.
#[derive(Default)]
struct Read {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: u32,
    afternoon: Option<bool>,
    utc: bool,
    offset: Option<i64>,
    zone: String,
    /// What lies out of its range.
    wrong: &'static str,
}

struct Reader<'t> {
    rest: &'t str,
    text: &'t str,
    layout: &'t str,
    read: Read,
}

impl<'t> Reader<'t> {
    fn mismatch(&self, at: &str, wanted: &str) -> String {
        let [text, layout, at, wanted] = [self.text, self.layout, at, wanted].map(quote);
        format!("parsing time {text} as {layout}: cannot parse {at} as {wanted}")
    }

    fn out_of_range(&self, what: &str) -> String {
        format!("parsing time {}: {what}", quote(self.text))
    }

    /// Skips what is written as it is; a row of blanks is one blank.
    fn skip(&mut self, mut before: &str) -> Option<()> {
        while let Some(c) = before.chars().next() {
            if c == ' ' {
                if !self.rest.is_empty() && !self.rest.starts_with(' ') {
                    return None;
                }
                before = before.trim_start_matches(' ');
                self.rest = self.rest.trim_start_matches(' ');
            } else {
                self.rest = self.rest.strip_prefix(c)?;
                before = &before[c.len_utf8()..];
            }
        }
        Some(())
    }

    /// Reads a piece; `None` if it is not there, or `read.wrong` says what is out of its range.
    fn piece(&mut self, piece: Piece, written: &str, next: Option<Piece>) -> Option<()> {
        match piece {
            Piece::Fraction { digits, trims: false } => self.fraction(digits),
            Piece::Fraction { .. } => self.fraction_if_any(),
            Piece::Named("5" | "05") => {
                self.read.second = self.number(written == "05")?;
                self.within(self.read.second < 60, "second out of range")?;
                // A fraction that the layout does not name.
                if matches!(next, Some(Piece::Fraction { .. })) { Some(()) } else { self.fraction_if_any() }
            }
            Piece::Named(name) if name.starts_with(['-', 'Z']) => self.offset(name),
            Piece::Named("MST") => self.zone(),
            Piece::Named(name @ ("3" | "03" | "15" | "4" | "04" | "PM" | "pm")) => self.clock(name),
            Piece::Named(name) => self.date(name),
        }
    }

    fn date(&mut self, name: &str) -> Option<()> {
        match name {
            "2006" => self.read.year = self.take(4).filter(|it| is_digits(it))?.parse().ok()?,
            "06" => {
                let year: i64 = self.take(2).filter(|it| is_digits(it))?.parse().ok()?;
                self.read.year = if year >= 69 { 1900 + year } else { 2000 + year };
            }
            "January" => self.read.month = Some(self.name(MONTHS.iter().copied())? + 1),
            "Jan" => self.read.month = Some(self.name(MONTHS.iter().map(|it| &it[..3]))? + 1),
            "Monday" => drop(self.name(WEEKDAYS.iter().copied())?),
            "Mon" => drop(self.name(WEEKDAYS.iter().map(|it| &it[..3]))?),
            "1" | "01" => {
                let month = self.number(name == "01")?;
                self.within((1..=12).contains(&month), "month out of range")?;
                self.read.month = Some(month);
            }
            "2" | "_2" | "02" => {
                self.blanks(usize::from(name == "_2"));
                self.read.day = Some(self.number(name == "02")?);
            }
            _ => {
                self.blanks(if name == "__2" { 2 } else { 0 });
                let digits = self.digits(3);
                self.read.day_of_year = Some(digits.parse().ok().filter(|_| name == "__2" || digits.len() == 3)?);
            }
        }
        Some(())
    }

    fn clock(&mut self, name: &str) -> Option<()> {
        match name {
            "15" => {
                self.read.hour = self.number(false)?;
                self.within(self.read.hour < 24, "hour out of range")?;
            }
            "3" | "03" => {
                self.read.hour = self.number(name == "03")?;
                self.within(self.read.hour <= 12, "hour out of range")?;
            }
            "4" | "04" => {
                self.read.minute = self.number(name == "04")?;
                self.within(self.read.minute < 60, "minute out of range")?;
            }
            _ => {
                let half = self.take(2)?;
                let upper = name == "PM";
                let is = |word: &str| half == if upper { word.to_uppercase() } else { word.to_owned() };
                self.read.afternoon = Some(if is("pm") {
                    true
                } else if is("am") {
                    false
                } else {
                    return None;
                });
            }
        }
        Some(())
    }

    fn offset(&mut self, name: &str) -> Option<()> {
        if name.starts_with('Z') && self.rest.starts_with('Z') {
            self.rest = &self.rest[1..];
            self.read.utc = true;
            return Some(());
        }
        let written = self.take(name.len())?;
        let shape = |text: &str| text.bytes().map(|byte| byte.is_ascii_digit()).skip(1).collect::<Vec<_>>();
        let colons = |text: &str| text.bytes().map(|byte| byte == b':').collect::<Vec<_>>();
        if shape(written) != shape(name) || colons(written) != colons(name) {
            return None;
        }
        let digits: Vec<i64> = written.bytes().filter(u8::is_ascii_digit).map(|it| i64::from(it - b'0')).collect();
        let part = |at: usize| digits.get(2 * at..2 * at + 2).map_or(0, |it| it[0] * 10 + it[1]);
        let sign = match written.as_bytes()[0] {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.within(part(0) <= 24, "time zone offset hour out of range")?;
        self.within(part(1) <= 60, "time zone offset minute out of range")?;
        self.within(part(2) <= 60, "time zone offset second out of range")?;
        self.read.offset = Some(sign * ((part(0) * 60 + part(1)) * 60 + part(2)));
        Some(())
    }

    fn zone(&mut self) -> Option<()> {
        if let Some(rest) = self.rest.strip_prefix("UTC") {
            self.rest = rest;
            self.read.utc = true;
            return Some(());
        }
        let length = zone_length(self.rest)?;
        self.read.zone = self.take(length)?.to_owned();
        Some(())
    }

    /// A fraction of exactly so many digits, behind a point or a comma.
    fn fraction(&mut self, digits: usize) -> Option<()> {
        let written = self.take(1 + digits)?;
        let all = written.strip_prefix(['.', ',']).filter(|it| is_digits(it))?;
        self.read.nanos = format!("{:0<9}", &all[..all.len().min(9)]).parse().ok()?;
        Some(())
    }

    fn fraction_if_any(&mut self) -> Option<()> {
        let after = self.rest.strip_prefix(['.', ',']).unwrap_or_default();
        match after.bytes().take_while(u8::is_ascii_digit).count() {
            0 => Some(()),
            digits => self.fraction(digits),
        }
    }

    fn within(&mut self, fits: bool, wrong: &'static str) -> Option<()> {
        if !fits {
            self.read.wrong = wrong;
        }
        fits.then_some(())
    }

    fn take(&mut self, length: usize) -> Option<&'t str> {
        let taken = self.rest.get(..length)?;
        self.rest = &self.rest[length..];
        Some(taken)
    }

    fn blanks(&mut self, most: usize) {
        for _ in 0..most {
            self.rest = self.rest.strip_prefix(' ').unwrap_or(self.rest);
        }
    }

    /// The digits that come next, at most so many.
    fn digits(&mut self, most: usize) -> &'t str {
        let count = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        self.take(count).unwrap_or_default()
    }

    /// A number of one or two digits, or of exactly two.
    fn number(&mut self, two: bool) -> Option<i64> {
        let digits = self.digits(2);
        digits.parse().ok().filter(|_| !two || digits.len() == 2)
    }

    /// The place of the name that comes next, in whatever case.
    fn name(&mut self, names: impl Iterator<Item = &'static str>) -> Option<i64> {
        for (at, name) in (0..).zip(names) {
            if self.rest.get(..name.len()).is_some_and(|it| it.eq_ignore_ascii_case(name)) {
                self.rest = &self.rest[name.len()..];
                return Some(at);
            }
        }
        None
    }
}

impl Read {
    /// The time, or what of it is out of its range.
    fn time(&self) -> Result<Time, &'static str> {
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let (month, day) = self.month_and_day()?;
        if day < 1 || day > days_in(self.year, month) {
            return Err("day out of range");
        }
        let shown = days(self.year, month, day) * DAY + hour * 3600 + self.minute * 60 + self.second;
        let (seconds, zone) = self.moment(shown);
        Ok(Time { seconds, nanos: self.nanos, zone })
    }

    fn month_and_day(&self) -> Result<(i64, i64), &'static str> {
        let Some(of_year) = self.day_of_year else { return Ok((self.month.unwrap_or(1), self.day.unwrap_or(1))) };
        let first = days(self.year, 1, 1);
        if of_year < 1 || of_year > days(self.year + 1, 1, 1) - first {
            return Err("day-of-year out of range");
        }
        let (_, month, day) = civil(first + of_year - 1);
        if self.month.is_some_and(|it| it != month) {
            return Err("day-of-year does not match month");
        }
        if self.day.is_some_and(|it| it != day) {
            return Err("day-of-year does not match day");
        }
        Ok((month, day))
    }

    /// The moment at which the zone shows so many seconds since 1970. A name says no offset, but for `GMT+3`.
    fn moment(&self, shown: i64) -> (i64, Zone) {
        match self.offset {
            _ if self.utc => (shown, Zone::Utc),
            Some(0) if matches!(&*self.zone, "" | "UTC") => (shown, Zone::Utc),
            Some(offset) => (shown - offset, Zone::Fixed(self.zone.clone(), offset)),
            None if self.zone.is_empty() => (shown, Zone::Utc),
            None => {
                let hours = self.zone.strip_prefix("GMT").and_then(|it| it.parse::<i64>().ok()).unwrap_or_default();
                (shown, Zone::Fixed(self.zone.clone(), hours * 3600))
            }
        }
    }
}

/// How long the abbreviation of a zone is that a text begins with.
fn zone_length(text: &str) -> Option<usize> {
    if text.starts_with("ChST") || text.starts_with("MeST") {
        return Some(4);
    }
    if let Some(rest) = text.strip_prefix("GMT") {
        return Some(3 + signed_hours(rest));
    }
    if text.len() >= 3 && text.starts_with(['+', '-']) {
        return Some(signed_hours(text)).filter(|length| *length > 0);
    }
    match text.bytes().take(6).take_while(u8::is_ascii_uppercase).count() {
        3 => Some(3),
        4 if text.as_bytes()[3] == b'T' || text.starts_with("WITA") => Some(4),
        5 if text.as_bytes()[4] == b'T' => Some(5),
        _ => None,
    }
}

/// How long the signed hours are that a text begins with; 0 where there are none.
fn signed_hours(text: &str) -> usize {
    let Some(rest) = text.strip_prefix(['+', '-']) else { return 0 };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if rest[..digits].parse::<u32>().is_ok_and(|hours| hours <= 23) { 1 + digits } else { 0 }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A part of a layout, which is cut at characters.
fn utf8(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// A text in quotes, as Go's package of times has it: bytes that are not ASCII as `\x`.
pub(super) fn quote(text: &str) -> String {
    let mut out = "\"".to_owned();
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
            b' '..=b'\x7f' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out + "\""
}

//! Numbers and dates as Go's standard library reads and writes them.

/// `strconv.ParseInt` and `strconv.ParseUint` of base 0, one after the other, without underscores: a sign, then `0x`,
/// `0o`, `0b` or a bare `0` for octal. `None` where neither fits.
pub(super) fn parse_integer(text: &str) -> Option<i128> {
    let (negative, signed, digits) = sign(text);
    let lower = digits.get(..2).map(str::to_ascii_lowercase);
    let (base, digits) = match lower.as_deref() {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ if digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    in_64_bits(parse_digits(digits, base)?, negative, signed)
}

/// `0b` before an integer that may have a sign of its own: a leftover of go-yaml's, kept because it reads so.
pub(super) fn parse_binary(text: &str) -> Option<i128> {
    if let Some(rest) = text.strip_prefix("0b") {
        let (negative, signed, digits) = sign(rest);
        return in_64_bits(parse_digits(digits, 2)?, negative, signed);
    }
    in_64_bits(parse_digits(text.strip_prefix("-0b")?, 2)?, true, true)
}

fn sign(text: &str) -> (bool, bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, true, &text[1..]),
        Some(b'+') => (false, true, &text[1..]),
        _ => (false, false, text),
    }
}

fn parse_digits(digits: &str, base: u32) -> Option<u64> {
    // `from_str_radix` takes a sign; Go does not take a second one.
    if digits.starts_with(['+', '-']) { None } else { u64::from_str_radix(digits, base).ok() }
}

/// What fits `i64`, or `u64` where no sign is written.
fn in_64_bits(size: u64, negative: bool, signed: bool) -> Option<i128> {
    let value = if negative { -i128::from(size) } else { i128::from(size) };
    (!signed || i64::try_from(value).is_ok()).then_some(value)
}

/// The float of a text that go-yaml takes for one: `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    let (_, _, unsigned) = sign(text);
    let (mantissa, exponent) = unsigned.find(['e', 'E']).map_or((unsigned, "0"), |at| {
        let (mantissa, exponent) = unsigned.split_at(at);
        (mantissa, sign(&exponent[1..]).2)
    });
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let written = is_digits(whole) && is_digits(fraction) && is_digits(exponent);
    if !written || exponent.is_empty() || whole.is_empty() && fraction.is_empty() {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// `strconv.FormatFloat(number, 'g', -1, 64)`: the shortest digits that read back, with an exponent below -4 and from 6
/// on.
pub fn format_float(number: f64) -> String {
    format_shortest(&serde_json::Number::from_f64(number).map_or_else(String::new, |it| it.to_string()))
}

/// The same for a number of 32 bits, which is how map keys are written.
#[allow(clippy::cast_possible_truncation, reason = "Go rounds the key to 32 bits")]
pub(super) fn format_float32(number: f64) -> String {
    match number as f32 {
        f32::INFINITY => ".inf".into(),
        f32::NEG_INFINITY => "-.inf".into(),
        number if number.is_nan() => ".nan".into(),
        number => format_shortest(&serde_json::to_string(&number).unwrap_or_default()),
    }
}

/// The float of a text that begins with a point, where digits may be parted by single underscores.
pub(super) fn parse_fraction(text: &str) -> Option<f64> {
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let bytes = text.as_bytes();
    let parts = |at: usize| is_digit(bytes.get(at.wrapping_sub(1))) && is_digit(bytes.get(at + 1));
    let parted = text.match_indices('_').all(|(at, _)| parts(at));
    if parted { parse_float(&text.replace('_', "")) } else { None }
}

/// From the shortest digits in any form (`123.0`, `1.5e-7`) to those of `%g`. JSON's writer finds them as Go does, to
/// the even digit where two are as near; the standard library rounds up there.
fn format_shortest(text: &str) -> String {
    let (minus, text) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let padded = format!("{whole}{fraction}");
    let digits = padded.trim_start_matches('0');
    let leading = whole.len() + digits.len();
    let exponent = exponent.parse::<i32>().unwrap_or_default() + offset(leading) - offset(padded.len()) - 1;
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return format!("{minus}0");
    }
    if (-4..6).contains(&exponent) {
        return format!("{minus}{}", plain_digits(digits, exponent));
    }
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{minus}{first}{point}{rest}e{sign}{:02}", exponent.abs())
}

fn offset(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Digits whose first one stands for ten to the power of `exponent`, which is -4 to 5.
fn plain_digits(digits: &str, exponent: i32) -> String {
    match usize::try_from(exponent + 1) {
        Ok(before) if before > 0 && digits.len() > before => format!("{}.{}", &digits[..before], &digits[before..]),
        Ok(before) if before > 0 => format!("{digits:0<before$}"),
        _ => format!("0.{}{digits}", "0".repeat((-exponent - 1).unsigned_abs() as usize)),
    }
}

/// The float as an integer where JSON writes it as one (`8.0` as `8`) and it fits 64 bits: Kubernetes reads YAML through
/// JSON, where a whole number is an integer.
pub(super) fn whole(number: f64) -> Option<i128> {
    if number.fract() != 0.0 || number.abs() > 18_446_744_073_709_551_615.0 {
        return None;
    }
    // The shortest digits that read back as the float, filled up with zeros: not always the float's exact value.
    let whole: i128 = number.to_string().parse().ok()?;
    (i64::try_from(whole).is_ok() || u64::try_from(whole).is_ok()).then_some(whole)
}

/// Whether go-yaml takes a text for a date or a time; see `time.Parse` for what the parts may be.
pub(super) fn is_timestamp(text: &str) -> bool {
    let mut rest = text;
    let Some(year) = number(&mut rest, 4, 4) else { return false };
    let date = skip(&mut rest, "-").then(|| number(&mut rest, 1, 2)).flatten().and_then(|month| {
        let day = skip(&mut rest, "-").then(|| number(&mut rest, 1, 2)).flatten()?;
        (day >= 1 && day <= days_of(month, year)).then_some(())
    });
    match (date, rest.chars().next()) {
        (None, _) => false,
        (_, None) => true,
        (_, Some('T' | 't')) => {
            rest = &rest[1..];
            clock(&mut rest) && zone(rest)
        }
        (_, Some(' ')) => {
            rest = rest.trim_start_matches(' ');
            clock(&mut rest) && rest.is_empty()
        }
        _ => false,
    }
}

fn days_of(month: u32, year: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// `15:4:5` and a fraction that may be missing.
fn clock(rest: &mut &str) -> bool {
    let hour = number(rest, 1, 2).is_some_and(|hour| hour < 24);
    let minute = hour && skip(rest, ":") && number(rest, 1, 2).is_some_and(|minute| minute < 60);
    let second = minute && skip(rest, ":") && number(rest, 1, 2).is_some_and(|second| second < 60);
    if second && rest.starts_with(['.', ',']) && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
        *rest = rest[1..].trim_start_matches(|c: char| c.is_ascii_digit());
    }
    second
}

/// `Z`, or hours and minutes from it.
fn zone(mut rest: &str) -> bool {
    rest == "Z"
        || (skip(&mut rest, "+") || skip(&mut rest, "-"))
            && number(&mut rest, 2, 2).is_some_and(|hours| hours <= 24)
            && skip(&mut rest, ":")
            && number(&mut rest, 2, 2).is_some_and(|minutes| minutes <= 60)
            && rest.is_empty()
}

fn skip(rest: &mut &str, what: &str) -> bool {
    rest.strip_prefix(what).map(|after| *rest = after).is_some()
}

/// Takes `least` to `most` digits off the front.
fn number(rest: &mut &str, least: usize, most: usize) -> Option<u32> {
    let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (digits, after) = rest.split_at(count);
    *rest = after;
    if count < least { None } else { digits.parse().ok() }
}

/// The beginning of a day, as Go writes it in JSON.
pub(super) fn midnight(date: &str) -> String {
    let mut parts = date.split('-');
    let mut next = || parts.next().unwrap_or_default();
    format!("{}-{:0>2}-{:0>2}T00:00:00Z", next(), next(), next())
}

/// Whether a text is a number of base 60 in YAML 1.1, such as `190:20:30.15`: go-yaml reads them as text and quotes
/// them for other readers.
pub(super) fn is_base60(text: &str) -> bool {
    let (_, _, unsigned) = sign(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let underscored = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let sixtieth = |part: &str| match part.as_bytes() {
        [ones] => ones.is_ascii_digit(),
        [tens, ones] => (b'0'..=b'5').contains(tens) && ones.is_ascii_digit(),
        _ => false,
    };
    first.starts_with(|c: char| c.is_ascii_digit())
        && underscored(first)
        && underscored(fraction)
        && whole.contains(':')
        && parts.all(sixtieth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_go_writes_them() {
        let written: Vec<String> =
            [1.5, 123_456.0, 1_234_567.5, 1e21, 1_480_091_313_801_710.2, 0.0001, 0.00001, -1e-7, 0.25, 100_000.5]
                .into_iter()
                .map(format_float)
                .collect();
        let expected = "1.5 123456 1.2345675e+06 1e+21 1.4800913138017102e+15 0.0001 1e-05 -1e-07 0.25 100000.5";
        assert_eq!(written.join(" "), expected);
    }

    #[test]
    fn integers_have_gos_prefixes() {
        let read = |text| parse_integer(text);
        assert_eq!(read("0777"), Some(511));
        assert_eq!(read("-0X1f"), Some(-31));
        assert_eq!(read("18446744073709551615"), Some(i128::from(u64::MAX)));
        assert_eq!(read("+18446744073709551615"), None);
        assert_eq!([read("08"), read("0x"), read("++5"), read("0x+5"), read("")], [None; 5]);
        assert_eq!(parse_binary("0b-101"), Some(-5));
    }

    #[test]
    fn times_are_known() {
        for time in ["2001-12-14", "2001-1-2T3:4:5Z", "2001-12-14t21:59:43.10-05:00", "2000-02-29 1:2:3.5"] {
            assert!(is_timestamp(time), "{time}");
        }
        for text in [
            "2001-13-14",
            "2001-02-29",
            "2001-12",
            "2001-12-14T21:59",
            "2001-12-14 1:2:3Z",
            "201-1-1",
            "2001-1-1T1:1:61Z",
        ] {
            assert!(!is_timestamp(text), "{text}");
        }
    }
}

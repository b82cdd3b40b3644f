//! Numbers from texts, as Go's `strconv` reads them.

/// `strconv.ParseInt` of 64 bits. Base 0 takes prefixes and, between digits, underscores.
pub(super) fn parse_int(text: &str, base: u32) -> Option<i64> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (base, digits) = if base == 0 { prefixed(rest)? } else { (base, rest.to_owned()) };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let size = i128::from(u64::from_str_radix(&digits, base).ok()?);
    i64::try_from(if negative { -size } else { size }).ok()
}

/// The base that a prefix says, and the digits without underscores.
fn prefixed(text: &str) -> Option<(u32, String)> {
    let (base, digits) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &text[2..]),
        [b'0', b'b' | b'B', ..] => (2, &text[2..]),
        [b'0', b'o' | b'O', ..] => (8, &text[2..]),
        [b'0', _, ..] => (8, &text[1..]),
        _ => (10, text),
    };
    let stray = digits.ends_with('_') || digits.contains("__") || base == 10 && digits.starts_with('_');
    (!stray).then(|| (base, digits.replace('_', "")))
}

/// `strconv.ParseFloat` of 64 bits; what is too large is no number.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.starts_with("0x") || unsigned.starts_with("0X") {
        let size = hexadecimal(&unsigned[2..])?;
        return Some(if text.starts_with('-') { -size } else { size });
    }
    let number: f64 = if text.contains('_') { parted(text)? } else { text.parse().ok()? };
    let named = unsigned.starts_with(['i', 'I']);
    (number.is_finite() || number.is_nan() || named).then_some(number)
}

/// The number of a text with underscores, each of which stands between two digits.
fn parted(text: &str) -> Option<f64> {
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let bytes = text.as_bytes();
    let between = |at: usize| is_digit(bytes.get(at.wrapping_sub(1))) && is_digit(bytes.get(at + 1));
    if text.match_indices('_').all(|(at, _)| between(at)) { text.replace('_', "").parse().ok() } else { None }
}

#[allow(clippy::cast_precision_loss, reason = "Go rounds, too")]
fn hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = u64::from_str_radix(&format!("{whole}{fraction}"), 16).ok()?;
    let shift = exponent.parse::<i32>().ok()?.checked_sub(i32::try_from(fraction.len()).ok()?.checked_mul(4)?)?;
    Some(digits as f64 * 2f64.powi(shift)).filter(|it| it.is_finite())
}

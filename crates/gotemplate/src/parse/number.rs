//! Number constants: Go's ideal constants, kept as each kind that can hold them.

use super::quote::unquote_char;

/// A number of a template. Each part is there where the number is one of that kind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Number {
    /// As an integer.
    pub int: Option<i64>,
    /// As an unsigned integer.
    pub uint: Option<u64>,
    /// As a float: all but those with an imaginary part.
    pub float: Option<f64>,
    /// Whether it is written as a float, and so is one where nothing else is asked for.
    pub floating: bool,
    /// Its real and its imaginary part, where it is written with an `i`, and so is complex where nothing else is asked for.
    pub complex: Option<(f64, f64)>,
}

impl Number {
    /// A character constant, quotes included.
    pub(super) fn character(quoted: &[u8]) -> Option<Self> {
        let code = unquote_char(quoted)?;
        let int = Some(i64::from(code));
        let uint = Some(u64::from(code));
        Some(Self { int, uint, float: Some(f64::from(code)), ..Self::default() })
    }

    /// A number as it is written: a sum of a real and an imaginary one, or a single one.
    pub(super) fn parse(text: &[u8], is_sum: bool) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|_| String::new())?;
        if is_sum {
            let (real, imaginary) = parse_sum(text)?;
            return Ok(Self::complex(real, imaginary));
        }
        match text.strip_suffix('i').and_then(parse_float) {
            Some(imaginary) => Ok(Self::complex(0.0, imaginary)),
            None => Self::real(text),
        }
    }

    /// Without an imaginary part it is a float too, and an integer, where it is whole.
    fn complex(real: f64, imaginary: f64) -> Self {
        let float = (imaginary == 0.0).then_some(real);
        let int = float.and_then(whole);
        let uint = int.and_then(|it| u64::try_from(it).ok());
        Self { int, uint, float, floating: false, complex: Some((real, imaginary)) }
    }

    fn real(text: &str) -> Result<Self, String> {
        let int = parse_int(text);
        let uint = if int == Some(0) { Some(0) } else { parse_uint(text) };
        let hexadecimal = text.len() > 2 && matches!(&text[..2], "0x" | "0X") && !text.contains(['p', 'P']);
        let floating = !hexadecimal && text.contains(['.', 'e', 'E', 'p', 'P']);
        #[expect(clippy::cast_precision_loss, reason = "as Go converts")]
        let float = int.map(|it| it as f64).or(uint.map(|it| it as f64));
        if float.is_some() {
            return Ok(Self { int, uint, float, floating, complex: None });
        }
        let float = parse_float(text).ok_or_else(|| format!("illegal number syntax: {text:?}"))?;
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {text:?}"));
        }
        let int = whole(float);
        let uint = int.and_then(|it| u64::try_from(it).ok());
        Ok(Self { int, uint, float: Some(float), floating, complex: None })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only numbers that are whole and fit")]
fn whole(float: f64) -> Option<i64> {
    (float.fract() == 0.0 && (-9.3e18..9.2e18).contains(&float)).then_some(float as i64)
}

/// Go's `fmt.Sscan` of a complex number. It knows less than its floats: no binary and no octal ones.
fn parse_sum(text: &str) -> Result<(f64, f64), String> {
    let (real, rest) = text.split_at(float_token(text));
    let imaginary = rest.get(..float_token(rest)).filter(|it| it.starts_with(['+', '-']) && rest[it.len()..] == *"i");
    let imaginary = imaginary.ok_or("syntax error scanning complex number")?;
    let float = |text: &str| parse_float(text).ok_or_else(|| unread(text));
    Ok((float(real)?, float(imaginary)?))
}

/// What `strconv.ParseFloat` says of what it does not take.
fn unread(text: &str) -> String {
    let is_large = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    let why = if is_large { "value out of range" } else { "invalid syntax" };
    format!("strconv.ParseFloat: parsing {text:?}: {why}")
}

/// How far a float reaches for `fmt.Sscan`.
fn float_token(text: &str) -> usize {
    let bytes = text.as_bytes();
    let skip = |at: usize, set: &[u8]| at + bytes[at..].iter().take_while(|byte| set.contains(byte)).count();
    let one = |at: usize, set: &[u8]| at + usize::from(bytes.get(at).is_some_and(|byte| set.contains(byte)));
    let mut at = one(0, b"+-");
    let prefixed = one(one(at, b"0"), b"xX");
    let (digits, exponent): (&[u8], &[u8]) = if prefixed == at + 2 {
        at = prefixed;
        (b"0123456789abcdefABCDEF_", b"pP")
    } else {
        (b"0123456789_", b"eEpP")
    };
    at = skip(at, digits);
    let fraction = one(at, b".");
    if fraction > at {
        at = skip(fraction, digits);
    }
    let power = one(at, exponent);
    if power > at { skip(one(power, b"+-"), b"0123456789_") } else { at }
}

/// Go's `strconv.ParseInt(text, 0, 64)`.
pub(super) fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let magnitude = i128::from(parse_uint(digits)?);
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// Go's `strconv.ParseUint(text, 0, 64)`: with a prefix for the base, and underscores between digits.
fn parse_uint(text: &str) -> Option<u64> {
    let (radix, digits) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &text[2..]),
        [b'0', b'b' | b'B', ..] => (2, &text[2..]),
        [b'0', b'o' | b'O', ..] => (8, &text[2..]),
        [b'0', _, ..] => (8, &text[1..]),
        _ => (10, text),
    };
    if !underscores_fit(digits, radix != 10) || !digits.starts_with(|c: char| c == '_' || c.is_ascii_alphanumeric()) {
        return None;
    }
    u64::from_str_radix(&digits.replace('_', ""), radix).ok()
}

/// Underscores stand between digits, or between the prefix and a digit.
fn underscores_fit(digits: &str, prefixed: bool) -> bool {
    !digits.ends_with('_') && !digits.contains("__") && (prefixed || !digits.starts_with('_'))
}

/// Go's `strconv.ParseFloat`: decimal or hexadecimal. What is too large is no number of a template.
fn parse_float(text: &str) -> Option<f64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if let Some(hexadecimal) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        return parse_hexadecimal(hexadecimal).map(|float| sign * float).filter(|_| underscores_fit(hexadecimal, true));
    }
    if !underscores_fit(digits, false) || !digits.starts_with(|c: char| c == '.' || c.is_ascii_digit()) {
        return None;
    }
    digits.replace('_', "").parse::<f64>().ok().filter(|float| float.is_finite()).map(|float| sign * float)
}

fn parse_hexadecimal(text: &str) -> Option<f64> {
    let text = text.replace('_', "");
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let exponent: i32 = exponent.parse().ok()?;
    let shift = exponent.checked_sub(i32::try_from(fraction.len().checked_mul(4)?).ok()?)?;
    #[expect(clippy::cast_precision_loss, reason = "rounded as Go rounds, up to 64 bits")]
    let float = u64::from_str_radix(&digits, 16).ok()? as f64;
    Some(float * 2f64.powi(shift)).filter(|float| float.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_and_underscores_are_those_of_go() {
        let parse = |text: &str| Number::parse(text.as_bytes(), false);
        let int = |text: &str| parse(text).ok().and_then(|it| it.int);
        assert_eq!([int("0x1F"), int("010"), int("0b11"), int("0o17")], [Some(31), Some(8), Some(3), Some(15)]);
        assert_eq!([int("1_000"), int("-0"), int("1e3"), int("0x_1")], [Some(1000), Some(0), Some(1000), Some(1)]);
        assert_eq!([int("1.5"), int("089"), int("1__0"), int("_1")], [None; 4]);
        assert_eq!(parse("0x1p4").map(|it| (it.float, it.floating)), Ok((Some(16.0), true)));
        assert!(parse("99999999999999999999").is_err());
        assert_eq!(parse("18446744073709551615").map(|it| it.uint), Ok(Some(u64::MAX)));
    }
}

//! Floats as Go's `strconv` writes them.

use super::value::Printer;

/// A float as `%v` prints it: the fewest digits that give it back, an exponent from a million on and below 0.0001.
pub fn shortest(float: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "only whole numbers below a million")]
    if float.fract() == 0.0 && float.abs() < 1e6 && !(float == 0.0 && float.is_sign_negative()) {
        return (float as i64).to_string();
    }
    general(float, None, 'e')
}

/// Prints a float; false where the verb is not one for floats.
pub(super) fn write(printer: &mut Printer<'_>, float: f64, verb: char) -> bool {
    let precision = printer.flags.precision;
    let text = match verb {
        'v' | 'g' => general(float, precision, 'e'),
        'G' => general(float, precision, 'E'),
        'f' | 'F' => fixed(float, precision.unwrap_or(6)),
        'e' | 'E' => exponent(&Digits::rounded(float, precision.unwrap_or(6)), precision.unwrap_or(6), verb),
        'x' | 'X' => hexadecimal(float, verb == 'X'),
        'b' => binary(float),
        _ => return false,
    };
    let text = special(float).map_or(text, str::to_owned);
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (if float.is_sign_negative() { "-" } else { "+" }, digits.to_owned()),
        None => ("+", text),
    };
    let sign = if printer.flags.space && sign == "+" && !printer.flags.plus { " " } else { sign };
    let digits = if printer.flags.sharp && verb != 'b' { sharpened(printer, digits, verb) } else { digits };
    signed(printer, sign, &digits, float);
    true
}

/// Prints a complex number, as two floats; false where the verb is not one for floats.
pub(super) fn write_complex(printer: &mut Printer<'_>, (real, imaginary): (f64, f64), verb: char) -> bool {
    if !is_verb(verb) {
        return false;
    }
    printer.raw(b"(");
    write(printer, real, verb);
    let plus = std::mem::replace(&mut printer.flags.plus, true);
    write(printer, imaginary, verb);
    printer.flags.plus = plus;
    printer.raw(b"i)");
    true
}

fn is_verb(verb: char) -> bool {
    matches!(verb, 'v' | 'g' | 'G' | 'f' | 'F' | 'e' | 'E' | 'x' | 'X' | 'b')
}

fn signed(printer: &mut Printer<'_>, sign: &str, digits: &str, float: f64) {
    let flags = printer.flags;
    if !float.is_finite() {
        let bare = float.is_nan() && !flags.space && !flags.plus;
        let text = if bare { digits.to_owned() } else { format!("{sign}{digits}") };
        return printer.pad_with_blanks(text.as_bytes());
    }
    if sign == "+" && !flags.plus {
        return printer.pad(digits.as_bytes());
    }
    let width = flags.width.unwrap_or(0);
    if flags.zero && !flags.minus && width > digits.len() + 1 {
        printer.raw(sign.as_bytes());
        printer.fill(width - digits.len() - 1);
        return printer.raw(digits.as_bytes());
    }
    printer.pad(format!("{sign}{digits}").as_bytes());
}

fn special(float: f64) -> Option<&'static str> {
    match float {
        _ if float.is_nan() => Some("NaN"),
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

/// Decimal digits without zeros at the end, and where the point stands: `0.d1d2... * 10^point`.
struct Digits {
    negative: bool,
    significant: String,
    point: i64,
}

impl Digits {
    fn shortest(float: f64) -> Self {
        Self::read(&format!("{float:e}"))
    }

    /// With `places` digits after the first.
    fn rounded(float: f64, places: usize) -> Self {
        Self::read(&format!("{float:.places$e}"))
    }

    fn read(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let (negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(mantissa) => (true, mantissa),
            None => (false, mantissa),
        };
        let significant = mantissa.replace('.', "").trim_end_matches('0').to_owned();
        let point = if significant.is_empty() { 0 } else { exponent.parse::<i64>().unwrap_or(0) + 1 };
        Self { negative, significant, point }
    }

    fn count(&self) -> i64 {
        i64::try_from(self.significant.len()).unwrap_or(i64::MAX)
    }
}

/// Go's format `g`.
fn general(float: f64, precision: Option<usize>, e: char) -> String {
    if let Some(special) = special(float) {
        return special.to_owned();
    }
    let digits = match precision {
        None => Digits::shortest(float),
        Some(precision) => Digits::rounded(float, precision.max(1) - 1),
    };
    let count = digits.count();
    let wanted = precision.map_or(count, |it| i64::try_from(it.max(1)).unwrap_or(i64::MAX));
    let limit = match precision {
        None => 6,
        Some(_) if wanted > count && count >= digits.point => count,
        Some(_) => wanted,
    };
    // The decision is made by six digits where the shortest form is asked for, but never cuts any.
    let limit = if precision.is_none() { limit.max(6) } else { limit };
    if digits.point - 1 < -4 || digits.point > limit {
        let places = wanted.min(count).max(1) - 1;
        return exponent(&digits, usize::try_from(places).unwrap_or(0), e);
    }
    plain(&digits, usize::try_from((count - digits.point).max(0)).unwrap_or(0))
}

/// Go's format `f`.
fn fixed(float: f64, places: usize) -> String {
    format!("{float:.places$}")
}

fn plain(digits: &Digits, places: usize) -> String {
    let digit = |at: i64| {
        let known = usize::try_from(at).ok().and_then(|at| digits.significant.as_bytes().get(at).copied());
        char::from(known.unwrap_or(b'0'))
    };
    let mut out = String::from(if digits.negative { "-" } else { "" });
    if digits.point > 0 {
        out.extend((0..digits.point).map(digit));
    } else {
        out.push('0');
    }
    if places > 0 {
        out.push('.');
        out.extend((digits.point..).take(places).map(digit));
    }
    out
}

/// Go's format `e`: at least two digits in the exponent.
fn exponent(digits: &Digits, places: usize, e: char) -> String {
    let mut shown = digits.significant.clone();
    while shown.len() < places + 1 {
        shown.push('0');
    }
    let power = if digits.significant.is_empty() { 0 } else { digits.point - 1 };
    let sign = if power < 0 { '-' } else { '+' };
    let minus = if digits.negative { "-" } else { "" };
    let (first, rest) = shown.split_at(1);
    let point = if places > 0 { "." } else { "" };
    format!("{minus}{first}{point}{}{e}{sign}{:02}", &rest[..places], power.abs())
}

/// Go's format `x` with as many digits as needed.
fn hexadecimal(float: f64, upper: bool) -> String {
    let bits = float.to_bits();
    let mut mantissa = bits & ((1 << 52) - 1);
    let biased = i64::try_from((bits >> 52) & 0x7ff).unwrap_or(0);
    let sign = if float.is_sign_negative() { "-" } else { "" };
    let (mut lead, mut power) = if biased == 0 { (0, -1022) } else { (1, biased - 1023) };
    if float == 0.0 {
        power = 0;
    }
    while lead == 0 && mantissa != 0 {
        mantissa <<= 1;
        lead = mantissa >> 52;
        mantissa &= (1 << 52) - 1;
        power -= 1;
    }
    let fraction = format!("{mantissa:013x}");
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    let exponent = if power < 0 { '-' } else { '+' };
    let text = format!("{sign}0x{lead}{point}{fraction}p{exponent}{:02}", power.abs());
    if upper { text.to_uppercase() } else { text }
}

/// Go's format `b`: the mantissa and the power of two as they are stored.
fn binary(float: f64) -> String {
    let bits = float.to_bits();
    let mantissa = bits & ((1 << 52) - 1);
    let biased = i64::try_from((bits >> 52) & 0x7ff).unwrap_or(0);
    let sign = if float.is_sign_negative() { "-" } else { "" };
    let (mantissa, power) = if biased == 0 { (mantissa, -1074) } else { (mantissa | (1 << 52), biased - 1075) };
    format!("{sign}{mantissa}p{power:+}")
}

/// The flag `#`: always a point, and the zeros that were cut.
fn sharpened(printer: &Printer<'_>, text: String, verb: char) -> String {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return text;
    }
    let mut digits = match verb {
        'v' | 'g' | 'G' | 'x' => printer.flags.precision.unwrap_or(6),
        _ => 0,
    };
    let hexadecimal = matches!(verb, 'x' | 'X');
    let tail_at = text.find(if hexadecimal { ['p', 'P'] } else { ['e', 'E'] }).unwrap_or(text.len());
    let (head, tail) = text.split_at(tail_at);
    let significant = head.chars().filter(|c| *c != '.').skip_while(|c| *c == '0').count();
    digits = digits.saturating_sub(significant);
    let mut head = head.to_owned();
    if !head.contains('.') {
        if head == "0" {
            digits = digits.saturating_sub(1);
        }
        head.push('.');
    }
    format!("{head}{}{tail}", "0".repeat(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_form_is_that_of_go() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (123_456.0, "123456"),
            (1_234_567.0, "1.234567e+06"),
            (1e6, "1e+06"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (3.25, "3.25"),
            (1e21, "1e+21"),
            (-1.5e-7, "-1.5e-07"),
            (f64::INFINITY, "+Inf"),
            (123_456.789, "123456.789"),
            (1_234_567.5, "1.2345675e+06"),
        ];
        for (float, text) in cases {
            assert_eq!(shortest(float), text);
        }
    }
}

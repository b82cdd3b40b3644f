//! Kubernetes' quantities: in which text the server stores one. `1000m` is stored as `1`, `1024Mi` as `1Gi`.
//!
//! The rules are apimachinery's (`pkg/api/resource`), its habit to keep a text that it takes for canonical included.

/// The power of ten of the smallest part that the server keeps.
const NANO: i32 = -9;
/// The most digits that it counts as an integer.
const INTEGER_DIGITS: i32 = 18;
/// The powers of ten of the decimal suffixes.
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
/// The suffixes of powers of 1024, from the first.
const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

#[derive(Clone, Copy, PartialEq)]
enum Format {
    Decimal,
    Exponent,
    Binary,
}

/// A text taken apart.
struct Parts<'t> {
    negative: bool,
    /// The digits before the point, without leading zeros; `0` where there are none.
    whole: &'t str,
    fraction: &'t str,
    format: Format,
    /// The power of ten, or of two for [`Format::Binary`].
    exponent: i32,
}

/// A number: `digits * 10^scale`, without a sign.
#[derive(Clone, Copy)]
struct Amount {
    digits: i128,
    scale: i32,
}

/// The text in which the server stores a quantity; `None` for a text that is none, and for numbers beyond 128 bits.
pub fn stored(text: &str) -> Option<String> {
    let parts = parts(text)?;
    let sign = if parts.negative { "-" } else { "" };
    let (amount, format) = match parts.integer() {
        Some(_) if parts.is_canonical() => return Some(text.to_owned()),
        Some(amount) => (amount, parts.format),
        None => parts.decimal()?,
    };
    match amount.digits {
        0 => Some("0".to_owned()),
        _ => Some(format!("{sign}{}", amount.print(format)?)),
    }
}

/// A quantity in thousandths, rounded up as the scheduler does; `None` for a text that is none, and for one beyond 64
/// bits.
pub fn thousandths(text: &str) -> Option<i64> {
    let parts = parts(text)?;
    let digits = parts.written().parse::<i128>().ok()?;
    let places = i32::try_from(parts.fraction.len()).ok()?;
    let (digits, power) = match parts.format {
        Format::Binary => (digits.checked_mul(1_i128.checked_shl(parts.exponent.try_into().ok()?)?)?, 3 - places),
        Format::Decimal | Format::Exponent => (digits, parts.exponent.checked_add(3)?.checked_sub(places)?),
    };
    let factor = 10_i128.checked_pow(power.unsigned_abs())?;
    let amount = if power < 0 {
        digits.div_euclid(factor) + i128::from(digits % factor != 0)
    } else {
        digits.checked_mul(factor)?
    };
    i64::try_from(if parts.negative { -amount } else { amount }).ok()
}

fn parts(text: &str) -> Option<Parts<'_>> {
    if text.is_empty() {
        return None;
    }
    let negative = text.starts_with('-');
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text).trim_start_matches('0');
    let (whole, rest) = split(digits, |c| c.is_ascii_digit());
    let (fraction, suffix) = rest.strip_prefix('.').map_or(("", rest), |rest| split(rest, |c| c.is_ascii_digit()));
    let (format, exponent) = suffix_of(suffix)?;
    Some(Parts { negative, whole: if whole.is_empty() { "0" } else { whole }, fraction, format, exponent })
}

fn split(text: &str, within: fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !within(c)).unwrap_or(text.len()))
}

fn suffix_of(suffix: &str) -> Option<(Format, i32)> {
    if let Some((_, power)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some((Format::Decimal, *power));
    }
    if let Some(at) = BINARY.iter().position(|name| *name == suffix) {
        return Some((Format::Binary, 10 * (i32::try_from(at).ok()? + 1)));
    }
    Some((Format::Exponent, suffix.strip_prefix(['e', 'E'])?.parse().ok()?))
}

impl Parts<'_> {
    fn written(&self) -> String {
        format!("{}{}", self.whole, self.fraction)
    }

    /// The number where the server counts it as an integer of 64 bits.
    fn integer(&self) -> Option<Amount> {
        let count = |digits: &str| i32::try_from(digits.len()).unwrap_or(i32::MAX);
        let (room, factor, scale) = match self.format {
            Format::Binary if self.fraction.is_empty() => {
                (15 - count(self.whole) - self.exponent * 3 / 10 - 1, 1_i128 << self.exponent, 0)
            }
            Format::Binary => return None,
            _ => (
                INTEGER_DIGITS - count(&self.written()),
                1,
                self.exponent.checked_sub(count(self.fraction)).unwrap_or(i32::MIN),
            ),
        };
        let digits = self.written().parse::<i128>().ok()?.checked_mul(factor)?;
        (room >= 0 && scale >= NANO && i64::try_from(digits).is_ok()).then_some(Amount { digits, scale })
    }

    /// Whether an integer's text is kept as it is.
    fn is_canonical(&self) -> bool {
        let written = self.written();
        if self.format == Format::Binary {
            return written.parse::<i64>().is_ok_and(|it| it & 7 != 0);
        }
        let places = i32::try_from(self.fraction.len()).unwrap_or(0);
        (self.exponent - places) % 3 == 0 && !written.ends_with("000") && !written.starts_with('0')
    }

    /// The number rounded up to what the server keeps, and the form in which it is printed.
    fn decimal(&self) -> Option<(Amount, Format)> {
        let written: i128 = self.written().parse().ok()?;
        let places = i32::try_from(self.fraction.len()).ok()?;
        let amount = match self.format {
            Format::Binary => Amount { digits: written.checked_mul(1 << self.exponent)?, scale: -places },
            _ => Amount { digits: written, scale: self.exponent.checked_sub(places)? },
        };
        let amount = amount.at_least(NANO)?;
        if self.format != Format::Binary {
            return Some((amount, self.format));
        }
        let most = Amount { digits: i64::MAX.into(), scale: 0 };
        let amount = if amount.nanos()? > most.nanos()? { most } else { amount };
        let format = if amount.nanos()? < 1_000_000_000 { Format::Decimal } else { Format::Binary };
        Some((amount, format))
    }
}

impl Amount {
    /// Rounded away from zero to a power of ten.
    fn at_least(self, scale: i32) -> Option<Self> {
        if self.scale >= scale {
            return Some(self);
        }
        let by = u32::try_from(scale - self.scale).ok()?;
        let digits = match 10_i128.checked_pow(by) {
            Some(by) => self.digits / by + i128::from(self.digits % by != 0),
            None => i128::from(self.digits != 0),
        };
        Some(Self { digits, scale })
    }

    /// The number in billionths, of one that has no smaller part.
    fn nanos(self) -> Option<i128> {
        self.digits.checked_mul(10_i128.checked_pow(u32::try_from(self.scale - NANO).ok()?)?)
    }

    /// The number without fraction; `None` where it has one.
    fn whole(self) -> Option<i128> {
        let nanos = self.nanos()?;
        (nanos % 1_000_000_000 == 0).then_some(nanos / 1_000_000_000)
    }

    fn print(self, format: Format) -> Option<String> {
        if format != Format::Binary {
            return self.print_decimal(format);
        }
        match self.whole() {
            Some(whole) if whole >= 1024 => {
                let times = (1..=BINARY.len()).take_while(|times| whole % (1 << (10 * times)) == 0).last().unwrap_or(0);
                let suffix = times.checked_sub(1).map_or("", |at| BINARY[at]);
                Some(format!("{}{suffix}", whole >> (10 * times)))
            }
            _ => self.print_decimal(Format::Decimal),
        }
    }

    fn print_decimal(self, format: Format) -> Option<String> {
        let Self { mut digits, mut scale } = self;
        while digits % 10 == 0 {
            (digits, scale) = (digits / 10, scale.checked_add(1)?);
        }
        while scale % 3 != 0 {
            (digits, scale) = (digits.checked_mul(10)?, scale.checked_sub(1)?);
        }
        let suffix = match format {
            Format::Exponent if scale == 0 => String::new(),
            Format::Exponent => format!("e{scale}"),
            // Beyond the largest suffix the server prints none, and thereby another number.
            _ => DECIMAL.iter().find(|(_, power)| *power == scale).map_or("", |(name, _)| name).to_owned(),
        };
        Some(format!("{digits}{suffix}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_stored_as_the_server_stores_them() {
        let rows = include_str!("quantities.tsv").lines().filter(|line| !line.starts_with('#'));
        let mut count = 0;
        for (text, expected) in rows.map(|row| row.split_once('\t').unwrap()) {
            let expected = (expected != "!").then(|| expected.to_owned());
            assert_eq!(stored(text), expected, "{text}");
            count += 1;
        }
        assert!(count > 400);
    }

    #[test]
    fn what_is_stored_stays() {
        for (text, expected) in [("1000m", "1"), ("0.5", "500m"), ("1.5Gi", "1536Mi"), ("0.1m", "100u"), ("1E", "1E")] {
            assert_eq!(stored(text).as_deref(), Some(expected));
            assert_eq!(stored(expected).as_deref(), Some(expected));
        }
    }
}

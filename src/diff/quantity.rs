//! Kubernetes' quantities, compared by value: `1000m` is `1`, `1024Mi` is `1Gi`.

use std::cmp::Ordering;

/// The maps whose values are quantities in built-in kinds.
const HOLDERS: [&str; 12] = [
    "allocatable",
    "capacity",
    "default",
    "defaultRequest",
    "hard",
    "limits",
    "max",
    "maxLimitRequestRatio",
    "min",
    "overhead",
    "podFixed",
    "requests",
];

/// The fields that are quantities themselves.
const FIELDS: [&str; 4] = ["averageValue", "divisor", "maximumVolumeSize", "sizeLimit"];

/// Whether a field of a built-in kind holds a quantity, from its name and its parent's.
pub fn is_quantity(parent: Option<&str>, name: &str) -> bool {
    FIELDS.contains(&name) || parent.is_some_and(|parent| HOLDERS.contains(&parent))
}

/// Whether two texts are the same quantity. Texts that are no quantities are compared as texts.
pub fn same(a: &str, b: &str) -> bool {
    match (parse(a), parse(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

/// The quantity in billionths, rounded away from zero as the server does, who keeps no smaller part.
fn parse(text: &str) -> Option<i128> {
    let end = text.find(|c: char| !c.is_ascii_digit() && !".+-".contains(c)).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (negative, digits) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
    let (factor, exponent) = scale(suffix)?;
    let power = exponent + 9 - i32::try_from(fraction.len()).ok()?;
    let scaled = mantissa.checked_mul(factor)?;
    let size = match power.cmp(&0) {
        Ordering::Less => divide_up(scaled, 10_i128.checked_pow(power.unsigned_abs())?),
        _ => scaled.checked_mul(10_i128.checked_pow(power.unsigned_abs())?)?,
    };
    Some(if negative { -size } else { size })
}

fn divide_up(value: i128, by: i128) -> i128 {
    value / by + i128::from(value % by != 0)
}

/// What a suffix stands for: a factor, and a power of ten.
fn scale(suffix: &str) -> Option<(i128, i32)> {
    let binary = |power: u32| Some((1024_i128.pow(power), 0));
    match suffix {
        "" => Some((1, 0)),
        "n" => Some((1, -9)),
        "u" => Some((1, -6)),
        "m" => Some((1, -3)),
        "k" => Some((1, 3)),
        "M" => Some((1, 6)),
        "G" => Some((1, 9)),
        "T" => Some((1, 12)),
        "P" => Some((1, 15)),
        "E" => Some((1, 18)),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => Some((1, suffix.strip_prefix(['e', 'E'])?.parse().ok()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_the_same_in_every_spelling() {
        for (a, b) in [
            ("1000m", "1"),
            ("0.5", "500m"),
            ("1000M", "1G"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("1e3", "1k"),
            ("1E", "1000P"),
        ] {
            assert!(same(a, b), "{a} is {b}");
        }
        for (a, b) in [("1", "2"), ("1G", "1Gi"), ("a", "b"), ("1x", "1"), ("-1", "1"), ("", "0")] {
            assert!(!same(a, b), "{a} is not {b}");
        }
    }
}

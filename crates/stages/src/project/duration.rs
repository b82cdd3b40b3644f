//! Durations as people write them: `90s`, `5m`, `1h`, `1h30m`.

/// The seconds of a duration; `None` where it is none, or is zero.
pub fn seconds(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let unit = match rest.as_bytes()[digits] {
            b'h' => 3600,
            b'm' => 60,
            b's' => 1,
            _ => return None,
        };
        let count: u64 = rest[..digits].parse().ok()?;
        total = total.checked_add(count.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
    }
    (total > 0).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn durations_are_hours_minutes_and_seconds() {
        for (text, expected) in [("90s", 90), ("5m", 300), ("1h", 3600), ("1h30m", 5400), ("2m5s", 125)] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for text in
            ["", "5", "m", "0s", "-5m", "5ms", "1.5h", "5 m", "5é", "99999999999999999999s", "9999999999999999h"]
        {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}

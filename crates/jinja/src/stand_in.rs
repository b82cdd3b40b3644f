//! Stand-ins for secrets: of the same kind, length and character classes, and never the secret itself.
//!
//! A stand-in is made of its place and of the classes of the secret's characters, so it can be shown. No letter or
//! digit is the one that the secret has at the same place: a part of a secret is told apart as well as the whole.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use weft_base::value::Data;

/// The stand-in for the secret leaf `data`, the `place`-th of its tree.
pub fn of(data: &Data, place: usize) -> Data {
    match data {
        Data::Bool(it) => Data::Bool(!it),
        Data::Int(it) => digits(it, place).map_or(Data::Int(if *it == 7 { 3 } else { 7 }), Data::Int),
        Data::Uint(it) => digits(it, place).map_or(Data::Uint(it ^ 1), Data::Uint),
        Data::Float(it) => digits(it, place).map_or(Data::Float(if *it > 2.0 { 1.5 } else { 2.5 }), Data::Float),
        Data::Text(it) => Data::Text(text(it, place)),
        other => other.clone(),
    }
}

/// A number with as many digits, where that is still a number of the kind and not the same one.
fn digits<N: ToString + std::str::FromStr + PartialEq>(number: &N, place: usize) -> Option<N> {
    characters(&number.to_string(), place).parse().ok().filter(|other| other != number)
}

fn text(secret: &str, place: usize) -> String {
    let stand_in = encoded(secret, place).unwrap_or_else(|| characters(secret, place));
    if stand_in == secret { without_letters(secret) } else { stand_in }
}

/// Base64 of text stays base64 of text, for templates that decode it.
fn encoded(secret: &str, place: usize) -> Option<String> {
    let inner = String::from_utf8(STANDARD.decode(secret).ok().filter(|inner| inner.len() >= 4)?).ok()?;
    let printable = !inner.chars().any(|c| c.is_control() && !c.is_whitespace());
    printable.then(|| STANDARD.encode(characters(&inner, place)))
}

fn characters(secret: &str, place: usize) -> String {
    secret.chars().enumerate().map(|(at, c)| character(c, place.wrapping_mul(31).wrapping_add(at * 3))).collect()
}

/// Another character of the same class. No digit becomes 0: a leading one would make an octal number.
fn character(secret: char, seed: usize) -> char {
    const LOWER: &[char] = &['k', 'q', 'v', 'w', 'x', 'z', 'j'];
    const UPPER: &[char] = &['K', 'Q', 'V', 'W', 'X', 'Z', 'J'];
    const DIGITS: &[char] = &['7', '3', '8', '4', '6', '9', '5'];
    const WIDE: &[char] = &['ж', 'ю', 'щ'];
    let class = match secret {
        c if c.is_ascii_lowercase() => LOWER,
        c if c.is_ascii_uppercase() => UPPER,
        c if c.is_ascii_digit() => DIGITS,
        c if c.is_alphanumeric() => WIDE,
        other => return other,
    };
    let pick = class[seed % class.len()];
    if pick == secret { class[(seed + 1) % class.len()] } else { pick }
}

/// What stands in for a text without letters and digits.
fn without_letters(secret: &str) -> String {
    let mut rest = secret.chars();
    let first = if rest.next() == Some('_') { '+' } else { '_' };
    std::iter::once(first).chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_in_is_of_the_same_kind_and_never_the_same() {
        let texts = ["", "a", "k", "hunter2", "-", "_", "  ", "äöü", "p@ss:W0rd", "c2VjcmV0LXZhbHVl", "007"];
        let data = texts.map(|t| Data::Text(t.to_owned())).into_iter().chain([
            Data::Bool(true),
            Data::Bool(false),
            Data::Int(0),
            Data::Int(7),
            Data::Int(-5432),
            Data::Int(i64::MAX),
            Data::Uint(u64::MAX),
            Data::Float(0.5),
            Data::Float(1e300),
        ]);
        for secret in data {
            for place in 0..9 {
                let other = of(&secret, place);
                assert_ne!(other, secret);
                assert_eq!(std::mem::discriminant(&other), std::mem::discriminant(&secret), "{secret:?} {other:?}");
            }
        }
    }

    #[test]
    fn no_character_is_kept_but_those_between_words() {
        let secret = "postgres://admin:S3cret99@db.example.com:5432/app";
        let Data::Text(other) = of(&Data::Text(secret.to_owned()), 1) else { panic!("no text") };
        assert_eq!(other.chars().count(), secret.chars().count());
        for (a, b) in secret.chars().zip(other.chars()) {
            assert_eq!(a == b, !a.is_alphanumeric(), "{secret} {other}");
        }
    }
}

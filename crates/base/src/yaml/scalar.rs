//! What a scalar means: go-yaml's rules, which are those of YAML 1.1 without numbers of base 60.

use base64::Engine;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use super::events::Scalar;
use super::{Rules, go};
use crate::value::Data;

const TAGS: &str = "tag:yaml.org,2002:";

/// Why a scalar cannot be read.
#[derive(Debug, PartialEq)]
pub(super) enum Unreadable {
    /// Its text is not what its tag says; the tag's short name.
    Tag(String),
    /// It is tagged as binary and not base64.
    Base64,
    /// It is infinite or not a number, which JSON cannot say.
    NotFinite,
    /// It is a key, and of a kind that Kubernetes takes none of; what it is.
    Key(&'static str),
}

/// What the scalar of a plain text is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Meaning {
    Null,
    Bool(bool),
    /// Fits `i64` or `u64`.
    Integer(i128),
    /// May be infinite or not a number.
    Float(f64),
    /// A date or a time; Kubernetes reads it as text.
    Time,
    Text,
}

/// What a plain text means.
pub(super) fn meaning(text: &str) -> Meaning {
    match text.as_bytes().first() {
        None | Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~') => word(text),
        Some(b'.') => dotted(text),
        Some(b'0'..=b'9' | b'+' | b'-') => number(text),
        _ => Meaning::Text,
    }
}

fn word(text: &str) -> Meaning {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Meaning::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Meaning::Bool(false),
        "" | "~" | "null" | "Null" | "NULL" => Meaning::Null,
        _ => Meaning::Text,
    }
}

fn dotted(text: &str) -> Meaning {
    match text {
        ".nan" | ".NaN" | ".NAN" => Meaning::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" => Meaning::Float(f64::INFINITY),
        _ => go::parse_fraction(text).map_or(Meaning::Text, Meaning::Float),
    }
}

fn number(text: &str) -> Meaning {
    match text {
        "+.inf" | "+.Inf" | "+.INF" => return Meaning::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Meaning::Float(f64::NEG_INFINITY),
        _ if go::is_timestamp(text) => return Meaning::Time,
        _ => {}
    }
    let digits = text.replace('_', "");
    let integer = go::parse_integer(&digits).map(Meaning::Integer);
    let float = || go::parse_float(&digits).map(Meaning::Float);
    let binary = || go::parse_binary(&digits).map(Meaning::Integer);
    integer.or_else(float).or_else(binary).unwrap_or(Meaning::Text)
}

/// The data of a scalar.
pub(super) fn read(scalar: Scalar) -> Result<Data, Unreadable> {
    let tag = scalar.tag.as_deref().map(|tag| tag.strip_prefix(TAGS).unwrap_or(tag)).unwrap_or_default();
    let meaning = match tag {
        "" if !scalar.plain => Meaning::Text,
        "" => meaning(&scalar.text),
        "binary" => return binary(&scalar.text),
        "bool" | "int" | "float" | "null" | "timestamp" => tagged(&scalar.text, tag)?,
        _ => Meaning::Text,
    };
    Ok(match meaning {
        Meaning::Null => Data::Null,
        Meaning::Bool(it) => Data::Bool(it),
        Meaning::Integer(it) => integer(it),
        Meaning::Float(it) if !it.is_finite() => return Err(Unreadable::NotFinite),
        Meaning::Float(it) => go::whole(it).map_or(Data::Float(it), integer),
        Meaning::Time | Meaning::Text => Data::Text(scalar.text),
    })
}

/// What a text without quotes means; what cannot be said in JSON is the text.
pub(super) fn plain(text: &str, rules: Rules) -> Data {
    let scalar = Scalar { text: text.to_owned(), plain: true, bare: true, tag: None, anchor: None };
    let read = if rules == Rules::Kustomize { read_third(scalar) } else { read(scalar) };
    read.unwrap_or_else(|_| Data::Text(text.to_owned()))
}

/// The data of a scalar by the rules of version 3 of Go's library, as its decoder gives them to JSON.
pub(super) fn read_third(mut scalar: Scalar) -> Result<Data, Unreadable> {
    if !scalar.plain || scalar.tag.is_some() {
        return read(scalar);
    }
    if is_octal(&scalar.text) {
        scalar.text.remove(scalar.text.find('o').unwrap_or_default());
    }
    match meaning(&scalar.text) {
        Meaning::Bool(_) if !matches!(&*scalar.text.to_ascii_lowercase(), "true" | "false") => {
            Ok(Data::Text(scalar.text))
        }
        Meaning::Time if scalar.text.len() <= "2006-01-02".len() => Ok(Data::Text(go::midnight(&scalar.text))),
        _ => read(scalar),
    }
}

fn is_octal(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text).strip_prefix("0o");
    digits.is_some_and(|it| !it.is_empty() && it.bytes().all(|b| (b'0'..=b'7').contains(&b)))
}

/// The text of a key by the same rules: JSON has no other keys than texts.
pub(super) fn key_third(scalar: Scalar) -> Result<String, Unreadable> {
    match read_third(scalar)? {
        Data::Text(text) => Ok(text),
        Data::Null => Err(Unreadable::Key("null")),
        Data::Bool(_) => Err(Unreadable::Key("a boolean without quotes")),
        _ => Err(Unreadable::Key("a number without quotes")),
    }
}

/// Whether a scalar as a key means "take the keys of this map in".
pub(super) fn is_merge(scalar: &Scalar) -> bool {
    scalar.text == "<<" && (scalar.plain || scalar.tag.as_deref() == Some("tag:yaml.org,2002:merge"))
}

/// The text of a scalar that is a map's key.
pub(super) fn key(scalar: Scalar) -> Result<String, Unreadable> {
    // A float's text is not that of the integer that it may be as a value, and `.inf` is a key though it is no value.
    if scalar.tag.is_none()
        && scalar.plain
        && let Meaning::Float(it) = meaning(&scalar.text)
    {
        return Ok(go::format_float32(it));
    }
    key_of(read(scalar)?)
}

/// The text of a node that is a map's key.
pub(super) fn key_of(data: Data) -> Result<String, Unreadable> {
    match data {
        Data::Text(text) => Ok(text),
        Data::Bool(it) => Ok(it.to_string()),
        Data::Int(it) => Ok(it.to_string()),
        Data::Float(it) => Ok(go::format_float32(it)),
        Data::List(_) => Err(Unreadable::Key("a list")),
        Data::Map(_) => Err(Unreadable::Key("a map")),
        Data::Null => Err(Unreadable::Key("null")),
        Data::Uint(_) | Data::Masked(_) => Err(Unreadable::Key("an integer above 63 bits")),
    }
}

fn integer(it: i128) -> Data {
    i64::try_from(it).map(Data::Int).or_else(|_| u64::try_from(it).map(Data::Uint)).unwrap_or_default()
}

/// The meaning of a text that is tagged with a kind, quoted or not.
#[allow(clippy::cast_precision_loss, reason = "`!!float` on an integer asks for it")]
fn tagged(text: &str, tag: &str) -> Result<Meaning, Unreadable> {
    let fits = match (tag, meaning(text)) {
        ("float", Meaning::Integer(it)) if i64::try_from(it).is_ok() => Some(Meaning::Float(it as f64)),
        ("float", it @ Meaning::Float(_))
        | ("int", it @ Meaning::Integer(_))
        | ("bool", it @ Meaning::Bool(_))
        | ("null", it @ Meaning::Null)
        | ("timestamp", it @ Meaning::Time) => Some(it),
        _ => None,
    };
    fits.ok_or_else(|| Unreadable::Tag(format!("!!{tag}")))
}

/// The bytes of base64 as text, as JSON takes them: each byte that is not UTF-8 becomes U+FFFD.
fn binary(text: &str) -> Result<Data, Unreadable> {
    const ENGINE: GeneralPurpose =
        GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
    let joined = text.replace(['\r', '\n'], "");
    let bytes = ENGINE.decode(joined).map_err(|_| Unreadable::Base64)?;
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Ok(Data::Text(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_mean_what_they_mean_to_go() {
        for (text, expected) in [
            ("yes", Meaning::Bool(true)),
            ("OFF", Meaning::Bool(false)),
            ("tRue", Meaning::Text),
            ("0755", Meaning::Integer(493)),
            ("1_000", Meaning::Integer(1000)),
            ("08", Meaning::Float(8.0)),
            ("12:30:45", Meaning::Text),
            ("2001-12-14", Meaning::Time),
            ("1e400", Meaning::Text),
            ("", Meaning::Null),
        ] {
            assert_eq!(meaning(text), expected, "{text}");
        }
    }
}

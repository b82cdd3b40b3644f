//! The plain bytes of a leaf, as SOPS encrypts and hashes them, and back.

use std::fmt;

use zeroize::Zeroizing;

use weft_base::value::Data;

/// What an encrypted leaf was before. The kind is not authenticated by the layout: it only says how to read the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Str,
    Int,
    Float,
    Bool,
    Bytes,
    Time,
    Comment,
}

const NAMES: [(Kind, &str); 7] = [
    (Kind::Str, "str"),
    (Kind::Int, "int"),
    (Kind::Float, "float"),
    (Kind::Bool, "bool"),
    (Kind::Bytes, "bytes"),
    (Kind::Time, "time"),
    (Kind::Comment, "comment"),
];

impl Kind {
    pub(super) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, n)| *n == name).map(|(kind, _)| *kind)
    }

    /// Reads the bytes of a leaf; `None` where they are none of this kind. Times stay texts, as everywhere in Weft.
    pub(super) fn read(self, bytes: &[u8]) -> Option<Data> {
        let text = std::str::from_utf8(bytes).ok()?;
        Some(match self {
            Self::Str | Self::Bytes | Self::Time | Self::Comment => Data::Text(text.to_owned()),
            Self::Int => Data::Int(text.parse().ok()?),
            Self::Float => Data::Float(text.parse().ok().filter(|it: &f64| it.is_finite())?),
            Self::Bool => Data::Bool(match text {
                "True" | "true" | "TRUE" | "1" | "t" | "T" => true,
                "False" | "false" | "FALSE" | "0" | "f" | "F" => false,
                _ => return None,
            }),
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        NAMES.iter().filter(|(kind, _)| kind == self).try_for_each(|(_, name)| f.write_str(name))
    }
}

/// The kind and the plain bytes of a leaf, masked or not; `None` for null, lists and maps, which have none.
pub(super) fn plain(data: &Data) -> Option<(Kind, Zeroizing<String>)> {
    let (kind, text) = match data {
        Data::Null | Data::List(_) | Data::Map(_) => return None,
        Data::Bool(true) => (Kind::Bool, "True".to_owned()),
        Data::Bool(false) => (Kind::Bool, "False".to_owned()),
        Data::Int(it) => (Kind::Int, it.to_string()),
        Data::Uint(it) => (Kind::Int, it.to_string()),
        // The shortest digits that read back as the same number, without an exponent, as Go's 'f' format has them.
        Data::Float(it) => (Kind::Float, it.to_string()),
        Data::Text(it) => (Kind::Str, it.clone()),
        Data::Masked(it) => return plain(it.expose()),
    };
    Some((kind, Zeroizing::new(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_booleans_are_written_as_the_go_program_writes_them() {
        let written = |data| plain(&data).unwrap().1.to_string();
        assert_eq!(written(Data::Float(1e21)), "1000000000000000000000");
        assert_eq!(written(Data::Float(1e-7)), "0.0000001");
        assert_eq!(written(Data::Float(1.0)), "1");
        assert_eq!(written(Data::Float(-0.5)), "-0.5");
        assert_eq!(written(Data::Int(-3)), "-3");
        assert_eq!(written(Data::Bool(false)), "False");
    }

    #[test]
    fn bytes_that_are_none_of_the_kind_are_refused() {
        assert!(Kind::Int.read(b"1.5").is_none());
        assert!(Kind::Bool.read(b"yes").is_none());
        assert!(Kind::Float.read(b"nan").is_none());
        assert!(Kind::Str.read(b"\xff").is_none());
        assert_eq!(Kind::Bool.read(b"True"), Some(Data::Bool(true)));
    }
}

//! UIDs and resource versions in compact form, because every copy has two of each.

/// A UID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uid {
    /// A UUID in its usual form, as its bytes.
    Uuid([u8; 16]),
    /// Any other.
    Text(Box<str>),
}

/// A resource version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceVersion {
    /// A number, as all servers have them.
    Number(u64),
    /// Any other.
    Text(Box<str>),
}

impl From<&str> for Uid {
    fn from(text: &str) -> Self {
        uuid(text).map_or_else(|| Self::Text(text.into()), |it| Self::Uuid(it.to_be_bytes()))
    }
}

impl From<&str> for ResourceVersion {
    fn from(text: &str) -> Self {
        let usual = text.bytes().all(|it| it.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
        match text.parse() {
            Ok(number) if usual => Self::Number(number),
            _ => Self::Text(text.into()),
        }
    }
}

impl ResourceVersion {
    /// Whether it is older than another. Those that are no numbers are not compared: the later wins.
    pub fn is_older(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Number(one), Self::Number(other)) if one < other)
    }
}

/// The number of a UUID in canonical form; no two texts give the same number.
fn uuid(text: &str) -> Option<u128> {
    let hyphens = [8, 13, 18, 23];
    let usual = |(at, byte): (usize, u8)| match byte {
        b'-' => hyphens.contains(&at),
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f') && !hyphens.contains(&at),
    };
    let is_one = text.len() == 36 && text.bytes().enumerate().all(usual);
    is_one.then(|| u128::from_str_radix(&text.replace('-', ""), 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_texts_are_never_the_same() {
        let one = "0e2f6a4c-93b1-4c39-a53d-0d4c9b7a1f00";
        assert!(matches!(Uid::from(one), Uid::Uuid(_)));
        let others = ["", "a-s", "0E2F6A4C-93B1-4C39-A53D-0D4C9B7A1F00", "0e2f6a4c93b1-4c39-a53d-0d4c9b7a1f000-"];
        for other in others {
            assert_eq!(Uid::from(other), Uid::Text(other.into()));
        }
        assert_eq!(ResourceVersion::from("17"), ResourceVersion::Number(17));
        for other in ["", "+1", "017", "1x", "99999999999999999999"] {
            assert_eq!(ResourceVersion::from(other), ResourceVersion::Text(other.into()));
        }
    }

    #[test]
    fn numbers_have_an_order() {
        let older = |one: &str, other: &str| ResourceVersion::from(one).is_older(&ResourceVersion::from(other));
        assert!(older("9", "10") && !older("10", "9") && !older("9", "9"));
        assert!(!older("a", "b") && !older("1", "b"));
    }

    #[test]
    fn they_take_little_room() {
        assert!(size_of::<Uid>() <= 24 && size_of::<ResourceVersion>() <= 16);
    }
}

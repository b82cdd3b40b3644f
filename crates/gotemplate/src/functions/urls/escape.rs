//! Which characters stand for themselves in which part of a URL.

use crate::functions::print::quoted;

/// A part of a URL.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Part {
    /// The host.
    Host,
    /// The name of an interface behind an address.
    Zone,
    /// The path.
    Path,
    /// The name of a user or the password.
    User,
    /// What follows `#`.
    Fragment,
}

impl Part {
    fn keeps(self, byte: u8) -> bool {
        match byte {
            b'-' | b'_' | b'.' | b'~' => true,
            byte if byte.is_ascii_alphanumeric() => true,
            b'!' | b'\'' | b'(' | b')' | b'*' | b'[' | b']' | b'<' | b'>' | b'"'
                if matches!(self, Self::Host | Self::Zone) =>
            {
                true
            }
            b'$' | b'&' | b'+' | b',' | b';' | b'=' => true,
            b':' => self != Self::User,
            b'@' | b'/' => matches!(self, Self::Path | Self::Fragment),
            b'?' | b'!' | b'(' | b')' | b'*' => self == Self::Fragment,
            _ => false,
        }
    }
}

/// A text as it stands in a part of a URL.
pub(super) fn escape(text: &[u8], part: Part) -> Vec<u8> {
    const DIGITS: &[u8] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if part.keeps(*byte) {
            out.push(*byte);
        } else {
            out.extend([b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
    out
}

/// The text that a part of a URL says, or what Go says of it.
pub(super) fn unescape(text: &[u8], part: Part) -> Result<Vec<u8>, String> {
    let host = matches!(part, Part::Host | Part::Zone);
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        if *byte == b'%' {
            let written = &text[at..text.len().min(at + 3)];
            let code = code(written).filter(|code| match part {
                _ if written == b"%25" => true,
                Part::Host => *code >= 128,
                Part::Zone => *code == b' ' || Part::Host.keeps(*code),
                _ => true,
            });
            let wrong = || format!("invalid URL escape {}", quoted(written).lossy());
            out.push(code.ok_or_else(wrong)?);
            at += 3;
        } else if host && byte.is_ascii() && !part.keeps(*byte) {
            return Err(format!("invalid character {} in host name", quoted(&[*byte]).lossy()));
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    Ok(out)
}

fn code(written: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*written.get(at)?).to_digit(16);
    u8::try_from(digit(1)? * 16 + digit(2)?).ok()
}

//! Base 64 and base 32 with Go's errors, which templates print.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

/// Bits that are left over at the end do not matter, as in Go.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// The bytes of a text in base 64; line breaks in it do not count (Go: `base64.StdEncoding.DecodeString`).
pub(super) fn base64_of(text: &[u8]) -> Result<Vec<u8>, String> {
    if let Ok(bytes) = BASE64.decode(text) {
        return Ok(bytes);
    }
    quanta(text).map_err(|at| format!("illegal base64 data at input byte {at}"))
}

/// Decodes four digits at a time; the error is the offset that Go names.
fn quanta(text: &[u8]) -> Result<Vec<u8>, usize> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let mut bits = 0u32;
        let mut count = 0;
        while count < 4 {
            let Some(byte) = text.get(at) else {
                return if count == 0 { Ok(out) } else { Err(at - count) };
            };
            at += 1;
            match (base64_digit(*byte), byte) {
                (Some(digit), _) => {
                    bits |= u32::from(digit) << (18 - 6 * count);
                    count += 1;
                }
                (None, b'\n' | b'\r') => {}
                (None, b'=') if count >= 2 => {
                    at = padding(text, at, count)?;
                    break;
                }
                _ => return Err(at - 1),
            }
        }
        out.extend_from_slice(&bits.to_be_bytes()[1..count]);
    }
    Ok(out)
}

/// The end of the text, behind its padding, of which the first sign was read.
fn padding(text: &[u8], at: usize, count: usize) -> Result<usize, usize> {
    let after_breaks = |at: usize| at + text[at..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
    let mut at = at;
    if count == 2 {
        at = after_breaks(at);
        match text.get(at) {
            None => return Err(text.len()),
            Some(b'=') => at += 1,
            Some(_) => return Err(at - 1),
        }
    }
    at = after_breaks(at);
    if at < text.len() { Err(at) } else { Ok(at) }
}

fn base64_digit(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

/// A text in base 32 (Go: `base32.StdEncoding.EncodeToString`).
pub(super) fn base32(text: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut out = String::new();
    for chunk in text.chunks(5) {
        let mut bytes = [0; 8];
        bytes[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(bytes);
        let digits = (chunk.len() * 8).div_ceil(5);
        let digit = |at: usize| char::from(DIGITS[usize::from((bits >> (35 - 5 * at)).to_le_bytes()[0] & 31)]);
        out.extend((0..8).map(|at| if at < digits { digit(at) } else { '=' }));
    }
    out
}

/// The bytes of a text in base 32; line breaks in it do not count (Go: `base32.StdEncoding.DecodeString`).
pub(super) fn base32_of(text: &[u8]) -> Result<Vec<u8>, String> {
    let text: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
    octets(&text).map_err(|at| format!("illegal base32 data at input byte {at}"))
}

/// Decodes eight digits at a time; the error is the offset that Go names.
fn octets(text: &[u8]) -> Result<Vec<u8>, usize> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let mut bits = 0u64;
        let mut count = 0;
        while count < 8 {
            let byte = *text.get(at).ok_or(at - count)?;
            at += 1;
            if byte == b'=' && count >= 2 && text.len() - at < 8 {
                padding32(text, at, count)?;
                at = text.len();
                break;
            }
            bits |= u64::from(base32_digit(byte).ok_or(at - 1)?) << (35 - 5 * count);
            count += 1;
        }
        out.extend_from_slice(&bits.to_be_bytes()[3..3 + count * 5 / 8]);
    }
    Ok(out)
}

fn padding32(text: &[u8], at: usize, count: usize) -> Result<(), usize> {
    let rest = &text[at..];
    if rest.len() + count < 7 {
        return Err(text.len());
    }
    if let Some(wrong) = rest.iter().take(7 - count).position(|byte| *byte != b'=') {
        return Err(at + wrong - 1);
    }
    if matches!(count, 3 | 6) { Err(at - 1) } else { Ok(()) }
}

fn base32_digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'2'..=b'7' => Some(byte - b'2' + 26),
        _ => None,
    }
}

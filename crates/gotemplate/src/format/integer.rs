//! Integers by a verb.

use super::quote;
use super::value::Printer;

/// Prints an integer; false where the verb is not one for integers.
pub(super) fn write(printer: &mut Printer<'_>, magnitude: u64, negative: bool, unsigned: bool, verb: char) -> bool {
    match verb {
        'v' if printer.flags.sharp_v && unsigned => printer.raw(format!("{magnitude:#x}").as_bytes()),
        'v' | 'd' => number(printer, magnitude.to_string(), "", magnitude, negative),
        'b' => number(printer, format!("{magnitude:b}"), "0b", magnitude, negative),
        'o' => number(printer, format!("{magnitude:o}"), "0", magnitude, negative),
        'O' => number(printer, format!("{magnitude:o}"), "0o", magnitude, negative),
        'x' => number(printer, format!("{magnitude:x}"), "0x", magnitude, negative),
        'X' => number(printer, format!("{magnitude:X}"), "0X", magnitude, negative),
        'c' => printer.pad(character(magnitude, negative).encode_utf8(&mut [0; 4]).as_bytes()),
        'q' => {
            let c = character(magnitude, negative);
            let text = quote::quote(c.encode_utf8(&mut [0; 4]).as_bytes(), b'\'', printer.flags.plus);
            printer.pad(&text);
        }
        'U' => code_point(printer, magnitude, negative),
        _ => return false,
    }
    true
}

fn character(magnitude: u64, negative: bool) -> char {
    let code = u32::try_from(magnitude).ok().filter(|_| !negative);
    code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn number(printer: &mut Printer<'_>, mut digits: String, prefix: &str, magnitude: u64, negative: bool) {
    let flags = printer.flags;
    let signed = negative || flags.plus || flags.space;
    let least = match (flags.precision, flags.width) {
        (Some(0), _) if magnitude == 0 => return printer.pad_with_blanks(b""),
        (Some(precision), _) => precision,
        (None, Some(width)) if flags.zero && !flags.minus => width.saturating_sub(usize::from(signed)),
        _ => 0,
    };
    if digits.len() < least {
        digits.insert_str(0, &"0".repeat(least - digits.len()));
    }
    let has_zero = prefix == "0" && digits.starts_with('0');
    if prefix == "0o" || (flags.sharp && !has_zero) {
        digits.insert_str(0, prefix);
    }
    if negative {
        digits.insert(0, '-');
    } else if flags.plus {
        digits.insert(0, '+');
    } else if flags.space {
        digits.insert(0, ' ');
    }
    printer.pad_with_blanks(digits.as_bytes());
}

fn code_point(printer: &mut Printer<'_>, magnitude: u64, negative: bool) {
    let code = if negative { magnitude.wrapping_neg() } else { magnitude };
    let digits = printer.flags.precision.unwrap_or(0).max(4);
    let text = format!("U+{code:0digits$X}");
    let c = u32::try_from(code).ok().and_then(char::from_u32).filter(|c| quote::is_print(*c));
    let text = c.filter(|_| printer.flags.sharp).map_or(text.clone(), |c| format!("{text} '{c}'"));
    printer.pad_with_blanks(text.as_bytes());
}

//! Values by a verb.

use super::{float, integer, quote};
use crate::list::List;
use crate::map::Map;
use crate::object::Object;
use crate::types::Kind;
use crate::value::{DEEPEST, Value};

/// What stands between `%` and the verb.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a character of a format")]
pub(super) struct Flags {
    pub width: Option<usize>,
    pub precision: Option<usize>,
    pub minus: bool,
    pub plus: bool,
    pub sharp: bool,
    pub space: bool,
    pub zero: bool,
    /// `%+v`
    pub plus_v: bool,
    /// `%#v`
    pub sharp_v: bool,
}

/// How many bytes are printed at once.
const PIECE: usize = 256;

/// Each byte in digits with a blank behind it, and how long that is.
static DECIMALS: [([u8; 4], usize); 256] = decimals();

#[allow(clippy::cast_possible_truncation, reason = "a digit, or a byte")]
const fn decimals() -> [([u8; 4], usize); 256] {
    let mut all = [([b' '; 4], 0); 256];
    let mut byte = 0;
    while byte < all.len() {
        let length = if byte >= 100 {
            3
        } else if byte >= 10 {
            2
        } else {
            1
        };
        let mut rest = byte;
        let mut at = length;
        while at > 0 {
            at -= 1;
            all[byte].0[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        all[byte].1 = length + 1;
        byte += 1;
    }
    all
}

/// Prints into a buffer.
pub(super) struct Printer<'o> {
    out: &'o mut Vec<u8>,
    limit: usize,
    pub flags: Flags,
    /// Whether it tells that a verb does not fit: then values print plainly.
    erring: bool,
    /// The name of the number's type that is being printed, where it has one.
    named: Option<&'static str>,
}

impl<'o> Printer<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>, limit: usize) -> Self {
        Self { out, limit, flags: Flags::default(), erring: false, named: None }
    }

    /// Whether there is more than can be of use.
    pub(super) fn is_full(&self) -> bool {
        self.out.len() > self.limit
    }

    pub(super) fn raw(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
    }

    /// A text, filled up to the width.
    pub(super) fn pad(&mut self, text: &[u8]) {
        let width = self.flags.width.unwrap_or(0);
        let missing = if width == 0 { 0 } else { width.saturating_sub(quote::count(text)) };
        if self.flags.minus {
            self.raw(text);
            self.fill(missing);
        } else {
            self.fill(missing);
            self.raw(text);
        }
    }

    pub(super) fn fill(&mut self, count: usize) {
        let byte = if self.flags.zero && !self.flags.minus { b'0' } else { b' ' };
        self.out.resize(self.out.len() + count, byte);
    }

    /// Prints without the flag `0`.
    pub(super) fn pad_with_blanks(&mut self, text: &[u8]) {
        let zero = std::mem::replace(&mut self.flags.zero, false);
        self.pad(text);
        self.flags.zero = zero;
    }

    /// An argument of a format.
    pub(super) fn argument(&mut self, value: &Value, verb: char) {
        match (value, verb) {
            (Value::Nil, 'T' | 'v') => self.pad(b"<nil>"),
            (_, 'T') => self.string(value.type_name().as_bytes(), 's', value),
            (Value::Object(object), 'p') if object.kind() == Kind::Pointer => self.pad(b"0xc000000000"),
            (Value::List(_) | Value::Map(_) | Value::Object(_), 'w') => self.misfit(value, verb),
            _ => self.value(value, verb, 0),
        }
    }

    fn value(&mut self, value: &Value, verb: char, depth: usize) {
        if depth > DEEPEST || self.is_full() {
            return;
        }
        match value {
            Value::Nil if verb == 'v' && self.flags.sharp_v => self.raw(b"interface {}(nil)"),
            Value::Nil if depth > 0 || verb == 'v' => self.raw(b"<nil>"),
            Value::Bool(it) if matches!(verb, 't' | 'v') => self.pad(if *it { b"true" } else { b"false" }),
            Value::Int(it) | Value::Int64(it) => self.integer(value, it.unsigned_abs(), *it < 0, verb),
            Value::Uint8(it) => self.integer(value, u64::from(*it), false, verb),
            Value::Uint64(it) => self.integer(value, *it, false, verb),
            Value::Float(it) => {
                if !float::write(self, *it, verb) {
                    self.misfit(value, verb);
                }
            }
            Value::Complex(real, imaginary) => {
                if !float::write_complex(self, (*real, *imaginary), verb) {
                    self.misfit(value, verb);
                }
            }
            Value::Str(text) => self.string(text, verb, value),
            Value::Bytes(bytes) => self.bytes(bytes, verb, value),
            Value::List(list) => self.list(list, verb, depth),
            Value::Map(map) => self.map(map, verb, depth),
            Value::Object(object) => self.object(&**object, value, verb, depth),
            Value::Nil | Value::Bool(_) => self.misfit(value, verb),
        }
    }

    /// `%!d(string=x)`: the verb does not fit the value.
    fn misfit(&mut self, value: &Value, verb: char) {
        self.raw(format!("%!{verb}(").as_bytes());
        if matches!(value, Value::Nil) {
            self.raw(b"<nil>");
        } else {
            let name = self.named.take().map_or_else(|| value.type_name(), str::to_owned);
            self.raw(name.as_bytes());
            self.raw(b"=");
            let erring = std::mem::replace(&mut self.erring, true);
            self.value(value, 'v', 0);
            self.erring = erring;
        }
        self.raw(b")");
    }

    fn integer(&mut self, value: &Value, magnitude: u64, negative: bool, verb: char) {
        let unsigned = matches!(value, Value::Uint8(_) | Value::Uint64(_));
        if !integer::write(self, magnitude, negative, unsigned, verb) {
            self.misfit(value, verb);
        }
    }

    fn string(&mut self, text: &[u8], verb: char, value: &Value) {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(text),
            'v' | 's' => {
                let cut = self.truncated(text);
                self.pad(cut);
            }
            'x' | 'X' => self.hexadecimal(text, verb == 'X'),
            'q' => self.quoted(text),
            _ => self.misfit(value, verb),
        }
    }

    fn truncated<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        match self.flags.precision {
            Some(precision) => &text[..quote::offset(text, precision)],
            None => text,
        }
    }

    fn quoted(&mut self, text: &[u8]) {
        let text = self.truncated(text);
        if self.flags.sharp && quote::can_backquote(text) {
            self.pad(&[b"`", text, b"`"].concat());
        } else {
            let quoted = quote::quote(text, b'"', self.flags.plus);
            self.pad(&quoted);
        }
    }

    fn hexadecimal(&mut self, text: &[u8], upper: bool) {
        let length = self.flags.precision.map_or(text.len(), |precision| precision.min(text.len()));
        let mut out: Vec<u8> = Vec::with_capacity(length * 2);
        let prefix: &[u8] = if upper { b"0X" } else { b"0x" };
        for (at, byte) in text[..length].iter().enumerate() {
            if self.flags.space && at > 0 {
                out.push(b' ');
            }
            if self.flags.sharp && (at == 0 || self.flags.space) {
                out.extend_from_slice(prefix);
            }
            let digits = if upper { format!("{byte:02X}") } else { format!("{byte:02x}") };
            out.extend_from_slice(digits.as_bytes());
        }
        self.pad(&out);
    }

    fn bytes(&mut self, bytes: &[u8], verb: char, value: &Value) {
        match verb {
            'v' | 'd' if self.flags.sharp_v => {
                let items: Vec<String> = bytes.iter().map(|byte| format!("{byte:#x}")).collect();
                self.raw(format!("[]byte{{{}}}", items.join(", ")).as_bytes());
            }
            's' | 'x' | 'X' | 'q' => self.string(bytes, verb, value),
            'v' | 'd' if self.flags == Flags::default() => self.decimals(bytes),
            _ => self.bracketed(b"[", bytes.len(), |it, at| {
                it.value(&Value::Uint8(bytes[at]), verb, 1);
            }),
        }
    }

    /// Bytes in digits, between brackets. Charts print whole files so.
    fn decimals(&mut self, bytes: &[u8]) {
        self.out.reserve((4 * bytes.len()).min(self.limit));
        self.raw(b"[");
        let mut piece = [0; 4 * PIECE];
        for part in bytes.chunks(PIECE) {
            if self.is_full() {
                return;
            }
            let mut end = 0;
            for byte in part {
                let (text, length) = &DECIMALS[usize::from(*byte)];
                piece[end..end + text.len()].copy_from_slice(text);
                end += length;
            }
            self.raw(&piece[..end]);
        }
        // Behind the last byte is no blank.
        self.out.truncate(self.out.len() - usize::from(!bytes.is_empty()));
        self.raw(b"]");
    }

    /// Items between brackets; of Go's syntax the braces and commas.
    fn bracketed(&mut self, open: &[u8], count: usize, mut item: impl FnMut(&mut Self, usize)) {
        let sharp = self.flags.sharp_v;
        self.raw(open);
        for at in 0..count {
            if at > 0 {
                self.raw(if sharp { b", " } else { b" " });
            }
            if self.is_full() {
                return;
            }
            item(self, at);
        }
        self.raw(if sharp { b"}" } else { b"]" });
    }

    fn list(&mut self, list: &List, verb: char, depth: usize) {
        let mut open = b"[".to_vec();
        if self.flags.sharp_v {
            open = format!("[]{}", list.of()).into_bytes();
            if list.is_nil() {
                self.raw(&open);
                return self.raw(b"(nil)");
            }
            open.push(b'{');
        }
        let items = list.items();
        self.bracketed(&open, items.len(), |it, at| it.value(&items[at], verb, depth + 1));
    }

    fn map(&mut self, map: &Map, verb: char, depth: usize) {
        let mut open = b"map[".to_vec();
        if self.flags.sharp_v {
            open = Value::Map(map.clone()).type_name().into_bytes();
            if map.is_nil() {
                self.raw(&open);
                return self.raw(b"(nil)");
            }
            open.push(b'{');
        }
        let entries = map.entries();
        let mut entries = entries.iter();
        self.bracketed(&open, entries.len(), |it, _| {
            if let Some((key, value)) = entries.next() {
                it.value(&Value::Str(key.clone()), verb, depth + 1);
                it.raw(b":");
                it.value(value, verb, depth + 1);
            }
        });
    }

    fn object(&mut self, object: &dyn Object, value: &Value, verb: char, depth: usize) {
        let speaks = !self.erring && !self.flags.sharp_v && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q');
        if let Some(text) = object.text().filter(|_| speaks) {
            return self.string(&text, verb, value);
        }
        if let Some(below) = object.underlying() {
            self.named = Some(object.type_name()).filter(|_| !matches!(below, Value::List(_) | Value::Map(_)));
            self.value(&below, verb, depth);
            self.named = None;
            return;
        }
        if object.kind() == Kind::Pointer {
            if depth > 0 {
                return self.raw(b"0xc000000000");
            }
            self.raw(b"&");
        }
        if self.flags.sharp_v {
            self.raw(object.type_name().trim_start_matches('*').as_bytes());
        }
        let (names, separator): (bool, &[u8]) =
            (self.flags.plus_v || self.flags.sharp_v, if self.flags.sharp_v { b", " } else { b" " });
        self.raw(b"{");
        for (at, (name, field)) in object.fields().iter().enumerate() {
            if at > 0 {
                self.raw(separator);
            }
            if names {
                self.raw(name.as_bytes());
                self.raw(b":");
            }
            self.value(field, verb, depth + 1);
        }
        self.raw(b"}");
    }
}

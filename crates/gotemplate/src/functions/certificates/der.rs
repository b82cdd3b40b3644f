//! The few forms of ASN.1's DER that certificates are made of.

/// One element: its tag, its length, its contents.
pub(super) fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match contents.len() {
        short @ ..128 => out.push(short.to_le_bytes()[0]),
        long => {
            let bytes: Vec<u8> = long.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            out.push(0x80 | bytes.len().to_le_bytes()[0]);
            out.extend(bytes);
        }
    }
    out.extend_from_slice(contents);
    out
}

/// A sequence of elements.
pub(super) fn sequence(elements: &[&[u8]]) -> Vec<u8> {
    element(0x30, &elements.concat())
}

/// A whole number that is not negative, from its bytes.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count().min(bytes.len().saturating_sub(1));
    let bytes = &bytes[zeros..];
    // A first bit that is set would be a sign.
    let sign: &[u8] = if bytes.first().is_none_or(|byte| *byte > 127) { &[0] } else { &[] };
    element(2, &[sign, bytes].concat())
}

/// An object identifier, by its encoded contents.
pub(super) fn oid(contents: &[u8]) -> Vec<u8> {
    element(6, contents)
}

/// A row of bits, the last few of which do not count.
pub(super) fn bits(bytes: &[u8], unused: u8) -> Vec<u8> {
    element(3, &[&[unused], bytes].concat())
}

/// Reads elements, one after the other.
#[derive(Clone, Copy)]
pub(super) struct Reader<'t>(pub &'t [u8]);

/// An element that was read.
#[derive(Clone, Copy)]
pub(super) struct Element<'t> {
    /// The tag.
    pub tag: u8,
    /// The contents.
    pub contents: &'t [u8],
    /// All of it.
    pub whole: &'t [u8],
}

impl<'t> Reader<'t> {
    /// The next element; `None` at the end, and where there is none.
    pub fn read(&mut self) -> Option<Element<'t>> {
        let tag = *self.0.first()?;
        let first = *self.0.get(1)?;
        let (header, length) = match usize::from(first) {
            short @ ..128 => (2, short),
            long => {
                let count = long - 128;
                let digits = self.0.get(2..2 + count).filter(|it| it.len() <= 4)?;
                (2 + count, digits.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
            }
        };
        let whole = self.0.get(..header.checked_add(length)?)?;
        self.0 = &self.0[whole.len()..];
        Some(Element { tag, contents: &whole[header..], whole })
    }

    /// The next element, which must have this tag.
    pub fn expect(&mut self, tag: u8) -> Option<Element<'t>> {
        self.read().filter(|it| it.tag == tag)
    }

    /// What is inside of the next element, which must be a sequence.
    pub fn sequence(&mut self) -> Option<Reader<'t>> {
        self.expect(0x30).map(|it| Reader(it.contents))
    }
}

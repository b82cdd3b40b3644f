//! Finding many secrets in a text. The time grows with the text and hardly with the number of secrets.
//!
//! A sorted list is enough for that. An Aho-Corasick automaton takes more than forty bytes for each byte of what it looks
//! for while it is built, which is too much for thousands of keys in all their forms.

use zeroize::Zeroizing;

/// No needle is shorter.
pub(super) const SHORTEST: usize = 4;
/// Bits of the filter for each needle: about one text in thirty-two passes by chance.
const BITS_EACH: usize = 32;

/// Texts to look for.
#[derive(Default)]
pub(super) struct Needles {
    /// Sorted and without repetition. What begins with another one follows it, behind others that do.
    texts: Vec<Zeroizing<String>>,
    /// By needle, the longest other one that it begins with.
    beginnings: Vec<Option<usize>>,
    filter: Filter,
}

/// A place where a needle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// Which needle: needles are numbered in alphabetical order.
    pub(super) needle: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Match {
    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }
}

impl Needles {
    /// Looks for these texts. Shorter ones than [`SHORTEST`] are never found.
    pub(super) fn new(mut texts: Vec<Zeroizing<String>>) -> Self {
        texts.retain(|text| text.len() >= SHORTEST);
        texts.sort_unstable_by(|a, b| a.as_str().cmp(b));
        texts.dedup();
        let filter = Filter::new(&texts);
        let mut beginnings: Vec<Option<usize>> = Vec::with_capacity(texts.len());
        for (at, text) in texts.iter().enumerate() {
            // Whatever this one begins with is the one before it, or what that one begins with.
            let mut beginning = at.checked_sub(1);
            while let Some(other) = beginning.filter(|other| !text.starts_with(texts[*other].as_str())) {
                beginning = beginnings[other];
            }
            beginnings.push(beginning);
        }
        Self { texts, beginnings, filter }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    /// The number of a needle.
    pub(super) fn position(&self, text: &str) -> Option<usize> {
        self.texts.binary_search_by(|needle| needle.as_str().cmp(text)).ok()
    }

    /// All places of all needles in a text, those that overlap among them, from left to right. At each place the longest
    /// comes first.
    pub(super) fn matches<'n>(&'n self, text: &'n str) -> impl Iterator<Item = Match> + 'n {
        let bytes = text.as_bytes();
        let starts = bytes.windows(SHORTEST).enumerate().filter(|(_, word)| self.filter.may_have(word));
        starts.flat_map(move |(start, _)| {
            let found = move |needle: usize| Match { needle, start, end: start + self.texts[needle].len() };
            std::iter::successors(self.longest(&bytes[start..]), |needle| self.beginnings[*needle]).map(found)
        })
    }

    /// The longest needle that a text begins with.
    fn longest(&self, text: &[u8]) -> Option<usize> {
        work::count();
        // All needles that it begins with are the last one that sorts before it, or what that one begins with.
        let mut needle = self.texts.partition_point(|needle| needle.as_bytes() <= text).checked_sub(1)?;
        let common = self.texts[needle].bytes().zip(text).take_while(|(ours, theirs)| ours == *theirs).count();
        while self.texts[needle].len() > common {
            work::count();
            needle = self.beginnings[needle]?;
        }
        Some(needle)
    }
}

/// Tells of most texts that no needle begins as they do.
#[derive(Default)]
struct Filter {
    bits: Vec<u64>,
    /// How much of a hash is no place of a bit.
    shift: u32,
}

impl Filter {
    fn new(needles: &[Zeroizing<String>]) -> Self {
        if needles.is_empty() {
            return Self::default();
        }
        let size = (needles.len() * BITS_EACH).next_power_of_two().clamp(64, 1 << 30);
        let mut filter = Self { bits: vec![0; size / 64], shift: u64::BITS - size.trailing_zeros() };
        for needle in needles {
            let place = filter.place(needle.as_bytes());
            filter.bits[place / 64] |= 1 << (place % 64);
        }
        filter
    }

    fn may_have(&self, text: &[u8]) -> bool {
        let place = self.place(text);
        self.bits.get(place / 64).is_some_and(|bits| bits >> (place % 64) & 1 == 1)
    }

    #[allow(clippy::cast_possible_truncation, reason = "the shift leaves no more bits than there are places")]
    fn place(&self, text: &[u8]) -> usize {
        let word = text.iter().take(SHORTEST).fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
        (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift.min(u64::BITS - 1)) as usize
    }
}

/// Counts searches, so that a test can hold how they grow.
pub(super) mod work {
    #[cfg(test)]
    thread_local! {
        pub(in crate::masked) static SEARCHES: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
    }

    pub(super) fn count() {
        #[cfg(test)]
        SEARCHES.with(|it| it.set(it.get() + 1));
    }
}

//! What has to be random, and yet the same in each run: bytes derived from a key, the release, the template and the
//! call.

use hmac::{Hmac, Mac};
use rsa::rand_core::{CryptoRng, Error, RngCore};
use sha2::Sha256;

use super::host::{self, Chance, Host};
use crate::{Fault, Run, Str, Value};

/// Where a function gets its randomness.
pub(super) enum Source {
    /// Bytes of its own for this call.
    Stream(Stream),
    /// None: the text that stands in for what it would make, in front of the rest that it says.
    StandIn(&'static str),
}

/// What a call of `function` with these arguments draws from. The same call of one template draws other bytes each
/// time, and calls of other arguments do not change what it draws.
pub(super) fn source(run: &Run<'_>, function: &str, args: &[Value]) -> Result<Source, Fault> {
    let host = host::of(run)?;
    Ok(match &host.chance {
        Chance::Fixed => Source::StandIn("FIXED"),
        Chance::Placeholder => Source::StandIn("PLACEHOLDER"),
        Chance::Derived(key) | Chance::Drawn(key) => Source::Stream(stream(host, key, run.file(), function, args)),
    })
}

fn stream(host: &Host, key: &[u8], file: &Str, function: &str, args: &[Value]) -> Stream {
    let call = host::signature(function, args);
    let count = host.count(file, &call).to_be_bytes();
    let parts = [b"weft/made-up/1", host.release.as_bytes(), file.as_bytes(), &call, &count];
    let mut message = Vec::new();
    for part in parts {
        message.extend_from_slice(&(part.len() as u64).to_be_bytes());
        message.extend_from_slice(part);
    }
    Stream::new(&keyed(key, &message))
}

/// Records what a call made up, as something to be masked, and gives it back.
pub(super) fn made(run: &Run<'_>, function: &'static str, text: impl Into<Str>) -> Result<Value, Fault> {
    let text = text.into();
    let host = host::of(run)?;
    host.record(function, run.file(), &text);
    Ok(text.into())
}

/// An endless row of bytes: the HMACs of 0, 1, 2... with the seed as key.
pub(super) struct Stream {
    seed: [u8; 32],
    next: u64,
    block: [u8; 32],
    used: usize,
}

impl Stream {
    /// The bytes of a seed.
    pub fn new(seed: &[u8; 32]) -> Self {
        Self { seed: *seed, next: 0, block: [0; 32], used: 32 }
    }

    /// The next bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.fill_bytes(&mut out);
        out
    }

    /// A number below `bound`, each as likely as another; 0 where the bound is.
    pub fn below(&mut self, bound: u64) -> u64 {
        let Some(fits) = (u64::MAX / bound.max(1)).checked_mul(bound) else { return 0 };
        loop {
            let number = self.next_u64();
            if number < fits {
                return number % bound;
            }
            if bound == 0 {
                return 0;
            }
        }
    }

    /// One of some things.
    pub fn pick<'t, T>(&mut self, of: &'t [T]) -> Option<&'t T> {
        of.get(usize::try_from(self.below(of.len() as u64)).ok()?)
    }

    fn byte(&mut self) -> u8 {
        if self.used == self.block.len() {
            self.block = keyed(&self.seed, &self.next.to_be_bytes());
            self.next += 1;
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }
}

impl RngCore for Stream {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(self.bytes())
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        out.fill_with(|| self.byte());
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl CryptoRng for Stream {}

/// HMAC-SHA-256.
pub(super) fn keyed(key: &[u8], message: &[u8]) -> [u8; 32] {
    // A key of any length is fine.
    let mac = Hmac::<Sha256>::new_from_slice(key).map(|mac| mac.chain_update(message));
    mac.map_or([0; 32], |mac| mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::functions::{self, Time};
    use crate::{Limits, Missing, Templates};

    /// What a template gives, and what was made up for it.
    fn render(release: &str, file: &str, chance: Chance, text: &str) -> (String, Vec<String>) {
        let mut templates = Templates::new(functions::all());
        templates.add(file, &Arc::new(file.to_owned()), text).unwrap();
        let host = Host::new(release, Time::utc(1_700_000_000, 0), chance);
        let out = Run::new(&templates, &host, Missing::Zero, Limits::default()).execute(file, &Value::Nil).unwrap();
        let made = host.made().iter().map(|made| made.text.lossy().into_owned()).collect();
        (String::from_utf8(out).unwrap(), made)
    }

    fn derived(key: &str) -> Chance {
        Chance::Derived(key.as_bytes().to_vec())
    }

    #[test]
    fn what_is_derived_depends_on_key_release_template_and_call_alone() {
        let text = "{{ randAlphaNum 20 }} {{ randAlphaNum 20 }} {{ randAlphaNum 21 }}";
        let (out, made) = render("a", "t", derived("k"), text);
        let words: Vec<&str> = out.split(' ').collect();
        assert_eq!(words, made);
        assert!(words[0] != words[1] && !words[2].starts_with(words[0]));
        assert_eq!(render("a", "t", derived("k"), text).0, out);
        let first = |release, file, key| render(release, file, derived(key), "{{ randAlphaNum 20 }}").0;
        assert_eq!(first("a", "t", "k"), words[0]);
        for (release, file, key) in [("b", "t", "k"), ("a", "u", "k"), ("a", "t", "l")] {
            assert_ne!(first(release, file, key), words[0]);
        }
        let other = render("a", "t", derived("k"), "{{ randAlphaNum 5 }} {{ randAlphaNum 20 }}").0;
        assert!(other.ends_with(words[0]), "another call changes nothing");
    }

    #[test]
    fn certificates_stay_the_same() {
        let text = "{{ $k := genPrivateKey `ecdsa` }}{{ $ca := genCAWithKey `ca` 365 $k }}{{ $ca.Cert }}\
                    {{ (genSignedCertWithKey `x` (list `10.0.0.1`) (list `a.b`) 30 $ca (genPrivateKey `ed25519`)).Cert }}";
        let (out, made) = render("a", "t", derived("k"), text);
        assert_eq!((out.matches("-----BEGIN CERTIFICATE-----\n").count(), made.len()), (2, 4));
        assert_eq!(render("a", "t", derived("k"), text).0, out);
        assert_ne!(render("b", "t", derived("k"), text).0, out);
    }

    #[test]
    fn stand_ins_are_those_of_comparisons_or_say_that_they_are_none() {
        let text = "{{ randAlphaNum 12 }} {{ randNumeric 3 }} {{ htpasswd `u` `p` }} {{ (genCA `x` 1).Cert }}";
        let (fixed, made) = render("a", "t", Chance::Fixed, text);
        assert!(
            fixed.starts_with("aB3dE6gH9jaB 012 u:FIXED-p -----BEGIN CERTIFICATE-----\nFIXED-ca-x\n")
                && made.is_empty()
        );
        let (placeholder, made) = render("a", "t", Chance::Placeholder, text);
        assert!(placeholder.starts_with("placeholderp 000 u:PLACEHOLDER ") && made.len() == 4, "{placeholder}");
    }
}

//! What has to be random, and yet the same in each run: bytes derived from a key, the release, the template and the
//! call.

use hmac::{Hmac, Mac};
use rsa::rand_core::{CryptoRng, Error, RngCore};
use sha2::Sha256;

use super::host::{self, Chance, Host};
use crate::gotemplate::{Fault, Run, Str, Value};

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

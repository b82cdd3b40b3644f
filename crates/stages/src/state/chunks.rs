//! Cuts bytes into compressed chunks and joins them again.
//!
//! A chunk starts with the line `weft/1 INDEX COUNT DIGEST`: its index from 1, the number of chunks, and the SHA-256 of
//! the compressed whole.

use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::StateError;

/// A Secret holds 1 MiB at most, and its data is in base64 on the way; the rest is room for metadata.
const LARGEST: usize = 700 * 1024;
/// More than any cluster's inventory needs; damaged data must not fill the memory.
const LARGEST_WHOLE: u64 = 512 * 1024 * 1024;
const MAGIC: &str = "weft/1";

/// The compressed bytes in chunks, numbered from 1.
pub(super) fn cut(bytes: &[u8]) -> Result<Vec<Vec<u8>>, StateError> {
    let compression = |source| StateError::Compression { source };
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).map_err(compression)?;
    let whole = encoder.finish().map_err(compression)?;
    let parts: Vec<&[u8]> = whole.chunks(LARGEST).collect();
    let digest = digest(&whole);
    let header = |at: usize| format!("{MAGIC} {at} {} {digest}\n", parts.len()).into_bytes();
    Ok((1..).zip(&parts).map(|(at, part)| [&header(at), *part].concat()).collect())
}

/// The bytes that [`cut`] got.
pub(super) fn join<'c>(chunks: &'c [Vec<u8>]) -> Result<Vec<u8>, StateError> {
    let read = |(at, chunk): (usize, &'c Vec<u8>)| part(chunk).ok_or(StateError::Chunk { at });
    let mut parts = (1..).zip(chunks).map(read).collect::<Result<Vec<Chunk>, StateError>>()?;
    parts.sort_by_key(|part| part.index);
    let first = parts.first().ok_or(StateError::Empty)?;
    let count = first.count;
    let wanted = first.digest;
    if let Some(missing) = (1..=count).find(|at| !parts.iter().any(|part| part.index == *at)) {
        return Err(StateError::Missing { missing, count });
    }
    let whole: Vec<u8> = parts.iter().flat_map(|part| part.data).copied().collect();
    if parts.len() != count || digest(&whole) != wanted {
        return Err(StateError::Mixed { count: parts.len() });
    }
    let mut bytes = Vec::new();
    let mut decoder = GzDecoder::new(whole.as_slice()).take(LARGEST_WHOLE);
    decoder.read_to_end(&mut bytes).map_err(|source| StateError::Compression { source })?;
    Ok(bytes)
}

/// One chunk, read.
struct Chunk<'a> {
    index: usize,
    count: usize,
    digest: &'a str,
    data: &'a [u8],
}

fn part(chunk: &[u8]) -> Option<Chunk<'_>> {
    let end = chunk.iter().position(|byte| *byte == b'\n')?;
    let mut words = std::str::from_utf8(&chunk[..end]).ok()?.split(' ');
    (words.next()? == MAGIC).then_some(())?;
    let index = words.next()?.parse().ok()?;
    let count = words.next()?.parse().ok()?;
    let digest = words.next()?;
    (index >= 1 && index <= count).then_some(Chunk { index, count, digest, data: &chunk[end + 1..] })
}

fn digest(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(bytes))
}

//! PEM blocks, as Go's `encoding/pem` writes and reads them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A block.
pub(super) struct Block {
    /// Such as `CERTIFICATE`.
    pub label: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// A block, in lines of 64 characters.
pub(super) fn encode(label: &str, bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        out.extend(line.iter().map(|byte| char::from(*byte)));
        out.push('\n');
    }
    out + "-----END " + label + "-----\n"
}

/// The first block of a text, which may have headers.
pub(super) fn decode(text: &str) -> Option<Block> {
    let begin = text.match_indices("-----BEGIN ").map(|(at, _)| at);
    begin.filter(|at| *at == 0 || text.as_bytes()[at - 1] == b'\n').find_map(|at| block(&text[at + 11..]))
}

fn block(text: &str) -> Option<Block> {
    let (label, rest) = text.split_once("-----")?;
    let (body, _) = rest.split_once(&format!("\n-----END {label}-----"))?;
    let (_, body) = if body.contains(": ") { body.split_once("\n\n")? } else { ("", body) };
    let text: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    Some(Block { label: label.to_owned(), bytes: STANDARD.decode(text).ok()? })
}

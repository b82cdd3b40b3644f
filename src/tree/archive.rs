//! The files of a packed chart.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use tar::{Archive, EntryType};
use thiserror::Error;

use crate::diagnostic::{Diagnose, Kind};

/// How much an unpacked archive may hold, in bytes; the same as Helm's.
pub const LARGEST_ARCHIVE: u64 = 100 << 20;

/// How many files it may hold.
pub const MOST_FILES: usize = 20_000;

/// Why an archive is refused.
#[derive(Debug, Error)]
#[error("the archive `{archive}` cannot be used: {reason}")]
pub struct ArchiveError {
    /// Its name.
    pub archive: String,
    /// Why.
    pub reason: String,
}

impl Diagnose for ArchiveError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn hint(&self) -> Option<String> {
        Some("Fetch it anew, or pack it with `weft chart package`.".into())
    }
}

/// The files of a packed chart (`.tgz`) in their order, by their path below its one folder.
///
/// Paths that leave the folder, links, devices, and archives that are too large unpacked are refused; of a file that is
/// there twice the last one counts.
pub fn unpack(bytes: &[u8], name: &str) -> Result<Vec<(String, Vec<u8>)>, ArchiveError> {
    let refused = |reason: String| ArchiveError { archive: name.to_owned(), reason };
    let broken = |error: std::io::Error| refused(error.to_string());
    // One byte more than is allowed tells that there is more.
    let mut archive = Archive::new(MultiGzDecoder::new(bytes).take(LARGEST_ARCHIVE * 2));
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut left = LARGEST_ARCHIVE;
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        match entry.header().entry_type() {
            EntryType::Directory | EntryType::XGlobalHeader | EntryType::XHeader => continue,
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {}
            _ => return Err(refused(format!("`{path}` is neither a file nor a folder"))),
        }
        if path.ends_with('/') {
            continue;
        }
        let below = below(&path).map_err(|reason| refused(format!("`{path}` {reason}")))?;
        let mut data = Vec::new();
        let size = entry.by_ref().take(left + 1).read_to_end(&mut data).map_err(broken)?;
        left = left.checked_sub(size as u64).ok_or_else(|| refused(format!("unpacked it is larger than {} MiB", LARGEST_ARCHIVE >> 20)))?;
        if files.len() >= MOST_FILES {
            return Err(refused(format!("it holds more than {MOST_FILES} files")));
        }
        files.push((below, data));
    }
    if files.is_empty() {
        return Err(refused("it holds no files".into()));
    }
    Ok(files)
}

/// The path below the first folder, as a tree has it.
fn below(path: &str) -> Result<String, &'static str> {
    let path = if path.contains('\\') { path.replace('\\', "/") } else { path.to_owned() };
    let (first, rest) = path.split_once('/').unwrap_or((&path, ""));
    if first == "Chart.yaml" {
        return Err("is not within a folder");
    }
    if rest.starts_with('/') {
        return Err("is an absolute path");
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in rest.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop().ok_or("leads out of the chart")?),
            part => parts.push(part),
        }
    }
    let drive = |part: &&str| matches!(part.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic());
    if parts.is_empty() || parts.first().is_some_and(drive) {
        return Err("is outside the chart's folder");
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn packed(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for (path, kind, data) in entries {
            let mut header = tar::Header::new_gnu();
            header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(data.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            builder.append(&header, *data).unwrap();
        }
        let mut encoder = builder.into_inner().unwrap();
        encoder.flush().unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn files_come_in_their_order() {
        let bytes = packed(&[
            ("app/", EntryType::Directory, b""),
            ("app/b.yaml", EntryType::Regular, b"b"),
            ("app/./a.yaml", EntryType::Regular, b"a"),
        ]);
        let files = unpack(&bytes, "app.tgz").unwrap();
        assert_eq!(files, [("b.yaml".to_owned(), b"b".to_vec()), ("a.yaml".to_owned(), b"a".to_vec())]);
    }

    #[test]
    fn hostile_paths_and_links_are_refused() {
        for (path, kind) in [
            ("app/../../x", EntryType::Regular),
            ("app//etc/passwd", EntryType::Regular),
            ("app/..", EntryType::Regular),
            ("app", EntryType::Regular),
            ("Chart.yaml", EntryType::Regular),
            ("app/c:/x", EntryType::Regular),
            ("app/x", EntryType::Symlink),
            ("app/x", EntryType::Link),
            ("app/x", EntryType::Char),
        ] {
            assert!(unpack(&packed(&[(path, kind, b"")]), "app.tgz").is_err(), "{path} {kind:?}");
        }
        assert!(unpack(b"no archive", "app.tgz").is_err());
    }
}

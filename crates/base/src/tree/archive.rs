//! Archives of charts: a gzipped tar with one folder, read without trust and written always the same.

use std::collections::BTreeSet;
use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder};
use tar::{Archive, Builder, Entry, EntryType, Header};
use thiserror::Error;

use super::Tree;
use crate::diagnostic::{Diagnose, Kind};

/// How many bytes an archive may unpack to; Helm's own limit.
pub const LARGEST: u64 = 100 << 20;
/// How many entries an archive may have, folders among them.
pub const MOST_ENTRIES: usize = 10_000;
/// How many times its own size an archive may unpack to, once that is more than [`SMALL`].
const RATIO: u64 = 200;
/// What any archive may unpack to, in bytes.
const SMALL: u64 = 8 << 20;
/// How long the name of an entry may be, in bytes.
const LONGEST_NAME: usize = 1024;

/// Why bytes are not taken for the archive of a chart. None shows what a file holds.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// The bytes are no gzipped tar, or end too early.
    #[error("`{archive}` is not a whole `.tar.gz`")]
    Broken {
        /// The archive.
        archive: String,
        /// What the reader says.
        #[source]
        source: io::Error,
    },
    /// It holds nothing.
    #[error("`{archive}` holds no files")]
    Empty {
        /// The archive.
        archive: String,
    },
    /// An entry's name leads elsewhere, or is none.
    #[error("`{archive}` has an entry `{entry}`, which {why}")]
    Name {
        /// The archive.
        archive: String,
        /// The entry's name as it was written.
        entry: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// An entry is neither a file nor a folder.
    #[error("`{archive}` has {what} at `{entry}`")]
    NoFile {
        /// The archive.
        archive: String,
        /// The entry's name.
        entry: String,
        /// What it is.
        what: &'static str,
    },
    /// Two entries are the same file, or one is a folder of the other.
    #[error("`{archive}` has `{entry}` twice")]
    Twice {
        /// The archive.
        archive: String,
        /// The entry's name.
        entry: String,
    },
    /// It unpacks to too much.
    #[error("`{archive}` unpacks to more than {limit}")]
    TooLarge {
        /// The archive.
        archive: String,
        /// The limit with its unit.
        limit: String,
    },
}

impl Diagnose for ArchiveError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Broken { .. } => "Fetch it again; a download that broke off looks like this.".into(),
            Self::Empty { .. } => "A chart's archive has one folder with the chart in it.".into(),
            Self::Name { .. } | Self::NoFile { .. } | Self::Twice { .. } => {
                "Nothing was unpacked. Pack the chart again with `weft chart package`; an archive from elsewhere that \
                 looks like this is not to be trusted."
                    .into()
            }
            Self::TooLarge { .. } => "Nothing was unpacked: no chart is that large.".into(),
        })
    }
}

/// The files of a chart's archive in their order, by their path below its one folder. Whatever leads out of that folder,
/// is a link or a device, stands there twice, or unpacks to more than a chart can have is refused, and then nothing is
/// unpacked.
///
/// Names with `\` are read as Windows writes them. `archive` is the archive's name, for errors.
pub fn unpack(bytes: &[u8], archive: &str) -> Result<Vec<(String, Vec<u8>)>, ArchiveError> {
    let allowed = LARGEST.min(SMALL.max(RATIO.saturating_mul(bytes.len() as u64)));
    let mut unpacking = Unpacking { archive, allowed, left: allowed, files: Vec::new(), seen: BTreeSet::new() };
    // Names and links cost as much as contents, so that the whole stream is counted.
    let stream = MultiGzDecoder::new(bytes).take(allowed.saturating_mul(2));
    let mut tar = Archive::new(stream);
    let entries = tar.entries().map_err(|source| unpacking.broken(source))?;
    for (count, entry) in entries.enumerate() {
        let entry = entry.map_err(|source| unpacking.broken(source))?;
        if count == MOST_ENTRIES {
            return Err(unpacking.too_large(format!("{MOST_ENTRIES} files")));
        }
        unpacking.take(entry)?;
    }
    // A stream that was cut at the limit looks like one that ended.
    if tar.into_inner().limit() == 0 {
        return Err(unpacking.too_large(format!("{} MiB", allowed >> 20)));
    }
    unpacking.finished()
}

/// An archive half read.
struct Unpacking<'a> {
    archive: &'a str,
    allowed: u64,
    left: u64,
    files: Vec<(String, Vec<u8>)>,
    seen: BTreeSet<String>,
}

impl Unpacking<'_> {
    fn take<R: Read>(&mut self, mut entry: Entry<'_, R>) -> Result<(), ArchiveError> {
        let written = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        // Comments of the archive as a whole, such as the commit that `git archive` writes.
        if kind == EntryType::XGlobalHeader {
            return Ok(());
        }
        if let Some(what) = no_file(kind) {
            return Err(ArchiveError::NoFile { archive: self.archive.to_owned(), entry: written, what });
        }
        let name = below(&written, kind == EntryType::Directory || written.ends_with('/'));
        let name = name.map_err(|why| self.bad_name(&written, why))?;
        let Some(name) = name else { return Ok(()) };
        if !self.seen.insert(name.clone()) {
            return Err(ArchiveError::Twice { archive: self.archive.to_owned(), entry: written });
        }
        let bytes = self.contents(&mut entry)?;
        self.files.push((name, bytes));
        Ok(())
    }

    /// The bytes of an entry; what its header says of their number is not believed.
    fn contents(&mut self, entry: &mut impl Read) -> Result<Vec<u8>, ArchiveError> {
        let mut bytes = Vec::new();
        let read = entry.take(self.left + 1).read_to_end(&mut bytes).map_err(|source| self.broken(source))?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(self.too_large(format!("{} MiB", self.allowed >> 20))),
        }
        Ok(bytes)
    }

    fn finished(self) -> Result<Vec<(String, Vec<u8>)>, ArchiveError> {
        if self.files.is_empty() {
            return Err(ArchiveError::Empty { archive: self.archive.to_owned() });
        }
        // A file `a` beside a file `a/b` cannot be on any disk.
        let folder = |path: &str| path.match_indices('/').any(|(at, _)| self.seen.contains(&path[..at]));
        if let Some(entry) = self.seen.iter().find(|path| folder(path)) {
            return Err(ArchiveError::Twice { archive: self.archive.to_owned(), entry: entry.clone() });
        }
        Ok(self.files)
    }

    fn broken(&self, source: io::Error) -> ArchiveError {
        ArchiveError::Broken { archive: self.archive.to_owned(), source }
    }

    fn too_large(&self, limit: String) -> ArchiveError {
        ArchiveError::TooLarge { archive: self.archive.to_owned(), limit }
    }

    fn bad_name(&self, entry: &str, why: &'static str) -> ArchiveError {
        ArchiveError::Name { archive: self.archive.to_owned(), entry: entry.escape_debug().to_string(), why }
    }
}

/// What an entry is that is neither a file nor a folder.
fn no_file(kind: EntryType) -> Option<&'static str> {
    match kind {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse | EntryType::Directory => None,
        EntryType::Symlink => Some("a symbolic link"),
        EntryType::Link => Some("a hard link"),
        EntryType::Char | EntryType::Block => Some("a device"),
        EntryType::Fifo => Some("a pipe"),
        _ => Some("something that is neither a file nor a folder"),
    }
}

/// The path of an entry below the archive's one folder; none for a folder.
fn below(written: &str, is_folder: bool) -> Result<Option<String>, &'static str> {
    if written.len() > LONGEST_NAME {
        return Err("is longer than 1024 bytes");
    }
    if written.contains(['\u{fffd}', '\0']) || written.chars().any(char::is_control) {
        return Err("is no readable text");
    }
    let written = if written.contains('\\') { written.replace('\\', "/") } else { written.to_owned() };
    if written.starts_with('/') || written.split('/').any(|part| part.len() == 2 && part.ends_with(':')) {
        return Err("is an absolute path");
    }
    if written.split('/').any(|part| part == "..") {
        return Err("leads out of its folder");
    }
    let (top, path) = written.split_once('/').unwrap_or((&written, ""));
    if is_folder {
        return Ok(None);
    }
    if path.starts_with('/') {
        return Err("is an absolute path");
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    match (top, parts.is_empty()) {
        ("", _) | (_, true) => Err("is in no folder"),
        _ => Ok(Some(parts.join("/"))),
    }
}

/// Packs files into an archive with one folder: the same bytes for the same files, with no time and no owner in it.
/// `Chart.yaml` comes first, as readers of charts like it.
pub fn pack(folder: &str, files: &Tree) -> io::Result<Vec<u8>> {
    let gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    let mut tar = Builder::new(gzip);
    let (first, rest): (Vec<&str>, Vec<&str>) = files.paths().partition(|path| *path == "Chart.yaml");
    for path in first.into_iter().chain(rest) {
        let bytes = files.bytes(path).unwrap_or_default();
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("{folder}/{path}"), bytes)?;
    }
    tar.into_inner()?.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Write as _;

    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn zipped(tar: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(tar).unwrap();
        gzip.finish().unwrap()
    }

    /// An archive with names as they are, which a well-behaved writer would refuse.
    fn archive(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
        let mut tar = Builder::new(Vec::new());
        for (name, kind, bytes) in entries {
            let mut header = Header::new_gnu();
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            tar.append(&header, *bytes).unwrap();
        }
        zipped(&tar.into_inner().unwrap())
    }

    fn refused(entries: &[(&str, EntryType, &[u8])]) -> String {
        unpack(&archive(entries), "a.tgz").map(drop).unwrap_err().to_string()
    }

    const FILE: EntryType = EntryType::Regular;

    #[test]
    fn an_archive_is_its_files_below_the_folder() {
        let packed = archive(&[
            ("pax", EntryType::XGlobalHeader, b""),
            ("app/", EntryType::Directory, b""),
            ("app/Chart.yaml", FILE, b"name: app\n"),
            ("app\\templates\\a.yaml", FILE, b"a"),
            ("app/./b//c", FILE, b""),
        ]);
        let files = unpack(&packed, "a.tgz").unwrap();
        let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["Chart.yaml", "templates/a.yaml", "b/c"]);
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for (name, why) in [
            ("app/../../etc/passwd", "leads out of its folder"),
            ("../app/x", "leads out of its folder"),
            ("app/a/../x", "leads out of its folder"),
            ("app\\..\\x", "leads out of its folder"),
            ("/etc/passwd", "is an absolute path"),
            ("app//etc/passwd", "is an absolute path"),
            ("app/c:/x", "is an absolute path"),
            ("c:\\x", "is an absolute path"),
            ("Chart.yaml", "is in no folder"),
            (".", "is in no folder"),
            ("app/.", "is in no folder"),
        ] {
            assert_eq!(
                refused(&[("app/Chart.yaml", FILE, b""), (name, FILE, b"")]),
                format!("`a.tgz` has an entry `{}`, which {why}", name.escape_debug())
            );
        }
        assert!(refused(&[("app/a\nb", FILE, b"")]).contains("`app/a\\nb`, which is no readable text"));
    }

    #[test]
    fn links_devices_and_repeated_files_are_refused() {
        assert_eq!(refused(&[("app/x", EntryType::Symlink, b"")]), "`a.tgz` has a symbolic link at `app/x`");
        assert_eq!(refused(&[("app/x", EntryType::Link, b"")]), "`a.tgz` has a hard link at `app/x`");
        assert_eq!(refused(&[("app/x", EntryType::Char, b"")]), "`a.tgz` has a device at `app/x`");
        assert_eq!(refused(&[("app/x", FILE, b""), ("app/./x", FILE, b"")]), "`a.tgz` has `app/./x` twice");
        assert_eq!(refused(&[("app/x", FILE, b""), ("app/x/y", FILE, b"")]), "`a.tgz` has `x/y` twice");
        assert_eq!(refused(&[("app/", EntryType::Directory, b"")]), "`a.tgz` holds no files");
    }

    #[test]
    fn what_unpacks_to_too_much_is_refused() {
        let zeros = vec![0; 9 << 20];
        assert_eq!(refused(&[("app/x", FILE, &zeros)]), "`a.tgz` unpacks to more than 8 MiB");
        let many: Vec<String> = (0..=MOST_ENTRIES).map(|n| format!("app/{n}")).collect();
        let many: Vec<(&str, EntryType, &[u8])> = many.iter().map(|name| (name.as_str(), FILE, &b""[..])).collect();
        assert_eq!(refused(&many), "`a.tgz` unpacks to more than 10000 files");
    }

    #[test]
    fn half_an_archive_is_none() {
        let whole = archive(&[("app/Chart.yaml", FILE, b"name: app\n")]);
        for bytes in [&whole[..whole.len() / 2], b"name: app\n", b""] {
            let error = unpack(bytes, "a.tgz").unwrap_err();
            assert_eq!(error.to_string(), "`a.tgz` is not a whole `.tar.gz`");
        }
    }

    #[test]
    fn the_chart_itself_comes_first() {
        let files = ["A", "Chart.yaml", "values.yaml"].map(|path| (path.to_owned(), Vec::new()));
        let packed = pack("app", &Tree::new(files)).unwrap();
        let mut tar = Archive::new(MultiGzDecoder::new(&packed[..]));
        let names = tar.entries().unwrap().map(|it| it.unwrap().path().unwrap().display().to_string());
        assert_eq!(names.collect::<Vec<_>>(), ["app/Chart.yaml", "app/A", "app/values.yaml"]);
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(
            files in proptest::collection::btree_map("[a-z]{1,8}(/[a-z.]{0,140}[a-z]){1,3}", any::<Vec<u8>>(), 1..8)
        ) {
            let folder = |path: &String| path.match_indices('/').any(|(at, _)| files.contains_key(&path[..at]));
            prop_assume!(!files.keys().any(folder));
            let packed = pack("app", &Tree::new(files.clone())).unwrap();
            prop_assert_eq!(&packed, &pack("app", &Tree::new(files.clone())).unwrap());
            let found: BTreeMap<_, _> = unpack(&packed, "a.tgz").unwrap().into_iter().collect();
            prop_assert_eq!(found, files);
        }

        #[test]
        fn any_bytes_are_refused_or_unpacked(bytes in any::<Vec<u8>>()) {
            let _ = unpack(&bytes, "a.tgz");
            let _ = unpack(&zipped(&bytes), "a.tgz");
        }
    }
}

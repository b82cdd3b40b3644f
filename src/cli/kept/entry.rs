//! An entry: a file with what a run printed.
//!
//! Its first line is the digest of all that went into it with the stamps of the files, of a fixed length so that it can be
//! written anew in its place, or [`UNSEEN`]; the second is the [`Head`]; the text follows, and behind it the length and
//! the path of each object, a line each.

use std::fs;
use std::io::{self, BufRead as _, Read, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// In the place of a digest by stamps.
pub(super) const UNSEEN: &str = "----------------------------------------------------------------";

/// What a run printed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::cli) struct Printed {
    /// All objects, one behind the other.
    pub text: String,
    /// Of each object, the path that it is written to, relative to a folder, and how many bytes of the text it has.
    pub objects: Vec<(String, usize)>,
    /// What people should know.
    pub warnings: Vec<String>,
    /// How many releases there are.
    pub releases: usize,
}

impl Printed {
    /// Each object with its path.
    pub(in crate::cli) fn parts(&self) -> Vec<(&str, &str)> {
        let mut parts = Vec::new();
        let mut start = 0_usize;
        for (path, length) in &self.objects {
            let Some(text) = self.text.get(start..start.saturating_add(*length)) else { break };
            parts.push((path.as_str(), text));
            start += length;
        }
        parts
    }
}

/// What went into an entry besides the name of its file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    /// What the source was asked for.
    pub asked: Vec<String>,
    /// The variables that inputs come from.
    pub variables: Vec<String>,
    /// The digest of all of it, with the contents of the files.
    pub digest: String,
    /// The checksum of what stands behind this, by which a file that is not whole is told.
    checksum: u32,
    /// How many bytes the text has.
    text: u64,
    /// What people should know.
    warnings: Vec<String>,
    /// How many objects there are.
    objects: usize,
    /// How many releases there are.
    releases: usize,
}

/// What an earlier run printed, in the file of an entry.
pub(in crate::cli) struct CachedRender {
    file: fs::File,
    /// The digest by stamps.
    pub(super) seen: String,
    pub(super) head: Head,
    /// Where the text begins.
    body: u64,
}

impl CachedRender {
    pub(super) fn open(path: &Path) -> Option<Self> {
        let file = fs::File::options().read(true).write(true).open(path).or_else(|_| fs::File::open(path)).ok()?;
        let mut lines = io::BufReader::new(&file);
        let mut seen = String::new();
        let mut head = String::new();
        let body = lines.read_line(&mut seen).ok()? + lines.read_line(&mut head).ok()?;
        let head = serde_json::from_str(&head).ok()?;
        seen.truncate(seen.trim_end().len());
        Some(Self { seen, head, body: u64::try_from(body).ok()?, file })
    }

    /// Whether all behind the head is what was written.
    pub(super) fn is_whole(&self) -> io::Result<bool> {
        let mut body = self.body()?;
        let mut sum = flate2::Crc::new();
        let mut part = vec![0; 64 << 10];
        loop {
            match body.read(&mut part)? {
                0 => return Ok(sum.sum() == self.head.checksum),
                bytes => sum.update(&part[..bytes]),
            }
        }
    }

    /// Makes the entry young again, and keeps by which stamps its files are known now.
    pub(super) fn renew(&self, seen: Option<String>) -> io::Result<()> {
        if let Some(seen) = seen.filter(|seen| *seen != self.seen) {
            self.file.write_all_at(seen.as_bytes(), 0)?;
        }
        self.file.set_modified(SystemTime::now())
    }

    /// What people should know.
    pub(in crate::cli) fn warnings(&self) -> &[String] {
        &self.head.warnings
    }

    /// How many objects and releases there are.
    pub(in crate::cli) fn counts(&self) -> (usize, usize) {
        (self.head.objects, self.head.releases)
    }

    /// The text, which is not taken into memory.
    pub(in crate::cli) fn text(&self) -> io::Result<impl Read> {
        Ok(self.body()?.take(self.head.text))
    }

    /// All of it.
    pub(in crate::cli) fn printed(self) -> io::Result<Printed> {
        let body = io::read_to_string(self.body()?)?;
        unpacked(self.head, body).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn body(&self) -> io::Result<&fs::File> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(self.body))?;
        Ok(file)
    }
}

/// The bytes of an entry: what went into it is what the source was asked for, the variables of inputs, and the digest.
pub(super) fn packed(
    seen: &str,
    (asked, variables, digest): (Vec<String>, Vec<String>, String),
    printed: &Printed,
) -> Option<Vec<u8>> {
    let Printed { text, objects, warnings, releases } = printed;
    let index = objects.iter().map(|(path, length)| format!("{length} {path}\n")).collect::<Vec<_>>().concat();
    let body = [text.as_bytes(), index.as_bytes()].concat();
    let mut sum = flate2::Crc::new();
    sum.update(&body);
    let checksum = sum.sum();
    let text = u64::try_from(text.len()).ok()?;
    let warnings = warnings.clone();
    let objects = objects.len();
    let releases = *releases;
    let head = Head { asked, variables, digest, checksum, text, warnings, objects, releases };
    let head = serde_json::to_vec(&head).ok()?;
    Some([seen.as_bytes(), b"\n", &head, b"\n", &body].concat())
}

fn unpacked(head: Head, mut body: String) -> Option<Printed> {
    let text = usize::try_from(head.text).ok()?;
    let index = body.get(text..)?;
    let object = |line: &str| {
        let (length, path) = line.split_once(' ')?;
        Some((path.to_owned(), length.parse().ok()?))
    };
    let objects = index.lines().map(object).collect::<Option<_>>()?;
    body.truncate(text);
    Some(Printed { text: body, objects, warnings: head.warnings, releases: head.releases })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_as_it_was() {
        let printed = Printed {
            text: "---\na: 1\n---\nä: 2\n".into(),
            objects: vec![("web/a b.yaml".into(), 9), ("web/ä.yaml".into(), 10)],
            warnings: vec!["Two\nlines.".into()],
            releases: 1,
        };
        assert_eq!(printed.parts(), [("web/a b.yaml", "---\na: 1\n"), ("web/ä.yaml", "---\nä: 2\n")]);
        let bytes = packed(UNSEEN, (vec!["charts".into()], Vec::new(), "d".into()), &printed).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("entry");
        let found = |length: usize| {
            fs::write(&path, &bytes[..length]).unwrap();
            CachedRender::open(&path).filter(|it| it.is_whole().unwrap())
        };
        assert!((0..bytes.len()).all(|length| found(length).is_none()));
        let found = found(bytes.len()).unwrap();
        found.renew(Some("f".repeat(64))).unwrap();
        let found = CachedRender::open(&path).unwrap();
        assert_eq!((found.seen.as_str(), found.counts()), ("f".repeat(64).as_str(), (2, 1)));
        assert_eq!(io::read_to_string(found.text().unwrap()).unwrap(), printed.text);
        assert_eq!(found.printed().unwrap(), printed);
    }
}

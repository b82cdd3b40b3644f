//! What `weft render` printed before, kept for the next run of the same: a second render of an unchanged project only
//! reads the files that the first one asked for.
//!
//! An entry names all that went into it: what the source was asked for and a digest of what it gave, the environment, the
//! selection and what was set, the variables that inputs and keys come from, the commit's time, and the program with its
//! version and build. Nothing is used of an entry of which any of that is otherwise. What is printed holds no secrets, so
//! neither does an entry; its file is for its owner alone all the same, whole or not there, and checked before it is used.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::PathBuf;
use std::time::SystemTime;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::diagnostic::Failure;
use crate::pipeline::Settings;
use crate::tree::Tree;

/// Together the entries have at most so many bytes; the oldest go first.
const LARGEST: u64 = 256 << 20;
/// The variables by whose beginning keys and their places are named.
const KEYS: [&str; 4] = ["SOPS_", "WEFT_AGE_", "XDG_CONFIG_HOME", "HOME"];

/// What a run printed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Printed {
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
    pub(super) fn parts(&self) -> Vec<(&str, &str)> {
        let (mut parts, mut start) = (Vec::new(), 0_usize);
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
struct Head {
    /// What the source was asked for.
    asked: Vec<String>,
    /// The variables that inputs come from.
    variables: Vec<String>,
    /// The digest of all of it.
    digest: String,
    /// The checksum of what stands behind this, by which a file that is not whole is told.
    checksum: u32,
    /// How many bytes the text has.
    text: usize,
    /// What people should know.
    warnings: Vec<String>,
    /// How many releases there are.
    releases: usize,
}

/// Where the entry of a run is.
pub(super) struct Kept {
    folder: PathBuf,
    file: PathBuf,
}

impl Kept {
    /// The place of the entry of a run; `None` where there is no cache folder.
    pub(super) fn of(settings: &Settings) -> Option<Self> {
        let set = |name: &str| settings.variables.get(name).filter(|it| !it.is_empty()).map(PathBuf::from);
        let caches = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))?;
        let folder = caches.join("weft/rendered");
        let name = digest([
            settings.source.root().to_string_lossy().as_bytes(),
            settings.source.revision().map(|_| "at").unwrap_or_default().as_bytes(),
            settings.environment.as_bytes(),
            serde_json::to_string(&settings.selection).ok()?.as_bytes(),
        ]);
        Some(Self { file: folder.join(name), folder })
    }

    /// What was printed, if all that went into it is as it was.
    pub(super) fn find(&self, settings: &Settings) -> Option<Printed> {
        let (head, body) = parted(String::from_utf8(fs::read(&self.file).ok()?).ok()?)?;
        let tree = settings.source.read(head.asked.iter().map(String::as_str)).ok()?;
        if head.checksum != checksum(body.as_bytes()) || head.digest != inputs(settings, &tree, &head.variables).ok()? {
            return None;
        }
        // What is used is young again.
        drop(fs::File::options().append(true).open(&self.file).and_then(|it| it.set_modified(SystemTime::now())));
        unpacked(head, body)
    }

    /// Keeps what was printed. A machine that cannot keep it renders again the next time.
    /// Nothing is kept where a file changed meanwhile: `used` are those that were rendered.
    pub(super) fn keep(&self, settings: &Settings, used: &Tree, variables: Vec<String>, printed: &Printed) {
        let asked = settings.source.asked();
        let Ok(tree) = settings.source.read(asked.iter().map(String::as_str)) else { return };
        // Archives of locked charts are brought from elsewhere, and their digests are in the lock file.
        let is_there = |path: &str| tree.contains(path) || path.contains(".tgz");
        if !tree.files().all(|(path, bytes)| used.bytes(path) == Some(bytes)) || !used.paths().all(is_there) {
            return;
        }
        let Ok(digest) = inputs(settings, &tree, &variables) else { return };
        if packed(asked, variables, digest, printed).is_some_and(|bytes| self.write(&bytes).is_ok()) {
            self.prune();
        }
    }

    fn write(&self, bytes: &[u8]) -> std::io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        // A temporary file is for its owner alone, and takes the place of another at once.
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(bytes)?;
        file.persist(&self.file)?;
        Ok(())
    }

    /// Removes the oldest entries for as long as all together are too large.
    fn prune(&self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let about = |it: fs::DirEntry| {
            let about = it.metadata().ok()?;
            Some((about.modified().ok()?, about.len(), it.path()))
        };
        let mut entries: Vec<(SystemTime, u64, PathBuf)> = entries.filter_map(about).collect();
        entries.sort();
        let mut total: u64 = entries.iter().map(|it| it.1).sum();
        for (_, bytes, path) in entries.iter().filter(|it| it.2 != self.file) {
            if total <= LARGEST {
                break;
            }
            // Another process may have removed it.
            drop(fs::remove_file(path));
            total = total.saturating_sub(*bytes);
        }
    }
}

/// The digest of all that goes into what is printed.
fn inputs(settings: &Settings, tree: &Tree, variables: &[String]) -> Result<String, Failure> {
    let set = |name: &str| settings.variables.get(name).map(|it| format!("{name}={it}"));
    let names_key = |name: &str| KEYS.iter().any(|it| name.starts_with(it)) && !name.contains("PASS");
    let of_keys = settings.variables.keys().filter(|name| names_key(name));
    let variables = of_keys.chain(variables).filter_map(|name| set(name));
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    };
    add(program().as_bytes());
    add(settings.environment.as_bytes());
    add(serde_json::to_string(&settings.selection).unwrap_or_default().as_bytes());
    add(format!("{:?}", settings.overrides.iter().map(exactly).collect::<Vec<_>>()).as_bytes());
    variables.for_each(|it| add(it.as_bytes()));
    for path in &settings.identities {
        add(path.to_string_lossy().as_bytes());
        add(&fs::read(path).unwrap_or_default());
    }
    add(settings.source.revision().unwrap_or_default().as_bytes());
    add(settings.source.time()?.unwrap_or_default().to_string().as_bytes());
    for (path, bytes) in tree.files() {
        add(path.as_bytes());
        add(bytes);
    }
    Ok(HEXLOWER.encode(&hash.finalize()))
}

/// What an argument sets, in text.
fn exactly(layer: &crate::values::Layer) -> String {
    let nodes: Vec<String> = layer.nodes.iter().map(|(path, value)| format!("{path} {value:?}")).collect();
    format!("{} {} {nodes:?}", layer.name, serde_json::to_string(&layer.values).unwrap_or_default())
}

/// The version and the build of this program.
fn program() -> String {
    let about = std::env::current_exe().and_then(fs::metadata);
    let build = about.map(|it| format!("{} {} {} {}", it.len(), it.ino(), it.mtime(), it.mtime_nsec()));
    format!("{} {}", env!("CARGO_PKG_VERSION"), build.unwrap_or_default())
}

/// The head on a line, the text, and the length and path of each object.
fn packed(asked: Vec<String>, variables: Vec<String>, digest: String, printed: &Printed) -> Option<Vec<u8>> {
    let Printed { text, objects, warnings, releases } = printed;
    let index = objects.iter().map(|(path, length)| format!("{length} {path}\n")).collect::<Vec<_>>().concat();
    let body = [text.as_bytes(), index.as_bytes()].concat();
    let (checksum, warnings, releases) = (checksum(&body), warnings.clone(), *releases);
    let head = Head { asked, variables, digest, checksum, text: text.len(), warnings, releases };
    let head = serde_json::to_vec(&head).ok()?;
    Some([&head[..], b"\n", &body].concat())
}

/// The head, and what stands behind it, in the memory of both.
fn parted(mut entry: String) -> Option<(Head, String)> {
    let end = entry.find('\n')?;
    let head = serde_json::from_str(&entry[..end]).ok()?;
    entry.drain(..=end);
    Some((head, entry))
}

fn unpacked(head: Head, mut body: String) -> Option<Printed> {
    let index = body.get(head.text..)?;
    let object = |line: &str| {
        let (length, path) = line.split_once(' ')?;
        Some((path.to_owned(), length.parse().ok()?))
    };
    let objects = index.lines().map(object).collect::<Option<_>>()?;
    body.truncate(head.text);
    Some(Printed { text: body, objects, warnings: head.warnings, releases: head.releases })
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}

fn digest<'b>(parts: impl IntoIterator<Item = &'b [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    HEXLOWER.encode(&hash.finalize())
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
        let bytes = packed(vec!["charts".into()], Vec::new(), "d".into(), &printed).unwrap();
        let (head, body) = parted(String::from_utf8(bytes).unwrap()).unwrap();
        assert_eq!(head.checksum, checksum(body.as_bytes()));
        assert!((0..body.len()).all(|at| head.checksum != checksum(&body.as_bytes()[..at])));
        assert_eq!(unpacked(head, body), Some(printed));
    }
}

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

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::diagnostic::Failure;
use crate::pipeline::Settings;

/// Together the entries have at most so many bytes; the oldest go first.
const LARGEST: u64 = 256 << 20;
/// The variables by whose beginning keys and their places are named.
const KEYS: [&str; 4] = ["SOPS_", "WEFT_AGE_", "XDG_CONFIG_HOME", "HOME"];

/// What a run printed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Printed {
    /// The objects, each with the path that it is written to, relative to a folder.
    pub objects: Vec<(String, String)>,
    /// What people should know.
    pub warnings: Vec<String>,
    /// How many releases there are.
    pub releases: usize,
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
    /// The digest of what was printed.
    body: String,
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
        let bytes = fs::read(&self.file).ok()?;
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let head: Head = serde_json::from_slice(&bytes[..end]).ok()?;
        let body = &bytes[end + 1..];
        let current = inputs(settings, &head.asked, &head.variables).ok()?;
        if head.digest != current || head.body != digest([body]) {
            return None;
        }
        // What is used is young again.
        let touched =
            fs::File::options().append(true).open(&self.file).and_then(|it| it.set_modified(SystemTime::now()));
        drop(touched);
        unpacked(body)
    }

    /// Keeps what was printed. A machine that cannot keep it renders again the next time.
    pub(super) fn keep(&self, settings: &Settings, variables: Vec<String>, printed: &Printed) {
        let asked = settings.source.asked();
        let Ok(digest) = inputs(settings, &asked, &variables) else { return };
        let body = packed(printed);
        let head = Head { asked, variables, digest, body: self::digest([&body[..]]) };
        let Ok(mut bytes) = serde_json::to_vec(&head) else { return };
        bytes.push(b'\n');
        bytes.extend_from_slice(&body);
        if self.write(&bytes).is_ok() {
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
fn inputs(settings: &Settings, asked: &[String], variables: &[String]) -> Result<String, Failure> {
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
    let tree = settings.source.read(asked.iter().map(String::as_str))?;
    for (path, bytes) in tree.files() {
        add(path.as_bytes());
        add(bytes);
    }
    Ok(hex(hash))
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

/// Lengths before texts: nothing has to be escaped or looked through.
fn packed(printed: &Printed) -> Vec<u8> {
    let Printed { objects, warnings, releases } = printed;
    let mut out = format!("{releases} {} {}\n", objects.len(), warnings.len()).into_bytes();
    let texts = objects.iter().flat_map(|(path, text)| [path, text]).chain(warnings);
    for text in texts {
        out.extend_from_slice(format!("{}\n", text.len()).as_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    out
}

fn unpacked(bytes: &[u8]) -> Option<Printed> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (first, mut rest) = text.split_once('\n')?;
    let mut counts = first.split(' ').map(|it| it.parse::<usize>().ok());
    let (releases, objects, warnings) = (counts.next()??, counts.next()??, counts.next()??);
    let mut next = || {
        let (length, after) = rest.split_once('\n')?;
        let (text, after) = after.split_at_checked(length.parse().ok()?)?;
        rest = after;
        Some(text.to_owned())
    };
    let objects = (0..objects).map(|_| Some((next()?, next()?))).collect::<Option<Vec<_>>>()?;
    let warnings = (0..warnings).map(|_| next()).collect::<Option<Vec<_>>>()?;
    Some(Printed { objects, warnings, releases })
}

fn digest<'b>(parts: impl IntoIterator<Item = &'b [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hex(hash)
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_as_it_was() {
        let printed = Printed {
            objects: vec![("web/a.yaml".into(), "---\na: 1\n".into()), ("web/ä.yaml".into(), String::new())],
            warnings: vec!["Two\nlines.".into()],
            releases: 1,
        };
        let bytes = packed(&printed);
        assert_eq!(unpacked(&bytes), Some(printed));
        for end in 0..bytes.len() {
            assert_eq!(unpacked(&bytes[..end]), None, "{end}");
        }
        assert_eq!(unpacked(b"1 18446744073709551615 0\n"), None);
    }
}

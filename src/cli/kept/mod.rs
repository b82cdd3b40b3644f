//! What `weft render` printed before, kept for the next run of the same: a second render of an unchanged project only
//! looks at the files that the first one asked for, and reads them only where one may have been written since.
//!
//! An entry names all that went into it: what the source was asked for and a digest of what it gave, the environment, the
//! selection and what was set, the variables that inputs and keys come from, the commit's time, and the program with its
//! version and build. Nothing is used of an entry of which any of that is otherwise. What is printed holds no secrets, so
//! neither does an entry; its file is for its owner alone all the same, whole or not there, and checked before it is used.

mod entry;

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::PathBuf;
use std::time::SystemTime;

pub(super) use self::entry::{CachedRender, Printed};
use self::entry::{UNSEEN, packed};
use crate::diagnostic::Failure;
use crate::digest::Parts;
use crate::pipeline::Settings;
use crate::tree::Tree;

/// Together the entries have at most so many bytes; the oldest go first.
const LARGEST: u64 = 256 << 20;
/// The variables by whose beginning keys and their places are named.
const KEYS: [&str; 4] = ["SOPS_", "WEFT_AGE_", "XDG_CONFIG_HOME", "HOME"];

/// Where the entry of a run is.
pub(super) struct RenderCache {
    folder: PathBuf,
    file: PathBuf,
}

impl RenderCache {
    /// The place of the entry of a run; `None` where there is no cache folder.
    pub(super) fn of(settings: &Settings) -> Option<Self> {
        let folder = settings.trust.environment().ok()?.caches()?.join("weft/rendered");
        let mut name = Parts::default();
        name.add(settings.source.root().to_string_lossy().as_bytes());
        name.add(settings.source.revision().map(|_| "at").unwrap_or_default());
        name.add(&settings.environment);
        name.add(serde_json::to_string(&settings.selection).ok()?);
        Some(Self { file: folder.join(name.hex()), folder })
    }

    /// What was printed, if all that went into it is as it was.
    pub(super) fn find(&self, settings: &Settings) -> Option<CachedRender> {
        let found = CachedRender::open(&self.file)?;
        let asked = || found.head.asked.iter().map(String::as_str);
        let around = around(settings, &found.head.variables).ok()?;
        let seen = seen(&around, settings, asked());
        if seen.as_ref() != Some(&found.seen) {
            let tree = settings.source.read(asked()).ok()?;
            if found.head.digest != with(&around, tree.files()) {
                return None;
            }
        }
        if !found.is_whole().ok()? {
            return None;
        }
        // Where that cannot be written, files are read the next time, too.
        drop(found.renew(seen));
        Some(found)
    }

    /// Keeps what was printed. A machine that cannot keep it renders again the next time.
    /// Nothing is kept where a file changed meanwhile: `used` are those that were rendered.
    pub(super) fn keep(&self, settings: &Settings, used: &Tree, variables: Vec<String>, printed: &Printed) {
        let paths = settings.source.asked();
        let asked = || paths.iter().map(String::as_str);
        let Ok(around) = around(settings, &variables) else { return };
        // The stamps come first: what is written behind them gets others.
        let seen = seen(&around, settings, asked()).unwrap_or_else(|| UNSEEN.to_owned());
        let Ok(tree) = settings.source.read(asked()) else { return };
        // Archives of locked charts are brought from elsewhere, and their digests are in the lock file.
        let is_there = |path: &str| tree.contains(path) || path.contains(".tgz");
        if !tree.files().all(|(path, bytes)| used.bytes(path) == Some(bytes)) || !used.paths().all(is_there) {
            return;
        }
        let digest = with(&around, tree.files());
        if packed(&seen, (paths, variables, digest), printed).is_some_and(|bytes| self.write(&bytes).is_ok()) {
            self.prune();
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
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

/// The digest of all that goes into what is printed, but for the files.
fn around(settings: &Settings, variables: &[String]) -> Result<Parts, Failure> {
    let process = settings.trust.environment()?;
    let set = |name: &str| process.get(name).map(|it| format!("{name}={it}"));
    let names_key = |name: &str| KEYS.iter().any(|it| name.starts_with(it)) && !name.contains("PASS");
    let of_keys = process.keys().filter(|name| names_key(name));
    let variables = of_keys.chain(variables).filter_map(|name| set(name));
    let mut sum = Parts::default();
    sum.add(program());
    sum.add(&settings.environment);
    sum.add(serde_json::to_string(&settings.selection).unwrap_or_default());
    sum.add(format!("{:?}", settings.overrides.iter().map(exactly).collect::<Vec<_>>()));
    variables.for_each(|it| sum.add(it));
    for path in &settings.identities {
        sum.add(path.to_string_lossy().as_bytes());
        sum.add(fs::read(path).unwrap_or_default());
    }
    sum.add(settings.source.revision().unwrap_or_default());
    sum.add(settings.source.time()?.unwrap_or_default().to_string());
    Ok(sum)
}

/// The digest with the stamps of the files; `None` where they have none, or one was written so lately that it could be
/// written again without getting another.
fn seen<'p>(around: &Parts, settings: &Settings, asked: impl Iterator<Item = &'p str>) -> Option<String> {
    let now = SystemTime::now();
    let stamps = settings.source.stamps(asked).ok()??;
    let is_settled = stamps.values().all(|it| it.is_settled(now));
    is_settled.then(|| with(around, stamps.iter().map(|(path, stamp)| (path, stamp.bytes()))))
}

/// The digest with what is known of each file behind it.
fn with(around: &Parts, files: impl Iterator<Item = (impl AsRef<[u8]>, impl AsRef<[u8]>)>) -> String {
    let mut all = around.clone();
    files.for_each(|(path, known)| {
        all.add(path);
        all.add(known);
    });
    all.hex()
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

//! Charts from elsewhere: brought into the project's tree as the lock file names them, or looked for to be locked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Settings, load, pool};
use crate::source::charts::{self, Charts, FetchError, FetchedChart, Keys};
use crate::source::{ENVIRONMENTS, Source};
use weft_base::diagnostic::{Failure, Place};
use weft_base::tree::{Tree, archive};
use weft_base::value::Origin;
use weft_stages::kustomize;
use weft_stages::project::{self, ChartPlace, Dependency, Environment, Lock, Locked, ProjectError, VENDOR, Verify};

/// A chart that has to be had, and where it goes.
struct ChartRequest {
    place: ChartPlace,
    verify: Verify,
    origin: Origin,
    /// The chart of the repository that depends on it; none for one that a release names.
    dependency: Option<Dependency>,
}

impl ChartRequest {
    /// The path of its archive in the project.
    fn path(&self, locked: &Locked) -> String {
        match &self.dependency {
            Some(dependency) => dependency.archive(&locked.name, &locked.version),
            None => locked.archive(),
        }
    }

    /// Whether a path is that of another version than the locked one.
    fn is_other(&self, environment: &Environment, path: &str) -> bool {
        let Some((dependency, locked)) = self.dependency.as_ref().zip(environment.lock.get(&self.place)) else {
            return false;
        };
        dependency.is_archive(&locked.name, path) && self.path(locked) != path
    }
}

/// What locking an environment came to.
pub struct LockResult {
    /// The path of the lock file, relative to the root.
    pub path: String,
    /// Its text; `None` where nothing is to be locked.
    pub text: Option<String>,
    /// What is different from before, a line each.
    pub changes: Vec<String>,
}

/// Which charts are looked for again though they are locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renew {
    /// None.
    Missing,
    /// Those with one of these names, or all where there is none.
    Named(Vec<String>),
}

/// The tree with the packed charts of the releases as folders, and with the charts from elsewhere, exactly as locked.
///
/// A closed run brings nothing: the releases that need more than is at hand are taken out, and come back by their names.
pub(super) fn brought(
    settings: &Settings,
    environment: &mut Environment,
    tree: Tree,
) -> Result<(Tree, Vec<Arc<str>>), Failure> {
    let wanted = wanted(environment, &tree)?;
    let charts = Charts::new(&settings.trust);
    let archives = pool::each(&wanted, |it| {
        let locked = locked(environment, &tree, it)?;
        let path = it.path(locked);
        match archived(&charts, locked, tree.bytes(&path)) {
            Ok(bytes) => Ok((path, Ok(bytes))),
            Err(FetchError::Closed(_)) => Ok((path, Err(it.place.to_string()))),
            Err(error) => Err(error.into()),
        }
    })?;
    let (archives, withheld) = parted(archives);
    let left_out = leave_out(settings, environment, &withheld);
    // What was vendored before the lock file named another version counts no more.
    let others = |path: &str| wanted.iter().any(|it| it.is_other(environment, path));
    let tree = tree.without(others).with(Tree::new(archives));
    let packed =
        environment.releases.iter().filter_map(|it| it.source.chart()).filter(|it| it.strip_suffix(".tgz").is_some());
    let paths: BTreeMap<&str, &[u8]> = packed.filter_map(|path| Some((path.as_str(), tree.bytes(path)?))).collect();
    let folders = pool::each(paths, |(path, bytes)| {
        let files = archive::unpack(bytes, path)?;
        Ok(Tree::new(files.into_iter().map(|(below, bytes)| (format!("{path}/{below}"), bytes))))
    })?;
    Ok((folders.into_iter().fold(tree.clone(), Tree::with), left_out))
}

/// Archives by their paths.
type Archives = Vec<(String, Vec<u8>)>;

/// The archives that are at hand, and by path the places of those that are not.
fn parted(archives: Vec<(String, Result<Vec<u8>, String>)>) -> (Archives, BTreeMap<String, String>) {
    let mut there = Archives::new();
    let mut withheld = BTreeMap::new();
    for (path, archive) in archives {
        match archive {
            Ok(bytes) => there.push((path, bytes)),
            Err(place) => drop(withheld.insert(path, place)),
        }
    }
    (there, withheld)
}

/// Takes the releases out whose charts a closed run does not bring, and those whose charts depend on such a chart.
fn leave_out(settings: &Settings, environment: &mut Environment, withheld: &BTreeMap<String, String>) -> Vec<Arc<str>> {
    let mut left_out = Vec::new();
    environment.releases.retain(|release| {
        let Some(chart) = release.source.chart() else { return true };
        let below = format!("{chart}/");
        let Some((_, place)) = withheld.iter().find(|(path, _)| *path == chart || path.starts_with(&below)) else {
            return true;
        };
        settings.trust.skip(not_looked_at(&release.name, place));
        left_out.push(Arc::clone(&release.name));
        false
    });
    left_out
}

/// What a closed run says of a release that needs something from elsewhere.
pub(super) fn not_looked_at(release: &str, place: &str) -> String {
    format!(
        "The release `{release}` is not looked at: it takes `{place}`, and a closed run contacts no server and reads no \
         other repository."
    )
}

/// The entry of a chart, if it was locked with a look at all the signatures that it has to have.
fn locked<'e>(environment: &'e Environment, tree: &Tree, wanted: &ChartRequest) -> Result<&'e Locked, ProjectError> {
    let chart = wanted.place.to_string();
    let name = environment.name.clone();
    let place = || Place::of_word(tree, &wanted.origin);
    let locked = environment.lock.get(&wanted.place);
    let locked = locked.ok_or_else(|| ProjectError::NotLocked {
        chart: chart.clone(),
        environment: name.clone(),
        place: place(),
    })?;
    for keys in wanted.verify.files() {
        let digest = Keys::digest(key_file(tree, wanted, keys)?);
        if !locked.verified.iter().any(|it| it.keys == digest) {
            return Err(ProjectError::NotVerified { chart, keys: keys.clone(), environment: name, place: place() });
        }
    }
    Ok(locked)
}

/// The archive of a locked chart: the vendored one, else from the cache or its place.
fn archived(charts: &Charts, locked: &Locked, vendored: Option<&[u8]>) -> Result<Vec<u8>, FetchError> {
    match vendored {
        None => charts.get(locked),
        Some(bytes) => {
            charts::check(locked, bytes)?;
            Ok(bytes.to_vec())
        }
    }
}

/// Looks for the charts of an environment that are not locked, or are to be renewed.
pub fn lock(settings: &Settings, renew: &Renew) -> Result<LockResult, Failure> {
    let (environment, tree) = declared(&settings.source, &settings.environment)?;
    let wanted = wanted(&environment, &tree)?;
    if let Renew::Named(names) = renew {
        refuse_unknown(names, &wanted)?;
    }
    let charts = Charts::new(&settings.trust);
    let found = pool::each(&wanted, |it| {
        let kept = environment.lock.get(&it.place).filter(|old| !is_renewed(renew, old));
        if let Some(kept) = kept.filter(|_| locked(&environment, &tree, it).is_ok()) {
            return Ok(kept.clone());
        }
        let FetchedChart { locked, .. } = charts.find(&it.place, &keys(&tree, it)?)?;
        Ok(locked)
    })?;
    let lock = Lock::new(found);
    let changes = changes(&environment.lock, &lock);
    let text = if lock.charts.is_empty() { None } else { Some(lock.write()?) };
    Ok(LockResult { path: Lock::path(&environment.name), text, changes })
}

/// The archives of an environment's charts from elsewhere, by the path that each is vendored at.
pub fn vendored(settings: &Settings) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let (environment, tree) = declared(&settings.source, &settings.environment)?;
    let charts = Charts::new(&settings.trust);
    let wanted = wanted(&environment, &tree)?;
    let archives = pool::each(&wanted, |it| {
        let locked = locked(&environment, &tree, it)?;
        Ok((it.path(locked), archived(&charts, locked, None)?))
    })?;
    Ok(archives.into_iter().collect())
}

/// The vendored archives that no environment takes any more: those below `vendor/` that none has locked, and beside a
/// chart the other versions of what it depends on.
pub fn outdated(source: &Source) -> Result<Vec<String>, Failure> {
    let mut there: BTreeSet<String> = source.read([VENDOR])?.paths().map(str::to_owned).collect();
    let mut taken = BTreeSet::new();
    for name in project::names(&source.read([ENVIRONMENTS])?) {
        let (environment, tree) = declared(source, &name)?;
        taken.extend(environment.releases.iter().filter_map(|it| it.source.chart()).cloned());
        for wanted in wanted(&environment, &tree)? {
            let Some(locked) = environment.lock.get(&wanted.place) else { continue };
            taken.insert(wanted.path(locked));
            there.extend(tree.paths().filter(|path| wanted.is_other(&environment, path)).map(str::to_owned));
        }
    }
    let is_archive = |path: &&String| path.strip_suffix(".tgz").is_some();
    Ok(there.difference(&taken).filter(is_archive).cloned().collect())
}

/// An environment with the files that say what it depends on.
fn declared(source: &Source, environment: &str) -> Result<(Environment, Tree), Failure> {
    let declared = source.read([ENVIRONMENTS])?;
    let environment = project::load(&declared, environment)?;
    let folders = project::folders(&environment);
    let tree = declared.with(source.read(folders.iter().map(String::as_str))?);
    let tree = load::with_bases(source, &environment, tree)?;
    Ok((environment, tree))
}

/// The charts from elsewhere that releases name, and those that charts of the repository depend on.
fn wanted(environment: &Environment, tree: &Tree) -> Result<Vec<ChartRequest>, ProjectError> {
    let named = environment.remote.iter().map(|it| ChartRequest {
        place: it.place.clone(),
        verify: it.verify.clone(),
        origin: it.origin.clone(),
        dependency: None,
    });
    let mut all: Vec<ChartRequest> = named.collect();
    for folder in environment.releases.iter().filter_map(|it| it.source.kustomization()) {
        for need in kustomize::charts(tree, folder) {
            if all.iter().all(|it| it.place != need.place) {
                let verify = Verify::default();
                all.push(ChartRequest { place: need.place, verify, origin: need.origin, dependency: None });
            }
        }
    }
    let mut folders: Vec<&String> = environment.releases.iter().filter_map(|it| it.source.chart()).collect();
    folders.sort();
    folders.dedup();
    for folder in folders {
        let dependencies = project::dependencies(tree, folder)?.into_iter().filter(|it| is_ours(&environment.lock, it));
        all.extend(dependencies.map(|it| ChartRequest {
            place: it.place.clone(),
            verify: Verify::default(),
            origin: it.origin.clone(),
            dependency: Some(it),
        }));
    }
    Ok(all)
}

/// Whether a dependency is looked after here: it is not beside its chart, or it is locked.
fn is_ours(lock: &Lock, dependency: &Dependency) -> bool {
    dependency.beside.is_none() || lock.get(&dependency.place).is_some()
}

fn refuse_unknown(names: &[String], wanted: &[ChartRequest]) -> Result<(), ProjectError> {
    let known: Vec<String> = wanted.iter().map(|it| name_of(&it.place)).collect();
    match names.iter().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) => {
            let known = known.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
            Err(ProjectError::NoRemote { name: name.clone(), known })
        }
    }
}

fn is_renewed(renew: &Renew, locked: &Locked) -> bool {
    match renew {
        Renew::Missing => false,
        Renew::Named(names) => names.is_empty() || names.contains(&name_of(&locked.chart)),
    }
}

/// What a chart is called on the command line.
fn name_of(place: &ChartPlace) -> String {
    let last = |text: &str| text.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    match place {
        ChartPlace::Repository { name, .. } | ChartPlace::Registry { name, .. } => name.clone(),
        ChartPlace::Archive { url } => last(url),
        ChartPlace::Git { git, path, .. } if path == "." => last(git.trim_end_matches(".git")),
        ChartPlace::Git { path, .. } => last(path),
    }
}

fn keys(tree: &Tree, wanted: &ChartRequest) -> Result<Keys, ProjectError> {
    let read = |path: &Option<String>| path.as_ref().map(|path| key_file(tree, wanted, path).map(<[u8]>::to_vec));
    Ok(Keys { keyring: read(&wanted.verify.keyring).transpose()?, cosign: read(&wanted.verify.cosign).transpose()? })
}

fn key_file<'t>(tree: &'t Tree, wanted: &ChartRequest, path: &str) -> Result<&'t [u8], ProjectError> {
    tree.bytes(path).ok_or_else(|| ProjectError::File {
        user: "`verify`".into(),
        source: weft_base::tree::TreeError::Missing { path: path.to_owned() },
        nearest: None,
        place: Place::of_word(tree, &wanted.origin),
    })
}

/// What is different between two lock files, a line each.
fn changes(old: &Lock, new: &Lock) -> Vec<String> {
    let exactly = |it: &Locked| it.commit.clone().unwrap_or_else(|| it.version.clone());
    let mut lines = Vec::new();
    for now in &new.charts {
        let what = &now.chart;
        match old.get(what) {
            None => lines.push(format!("+ {what}: {}", exactly(now))),
            Some(was) if was == now => {}
            Some(was) if exactly(was) != exactly(now) => {
                lines.push(format!("~ {what}: {} -> {}", exactly(was), exactly(now)));
            }
            Some(was) if was.digest != now.digest => {
                lines.push(format!("~ {what}: {} was published again, with other contents", exactly(now)));
            }
            Some(_) => lines.push(format!("~ {what}: {}, signatures or address", exactly(now))),
        }
    }
    lines.extend(old.charts.iter().filter(|it| new.get(&it.chart).is_none()).map(|it| format!("- {}", it.chart)));
    lines
}

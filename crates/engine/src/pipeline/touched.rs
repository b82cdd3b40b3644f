//! Which releases a change touches, from two revisions of the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Declared, Project, ReleaseValues, Settings, load, pool, project, render, values};
use weft_base::diagnostic::Failure;
use weft_base::value::{Path, Value};
use weft_stages::chart::Read;
use weft_stages::manifest::Object;
use weft_stages::plan::touched::{Guess, InputCollector, ReleaseInputs, Touch, TouchKind, TouchedReleases, guess};
use weft_stages::project::{Release, leaves};

/// Which of the selected releases of the head's environment are not the same in the base, and why. An environment that
/// the base does not have is new with all its releases, and one that only the base has is gone.
///
/// Nothing is decrypted or rendered that is made of the same in both; the rest is rendered twice, without a cluster.
pub fn touched(base: Settings, head: Settings) -> Result<EnvironmentChange, Failure> {
    let earlier = move || {
        let before = load::those_there(&base).map(|it| it.map(|project| revision(&base, project)));
        (base, before)
    };
    let later = move || {
        let after = read(&head);
        (head, after)
    };
    let ((base, before), (head, after)) = pool::both(earlier, later);
    let (declared, after) = after?.unzip();
    Ok(EnvironmentChange { touched: between(base, before, head, after)?, declared })
}

fn between(
    base: Settings,
    before: Result<Option<Revision>, Failure>,
    head: Settings,
    after: Option<Revision>,
) -> Result<TouchedReleases, Failure> {
    let name = head.environment.clone();
    let before = match (before, &after) {
        (Ok(before), _) => before,
        (Err(failure), Some((after, _))) => {
            return Ok(all(&name, after, TouchKind::In, &format!("the base cannot be read: {}", said(&failure))));
        }
        (Err(failure), None) => return Err(failure),
    };
    let ((before, old), (after, new)) = match (before, after) {
        (Some(before), Some(after)) => (before, after),
        (None, Some((after, _))) => return Ok(all(&name, &after, TouchKind::New, "the environment is new")),
        (Some((before, _)), None) => return Ok(all(&name, &before, TouchKind::Gone, "the environment is gone")),
        // The head has to have it, and says so.
        (None, None) => return project(&head).map(|_| TouchedReleases::default()),
    };
    let changed = before.tree.differing(&after.tree);
    let mut releases = Vec::new();
    let mut perhaps = BTreeMap::new();
    for release in &after.environment.releases {
        let name = &release.name;
        let touch = |is, why| Touch { release: Arc::clone(name), is, why };
        let Some((old, new)) = old.get(name).zip(new.get(name)) else {
            releases.push(touch(TouchKind::New, vec!["the base does not have it".into()]));
            continue;
        };
        match guess(old, new, &changed) {
            Guess::Same => releases.push(touch(TouchKind::Out, Vec::new())),
            Guess::Touched(why) => releases.push(touch(TouchKind::In, why)),
            Guess::Perhaps(parts) => drop(perhaps.insert(Arc::clone(name), (parts, new.asks_cluster))),
        }
    }
    let gone = before.environment.releases.iter().filter(|it| !new.contains_key(&it.name));
    let gone = gone.map(|it| (Arc::clone(&it.name), vec!["only the base has it".into()]));
    releases.extend(gone.map(|(release, why)| Touch { release, is: TouchKind::Gone, why }));
    releases.extend(rendered((base, before), (head, after), perhaps));
    releases.sort_by(|a, b| a.release.cmp(&b.release));
    Ok(TouchedReleases { environment: name, releases })
}

/// What a change touches of an environment.
#[derive(Clone)]
pub struct EnvironmentChange {
    /// Its releases.
    pub touched: TouchedReleases,
    /// What the files of the head declare; `None` where it does not have the environment.
    pub declared: Option<Arc<Declared>>,
}

/// What a revision makes its releases of.
type Revision = (Project, BTreeMap<Arc<str>, ReleaseInputs>);

/// Reads the head, and keeps what it declares; `None` where it does not have the environment.
fn read(settings: &Settings) -> Result<Option<(Arc<Declared>, Revision)>, Failure> {
    let Some(declared) = load::declared_there(settings)? else { return Ok(None) };
    let project = declared.clone().those_there(&settings.selection)?;
    Ok(Some((Arc::new(declared), revision(settings, project))))
}

fn revision(settings: &Settings, project: Project) -> Revision {
    let made = made(settings, &project);
    (project, made)
}

/// The first thing that a failure says.
fn said(failure: &Failure) -> String {
    failure.diagnostics.first().and_then(|it| it.messages.first().cloned()).unwrap_or_default()
}

fn all(environment: &str, project: &Project, is: TouchKind, why: &str) -> TouchedReleases {
    let touch = |it: &Release| Touch { release: Arc::clone(&it.name), is, why: vec![why.to_owned()] };
    let mut releases: Vec<Touch> = project.environment.releases.iter().map(touch).collect();
    releases.sort_by(|a, b| a.release.cmp(&b.release));
    TouchedReleases { environment: environment.to_owned(), releases }
}

fn made(settings: &Settings, project: &Project) -> BTreeMap<Arc<str>, ReleaseInputs> {
    let variables = settings.trust.environment().ok();
    let is_set = |name: &str| variables.and_then(|it| it.get(name)).is_some_and(|it| !it.is_empty());
    let maker = InputCollector::new(&project.environment, &project.tree, &project.inputs, &is_set);
    project.environment.releases.iter().map(|it| (Arc::clone(&it.name), maker.collect(it))).collect()
}

/// A release of which only rendering tells: what changed of that which it is made of, and whether its templates ask what
/// the cluster serves.
type UncertainRelease = BTreeMap<Arc<str>, (Vec<String>, bool)>;

fn rendered(base: (Settings, Project), head: (Settings, Project), perhaps: UncertainRelease) -> Vec<Touch> {
    if perhaps.is_empty() {
        return Vec::new();
    }
    let names: BTreeSet<Arc<str>> = perhaps.keys().cloned().collect();
    let side = |(settings, project): (Settings, Project)| Side::of(&settings, project, &names);
    let (before, after) = pool::both(|| side(base), || side(head));
    let sides = before.and_then(|before| Ok((before, after?)));
    let sides = match &sides {
        Ok(sides) => Ok(sides),
        Err(failure) => Err(said(failure)),
    };
    let touch = |(release, (parts, asks)): (Arc<str>, (Vec<String>, bool))| match &sides {
        Ok((before, after)) => compared(release, &parts, asks, before, after),
        Err(message) => {
            let why = parts.iter().map(|it| format!("`{it}` changed"));
            let why = why.chain([format!("whether that matters could not be told: {message}")]).collect();
            Touch { release, is: TouchKind::In, why }
        }
    };
    perhaps.into_iter().map(touch).collect()
}

/// Releases as one revision renders them.
struct Side {
    releases: BTreeMap<Arc<str>, (ReleaseValues, Read)>,
    objects: BTreeMap<Arc<str>, Vec<Object>>,
}

impl Side {
    /// These releases; where they cannot be rendered alone, since they need what others define, with all others.
    fn of(settings: &Settings, mut project: Project, names: &BTreeSet<Arc<str>>) -> Result<Self, Failure> {
        let whole = project.environment.releases.clone();
        project.environment.releases.retain(|it| names.contains(&it.name));
        match Self::render(settings, &project) {
            Err(_) if project.environment.releases.len() < whole.len() => {
                project.environment.releases = whole;
                Self::render(settings, &project)
            }
            done => done,
        }
    }

    fn render(settings: &Settings, project: &Project) -> Result<Self, Failure> {
        let making = weft_stages::chart::RenderOptions { records: true, ..project.making() };
        let rendering = render(project, values(settings, project)?, &Arc::new(weft_schema::builtin()), &making)?;
        let mut objects: BTreeMap<Arc<str>, Vec<Object>> = BTreeMap::new();
        let desired = rendering.desired;
        for object in desired.objects.into_iter().chain(desired.hooks.into_iter().map(|it| it.object)) {
            objects.entry(Arc::clone(&object.release)).or_default().push(object);
        }
        let releases = rendering.releases.into_iter().zip(rendering.reads);
        let releases = releases.map(|(it, read)| (Arc::clone(&it.release.name), (it, read.unwrap_or_default())));
        Ok(Self { releases: releases.collect(), objects })
    }
}

fn compared(release: Arc<str>, parts: &[String], asks: bool, before: &Side, after: &Side) -> Touch {
    let same = match (before.objects.get(&release), after.objects.get(&release)) {
        (Some(old), Some(new)) => old.len() == new.len() && old.iter().zip(new).all(|(old, new)| is_same(old, new)),
        (old, new) => old.is_none() && new.is_none(),
    };
    let sides = before.releases.get(&release).zip(after.releases.get(&release));
    let asks = sides.map_or(asks, |(old, new)| asked(old, asks) || asked(new, asks));
    let why = sides.map(|(old, new)| reasons(parts, old, new)).unwrap_or_default();
    let matters = why.iter().any(|it| it.read || it.may_be_read);
    let (read, unread): (Vec<_>, Vec<_>) = why.into_iter().partition(|it| it.read);
    let told = |part: Vec<Reason>| part.into_iter().map(|it| it.text).collect::<Vec<_>>();
    if !same {
        return Touch { release, is: TouchKind::In, why: told(if read.is_empty() { unread } else { read }) };
    }
    if asks && matters {
        let asks = "its templates ask what the cluster serves, so that it may matter there".to_owned();
        return Touch {
            release,
            is: TouchKind::In,
            why: told(read).into_iter().chain(told(unread)).chain([asks]).collect(),
        };
    }
    let read = told(read).into_iter().map(|it| format!("{it}, and its objects are the same"));
    Touch { release, is: TouchKind::Out, why: read.chain(told(unread)).collect() }
}

/// Whether a rendering asked what the cluster serves. Of a chart that is recorded: where it did not ask, it goes the same
/// way on any cluster. Of all else it is only known whether a template mentions it.
fn asked((values, read): &(ReleaseValues, Read), mentioned: bool) -> bool {
    if values.chart.is_some() { read.of_chart.functions.contains("capabilities") } else { mentioned }
}

/// Something that changed.
struct Reason {
    /// Whether the release read it.
    read: bool,
    /// Whether it might on another cluster.
    may_be_read: bool,
    text: String,
}

/// Whether two revisions make the same object; where its template stands does not matter.
fn is_same(old: &Object, new: &Object) -> bool {
    old.id == new.id && old.gvk == new.gvk && old.body == new.body && old.implicit == new.implicit
}

/// What changed, and whether the release read it.
fn reasons(parts: &[String], old: &(ReleaseValues, Read), new: &(ReleaseValues, Read)) -> Vec<Reason> {
    let values = changed_values(old, new);
    let mut all: Vec<Reason> = Vec::new();
    for part in parts {
        let of_part: Vec<&ValueChange> = values.iter().filter(|it| it.is_of(part)).collect();
        for value in &of_part {
            let verb = if value.read { "reads" } else { "does not read" };
            let text = format!("{verb} the value `{}`, which `{}` changed", value.path, value.place);
            all.push(Reason { read: value.read, may_be_read: true, text });
        }
        if !of_part.is_empty() {
            continue;
        }
        let is_read = is_read(part, &old.1) || is_read(part, &new.1);
        let verb = if is_read { "reads" } else { "does not read" };
        let may_be_read = part.contains("/templates/");
        let text = format!("{verb} `{part}`, which changed");
        all.push(Reason { read: is_read, may_be_read, text });
    }
    all
}

/// A value that differs between two revisions.
struct ValueChange {
    path: Path,
    place: String,
    /// The files that it stands in.
    files: [Option<Arc<String>>; 2],
    read: bool,
}

impl ValueChange {
    /// Whether a file holds it; a part that is no file is a field, which may hold any value of the environment's own files.
    fn is_of(&self, part: &str) -> bool {
        let in_environment = |file: &String| file.ends_with("environment.yaml") || file == "environments/defaults.yaml";
        self.files.iter().flatten().any(|file| if part.contains('/') { **file == *part } else { in_environment(file) })
    }
}

fn changed_values(old: &(ReleaseValues, Read), new: &(ReleaseValues, Read)) -> Vec<ValueChange> {
    let of = |side: &(ReleaseValues, Read)| {
        let mut all: BTreeMap<String, (Path, Value)> = BTreeMap::new();
        leaves(&mut Path::root(), &side.0.values.merged, &mut |path, leaf| {
            all.insert(path.to_string(), (path.clone(), leaf.clone()));
        });
        all
    };
    let before = of(old);
    let after = of(new);
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differing =
        names.into_iter().filter(|name| before.get(*name).map(|it| &it.1) != after.get(*name).map(|it| &it.1));
    let changed = |name: &String| {
        let was = before.get(name);
        let is = after.get(name);
        let (path, leaf) = is.or(was)?;
        let read = old.1.values.contains(path) || new.1.values.contains(path);
        let file = |side: Option<&(Path, Value)>| side.and_then(|it| it.1.origin.file.clone());
        Some(ValueChange { path: path.clone(), place: leaf.origin.to_string(), files: [file(was), file(is)], read })
    };
    differing.filter_map(changed).collect()
}

/// Whether a file counts as read: what was executed or asked for, and what says what a chart is.
fn is_read(part: &str, read: &Read) -> bool {
    let name = part.rsplit('/').next().unwrap_or(part);
    let always = ["Chart.yaml", "requirements.yaml", "values.schema.json", ".helmignore"].contains(&name);
    let is_chart = part.contains("/templates/") || part.starts_with("charts/") || part.starts_with("vendor/");
    always || part.contains("/crds/") || read.of_chart.has_file(part) || !is_chart
}

//! The way of a field: from the layers of values over the line of a template to the server, and who owns it there.

use std::sync::Arc;

use super::probe::Probe;
use super::state::random_key;
use super::{PipelineError, Planned, Progress, Rendering, Settings, history, plan, project, render, values};
use crate::cluster::ServedObject;
use weft_base::diagnostic::{Failure, nearest, reasons};
use weft_base::masked::FingerprintKey;
use weft_base::value::{Origin, Path, Pattern, Value};
use weft_schema::builtin_schemas;
use weft_stages::diff::{self, FieldChange, LiveObject, Writer};
use weft_stages::manifest::{Object, ObjectId};
use weft_stages::plan::{Guards, Step};
use weft_stages::state::history::Revision;

/// The most fields whose values are looked for: each costs some renderings.
const MOST: usize = 12;

/// What is to be explained.
#[derive(Clone, Debug)]
pub struct Question {
    /// The object: `KIND/NAME`, where the kind may be in any case, in the plural, or with its group.
    pub object: String,
    /// Its namespace, where objects of the same name are in several.
    pub namespace: Option<String>,
    /// The field, or what is above it; all of the object without one.
    pub field: Option<String>,
    /// Whether no cluster is asked.
    pub offline: bool,
}

/// An object, and the way of its fields. Values are shown with sketches in place of secrets.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The environment.
    pub environment: String,
    /// The object.
    pub id: ObjectId,
    /// Its release.
    pub release: Arc<str>,
    /// Where the release is declared.
    pub declared: Origin,
    /// Where the object begins: the line of a template or file, where it is known.
    pub origin: Origin,
    /// Its fields, those that were asked for.
    pub fields: Vec<FieldExplanation>,
    /// The last revision of its release.
    pub last: Option<Revision>,
    /// The revision that brought the object as it is now, where that is kept.
    pub brought: Option<Revision>,
    /// Whether the server has it; `None` where nobody knows.
    pub live: Option<bool>,
    /// What could not be known, each a full sentence.
    pub unknown: Vec<String>,
}

/// The way of a field.
#[derive(Clone, Debug)]
pub struct FieldExplanation {
    /// The field.
    pub path: Path,
    /// What the repository has there; `None` for a field that it does not set.
    pub value: Option<Value>,
    /// The line of the template that wrote it, with its text.
    pub template: Option<(Origin, Option<String>)>,
    /// The values that reach it; `None` where that was not looked for.
    pub sources: Option<Vec<LayeredValue>>,
    /// Who owns it on the server, the newest first.
    pub owners: Vec<Writer>,
    /// How it differs from what the server has.
    pub change: Option<FieldChange>,
    /// What the server has, where the repository sets nothing.
    pub found: Option<Value>,
}

/// A value with its layers.
#[derive(Clone, Debug)]
pub struct LayeredValue {
    /// Its path among the values.
    pub path: Path,
    /// What it is.
    pub value: Value,
    /// Where that was written.
    pub origin: Origin,
    /// What it overrides, the last first, each with its place.
    pub overrides: Vec<(Value, Origin)>,
}

/// The way of a field, or of all fields of an object. What cannot be known is told, and is no error; an object or a field
/// that is not there is one.
pub async fn explain(settings: &Settings, question: &Question, progress: Progress<'_>) -> Result<Explanation, Failure> {
    let mut unknown = Vec::new();
    let planned = if question.offline {
        unknown.push("Nothing is known of the cluster, which was not asked.".to_owned());
        None
    } else {
        asked(settings, &mut unknown, progress).await
    };
    let project = project(settings)?;
    let key = planned.as_ref().map_or_else(random_key, |it| Ok(it.state.key.clone()))?;
    let discovery = planned.as_ref().map_or_else(|| Arc::new(weft_schema::builtin()), |it| Arc::clone(&it.discovery));
    let making = planned.as_ref().map_or_else(|| project.making(), |it| it.state.making(&project));
    progress("rendering");
    let Rendering { releases, desired, .. } = render(&project, values(settings, &project)?, &discovery, &making)?;
    let object = found(desired.with_hooks(), question)?;
    let release = releases.iter().find(|it| it.release.name == object.release);
    let unknown_object =
        || PipelineError::NoObject { word: question.object.clone(), nearest: None, several: Vec::new() };
    let release = release.ok_or_else(unknown_object)?;
    let step = planned.as_ref().and_then(|it| it.plan.steps.iter().find(|step| step.object.id == object.id));
    let live = match (&planned, step) {
        (Some(planned), Some(_)) => read(planned, object, &mut unknown).await,
        _ => None,
    };
    let seen = ObjectView { object, step, live: live.as_ref(), key: &key };
    let mut fields = seen.fields(question)?;
    let probe = Probe { project: &project, release, discovery: &discovery, making: &making, key: &key, object };
    let origin = probe.trace(&mut fields);
    if question.field.is_some() && fields.len() <= MOST {
        progress("looking for the values that reach it");
        probe.values(&mut fields, &mut unknown);
    } else if question.field.is_some() {
        unknown.push(format!("The values are not looked for of more than {MOST} fields: name one of them."));
    }
    let (last, brought) = match &planned {
        Some(planned) => applied(planned, object, &mut unknown).await,
        None => (None, None),
    };
    Ok(Explanation {
        environment: project.environment.name.clone(),
        id: object.id.clone(),
        release: Arc::clone(&object.release),
        declared: release.release.origin.clone(),
        origin,
        fields,
        last,
        brought,
        live: planned.is_some().then_some(live.is_some()),
        unknown,
    })
}

/// The plan of the environment; `None` where the cluster cannot be asked, which is told.
async fn asked(settings: &Settings, unknown: &mut Vec<String>, progress: Progress<'_>) -> Option<Planned> {
    match plan(settings, &Guards::default(), progress).await {
        Ok(planned) => Some(planned),
        Err(failure) => {
            unknown.push(format!("Nothing is known of the cluster: {}.", reasons(&failure.diagnostics)));
            None
        }
    }
}

/// The object as the server has it, without secrets.
async fn read(planned: &Planned, object: &Object, unknown: &mut Vec<String>) -> Option<LiveObject> {
    let resource = planned.discovery.resource(&object.gvk)?.clone();
    let mut live = None;
    let read =
        planned.cluster.read([ServedObject { id: object.id.clone(), resource }], &mut |it| live = Some(it)).await;
    let reasons = match read {
        Ok(unread) => unread.reasons.into_values().map(|it| it.reason).collect(),
        Err(error) => vec![error.to_string()],
    };
    unknown.extend(reasons.into_iter().map(|reason| format!("The object could not be read: {reason}.")));
    live
}

/// The last revision of the object's release, and the one that brought the object as it is.
async fn applied(
    planned: &Planned,
    object: &Object,
    unknown: &mut Vec<String>,
) -> (Option<Revision>, Option<Revision>) {
    let environment = &planned.project.environment;
    let found = history::revisions(&planned.cluster, environment, Some(&object.release)).await;
    let mut revisions = match found {
        Ok(found) => {
            unknown.extend(found.warnings);
            found.revisions
        }
        Err(failure) => {
            unknown.push(format!("The history could not be read: {}.", reasons(&failure.diagnostics)));
            return (None, None);
        }
    };
    revisions.sort_by_key(|it| std::cmp::Reverse(it.number));
    let digest = |revision: &Revision| revision.objects.get(&object.id).map(|it| it.digest.clone());
    let now = revisions.first().and_then(digest);
    let same = revisions.iter().take_while(|it| now.is_some() && digest(it) == now);
    (revisions.first().cloned(), same.last().cloned())
}

/// The object that is meant.
fn found<'o>(objects: impl Iterator<Item = &'o Object>, question: &Question) -> Result<&'o Object, Failure> {
    let objects: Vec<&Object> = objects.collect();
    let meant = |object: &&&Object| {
        let of_namespace = question.namespace.as_ref().is_none_or(|it| object.id.namespace.as_ref() == Some(it));
        of_namespace && is_meant(&object.id, &question.object)
    };
    let found: Vec<&&Object> = objects.iter().filter(meant).collect();
    match found.as_slice() {
        [only] => Ok(only),
        [] => {
            let names: Vec<String> = objects.iter().map(|it| short(&it.id)).collect();
            let nearest = nearest(&question.object, names.iter().map(String::as_str)).map(str::to_owned);
            Err(PipelineError::NoObject { word: question.object.clone(), nearest, several: Vec::new() }.into())
        }
        several => {
            let several = several.iter().map(|it| it.id.to_string()).collect();
            Err(PipelineError::NoObject { word: question.object.clone(), nearest: None, several }.into())
        }
    }
}

fn short(id: &ObjectId) -> String {
    format!("{}/{}", id.kind.kind, id.name)
}

/// Whether `deployment/web`, `deployments/web` or `Deployment.apps/web` means an object.
fn is_meant(id: &ObjectId, word: &str) -> bool {
    let Some((kind, name)) = word.split_once('/') else { return false };
    let kind = kind.to_lowercase();
    let known = id.kind.kind.to_lowercase();
    let plural = [format!("{known}s"), format!("{known}es"), format!("{}ies", known.trim_end_matches('y'))];
    let full = id.kind.to_string().to_lowercase();
    name == id.name && (kind == known || kind == full || plural.contains(&kind))
}

/// An object, from both sides.
struct ObjectView<'a> {
    object: &'a Object,
    step: Option<&'a Step>,
    live: Option<&'a LiveObject>,
    key: &'a FingerprintKey,
}

impl ObjectView<'_> {
    /// The fields that are asked about.
    fn fields(&self, question: &Question) -> Result<Vec<FieldExplanation>, Failure> {
        let shape = builtin_schemas().of(&self.object.gvk);
        let body = diff::shown(&self.object.body, self.key);
        let leaves = diff::leaves(&body, shape);
        let pattern = question.field.as_deref().map(pattern).transpose()?;
        let is_asked = |path: &Path| pattern.as_ref().is_none_or(|pattern| pattern.covers(path));
        let wanted: Vec<FieldExplanation> = leaves
            .iter()
            .filter(|(path, _)| is_asked(path))
            .map(|(path, value)| self.field(path, Some(value)))
            .collect();
        let (Some(word), true) = (&question.field, wanted.is_empty()) else { return Ok(wanted) };
        let foreign = self.foreign(&is_asked);
        if !foreign.is_empty() {
            return Ok(foreign);
        }
        // A list that is one whole is explained as such.
        let above = |path: &Path| pattern.as_ref().is_some_and(|it| reaches_below(it, path));
        let above: Vec<FieldExplanation> =
            leaves.iter().filter(|(path, _)| above(path)).map(|(path, value)| self.field(path, Some(value))).collect();
        if !above.is_empty() {
            return Ok(above);
        }
        let names: Vec<String> = leaves.iter().map(|(path, _)| path.to_string()).collect();
        let nearest = nearest(word, names.iter().map(String::as_str)).map(str::to_owned);
        Err(PipelineError::NoField { id: self.object.id.clone(), word: word.clone(), nearest }.into())
    }

    fn field(&self, path: &Path, value: Option<&Value>) -> FieldExplanation {
        let changes = self.step.map(|step| step.object.fields.as_slice()).unwrap_or_default();
        FieldExplanation {
            path: path.clone(),
            value: value.cloned(),
            template: None,
            sources: None,
            owners: self.live.map(|live| diff::owners(live, path)).unwrap_or_default(),
            change: changes.iter().find(|it| it.path == *path).cloned(),
            found: None,
        }
    }

    /// The fields that only the server has. What a Secret holds there is not shown.
    fn foreign(&self, is_asked: &dyn Fn(&Path) -> bool) -> Vec<FieldExplanation> {
        let Some(live) = self.live else { return Vec::new() };
        let mut body = live.body.clone();
        if live.id.kind.kind == "Secret" {
            body = body.masked();
        }
        let body = diff::shown_as(&live.body, &body, self.key);
        let shape = builtin_schemas().of(&self.object.gvk);
        let leaves = diff::leaves(&body, shape);
        let asked = leaves.iter().filter(|(path, _)| is_asked(path));
        asked
            .map(|(path, value)| FieldExplanation { found: Some((*value).clone()), ..self.field(path, None) })
            .collect()
    }
}

fn pattern(word: &str) -> Result<Pattern, Failure> {
    Pattern::parse(word).map_err(|source| PipelineError::NotAField { word: word.to_owned(), source }.into())
}

/// Whether a pattern leads to something below a path.
fn reaches_below(pattern: &Pattern, path: &Path) -> bool {
    pattern.parts().len() > path.0.len() && pattern.parts().iter().zip(&path.0).all(|(part, step)| part.fits(step))
}

/// The layers of a value of a release.
pub(super) fn layered(values: &weft_stages::values::Values, path: &Path, key: &FingerprintKey) -> Option<LayeredValue> {
    let node = path.resolve(&values.merged)?;
    let show = |value: &Value| diff::shown_at(&values.merged, path, value, key);
    let mut overrides: Vec<(Value, Origin)> = values
        .overridden
        .iter()
        .filter(|it| it.path == *path)
        .map(|it| (show(&it.value), it.value.origin.clone()))
        .collect();
    overrides.reverse();
    Some(LayeredValue { path: path.clone(), value: show(node), origin: node.origin.clone(), overrides })
}

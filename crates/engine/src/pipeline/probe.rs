//! Which line of a template wrote a field, and which values reach it: found by making one value after the other a secret,
//! and looking where the stand-ins of it turn up.

use std::sync::Arc;

use super::explain::{FieldExplanation, LayeredValue, layered};
use super::{Project, ReleaseValues};
use weft_base::masked::FingerprintKey;
use weft_base::tree::Tree;
use weft_base::value::{Data, Entry, Map, Mark, Origin, Path, Value};
use weft_schema::{Discovery, builtin_schemas};
use weft_stages::chart::{self, Chart, Context, RenderOptions};
use weft_stages::diff;
use weft_stages::manifest::{self, Object};
use weft_stages::project::ReleaseSource;
use weft_stages::values::Values;

/// How often a release is rendered to find the values that reach its fields.
const RENDERINGS: usize = 300;

/// A release that is rendered again.
pub(super) struct Probe<'a> {
    pub project: &'a Project,
    pub release: &'a ReleaseValues,
    pub discovery: &'a Arc<Discovery>,
    pub making: &'a RenderOptions,
    pub key: &'a FingerprintKey,
    pub object: &'a Object,
}

/// What a change of values does to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ValueEffect {
    Nothing,
    Changes,
    /// The release cannot be rendered so, or has no such object then.
    Unsure,
}

/// A search for the values that reach fields.
struct ValueSearch<'a> {
    probe: &'a Probe<'a>,
    chart: &'a Chart,
    /// The fields, with what they are without any change.
    targets: Vec<(Path, Option<Value>)>,
    /// By field, the values that reach it.
    found: Vec<Vec<Path>>,
    /// The values of which it could not be told.
    unsure: Vec<Path>,
    left: usize,
}

impl Probe<'_> {
    /// Notes for each field the line that wrote it. Gives back where the object begins.
    pub fn trace(&self, fields: &mut [FieldExplanation]) -> Origin {
        let shape = builtin_schemas().of(&self.object.gvk);
        let leaves = diff::leaves(&self.object.body, shape);
        let trace = self.made();
        for field in fields {
            let Some((_, node)) = leaves.iter().find(|(path, _)| *path == field.path) else { continue };
            field.template = self.written(node, trace.as_ref());
        }
        let made = trace.and_then(|trace| trace.at(self.object.origin.mark).cloned());
        made.unwrap_or_else(|| self.object.origin.clone())
    }

    fn made(&self) -> Option<weft_base::diagnostic::Trace> {
        let chart = self.release.chart.as_ref()?;
        let file = self.object.origin.file.as_ref()?;
        let trace = chart::trace(chart, &self.context(&self.release.values), file).ok()?;
        (!trace.is_empty()).then_some(trace)
    }

    /// The line that wrote a node: of a template, where there is one; of the file itself for a plain manifest; for a
    /// kustomization that of a resource, a patch, or of what changed it.
    fn written(&self, node: &Value, trace: Option<&weft_base::diagnostic::Trace>) -> Option<(Origin, Option<String>)> {
        let origin = match (trace, &self.release.release.source) {
            (Some(trace), _) => trace.at(node.origin.mark).cloned()?,
            (None, ReleaseSource::Manifests(_)) => node.origin.clone(),
            (None, ReleaseSource::Kustomization(_)) => self.built(node)?,
            (None, _) => return None,
        };
        // A line of a Secret is shown where a template fills it in, and not where it holds the secret.
        let line = line(&self.project.tree, &origin)
            .filter(|it| self.object.id.kind.kind != "Secret" || it.contains("{{") || it.contains("{%"));
        Some((origin, line))
    }

    /// The place of a node of a kustomization. What does not stand in a file of its own, but in a patch in place or in a
    /// chart, is at no line.
    fn built(&self, node: &Value) -> Option<Origin> {
        let file = node.origin.file.as_ref()?;
        let mark = if self.project.tree.contains(file) { node.origin.mark } else { Mark::default() };
        Some(Origin { file: Some(Arc::clone(file)), mark })
    }

    /// Notes for each field the values that reach it.
    pub fn values(&self, fields: &mut [FieldExplanation], unknown: &mut Vec<String>) {
        let Some(chart) = &self.release.chart else { return };
        let mut search = ValueSearch {
            probe: self,
            chart,
            targets: fields.iter().map(|it| (it.path.clone(), None)).collect(),
            found: vec![Vec::new(); fields.len()],
            unsure: Vec::new(),
            left: RENDERINGS,
        };
        let Some(base) = search.rendered(&self.release.values) else {
            unknown.push("The values are not known: the object cannot be rendered alone.".to_owned());
            return;
        };
        for (path, value) in &mut search.targets {
            *value = search_value(&base, path, self.key, self.object);
        }
        let candidates = candidates(&self.release.values.merged);
        let all: Vec<usize> = (0..fields.len()).collect();
        search.look(&candidates, &all);
        if search.left == 0 {
            unknown.push("There are too many values to try all of them: more may reach these fields.".to_owned());
        }
        if !search.unsure.is_empty() {
            let names: Vec<String> = search.unsure.iter().map(ToString::to_string).collect();
            unknown.push(format!("Whether these values reach it could not be told: {}.", names.join(", ")));
        }
        for (field, found) in fields.iter_mut().zip(search.found) {
            let layers = found.iter().filter_map(|path| layered(&self.release.values, path, self.key));
            field.sources = Some(layers.collect::<Vec<LayeredValue>>());
        }
    }

    fn context<'c>(&'c self, values: &'c Values) -> Context<'c> {
        Context {
            release: &self.release.release,
            environment: &self.project.environment.name,
            values,
            inputs: &self.project.inputs,
            capabilities: self.discovery,
            making: self.making,
        }
    }
}

impl ValueSearch<'_> {
    /// Halves the values until each that reaches a field stands alone.
    fn look(&mut self, values: &[Path], targets: &[usize]) {
        let touched = self.touched(values, targets);
        let reached: Vec<usize> = targets
            .iter()
            .zip(&touched)
            .filter(|(_, touch)| **touch != ValueEffect::Nothing)
            .map(|(at, _)| *at)
            .collect();
        match values {
            _ if reached.is_empty() => {}
            [only] => {
                for (at, touch) in targets.iter().zip(&touched) {
                    match touch {
                        ValueEffect::Nothing => {}
                        ValueEffect::Changes if self.is_idle(only, *at) => {}
                        ValueEffect::Changes => self.found[*at].push(only.clone()),
                        ValueEffect::Unsure if self.unsure.contains(only) => {}
                        ValueEffect::Unsure => self.unsure.push(only.clone()),
                    }
                }
            }
            several => {
                let (first, second) = several.split_at(several.len() / 2);
                self.look(first, &reached);
                self.look(second, &reached);
            }
        }
    }

    /// Whether a field stays the same with another value there, in the open: where a secret makes other fields come and go,
    /// what is beside them is taken for secret too.
    fn is_idle(&mut self, value: &Path, target: usize) -> bool {
        let mut values = self.probe.release.values.clone();
        let Some(node) = value.resolve_mut(&mut values.merged).filter(|it| self.left > 0 && !it.is_masked()) else {
            return false;
        };
        self.left -= 1;
        *node = other(std::mem::take(node));
        put(&mut values, value);
        let (path, before) = &self.targets[target];
        let after = self.rendered(&values).map(|it| search_value(&it, path, self.probe.key, self.probe.object));
        after.is_some_and(|after| after == *before)
    }

    /// What becomes of fields when these values are others.
    fn touched(&mut self, values: &[Path], targets: &[usize]) -> Vec<ValueEffect> {
        if self.left == 0 || values.is_empty() {
            return vec![ValueEffect::Nothing; targets.len()];
        }
        self.left -= 1;
        let mut changed = self.probe.release.values.clone();
        for path in values {
            change(&mut changed.merged, path);
            put(&mut changed, path);
        }
        let Some(object) = self.rendered(&changed) else { return vec![ValueEffect::Unsure; targets.len()] };
        let touch = |at: &usize| {
            let (path, before) = &self.targets[*at];
            let after = search_value(&object, path, self.probe.key, self.probe.object);
            if after == *before { ValueEffect::Nothing } else { ValueEffect::Changes }
        };
        targets.iter().map(touch).collect()
    }

    /// The object with these values; `None` where it cannot be rendered, or is not there.
    fn rendered(&self, values: &Values) -> Option<Value> {
        let Probe { project, object, discovery, .. } = self.probe;
        let mut rendered = chart::render(self.chart, &self.probe.context(values)).ok()?;
        let file = object.origin.file.as_ref()?;
        rendered.files.retain(|it| it.path == *file && !it.opaque);
        let desired = manifest::read(vec![rendered], &project.environment, discovery).ok()?;
        desired.with_hooks().find(|it| it.id == object.id).map(|it| it.body.clone())
    }
}

/// A field as it is shown: a secret as its fingerprint, so that another one is another value.
fn search_value(body: &Value, path: &Path, key: &FingerprintKey, object: &Object) -> Option<Value> {
    let shown = diff::shown(body, key);
    let leaves = diff::leaves(&shown, builtin_schemas().of(&object.gvk));
    leaves.into_iter().find(|(it, _)| it == path).map(|(_, value)| value.clone())
}

/// The leaves of values, lists as a whole.
fn candidates(values: &Value) -> Vec<Path> {
    // Without a shape a list is one whole.
    diff::leaves(values, None).into_iter().filter(|(_, value)| !value.is_null()).map(|(path, _)| path).collect()
}

/// Makes what is at a path a secret, or another one, so that it shows wherever it turns up.
fn change(root: &mut Value, path: &Path) {
    if let Some(node) = path.resolve_mut(root) {
        *node = hidden(std::mem::take(node));
    }
}

fn hidden(value: Value) -> Value {
    let origin = value.origin.clone();
    let data = match value.data {
        Data::Masked(_) => return Value::from("another-secret").masked().at(origin),
        Data::List(items) => Data::List(items.into_iter().map(hidden).collect()),
        Data::Map(map) => Data::Map(map.into_iter().map(|it| Entry { value: hidden(it.value), ..it }).collect()),
        Data::Null => Data::Null,
        leaf => return Value { data: leaf, origin }.masked(),
    };
    Value { data, origin }
}

/// Another value of the same kind.
fn other(value: Value) -> Value {
    let data = match value.data {
        Data::Bool(it) => Data::Bool(!it),
        Data::Int(it) => Data::Int(it.wrapping_add(1)),
        Data::Uint(it) => Data::Uint(it - 1),
        Data::Float(it) => Data::Float(it + 1.0),
        Data::Text(it) => Data::Text(format!("x{it}")),
        Data::List(items) => Data::List(items.into_iter().map(other).collect()),
        Data::Map(map) => Data::Map(map.into_iter().map(|it| Entry { value: other(it.value), ..it }).collect()),
        same @ (Data::Null | Data::Masked(_)) => same,
    };
    Value { data, origin: value.origin }
}

/// Puts what is at a path of the result among what users set, from which Helm's charts are rendered.
fn put(values: &mut Values, path: &Path) {
    let Some(value) = path.resolve(&values.merged).cloned() else { return };
    let mut node = &mut values.by_user;
    for step in &path.0 {
        let weft_base::value::Step::Field(key) = step else { return };
        if node.as_map().is_none() {
            *node = Map::new().into();
        }
        let Some(map) = node.as_map_mut() else { return };
        node = map.get_or_insert(key);
    }
    *node = value;
}

/// The text of a line of a file of the project.
fn line(tree: &Tree, origin: &Origin) -> Option<String> {
    let text = tree.text(origin.file.as_ref()?).ok()?;
    let at = usize::try_from(origin.mark.line).ok()?.checked_sub(1)?;
    text.lines().nth(at).map(|line| line.trim().to_owned())
}

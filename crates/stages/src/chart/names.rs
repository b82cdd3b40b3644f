//! The names that templates see beside the values.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Object, from_args};
use minijinja::{Error, ErrorKind, State, Value as Dynamic};

use super::Context;
use super::files::Files;
use super::metadata::Metadata;
use weft_base::tree::{Tree, reads};
use weft_jinja::{Engine, Scope, Secrets, dynamic};
use weft_schema::{Discovery, Gvk, Resource};

/// What manages our objects, as `app.kubernetes.io/managed-by` says.
const MANAGER: &str = "weft";

/// `chart` and `files`.
pub fn of_chart(metadata: &Metadata, tree: Tree) -> [(&'static str, Dynamic); 2] {
    let Metadata { name, version, app_version, .. } = metadata;
    let facts = [("name", name), ("version", version), ("appVersion", app_version), ("app_version", app_version)];
    [("chart", texts(facts)), ("files", Files::dynamic(tree))]
}

/// `release`, `environment`, `inputs` and `capabilities`.
pub fn of_release(context: &Context) -> [(&'static str, Dynamic); 4] {
    let release = [("name", &*context.release.name), ("namespace", &context.release.namespace)];
    let inputs = context.inputs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    [
        ("release", texts(release)),
        ("environment", Dynamic::from(context.environment)),
        ("inputs", texts(inputs)),
        ("capabilities", Dynamic::from_object(Capabilities(Arc::clone(context.capabilities)))),
    ]
}

/// A map of texts.
fn texts<'t>(pairs: impl IntoIterator<Item = (&'t str, impl AsRef<str>)>) -> Dynamic {
    let map: weft_base::value::Map = pairs.into_iter().map(|(key, text)| (key, text.as_ref().to_owned())).collect();
    dynamic(&map.into(), Secrets::Exposed)
}

/// Adds the functions that look at the release.
pub fn register(engine: &mut Engine) {
    engine.global("labels", Dynamic::from_function(labels));
}

/// `labels()`: the labels that Kubernetes recommends; `labels({"app.kubernetes.io/component": "web"})` with more.
fn labels(state: &State, more: Option<Dynamic>) -> Result<Dynamic, Error> {
    let scope = Scope::of(state).ok_or_else(|| Error::from(ErrorKind::UnknownFunction))?;
    let text = |path: &[&str]| scope.find(path).map(|found| found.value).filter(Dynamic::is_true);
    let facts = [
        ("app.kubernetes.io/name", text(&["chart", "name"])),
        ("app.kubernetes.io/instance", text(&["release", "name"])),
        ("app.kubernetes.io/version", text(&["chart", "appVersion"])),
        ("app.kubernetes.io/managed-by", Some(Dynamic::from(MANAGER))),
    ];
    let labels = Dynamic::from_pairs(facts.into_iter().filter_map(|(key, value)| Some((key, value?))));
    Ok(match more {
        Some(more) => minijinja::value::merge_maps([labels, more]),
        None => labels,
    })
}

/// `capabilities`: what the server has.
struct Capabilities(Arc<Discovery>);

impl Capabilities {
    /// Whether a version (`apps/v1`) or a kind of it (`apps/v1/Deployment`) is served.
    fn has(&self, what: &str) -> bool {
        let Gvk { group, version, .. } = Gvk::new(what, "");
        let served = |resource: &Resource| resource.gvk.version == version && resource.gvk.group == group;
        let kind = what.rsplit_once('/').is_some_and(|(version, kind)| self.has_kind(version, kind));
        kind || self.0.resources.values().flatten().any(served)
    }

    fn has_kind(&self, version: &str, kind: &str) -> bool {
        self.0.resource(&Gvk::new(version, kind)).is_some()
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "capabilities of {}", self.0.server_version)
    }
}

impl Object for Capabilities {
    fn get_value(self: &Arc<Self>, key: &Dynamic) -> Option<Dynamic> {
        reads::function("capabilities");
        matches!(key.as_str()?, "kube_version" | "kubeVersion").then(|| self.0.server_version.as_str().into())
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Dynamic]) -> Result<Dynamic, Error> {
        reads::function("capabilities");
        match method {
            "has" => Ok(self.has(from_args::<(&str,)>(args)?.0).into()),
            "has_kind" => {
                let (version, kind) = from_args::<(&str, &str)>(args)?;
                Ok(self.has_kind(version, kind).into())
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

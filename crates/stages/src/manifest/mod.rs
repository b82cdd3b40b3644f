//! Rendered text -> [`Desired`]: objects with identity and origin, in one canonical form.

mod canonical;
mod documents;
mod error;
mod exposure;
mod groups;
pub mod hooks;
mod kinds;
mod left_out;
mod lint;
mod names;
mod namespaces;
mod objects;
mod patches;
mod place;
mod restored;
mod secret;
mod set;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::error::ManifestError;
pub use self::exposure::{Exposure, Spot, exposures};
pub use self::groups::{ObjectGroup, ObjectSet};
pub use self::hooks::Hook;
use self::hooks::Role;
pub(crate) use self::lint::pod_specs;
use self::objects::Setting;
use self::place::Source;
pub use self::restored::restored;
pub use self::set::{PART_OF, apply_set_id, inventory_name};
use crate::chart::Rendered;
use crate::project::Environment;
use weft_base::value::{Origin, Value};
use weft_schema::{Discovery, GroupKind, Gvk};

/// Which object: kind, namespace and name. The version it is written in does not belong to its identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectId {
    /// The kind.
    #[serde(flatten)]
    pub kind: GroupKind,
    /// The namespace; `None` for an object of the whole cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl fmt::Display for ObjectId {
    /// `Deployment.apps apps/app-flask`, or `Namespace apps`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}/{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// One object as the repository wants it.
#[derive(Clone, Debug)]
pub struct Object {
    /// Which object.
    pub id: ObjectId,
    /// The version it is written in.
    pub gvk: Gvk,
    /// The release that it belongs to.
    pub release: Arc<str>,
    /// The whole object in canonical form; leaves that came from secrets are masked.
    pub body: Value,
    /// The template or file, and the line of the rendered text where it begins.
    pub origin: Origin,
    /// A namespace that no file declares, for a release with `createNamespace`: created where it is missing, otherwise
    /// left as it is; it is never part of an inventory, and so never deleted.
    pub implicit: bool,
}

/// All objects of the selected releases, in the order of the releases and of their files.
#[derive(Clone, Debug, Default)]
pub struct Desired {
    /// The objects; no two have the same identity.
    pub objects: Vec<Object>,
    /// The hooks of these releases.
    pub hooks: Vec<Hook>,
    /// The hooks that test them, and are no part of a plan.
    pub tests: Vec<Hook>,
    /// Whether it is a revision that a release goes back to.
    pub is_revision: bool,
    /// What is suspicious but not wrong, each a full sentence with its place.
    pub warnings: Vec<String>,
}

impl Desired {
    /// The objects, and those of the hooks.
    pub fn with_hooks(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter().chain(self.hooks.iter().map(|it| &it.object))
    }

    /// Takes the object of a document up by its role; `seen` holds the places of the objects.
    fn take(
        &mut self,
        setting: &Setting,
        document: Value,
        seen: &mut HashMap<ObjectId, usize>,
    ) -> Result<(), ManifestError> {
        let role = setting.role(&document)?;
        if role == (Role::LeftOut { told: false }) {
            return Ok(());
        }
        let (object, said) = setting.object(document, &role)?;
        match role {
            Role::LeftOut { .. } => self.warnings.push(format!(
                "`{}` is left out: it would be run when an apply fails, which is not done ({}).",
                object.id, object.origin
            )),
            Role::Hook(terms) => {
                let (test, terms) = terms.without_test();
                self.tests.extend(test.map(|terms| Hook { object: object.clone(), terms }));
                if let Some(terms) = terms {
                    self.warnings.extend(said);
                    setting.check_kept(&object, &terms)?;
                    self.hooks.push(Hook { object, terms });
                }
            }
            Role::Object => {
                self.warnings.extend(said);
                if let Some(first) = seen.insert(object.id.clone(), self.objects.len()) {
                    return Err(duplicate(&object, &self.objects[first], setting.source));
                }
                self.objects.push(object);
            }
        }
        Ok(())
    }
}

/// Reads the objects of all releases.
///
/// Lists of objects are taken apart, leaves that came from secrets are masked, and each object is put into the form in
/// which a server would store it: without status, nulls and the server's own fields, with its namespace, a Secret's
/// `stringData` as `data`. Each is labelled as a member of its release's set. The CRDs among them add to the kinds that
/// `discovery` knows, whatever order they are in.
///
/// # Errors
/// The first one that a file has, with its place: no object, an unknown kind, an object or a key
/// that is there twice, fields that only a server sets.
pub fn read(
    rendered: Vec<Rendered>,
    environment: &Environment,
    discovery: &Discovery,
) -> Result<Desired, ManifestError> {
    let mut documents = Vec::new();
    for Rendered { release: name, files, patches, .. } in rendered {
        // What no selected release has rendered is not wanted.
        let Some(release) = environment.releases.iter().find(|it| it.name == name) else { continue };
        let set = apply_set_id(&environment.state_namespace, &inventory_name(&environment.name, &release.name));
        let mut own = Vec::new();
        for mut file in files {
            let shown = std::mem::take(&mut file.documents);
            let objects = documents::read(&file, shown)?;
            own.push((release, set.clone(), file, objects));
        }
        patches::apply(release, &patches, own.iter_mut().map(|it| &mut it.3).collect(), discovery)?;
        documents.append(&mut own);
    }
    let mut discovery = discovery.clone();
    for definition in documents.iter().flat_map(|(_, _, _, objects)| objects).filter(|document| is_crd(document)) {
        discovery.extend_with_crd(definition);
    }
    let mut desired = Desired::default();
    let mut seen = HashMap::new();
    for (release, set, file, found) in documents {
        let setting = Setting { release, set: &set, source: Source::new(&file), discovery: &discovery };
        for document in found.into_iter().filter(|document| !left_out::is_left_out(document)) {
            desired.take(&setting, document, &mut seen)?;
        }
    }
    namespaces::add_implicit(&mut desired.objects, &environment.releases);
    Ok(desired)
}

fn is_crd(document: &Value) -> bool {
    let text = |key: &str| document.get(key).and_then(Value::as_str).unwrap_or_default();
    Gvk::new(text("apiVersion"), text("kind")).group_kind().is_definition()
}

fn duplicate(object: &Object, first: &Object, source: Source) -> ManifestError {
    ManifestError::Duplicate {
        id: object.id.clone().into(),
        release: Arc::clone(&object.release),
        first_release: Arc::clone(&first.release),
        first: first.origin.clone(),
        at: source.bare(object.origin.mark),
    }
}

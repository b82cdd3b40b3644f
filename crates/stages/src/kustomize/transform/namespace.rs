//! `namespace`.

use crate::kustomize::KustomizeError;
use crate::kustomize::fields::{Create, FieldSpec, visit};
use crate::kustomize::resource::Resource;
use crate::kustomize::resources::Resources;
use weft_base::value::{Data, Map, Origin, Value};
use weft_schema::patch::scalar_text;

/// Which subjects of role bindings get the namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subjects {
    /// Those of the name `default`.
    #[default]
    Default,
    /// All service accounts.
    ServiceAccounts,
    /// None.
    None,
}

/// Puts all resources into a namespace; with `unset_only` those that have none.
pub fn namespace(
    resources: &mut Resources,
    namespace: &str,
    specs: &[FieldSpec],
    unset_only: bool,
    subjects: Subjects,
    origin: &Origin,
) -> Result<(), KustomizeError> {
    if namespace.is_empty() {
        return Ok(());
    }
    let setting = Setting { namespace, unset_only, subjects, origin };
    for resource in resources.rename().iter_mut().filter(|it| !it.of_chart) {
        resource.remember_id();
        setting.apply(resource, specs)?;
    }
    resources.check_unique()
}

/// Puts one resource into a namespace, as `ValueAddTransformer` does.
pub fn into_namespace(resource: &mut Resource, namespace: &str, origin: &Origin) -> Result<(), KustomizeError> {
    Setting { namespace, unset_only: false, subjects: Subjects::Default, origin }.apply(resource, &[])
}

struct Setting<'n> {
    namespace: &'n str,
    unset_only: bool,
    subjects: Subjects,
    origin: &'n Origin,
}

impl Setting<'_> {
    fn apply(&self, resource: &mut Resource, specs: &[FieldSpec]) -> Result<(), KustomizeError> {
        let gvk = resource.gvk();
        if !resource.scopes.is_cluster_scoped(&gvk)
            && let Some(metadata) = resource.metadata()
        {
            self.set(metadata.get_or_insert("namespace"));
        }
        let binding = matches!(&*gvk.kind, "RoleBinding" | "ClusterRoleBinding");
        if binding {
            self.set_subjects(&mut resource.body);
        }
        for spec in specs {
            let elsewhere = match spec.path.as_str() {
                "metadata/namespace" => true,
                "metadata/name" => gvk.api_version() != "v1",
                "subjects/namespace" => binding && matches!(&*spec.kind, "RoleBinding" | "ClusterRoleBinding"),
                _ => false,
            };
            if !elsewhere {
                visit(resource, spec, Create::Leaf, &mut |node| self.set_leaf(node))?;
            }
        }
        Ok(())
    }

    fn set_leaf(&self, node: &mut Value) -> Result<(), KustomizeError> {
        match node.data {
            Data::List(_) | Data::Map(_) => Err(KustomizeError::NoMap { found: node.kind() }),
            _ => {
                self.set(node);
                Ok(())
            }
        }
    }

    fn set(&self, node: &mut Value) {
        if !self.unset_only || scalar_text(node).is_empty() {
            *node = Value::from(self.namespace).at(self.origin.clone());
        }
    }

    fn set_subjects(&self, body: &mut Value) {
        let Some(Data::List(subjects)) =
            body.as_map_mut().and_then(|map| map.get_mut("subjects")).map(|it| &mut it.data)
        else {
            return;
        };
        for subject in subjects.iter_mut().filter_map(Value::as_map_mut).filter(|it| self.is_meant(it)) {
            self.set(subject.get_or_insert("namespace"));
        }
    }

    fn is_meant(&self, subject: &Map) -> bool {
        let is = |key: &str, word: &str| subject.get(key).and_then(Value::as_str) == Some(word);
        match self.subjects {
            Subjects::Default => is("name", "default"),
            Subjects::ServiceAccounts => is("kind", "ServiceAccount"),
            Subjects::None => false,
        }
    }
}

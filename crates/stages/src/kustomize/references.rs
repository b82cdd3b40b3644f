//! Names in fields of other resources, put right after their objects were renamed.

use std::collections::{HashMap, HashSet};

use super::KustomizeError;
use super::config::Config;
use super::fields::{Create, FieldSpec, visit_matching};
use super::id::{Id, Selected};
use super::resource::Resource;
use super::resources::Resources;
use weft_base::value::{Data, Map, Value};
use weft_schema::Gvk;
use weft_schema::patch::scalar_text;

/// Puts all references right.
pub fn fix(resources: &mut Resources, config: &Config) -> Result<(), KustomizeError> {
    if let Some(binding) = resources.iter().find(|it| has_blank_subject(it)) {
        return Err(KustomizeError::BlankNamespace { id: binding.id().into(), origin: binding.body.origin.clone() });
    }
    let renamed = Renamed::of(resources);
    if renamed.by_name.is_empty() {
        return Ok(());
    }
    let mut fields: HashMap<Gvk, Vec<(Selected, &FieldSpec)>> = HashMap::new();
    for resource in resources.iter_mut() {
        let kind = resource.original_id().gvk;
        let fields = fields.entry(kind.clone()).or_insert_with(|| fields_of(&kind, config));
        let referrer = Referrer::of(resource);
        for (target, spec) in fields.iter() {
            let looking = FieldReference { renamed: &renamed, referrer: &referrer, target, spec };
            visit_matching(resource, spec, Create::Never, &mut |node| looking.set(node))?;
        }
    }
    Ok(())
}

fn fields_of<'c>(kind: &Gvk, config: &'c Config) -> Vec<(Selected, &'c FieldSpec)> {
    let of = |reference: &'c super::config::NameReference| {
        let specs = reference.field_specs.iter().filter(|spec| spec.is_of(kind));
        specs.map(|spec| (reference.selected(), spec))
    };
    config.name_reference.iter().flat_map(of).collect()
}

/// The resources that had other names or namespaces.
struct Renamed {
    all: Vec<Candidate>,
    by_name: HashMap<String, Vec<usize>>,
    /// By the namespace that resources were loaded with, the namespaces that they are in now.
    moved: HashMap<String, HashSet<(String, String)>>,
}

struct Candidate {
    id: Id,
    previous: Vec<Id>,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
}

impl Renamed {
    fn of(resources: &Resources) -> Self {
        let mut renamed = Self { all: Vec::new(), by_name: HashMap::new(), moved: HashMap::new() };
        for resource in resources.iter() {
            let id = resource.id();
            let original = resource.original_id().effective_namespace().to_owned();
            let now = (id.effective_namespace().to_owned(), id.namespace.clone());
            renamed.moved.entry(original).or_default().insert(now);
            if resource.previous.is_empty() {
                continue;
            }
            let previous: Vec<Id> = resource.previous_ids().collect();
            let names: HashSet<&String> = previous.iter().map(|id| &id.name).collect();
            for name in names {
                renamed.by_name.entry(name.clone()).or_default().push(renamed.all.len());
            }
            let (prefixes, suffixes) = (resource.prefixes.clone(), resource.suffixes.clone());
            renamed.all.push(Candidate { id, previous, prefixes, suffixes });
        }
        renamed
    }
}

impl Candidate {
    fn was(&self, kind: &Selected) -> bool {
        self.previous.iter().any(|id| kind.selects(&id.gvk))
    }

    fn original_namespace(&self) -> &str {
        self.previous.first().unwrap_or(&self.id).effective_namespace()
    }
}

/// The resource whose fields hold names.
struct Referrer {
    id: Id,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
    /// The namespaces of the service accounts that a role binding names.
    subjects: HashSet<String>,
    /// What `roleRef` says it refers to.
    role: Option<Selected>,
}

impl Referrer {
    fn of(resource: &Resource) -> Self {
        let id = resource.id();
        let subjects = if id.gvk.kind == "RoleBinding" { subjects(&resource.body) } else { HashSet::new() };
        let role = |key: &str| resource.body.dig(&["roleRef", key]).map(|it| scalar_text(it).into_owned());
        let role = role("apiGroup").zip(role("kind"));
        Self {
            id,
            prefixes: resource.prefixes.clone(),
            suffixes: resource.suffixes.clone(),
            subjects,
            role: role.map(|(group, kind)| Selected { group, kind, version: String::new() }),
        }
    }

    /// Whether objects of a namespace, effective and as it is written, can be meant by names in this one.
    fn reaches(&self, effective: &str, written: &str) -> bool {
        self.id.cluster
            || effective == "_non_namespaceable_"
            || effective == self.id.effective_namespace()
            || self.subjects.contains(written)
    }
}

fn subjects(body: &Value) -> HashSet<String> {
    let subjects = body.get("subjects").and_then(Value::as_list).unwrap_or_default();
    let accounts = subjects.iter().filter(|it| it.get("kind").and_then(Value::as_str) == Some("ServiceAccount"));
    accounts.filter_map(|it| it.get("namespace")?.as_str()).map(str::to_owned).collect()
}

/// Whether a role binding names a service account of a namespace that is no text.
fn has_blank_subject(resource: &Resource) -> bool {
    let subjects = resource.body.get("subjects").and_then(Value::as_list).unwrap_or_default();
    let is_blank = |it: &Value| {
        it.get("kind").and_then(Value::as_str) == Some("ServiceAccount")
            && it.get("namespace").is_some_and(|it| it.as_str().is_none())
    };
    resource.text(&["kind"]) == "RoleBinding" && subjects.iter().any(is_blank)
}

/// One field of one resource.
struct FieldReference<'l> {
    renamed: &'l Renamed,
    referrer: &'l Referrer,
    target: &'l Selected,
    spec: &'l FieldSpec,
}

impl<'l> FieldReference<'l> {
    fn set(&self, node: &mut Value) -> Result<(), KustomizeError> {
        match &mut node.data {
            Data::Null => Ok(()),
            Data::Map(map) => self.set_map(map),
            Data::List(items) => items.iter_mut().try_for_each(|item| match &mut item.data {
                Data::Null => Ok(()),
                Data::Map(map) => self.set_map(map),
                Data::List(_) => Err(KustomizeError::NoMap { found: "list" }),
                _ => self.set_leaf(item),
            }),
            _ => self.set_leaf(node),
        }
    }

    fn set_leaf(&self, node: &mut Value) -> Result<(), KustomizeError> {
        let name = scalar_text(node).into_owned();
        let same = |one: &Candidate, other: &Candidate| one.id.name == other.id.name;
        if let Some(found) = self.select(&name, |_| true, same)?
            && found.id.name != name
        {
            node.data = Data::Text(found.id.name.clone());
        }
        Ok(())
    }

    fn set_map(&self, map: &mut Map) -> Result<(), KustomizeError> {
        let Some(name) = map.get("name").map(|it| scalar_text(it).into_owned()) else {
            return Err(KustomizeError::NoName { path: self.spec.path.clone(), id: self.referrer.id.clone().into() });
        };
        let namespace = map.get("namespace").map(|it| scalar_text(it).into_owned());
        let same = |one: &Candidate, other: &Candidate| {
            (&one.id.name, &one.id.namespace) == (&other.id.name, &other.id.namespace)
        };
        let fits: Box<dyn Fn(&Candidate) -> bool> = match &namespace {
            None => Box::new(|_| true),
            Some(wanted) if self.is_left(wanted) => Box::new(move |it| it.original_namespace() == wanted),
            Some(wanted) => Box::new(move |it| it.id.effective_namespace() == wanted),
        };
        let Some(found) = self.select(&name, fits, same)? else { return Ok(()) };
        if found.id.name != name {
            map.insert("name", found.id.name.as_str());
        }
        if !found.id.namespace.is_empty() {
            map.insert("namespace", found.id.namespace.as_str());
        }
        Ok(())
    }

    /// Whether any resource that can be meant was loaded with this namespace.
    fn is_left(&self, namespace: &str) -> bool {
        let now = self.renamed.moved.get(namespace).into_iter().flatten();
        now.into_iter().any(|(effective, written)| self.referrer.reaches(effective, written))
    }

    fn select(
        &self,
        name: &str,
        fits: impl Fn(&Candidate) -> bool,
        same: impl Fn(&Candidate, &Candidate) -> bool,
    ) -> Result<Option<&'l Candidate>, KustomizeError> {
        let all = &self.renamed.all;
        let named = self.renamed.by_name.get(name).into_iter().flatten().map(|at| &all[*at]);
        let mut found: Vec<&Candidate> = named.filter(|it| fits(it) && self.is_meant(it)).collect();
        if found.len() > 1 {
            found.retain(|it| self.is_related(it, true));
            if found.len() > 1 {
                found.retain(|it| self.is_related(it, false));
            }
        }
        match found.as_slice() {
            [] => Ok(None),
            [first, rest @ ..] if rest.iter().all(|it| same(first, it)) => Ok(Some(first)),
            several => Err(KustomizeError::AmbiguousName {
                name: name.to_owned(),
                path: self.spec.path.clone(),
                id: self.referrer.id.clone().into(),
                found: several.iter().map(|it| it.id.clone()).collect(),
            }),
        }
    }

    fn is_meant(&self, candidate: &Candidate) -> bool {
        let id = &candidate.id;
        let role = self.referrer.role.as_ref().filter(|_| self.spec.path.ends_with("roleRef/name"));
        let near = self.referrer.id.cluster
            || id.cluster
            || id.gvk.kind == "ServiceAccount"
            || self.referrer.id.shares_namespace(id);
        near && candidate.was(self.target)
            && role.is_none_or(|role| candidate.was(role))
            && self.referrer.reaches(id.effective_namespace(), &id.namespace)
    }

    /// Whether a resource got its name in the same layers as the referrer.
    fn is_related(&self, candidate: &Candidate, or_none: bool) -> bool {
        let fits = |mine: &[String], theirs: &[String]| {
            or_none && (mine.is_empty() || theirs.is_empty()) || same_ending(mine, theirs)
        };
        fits(&self.referrer.prefixes, &candidate.prefixes) && fits(&self.referrer.suffixes, &candidate.suffixes)
    }
}

fn same_ending(one: &[String], other: &[String]) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    if short.is_empty() { long.is_empty() } else { long.ends_with(short) }
}

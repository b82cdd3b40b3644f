//! Live state: paged LISTs side by side, of no more than the namespaces that are needed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use futures::StreamExt as _;

use super::request::{Request, escape};
use super::rights::{Right, roles};
use super::{Cluster, ClusterError, page};
use crate::diff::{self, Cause, LiveObject, Unknown};
use crate::manifest::ObjectId;
use crate::schema::{Gvk, Resource};
use crate::value::Value;

/// Objects of a page.
const LIMIT: usize = 500;
/// Lists that are worked on at once; how many requests are sent is decided by `flight`.
const LISTS: usize = 64;

/// An object that is asked about, and how its kind is served.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Which object.
    pub id: ObjectId,
    /// The kind, in the version in which the object shall be read.
    pub resource: Resource,
}

/// What could not be read.
#[derive(Clone, Debug, Default)]
pub struct Unread {
    /// By object, the reason.
    pub reasons: BTreeMap<ObjectId, Unknown>,
    /// The rights that are missing.
    pub rights: BTreeSet<Right>,
}

/// Objects of one kind in one namespace: the reach of one LIST.
struct Group {
    resource: Resource,
    namespace: Option<String>,
    names: BTreeSet<String>,
}

type Each<'e> = Mutex<&'e mut (dyn FnMut(LiveObject) + Send)>;

impl Unread {
    /// The Roles that give the missing rights; `None` where none is missing.
    pub fn roles(&self) -> Option<String> {
        (!self.rights.is_empty()).then(|| roles("weft", &self.rights))
    }
}

impl Cluster {
    /// Reads the wanted objects and hands each over as its page arrives; those that are not there are not handed over.
    /// One LIST a kind and namespace; where listing is not allowed, each object is read by its name.
    ///
    /// An error means that nothing can be said at all (the server is lost, or does not know us); what alone could not
    /// be read is in the answer.
    pub async fn read(
        &self,
        wanted: impl IntoIterator<Item = Wanted>,
        each: &mut (dyn FnMut(LiveObject) + Send),
    ) -> Result<Unread, ClusterError> {
        let each: Each = Mutex::new(each);
        let mut parts =
            futures::stream::iter(groups(wanted)).map(|it| self.read_group(it, &each)).buffer_unordered(LISTS);
        let mut unread = Unread::default();
        while let Some(part) = parts.next().await {
            let part = part?;
            unread.reasons.extend(part.reasons);
            unread.rights.extend(part.rights);
        }
        Ok(unread)
    }

    /// Reads one object; `None` where it is not there.
    pub async fn get(&self, id: &ObjectId, resource: &Resource) -> Result<Option<LiveObject>, ClusterError> {
        let request = Request::get(path(resource, id.namespace.as_deref(), Some(&id.name)), format!("get {id}"))
            .needs(Right::new("get", resource, id.namespace.as_deref()));
        let body: Option<Value> = self.fetch(&request).await?;
        Ok(body.and_then(diff::live))
    }

    async fn read_group(&self, group: Group, each: &Each<'_>) -> Result<Unread, ClusterError> {
        let mut hand_over = |item: Value| {
            let name = item.dig(&["metadata", "name"]).and_then(Value::as_str);
            if name.is_some_and(|name| group.names.contains(name))
                && let Some(object) = diff::live(typed(item, &group.resource.gvk))
            {
                (each.lock().unwrap_or_else(PoisonError::into_inner))(object);
            }
        };
        match self.list(&group.resource, group.namespace.as_deref(), "", &mut hand_over).await {
            Ok(()) => Ok(Unread::default()),
            Err(ClusterError::Forbidden { right, .. }) => self.read_by_name(group, *right, each).await,
            Err(error) if is_total(&error) => Err(error),
            Err(error) => Ok(Unread { reasons: group.all(&error.to_string()), rights: BTreeSet::new() }),
        }
    }

    /// Hands over all objects of a kind, page by page. `selector` is more of the query, such as `&labelSelector=a%3Db`.
    pub(super) async fn list(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        selector: &str,
        each: &mut (dyn FnMut(Value) + Send),
    ) -> Result<(), ClusterError> {
        let right = Right::new("list", resource, namespace);
        let mut token = None;
        loop {
            let next = token.map(|it: String| format!("&continue={}", escape(&it))).unwrap_or_default();
            let path = format!("{}?limit={LIMIT}{selector}{next}", path(resource, namespace, None));
            let request = Request::get(path, right.to_string()).needs(right.clone());
            let answer = self.send(&request).await?;
            match answer.code {
                // The kind is not served (any more), so there are none.
                404 => return Ok(()),
                _ if !answer.is_success() => return Err(self.refused(&request, &answer)),
                _ => {}
            }
            token = page::read(&answer.body, each)
                .map_err(|source| ClusterError::BadAnswer { what: request.what.clone(), source: source.into() })?;
            if token.is_none() {
                return Ok(());
            }
        }
    }

    async fn read_by_name(&self, group: Group, list: Right, each: &Each<'_>) -> Result<Unread, ClusterError> {
        let reads = group.names.iter().map(|name| async {
            let id = group.id(name);
            (self.get(&id, &group.resource).await, id)
        });
        let mut reads = futures::stream::iter(reads).buffer_unordered(LISTS);
        let mut unread = Unread::default();
        while let Some((read, id)) = reads.next().await {
            match read {
                Ok(Some(object)) => (each.lock().unwrap_or_else(PoisonError::into_inner))(object),
                Ok(None) => {}
                Err(ClusterError::Forbidden { right, .. }) => {
                    let why = Cause::NotPermitted.since(format!("not allowed to {list}, nor to {}", right.verb));
                    unread.reasons.insert(id, why);
                    unread.rights.extend([list.clone(), *right]);
                }
                Err(error) if is_total(&error) => return Err(error),
                Err(error) => {
                    unread.reasons.insert(id, Cause::Unreadable.since(error.to_string()));
                }
            }
        }
        Ok(unread)
    }
}

/// Whether no further request can do better.
pub(super) fn is_total(error: &ClusterError) -> bool {
    !matches!(error, ClusterError::Forbidden { .. } | ClusterError::Refused { .. } | ClusterError::BadAnswer { .. })
}

impl Group {
    fn id(&self, name: &str) -> ObjectId {
        let (kind, namespace) = (self.resource.gvk.group_kind(), self.namespace.clone());
        ObjectId { kind, namespace, name: name.to_owned() }
    }

    fn all(&self, reason: &str) -> BTreeMap<ObjectId, Unknown> {
        self.names.iter().map(|name| (self.id(name), Cause::Unreadable.since(reason))).collect()
    }
}

fn groups(wanted: impl IntoIterator<Item = Wanted>) -> Vec<Group> {
    let mut groups: BTreeMap<(Gvk, Option<String>), Group> = BTreeMap::new();
    for Wanted { id, resource } in wanted {
        let key = (resource.gvk.clone(), id.namespace.clone());
        let group =
            groups.entry(key).or_insert_with(|| Group { resource, namespace: id.namespace, names: BTreeSet::new() });
        group.names.insert(id.name);
    }
    groups.into_values().collect()
}

/// Items of a LIST of a built-in kind leave out what the list itself says.
fn typed(mut item: Value, gvk: &Gvk) -> Value {
    if let Some(fields) = item.as_map_mut()
        && !fields.contains("kind")
    {
        let rest = std::mem::take(fields);
        *fields = [("apiVersion", gvk.api_version()), ("kind", gvk.kind.clone())].into_iter().collect();
        rest.into_iter().for_each(|entry| fields.push_unique(entry));
    }
    item
}

/// The path of a collection, or of an object in it.
pub(super) fn path(resource: &Resource, namespace: Option<&str>, name: Option<&str>) -> String {
    let Gvk { group, version, .. } = &resource.gvk;
    let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    let namespace = namespace.map(|it| format!("/namespaces/{}", escape(it))).unwrap_or_default();
    let name = name.map(|it| format!("/{}", escape(it))).unwrap_or_default();
    format!("{root}{namespace}/{}{name}", resource.plural)
}

//! Reads live objects by paged LISTs, side by side, in the namespaces that are needed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::ready;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::{StreamExt as _, TryStreamExt as _};

use super::list::JSON;
use super::request::Request;
use super::rights::{Right, roles};
use super::{Cluster, ClusterError, page};
use weft_base::percent;
use weft_base::value::Value;
use weft_schema::{GroupKind, Gvk, Resource, Scope};
use weft_stages::diff::{Cause, LiveObject, Reader, Sent, Unknown};
use weft_stages::manifest::ObjectId;

/// An object is read by its name if it is one of at least this many known objects; otherwise a LIST reads them all. In a
/// whole cluster, so many wanted objects count as few.
const FEW: usize = 10;
/// Lists that are worked on at once; how many requests are sent is decided by `flight`.
const LISTS: usize = 32;

/// An object to read, and how its kind is served.
#[derive(Clone, Debug)]
pub struct ServedObject {
    pub id: ObjectId,
    /// The kind, in the version to read.
    pub resource: Resource,
}

/// How many known objects of a kind and namespace are not to be read.
pub type NeighbourCounts<'a> = HashMap<(&'a GroupKind, Option<&'a str>), usize>;

/// What could not be read.
#[derive(Clone, Debug, Default)]
pub struct Unread {
    /// By object, the reason.
    pub reasons: BTreeMap<ObjectId, Unknown>,
    /// The rights that are missing.
    pub rights: BTreeSet<Right>,
    /// The kinds whose schemas the server does not tell, with the reason.
    pub shapes: BTreeMap<Gvk, String>,
}

/// Objects of one kind in one namespace, as one LIST covers them.
struct ListGroup {
    resource: Resource,
    namespace: Option<String>,
    names: BTreeSet<String>,
}

/// The bytes of live objects: a page of a LIST, or one object that was read by its name.
pub struct LivePage {
    group: Arc<ListGroup>,
    body: Vec<u8>,
    is_list: bool,
}

/// What a page says about the next one, or why it cannot be read.
pub type PageRead = Result<Option<String>, serde_json::Error>;

impl LivePage {
    /// Reads the objects, and hands over those that are wanted. Only one at a time is held. The answer is for whoever
    /// handed over the page.
    pub fn read(&self, each: &mut dyn FnMut(LiveObject)) -> PageRead {
        let mut hand_over = |item: Sent| {
            let name = item.body.dig(&["metadata", "name"]).and_then(Value::as_str);
            if name.is_some_and(|name| self.group.names.contains(name))
                && let Some(object) = (Sent { body: typed(item.body, &self.group.resource.gvk), ..item }).live()
            {
                each(object);
            }
        };
        if self.is_list {
            return page::read(&self.body, &mut hand_over);
        }
        hand_over(Reader::object(&self.body)?);
        Ok(None)
    }
}

/// Objects that were read in advance, with the version of their kind. `None` if the object does not exist.
#[derive(Default)]
pub struct LivePrefetch(BTreeMap<ObjectId, (Gvk, Option<LivePage>)>);

impl LivePrefetch {
    /// The pages of wanted objects, which are removed from `wanted`.
    fn pages(mut self, wanted: &mut Vec<ServedObject>) -> Vec<(ServedObject, LivePage)> {
        let mut pages = Vec::new();
        let read = wanted.extract_if(.., |it| self.0.get(&it.id).is_some_and(|(gvk, _)| *gvk == it.resource.gvk));
        for it in read.collect::<Vec<_>>() {
            pages.extend(self.0.remove(&it.id).and_then(|(_, page)| Some((it, page?))));
        }
        pages
    }
}

impl Unread {
    /// The Roles that give the missing rights; `None` where none is missing.
    pub fn roles(&self) -> Option<String> {
        (!self.rights.is_empty()).then(|| roles("weft", &self.rights))
    }
}

impl Cluster {
    /// Reads the wanted objects and hands each over as its page arrives, see [`Self::read_pages`].
    pub async fn read(
        &self,
        wanted: impl IntoIterator<Item = ServedObject>,
        each: &mut (dyn FnMut(LiveObject) + Send),
    ) -> Result<Unread, ClusterError> {
        self.read_around(wanted, LivePrefetch::default(), &NeighbourCounts::new(), each).await
    }

    /// The same with prefetched pages and the counts of objects that are not to be read.
    pub async fn read_around(
        &self,
        wanted: impl IntoIterator<Item = ServedObject>,
        prefetch: LivePrefetch,
        neighbours: &NeighbourCounts<'_>,
        each: &mut (dyn FnMut(LiveObject) + Send),
    ) -> Result<Unread, ClusterError> {
        let each = Mutex::new(each);
        let take = |page: LivePage| {
            let mut each = each.lock().unwrap_or_else(PoisonError::into_inner);
            ready(page.read(&mut **each))
        };
        self.read_pages(wanted, prefetch, neighbours, &take).await
    }

    /// Reads the wanted objects and hands over their pages as they arrive. No page has an object that does not exist.
    /// It sends one LIST per kind and namespace. If listing is not allowed, or would mostly bring `neighbours`, it reads
    /// each object by its name. It asks for the next page of a LIST when `take` has read the one before; pages of other
    /// LISTs arrive meanwhile. Pages in `prefetch` are handed over first and not read again.
    ///
    /// An error means that nothing is known: the server is lost, or rejects our credentials. Objects that could not be
    /// read for other reasons are in the result.
    pub async fn read_pages<F: Future<Output = PageRead>>(
        &self,
        wanted: impl IntoIterator<Item = ServedObject>,
        prefetch: LivePrefetch,
        neighbours: &NeighbourCounts<'_>,
        take: &(impl Fn(LivePage) -> F + Sync),
    ) -> Result<Unread, ClusterError> {
        let mut wanted: Vec<ServedObject> = wanted.into_iter().collect();
        for (it, page) in prefetch.pages(&mut wanted) {
            if take(page).await.is_err() {
                // It is read again. If that fails too, the error is reported.
                wanted.push(it);
            }
        }
        let groups = futures::stream::iter(groups(wanted));
        let mut parts = groups.map(|it| self.read_group(Arc::new(it), neighbours, take)).buffer_unordered(LISTS);
        let mut unread = Unread::default();
        while let Some(part) = parts.next().await {
            let part = part?;
            unread.reasons.extend(part.reasons);
            unread.rights.extend(part.rights);
        }
        Ok(unread)
    }

    /// Reads objects by their names, in advance. It leaves out those that it cannot read: a later read reports the reason.
    /// After one refusal it sends no further request.
    pub async fn read_ahead(
        &self,
        wanted: impl IntoIterator<Item = ServedObject>,
    ) -> Result<LivePrefetch, ClusterError> {
        let forbidden = &AtomicBool::new(false);
        let reads = wanted.into_iter().map(|ServedObject { id, resource }| async move {
            if forbidden.load(Ordering::Relaxed) {
                return Ok(None);
            }
            match self.get_body(&id, &resource).await {
                Ok((_, body)) => {
                    let gvk = resource.gvk.clone();
                    let names = [id.name.clone()].into();
                    let group = Arc::new(ListGroup { resource, namespace: id.namespace.clone(), names });
                    Ok(Some((id, (gvk, body.map(|body| LivePage { group, body, is_list: false })))))
                }
                Err(error) if is_total(&error) => Err(error),
                Err(error) => {
                    forbidden.fetch_or(matches!(error, ClusterError::Forbidden { .. }), Ordering::Relaxed);
                    Ok(None)
                }
            }
        });
        let read = futures::stream::iter(reads).buffer_unordered(LISTS);
        Ok(LivePrefetch(read.try_filter_map(|it| ready(Ok(it))).try_collect().await?))
    }

    /// Reads one object; `None` if it does not exist.
    pub async fn get(&self, id: &ObjectId, resource: &Resource) -> Result<Option<LiveObject>, ClusterError> {
        let (what, body) = self.get_body(id, resource).await?;
        let Some(body) = body else { return Ok(None) };
        let sent = Reader::object(&body).map_err(|source| ClusterError::BadAnswer { what, source: source.into() })?;
        Ok(sent.live())
    }

    async fn get_body(&self, id: &ObjectId, resource: &Resource) -> Result<(String, Option<Vec<u8>>), ClusterError> {
        let request = Request::get(path(resource, id.namespace.as_deref(), Some(&id.name)), format!("get {id}"))
            .needs(Right::new("get", resource, id.namespace.as_deref()));
        let answer = self.send(&request).await?;
        match answer.code {
            404 => Ok((request.what, None)),
            _ if answer.is_success() => Ok((request.what, Some(answer.body))),
            _ => Err(self.refused(&request, &answer)),
        }
    }

    async fn read_group<F: Future<Output = PageRead>>(
        &self,
        mut group: Arc<ListGroup>,
        beside: &NeighbourCounts<'_>,
        take: &(impl Fn(LivePage) -> F + Sync),
    ) -> Result<Unread, ClusterError> {
        if group.is_few(beside) {
            let right = Right::new("list", &group.resource, group.namespace.as_deref());
            let unread = self.read_by_name(&group, right, take).await?;
            if unread.rights.is_empty() {
                return Ok(unread);
            }
            // Some may list but not get.
            let names = unread.reasons.into_keys().map(|id| id.name).collect();
            group = Arc::new(ListGroup { names, resource: group.resource.clone(), namespace: group.namespace.clone() });
        }
        let page = |body| take(LivePage { group: Arc::clone(&group), body, is_list: true });
        match self.list_pages(&group.resource, group.namespace.as_deref(), "", JSON, &page).await {
            Ok(()) => Ok(Unread::default()),
            Err(ClusterError::Forbidden { right, .. }) => self.read_by_name(&group, *right, take).await,
            Err(error) if is_total(&error) => Err(error),
            Err(error) => Ok(Unread { reasons: group.all(&error.to_string()), ..Unread::default() }),
        }
    }

    async fn read_by_name<F: Future<Output = PageRead>>(
        &self,
        group: &Arc<ListGroup>,
        list: Right,
        take: &(impl Fn(LivePage) -> F + Sync),
    ) -> Result<Unread, ClusterError> {
        let reads = group.names.iter().map(|name| async {
            let id = group.id(name);
            (self.read_one(group, &id, take).await, id)
        });
        let mut reads = futures::stream::iter(reads).buffer_unordered(LISTS);
        let mut unread = Unread::default();
        while let Some((read, id)) = reads.next().await {
            match read {
                Ok(()) => {}
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

    async fn read_one<F: Future<Output = PageRead>>(
        &self,
        group: &Arc<ListGroup>,
        id: &ObjectId,
        take: &(impl Fn(LivePage) -> F + Sync),
    ) -> Result<(), ClusterError> {
        let (what, body) = self.get_body(id, &group.resource).await?;
        let Some(body) = body else { return Ok(()) };
        let read = take(LivePage { group: Arc::clone(group), body, is_list: false }).await;
        read.map(drop).map_err(|source| ClusterError::BadAnswer { what, source: source.into() })
    }
}

/// Whether no further request can do better.
pub(super) fn is_total(error: &ClusterError) -> bool {
    !matches!(error, ClusterError::Forbidden { .. } | ClusterError::Refused { .. } | ClusterError::BadAnswer { .. })
}

impl ListGroup {
    /// Whether so few objects are wanted of those that are known that it is quicker to read each by its name. Of what
    /// belongs to no namespace most is others', but only a run about some releases asks for it so: to list is the one
    /// right that everybody has who may look at an environment.
    fn is_few(&self, beside: &NeighbourCounts<'_>) -> bool {
        let kind = self.resource.gvk.group_kind();
        let known = beside.get(&(&kind, self.namespace.as_deref())).copied().unwrap_or_default();
        self.names.len() * FEW <= known || !beside.is_empty() && self.is_of_cluster() && self.names.len() <= FEW
    }

    fn is_of_cluster(&self) -> bool {
        self.resource.scope == Scope::Cluster
    }

    fn id(&self, name: &str) -> ObjectId {
        let kind = self.resource.gvk.group_kind();
        let namespace = self.namespace.clone();
        ObjectId { kind, namespace, name: name.to_owned() }
    }

    fn all(&self, reason: &str) -> BTreeMap<ObjectId, Unknown> {
        self.names.iter().map(|name| (self.id(name), Cause::Unreadable.since(reason))).collect()
    }
}

fn groups(wanted: impl IntoIterator<Item = ServedObject>) -> Vec<ListGroup> {
    let mut groups: BTreeMap<(Gvk, Option<String>), ListGroup> = BTreeMap::new();
    for ServedObject { id, resource } in wanted {
        let key = (resource.gvk.clone(), id.namespace.clone());
        let group = groups.entry(key).or_insert_with(|| ListGroup {
            resource,
            namespace: id.namespace,
            names: BTreeSet::new(),
        });
        group.names.insert(id.name);
    }
    groups.into_values().collect()
}

/// Items of a LIST of a built-in kind leave out what the list itself says.
pub(super) fn typed(mut item: Value, gvk: &Gvk) -> Value {
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
    let namespace = namespace.map(|it| format!("/namespaces/{}", percent::segment(it))).unwrap_or_default();
    let name = name.map(|it| format!("/{}", percent::segment(it))).unwrap_or_default();
    format!("{root}{namespace}/{}{name}", resource.plural)
}

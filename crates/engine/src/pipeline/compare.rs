//! Joins desired and live objects as the pages of the live ones arrive, and compares them.
//!
//! An object that its record proves unchanged is finished at once. For the others the schemas of their kinds are fetched,
//! which may prove more. A dry run asks the server about the rest. If it cannot be asked, the difference is only
//! predicted, and the comparison says why.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures::StreamExt as _;

use super::additions::PlannedAdditions;
use super::join::{Join, JoinResult};
use super::server_context::Shapes;
use super::state::Prefetch;
use super::{PipelineError, Progress, definitions, pool};
use crate::cluster::{
    ApplyOptions, Cluster, ClusterError, NeighbourCounts, Permits, Refusal, Right, SchemaCache, ServedObject, Unread,
    WriteError,
};
use weft_base::diagnostic::Failure;
use weft_base::masked::FingerprintKey;
use weft_base::value::Value;
use weft_schema::{Discovery, GroupKind, Gvk, Resource, Schemas};
use weft_stages::diff::{
    self, Cause, Compared, Comparison, Context, Judge, LiveObject, Migration, ObjectComparison, Recorded, Rules,
    ServerAnswer,
};
use weft_stages::manifest::{Object, ObjectId};

/// Dry runs that are prepared at once; how many requests are sent is decided by the cluster.
const DRY_RUNS: usize = 64;
/// How often an object is read again if somebody writes it during the dry run.
const REREADS: usize = 3;

/// The objects to compare, and what the comparison needs to know.
pub(super) struct ComparisonInput {
    /// The desired objects.
    pub objects: Vec<Arc<Object>>,
    /// The hooks that may run before the objects are applied.
    pub hooks: BTreeSet<ObjectId>,
    /// What the inventories of these releases hold.
    pub members: BTreeMap<ObjectId, InventoryMember>,
    /// What the server serves now.
    pub discovery: Arc<Discovery>,
    /// The key of fingerprints and records.
    pub key: FingerprintKey,
    /// The field managers whose fields are taken.
    pub take: Vec<String>,
    /// What decides whether an object changed.
    pub judge: Judge,
    /// Where schemas are kept between runs.
    pub cache: SchemaCache,
    /// The ignore rules.
    pub rules: Arc<Rules>,
}

impl ComparisonInput {
    /// The context of a comparison with these schemas.
    pub fn context<'a>(&'a self, schemas: &'a Schemas) -> Context<'a> {
        let Self { discovery, take, judge, rules, .. } = self;
        Context { judge: *judge, rules, take, discovery: Some(discovery), ..Context::new(&self.key, schemas) }
    }

    /// What is recorded about an object.
    pub fn recorded(&self, id: &ObjectId) -> Option<Arc<Recorded>> {
        self.members.get(id)?.recorded.clone()
    }
}

/// An object of an inventory.
#[derive(Clone)]
pub struct InventoryMember {
    /// The release whose inventory it is.
    pub release: Arc<str>,
    /// The version in which it was applied.
    pub api_version: String,
    /// What was recorded then.
    pub recorded: Option<Arc<Recorded>>,
}

/// Reads the live objects and compares them. Objects that could not be read are unknown in the comparison; the missing
/// rights are in [`Unread`]. For `neighbours` see [`Cluster::read_pages`].
pub(super) async fn compare(
    subject: ComparisonInput,
    prefetch: Prefetch,
    neighbours: &NeighbourCounts<'_>,
    cluster: &Cluster,
    progress: Progress<'_>,
) -> Result<(Comparison, Unread), Failure> {
    let Prefetch { live, context } = prefetch;
    let mut table = ComparisonTable::new(subject);
    progress(&format!("reading {} live objects", table.wanted.len()));
    let wanted = std::mem::take(&mut table.wanted);
    let join = Join::new(&table.subject, &table.places);
    let take = |page| join.clone().page(page);
    let mut unread = cluster.read_pages(wanted, live, neighbours, &take).await?;
    join.found().into_iter().for_each(|joined| table.take(joined));
    table.settle(&unread);
    table.forgive(&mut unread);
    unread.shapes = table.shape(cluster, context.shapes, progress).await?;
    table.ask_all(cluster, &context.permits, progress).await?;
    table.validate();
    let mut comparison = table.finish();
    let differing =
        comparison.objects.iter_mut().filter(|it| it.verdict != diff::Verdict::Unchanged || !it.fields.is_empty());
    differing.for_each(|it| diff::redact(it, cluster.redactor()));
    Ok((comparison, unread))
}

struct ComparisonTable {
    subject: Arc<ComparisonInput>,
    wanted: Vec<ServedObject>,
    places: Arc<HashMap<ObjectId, usize>>,
    done: Vec<Option<ObjectComparison>>,
    left: BTreeMap<ObjectId, Option<ObjectComparison>>,
    /// What this plan adds. The server cannot be asked about objects that need it.
    coming: PlannedAdditions,
    /// Empty until the schemas are read.
    schemas: Schemas,
    questions: Vec<(usize, Option<LiveObject>)>,
    /// Takeovers from other tools by the index of the object. Their dry run replaces that of an apply.
    migrations: BTreeMap<usize, Migration>,
}

impl ComparisonTable {
    fn context(&self) -> Context<'_> {
        self.subject.context(&self.schemas)
    }

    fn new(subject: ComparisonInput) -> Self {
        let places: HashMap<_, _> = subject.objects.iter().enumerate().map(|(at, it)| (it.id.clone(), at)).collect();
        let left: BTreeMap<_, _> =
            subject.members.keys().filter(|id| !places.contains_key(id)).map(|id| (id.clone(), None)).collect();
        let desired = subject.objects.iter().filter_map(|object| {
            let resource = subject.discovery.resource(&object.gvk)?.clone();
            Some(ServedObject { id: object.id.clone(), resource })
        });
        let leaving = left.keys().filter_map(|id| {
            let resource = served(&subject.discovery, id, &subject.members[id].api_version)?.clone();
            Some(ServedObject { id: id.clone(), resource })
        });
        let wanted = desired.chain(leaving).collect();
        let done = vec![None; subject.objects.len()];
        let coming = PlannedAdditions { objects: subject.hooks.clone(), ..PlannedAdditions::default() };
        let places = Arc::new(places);
        let subject = Arc::new(subject);
        let schemas = Schemas::new();
        let questions = Vec::new();
        let migrations = BTreeMap::new();
        Self { subject, wanted, places, done, left, coming, schemas, questions, migrations }
    }

    fn take(&mut self, joined: JoinResult) {
        match joined {
            JoinResult::Done(at, comparison) => self.done[at] = Some(*comparison),
            JoinResult::Ask(at, live) => self.questions.push((at, Some(*live))),
            JoinResult::Left(id, comparison) => {
                self.left.insert(id, Some(*comparison));
            }
        }
    }

    /// Decides about each object that did not arrive: it is unknown, to be created, or gone.
    fn settle(&mut self, unread: &Unread) {
        let asked: BTreeSet<usize> = self.questions.iter().map(|(at, _)| *at).collect();
        for at in (0..self.done.len()).filter(|at| !asked.contains(at)) {
            let object = &self.subject.objects[at];
            if self.done[at].is_some() {
                continue;
            }
            if let Some(why) = unread.reasons.get(&object.id) {
                self.done[at] = Some(diff::unknown(object, why.clone(), &self.context()));
            } else {
                self.coming.objects.insert(object.id.clone());
                self.questions.push((at, None));
            }
        }
        let members = &self.subject.members;
        for (id, place) in self.left.iter_mut().filter(|(_, place)| place.is_none()) {
            let InventoryMember { release, api_version, recorded } = members[id].clone();
            let gone = diff::leftover(id, &release, None, recorded);
            let served = served(&self.subject.discovery, id, &api_version).is_some();
            let down = self.subject.discovery.unavailable.get(&id.kind.group).filter(|_| !served);
            let down = down.map(|reason| Cause::Unavailable.since(reason));
            *place = Some(match unread.reasons.get(id).cloned().or(down) {
                Some(why) => ObjectComparison { verdict: diff::Verdict::Unknown(why), ..gone },
                None => gone,
            });
        }
    }

    /// A namespace that no file declares counts as present if it cannot be read: nobody needs a right for that.
    fn forgive(&self, unread: &mut Unread) {
        let implicit = |id: &ObjectId| self.places.get(id).is_some_and(|at| self.subject.objects[*at].implicit);
        unread.reasons.retain(|id, _| !implicit(id));
        if !unread.reasons.keys().any(|id| id.kind.is_namespace()) {
            unread.rights.retain(|right| right.resource != "namespaces");
        }
    }

    /// Fetches the schemas of what the records do not prove, and looks for proofs once more. Kinds whose definition may
    /// change in this plan are left to the server. Gives back the kinds whose schemas cannot be had, and why.
    async fn shape(
        &mut self,
        cluster: &Cluster,
        prepared: Option<Shapes>,
        progress: Progress<'_>,
    ) -> Result<BTreeMap<Gvk, String>, Failure> {
        let questions = std::mem::take(&mut self.questions);
        let kind = |at: usize| &self.subject.objects[at].gvk;
        let served = |gvk: &&Gvk| self.subject.discovery.resource(gvk).is_some();
        let kinds: BTreeSet<Gvk> = questions.iter().map(|(at, _)| kind(*at)).filter(served).cloned().collect();
        if !kinds.is_empty() {
            progress("reading the schemas of the cluster");
        }
        let prepared = prepared.filter(|_| !kinds.is_empty()).and_then(|it| it.for_kinds(&kinds));
        let Shapes { mut schemas, mut unknown, .. } = match prepared {
            Some(shapes) => shapes,
            None => Shapes::read(cluster, kinds, &self.subject.cache).await?,
        };
        // What the plan makes of a definition counts, not what the server has now.
        let definitions = self.subject.objects.iter().filter(|object| object.id.kind.is_definition());
        definitions.for_each(|definition| schemas.add_crd(&definition.body));
        unknown.retain(|kind, _| schemas.of(kind).is_none());
        self.schemas = schemas;
        // Definitions first: what is open about them says which kinds may change.
        let (definitions, others): (Vec<_>, Vec<_>) =
            questions.into_iter().partition(|(at, _)| self.subject.objects[*at].id.kind.is_definition());
        self.prove(definitions)?;
        let changing: BTreeSet<GroupKind> =
            self.questions.iter().filter_map(|(at, _)| definitions::defined(&self.subject.objects[*at].body)).collect();
        let (open, provable): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|(at, _)| changing.contains(&self.subject.objects[*at].id.kind));
        self.questions.extend(open);
        self.prove(provable)?;
        Ok(unknown)
    }

    /// Looks for proofs, on all cores. Objects without a proof remain questions.
    fn prove(&mut self, questions: Vec<(usize, Option<LiveObject>)>) -> Result<(), Failure> {
        let judged = pool::each(questions, |(at, live)| {
            let Some(live) = live else { return Ok((at, Err((None, None)))) };
            let object = &self.subject.objects[at];
            Ok(match diff::compare(object, Some(live), self.subject.recorded(&object.id), None, &self.context()) {
                Compared::Done(done) => (at, Ok(done)),
                Compared::Shape(live) | Compared::Ask(live) => (at, Err((Some(*live), None))),
                Compared::Adopt(live, migration) => (at, Err((Some(*live), Some(*migration)))),
            })
        })?;
        for (at, judged) in judged {
            match judged {
                Ok(done) => self.done[at] = Some(*done),
                Err((live, migration)) => {
                    self.migrations.extend(migration.map(|it| (at, it)));
                    self.questions.push((at, live));
                }
            }
        }
        Ok(())
    }

    /// Asks the server about everything that is not proven; about definitions first, since what they will be decides
    /// about their objects.
    async fn ask_all(&mut self, cluster: &Cluster, permits: &Permits, progress: Progress<'_>) -> Result<(), Failure> {
        let questions = std::mem::take(&mut self.questions);
        let objects = &self.subject.objects;
        let (first, rest) = questions.into_iter().partition(|(at, _)| objects[*at].id.kind.is_definition());
        self.questions = first;
        self.ask(cluster, permits, progress).await?;
        self.coming.kinds = definitions::pending(self.done.iter().flatten());
        self.questions = rest;
        self.ask(cluster, permits, progress).await
    }

    /// Asks the server all questions.
    async fn ask(&mut self, cluster: &Cluster, permits: &Permits, progress: Progress<'_>) -> Result<(), Failure> {
        let questions = std::mem::take(&mut self.questions);
        let total = questions.len();
        let subject = &self.subject;
        let coming = &self.coming;
        let context = self.context();
        let server = &DryRunContext { cluster, permits, context: &context, additions: coming };
        let migrations = &self.migrations;
        let answers = questions.into_iter().map(|(at, live)| async move {
            let object = &subject.objects[at];
            let migration = migrations.get(&at);
            (at, server.current_answer(object, migration, live).await)
        });
        let mut answers = futures::stream::iter(answers).buffer_unordered(DRY_RUNS);
        let mut finished = Vec::with_capacity(total);
        while let Some((at, answer)) = answers.next().await {
            let object = &subject.objects[at];
            let recorded = self.subject.recorded(&object.id);
            let (live, asked) = answer?;
            if let Compared::Done(comparison) = diff::compare(object, live, recorded, Some(asked), &context) {
                finished.push((at, *comparison));
            }
            progress(&format!("asking the server about changes ({} of {total})", finished.len()));
        }
        drop(answers);
        for (at, comparison) in finished {
            self.done[at] = Some(comparison);
        }
        Ok(())
    }

    /// Validates against the schemas, since the server may not have been asked.
    fn validate(&mut self) {
        self.done.iter_mut().flatten().for_each(|it| diff::check(it, &self.schemas));
    }

    /// The objects that move to another release. They leave their present inventory.
    fn handed_over(&self) -> Vec<ObjectComparison> {
        let members = self.subject.members.iter().filter(|(id, held)| {
            let heir = self.places.get(id).map(|at| &self.subject.objects[*at]);
            heir.is_some_and(|object| object.release != held.release && !object.implicit)
        });
        let leave = |(id, held): (&ObjectId, &InventoryMember)| {
            let gone = diff::leftover(id, &held.release, None, None);
            ObjectComparison { verdict: diff::Verdict::Leftover, ..gone }
        };
        members.map(leave).collect()
    }

    /// The comparisons: desired objects in their order, then those that left. A namespace that exists and that no file
    /// declares is not ours and is left out.
    fn finish(self) -> Comparison {
        let ours = |it: &ObjectComparison| {
            let implicit = it.desired.as_ref().is_some_and(|object| object.implicit);
            !implicit || it.verdict == diff::Verdict::Create
        };
        let handed_over = self.handed_over();
        let left = self.left.into_values().flatten().chain(handed_over);
        let objects = self.done.into_iter().flatten().filter(ours).chain(left);
        Comparison { objects: objects.collect(), ..Comparison::default() }
    }
}

/// The resource that serves an object of an inventory, preferably in the version of its last apply.
pub(super) fn served<'d>(discovery: &'d Discovery, id: &ObjectId, api_version: &str) -> Option<&'d Resource> {
    let gvk = Gvk::new(api_version, &id.kind.kind);
    discovery.resource(&gvk).or_else(|| discovery.versions(&id.kind).first())
}

/// What dry runs need: the server, what we may do there, and what the plan adds before the object.
struct DryRunContext<'a> {
    cluster: &'a Cluster,
    permits: &'a Permits,
    context: &'a Context<'a>,
    additions: &'a PlannedAdditions,
}

impl DryRunContext<'_> {
    /// What the server says an apply would make of an object, and the live object that it refers to. If somebody wrote
    /// the object since it was read, it is read again: an apply does not do what they did.
    async fn current_answer(
        &self,
        object: &Arc<Object>,
        migration: Option<&Migration>,
        mut live: Option<LiveObject>,
    ) -> Result<(Option<LiveObject>, ServerAnswer), Failure> {
        let verbs: &[&str] = if live.is_some() { &["patch"] } else { &["patch", "create"] };
        let mut tries = 0..REREADS;
        loop {
            let sent = diff::sent(object, live.as_ref(), self.context);
            let asked = self.answer(&sent, migration, verbs).await;
            let asked =
                asked.map_err(|source| PipelineError::Lost { id: object.id.clone(), source: Box::new(source) })?;
            let moved = |live: &LiveObject| matches!(&asked, ServerAnswer::DryRun(it) if version(it) != version(live));
            let resource = self.context.discovery.and_then(|it| it.resource(&object.gvk));
            let resource = resource.filter(|_| live.as_ref().is_some_and(moved));
            let (Some(resource), Some(_)) = (resource, tries.next()) else { return Ok((live, asked)) };
            match self.cluster.get(&object.id, resource).await {
                Ok(now) if now.as_ref().is_some_and(|now| !moved(now)) => return Ok((now, asked)),
                Ok(now) => live = now,
                // Some may list but not get. Then the answer is all there is.
                Err(ClusterError::Forbidden { .. }) => return Ok((live, asked)),
                Err(lost) => return Err(lost.into()),
            }
        }
    }

    /// What the server says an apply would make of an object; an error if the server was lost. Nothing is sent that the
    /// server would refuse because a right to one of the `verbs` is missing.
    async fn answer(
        &self,
        object: &Object,
        migration: Option<&Migration>,
        verbs: &[&str],
    ) -> Result<ServerAnswer, WriteError> {
        let Some(resource) = self.context.discovery.and_then(|it| it.resource(&object.gvk)) else {
            return Ok(ServerAnswer::Impossible("its CustomResourceDefinition is part of this plan".to_owned()));
        };
        if self.additions.kinds.contains(&object.id.kind) {
            return Ok(ServerAnswer::Impossible("its CustomResourceDefinition is changed by this plan".to_owned()));
        }
        if let Some(reason) = self.additions.obstacle(object) {
            return Ok(ServerAnswer::Impossible(reason));
        }
        let asked = verbs.iter().map(|verb| async move {
            let right = Right::new(verb, resource, object.id.namespace.as_deref());
            (!self.permits.has(self.cluster, &right, &object.id.name).await).then_some(right)
        });
        if let Some(right) = futures::future::join_all(asked).await.into_iter().flatten().next() {
            return Ok(refused(&Refusal::Forbidden(right), String::new()));
        }
        let options = ApplyOptions { force: true, dry_run: true };
        let answer = match migration {
            Some(migration) => {
                self.cluster.migrate(&object.id, resource, migration).await.map(Box::new).map(ServerAnswer::Adopted)
            }
            None => self
                .cluster
                .apply(&object.id, resource, &object.body, options)
                .await
                .map(Box::new)
                .map(ServerAnswer::DryRun),
        };
        match answer {
            Ok(asked) => Ok(asked),
            Err(WriteError::Refused { refusal, message }) => Ok(refused(&refusal, message)),
            Err(lost) => Err(lost),
        }
    }
}

fn version(live: &LiveObject) -> Option<&str> {
    live.body.dig(&["metadata", "resourceVersion"]).and_then(Value::as_str)
}

/// Whether a refusal is about the object or only about the dry run.
pub(super) fn refused(refusal: &Refusal, message: String) -> ServerAnswer {
    match refusal {
        Refusal::Forbidden(right) => ServerAnswer::Impossible(format!("not allowed to {right}, which a dry run needs")),
        _ if message.contains("dry run") => ServerAnswer::Impossible(message),
        Refusal::Invalid | Refusal::Denied => ServerAnswer::Refused(message),
        Refusal::Conflict | Refusal::NotFound | Refusal::Other(_) => ServerAnswer::Impossible(message),
    }
}

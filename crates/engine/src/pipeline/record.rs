//! Keeping a revision of each release that a run changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt as _;
use jiff::Timestamp;

use super::{Planned, pool};
use crate::cluster::{Cluster, ClusterError, holder};
use weft_base::masked::FingerprintKey;
use weft_sops::{RULES, Readers, Recipient, SecretsError};
use weft_stages::diff::{self, Stripped};
use weft_stages::manifest::hooks::Occasion;
use weft_stages::manifest::{Object, ObjectId};
use weft_stages::plan::{Action, HookAction, Step};
use weft_stages::project::Release;
use weft_stages::report::{self, Event};
use weft_stages::state::history::{self, ListedSecret, ObjectResult, Pack, Provenance, Revision, RevisionOutcome};
use weft_stages::state::second;

/// Releases whose history is written at once; how many requests are sent is decided by `cluster`.
const TURNS: usize = 16;

/// What became of the objects of a run, gathered from its events.
#[derive(Default)]
pub(super) struct ObjectOutcomes(BTreeMap<ObjectId, ObjectResult>);

impl ObjectOutcomes {
    /// Notes what happened to an object.
    pub fn note(&mut self, event: &Event) {
        let old = self.0.get(&event.id);
        let new = match (&event.outcome, old) {
            (report::Outcome::Applied | report::Outcome::Deleted | report::Outcome::Orphaned, _) => ObjectResult::Done,
            (report::Outcome::Failed(reason), Some(ObjectResult::Done)) => ObjectResult::Unhealthy(reason.clone()),
            (report::Outcome::Failed(reason), Some(ObjectResult::Unknown(_)))
            | (report::Outcome::Unknown(reason), _) => ObjectResult::Unknown(reason.clone()),
            (report::Outcome::Adopted, _) => {
                ObjectResult::Unknown("only what others owned of it became ours".to_owned())
            }
            (report::Outcome::Failed(reason) | report::Outcome::Skipped(reason), None) => {
                ObjectResult::Undone(reason.clone())
            }
            _ => return,
        };
        self.0.insert(event.id.clone(), new);
    }

    /// What came of each release that was changed.
    pub fn outcomes(&self, steps: &[Step]) -> BTreeMap<Arc<str>, RevisionOutcome> {
        let mut releases: BTreeMap<&Arc<str>, Vec<(bool, Option<ObjectResult>)>> = BTreeMap::new();
        for step in steps {
            let asked = asks(&step.action);
            let fate = self.0.get(&step.object.id).cloned().map(|fate| match fate {
                // What nobody asked to write can only have failed to become healthy.
                ObjectResult::Undone(reason) if !asked => ObjectResult::Unhealthy(reason),
                fate => fate,
            });
            releases.entry(&step.object.release).or_default().push((asked, fate));
        }
        let outcome =
            |steps: Vec<(bool, Option<ObjectResult>)>| history::outcome(steps.iter().map(|(a, f)| (*a, f.as_ref())));
        releases.into_iter().filter_map(|(release, steps)| Some((Arc::clone(release), outcome(steps)?))).collect()
    }

    /// The releases of which nothing is left.
    fn gone(&self, steps: &[Step]) -> BTreeSet<Arc<str>> {
        let left = |step: &&Step| match &step.action {
            Action::Delete | Action::Orphan { .. } => self.0.get(&step.object.id) != Some(&ObjectResult::Done),
            Action::Forget { .. } | Action::Keep { leaves: true, .. } => false,
            Action::Hook(hook) => hook.point.occasion != Occasion::Delete,
            Action::Keep { .. } | Action::Unknown { .. } => true,
            _ => step.object.desired.as_ref().is_none_or(|it| !it.implicit),
        };
        let left: BTreeSet<&Arc<str>> = steps.iter().filter(left).map(|step| &step.object.release).collect();
        let all = steps.iter().map(|step| &step.object.release);
        all.filter(|release| !left.contains(release)).cloned().collect()
    }
}

/// Whether a step asks for a write.
fn asks(action: &Action) -> bool {
    use Action::{Create, Delete, Orphan, Recreate, Update};
    let runs = action.hook().is_some_and(|hook| hook.does == HookAction::Run);
    runs || matches!(action, Create | Update | Recreate { .. } | Delete | Orphan { .. })
}

/// Keeps a revision of each release that was changed, and lets go of what is too old. Returns what went wrong, each a
/// full sentence: the objects are as they are, whether that is written down or not.
pub(super) async fn record(
    planned: &Planned,
    cluster: &Cluster,
    key: &FingerprintKey,
    fates: &ObjectOutcomes,
) -> Vec<String> {
    let outcomes = fates.outcomes(&planned.plan.steps);
    let gone = fates.gone(&planned.plan.steps);
    if outcomes.is_empty() && gone.is_empty() {
        return Vec::new();
    }
    let environment = &planned.project.environment;
    let listed = cluster.listed_history(&environment.state_namespace, &environment.name).await;
    let mut listed = match listed {
        Ok(listed) => listed,
        Err(error) => return vec![unkept("history", &error)],
    };
    let made = Provenance {
        commit: planned.project.commit.as_ref().map(|it| it.id.clone()),
        dirty: planned.project.commit.as_ref().is_some_and(|it| it.dirty),
        set: planned.set.clone(),
        by: holder::who(),
        at: second(Timestamp::now()),
        plan: planned.plan.digest(key),
        weft: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let keeper = Keeper { planned, cluster, key, made };
    let releases: BTreeSet<&Arc<str>> = outcomes.keys().chain(&gone).collect();
    let turns = releases.into_iter().map(|release| {
        let listed = listed.remove(&**release).unwrap_or_default();
        let outcome = outcomes.get(release).filter(|_| !gone.contains(release));
        keeper.told(release, outcome, listed)
    });
    let warnings: Vec<Vec<String>> = futures::stream::iter(turns).buffered(TURNS).collect().await;
    warnings.concat()
}

fn unkept(what: &str, reason: &dyn std::fmt::Display) -> String {
    format!("The {what} could not be written: {reason}.")
}

/// Writes the history of releases.
struct Keeper<'a> {
    planned: &'a Planned,
    cluster: &'a Cluster,
    key: &'a FingerprintKey,
    made: Provenance,
}

impl Keeper<'_> {
    /// Takes its turn with a release; returns what went wrong.
    async fn told(
        &self,
        release: &Arc<str>,
        outcome: Option<&RevisionOutcome>,
        listed: Vec<ListedSecret>,
    ) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Err(reason) = self.turn(release, outcome, listed, &mut warnings).await {
            warnings.push(unkept(&format!("history of release `{release}`"), &reason));
        }
        warnings
    }

    /// Keeps a revision where there is an outcome, and lets go of what is too old: everything where there is none.
    async fn turn(
        &self,
        release: &Arc<str>,
        outcome: Option<&RevisionOutcome>,
        mut listed: Vec<ListedSecret>,
        warnings: &mut Vec<String>,
    ) -> Result<(), String> {
        let environment = &self.planned.project.environment;
        let cluster = self.cluster;
        let namespace = &environment.state_namespace;
        let keep = outcome.map_or(0, |_| environment.revisions);
        if let Some(outcome) = outcome.filter(|_| keep > 0) {
            let newest = listed.iter().filter_map(ListedSecret::number).max();
            let before = match newest {
                Some(number) => self.before(release, number, warnings).await?,
                None => None,
            };
            let (revision, pack) = self.revision(release, outcome, newest.unwrap_or(0) + 1, before, warnings).await;
            let kept = cluster.keep_revision(namespace, &revision, pack.as_ref()).await.map_err(|it| it.to_string())?;
            listed.push(kept);
        }
        let old = history::superfluous(&listed, keep);
        cluster.drop_history(namespace, &old).await.map_err(|it| it.to_string())
    }

    /// The revision before; one that cannot be read is no reason not to write the next one.
    async fn before(
        &self,
        release: &Arc<str>,
        number: u64,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Revision>, String> {
        let environment = &self.planned.project.environment;
        let cluster = self.cluster;
        let namespace = &environment.state_namespace;
        let found = cluster.revision(namespace, &environment.name, release, number).await;
        match found.and_then(|found| found.map(|it| it.read()).transpose()) {
            Ok(revision) => Ok(revision),
            Err(error @ ClusterError::History { .. }) => {
                warnings.push(format!("Revision {number} of release `{release}` is damaged: {error}."));
                Ok(None)
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// The new revision, and the pack that it brings.
    async fn revision(
        &self,
        release: &Arc<str>,
        outcome: &RevisionOutcome,
        number: u64,
        before: Option<Revision>,
        warnings: &mut Vec<String>,
    ) -> (Revision, Option<Pack>) {
        let bodies = self.bodies(release);
        let key = self.key.clone();
        let wanted = bodies.clone();
        let strip = move || -> BTreeMap<ObjectId, Stripped> {
            wanted.iter().map(|(id, object)| (id.clone(), diff::stripped(&object.body, &key))).collect()
        };
        let objects = pool::run(strip).await;
        let recipients = if objects.values().all(|it| it.secrets.is_empty()) {
            Vec::new()
        } else {
            recipients(self.planned, release).unwrap_or_else(|error| {
                let why = format!("The secret values of release `{release}` are not kept in its history: {error}.");
                warnings.push(why);
                Vec::new()
            })
        };
        let packed = Packing { objects, bodies, before, name: format!("revision {number} of {release}") };
        let ((objects, packs, pack), refused) = pool::run(move || packed.pack(&recipients)).await;
        warnings.extend(refused.map(|error| {
            format!("The secret values of revision {number} of release `{release}` are not kept: {error}.")
        }));
        let environment = self.planned.project.environment.name.clone();
        let made = self.made.clone();
        let outcome = outcome.clone();
        let back_to = self.planned.aim.back_to();
        let revision =
            Revision { environment, release: Arc::clone(release), number, made, outcome, back_to, objects, packs };
        (revision, pack)
    }

    /// The objects of a release as the repository has them, whatever rules leave to others.
    fn bodies(&self, release: &Arc<str>) -> BTreeMap<ObjectId, Arc<Object>> {
        let steps = self.planned.plan.steps.iter().filter(|step| step.action.hook().is_none());
        let objects = steps.map(|step| &step.object).filter(|it| it.release == *release);
        let body = |object: &diff::ObjectComparison| {
            let wanted = object.repository.as_ref().or(object.desired.as_ref()).filter(|it| !it.implicit)?;
            Some((object.id.clone(), Arc::clone(wanted)))
        };
        let hooks = self.planned.plan.hooks.get(release).map(|it| it.wanted.as_slice()).unwrap_or_default();
        let hooks = hooks.iter().map(|it| (it.hook.object.id.clone(), Arc::new(it.hook.object.clone())));
        objects.filter_map(body).chain(hooks).collect()
    }
}

type PackResult = (BTreeMap<ObjectId, history::PackedObject>, BTreeMap<String, history::Cover>, Option<Pack>);

/// Objects on their way into a pack.
struct Packing {
    objects: BTreeMap<ObjectId, Stripped>,
    bodies: BTreeMap<ObjectId, Arc<Object>>,
    before: Option<Revision>,
    name: String,
}

impl Packing {
    /// Packs what is new, with its secret values encrypted to the recipients; without them where that cannot be done.
    fn pack(&self, recipients: &[Recipient]) -> (PackResult, Option<SecretsError>) {
        match self.sealed(recipients) {
            Ok(packed) => (packed, None),
            Err(error) => (history::pack(self.objects.clone(), self.before.as_ref(), Vec::new()), Some(error)),
        }
    }

    fn sealed(&self, recipients: &[Recipient]) -> Result<PackResult, SecretsError> {
        let mut readers: Vec<String> = recipients.iter().map(ToString::to_string).collect();
        readers.sort();
        let (places, covers, mut pack) = history::pack(self.objects.clone(), self.before.as_ref(), readers);
        if let Some(pack) = pack.as_mut().filter(|it| it.has_secrets() && !recipients.is_empty()) {
            let ids: BTreeMap<&str, &ObjectId> = places.iter().map(|(id, at)| (at.digest.as_str(), id)).collect();
            let values = pack.secrets(|digest| Some(&self.bodies.get(*ids.get(digest)?)?.body));
            pack.values = Some(weft_sops::seal(&values, recipients, &self.name)?);
        }
        Ok((places, covers, pack))
    }
}

/// Who may read the secret values of a release: whoever can open each of its encrypted files alone, or where it has none
/// or they do not say it, whom the rules name for a file of its name.
fn recipients(planned: &Planned, release: &str) -> Result<Vec<Recipient>, SecretsError> {
    let project = &planned.project;
    let tree = &planned.project.tree;
    let of_release = |it: &&Release| *it.name == *release;
    let files = project.environment.releases.iter().find(of_release).map(|it| it.secrets.as_slice());
    let mut readers = Vec::new();
    for (path, _) in files.unwrap_or_default() {
        let bytes = tree.bytes(path).unwrap_or_default();
        let has_section = weft_sops::has_section(bytes);
        let named = || weft_sops::readers_of(bytes, &Arc::new(path.clone()));
        readers.push(if has_section { named()? } else { by_rules(planned, path)? });
    }
    if readers.is_empty() {
        readers.push(by_rules(planned, &format!("secrets/{}/{release}.yaml", project.environment.name))?);
    }
    Ok(Readers::of_all(&readers))
}

/// Whom the rules name for a file; nobody where there are none for it.
fn by_rules(planned: &Planned, path: &str) -> Result<Readers, SecretsError> {
    let tree = &planned.project.tree;
    if !tree.contains(RULES) {
        return Ok(Readers::default());
    }
    let rules = weft_sops::rules(tree.text(RULES)?, &Arc::new(RULES.to_owned()))?;
    Ok(rules.position(path).map(|at| rules.at(at, path)).transpose()?.map(|rule| rule.readers).unwrap_or_default())
}

//! Plans in files: what is put into them, and what is applied of them.

use std::sync::Arc;

use jiff::Timestamp;

use super::releases::identities;
use super::rollback::rollback_of;
use super::{Planned, Progress, Project, Settings, destroy_of, load, plan_of};
use crate::cluster::{Cluster, ClusterError};
use crate::source::Commit;
use weft_base::diagnostic::Failure;
use weft_base::masked::FingerprintKey;
use weft_base::value::Value;
use weft_schema::{Discovery, GroupKind, Gvk};
use weft_sops::{Readers, Recipient};
use weft_stages::manifest::ObjectId;
use weft_stages::plan::{Guards, Plan};
use weft_stages::state::saved::{
    self, ClusterMark, CommitMark, KeyMark, PlanPurpose, SavedError, SavedPlan, SetArguments,
};
use weft_stages::state::second;

/// What a plan was made with, besides the settings.
pub struct PlanInputs<'a> {
    /// The words that lifted guards.
    pub guards: &'a Guards,
    /// What the command line sets in the values, without the values.
    pub set: Vec<String>,
    /// The same with the values: each option with what stands behind it.
    pub given: Vec<(String, String)>,
    /// What people should know, each a full sentence.
    pub warnings: Vec<String>,
}

/// The file of a plan.
pub async fn save(planned: &Planned, settings: &Settings, made: PlanInputs<'_>) -> Result<Vec<u8>, Failure> {
    let Planned { plan, project, cluster, discovery, state, .. } = planned;
    let key = key_mark(planned)?;
    let used = if key == KeyMark::Open { KeyMark::open() } else { state.key.clone() };
    let given = given(made.given, plan, project)?;
    let saved = SavedPlan {
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        made: second(Timestamp::now()),
        cluster: cluster_mark(cluster, discovery).await?,
        commit: project.commit.as_ref().map(commit_mark),
        selection: settings.selection.clone(),
        judge: settings.judge,
        aim: planned.aim.clone(),
        set: made.set,
        given,
        guards: made.guards.clone(),
        digest: plan.digest(&state.key),
        proofs: saved::proofs(plan, &used),
        plan: plan.clone(),
        key,
        warnings: made.warnings,
    };
    Ok(saved::write(&saved, &state.key)?)
}

/// Plans anew what a saved plan is about, and gives back exactly what the file says. `settings` say where project, keys
/// and cluster are; the selection and whose word is taken are the file's. The second part are the objects that moved, and
/// that the plan leaves alone.
///
/// # Errors
/// Refusals, where the file is for another environment or cluster, or stale.
pub async fn replan(
    saved: &SavedPlan,
    settings: Settings,
    set: &[String],
    progress: Progress<'_>,
) -> Result<(Planned, Vec<ObjectId>), Failure> {
    if saved.set != set {
        return Err(SavedError::Set { planned: saved.set.clone(), asked: set.to_vec() }.into());
    }
    let settings = Settings { selection: saved.selection.clone(), judge: saved.judge, ..settings };
    let mut planned = plan_again(saved, &settings, progress).await?;
    let here = cluster_mark(&planned.cluster, &planned.discovery).await?;
    if !saved.cluster.is(&here) {
        let planned = saved.cluster.address.clone();
        let asked = here.address;
        return Err(SavedError::Cluster { planned, asked }.into());
    }
    let key = match &saved.key {
        KeyMark::Kept(mark) if !planned.state.key_is_kept || *mark != planned.state.key.mark() => {
            return Err(SavedError::OtherKey.into());
        }
        KeyMark::Kept(_) | KeyMark::Sealed(_) => planned.state.key.clone(),
        KeyMark::Open => KeyMark::open(),
    };
    let now = planned.project.commit.as_ref().map(commit_mark);
    let commit = saved.commit.clone().zip(now).filter(|(was, is)| was != is);
    let held = saved::hold(saved, std::mem::take(&mut planned.plan), &key);
    let held = held.map_err(|moved| SavedError::Stale { moved, commit })?;
    planned.plan = held.plan;
    if planned.plan.digest(&key) != saved.digest {
        return Err(SavedError::Another.into());
    }
    Ok((planned, held.elsewhere))
}

/// Plans what a saved plan was made for.
async fn plan_again(saved: &SavedPlan, settings: &Settings, progress: Progress<'_>) -> Result<Planned, Failure> {
    progress("reading the project");
    let project =
        if saved.aim == PlanPurpose::Remove { load::with_removed(settings)? } else { load::project(settings)? };
    let sealed = sealed_key(saved, settings, &project)?;
    let guards = &saved.guards;
    match &saved.aim {
        PlanPurpose::Apply => plan_of(project, settings, guards, sealed, progress).await,
        PlanPurpose::Remove => destroy_of(project, settings, guards, sealed, progress).await,
        PlanPurpose::GoBack { release, revision } => {
            rollback_of(project, settings, release, Some(*revision), guards, sealed, progress).await
        }
    }
}

/// What the command line set when a plan was made; `None` where the file does not tell.
pub fn set_again(saved: &SavedPlan, settings: &Settings) -> Result<Option<Vec<(String, String)>>, Failure> {
    match &saved.given {
        None if saved.set.is_empty() => Ok(Some(Vec::new())),
        None => Ok(None),
        Some(SetArguments::Plain(given)) => Ok(Some(given.clone())),
        Some(SetArguments::Sealed(text)) => {
            let identities = identities(settings, &load::with_removed(settings)?)?;
            Ok(Some(weft_sops::open_pairs(text, &Arc::new(SEALED_SET.to_owned()), &identities)?))
        }
    }
}

/// What goes into a file of what the command line set: nothing that only those may know who can read the secrets.
fn given(given: Vec<(String, String)>, plan: &Plan, project: &Project) -> Result<Option<SetArguments>, Failure> {
    if given.is_empty() {
        return Ok(None);
    }
    if !saved::tells_of_secrets(plan) {
        return Ok(Some(SetArguments::Plain(given)));
    }
    let readers = common_readers(project)?;
    if readers.is_empty() {
        return Ok(None);
    }
    let pair = |(option, text): (String, String)| Value::from(vec![option.into(), Value::from(text).masked()]);
    let given = Value::from(given.into_iter().map(pair).collect::<Vec<_>>());
    Ok(Some(SetArguments::Sealed(weft_sops::seal(&given, &readers, SEALED_SET)?)))
}

fn commit_mark(commit: &Commit) -> CommitMark {
    CommitMark { id: commit.id.clone(), dirty: commit.dirty }
}

/// What tells the cluster from others: who may not see its first namespace knows it by its address alone.
async fn cluster_mark(cluster: &Cluster, discovery: &Discovery) -> Result<ClusterMark, Failure> {
    let id = ObjectId { kind: GroupKind::namespace(), namespace: None, name: "kube-system".to_owned() };
    let uid = match discovery.resource(&Gvk::new("v1", "Namespace")) {
        None => None,
        Some(resource) => match cluster.get(&id, resource).await {
            Ok(live) => {
                live.and_then(|it| it.body.dig(&["metadata", "uid"]).and_then(Value::as_str).map(str::to_owned))
            }
            Err(ClusterError::Forbidden { .. }) => None,
            Err(error) => return Err(error.into()),
        },
    };
    Ok(ClusterMark { address: cluster.address().to_owned(), uid })
}

/// Which key the file is made with. One of this run alone goes with it, for those who can read all that it tells of.
fn key_mark(planned: &Planned) -> Result<KeyMark, Failure> {
    let state = &planned.state;
    if state.key_is_kept {
        return Ok(KeyMark::Kept(state.key.mark()));
    }
    if !saved::tells_of_secrets(&planned.plan) {
        return Ok(KeyMark::Open);
    }
    let readers = common_readers(&planned.project)?;
    if readers.is_empty() {
        return Err(SavedError::NoReader.into());
    }
    Ok(KeyMark::Sealed(weft_sops::seal(&state.key.masked(), &readers, SEALED)?))
}

/// What the sealed parts are called in errors.
const SEALED: &str = "the key in the saved plan";
const SEALED_SET: &str = "the values in the saved plan";

/// Those who can read each file of secrets of the selected releases by themselves.
fn common_readers(project: &Project) -> Result<Vec<Recipient>, Failure> {
    let mut paths: Vec<&String> =
        project.environment.releases.iter().flat_map(|it| &it.secrets).map(|it| &it.0).collect();
    paths.sort_unstable();
    paths.dedup();
    let mut readers = Vec::new();
    for path in paths {
        // A file that age encrypted as a whole does not say who can read it.
        let bytes = project.tree.bytes(path).filter(|bytes| weft_sops::has_section(bytes));
        let of = |bytes| weft_sops::readers_of(bytes, &Arc::new(path.to_owned()));
        readers.push(bytes.map_or_else(|| Ok(Readers::default()), of)?);
    }
    Ok(Readers::of_all(&readers))
}

/// The key that travels in a file.
fn sealed_key(saved: &SavedPlan, settings: &Settings, project: &Project) -> Result<Option<FingerprintKey>, Failure> {
    let KeyMark::Sealed(text) = &saved.key else { return Ok(None) };
    let secret = weft_sops::open_sealed(text, &Arc::new(SEALED.to_owned()), &identities(settings, project)?)?;
    Ok(Some(FingerprintKey::read(&secret).ok_or(SavedError::BrokenKey)?))
}

//! Reads the live objects of an environment without rendering it, so it needs no secret.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::compare::{InventoryMember, served};
use super::{Progress, ServerView, Settings, advice, connect, load, nothing, read_state_and};
use crate::cluster::ServedObject;
use weft_base::diagnostic::Failure;
use weft_schema::Discovery;
use weft_stages::diff::{self, LiveObject, Unknown};
use weft_stages::health::{self, Health};
use weft_stages::manifest::ObjectId;
use weft_stages::project::HealthRule;

/// The objects of the inventories, and what the server has of them.
pub struct Observation {
    /// The releases that were asked about, whether the cluster has anything of them or not.
    pub releases: Vec<Arc<str>>,
    /// The objects that the inventories hold.
    pub members: BTreeMap<ObjectId, InventoryMember>,
    /// Those that the server has.
    pub live: BTreeMap<ObjectId, LiveObject>,
    /// Those that could not be read, with the reason.
    pub unread: BTreeMap<ObjectId, Unknown>,
    /// What healthy means for some objects, by release.
    pub rules: BTreeMap<Arc<str>, Vec<HealthRule>>,
    /// What people should know, each a full sentence.
    pub warnings: Vec<String>,
}

impl Observation {
    /// Why an object is not among the live ones, in words that follow its name.
    pub fn absence(&self, id: &ObjectId) -> String {
        let reason = self.unread.get(id).map(|why| format!("could not be read: {why}"));
        reason.unwrap_or_else(|| "is gone".to_owned())
    }

    /// The health of an object; `None` if it was not read.
    pub fn health(&self, id: &ObjectId) -> Option<Health> {
        let live = self.live.get(id)?;
        let held = self.members.get(id)?;
        Some(health::judge(&live.body, self.rules.get(&held.release).map(Vec::as_slice).unwrap_or_default()))
    }
}

/// Reads the inventories of the selected releases, and the objects that they hold.
pub async fn observe(settings: &Settings, progress: Progress<'_>) -> Result<Observation, Failure> {
    let project = load::with_removed(settings)?;
    progress("connecting to the cluster");
    let cluster = connect(settings, &project.environment).await?;
    let (ServerView { discovery, mut state }, ()) =
        read_state_and(&cluster, &project, settings, None, nothing, progress).await?;
    project.refuse_unknown(settings, &state)?;
    let members = state.members_with_records();
    let wanted = members.iter().filter_map(|(id, held)| {
        let resource = served(&discovery, id, &held.api_version)?.clone();
        Some(ServedObject { id: id.clone(), resource })
    });
    let mut live = BTreeMap::new();
    progress(&format!("reading {} live objects", members.len()));
    let mut note = |mut object: LiveObject| {
        if let Some(recorded) = members.get(&object.id).and_then(|held| held.recorded.as_ref()) {
            diff::mask_recorded(&mut object, recorded);
        }
        live.insert(object.id.clone(), object);
    };
    let prefetch = std::mem::take(&mut state.prefetch).live;
    let unread = cluster.read_around(wanted, prefetch, &state.neighbours(), &mut note).await?;
    let warnings = cluster.warnings().iter().cloned().chain(advice(&unread)).collect();
    let down = members.iter().filter_map(|(id, held)| Some((id.clone(), unavailable(&discovery, id, held)?)));
    let unread = unread.reasons.into_iter().chain(down.collect::<Vec<_>>()).collect();
    let releases = project.environment.releases.iter().map(|it| Arc::clone(&it.name)).collect();
    let rules = project.environment.releases.iter().map(|it| (Arc::clone(&it.name), it.wait.rules.clone())).collect();
    Ok(Observation { releases, members, live, unread, rules, warnings })
}

/// Why nobody can be asked for an object: the server of its group does not answer.
fn unavailable(discovery: &Discovery, id: &ObjectId, held: &InventoryMember) -> Option<Unknown> {
    let is_served = served(discovery, id, &held.api_version).is_some();
    let reason = discovery.unavailable.get(&id.kind.group).filter(|_| !is_served)?;
    Some(diff::Cause::Unavailable.since(reason))
}

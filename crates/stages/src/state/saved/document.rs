//! Converts a saved plan to and from its JSON document.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ClusterMark, CommitMark, KeyMark, PlanPurpose, Proof, SavedError, SavedPlan, SetArguments};
use crate::diff::{
    Adoption, FieldChange, Former, Judge, Judged, LiveObject, ObjectComparison, ObservedState, Tool, Verdict, shown,
};
use crate::impact::impact;
use crate::manifest::{Object, ObjectId};
use crate::plan::{Action, Finding, Guards, Plan, Refusal, Relation, Rewrite, Step};
use crate::project::{Prune, Selection};
use weft_base::masked::FingerprintKey;
use weft_base::value::{Mark, Origin, Value};
use weft_schema::Gvk;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PlanDocument {
    tool: String,
    made: String,
    environment: String,
    cluster: ClusterMark,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commit: Option<CommitMark>,
    selection: Selection,
    judge: Judge,
    #[serde(default, skip_serializing_if = "PlanPurpose::is_apply")]
    aim: PlanPurpose,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    set: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    given: Option<SetArguments>,
    guards: Guards,
    key: KeyMark,
    digest: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    policies: BTreeMap<String, Prune>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    rewrites: BTreeMap<String, Rewrite>,
    steps: Vec<StepEntry>,
    refusals: Vec<Refusal>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Finding>,
    warnings: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StepEntry {
    release: String,
    object: ObjectId,
    action: Action,
    wave: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    was: Option<Relation>,
    verdict: Verdict,
    judged: Judged,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldChange>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    desired: Option<DesiredEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    live: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    adopts: Option<AdoptionEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool>,
    proof: ProofEntry,
}

/// An object of the repository. Its body is left out if nothing is sent.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DesiredEntry {
    api_version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    line: u32,
    column: u32,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    implicit: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AdoptionEntry {
    from: Vec<Former>,
    versions: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofEntry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wanted: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remembered: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen: Option<SightEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SightEntry {
    digest: String,
    owned: Value,
}

/// The document of a plan. In place of each secret stands its sketch.
pub(super) fn to_json(saved: &SavedPlan, key: &FingerprintKey) -> Result<String, SavedError> {
    // The file is shown with the impact on objects that are not sent, so it needs these objects too.
    let told: BTreeSet<ObjectId> = impact(&saved.plan).effects.into_iter().map(|it| it.object).collect();
    let entries = saved.plan.steps.iter().zip(&saved.proofs);
    let steps = entries.map(|(step, proof)| entry(step, proof, told.contains(&step.object.id), key)).collect();
    let saved = saved.clone();
    let document = PlanDocument {
        tool: saved.tool,
        made: saved.made,
        environment: saved.plan.environment,
        cluster: saved.cluster,
        commit: saved.commit,
        selection: saved.selection,
        judge: saved.judge,
        aim: saved.aim,
        set: saved.set,
        given: saved.given,
        guards: saved.guards,
        key: saved.key,
        digest: saved.digest,
        policies: saved.plan.policies,
        rewrites: saved.plan.rewrites,
        steps,
        refusals: saved.plan.refusals,
        findings: saved.plan.findings,
        warnings: saved.warnings,
    };
    serde_json::to_string(&document).map_err(|source| SavedError::Unwritten { source })
}

/// A step. The body of its object is in it where it is sent, or `told` of.
fn entry(step: &Step, proof: &Proof, told: bool, key: &FingerprintKey) -> StepEntry {
    let object = &step.object;
    let sent = if told || is_write(&step.action) { step.sent() } else { None };
    let body = sent.map(|it| shown(&it.body, key));
    let seen = proof.seen.as_ref().map(|it| SightEntry { digest: it.digest.clone(), owned: (*it.owned).clone() });
    StepEntry {
        release: object.release.to_string(),
        object: object.id.clone(),
        action: step.action.clone(),
        wave: step.wave,
        was: step.was.clone(),
        verdict: object.verdict.clone(),
        judged: object.judged.clone(),
        fields: object.fields.clone(),
        desired: object.desired.as_ref().map(|it| written(it, body)),
        live: object.live.as_ref().map(|it| it.body.clone()),
        after: object.after.as_deref().cloned(),
        adopts: object.adopts.as_ref().map(|it| AdoptionEntry { from: it.from.clone(), versions: it.gone.clone() }),
        tools: object.tools.clone(),
        proof: ProofEntry { wanted: proof.wanted.clone(), remembered: proof.remembered.clone(), seen },
    }
}

fn is_write(action: &Action) -> bool {
    action.is_write() || action.hook().is_some()
}

fn written(object: &Object, body: Option<Value>) -> DesiredEntry {
    let Mark { line, column } = object.origin.mark;
    let file = object.origin.file.as_deref().cloned();
    DesiredEntry { api_version: object.gvk.api_version(), file, line, column, implicit: object.implicit, body }
}

/// The plan of a document.
pub(super) fn from_json(text: &str, file: &str) -> Result<SavedPlan, SavedError> {
    let document: PlanDocument =
        serde_json::from_str(text).map_err(|source| SavedError::Format { file: file.to_owned(), source })?;
    let (steps, proofs) = document.steps.into_iter().map(step).unzip();
    let environment = document.environment;
    let refusals = document.refusals;
    let findings = document.findings;
    let plan = Plan { environment, steps, refusals, findings, policies: document.policies, ..Plan::default() };
    let plan = Plan { rewrites: document.rewrites, ..plan };
    Ok(SavedPlan {
        tool: document.tool,
        made: document.made,
        cluster: document.cluster,
        commit: document.commit,
        selection: document.selection,
        judge: document.judge,
        aim: document.aim,
        set: document.set,
        given: document.given,
        guards: document.guards,
        key: document.key,
        digest: document.digest,
        plan,
        proofs,
        warnings: document.warnings,
    })
}

fn step(entry: StepEntry) -> (Step, Proof) {
    let (id, release): (ObjectId, Arc<str>) = (entry.object, entry.release.into());
    let live = entry.live.map(|body| Arc::new(LiveObject { id: id.clone(), body, managers: Vec::new() }));
    let seen = || live.clone().unwrap_or_else(|| Arc::new(absent(&id)));
    let object = ObjectComparison {
        desired: entry.desired.map(|it| Arc::new(object(it, &id, &release))),
        adopts: entry.adopts.map(|it| Adoption::told(it.from, it.versions, seen())),
        judged: entry.judged,
        fields: entry.fields,
        live,
        after: entry.after.map(Arc::new),
        tools: entry.tools,
        ..ObjectComparison::bare(id, release, entry.verdict)
    };
    let ProofEntry { wanted, remembered, seen } = entry.proof;
    let seen = seen.map(|SightEntry { digest, owned }| ObservedState { digest, owned: owned.into() });
    let step = Step { action: entry.action, wave: entry.wave, object, was: entry.was };
    (step, Proof { wanted, remembered, seen })
}

fn absent(id: &ObjectId) -> LiveObject {
    LiveObject { id: id.clone(), body: Value::default(), managers: Vec::new() }
}

fn object(written: DesiredEntry, id: &ObjectId, release: &Arc<str>) -> Object {
    let mark = Mark { line: written.line, column: written.column };
    Object {
        id: id.clone(),
        gvk: Gvk::new(&written.api_version, &id.kind.kind),
        release: Arc::clone(release),
        body: written.body.unwrap_or_default(),
        origin: Origin { file: written.file.map(Arc::new), mark },
        implicit: written.implicit,
    }
}

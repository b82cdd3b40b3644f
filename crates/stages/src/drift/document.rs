//! The drift checks of several environments as one JSON document; see `docs/schema/drift-v1.json`.

use serde_json::{Map, Value as Json, json};

use super::{
    BlindSpot, DriftCheck, EnvironmentCheck, EnvironmentResult, Finding, FindingPast, HistoryEntry, Memory, Verdict,
};
use crate::diff::Writer;
use crate::report::{json_of_value, optional};
use weft_base::diagnostic::Diagnostic;

/// The version of the document's format.
pub const FORMAT_VERSION: u64 = 1;

/// All that was found. `code` is the exit code of the run.
pub fn document(told: &[EnvironmentCheck<'_>], code: u8) -> Json {
    let verdict = told.iter().map(EnvironmentCheck::verdict).max().unwrap_or(Verdict::Clean);
    json!({
        "formatVersion": FORMAT_VERSION,
        "verdict": verdict.name(),
        "exitCode": code,
        "environments": told.iter().map(environment).collect::<Vec<_>>(),
    })
}

/// What came of one environment.
pub(super) fn environment(told: &EnvironmentCheck<'_>) -> Json {
    let mut map = Map::new();
    map.insert("environment".into(), told.environment.into());
    map.insert("verdict".into(), told.verdict().name().into());
    map.insert("at".into(), told.at.into());
    match told.fate {
        EnvironmentResult::Looked(look) => looked(&mut map, look),
        EnvironmentResult::Failed(diagnostics) => {
            let errors: Vec<String> = diagnostics.iter().map(Diagnostic::reason).collect();
            map.insert("errors".into(), errors.into());
        }
        EnvironmentResult::Skipped => {}
    }
    map.into()
}

fn looked(map: &mut Map<String, Json>, look: &DriftCheck) {
    map.insert("cluster".into(), look.cluster.as_str().into());
    optional(map, "commit", look.commit.as_deref());
    map.insert("objects".into(), look.objects.into());
    map.insert("findings".into(), look.findings.iter().map(|(it, past)| finding(it, past)).collect());
    map.insert("gone".into(), look.gone.iter().map(gone).collect());
    map.insert("unknown".into(), look.unseen.iter().map(unseen).collect());
    let history = match &look.memory {
        Memory::Kept => json!({"kept": true}),
        Memory::NotKept(reason) => json!({"kept": false, "reason": reason}),
    };
    map.insert("history".into(), history);
    map.insert("warnings".into(), look.warnings.iter().map(String::as_str).collect());
}

fn finding(finding: &Finding, past: &FindingPast) -> Json {
    let mut map = Map::new();
    map.insert("mark".into(), finding.mark.as_str().into());
    map.insert("sort".into(), finding.sort.name().into());
    map.insert("object".into(), json!(finding.object));
    optional(&mut map, "release", finding.release.as_deref());
    optional(&mut map, "field", finding.path.as_deref());
    optional(&mut map, "expected", finding.expected.as_ref().map(json_of_value));
    optional(&mut map, "found", finding.found.as_ref().map(json_of_value));
    optional(&mut map, "manager", finding.writers.first().map(|it| it.manager.as_str()));
    map.insert("writers".into(), finding.writers.iter().map(writer).collect());
    optional(&mut map, "since", finding.since());
    map.insert("firstSeen".into(), past.first.as_str().into());
    map.insert("seen".into(), past.seen.into());
    map.insert("before".into(), past.before.into());
    map.insert("new".into(), past.is_new().into());
    map.insert("moved".into(), past.moved.into());
    map.into()
}

fn gone(entry: &HistoryEntry) -> Json {
    let mut map = Map::new();
    map.insert("sort".into(), entry.sort.name().into());
    map.insert("object".into(), json!(entry.object));
    optional(&mut map, "release", entry.release.as_deref());
    optional(&mut map, "field", entry.path.as_deref());
    optional(&mut map, "manager", entry.manager.as_deref());
    map.insert("firstSeen".into(), entry.first.as_str().into());
    map.insert("lastSeen".into(), entry.last.as_str().into());
    map.insert("seen".into(), entry.seen.into());
    map.insert("before".into(), entry.before.into());
    map.into()
}

fn unseen(unseen: &BlindSpot) -> Json {
    let mut map = Map::new();
    optional(&mut map, "object", unseen.object.as_ref().map(|id| json!(id)));
    optional(&mut map, "release", unseen.release.as_deref());
    map.insert("reason".into(), unseen.reason.as_str().into());
    map.into()
}

fn writer(writer: &Writer) -> Json {
    let mut map = Map::new();
    map.insert("manager".into(), writer.manager.as_str().into());
    map.insert("operation".into(), writer.operation.as_str().into());
    optional(&mut map, "subresource", Some(writer.subresource.as_str()).filter(|it| !it.is_empty()));
    optional(&mut map, "time", writer.time.as_deref());
    map.into()
}

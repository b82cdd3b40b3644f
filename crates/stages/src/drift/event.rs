//! The news that is sent when a check finds something new.

use data_encoding::HEXLOWER;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::{DriftCheck, EnvironmentCheck, EnvironmentResult, Finding, Verdict, document};
use weft_base::diagnostic::reasons;

/// The media type of a webhook's body: the structured mode of `CloudEvents` 1.0.
pub const CLOUD_EVENTS: &str = "application/cloudevents+json";
/// The longest message of an Event, in bytes.
const LONGEST: usize = 1000;

/// News of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriftNews {
    /// A word for programs: `DriftFound`, `DriftGone`, `DriftUnknown` or `DriftFailed`.
    pub reason: &'static str,
    /// Whether somebody should look.
    pub warning: bool,
    /// In words, at most 1000 bytes.
    pub message: String,
}

/// What is new; `None` if a check found nothing that the last one did not know.
pub fn news(told: &EnvironmentCheck<'_>) -> Option<DriftNews> {
    let note = |reason, warning, message: String| Some(DriftNews { reason, warning, message: cut(&message) });
    let look = match told.fate {
        EnvironmentResult::Looked(look) => look,
        EnvironmentResult::Failed(diagnostics) => {
            let why = reasons(diagnostics);
            return note("DriftFailed", true, format!("`{}` could not be looked at: {why}", told.environment));
        }
        EnvironmentResult::Skipped => return None,
    };
    let new: Vec<String> = look.new_ones().map(Finding::about).collect();
    let gone: Vec<String> = look.gone.iter().map(super::HistoryEntry::about).collect();
    match (look.verdict(), new.as_slice(), gone.as_slice()) {
        (Verdict::Unknown, _, _) => note("DriftUnknown", true, unknown(look)),
        (_, [], []) => None,
        (_, [], gone) => note("DriftGone", false, format!("as applied again: {}", gone.join(", "))),
        (_, new, _) => note("DriftFound", true, format!("{} new: {}", new.len(), new.join(", "))),
    }
}

fn unknown(look: &DriftCheck) -> String {
    let reasons: Vec<String> = look
        .unseen
        .iter()
        .map(|it| it.object.as_ref().map_or_else(|| it.reason.clone(), |id| format!("{id}: {}", it.reason)))
        .collect();
    format!("{} found, and not everything could be looked at: {}", look.findings.len(), reasons.join("; "))
}

/// The body of a webhook about news: a `CloudEvents` 1.0 event in JSON, whose data is the environment of the document.
pub fn cloud_event(told: &EnvironmentCheck<'_>, note: &DriftNews) -> Json {
    let source = format!("/weft/environments/{}", told.environment);
    let about = format!("{source}\0{}\0{}", told.at, note.reason);
    let id = HEXLOWER.encode(&Sha256::digest(about)[..16]);
    let kind = note.reason.trim_start_matches("Drift").to_lowercase();
    json!({
        "specversion": "1.0",
        "type": format!("com.example.weft.drift.{kind}"),
        "source": source,
        "subject": told.environment,
        "id": id,
        "time": told.at,
        "datacontenttype": "application/json",
        "dataschema": "https://weft.example.com/schema/drift-v1.json#/$defs/environment",
        "data": document::environment(told),
    })
}

fn cut(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let most = LONGEST - '…'.len_utf8();
    let end = text.char_indices().map(|(at, char)| at + char.len_utf8()).take_while(|end| *end <= most).last();
    format!("{}…", &text[..end.unwrap_or_default()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_are_cut_between_characters() {
        let long = "ä".repeat(900);
        assert!(cut(&long).len() <= LONGEST && cut(&long).ends_with('…'));
        assert_eq!(cut("short"), "short");
    }
}

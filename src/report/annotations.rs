//! Notices for forges: workflow commands of GitHub, Code Quality of GitLab, SARIF.

use serde_json::{Value as Json, json};

use super::escape::lines;
use super::notices::{Level, Notice, fingerprints};

/// How many annotations of a level GitHub shows of one step.
const SHOWN: usize = 10;
/// How many results of a run GitHub shows.
const RESULTS: usize = 5_000;

/// Workflow commands of GitHub, a line each: what they say is shown beside the lines of the change. A step has ten of a
/// level; where there are more, the last one says how many.
pub fn github(notices: &[Notice]) -> String {
    let levels = [(Level::Error, "error"), (Level::Warning, "warning"), (Level::Note, "notice")];
    let commands = levels.into_iter().flat_map(|(level, command)| {
        let of_level: Vec<&Notice> = notices.iter().filter(|it| it.level == level).collect();
        let shown = if of_level.len() > SHOWN { SHOWN - 1 } else { of_level.len() };
        let more = of_level.len() - shown;
        let more = (more > 0).then(|| format!("::{command} title=weft::and {more} more, which the report has\n"));
        of_level.into_iter().take(shown).map(|it| workflow(command, it)).chain(more).collect::<Vec<_>>()
    });
    commands.collect()
}

fn workflow(command: &str, notice: &Notice) -> String {
    let (file, line, column) = notice.place();
    let title = property(&format!("{}: {}", notice.environment, notice.rule));
    let file = property(&file);
    format!("::{command} file={file},line={line},col={column},title={title}::{}\n", data(&lines(&notice.text())))
}

/// The escapes of what stands behind a command (actions/toolkit, `command.ts`).
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The escapes of its properties.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A Code Quality report of GitLab. Fingerprints stay the same as long as the same is said of the same object.
pub fn gitlab(notices: &[Notice]) -> Json {
    let issue = |(notice, fingerprint): (&Notice, String)| {
        let (file, line, _) = notice.place();
        let severity = match notice.level {
            Level::Error => "critical",
            Level::Warning => "minor",
            Level::Note => "info",
        };
        json!({
            "description": format!("{}: {}", notice.environment, lines(&notice.text())),
            "check_name": notice.rule,
            "fingerprint": fingerprint,
            "severity": severity,
            "location": {"path": file, "lines": {"begin": line}},
        })
    };
    fingerprints(notices).into_iter().map(issue).collect()
}

/// A log in SARIF 2.1.0. Of more results than are shown anywhere, the gravest are in it.
pub fn sarif(notices: &[Notice]) -> Json {
    let mut rules: Vec<&str> = notices.iter().map(|it| it.rule.as_str()).collect();
    rules.sort_unstable();
    rules.dedup();
    let rule = |id: &&str| json!({"id": id, "shortDescription": {"text": meaning(id)}});
    let results = fingerprints(notices).into_iter().take(RESULTS).map(|(notice, fingerprint)| {
        let index = rules.binary_search(&notice.rule.as_str()).unwrap_or_default();
        result(notice, index, &fingerprint)
    });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "weft",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(rule).collect::<Json>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results.collect::<Json>(),
        }],
    })
}

fn result(notice: &Notice, rule: usize, fingerprint: &str) -> Json {
    let (file, line, column) = notice.place();
    let level = match notice.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    };
    let object = notice.object.as_ref().map(|it| format!("{}/{it}", notice.environment));
    let name = object.unwrap_or_else(|| notice.environment.clone());
    json!({
        "ruleId": notice.rule,
        "ruleIndex": rule,
        "level": level,
        "message": {"text": lines(&notice.text())},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": uri(&file)},
                "region": {"startLine": line, "startColumn": column},
            },
            "logicalLocations": [{"fullyQualifiedName": name, "kind": "resource"}],
        }],
        "partialFingerprints": {"weft/v1": fingerprint},
    })
}

/// A path as a relative reference.
fn uri(path: &str) -> String {
    path.bytes().fold(String::new(), |uri, byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
            uri + char::from(byte).encode_utf8(&mut [0; 4])
        }
        byte => uri + &format!("%{byte:02X}"),
    })
}

/// What a rule is about.
fn meaning(rule: &str) -> &'static str {
    match rule.split('/').next().unwrap_or_default() {
        "refusal" => "A guard refuses the plan",
        "policy" => "A policy of the repository",
        "run" => "An object did not end well",
        "unknown" => "An object could not be compared",
        "drift" => "Somebody else changed what is applied",
        "delete" => "An object would be deleted",
        "recreate" => "An object would be deleted and made again",
        "impact" => "What the plan comes to",
        "warning" => "What people should know",
        "validate" => "What is not valid",
        _ => "The run failed",
    }
}

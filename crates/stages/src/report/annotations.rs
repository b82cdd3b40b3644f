//! Notices in the formats of forges: GitHub workflow commands, GitLab Code Quality, SARIF.

use serde_json::{Value as Json, json};

use super::escape::{line as harmless_line, lines};
use super::notices::{Level, Notice, below, fingerprints};
use weft_base::percent;

const RULES: &str = include_str!("rules.tsv");
/// What is said of a rule that the table does not have.
const OTHER: &str = "What a person should look at";
/// How many annotations of a level GitHub shows of one step.
const SHOWN: usize = 10;
/// How many results of a run GitHub shows.
const RESULTS: usize = 5_000;

/// Workflow commands of GitHub, a line each: what they say is shown beside the lines of the change. A step has ten of a
/// level; where there are more, the last one says how many. `folder` is where the project is in its repository, whose
/// paths these are; empty for its top.
pub fn github(notices: &[Notice], folder: &str) -> String {
    let levels = [(Level::Error, "error"), (Level::Warning, "warning"), (Level::Note, "notice")];
    let commands = levels.into_iter().flat_map(|(level, command)| {
        let of_level: Vec<&Notice> = notices.iter().filter(|it| it.level == level).collect();
        let shown = if of_level.len() > SHOWN { SHOWN - 1 } else { of_level.len() };
        let more = of_level.len() - shown;
        let more = (more > 0).then(|| format!("::{command} title=weft::and {more} more, which the report has\n"));
        of_level.into_iter().take(shown).map(|it| workflow(command, it, folder)).chain(more).collect::<Vec<_>>()
    });
    commands.collect()
}

fn workflow(command: &str, notice: &Notice, folder: &str) -> String {
    let (file, line, column) = place(notice, folder);
    let title = property(&harmless_line(&format!("{}: {}", notice.environment, notice.rule)));
    let file = property(&harmless_line(&file));
    format!("::{command} file={file},line={line},col={column},title={title}::{}\n", data(&lines(&notice.text())))
}

/// Where to show a notice, in the paths of the repository.
fn place(notice: &Notice, folder: &str) -> (String, u32, u32) {
    let (file, line, column) = notice.place();
    (below(folder, &file), line, column)
}

/// The escapes of what stands behind a command (actions/toolkit, `command.ts`).
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The escapes of its properties.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A Code Quality report of GitLab. Fingerprints stay the same as long as the same is said of the same object. For
/// `folder` see [`github`].
pub fn gitlab(notices: &[Notice], folder: &str) -> Json {
    let issue = |(notice, fingerprint): (&Notice, String)| {
        let (file, line, _) = place(notice, folder);
        let severity = match notice.level {
            Level::Error => "critical",
            Level::Warning => "minor",
            Level::Note => "info",
        };
        json!({
            "description": format!("{}: {}", harmless_line(&notice.environment), lines(&notice.text())),
            "check_name": notice.rule,
            "fingerprint": fingerprint,
            "severity": severity,
            "location": {"path": file, "lines": {"begin": line}},
        })
    };
    fingerprints(notices, folder).into_iter().map(issue).collect()
}

/// A log in SARIF 2.1.0, with what GitHub's code scanning asks for besides ("SARIF support for code scanning"). Of more
/// results than are shown anywhere, the gravest are in it. For `folder` see [`github`].
pub fn sarif(notices: &[Notice], folder: &str) -> Json {
    let mut rules: Vec<&str> = notices.iter().map(|it| it.rule.as_str()).collect();
    rules.sort_unstable();
    rules.dedup();
    let rule = |id: &&str| {
        let (short, full) = meaning(id);
        let full = json!({"text": full});
        json!({"id": id, "shortDescription": {"text": short}, "fullDescription": full, "help": full})
    };
    let results = fingerprints(notices, folder).into_iter().take(RESULTS).map(|(notice, fingerprint)| {
        let index = rules.binary_search(&notice.rule.as_str()).unwrap_or_default();
        result(notice, index, &fingerprint, folder)
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

fn result(notice: &Notice, rule: usize, fingerprint: &str, folder: &str) -> Json {
    let (file, line, column) = place(notice, folder);
    let level = match notice.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    };
    let object = notice.object.as_ref().map(|it| format!("{}/{it}", notice.environment));
    let name = object.unwrap_or_else(|| notice.environment.clone());
    // The schema asks for at least one character.
    let text = match lines(&notice.text()) {
        empty if empty.is_empty() => meaning(&notice.rule).0.to_owned(),
        text => text,
    };
    json!({
        "ruleId": notice.rule,
        "ruleIndex": rule,
        "level": level,
        "message": {"text": text},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": percent::path(&file)},
                "region": {"startLine": line, "startColumn": column, "endLine": line, "endColumn": column + 1},
            },
            "logicalLocations": [{"fullyQualifiedName": name, "kind": "resource"}],
        }],
        // The second is the only one that GitHub reads: a hash, and which of those that have it.
        "partialFingerprints": {"weft/v1": fingerprint, "primaryLocationLineHash": format!("{fingerprint}:1")},
    })
}

/// What a rule is about, and what to make of it.
fn meaning(rule: &str) -> (&'static str, &'static str) {
    let name = rule.split('/').next();
    let row = |line: &'static str| {
        let mut columns = line.split('\t');
        if columns.next() != name {
            return None;
        }
        columns.next().zip(columns.next())
    };
    RULES.lines().find_map(row).unwrap_or((OTHER, OTHER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sort_of_notice_is_explained() {
        let rules =
            ["refusal/conflict", "policy/a", "unjudged", "run/failed", "unknown", "drift", "delete", "recreate"];
        for rule in rules.into_iter().chain(["impact/data", "warning", "validate/field", "error"]) {
            let (short, full) = meaning(rule);
            assert!(short != OTHER && full.ends_with('.') && full.len() < 1024, "{rule}");
        }
        assert_eq!(meaning("else"), (OTHER, OTHER));
    }
}

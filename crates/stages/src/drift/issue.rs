//! The text of the single issue that an environment has while it drifts.

use super::text::{maker, past_words as past_in_words};
use super::{Category, DriftCheck, EnvironmentCheck, EnvironmentResult, Finding, FindingPast};
use crate::diff::brief;
use crate::report::harmless_on_page as page;
use weft_base::diagnostic::counted;
use weft_base::value::Value;

/// How long a body may be, in bytes; forges take 65,536 characters.
const LARGEST: usize = 60_000;
/// Longer values are cut.
const WIDEST: usize = 60;

/// What becomes of the issue of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// A hidden line of the body that identifies the issue.
    pub mark: String,
    /// What becomes of it.
    pub state: IssueState,
}

/// What becomes of an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssueState {
    /// It is opened, or opened again, or updated in place.
    Open {
        /// The title.
        title: String,
        /// The whole body in Markdown, with the mark in its first line.
        body: String,
    },
    /// It is closed with this comment, if it exists.
    Close {
        /// The comment in Markdown.
        comment: String,
    },
    /// Nothing is known that could open or close it: it stays as it is.
    Leave,
}

/// What becomes of the issue of an environment after a look. Only a look that saw everything closes it, and only one that
/// found something opens it: a failure to look does neither.
pub fn issue(told: &EnvironmentCheck<'_>) -> Issue {
    let mark = format!("<!-- weft:drift:{} -->", told.environment.replace("--", "-\u{200b}-"));
    let state = match told.fate {
        EnvironmentResult::Looked(look) if !look.findings.is_empty() => {
            IssueState::Open { title: title(look), body: body(look, &mark) }
        }
        EnvironmentResult::Looked(look) if look.unseen.is_empty() => IssueState::Close {
            comment: format!("{} is as it was applied (looked at {}).", code(&look.environment), look.at),
        },
        EnvironmentResult::Looked(_) | EnvironmentResult::Failed(_) | EnvironmentResult::Skipped => IssueState::Leave,
    };
    Issue { mark, state }
}

fn title(look: &DriftCheck) -> String {
    format!("Drift in {}: {}", look.environment, counted(look.findings.len(), "finding"))
}

fn body(look: &DriftCheck, mark: &str) -> String {
    let mut text = format!("{mark}\n\nLooked at {} on {}.", look.at, page(&look.cluster));
    if let Some(commit) = &look.commit {
        text = text + " Compared with the commit " + &page(commit) + ".";
    }
    text +=
        "\n\n| object | field | expected | found | by | since | seen |\n| --- | --- | --- | --- | --- | --- | --- |\n";
    let mut left = look.findings.len();
    for (finding, past) in &look.findings {
        let row = row(finding, past);
        if text.len() + row.len() > LARGEST {
            break;
        }
        text += &row;
        left -= 1;
    }
    if left > 0 {
        text.extend([format!("\n{left} more: run `weft drift {}`.\n", look.environment)]);
    }
    if !look.unseen.is_empty() {
        text.extend([format!("\n**{} could not be looked at**, so there may be more.\n", look.unseen.len())]);
    }
    text + &format!(
        "\n`weft drift {0} --correct` puts it back; `weft plan {0}` shows what the repository would change besides. \
         This issue closes by itself when a look finds nothing.\n",
        look.environment
    )
}

fn row(finding: &Finding, past: &FindingPast) -> String {
    let field = match (finding.sort, &finding.path) {
        (_, Some(path)) => page(path),
        (Category::Deleted, None) => "deleted".to_owned(),
        (Category::Unmanaged, None) => format!("unmanaged{}", page(&maker(finding))),
        (Category::Changed, None) => String::new(),
    };
    let value = |value: &Option<Value>| value.as_ref().map(|it| page(&brief(it, WIDEST))).unwrap_or_default();
    let by = finding.writers.first().map(|it| page(&it.manager)).unwrap_or_default();
    format!(
        "| {} | {field} | {} | {} | {by} | {} | {} |\n",
        page(&finding.object.to_string()),
        value(&finding.expected),
        value(&finding.found),
        page(finding.since().unwrap_or_default()),
        page(&past_in_words(past))
    )
}

fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "'"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::{BlindSpot, Memory};
    use crate::manifest::ObjectId;
    use weft_schema::GroupKind;

    fn finding(name: &str) -> (Finding, FindingPast) {
        let kind = GroupKind { group: String::new(), kind: "ConfigMap".into() };
        let finding = Finding {
            mark: name.to_owned(),
            sort: Category::Changed,
            object: ObjectId { kind, namespace: Some("shop".into()), name: name.to_owned() },
            release: Some("web".into()),
            path: Some("data.a".into()),
            expected: Some("<b>".into()),
            found: Some("@all | `x`".into()),
            writers: Vec::new(),
        };
        (finding, FindingPast { first: "2026-01-01T00:00:00Z".into(), seen: 2, before: 1, moved: false })
    }

    fn look(findings: Vec<(Finding, FindingPast)>, unseen: Vec<BlindSpot>) -> DriftCheck {
        DriftCheck {
            environment: "dev".into(),
            cluster: "https://dev.example.com".into(),
            commit: None,
            at: "2026-01-02T03:04:05Z".into(),
            objects: 3,
            findings,
            gone: Vec::new(),
            unseen,
            memory: Memory::Kept,
            warnings: Vec::new(),
        }
    }

    fn state(fate: EnvironmentResult<'_>) -> IssueState {
        issue(&EnvironmentCheck { environment: "dev", at: "2026-01-02T03:04:05Z", fate }).state
    }

    #[test]
    fn only_what_was_seen_opens_or_closes_an_issue() {
        let blind = || vec![BlindSpot { object: None, release: None, reason: "not allowed".into() }];
        assert!(matches!(state(EnvironmentResult::Looked(&look(Vec::new(), Vec::new()))), IssueState::Close { .. }));
        assert_eq!(state(EnvironmentResult::Looked(&look(Vec::new(), blind()))), IssueState::Leave);
        assert_eq!(state(EnvironmentResult::Failed(&[])), IssueState::Leave);
        assert_eq!(state(EnvironmentResult::Skipped), IssueState::Leave);
        let IssueState::Open { title, body } = state(EnvironmentResult::Looked(&look(vec![finding("a")], blind())))
        else {
            panic!()
        };
        assert_eq!(title, "Drift in dev: 1 finding");
        assert!(body.starts_with("<!-- weft:drift:dev -->\n"), "{body}");
        assert!(body.contains("**1 could not be looked at**"), "{body}");
    }

    #[test]
    fn a_body_is_escaped_and_fits() {
        let many = (0..2000).map(|at| finding(&format!("map-{at}"))).collect();
        let IssueState::Open { body, .. } = state(EnvironmentResult::Looked(&look(many, Vec::new()))) else { panic!() };
        assert!(body.len() < 65_536, "{}", body.len());
        assert!(body.contains(" more: run `weft drift dev`."), "{body}");
        let row = body.lines().find(|line| line.contains("map-0 ")).unwrap();
        assert!(!row.contains("<b>") && !row.contains("@all") && !row.contains("`x`"), "{row}");
        assert_eq!(row.matches('|').count(), 8, "{row}");
    }
}

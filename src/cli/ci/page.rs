//! The pages that a job writes: a summary of all environments, and a comment for each.

use crate::report::{self, Budget, EnvironmentReport, ReportPart};

/// How long a summary may be, in bytes. GitHub takes 1 MiB.
const SUMMARY: usize = 1_000_000;

/// How a comment of an environment begins, by which it is found again.
pub(super) fn mark(environment: &str) -> String {
    let mark = environment.replace(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)), "_");
    format!("<!-- weft:{} -->", mark.replace("--", "__"))
}

/// How any comment of ours begins.
pub(super) const MARKS: &str = "<!-- weft:";

/// The page of an environment. It begins with its mark, and fits into a comment; where all of it is in a file, it says so.
pub(super) fn of(part: &ReportPart, whole: Option<&str>) -> String {
    match part.told {
        EnvironmentReport::Report(report, _) => report::markdown(report, Budget { whole, ..Budget::default() }),
        EnvironmentReport::Failed(diagnostics) => {
            let texts: Vec<String> = diagnostics.iter().map(|it| it.to_string().trim_end().to_owned()).collect();
            failed(part.environment, &texts.join("\n"))
        }
        EnvironmentReport::Lines(text) | EnvironmentReport::Status(text, _) => told(part.environment, text),
        EnvironmentReport::Skipped => told(part.environment, "It was not begun."),
    }
}

/// The page of all environments.
pub(super) fn summary(parts: &[ReportPart]) -> String {
    report::markdown_of_many(parts, Budget::from_bytes(SUMMARY))
}

/// The page of an environment that a change does not reach any more.
pub(super) fn untouched(mark: &str, head: &str) -> String {
    format!("{mark}\n_As of {head}, the change does not touch this environment any more._\n")
}

fn told(environment: &str, text: &str) -> String {
    format!("{}\n### {}\n\n{}\n", mark(environment), name(environment), text.trim_end())
}

/// The page of an environment whose job failed: what the program said, as it said it.
fn failed(environment: &str, texts: &str) -> String {
    format!("{}\n### {}: failed\n\n{}", mark(environment), name(environment), fenced(texts))
}

/// The page of a job that failed before it came to an environment.
pub(super) fn trouble(does: &str, texts: &str) -> String {
    format!("### weft ci {does}: failed\n\n{}", fenced(texts))
}

/// As much of what the program said as a comment has room for.
fn fenced(texts: &str) -> String {
    report::fenced(&texts.chars().take(report::LIMIT / 2).collect::<String>())
}

/// The name of an environment as a heading has it.
fn name(environment: &str) -> String {
    format!("`{}`", environment.replace(['`', '\n'], "'"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Diagnostic, Kind};

    #[test]
    fn a_failure_cannot_leave_its_place() {
        let diagnostic = Diagnostic {
            kind: Kind::Input,
            messages: vec!["no ```` fence\n@all".into()],
            origin: None,
            excerpt: None,
            releases: Vec::new(),
            hint: None,
        };
        let page =
            of(&ReportPart { environment: "a--b c", code: 1, told: EnvironmentReport::Failed(&[diagnostic]) }, None);
        let lines: Vec<&str> = page.lines().collect();
        assert_eq!(lines[..2], ["<!-- weft:a__b_c -->", "### `a--b c`: failed"]);
        assert_eq!((lines[3], lines[lines.len() - 1]), ("`````text", "`````"));
    }
}

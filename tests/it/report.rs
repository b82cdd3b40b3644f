//! Tests of `report`.

mod forms;
mod hostile;
mod laws;

use libtest_mimic::{Failed, Trial};
use weft::diagnostic::{Diagnostic, Failure, Kind};
use weft::report::{
    self, Budget, ChangeLayout, Detail, EnvironmentReport, LIMIT, ListOptions, Report, ReportPart, Show, TextStyle,
};

use crate::cases::{self, Case};
use crate::plan::input::{Input, key};

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = cases::of("report", run);
    trials.push(cases::code("report", "unchanged-objects-are-only-counted", unchanged));
    trials.push(cases::code("report", "colour-is-only-paint", colour));
    trials.push(cases::code("report", "many-environments", many));
    trials.push(cases::code("report", "markdown-fits-by-degrees", degrees));
    trials.push(cases::code("report", "laws-of-pages", laws::run));
    trials.push(cases::code("report", "hostile-names-stay-in-their-place", hostile::run));
    trials
}

/// A case's input, and each view of it. No view may hold the word `hunter2`, which all secrets of cases have.
fn run(case: &Case) -> Result<(), Failed> {
    let input = Input::of(case);
    let report = input.report();
    let ignored = input.show_ignored;
    let show = Show { ignored, ..Show::default() };
    let json = report::json(&report, ListOptions { ignored, ..ListOptions::default() }, &key());
    let text = report::text(&report, &TextStyle { show, ..TextStyle::default() });
    let budget = Budget { bytes: input.limit.unwrap_or(LIMIT), show, whole: input.limit.map(|_| "report.md") };
    let markdown = report::markdown(&report, budget);
    let pretty = serde_json::to_string_pretty(&json)? + "\n";
    silent([&text, &markdown, &pretty])?;
    valid(&json)?;
    if input.columns {
        columns(case, &report, Show { view: ChangeLayout::Columns, ..show })?;
    }
    if input.forms {
        forms::check(case, &report, show)?;
    }
    case.expect("report.txt", &text)?;
    case.expect("report.md", &markdown)?;
    case.expect("report.json", &pretty)
}

/// The tables of a case, of which no line is too long.
fn columns(case: &Case, report: &Report, show: Show) -> Result<(), Failed> {
    let table = |width| report::text(report, &TextStyle { show, width, ..TextStyle::default() });
    let page = report::markdown(report, Budget { show, ..Budget::default() });
    for width in [80, 160] {
        let text = table(width);
        let of_table = text.lines().filter(|line| line.starts_with("      "));
        if let Some(long) = of_table.into_iter().find(|line| line.chars().count() > width) {
            return Err(format!("longer than {width}: {long}").into());
        }
        silent([&text, &page])?;
        case.expect(&format!("columns-{width}.txt"), &text)?;
    }
    case.expect("columns.md", &page)
}

fn silent<'v>(views: impl IntoIterator<Item = &'v String>) -> Result<(), Failed> {
    if views.into_iter().any(|view| view.contains("hunter2")) { Err("a secret is shown".into()) } else { Ok(()) }
}

/// Fails where the document is not what the schema of reports describes.
pub fn valid(document: &serde_json::Value) -> Result<(), Failed> {
    let schema = serde_json::from_str(include_str!("../../docs/schema/report-v1.json"))?;
    let validator = jsonschema::validator_for(&schema)?;
    let errors: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    cases::same("the schema's verdict", "", &errors.join("\n"))
}

/// Fails where the document is not what the schema of several reports describes, or one of its reports is not valid.
pub fn valid_many(document: &serde_json::Value) -> Result<(), Failed> {
    let schema = serde_json::from_str(include_str!("../../docs/schema/reports-v1.json"))?;
    let validator = jsonschema::validator_for(&schema)?;
    let errors: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    cases::same("the schema's verdict", "", &errors.join("\n"))?;
    let reports = document["environments"].as_array().into_iter().flatten().filter_map(|it| it.get("report"));
    reports.into_iter().try_for_each(valid)
}

/// Several environments as one: a plan, a refusal, a failure, and one that was not begun.
fn many() -> Result<(), Failed> {
    let (plan, drift) = (of(CHANGED), of("{drift: true, releases: [{name: app, unchanged: 3}], objects: []}"));
    let failure = Failure::from(Diagnostic {
        kind: Kind::Cluster,
        messages: vec!["no answer\nfrom \u{1b}[31m`a|b`".into(), "refused".into()],
        origin: None,
        excerpt: None,
        releases: Vec::new(),
        hint: Some("Start it.".into()),
    });
    let key = key();
    let part = |environment, code, told| ReportPart { environment, code, told };
    let parts = [
        part("east", 5, EnvironmentReport::Report(&plan, &key)),
        part("dead", 1, EnvironmentReport::Failed(&failure.diagnostics)),
        part("west", 0, EnvironmentReport::Report(&drift, &key)),
        part("last", 0, EnvironmentReport::Skipped),
    ];
    let text = report::text_of_many(&parts, &TextStyle::default());
    let closing = "4 environments: 1 to create, 1 kept, 1 unknown, 2 unchanged, 3 as applied; \
                   failed: dead; unknown: east; not begun: last";
    cases::same("the last line", closing, text.lines().last().unwrap_or_default())?;
    let headings: Vec<&str> = text.lines().filter(|line| line.starts_with("== ")).collect();
    cases::same("the headings", "== east == == dead == == west == == last ==", &headings.join(" "))?;
    assert!(text.contains("dead: no answer\\nfrom \\u{1b}[31m`a|b`\n"), "{text}");
    let page = report::markdown_of_many(&parts, Budget::default());
    assert!(page.starts_with("<!-- weft:east+dead+west+last -->\n## 4 environments"), "{page}");
    assert!(page.contains("| dead | failed: no answer&#92;nfrom &#92;u{1b}"), "{page}");
    assert!(!page.contains('\u{1b}') && page.contains("### dev"), "{page}");
    for limit in [10, 400, 900] {
        assert!(report::markdown_of_many(&parts, Budget::from_bytes(limit)).len() <= limit);
    }
    let document = report::json_of_many(&parts, 5, ListOptions::default());
    assert_eq!((&document["exitCode"], &document["environments"][3]["skipped"]), (&5.into(), &true.into()));
    assert_eq!(document["environments"][1]["errors"][0]["hint"], "Start it.");
    valid_many(&document)
}

fn of(yaml: &str) -> Report {
    Input::parse(yaml).report()
}

fn unchanged() -> Result<(), Failed> {
    let report = of("{releases: [{name: app, unchanged: 10000}]}");
    let text = report::text(&report, &TextStyle::default());
    cases::same("the text", "dev\n\ndev: nothing to change (10000 objects)\n", &text)?;
    assert!(report::markdown(&report, Budget::default()).len() < 200);
    let json = report::json(&report, ListOptions::default(), &key());
    assert!(json.to_string().len() < 2000);
    assert_eq!(json["summary"]["unchanged"], 10_000);
    let listed = report::json(&report, ListOptions { unchanged: true, ..ListOptions::default() }, &key());
    assert_eq!(listed["steps"].as_array().map(Vec::len), Some(10_000));
    valid(&listed)
}

const CHANGED: &str = "{releases: [{name: app, unchanged: 2}], objects: [{id: ConfigMap apps/a, is: create}, \
    {id: ConfigMap apps/b, is: leftover}, {id: ConfigMap apps/c, is: 'unknown: no rights'}]}";

fn colour() -> Result<(), Failed> {
    let report = of(CHANGED);
    let plain = report::text(&report, &TextStyle::default());
    let painted = report::text(&report, &TextStyle { colour: true, ..TextStyle::default() });
    assert!(!plain.contains('\u{1b}') && painted.contains("\u{1b}[32m+ create ConfigMap apps/a\u{1b}[0m"), "{painted}");
    cases::same("the text without its colours", &plain, &anstream::adapter::strip_str(&painted).to_string())
}

/// With less room, fewer objects are shown whole, then fewer by name, and in the end all are counted; what destroys keeps
/// its degree longest.
fn degrees() -> Result<(), Failed> {
    let object = |n| {
        format!(
            "- {{id: ConfigMap apps/c{n}, is: update, live: {{data: {{a: b, c: d, e: f}}}}, \
             after: {{data: {{a: b, c: d, e: g}}}}, fields: [{{path: [data, e], class: drift, live: f, desired: g}}]}}\n"
        )
    };
    let objects = (0..40).map(object).collect::<Vec<_>>().concat();
    let gone = "- {id: ConfigMap apps/gone, is: leftover, live: {data: {a: b}}}\n";
    let report = of(&format!("releases: [{{name: app}}]\nobjects:\n{objects}{gone}"));
    let page = |bytes| report::markdown(&report, Budget { whole: Some("all.md"), ..Budget::from_bytes(bytes) });
    let whole = report::markdown(&report, Budget::whole());
    assert_eq!(page(whole.len()), whole);
    assert!(!whole.contains("Shortened"));
    let mut folded = usize::MAX;
    for bytes in (0..whole.len()).rev().step_by(97) {
        let page = page(bytes);
        assert!(page.len() <= bytes, "{} of {bytes}", page.len());
        let now = page.matches("<details>").count();
        assert!(now <= folded, "{bytes} bytes show more than the page before:\n{page}");
        folded = now;
        let open = "<details open><summary><code>- ConfigMap apps/gone</code>";
        assert!(page.contains(open) || now == 0, "what destroys is folded before others:\n{page}");
        let told = page.contains("All of it is in <code>all.md</code>") || page.len() < 200;
        assert!(told, "nobody says where the whole is:\n{page}");
    }
    assert_eq!(folded, 0);
    assert_eq!(page(60), "dev: 40 to change, 1 to delete");
    assert_eq!(page(10), "dev: 40 to");
    let names = report::text(&report, &TextStyle { detail: Detail::Names, ..TextStyle::default() });
    assert!(!names.contains("drift"));
    cases::same("the first names", "  ~ update ConfigMap apps/c0", names.lines().nth(3).unwrap_or_default())
}

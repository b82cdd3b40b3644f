//! Ten thousand hostile names, values and messages through every form of a report: none of them leaves its place.

use libtest_mimic::Failed;
use regex::Regex;
use serde_json::{Value as Json, json};
use weft::diagnostic::{Diagnostic, Failure, Kind};
use weft::report::{self, Budget, EnvironmentReport, Report, ReportPart, Show, TextStyle};

use super::{forms, laws};
use crate::plan::input::{Input, key};

/// How many names there are, and how many of them are in one report.
const NAMES: usize = 10_000;
const TOGETHER: usize = 500;

/// Pieces that would end a comment, steer a terminal, be a command to a CI, mention somebody or be a link.
const PIECES: [&str; 48] = [
    "app",
    "a/b",
    "..",
    "../../",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\0",
    "\u{7}",
    "\u{8}",
    "\u{1b}[2J",
    "\u{1b}]0;x\u{7}",
    "\u{9b}31m",
    "\u{85}",
    "\u{2028}",
    "\u{202e}",
    "\u{2066}",
    "\u{61c}",
    "\u{feff}",
    "\u{fffe}",
    "\u{ffff}",
    "\u{fdd0}",
    "\u{1ffff}",
    "\u{e0041}",
    "\n::error file=a,line=1::x",
    "::stop-commands::x",
    "\n  ::add-mask::x",
    "##[error]x",
    "##vso[task.setvariable variable=a]b",
    "##teamcity[x]",
    "\u{1b}[0Ksection_start:1:x",
    "-->",
    "]]>",
    "<![CDATA[",
    "</details>",
    "<script>",
    "&",
    "\"'",
    "```",
    "````\n",
    "@team",
    "#12",
    "https://evil.example/x",
    "www.evil.example",
    "[x](javascript:y)",
    "|",
    "\n---\nkind: Secret\n#",
];

/// A generator of numbers that is the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % most as u64).unwrap_or_default()
    }

    fn name(&mut self) -> String {
        let count = 1 + self.below(5);
        (0..count).map(|_| PIECES[self.below(PIECES.len())]).collect()
    }
}

/// All names, in reports of some hundred objects.
pub fn run() -> Result<(), Failed> {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for _ in 0..NAMES / TOGETHER {
        let names: Vec<String> = (0..TOGETHER).map(|_| dice.name()).collect();
        check(&hostile(&names))?;
    }
    Ok(())
}

/// A report with these names at every place that others can write to.
fn hostile(names: &[String]) -> Report {
    let object = |(at, name): (usize, &String)| {
        let id = format!("ConfigMap apps/{at}");
        match at % 4 {
            0 => json!({"id": id, "is": "create", "desired": {"data": {name: name}}}),
            1 => json!({"id": id, "is": "leftover"}),
            2 => json!({"id": id, "is": format!("unknown: {name}")}),
            _ => json!({"id": id, "is": "update", "live": {"data": {"a": name}}, "after": {"data": {"a": "y"}},
                "fields": [{"path": ["data", name], "class": "drift", "base": "b", "live": name, "desired": "d"}]}),
        }
    };
    let objects: Json = names.iter().enumerate().map(object).collect();
    let input = json!({
        "releases": [{"name": names[0]}], "objects": objects, "warnings": &names[..20], "guards": {"cap": 10_000},
        "cluster": names[1],
    });
    let mut report = Input::parse(&escaped(&input.to_string())).report();
    report.plan.environment.clone_from(&names[2]);
    for step in &mut report.plan.steps {
        let at = step.object.id.name.parse::<usize>().unwrap_or_default() % names.len();
        step.object.id.name.clone_from(&names[at]);
        step.object.id.namespace = Some(names[(at + 1) % names.len()].clone());
    }
    report
}

/// A text of ASCII alone, in YAML's escapes: as they are, many of the characters are refused.
fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        ' '..='~' => c.to_string(),
        other => format!("\\U{:08x}", u32::from(other)),
    };
    text.chars().map(escape).collect()
}

fn check(report: &Report) -> Result<(), Failed> {
    let (key, notices) = (key(), report::notices(report));
    let failure = Failure::from(Diagnostic {
        kind: Kind::Input,
        messages: vec![report.plan.environment.clone(), report.warnings[3].clone()],
        origin: None,
        excerpt: None,
        releases: vec![report.warnings[4].clone()],
        hint: Some(report.warnings[5].clone()),
    });
    let parts = [
        ReportPart { environment: &report.plan.environment, code: 0, told: EnvironmentReport::Report(report, &key) },
        ReportPart { environment: &report.warnings[6], code: 1, told: EnvironmentReport::Failed(&failure.diagnostics) },
    ];
    let show = Show::default();
    for text in [
        report::text(report, &TextStyle { show, ..TextStyle::default() }),
        report::text_of_many(&parts, &TextStyle { show, ..TextStyle::default() }),
        failure.diagnostics.iter().map(ToString::to_string).collect(),
    ] {
        log(&text)?;
    }
    let commands = report::github(&notices, "");
    forms::github(&commands);
    quiet(&commands)?;
    let results = report::junit(&parts, "");
    quiet(&results)?;
    forms::balanced(&results, &[])?;
    for page in [report::html(report, show), report::html_of_many(&parts, show)] {
        quiet(&page)?;
        forms::plain(&page);
        forms::balanced(&page, &["meta", "br"])?;
    }
    forms::sarif(&report::sarif(&notices, ""))?;
    forms::gitlab(&report::gitlab(&notices, ""));
    for page in
        [report::markdown(report, Budget::from_bytes(4 << 20)), report::markdown_of_many(&parts, Budget::default())]
    {
        quiet(&page)?;
        let outside = laws::outside_of_fences(&page).ok_or("a fence is open")?;
        let outside = laws::seen(&outside);
        for wrong in [r"@\w", r"#[0-9]", r"https?://", r"www\.[a-z]"] {
            if let Some(found) = Regex::new(wrong)?.find(&outside) {
                return Err(
                    format!("`{wrong}`: {:?}", &outside[found.start()..].chars().take(80).collect::<String>()).into()
                );
            }
        }
    }
    Ok(())
}

/// Nothing in a text steers a terminal, and all of it is text.
fn quiet(text: &str) -> Result<(), Failed> {
    let wrong = |c: &char| {
        c.is_control() && *c != '\n'
            || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}' | '\u{feff}' | '\u{fdd0}')
            || u32::from(*c) & 0xfffe == 0xfffe
    };
    match text.char_indices().find(|(_, char)| wrong(char)) {
        Some((at, char)) => {
            let before = text[..at].chars().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect::<String>();
            Err(format!("{char:?} is in the text behind {before:?}").into())
        }
        None => Ok(()),
    }
}

/// A text that a CI writes to its log.
fn log(text: &str) -> Result<(), Failed> {
    quiet(text)?;
    let command = Regex::new(r"^\s*::[A-Za-z]|##[A-Za-z]*\[")?;
    match text.lines().find(|line| command.is_match(line)) {
        Some(line) => Err(format!("a command to the CI: {line:?}").into()),
        None => Ok(()),
    }
}

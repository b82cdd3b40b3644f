//! Where a variable has which value: generated programs that put every construct into every other, each with declarations
//! and assignments, and what Go makes of them.
//!
//! `WEFT_UPDATE=1 cargo test --test it -- gotemplate::scopes` writes the programs of the seeds below to `cases.txt`, and
//! `cd tests/gotemplate && go run . ../cases/gotemplate-scopes/seeds/` what Go gives to `go.txt`.
//! `WEFT_SCOPES=100000 cargo test --test it -- gotemplate::scopes` runs as many other programs with Go, which has to be
//! installed; `WEFT_SCOPES_FROM` is the first seed.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use libtest_mimic::{Failed, Trial};
use serde_json::Value as Json;
use weft::gotemplate::{GoTemplateError, Missing, Value};

use super::{blocks, data, render};
use crate::cases::{self, Case, same};

/// How many programs are kept with what Go makes of them.
const KEPT: u64 = 300;

/// How many programs Go gets at once.
const BATCH: u64 = 5000;

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = cases::of("gotemplate-scopes", kept);
    if let Some(count) = number("WEFT_SCOPES") {
        trials.push(Trial::test("gotemplate::scopes::live", move || live(count)));
    }
    trials
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|it| it.parse().ok())
}

fn kept(case: &Case) -> Result<(), Failed> {
    let programs = programs(0..KEPT);
    case.expect("cases.txt", &programs)?;
    compare(&programs, &case.read("go.txt"), &dot(&case.read("../data.json")))
}

fn live(count: u64) -> Result<(), Failed> {
    let data_text = std::fs::read_to_string("tests/cases/gotemplate-scopes/data.json")?;
    let dot = dot(&data_text);
    let first = number("WEFT_SCOPES_FROM").unwrap_or(1_000_000);
    let mut from = first;
    while from < first + count {
        let end = (from + BATCH).min(first + count);
        let programs = programs(from..end);
        compare(&programs, &outcomes_of_go(&programs, &data_text)?, &dot)?;
        from = end;
    }
    Ok(())
}

fn outcomes_of_go(programs: &str, data: &str) -> Result<String, Failed> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("data.json"), data)?;
    let case = folder.path().join("case");
    std::fs::create_dir(&case)?;
    std::fs::write(case.join("cases.txt"), programs)?;
    let status =
        Command::new("go").args(["run", "."]).arg(&case).current_dir(Path::new("tests/gotemplate")).status()?;
    if !status.success() {
        return Err(format!("go: {status}").into());
    }
    Ok(std::fs::read_to_string(case.join("go.txt"))?)
}

fn dot(text: &str) -> Value {
    data::value(&serde_json::from_str::<Json>(text).unwrap())
}

fn programs(seeds: std::ops::Range<u64>) -> String {
    seeds.fold(String::new(), |mut text, seed| {
        let _ = writeln!(text, "=== {seed}\n{}", Generator::new(seed).program());
        text
    })
}

fn compare(programs: &str, outcomes: &str, dot: &Value) -> Result<(), Failed> {
    let (mut wanted, mut found) = (String::new(), String::new());
    for ((name, program), (_, outcome)) in blocks(programs).zip(blocks(outcomes)) {
        let (go, ours) = (of_go(outcome), of_ours(program, dot));
        if go != ours {
            let _ = writeln!(wanted, "=== {name}\n{program}\n---\n{go}");
            let _ = writeln!(found, "=== {name}\n{program}\n---\n{ours}");
        }
    }
    if blocks(programs).count() != blocks(outcomes).count() {
        return Err("Go has not run these programs".into());
    }
    same("what Go gives", &wanted, &found)
}

/// Of Go's error the variable that it is about, if any.
fn of_go(outcome: &str) -> String {
    if !outcome.starts_with("!!! error") {
        return outcome.to_owned();
    }
    let (_, variable) = outcome.rsplit_once("undefined variable").unwrap_or_default();
    failed(variable.trim_matches([' ', ':', '"', '\n']))
}

fn of_ours(program: &str, dot: &Value) -> String {
    match render(program, dot, Missing::Invalid) {
        Ok(out) => String::from_utf8_lossy(&out).into_owned(),
        Err(error) => match *error {
            GoTemplateError::NoVariable { name, .. } => failed(&name),
            _ => failed(""),
        },
    }
}

fn failed(variable: &str) -> String {
    format!("!!! error {variable}")
}

const NAMES: [&str; 4] = ["$a", "$b", "$c", "$"];
const TRUTHS: [&str; 8] = ["true", "false", "$.t", "$.f", "0", "1", "``", "`x`"];
const LOOPS: [&str; 9] = ["$.list", "$.empty", "$.map", "3", "0", "1", "$.n", "$.zero", "$.list"];
const WITHS: [&str; 6] = ["$.sub", "$.f", "$.list", "`w`", "``", "$.map"];
const ENDS: [&str; 2] = ["break", "continue"];

/// Writes a program; each statement has a line of its own.
struct Generator {
    state: u64,
    /// The names that Go's parser knows, most of which have a value.
    known: Vec<&'static str>,
    loops: usize,
    values: u32,
    definitions: Vec<String>,
    /// Whether the text stands between backquotes already.
    quoted: bool,
}

impl Generator {
    fn new(seed: u64) -> Self {
        Self { state: seed, known: vec!["$"], loops: 0, values: 0, definitions: Vec::new(), quoted: false }
    }

    /// `SplitMix64`.
    fn below(&mut self, end: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((word ^ (word >> 31)) >> 1).unwrap() % end
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick(&mut self, texts: &[&'static str]) -> &'static str {
        let at = self.below(texts.len());
        // Backquotes do not nest.
        match texts[at] {
            "``" if self.quoted => "\"\"",
            "`x`" | "`w`" if self.quoted => "\"q\"",
            text => text,
        }
    }

    fn program(mut self) -> String {
        let mut body = String::new();
        for name in ["$a", "$b"] {
            if self.one_in(2) {
                let value = self.value();
                self.known.push(name);
                let _ = writeln!(body, "{{{{ {name} := {value} }}}}");
            }
        }
        body += &self.statements(3);
        self.definitions.concat() + &body + "."
    }

    /// The name of a variable that may be used; now and then one that may not.
    fn used(&mut self) -> &'static str {
        if self.one_in(8) { "$" } else { self.assigned() }
    }

    fn assigned(&mut self) -> &'static str {
        let known: Vec<_> = self.known.iter().copied().filter(|it| *it != "$").collect();
        match known.is_empty() {
            _ if self.one_in(300) => self.pick(&NAMES),
            true => "$",
            false => known[self.below(known.len())],
        }
    }

    fn value(&mut self) -> String {
        self.values += 1;
        let fresh = self.values.to_string();
        match self.below(10) {
            0 => self.used().to_owned(),
            1 => format!("(echo {})", self.used()),
            2 => self.pick(&TRUTHS).to_owned(),
            3 if self.one_in(2) => self.inner(),
            _ => fresh,
        }
    }

    /// A pipeline in parentheses that declares or assigns; after `and` and `or` perhaps not.
    fn inner(&mut self) -> String {
        let (value, assigns) = (self.value(), self.one_in(3));
        let name = if assigns { self.assigned() } else { self.pick(&NAMES[..3]) };
        self.known.push(name);
        let inner = format!("({name} {} {value})", if assigns { "=" } else { ":=" });
        match self.below(4) {
            0 => format!("(and {} {inner})", self.pick(&TRUTHS)),
            1 => format!("(or {} {inner})", self.pick(&TRUTHS)),
            _ => inner,
        }
    }

    fn statements(&mut self, depth: usize) -> String {
        (0..=self.below(3)).map(|_| self.statement(depth)).collect()
    }

    fn statement(&mut self, depth: usize) -> String {
        match self.below(if depth == 0 { 9 } else { 20 }) {
            0 | 1 => self.declaration(),
            2 | 3 => self.assignment(),
            4..=6 => format!("[{{{{ {} }}}}]\n", self.used()),
            7 => format!("{{{{ {} }}}}\n", self.inner()),
            8 if self.loops > 0 || self.one_in(150) => format!("{{{{ {} }}}}\n", self.pick(&ENDS)),
            8 => "text\n".to_owned(),
            9..=11 => self.control("if", depth - 1),
            12 | 13 => self.control("with", depth - 1),
            14..=17 => self.control("range", depth - 1),
            18 => self.called(depth - 1),
            _ => self.tpl(depth - 1),
        }
    }

    fn declaration(&mut self) -> String {
        let value = self.value();
        let name = if self.one_in(30) { "$" } else { self.pick(&NAMES[..3]) };
        self.known.push(name);
        format!("{{{{ {name} := {value} }}}}\n")
    }

    fn assignment(&mut self) -> String {
        let (value, name) = (self.value(), self.assigned());
        format!("{{{{ {name} = {value} }}}}\n")
    }

    fn control(&mut self, keyword: &str, depth: usize) -> String {
        let mark = self.known.len();
        let mut text = format!("{{{{ {keyword} {} }}}}\n", self.head(keyword));
        let looping = usize::from(keyword == "range");
        self.loops += looping;
        text += &self.statements(depth);
        self.loops -= looping;
        text += &self.otherwise(keyword, depth);
        self.known.truncate(mark);
        text + "{{ end }}\n"
    }

    fn otherwise(&mut self, keyword: &str, depth: usize) -> String {
        match self.below(6) {
            0 | 1 if keyword != "range" => {
                let mut text = format!("{{{{ else {keyword} {} }}}}\n", self.head(keyword));
                text += &self.statements(depth);
                text + &self.otherwise(keyword, depth)
            }
            0..=3 => format!("{{{{ else }}}}\n{}", self.statements(depth)),
            _ => String::new(),
        }
    }

    /// What a construct looks at, perhaps with variables.
    fn head(&mut self, keyword: &str) -> String {
        let subject = match (keyword, self.below(8)) {
            (_, 0) => self.used().to_owned(),
            ("if" | "with", 1) => self.inner(),
            ("if", _) => self.pick(&TRUTHS).to_owned(),
            ("with", _) => self.pick(&WITHS).to_owned(),
            _ => self.pick(&LOOPS).to_owned(),
        };
        let assigns = self.one_in(4);
        let sign = if assigns { "=" } else { ":=" };
        let count = if keyword == "range" { self.below(3) } else { usize::from(self.one_in(3)) };
        let names: Vec<_> =
            (0..count).map(|_| if assigns { self.assigned() } else { self.pick(&NAMES[..3]) }).collect();
        self.known.extend(&names);
        if names.is_empty() { subject } else { format!("{} {sign} {subject}", names.join(", ")) }
    }

    /// A template that is defined and called, or a block: it has variables of its own.
    fn called(&mut self, depth: usize) -> String {
        let name = format!("\"t{}{}\"", self.values, self.definitions.len());
        let data = self.value();
        let (known, loops) = (std::mem::replace(&mut self.known, vec!["$"]), std::mem::take(&mut self.loops));
        let body = self.statements(depth);
        (self.known, self.loops) = (known, loops);
        match self.below(if self.quoted { 1 } else { 3 }) {
            0 => format!("{{{{ block {name} {data} }}}}\n{body}{{{{ end }}}}\n"),
            kind => {
                self.definitions.push(format!("{{{{ define {name} }}}}\n{body}{{{{ end }}}}\n"));
                let call = if kind == 1 { "template" } else { "include" };
                format!("{{{{ {call} {name} {data} }}}}\n")
            }
        }
    }

    fn tpl(&mut self, depth: usize) -> String {
        if self.quoted {
            return self.assignment();
        }
        let data = self.value();
        let (known, loops) = (std::mem::replace(&mut self.known, vec!["$"]), std::mem::take(&mut self.loops));
        self.quoted = true;
        let body = self.statements(depth);
        self.quoted = false;
        (self.known, self.loops) = (known, loops);
        format!("{{{{ tpl `{body}` {data} }}}}\n")
    }
}

//! Where things come from: the chain of calls in an error, the template's line behind a line of output, and which values
//! were read. A case holds `app.yaml`, `_helpers.tpl` and `values.json`.

use std::fmt::Write as _;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use weft::diagnostic::Diagnostic;
use weft::gotemplate::functions::{self, Chance, Host, Time};
use weft::gotemplate::{Limits, Missing, Run, Templates};
use weft::value::Mark;

use super::data;
use crate::cases::{self, Case};

/// All of them.
pub fn trials() -> Vec<Trial> {
    cases::of("gotemplate-places", run)
}

fn run(case: &Case) -> Result<(), Failed> {
    let mut templates = Templates::new(functions::all().clone());
    for file in ["_helpers.tpl", "app.yaml"] {
        templates.add(file, &Arc::new(file.to_owned()), case.read(file))?;
    }
    let json = serde_json::from_str(&case.read("values.json"))?;
    let values = data::value(&json);
    let host = Host::new("rel", Time::utc(0, 0), Chance::Fixed);
    let mut run = Run::new(&templates, &host, Missing::Zero, Limits::default());
    let (out, trace) = match run.trace("app.yaml", &values) {
        Ok(both) => both,
        Err(error) => {
            case.expect(
                "hidden.txt",
                &Diagnostic::of(&run.execute("app.yaml", &values).unwrap_err().hidden()).to_string(),
            )?;
            let path = error.place().path.join("/");
            return case.expect("error.txt", &format!("{}at {path}\n", Diagnostic::of(&*error)));
        }
    };
    let mut lines = String::new();
    for (number, line) in (1..).zip(String::from_utf8_lossy(&out).lines()) {
        let start = u32::try_from(line.len() - line.trim_start().len() + 1)?;
        let place = |column| trace.at(Mark { line: number, column }).map_or("?".to_owned(), ToString::to_string);
        let _ = writeln!(lines, "{line:24}| {} ... {}", place(start), place(0));
    }
    let mut paths = Vec::new();
    leaves(&json, &mut Vec::new(), &mut paths);
    for path in paths {
        let read = values.was_read(path.iter().map(String::as_str)) == Some(true);
        let _ = writeln!(lines, "{} {}", path.join("."), if read { "was read" } else { "was not read" });
    }
    case.expect("trace.txt", &lines)
}

fn leaves(json: &serde_json::Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let children: Vec<(String, &serde_json::Value)> = match json {
        serde_json::Value::Object(map) => map.iter().map(|(key, it)| (key.clone(), it)).collect(),
        serde_json::Value::Array(items) => items.iter().enumerate().map(|(at, it)| (at.to_string(), it)).collect(),
        _ => return found.push(path.clone()),
    };
    for (key, child) in children {
        path.push(key);
        leaves(child, path, found);
        path.pop();
    }
}

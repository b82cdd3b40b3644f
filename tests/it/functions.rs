//! Helm's functions against the results of the real ones, which `tests/functions/main.go` wrote down.

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use weft::gotemplate::functions::{self, Chance, Host, Numbers, Time, from_document};
use weft::gotemplate::{GoTemplateError, Limits, Map, Missing, Run, Str, Templates, Value, format};
use weft::yaml::{self, Rules};

use crate::cases::{self, Case};

pub fn trials() -> Vec<Trial> {
    cases::of("functions", run)
}

fn run(case: &Case) -> Result<(), Failed> {
    let (templates, expected) = (case.read("templates.txt"), case.read("go.txt"));
    let actual: String =
        templates.lines().map(|template| format!("{template}\n\t{}\n", result(case, template))).collect();
    cases::same("the results of Go", &expected, &actual)
}

/// What a template gives, as the table has it.
fn result(case: &Case, template: &str) -> String {
    match render(case, template) {
        Ok(text) => format::quoted(&text).lossy().into_owned(),
        Err(error) => match *error {
            GoTemplateError::Function { message, .. } => format!("!{}", format::quoted(message.as_bytes()).lossy()),
            _ => "!".to_owned(),
        },
    }
}

fn render(case: &Case, template: &str) -> Result<Vec<u8>, Box<GoTemplateError>> {
    let path = Arc::new("t".to_owned());
    let mut templates = Templates::new(functions::all());
    templates.add("t", &path, template)?;
    let host = Host::new("rel", Time::utc(1_900_000_000, 0), Chance::Derived(b"key".to_vec()));
    let mut run = Run::new(&templates, &host, Missing::Zero, Limits::default());
    let out = run.execute("t", &data(case))?;
    // As Helm does with all that templates give.
    Ok(String::from_utf8(out)
        .map_or_else(|error| error.into_bytes(), |text| text.replace("<no value>", "").into_bytes()))
}

fn data(case: &Case) -> Value {
    let text = case.read("../values.yaml");
    let document = yaml::document(&text, &Arc::default(), Rules::Kubernetes).expect("values");
    let Value::Map(values) = from_document(&document, Numbers::Floats) else { panic!("values") };
    let entries: Vec<(Str, Value)> = values.entries().iter().map(|(key, it)| (key.clone(), it.clone())).collect();
    let values = Map::named("common.Values", entries);
    let release: Map = [(Str::from("Name"), Value::from("rel"))].into_iter().collect();
    [(Str::from("Values"), Value::from(values)), ("Release".into(), release.into())].into_iter().collect::<Map>().into()
}

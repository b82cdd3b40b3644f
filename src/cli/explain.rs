//! `weft explain`.

use clap::Args;
use serde_json::{Map, Value as Json, json};

use super::arguments::{Form, SetArgs, TargetArgs};
use super::terminal::Terminal;
use super::{Exit, settings, wait};
use crate::diagnostic::Failure;
use crate::diff::{FieldChange, Writer, brief};
use crate::pipeline::{self, Explanation, FieldExplanation, LayeredValue, Question};
use crate::report::{harmless, json_of_value, optional};
use crate::state::history::Revision;
use crate::value::Value;

/// The version of the document's format.
const FORMAT_VERSION: u64 = 1;
/// Longer values are cut in the text.
const WIDEST: usize = 100;

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// The object: `KIND/NAME`, or with its group `Kind.group/NAME`.
    object: String,
    /// The field, as `weft diff` prints it, or what is above it: `spec.template`, `spec.containers[name=web].image`.
    field: Option<String>,
    /// The namespace of the object, where several have one of this name.
    #[arg(long, short = 'n', value_name = "NAME")]
    namespace: Option<String>,
    /// Ask no cluster: the values and the template are known without it.
    #[arg(long)]
    offline: bool,
    /// The form of the output; the schema of JSON is `docs/schema/explain-v1.json`.
    #[arg(long, short = 'o', value_name = "FORMAT", default_value = "text")]
    output: Form,
    #[command(flatten)]
    set: SetArgs,
}

pub(super) fn run(args: &ExplainArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let settings = settings::online(&args.target, &args.set)?;
    let ExplainArgs { object, namespace, field, offline, .. } = args;
    let question =
        Question { object: object.clone(), namespace: namespace.clone(), field: field.clone(), offline: *offline };
    let progress = terminal.progress();
    let explained = wait(pipeline::explain(&settings, &question, &|what| progress.at(what)))?;
    progress.done();
    let text = match args.output {
        Form::Text => text(&explained, field.is_some()),
        Form::Json => format!("{:#}\n", document(&explained)),
    };
    terminal.print(&text)?;
    Ok(Exit::Done)
}

fn text(explained: &Explanation, one: bool) -> String {
    let mut lines = Vec::new();
    if one {
        explained.fields.iter().for_each(|it| field(it, explained, &mut lines));
    } else {
        lines.push(format!("{}", explained.id));
        lines.push(entry("release", &format!("{} ({})", explained.release, explained.declared)));
        lines.push(entry("begins at", &explained.origin.to_string()));
        lines.extend(lives(explained));
        lines.extend(explained.fields.iter().map(listed));
    }
    lines.extend(applied(explained));
    lines.extend(explained.unknown.iter().map(|it| entry("unknown", it)));
    lines.iter().map(|line| harmless(line) + "\n").collect()
}

/// A line of a field among all fields of an object.
fn listed(field: &FieldExplanation) -> String {
    let at = field.template.as_ref().map(|(origin, _)| format!("  # {origin}")).unwrap_or_default();
    let drift = field.change.as_ref().map(|it| format!("  [{}]", difference(it))).unwrap_or_default();
    format!("    {}: {}{at}{drift}", field.path, shown(field.value.as_ref()))
}

fn field(field: &FieldExplanation, explained: &Explanation, lines: &mut Vec<String>) {
    let value = match &field.value {
        Some(value) => format!("= {}", shown(Some(value))),
        None => format!("is not in the repository; the server has {}", shown(field.found.as_ref())),
    };
    lines.push(format!("{} {} {value}", explained.id, field.path));
    lines.push(entry("release", &format!("{} ({})", explained.release, explained.declared)));
    match &field.template {
        Some((origin, line)) => {
            lines.push(entry("written by", &origin.to_string()));
            lines.extend(line.as_ref().map(|line| entry("", line)));
        }
        None if field.value.is_some() => lines.push(entry("written by", "unknown")),
        None => {}
    }
    match &field.sources {
        Some(sources) if sources.is_empty() => lines.push(entry("values", "none: it stands in the template")),
        Some(sources) => sources.iter().for_each(|it| lines.extend(layers(it))),
        None => {}
    }
    lines.extend(lives(explained).filter(|_| field.owners.is_empty()));
    lines.extend(field.owners.iter().map(|it| entry("owned by", &it.to_string())));
    if explained.live == Some(true) && field.value.is_some() {
        let drift = field.change.as_ref().map_or_else(|| "no difference".to_owned(), difference);
        lines.push(entry("live", &drift));
    }
}

fn layers(source: &LayeredValue) -> Vec<String> {
    let won = format!("{} = {} from {}", source.path, shown(Some(&source.value)), source.origin);
    let lost = source
        .overrides
        .iter()
        .map(|(value, origin)| entry("", &format!("overrides {} from {origin}", shown(Some(value)))));
    std::iter::once(entry("values", &won)).chain(lost).collect()
}

fn lives(explained: &Explanation) -> impl Iterator<Item = String> {
    let said = (explained.live == Some(false)).then(|| entry("live", "the server does not have the object"));
    said.into_iter()
}

/// The last apply of the release, and the one that brought the object as it is.
fn applied(explained: &Explanation) -> Vec<String> {
    let told = |revision: &Revision| {
        let made = &revision.made;
        let dirty = if made.dirty { " with changes" } else { "" };
        let commit = made.commit.as_ref().map(|it| format!(" of commit {it}{dirty}")).unwrap_or_default();
        format!("revision {}{commit} by {} at {}: {}", revision.number, made.by, made.at, revision.result())
    };
    let last = explained.last.iter().map(|it| entry("last apply", &told(it)));
    let brought =
        explained.brought.iter().filter(|it| explained.last.as_ref().is_none_or(|last| last.number != it.number));
    last.chain(brought.map(|it| entry("as it is", &format!("since {}", told(it))))).collect()
}

/// `drift: "Hello" -> "Hacked", by kubectl-edit (Update) at 2026-01-01T00:00:00Z`.
fn difference(change: &FieldChange) -> String {
    let by: Vec<String> = change.writers.iter().map(ToString::to_string).collect();
    let by = if by.is_empty() { String::new() } else { format!(", by {}", by.join(", ")) };
    let wanted = shown(change.desired.value());
    let live = shown(change.live.as_ref());
    format!("{}: {wanted} in the repository, {live} on the server{by}", change.class)
}

fn entry(name: &str, text: &str) -> String {
    format!("  {name:<12}{text}")
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| brief(value, WIDEST))
}

/// All of it, as `docs/schema/explain-v1.json` describes it.
fn document(explained: &Explanation) -> Json {
    let fields: Vec<Json> = explained.fields.iter().map(of_field).collect();
    let mut map = Map::new();
    map.insert("formatVersion".into(), FORMAT_VERSION.into());
    map.insert("environment".into(), explained.environment.as_str().into());
    map.insert("object".into(), json!(explained.id));
    map.insert("release".into(), explained.release.as_ref().into());
    map.insert("declared".into(), explained.declared.to_string().into());
    map.insert("origin".into(), explained.origin.to_string().into());
    optional(&mut map, "live", explained.live);
    map.insert("fields".into(), fields.into());
    optional(&mut map, "lastApply", explained.last.as_ref().map(revision));
    optional(&mut map, "broughtBy", explained.brought.as_ref().map(revision));
    map.insert("unknown".into(), explained.unknown.iter().map(String::as_str).collect());
    map.into()
}

fn of_field(field: &FieldExplanation) -> Json {
    let mut map = Map::new();
    map.insert("path".into(), field.path.to_string().into());
    optional(&mut map, "value", field.value.as_ref().map(json_of_value));
    optional(&mut map, "found", field.found.as_ref().map(json_of_value));
    if let Some((origin, line)) = &field.template {
        let mut template = Map::new();
        template.insert("origin".into(), origin.to_string().into());
        optional(&mut template, "line", line.as_deref());
        map.insert("template".into(), template.into());
    }
    optional(&mut map, "values", field.sources.as_ref().map(|it| it.iter().map(of_layers).collect::<Vec<_>>()));
    map.insert("owners".into(), field.owners.iter().map(writer).collect());
    if let Some(change) = &field.change {
        let mut told = Map::new();
        told.insert("class".into(), change.class.to_string().into());
        told.insert("drifted".into(), change.drifted.into());
        optional(&mut told, "live", change.live.as_ref().map(json_of_value));
        optional(&mut told, "desired", change.desired.value().map(json_of_value));
        map.insert("change".into(), told.into());
    }
    map.into()
}

fn of_layers(source: &LayeredValue) -> Json {
    let overrides =
        source.overrides.iter().map(|(it, origin)| json!({"value": json_of_value(it), "origin": origin.to_string()}));
    json!({
        "path": source.path.to_string(),
        "value": json_of_value(&source.value),
        "origin": source.origin.to_string(),
        "overrides": overrides.collect::<Vec<_>>(),
    })
}

fn revision(revision: &Revision) -> Json {
    let made = &revision.made;
    json!({
        "number": revision.number, "commit": made.commit, "dirty": made.dirty, "by": made.by, "at": made.at,
        "result": revision.result(),
    })
}

fn writer(writer: &Writer) -> Json {
    json!({
        "manager": writer.manager, "operation": writer.operation, "subresource": writer.subresource, "time": writer.time,
    })
}

//! `docs/charts.md`: every row of its tables of expressions is rendered, and every function is in one.

use std::collections::BTreeMap;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use regex::Regex;
use weft::chart::{Chart, ChartError, Context, render};
use weft::project::{Environment, load};
use weft::tree::Tree;
use weft::value::Value;
use weft::values::{Layer, merge};

use crate::cases::code;
use crate::markdown::{self, blocks, rows};

const DOCUMENT: &str = "docs/charts.md";

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("docs", "expressions_come_to_their_results", expressions_come_to_their_results),
        code("docs", "every_function_is_documented", every_function_is_documented),
        code("docs", "the_chart_of_the_document_renders", the_chart_of_the_document_renders),
    ]
}

/// The expressions of the document with their results.
fn examples() -> Vec<(String, String)> {
    let bare = |cell: &str| cell.strip_prefix('`').and_then(|it| it.strip_suffix('`')).unwrap_or(cell).to_owned();
    let rows = rows(&markdown::read(DOCUMENT), &["expression", "result"]);
    rows.iter().map(|row| (bare(&row[0]), bare(&row[1]))).collect()
}

/// The chart of the document, with one more template.
fn tree(template: &str) -> Tree {
    let file = |path: &str, text: &str| (path.to_owned(), text.as_bytes().to_vec());
    let document = blocks(&markdown::read(DOCUMENT));
    let written = document.iter().filter_map(|block| Some(file(block.info.split_once(' ')?.1, &block.text)));
    Tree::new(written.chain([
        file("charts/shop/Chart.yaml", "name: shop\nappVersion: '1.4'\n"),
        file("charts/shop/config/app.ini", "[shop]"),
        file("charts/shop/templates/_greeting.j2", "Hello {{ who }} of {{ release.name }}"),
        file("charts/shop/templates/_static.j2", "hello"),
        file("charts/shop/templates/example.j2", template),
        file(
            "environments/production/environment.yaml",
            "inputs: {TAG: {default: v2}}\nreleases: [{name: shop, namespace: shop, chart: shop}]",
        ),
    ]))
}

/// What the last document of a render of that chart is.
fn last(template: &str) -> Result<Value, ChartError> {
    let tree = tree(template);
    let environment: Environment = load(&tree, "production").expect("an environment");
    let chart = Chart::load(&tree, "charts/shop")?;
    let values = merge(vec![Layer::of_chart(chart.defaults().clone())]);
    let (inputs, capabilities) = (BTreeMap::new(), Arc::new(weft::schema::builtin()));
    let (release, making) = (&environment.releases[0], weft::chart::RenderOptions::default());
    let context = Context {
        release,
        environment: "production",
        values: &values,
        inputs: &inputs,
        capabilities: &capabilities,
        making: &making,
    };
    let mut rendered = render(&chart, &context)?;
    Ok(rendered.files.pop().and_then(|mut file| file.documents.pop()).expect("a document"))
}

fn expressions_come_to_their_results() -> Result<(), Failed> {
    let mut wrong = Vec::new();
    let examples = examples();
    assert!(examples.len() > 40, "the tables are found");
    for (expression, expected) in examples {
        let template =
            format!("{{% set printed %}}{{{{ {expression} }}}}{{% endset %}}result: {{{{ printed | tojson }}}}\n");
        let found = match last(&template) {
            Ok(document) => {
                let text = document.get("result").and_then(Value::as_str).unwrap_or_default();
                text.replace('\n', r"\n")
            }
            Err(error) => format!("error: {error}"),
        };
        if found != expected {
            wrong.push(format!("{expression}\n  stated: {expected}\n  found:  {found}"));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

fn every_function_is_documented() -> Result<(), Failed> {
    let source = markdown::read("crates/jinja/src/functions/mod.rs");
    let name = Regex::new(r#"(?m)^\s+"(\w+)" => |add_(?:filter|function|test)\("(\w+)""#).expect("a pattern");
    let names: Vec<String> =
        name.captures_iter(&source).filter_map(|it| Some(it.get(1).or(it.get(2))?.as_str().to_owned())).collect();
    assert!(names.len() > 25, "the functions are found");
    let examples = examples();
    let used = |name: &String| {
        let word = Regex::new(&format!(r"\b{name}\b")).expect("a pattern");
        examples.iter().any(|(expression, _)| word.is_match(expression))
    };
    let missing: Vec<&String> = names.iter().filter(|name| !used(name)).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("these are in no example: {missing:?}").into()) }
}

fn the_chart_of_the_document_renders() -> Result<(), Failed> {
    let map = last("")?;
    let text = |keys: &[&str]| map.dig(keys).and_then(Value::as_str).map(str::to_owned);
    assert_eq!(text(&["metadata", "name"]).as_deref(), Some("shop-config"));
    assert_eq!(text(&["metadata", "labels", "app.kubernetes.io/managed-by"]).as_deref(), Some("weft"));
    assert_eq!(text(&["data", "COLOR"]).as_deref(), Some("blue"));
    Ok(())
}

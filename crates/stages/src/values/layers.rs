//! The layers of a release in their order.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Layer, ValuesError, merge, placed};
use crate::project::{Environment, Release, ValuesLayer};
use weft_base::diagnostic::Place;
use weft_base::tree::Tree;
use weft_base::value::{Data, Map, Mark, Origin, Value};
use weft_base::yaml::{self, Rules};

/// The layers of a release, lowest first: the chart's defaults, the environment's values, the release's own, then the
/// secrets and the overrides that are handed in.
///
/// A template (`.yaml.j2`) sees what the layers before it come to as `values`, and `release` (`name`, `namespace`),
/// `environment` (the name) and `inputs`. Secrets come after all templates, so none gets into one. What a template
/// makes has the template's file as its place, without a line.
pub fn layers(
    environment: &Environment,
    release: &Release,
    tree: &Tree,
    chart_defaults: Option<&Value>,
    secrets: Vec<Layer>,
    overrides: Vec<Layer>,
    inputs: &BTreeMap<String, String>,
) -> Result<Vec<Layer>, ValuesError> {
    let mut layers: Vec<Layer> = chart_defaults.into_iter().cloned().map(Layer::of_chart).collect();
    layers.extend(environment.value_layers.iter().map(|values| Layer::of_user(file_of(values), values.clone())));
    for own in &release.values {
        let layer = match own {
            ValuesLayer::File(path, origin) => {
                let text = text(tree, release, path, origin)?;
                Layer::of_user(path, map(yaml::document(text, &Arc::new(path.clone()), Rules::Strict)?, path, text)?)
            }
            ValuesLayer::Template(path, origin) => {
                let text = text(tree, release, path, origin)?;
                let context = context(environment, release, merge(layers.clone()).merged, inputs);
                Layer::of_user(path, rendered(path, &weft_jinja::render_text(path, text, &context)?)?)
            }
            ValuesLayer::Inline(values) => Layer::of_user(file_of(values), values.clone()),
        };
        layers.push(layer);
    }
    layers.extend(secrets);
    layers.extend(overrides);
    Ok(layers)
}

fn file_of(values: &Value) -> String {
    values.origin.file.as_deref().cloned().unwrap_or_default()
}

fn text<'t>(tree: &'t Tree, release: &Release, path: &str, origin: &Origin) -> Result<&'t str, ValuesError> {
    tree.text(path).map_err(|source| ValuesError::File {
        release: release.name.to_string(),
        source,
        place: Place::of_word(tree, origin),
    })
}

fn context(environment: &Environment, release: &Release, values: Value, inputs: &BTreeMap<String, String>) -> Value {
    let inputs: Map = inputs.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let release: Map = [("name", &*release.name), ("namespace", release.namespace.as_str())].into_iter().collect();
    let context: [(&str, Value); 4] = [
        ("values", values),
        ("release", release.into()),
        ("environment", environment.name.as_str().into()),
        ("inputs", inputs.into()),
    ];
    context.into_iter().collect::<Map>().into()
}

/// The map that a values file holds; an empty file holds an empty one.
fn map(node: Value, path: &str, text: &str) -> Result<Value, ValuesError> {
    match node.data {
        Data::Map(_) => Ok(node),
        Data::Null => Ok(Value::from(Map::new()).at(node.origin)),
        _ => Err(ValuesError::not_a_map(path, &node, text)),
    }
}

/// The values in what a template came to. Errors have places in that text; the values have none, as its lines are not
/// lines of the template.
fn rendered(path: &str, text: &str) -> Result<Value, ValuesError> {
    let file = Arc::new(format!("{path} (rendered)"));
    let node = yaml::document(text, &file, Rules::Strict)
        .map_err(|source| ValuesError::Rendered { path: path.to_owned(), source: Box::new(source) })?;
    Ok(placed(map(node, path, text)?, &Origin::new(&Arc::new(path.to_owned()), Mark::default())))
}

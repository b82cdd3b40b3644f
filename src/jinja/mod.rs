//! Jinja templates: the engine's settings and the functions for Kubernetes work. It knows nothing of charts.
//!
//! Templates are strict: an undefined value is an error. `true`, `false` and `null` print as YAML means them, lists and
//! maps as JSON. There is no clock, no randomness and no environment; steps, depth and output are limited. The engine's
//! debug output, which prints values, stays off: errors keep the kind, the place and the values that are no secrets.

mod convert;
mod engine;
mod error;
mod expressions;
mod format;
mod functions;
mod node;
mod scope;
mod stand_in;
mod trace;

use std::sync::Arc;

use minijinja::Value as Dynamic;

pub use self::engine::{Engine, Template};
use self::error::Report;
pub use self::error::{JinjaError, Place};
pub use self::node::{Found, Node, Secrets, dynamic};
pub use self::scope::Scope;
use crate::value::{Origin, Value};

/// The value of an expression, such as a release's `when:`. `context` is a map of the names it may use; a secret among
/// them is an error where it is used. A failure has the place `origin`.
pub fn expression(text: &str, context: &Value, origin: &Origin) -> Result<Value, JinjaError> {
    let path = origin.file.clone().unwrap_or_default();
    let template = Template { name: "expression".to_owned(), path, text: text.to_owned() };
    let scope = Scope::over(context);
    let environment = engine::environment();
    environment
        .compile_expression(&template.text)
        .and_then(|it| it.eval(Dynamic::from_dyn_object(Arc::clone(&scope))))
        .and_then(|result| convert::value(&result))
        .map_err(|error| Report { engine: None, template: &template, scope: Some(&scope) }.error(&error).at(origin))
}

/// The text of one template on its own, such as a values file over the layers before it. `context` is a map of the
/// names it may use; a secret among them is an error where it is used.
pub fn render_text(name: &str, text: &str, context: &Value) -> Result<String, JinjaError> {
    let template = Template { name: name.to_owned(), path: Arc::new(name.to_owned()), text: text.to_owned() };
    Engine::new(vec![template])?.render(name, &Scope::over(context))
}

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
pub use self::node::{Node, ResolvedNode, Secrets, dynamic};
pub use self::scope::Scope;
pub use self::stand_in::of as stand_in;
use weft_base::value::{Origin, Value};

/// The value of an expression, such as a release's `when:`. `context` is a map of the names it may use; a secret among
/// them is an error where it is used. A failure has the place `origin`.
pub fn expression(text: &str, context: &Value, origin: &Origin) -> Result<Value, JinjaError> {
    let path = origin.file.clone().unwrap_or_default();
    let template = Template { name: "expression".to_owned(), path, text: text.to_owned() };
    let scope = Scope::over(context);
    engine::SETTINGS
        .compile_expression_owned(text.to_owned())
        .and_then(|it| it.eval(Dynamic::from_dyn_object(Arc::clone(&scope))))
        .and_then(|result| convert::value(&result))
        .map_err(|error| {
            Report { engine: None, template: &template, scope: Some(&scope) }.error(&error).at(origin, text)
        })
}

/// The text of one template on its own, such as a values file over the layers before it. `context` is a map of the
/// names it may use; a secret among them is an error where it is used.
pub fn render_text(name: &str, text: &str, context: &Value) -> Result<String, JinjaError> {
    let template = Template { name: name.to_owned(), path: Arc::new(name.to_owned()), text: text.to_owned() };
    Engine::new(vec![template])?.render(name, &Scope::over(context))
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_base::diagnostic::Diagnostic;

    fn context() -> Value {
        let text =
            r#"{"values": {"replicas": 3, "on": true, "none": null, "image": {"tag": "1.2"}, "list": [1, true]}}"#;
        let mut context: Value = serde_json::from_str(text).unwrap();
        let values = context.as_map_mut().unwrap().get_mut("values").unwrap();
        values.as_map_mut().unwrap().insert("password", Value::from("hunter2").masked());
        context
    }

    #[test]
    fn conditions_are_expressions() {
        let origin =
            Origin::new(&Arc::new("environment.yaml".to_owned()), weft_base::value::Mark { line: 7, column: 9 });
        let value = |text: &str| expression(text, &context(), &origin);
        assert_eq!(value("values.replicas > 2 and values.on").unwrap(), Value::from(true));
        let error = value("values.replcas > 2").unwrap_err();
        let expected = "error: `values.replcas` is undefined\n --> environment.yaml:7:9\n  |\n7 | values.replcas > 2\n  | ^\n  = \
                        hint: Did you mean `values.replicas`?\n";
        assert_eq!(Diagnostic::of(&error).to_string(), expected);
        assert_eq!(value("values.password == 'x'").unwrap_err().to_string(), "a secret cannot be used here");
    }
}

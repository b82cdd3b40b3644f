#![doc = include_str!("../README.md")]
//!
//! Go's `text/template`: what Helm charts are written in. It knows nothing of charts.
//!
//! [`Templates`] are parsed once and shared between threads; a [`Run`] executes them with values of its own thread.
//! Strings are bytes, maps are shared and changed in place, numbers keep Go's kinds. A run is limited in depth, steps
//! and output, and what it gives depends on its arguments alone.
#![deny(missing_docs)]
#![allow(clippy::unnecessary_box_returns, reason = "an error is large, and a result is returned for each operand")]

mod ast;
mod builtin;
mod call;
mod error;
mod eval;
mod field;
pub mod format;
pub mod functions;
mod list;
mod map;
mod object;
mod parse;
mod run;
mod source;
mod templates;
mod text;
mod trace;
mod types;
mod value;
mod walk;

pub use self::call::{Body, Fault, Function, Functions, Limit};
pub use self::error::{GoTemplateError, Place};
pub use self::list::List;
pub use self::map::{Map, MapType, Snapshot};
pub use self::object::{Object, downcast};
pub use self::run::{Limits, Missing, Run};
pub use self::templates::{Parsed, Templates};
pub use self::text::Str;
pub use self::types::{Kind, Type};
pub use self::value::{DEEPEST, Value};

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use weft_base::diagnostic::Diagnostic;

    fn data() -> Value {
        let image: Map = [(Str::from("tag"), Value::from("1.2"))].into_iter().collect();
        let list = List::new(vec![Value::Float(1.0), Value::Nil, "x".into()]);
        let values =
            [(Str::from("image"), Value::from(image)), ("list".into(), list.into()), ("none".into(), Value::Nil)];
        let values: Map = values.into_iter().collect();
        Value::from([(Str::from("Values"), Value::from(values))].into_iter().collect::<Map>())
    }

    fn include(run: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
        let [Value::Str(name), data] = args else { return Err(Fault::signature()) };
        Ok(run.include(name, data)?.into())
    }

    fn tpl(run: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
        let [Value::Str(text), data] = args else { return Err(Fault::signature()) };
        Ok(run.tpl(text, data)?.into())
    }

    static FUNCTIONS: [Function; 2] = [
        Function::new("include", &[Type::Str, Type::Any], include),
        Function::new("tpl", &[Type::Str, Type::Any], tpl),
    ];

    fn render(text: &str) -> Result<String, String> {
        let mut templates = Templates::new(Functions::new(&FUNCTIONS));
        let shown = |error: &GoTemplateError| Diagnostic::of(error).to_string();
        let path = Arc::new("t.yaml".to_owned());
        templates.add("t", &path, text).map_err(|error| shown(&error))?;
        let limits = Limits { steps: 1_000_000, output: 1 << 20, ..Limits::default() };
        let result = Run::new(&templates, &(), Missing::Zero, limits).execute("t", &data());
        result.map(|out| String::from_utf8_lossy(&out).into_owned()).map_err(|error| shown(&error))
    }

    fn ok(text: &str) -> String {
        render(text).unwrap()
    }

    #[test]
    fn templates_render_as_in_go() {
        assert_eq!(ok("a {{- 1 -}} b {{ 2.0 }}{{/* x */}}"), "a1b 2");
        assert_eq!(ok("{{ .Values.image.tag }} {{ .Values.none }} {{ .Values.list }}"), "1.2 <no value> [1 <nil> x]");
        assert_eq!(
            ok("{{ range $i, $x := .Values.list }}{{ $i }}={{ $x }},{{ end }}"),
            "0=1,1=<nil>,2=x,".replace("<nil>", "<no value>")
        );
        assert_eq!(ok("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $x := 3 }}{{ end }}{{ $x }}"), "2");
        assert_eq!(
            ok(
                "{{ range 5 }}{{ if eq . 3 }}{{ break }}{{ end }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ . }}{{ end }}"
            ),
            "02"
        );
        assert_eq!(
            ok("{{ define `x` }}<{{ . }}>{{ end }}{{ template `x` 1 }}{{ include `x` `a` | printf `%q` }}"),
            "<1>\"<a>\""
        );
        assert_eq!(
            ok("{{ tpl `{{ define \"y\" }}Y{{ . }}{{ end }}{{ include \"y\" .Values.image.tag }}` . }}"),
            "Y1.2"
        );
        assert_eq!(
            ok("{{ with $x := .Values.image }}{{ $x.tag }}{{ else }}no{{ end }}{{ (.Values.nope).b }}"),
            "1.2<no value>"
        );
    }

    #[test]
    fn errors_say_where_and_what_is_meant() {
        let expected = "error: `.Values.imag` is nil, so it has no field `tag`\n --> t.yaml:2:4\n  |\n2 | {{ .Values.imag.tag }}\n  \
                        |    ^^^^^^^^^^^^^^^^\n  = hint: Did you mean `.Values.image`?\n";
        assert_eq!(render("\n{{ .Values.imag.tag }}").unwrap_err(), expected);
        let deep = render("{{ define `x` }}{{ include `x` . }}{{ end }}{{ include `x` . }}").unwrap_err();
        assert!(deep.starts_with("error: templates call each other too deeply\n"), "{deep}");
        assert!(render("{{ range 1000000000 }}{{ end }}").unwrap_err().starts_with("error: the template does not end"));
    }
}

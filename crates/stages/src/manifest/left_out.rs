//! Objects that say of themselves that they are not for the cluster.

use weft_base::value::Value;

/// The annotations that say so, each with the value that does; `*` is any but `false`.
const MARKS: [(&str, &str); 3] =
    [("config.kubernetes.io/local-config", "*"), ("kluctl.io/ignore", "true"), ("argocd.argoproj.io/hook", "Skip")];

/// Whether an object is never applied. If it was before, it leaves the environment.
pub(super) fn is_left_out(document: &Value) -> bool {
    MARKS.iter().any(|(key, wanted)| {
        let value = document.dig(&["metadata", "annotations", key]).and_then(Value::as_str);
        value.is_some_and(|value| value == *wanted || (*wanted == "*" && value != "false"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_base::yaml;

    fn left_out(annotation: &str) -> bool {
        let text = format!("metadata: {{annotations: {{{annotation}}}}}");
        is_left_out(&yaml::config::<Value>(&text, &std::sync::Arc::new("test".to_owned())).unwrap())
    }

    #[test]
    fn what_is_for_tools_is_left_out() {
        for annotation in ["config.kubernetes.io/local-config: 'true'", "argocd.argoproj.io/hook: Skip"] {
            assert!(left_out(annotation), "{annotation}");
        }
        for annotation in ["config.kubernetes.io/local-config: 'false'", "argocd.argoproj.io/hook: Sync", "a: 'true'"] {
            assert!(!left_out(annotation), "{annotation}");
        }
    }
}

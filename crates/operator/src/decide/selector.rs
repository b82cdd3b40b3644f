//! Selectors of labels, and patterns of the keys that are copied.

use std::collections::BTreeMap;

use crate::{Operator, Selector};

/// Whether a selector takes an object with these labels. An empty one takes all.
pub fn selects(selector: &Selector, labels: &BTreeMap<String, String>) -> bool {
    let equal = selector.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value));
    let holds = selector.match_expressions.iter().all(|required| {
        let value = labels.get(&required.key);
        match required.operator {
            Operator::In => value.is_some_and(|it| required.values.contains(it)),
            Operator::NotIn => value.is_none_or(|it| !required.values.contains(it)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    });
    equal && holds
}

/// A key of metadata, or all keys of a prefix: `team`, `example.com/*`.
#[derive(Clone, Copy, Debug)]
pub struct KeyPattern<'p>(pub &'p str);

/// Keys with which tools mark what they own. If they were copied, the tool would adopt or prune the copy.
const OWNED: &[&str] = &["app.kubernetes.io/managed-by", "app.kubernetes.io/instance"];
const OWNED_PREFIXES: &[&str] =
    &["weaver.example.com/", "kubectl.kubernetes.io/", "argocd.argoproj.io/", "meta.helm.sh/"];

impl KeyPattern<'_> {
    /// Whether a key is copied. A key that marks the owner of the source never is, whatever the pattern.
    pub fn takes(self, key: &str) -> bool {
        let matches = match self.0.strip_suffix('*') {
            Some(prefix) => prefix.ends_with('/') && key.starts_with(prefix),
            None => key == self.0,
        };
        matches && !owns(key)
    }
}

fn owns(key: &str) -> bool {
    let flux = key.split_once('/').is_some_and(|(domain, _)| domain.ends_with(".toolkit.fluxcd.io"));
    flux || OWNED.contains(&key) || OWNED_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Requirement;

    fn labels(all: &[(&str, &str)]) -> BTreeMap<String, String> {
        all.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_operator_is_as_the_server_has_it() {
        let table = [
            (Operator::In, &["a", "b"][..], [true, false, false]),
            (Operator::NotIn, &["a"][..], [false, true, true]),
            (Operator::Exists, &[][..], [true, true, false]),
            (Operator::DoesNotExist, &[][..], [false, false, true]),
        ];
        for (operator, values, expected) in table {
            let values = values.iter().map(|it| (*it).to_owned()).collect();
            let required = Requirement { key: "k".into(), operator, values };
            let selector = Selector { match_expressions: vec![required], ..Selector::default() };
            let found = [labels(&[("k", "a")]), labels(&[("k", "c")]), labels(&[])].map(|it| selects(&selector, &it));
            assert_eq!(found, expected, "{operator:?}");
        }
    }

    #[test]
    fn all_parts_must_hold_and_an_empty_one_takes_all() {
        let selector = Selector { match_labels: labels(&[("a", "1"), ("b", "2")]), ..Selector::default() };
        assert!(selects(&selector, &labels(&[("a", "1"), ("b", "2"), ("c", "3")])));
        assert!(!selects(&selector, &labels(&[("a", "1")])));
        assert!(selects(&Selector::default(), &labels(&[])));
    }

    #[test]
    fn a_prefix_never_takes_the_marks_of_an_owner() {
        assert!(KeyPattern("team").takes("team") && !KeyPattern("team").takes("teams"));
        let all = KeyPattern("app.kubernetes.io/*");
        assert!(all.takes("app.kubernetes.io/name") && !all.takes("app.kubernetes.io/managed-by"));
        for key in ["meta.helm.sh/release-name", "kustomize.toolkit.fluxcd.io/name", "argocd.argoproj.io/tracking-id"] {
            let prefix = format!("{}/*", key.split_once('/').unwrap().0);
            assert!(!KeyPattern(&prefix).takes(key) && !KeyPattern(key).takes(key), "{key}");
        }
        assert!(!KeyPattern("*").takes("a"));
    }
}

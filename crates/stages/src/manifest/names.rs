//! Which names Kubernetes accepts for objects and namespaces.

use weft_schema::{GroupKind, is_builtin_group, rows};

const RULES: &str = include_str!("names.tsv");
/// No name of an object is longer, whatever its kind.
const LONGEST: usize = 253;
const LONGEST_LABEL: usize = 63;

/// What a name has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A DNS label (RFC 1123).
    Label,
    /// A DNS subdomain (RFC 1123).
    Subdomain,
    /// A segment of a path. Roles such as `system:node` have no stricter rule.
    Segment,
}

impl Rule {
    /// The rule for the names of a kind. Other API servers may accept more than Kubernetes does for its own kinds.
    pub fn for_kind(kind: &GroupKind) -> Self {
        if !is_builtin_group(&kind.group) {
            return Self::Segment;
        }
        let is_kind = |[group, name, _]: &[&str; 3]| {
            let in_group = if *group == "-" { kind.group.is_empty() } else { kind.group == *group };
            in_group && (*name == "*" || *name == kind.kind)
        };
        match rows::<3>(RULES).find(is_kind) {
            Some([_, _, "label"]) => Self::Label,
            Some([_, _, "segment"]) => Self::Segment,
            _ => Self::Subdomain,
        }
    }

    /// Why no server accepts a name; `None` if one may.
    pub fn problem(self, name: &str) -> Option<&'static str> {
        if name.len() > LONGEST {
            return Some("it has more than 253 bytes");
        }
        match self {
            Self::Segment => segment_problem(name),
            Self::Subdomain if name.split('.').all(is_label) => None,
            Self::Subdomain => Some("it is not a DNS subdomain"),
            Self::Label if name.len() > LONGEST_LABEL => Some("it has more than 63 bytes"),
            Self::Label if is_label(name) => None,
            Self::Label => Some("it is not a DNS label"),
        }
    }

    /// What the rule asks for, as a full sentence.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Label => {
                "Use lower-case letters, digits and `-`; begin and end with a letter or a digit; at most 63 characters."
            }
            Self::Subdomain => {
                "Use lower-case letters, digits, `-` and `.`; begin and end with a letter or a digit; at most 253 \
                 characters."
            }
            Self::Segment => {
                "A name has no `/`, no `%` and no control characters, is neither `.` nor `..`, and has at most 253 bytes."
            }
        }
    }
}

fn segment_problem(name: &str) -> Option<&'static str> {
    match name {
        "." | ".." => Some("it means a folder"),
        _ if name.contains('/') => Some("it has a `/`"),
        _ if name.contains('%') => Some("it has a `%`"),
        _ if name.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) => {
            Some("it has a control character")
        }
        _ => None,
    }
}

fn is_label(text: &str) -> bool {
    let is_edge = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().is_some_and(|it| is_edge(*it))
        && bytes.last().is_some_and(|it| is_edge(*it))
        && bytes.iter().all(|it| is_edge(*it) || *it == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(group: &str, kind: &str) -> Rule {
        Rule::for_kind(&GroupKind { group: group.into(), kind: kind.into() })
    }

    #[test]
    fn every_row_names_a_rule() {
        assert!(rows::<3>(RULES).all(|[_, _, rule]| matches!(rule, "label" | "segment")));
        assert_eq!(rule("", "Namespace"), Rule::Label);
        assert_eq!(rule("", "ConfigMap"), Rule::Subdomain);
        assert_eq!(rule("rbac.authorization.k8s.io", "ClusterRole"), Rule::Segment);
        assert_eq!(rule("example.com", "Anything"), Rule::Segment);
    }

    #[test]
    fn names_that_a_server_accepts_pass() {
        let long = "a".repeat(63);
        for name in ["a", "a-b", "0", long.as_str()] {
            assert_eq!(Rule::Label.problem(name), None, "{name}");
        }
        for name in ["a.b-c.d", "0.1", "v1.example.com"] {
            assert_eq!(Rule::Subdomain.problem(name), None, "{name}");
        }
        for name in ["system:node", "A B", "v1.", "x_y"] {
            assert_eq!(Rule::Segment.problem(name), None, "{name}");
        }
    }

    #[test]
    fn names_that_no_server_accepts_do_not() {
        let long = "a".repeat(254);
        for name in ["..", ".", "../x", "a/b", "a%2fb", "a\nb", "a\u{1b}[2J", "a\u{2028}b", &long] {
            for rule in [Rule::Label, Rule::Subdomain, Rule::Segment] {
                assert!(rule.problem(name).is_some(), "{rule:?} {name:?}");
            }
        }
        for name in ["A", "a_b", "-a", "a-", "a..b", "a:b", "é", ""] {
            assert!(Rule::Label.problem(name).is_some() && Rule::Subdomain.problem(name).is_some(), "{name}");
        }
        assert!(Rule::Label.problem("a.b").is_some() && Rule::Label.problem(&"a".repeat(64)).is_some());
    }
}

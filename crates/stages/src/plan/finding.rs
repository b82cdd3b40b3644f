//! What the policies of the repository say about a plan.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::manifest::ObjectId;

/// What a rule says about a plan, or about one object of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The rule's name.
    pub rule: String,
    /// What follows from it.
    pub ruling: Ruling,
    /// What the rule says. No secret is in it.
    pub message: String,
    /// Where the rule is written: `policies/images.yaml:3:3`.
    pub policy: String,
    /// The object; `None` if it is about the whole plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectId>,
    /// The object's release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
}

/// What follows from a rule that holds, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ruling {
    /// The plan must not be applied.
    Deny,
    /// It is applied only by who approves exactly it.
    Approve,
    /// People should know.
    Warn,
}

impl fmt::Display for Ruling {
    /// The key under which a policy says it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deny => "deny",
            Self::Approve => "approve",
            Self::Warn => "warn",
        })
    }
}

impl fmt::Display for Finding {
    /// `Deployment.apps apps/web: it has no limit (rule limits)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(object) = &self.object {
            write!(f, "{object}: ")?;
        }
        write!(f, "{} (rule {})", self.message, self.rule)
    }
}

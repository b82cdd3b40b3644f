//! The plans of a job, as its folder keeps them: `ci.json`, which says what they were made of, and a file a plan.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use weft_base::diagnostic::{Diagnose, Kind};

/// The name of the file.
pub const ARTEFACT: &str = "ci.json";
/// The version of the format that this program writes, and the only one that it reads.
const FORMAT_VERSION: u64 = 1;

/// What the plans of a job were made of, and where they are. All commits are full ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Artefact {
    /// The version of the format.
    pub format_version: u64,
    /// The version of the program that made them.
    pub tool: String,
    /// The newest commit of the branch that the change goes into.
    pub base: String,
    /// The newest commit of the change.
    pub head: String,
    /// The files of what comes of merging the two: the id of git's tree.
    pub tree: String,
    /// The plans.
    pub environments: Vec<EnvironmentPlan>,
}

/// The plan of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvironmentPlan {
    /// The environment.
    pub environment: String,
    /// The file of the plan beside `ci.json`; `None` where none could be made.
    pub plan: Option<String>,
    /// Its digest.
    pub digest: Option<String>,
    /// How the planning ended, as the program's exit code.
    pub exit_code: u8,
}

/// Why plans are not applied.
#[derive(Debug, Error)]
pub enum ArtefactError {
    /// The file is not what this program writes.
    #[error("`{file}` is no record of plans")]
    Broken {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// It is of another format.
    #[error("`{file}` has format version {version}, and this program reads {FORMAT_VERSION}")]
    Version {
        /// The file.
        file: String,
        /// Its version.
        version: u64,
    },
    /// The branch has moved since.
    #[error("the plans were made for the base `{planned}`, and the change went onto `{merged}`")]
    Base {
        /// The base of the plans.
        planned: String,
        /// What the change really was merged into.
        merged: String,
    },
    /// What is to be applied is not what was planned.
    #[error("the plans were made of other files than those of the commit `{commit}`")]
    Tree {
        /// The commit.
        commit: String,
    },
    /// The plan of an environment is not one that can be applied.
    #[error("the plan of `{environment}` ended with exit code {code}, so it is not applied")]
    Unfit {
        /// The environment.
        environment: String,
        /// How the planning ended.
        code: u8,
    },
}

impl Diagnose for ArtefactError {
    fn kind(&self) -> Kind {
        match self {
            Self::Broken { .. } | Self::Version { .. } => Kind::Input,
            Self::Base { .. } | Self::Tree { .. } | Self::Unfit { .. } => Kind::Refused,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Broken { .. } => "Take the folder that `weft ci plan --plans` wrote, as it is.".into(),
            Self::Version { .. } => "Plan and apply with the same version.".into(),
            Self::Base { .. } | Self::Tree { .. } => {
                "Run `weft ci plan` again for what is merged now, and review that; or leave `--plans` out, to plan anew \
                 and apply that."
                    .into()
            }
            Self::Unfit { .. } => "Its report says why. Nothing was changed.".into(),
        })
    }
}

impl Artefact {
    /// What the plans of a job were made of.
    pub fn new(base: &str, head: &str, tree: &str, environments: Vec<EnvironmentPlan>) -> Self {
        let base = base.to_owned();
        let head = head.to_owned();
        let tree = tree.to_owned();
        let tool = env!("CARGO_PKG_VERSION").to_owned();
        Self { format_version: FORMAT_VERSION, tool, base, head, tree, environments }
    }

    /// Reads the text of a file.
    pub fn read(text: &str, file: &str) -> Result<Self, ArtefactError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct VersionHead {
            format_version: u64,
        }
        let broken = |source| ArtefactError::Broken { file: file.to_owned(), source };
        let VersionHead { format_version } = serde_json::from_str(text).map_err(broken)?;
        if format_version != FORMAT_VERSION {
            return Err(ArtefactError::Version { file: file.to_owned(), version: format_version });
        }
        serde_json::from_str(text).map_err(broken)
    }

    /// Refuses a commit that is not the planned change on the planned base, and plans that cannot be applied.
    pub fn allows(&self, base: &str, commit: &str, tree: &str) -> Result<(), ArtefactError> {
        if self.base != base {
            return Err(ArtefactError::Base { planned: self.base.clone(), merged: base.to_owned() });
        }
        if self.tree != tree {
            return Err(ArtefactError::Tree { commit: commit.to_owned() });
        }
        match self.environments.iter().find(|it| it.plan.is_none() || !matches!(it.exit_code, 0 | 2)) {
            Some(it) => Err(ArtefactError::Unfit { environment: it.environment.clone(), code: it.exit_code }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_base::diagnostic::Diagnostic;

    fn said(error: &ArtefactError) -> String {
        Diagnostic::of(error).to_string()
    }

    #[test]
    fn only_the_planned_change_on_the_planned_base_is_applied() {
        let kept = |exit_code| EnvironmentPlan {
            environment: "dev".into(),
            plan: Some("dev.plan.json".into()),
            digest: None,
            exit_code,
        };
        let artefact = Artefact::new("base", "head", "tree", vec![kept(0), kept(2)]);
        let text = serde_json::to_string(&artefact).unwrap();
        let artefact = Artefact::read(&text, "ci.json").unwrap();
        assert!(artefact.allows("base", "merge", "tree").is_ok());
        let refused = |base, tree| said(&artefact.allows(base, "merge", tree).unwrap_err());
        let hint = "  = hint: Run `weft ci plan` again for what is merged now, and review that; or leave `--plans` out, to \
                    plan anew and apply that.\n";
        assert_eq!(
            refused("other", "tree"),
            format!("error: the plans were made for the base `base`, and the change went onto `other`\n{hint}")
        );
        assert_eq!(
            refused("base", "other"),
            format!("error: the plans were made of other files than those of the commit `merge`\n{hint}")
        );
        let artefact = Artefact::new("base", "head", "tree", vec![kept(4)]);
        assert_eq!(
            said(&artefact.allows("base", "merge", "tree").unwrap_err()),
            "error: the plan of `dev` ended with exit code 4, so it is not applied\n  \
             = hint: Its report says why. Nothing was changed.\n"
        );
    }

    #[test]
    fn other_files_are_refused() {
        let text = r#"{"formatVersion": 2, "more": 1}"#;
        assert_eq!(
            said(&Artefact::read(text, "ci.json").unwrap_err()),
            "error: `ci.json` has format version 2, and this program reads 1\n  \
             = hint: Plan and apply with the same version.\n"
        );
        let error = said(&Artefact::read("{}", "ci.json").unwrap_err());
        assert!(error.starts_with("error: `ci.json` is no record of plans\n"), "{error}");
    }
}

//! Why a forge was not told something.

use thiserror::Error;

use super::Forge;
use super::client::put_off;
use crate::network::NetworkError;
use weft_base::diagnostic::{Diagnose, Kind};

/// What to do where a forge gets too many requests.
const LATER: &str = "Run the job again later, or with a token of its own.";

/// Why a job's facts could not be read, or a forge was not told something.
#[derive(Debug, Error)]
pub enum ForgeError {
    /// `WEFT_FORGE` names none.
    #[error("`WEFT_FORGE` is `{name}`, which is no forge")]
    Unknown {
        /// What it says.
        name: String,
    },
    /// The file of the event is not JSON.
    #[error("the file of the event is not JSON")]
    Event(#[source] serde_json::Error),
    /// No token is there.
    #[error("there is no token for {forge}")]
    NoToken {
        /// The forge.
        forge: Forge,
        /// The variables that it is looked for in.
        variables: Vec<&'static str>,
    },
    /// A token has what no header of a request may have.
    #[error("`{variable}` has a line break or another control character within its token")]
    Token {
        /// The variable.
        variable: &'static str,
    },
    /// The branch went on since.
    #[error("`{commit}` is not the newest commit of `{branch}` any more: that is `{newest}`")]
    Overtaken {
        /// The commit.
        commit: String,
        /// Its branch.
        branch: String,
        /// What the branch has now.
        newest: String,
    },
    /// The token may not read its own user.
    #[error("{forge} does not tell whose token this is, so no comment and no issue is known to be ours")]
    Nameless {
        /// The forge.
        forge: Forge,
        /// What it answers.
        #[source]
        source: NetworkError,
    },
    /// The job does not say something that a request needs.
    #[error("the job does not say {what}, which {forge} has to know")]
    Missing {
        /// The forge.
        forge: Forge,
        /// What is missing.
        what: &'static str,
    },
    /// The forge wants us to wait for longer than a job should.
    #[error("`{address}` wants no requests for {seconds} s")]
    Limited {
        /// The address.
        address: String,
        /// For how long.
        seconds: u64,
    },
    /// The answer is not what the documentation of the forge says.
    #[error("`{address}` answers something that {forge} does not answer")]
    Answer {
        /// The forge.
        forge: Forge,
        /// The address.
        address: String,
    },
    /// No answer, or a refusal.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

impl Diagnose for ForgeError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown { .. }
            | Self::Event(_)
            | Self::NoToken { .. }
            | Self::Token { .. }
            | Self::Missing { .. } => Kind::Input,
            Self::Overtaken { .. } => Kind::Refused,
            Self::Nameless { .. } | Self::Limited { .. } | Self::Answer { .. } | Self::Network(_) => Kind::Machine,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unknown { .. } => "Say `github`, `gitlab`, `gitea` or `plain`, or leave it out.".into(),
            Self::Event(_) => "The forge's CI writes it; a recipe hands on what the webhook sent.".into(),
            Self::NoToken { variables, .. } => {
                let names: Vec<String> = variables.iter().map(|it| format!("`{it}`")).collect();
                format!("Set {}; `docs/ci.md` lists the rights that it needs.", names.join(" or "))
            }
            Self::Overtaken { .. } => {
                "Its own job applies the newest commit. To apply this one, name it with `--head`.".into()
            }
            Self::Nameless { .. } => {
                "Give the token the right to read its user (`read:user`); `docs/ci.md` lists the rights that it needs."
                    .into()
            }
            Self::Token { .. } => "Set it to the token alone; one line break at its end does no harm.".into(),
            Self::Missing { .. } => {
                "Run it in a job of the forge, or set the variables that `docs/ci.md` lists.".into()
            }
            Self::Limited { .. } => LATER.into(),
            Self::Network(error) if put_off(error).is_some() => LATER.into(),
            Self::Answer { .. } => "Is the address of the API right, and is no login page before it?".into(),
            Self::Network(error) => match error.status().map(|it| it.as_u16()) {
                Some(401) => "The token is wrong or has expired.".into(),
                Some(403) => "The token lacks a right: `docs/ci.md` lists those that it needs.".into(),
                Some(404) => "It is not there, or the token may not see it.".into(),
                None if matches!(error, NetworkError::Silent { .. }) => {
                    "Is the address of the API right, and is the forge reached from here?".into()
                }
                _ => return error.hint(),
            },
        })
    }
}

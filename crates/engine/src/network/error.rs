//! Why a request got no answer.

use std::error::Error;
use std::io;
use std::time::Duration;

use thiserror::Error;

use weft_base::diagnostic::{Diagnose, Kind};

/// Why a request got no answer that can be used. None shows a password, a token or a body.
#[derive(Debug, Error)]
pub enum NetworkError {
    /// The address is none.
    #[error("`{address}` is no address")]
    Address {
        /// The address, without a password.
        address: String,
    },
    /// Nobody answers, or the answer breaks off.
    #[error("`{address}` does not answer: {reason}")]
    Silent {
        /// The address.
        address: String,
        /// The innermost cause.
        reason: String,
    },
    /// The server refuses.
    #[error("`{address}` answers {status}{}", said(saying))]
    Refused {
        /// The address.
        address: String,
        /// The status.
        status: http::StatusCode,
        /// What the server says about it, cut short.
        saying: String,
        /// How it wants to be told who asks (`WWW-Authenticate`).
        challenge: Option<String>,
        /// How long it wants us to wait, where it gets too many requests.
        wait: Option<Duration>,
    },
    /// The answer is larger than it can be.
    #[error("the answer of `{address}` has more than {} MiB", limit >> 20)]
    TooLarge {
        /// The address.
        address: String,
        /// The largest size, in bytes.
        limit: usize,
    },
    /// An address leads to another, and so on.
    #[error("`{address}` leads from address to address")]
    Redirects {
        /// The first address.
        address: String,
    },
    /// An address with TLS leads to one without.
    #[error("`{address}` leads to `{to}`, which is not encrypted")]
    Downgrade {
        /// The address.
        address: String,
        /// Where it leads.
        to: String,
    },
    /// A proxy cannot be used.
    #[error(transparent)]
    Proxy(#[from] WrongProxy),
    /// A certificate or a key for a server cannot be used.
    #[error("the certificates for `{address}` cannot be used: {reason}")]
    Certificates {
        /// The address.
        address: String,
        /// Why.
        reason: String,
    },
    /// This machine gives no threads.
    #[error("cannot start the network's threads")]
    Runtime(#[source] io::Error),
}

/// A proxy that cannot be used.
#[derive(Debug, Error)]
#[error("the proxy `{proxy}` cannot be used: {reason}")]
pub struct WrongProxy {
    /// The proxy, without its password.
    pub proxy: String,
    /// Why.
    pub reason: String,
}

impl Diagnose for NetworkError {
    fn kind(&self) -> Kind {
        match self {
            Self::Address { .. } => Kind::Input,
            _ => Kind::Machine,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Address { .. } => "An address looks like `https://charts.example.com/path`.".into(),
            Self::Silent { .. } => {
                "Is the name right, and is the host reached from here? What was fetched once is not fetched again."
                    .into()
            }
            Self::Refused { status, .. } => return refused(*status).map(str::to_owned),
            Self::TooLarge { .. } => "Nothing of it was kept.".into(),
            Self::Redirects { .. } | Self::Downgrade { .. } => "Name the address that it leads to.".into(),
            Self::Proxy(_) => "A proxy looks like `http://host:3128` or `socks5://host:1080`.".into(),
            Self::Certificates { .. } => {
                "They are named in Helm's `repositories.yaml`; the files have to be PEM.".into()
            }
            Self::Runtime(_) => return None,
        })
    }
}

impl NetworkError {
    /// The status of an answer that refuses.
    pub fn status(&self) -> Option<http::StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }
}

fn refused(status: http::StatusCode) -> Option<&'static str> {
    Some(match status.as_u16() {
        401 | 403 => "Log in with `helm repo add`, `helm registry login` or `docker login`; their files are read.",
        404 => "Nothing is there under this name, or it is only shown to those who log in.",
        429 => "The server wants fewer requests; try again later.",
        500.. => "The server has trouble; try again later.",
        _ => return None,
    })
}

fn said(saying: &str) -> String {
    if saying.is_empty() { String::new() } else { format!(": {saying}") }
}

/// The innermost cause, which is what says something about the network.
pub(super) fn root(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

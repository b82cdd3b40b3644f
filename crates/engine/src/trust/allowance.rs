//! What the owner of a machine lets a repository say about a cluster.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use weft_base::diagnostic::{Diagnose, Kind};

/// Something that a repository, or a kubeconfig out of a Secret, may not do unless the owner of the machine lets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// A kubeconfig runs a program for its credentials.
    Exec,
    /// A kubeconfig uses an authentication provider.
    AuthProvider,
    /// A kubeconfig names files of this machine, or is one outside of the project.
    Files,
    /// The certificate of a server is not checked.
    Insecure,
    /// The certificate of a server may be for another name.
    TlsServerName,
    /// Credentials go over plain HTTP.
    PlainHttp,
    /// Credentials from elsewhere go to this server.
    Server(String),
    /// Credentials from elsewhere go through this proxy.
    Proxy(String),
}

/// Text that names no [`Allowance`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{0}` is none of `exec`, `auth-provider`, `files`, `insecure`, `tls-server-name`, `http`, `server=ADDRESS`, \
     `proxy=ADDRESS`"
)]
pub struct BadAllowance(String);

impl Diagnose for BadAllowance {
    fn kind(&self) -> Kind {
        Kind::Input
    }
}

impl FromStr for Allowance {
    type Err = BadAllowance;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let address = |address: &str| address.trim_end_matches('/').to_owned();
        Ok(match text.split_once('=') {
            Some(("server", server)) if !server.is_empty() => Self::Server(address(server)),
            Some(("proxy", proxy)) if !proxy.is_empty() => Self::Proxy(address(proxy)),
            None if text == "exec" => Self::Exec,
            None if text == "auth-provider" => Self::AuthProvider,
            None if text == "files" => Self::Files,
            None if text == "insecure" => Self::Insecure,
            None if text == "tls-server-name" => Self::TlsServerName,
            None if text == "http" => Self::PlainHttp,
            _ => return Err(BadAllowance(text.to_owned())),
        })
    }
}

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exec => f.write_str("exec"),
            Self::AuthProvider => f.write_str("auth-provider"),
            Self::Files => f.write_str("files"),
            Self::Insecure => f.write_str("insecure"),
            Self::TlsServerName => f.write_str("tls-server-name"),
            Self::PlainHttp => f.write_str("http"),
            Self::Server(address) => write!(f, "server={address}"),
            Self::Proxy(address) => write!(f, "proxy={address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowances_are_read_as_they_are_written() {
        let all = [
            "exec",
            "auth-provider",
            "files",
            "insecure",
            "tls-server-name",
            "http",
            "server=https://a",
            "proxy=http://b",
        ];
        for text in all {
            assert_eq!(text.parse::<Allowance>().unwrap().to_string(), text);
        }
        for text in ["", "server", "server=", "exec=1"] {
            assert!(text.parse::<Allowance>().is_err(), "{text}");
        }
    }
}

//! Why a cluster cannot be found, reached or used.

use thiserror::Error;

use super::rights::Right;
use crate::network::WrongProxy;
use crate::trust::Allowance;
use weft_base::diagnostic::{Diagnose, Kind, nearest};
use weft_base::value::Origin;
use weft_stages::state::StateError;

/// What kept us from a cluster, or what it refused.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// There is no kubeconfig at all.
    #[error("there is no kubeconfig: {}", if looked.is_empty() { "neither `KUBECONFIG` nor `HOME` is set".to_owned() } else { format!("looked for {}", looked.join(", ")) })]
    NoKubeconfig {
        /// Where it was looked for.
        looked: Vec<String>,
        /// Where the cluster was named.
        origin: Origin,
    },
    /// A kubeconfig that was named is not there.
    #[error("there is no kubeconfig `{path}`")]
    MissingKubeconfig {
        /// The file.
        path: String,
        /// Where it was named.
        origin: Origin,
    },
    /// A kubeconfig cannot be read.
    #[error("the kubeconfig `{path}` cannot be read")]
    UnreadableKubeconfig {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A kubeconfig is not one.
    #[error("`{path}` is not a kubeconfig: {reason}")]
    BadKubeconfig {
        /// The file.
        path: String,
        /// Why, without any of its text.
        reason: String,
    },
    /// No context was named, and none is current.
    #[error("the kubeconfig `{from}` has no current context")]
    NoContext {
        /// The file.
        from: String,
        /// The contexts that it has.
        known: Vec<String>,
        /// Where the cluster was named.
        origin: Origin,
    },
    /// The named context is not there.
    #[error("the kubeconfig `{from}` has no context `{name}`")]
    UnknownContext {
        /// The context.
        name: String,
        /// The file.
        from: String,
        /// The contexts that it has.
        known: Vec<String>,
        /// Where the context was named.
        origin: Origin,
    },
    /// A context names a cluster that is not there.
    #[error("the context `{context}` of the kubeconfig `{from}` names the cluster `{name}`, which is not in it")]
    DanglingContext {
        /// The context.
        context: String,
        /// The cluster.
        name: String,
        /// The file.
        from: String,
    },
    /// The address of the server is none.
    #[error("`{server}` is not the address of an API server: {reason}")]
    BadAddress {
        /// The address.
        server: String,
        /// Why.
        reason: String,
    },
    /// A proxy cannot be used.
    #[error("the proxy `{proxy}` cannot be used: {reason}")]
    Proxy {
        /// The proxy, without its password.
        proxy: String,
        /// Why.
        reason: String,
    },
    /// A certificate authority is given, and not to be used.
    #[error(
        "the context `{context}` has a certificate authority, and its certificate is not to be checked (`insecure`)"
    )]
    InsecureWithAuthority {
        /// The context.
        context: String,
        /// Where the cluster was named.
        origin: Origin,
    },
    /// A repository may not do this on this machine.
    #[error("{what}")]
    NotAllowed {
        /// What it would do.
        what: String,
        /// What the owner of the machine calls it.
        allowance: Allowance,
        /// Where the cluster was named.
        origin: Origin,
    },
    /// We do not run in a pod.
    #[error("there is no service account of a pod here")]
    NotInCluster {
        /// Why.
        source: Box<kube::config::InClusterError>,
    },
    /// Certificates, keys or tokens that a kubeconfig names cannot be used.
    #[error("the credentials of the kubeconfig `{from}` cannot be used")]
    Credentials {
        /// The file.
        from: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A credential plugin failed.
    #[error("the credential plugin `{command}` failed: {reason}")]
    Plugin {
        /// The program with its arguments.
        command: String,
        /// Its exit status and the end of what it wrote to its standard error.
        reason: String,
    },
    /// A kubeconfig in a Secret is not there.
    #[error("the Secret `{secret}` holds no kubeconfig: {reason}")]
    SecretKubeconfig {
        /// Namespace and name.
        secret: String,
        /// What is missing.
        reason: String,
    },
    /// Nobody answers.
    #[error("no answer from {server}: {reason}")]
    Unreachable {
        /// The server's address.
        server: String,
        /// Why.
        reason: String,
        /// Whether the request may have reached the server.
        sent: bool,
    },
    /// The certificate holds other names.
    #[error("the certificate of {server} is not for `{expected}`; it holds {}", presented.join(", "))]
    WrongName {
        /// The server's address.
        server: String,
        /// The name that was expected.
        expected: String,
        /// The names that the certificate holds.
        presented: Vec<String>,
    },
    /// The certificate was issued by nobody that we trust.
    #[error("the certificate of {server} was issued by an authority that the kubeconfig does not name")]
    UnknownAuthority {
        /// The server's address.
        server: String,
    },
    /// The certificate has ended, or was not yet valid.
    #[error("the certificate of {server} cannot be used: {reason}")]
    ServerCertificate {
        /// The server's address.
        server: String,
        /// Why.
        reason: String,
    },
    /// What answers is not an API server.
    #[error("what answers at {server} is not a Kubernetes API server: {said}")]
    NotKubernetes {
        /// The server's address.
        server: String,
        /// What it said.
        said: String,
    },
    /// The server does not know who we are.
    #[error("{server} does not accept our credentials{}", over.as_ref().map(|it| format!(": the {it}")).unwrap_or_default())]
    Unauthorized {
        /// The server's address.
        server: String,
        /// What has ended, and when.
        over: Option<String>,
    },
    /// We may not do something.
    #[error("not allowed to {right}: {message}")]
    Forbidden {
        /// What is missing.
        right: Box<Right>,
        /// What the server said.
        message: String,
    },
    /// The server refused a request for another reason.
    #[error("the server refused to {what}: {message} ({code})")]
    Refused {
        /// The request, in words.
        what: String,
        /// What the server said.
        message: String,
        /// The HTTP status.
        code: u16,
    },
    /// The server's answer cannot be read.
    #[error("the answer to {what} cannot be read")]
    BadAnswer {
        /// The request, in words.
        what: String,
        /// Why.
        source: Box<serde_json::Error>,
    },
    /// The server is older than aggregated discovery.
    #[error("the API server {server} is too old: it has no aggregated discovery")]
    TooOld {
        /// The server's address.
        server: String,
    },
    /// What is kept in the cluster cannot be read.
    #[error("the inventory of release `{release}` in namespace `{namespace}` cannot be read")]
    State {
        /// The release.
        release: String,
        /// The state namespace.
        namespace: String,
        /// Why.
        source: Box<StateError>,
    },
    /// A part of the history cannot be read.
    #[error("the Secret `{secret}`, which is part of the history of release `{release}`, cannot be read")]
    History {
        /// Namespace and name of its head.
        secret: String,
        /// The release.
        release: String,
        /// Why.
        source: Box<StateError>,
    },
    /// The key of fingerprints is not one.
    #[error("the Secret `{secret}` does not hold a key of 32 bytes")]
    BrokenKey {
        /// Namespace and name.
        secret: String,
    },
    /// Another run holds the lease of the environment.
    #[error("environment `{environment}` is being applied by {holder}, since {since}")]
    Held {
        /// The environment.
        environment: String,
        /// Who.
        holder: String,
        /// Since when.
        since: String,
        /// When the lease ends by itself.
        until: String,
    },
    /// The lease of the environment ended, or was taken, while it was needed.
    #[error("the lease of the environment is not ours any more")]
    LeaseOver {
        /// Whether the request may have reached the server.
        sent: bool,
    },
    /// The run was told to end before the request was sent.
    #[error("{why}")]
    Stopped {
        /// Why.
        why: String,
    },
    /// The connecting itself was interrupted.
    #[error("connecting was interrupted")]
    Interrupted {
        /// Why.
        source: tokio::task::JoinError,
    },
    /// This machine gives no random bytes.
    #[error("no random bytes can be had on this machine")]
    Random {
        /// Why.
        source: getrandom::Error,
    },
}

impl Diagnose for ClusterError {
    fn kind(&self) -> Kind {
        match self {
            // What cannot be read is not known; a write that is not allowed was not done.
            Self::Forbidden { right, .. } if matches!(right.verb.as_str(), "get" | "list") => Kind::Unknown,
            Self::State { source, .. } | Self::History { source, .. } => source.kind(),
            Self::Held { .. } | Self::NotAllowed { .. } => Kind::Refused,
            Self::Random { .. } | Self::Interrupted { .. } => Kind::Machine,
            Self::MissingKubeconfig { .. }
            | Self::BadKubeconfig { .. }
            | Self::UnknownContext { .. }
            | Self::BadAddress { .. }
            | Self::InsecureWithAuthority { .. } => Kind::Input,
            _ => Kind::Cluster,
        }
    }

    fn origin(&self) -> Option<&Origin> {
        match self {
            Self::NoKubeconfig { origin, .. }
            | Self::MissingKubeconfig { origin, .. }
            | Self::NoContext { origin, .. }
            | Self::UnknownContext { origin, .. }
            | Self::NotAllowed { origin, .. }
            | Self::InsecureWithAuthority { origin, .. } => origin.file.is_some().then_some(origin),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        self.finding_hint().or_else(|| self.using_hint())
    }
}

impl From<WrongProxy> for ClusterError {
    fn from(WrongProxy { proxy, reason }: WrongProxy) -> Self {
        Self::Proxy { proxy, reason }
    }
}

impl ClusterError {
    /// Whether the request cannot have had an effect: it was refused, or never left.
    pub fn nothing_done(&self) -> bool {
        !matches!(self, Self::Unreachable { sent: true, .. } | Self::LeaseOver { sent: true } | Self::BadAnswer { .. })
    }

    /// Whether nobody answers, or nobody is asked any more.
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::LeaseOver { .. })
    }

    /// Hints on how a cluster is named.
    fn finding_hint(&self) -> Option<String> {
        let said = match self {
            Self::NoKubeconfig { .. } => {
                "Name a kubeconfig: `cluster: {kubeconfig: ...}` in the environment, or the variable `KUBECONFIG`."
            }
            Self::MissingKubeconfig { .. } => {
                "Paths in an environment are relative to the root of the repository, `--kubeconfig` to the current folder."
            }
            Self::BadKubeconfig { .. } => "Try `kubectl config view --kubeconfig` on it.",
            Self::NotAllowed { allowance, .. } => {
                return Some(format!(
                    "If you trust the repository with that, say `--allow-cluster {allowance}`, or set \
                     `WEFT_ALLOW_CLUSTER={allowance}`."
                ));
            }
            Self::NoContext { known, .. } => return Some(contexts(known)),
            Self::UnknownContext { name, known, .. } => {
                let near = nearest(name, known.iter().map(String::as_str));
                let meant = near.map(|it| format!("Did you mean `{it}`? ")).unwrap_or_default();
                return Some(format!("{meant}{}", contexts(known)));
            }
            Self::DanglingContext { .. } => "Add the cluster to the kubeconfig, or name another context.",
            Self::BadAddress { .. } => "An address looks like `https://host:6443`.",
            Self::Proxy { .. } => "A proxy looks like `http://host:3128` or `socks5://host:1080`.",
            Self::InsecureWithAuthority { .. } => {
                "Drop `insecure`, so that the authority is used, or take the certificate authority out of the kubeconfig."
            }
            Self::NotInCluster { .. } => {
                "`inCluster: true` works in a pod with a service account; elsewhere name a `context`."
            }
            Self::Plugin { .. } => "Run the plugin by hand; it usually wants a login.",
            Self::SecretKubeconfig { .. } => {
                "Cluster API writes it to the key `value` of the Secret `NAME-kubeconfig` when the control plane is up."
            }
            _ => return None,
        };
        Some(said.to_owned())
    }

    /// Hints on reaching and using one.
    fn using_hint(&self) -> Option<String> {
        let said = match self {
            Self::Unreachable { server, .. } if server.contains("//0.0.0.0") => {
                let better = server.replace("//0.0.0.0", "//127.0.0.1");
                return Some(format!(
                    "0.0.0.0 is an address to listen on, not one to connect to. Set `server: {better}`, or the name of the machine."
                ));
            }
            Self::Unreachable { .. } => {
                "Check that the cluster runs and that this machine reaches it (VPN, proxy, firewall)."
            }
            Self::WrongName { presented, .. } => {
                let name = presented.iter().map(|it| bare_name(it)).find(|it| !it.contains('*'))?;
                return Some(format!("Set `tlsServerName: {name}`, or issue a certificate for the address."));
            }
            Self::UnknownAuthority { .. } => {
                "Put the cluster's own CA into `certificate-authority-data` of the kubeconfig; a cluster that was made again has a new one."
            }
            Self::ServerCertificate { .. } => {
                "Renew the certificate of the API server, and check the clock of this machine."
            }
            Self::NotKubernetes { .. } => "Check host, port and scheme of the address.",
            Self::Unauthorized { .. } => "Log in again, or fetch a new kubeconfig.",
            Self::Forbidden { right, .. } => return Some(format!("This gives the right:\n{}", right.role())),
            Self::TooOld { .. } => "Kubernetes 1.26 or later is needed.",
            Self::State { source, .. } => return source.hint(),
            Self::History { .. } => {
                "Go back to another revision. Delete this Secret, and the history goes on without it."
            }
            Self::BrokenKey { .. } => {
                "Delete the Secret: the next apply makes a new key, and asks the server about each object once."
            }
            Self::Held { until, .. } => {
                return Some(format!("Wait for it. If it is gone, its lease ends by itself at {until}."));
            }
            _ => return None,
        };
        Some(said.to_owned())
    }
}

fn contexts(known: &[String]) -> String {
    match known {
        [] => "It has no contexts at all.".to_owned(),
        known => {
            format!("Its contexts are {}.", known.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", "))
        }
    }
}

/// `DnsName("a")` and `IpAddress(..)` as the verifier prints them, without the wrapping.
pub(super) fn bare_name(presented: &str) -> String {
    presented.split_once('(').map_or(presented, |(_, rest)| rest.trim_end_matches(')')).trim_matches('"').to_owned()
}

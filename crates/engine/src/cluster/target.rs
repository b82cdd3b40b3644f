//! Which cluster, and as whom: the settings of an environment and of the process, resolved into a client's.

use std::io::IsTerminal as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Uri;
use kube::config::{Config, ExecInteractiveMode, KubeConfigOptions, Kubeconfig};

use super::kubeconfig;
use super::{ClusterError, credentials};
use crate::network::Proxies;
use crate::trust::{Allowance, ClusterAccess};
use weft_base::masked::Masked;
use weft_base::value::Origin;
use weft_stages::project::ClusterRef;

/// The server of a pod's own cluster is named by this variable.
const IN_CLUSTER: &str = "KUBERNETES_SERVICE_HOST";

/// Everything that is needed to connect to a cluster. It holds no connection and has read no file yet.
#[derive(Debug)]
pub struct Target {
    source: KubeconfigSource,
    context: Option<String>,
    server: Option<String>,
    tls_server_name: Option<String>,
    insecure: bool,
    proxy: Option<String>,
    proxies: Proxies,
    origin: Origin,
    pace: Pace,
    root: PathBuf,
    access: ClusterAccess,
    is_of_user: bool,
}

/// How fast a server is asked, and how long it is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How many requests may be under way at once, at most.
    pub in_flight: usize,
    /// How long a server that does not answer is waited for. A [lease](super::Lease) lasts twice as long.
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { in_flight: 64, patience: Duration::from_secs(30) }
    }
}

/// Where the address and the credentials come from.
#[derive(Debug)]
enum KubeconfigSource {
    /// One kubeconfig that somebody named: it must be there.
    File(PathBuf),
    /// The files of `KUBECONFIG`, or the one in the home folder: those that are there are merged, the first one wins.
    Usual { files: Vec<PathBuf>, in_cluster: bool },
    /// The service account of the pod we run in.
    InCluster,
    /// A kubeconfig that is at hand, with the words for where it came from.
    Text(String, Masked<String>),
}

/// A client's settings, with what is worth saying about them.
pub(super) struct Resolved {
    pub config: Config,
    pub warnings: Vec<String>,
    pub expiry: credentials::Expiry,
    /// Where the credentials come from, in words.
    pub from: String,
}

impl Target {
    /// The target that an environment names. `root` is the folder that its paths are relative to; `access` has the
    /// environment of the process (`KUBECONFIG`, `HOME`, `HTTPS_PROXY`, `NO_PROXY`, `KUBERNETES_SERVICE_HOST`).
    pub fn new(reference: &ClusterRef, root: &Path, access: &ClusterAccess) -> Self {
        let variable = &|name: &str| access.environment().get(name).cloned();
        let source = match &reference.kubeconfig {
            _ if reference.in_cluster => KubeconfigSource::InCluster,
            Some(path) => KubeconfigSource::File(root.join(path)),
            None => {
                KubeconfigSource::Usual { files: usual_files(variable), in_cluster: variable(IN_CLUSTER).is_some() }
            }
        };
        Self {
            source,
            context: reference.context.clone(),
            server: reference.server.clone(),
            tls_server_name: reference.tls_server_name.clone(),
            insecure: reference.insecure,
            proxy: reference.proxy.clone(),
            proxies: Proxies::new(variable),
            origin: reference.origin.clone(),
            pace: Pace::default(),
            root: root.to_owned(),
            access: access.clone(),
            is_of_user: false,
        }
    }

    /// The cluster of a kubeconfig that a sandbox wrote, by its current context or by another one. No variable of the
    /// process counts.
    pub(crate) fn of_sandbox(path: &Path, context: Option<&str>) -> Self {
        let reference = ClusterRef { context: context.map(str::to_owned), ..ClusterRef::default() };
        let target = Self::new(&reference, Path::new(""), &ClusterAccess::to_sandbox());
        Self { source: KubeconfigSource::File(path.to_owned()), ..target.of_user() }
    }

    /// The same target, whose kubeconfig the user named and not a repository.
    #[must_use]
    pub fn of_user(self) -> Self {
        Self { is_of_user: true, ..self }
    }

    /// The same target at another pace.
    #[must_use]
    pub fn paced(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    pub(super) fn pace(&self) -> Pace {
        self.pace
    }

    /// The same target with this kubeconfig in place of a file; `name` says where it came from. It serves an
    /// environment whose kubeconfig is a Secret of another cluster: see [`super::Cluster::kubeconfig_from_secret`].
    #[must_use]
    pub fn with_kubeconfig(self, name: &str, text: Masked<String>) -> Self {
        Self { source: KubeconfigSource::Text(name.to_owned(), text), ..self }
    }

    /// The program that the credentials would come from, if a kubeconfig names one.
    pub fn credential_program(&self) -> Result<Option<String>, ClusterError> {
        let auth = self.resolve()?.config.auth_info;
        let plugin = auth.exec.map(|it| it.command.unwrap_or_default());
        Ok(plugin.or_else(|| auth.auth_provider?.config.get("cmd-path").cloned()))
    }

    /// Reads the files and makes a client's settings of them.
    pub(super) fn resolve(&self) -> Result<Resolved, ClusterError> {
        let (kubeconfig, from) = match &self.source {
            KubeconfigSource::InCluster => return self.in_cluster(),
            KubeconfigSource::File(path) => (kubeconfig::read(path, &self.origin)?, path.display().to_string()),
            KubeconfigSource::Text(name, text) => (kubeconfig::parse(name, text.expose())?, name.clone()),
            KubeconfigSource::Usual { files, in_cluster } => match kubeconfig::merged(files)? {
                Some(found) => found,
                None if *in_cluster && self.context.is_none() => return self.in_cluster(),
                None => return self.bare_server(files),
            },
        };
        self.by_kubeconfig(kubeconfig, &from)
    }

    fn by_kubeconfig(&self, mut kubeconfig: Kubeconfig, from: &str) -> Result<Resolved, ClusterError> {
        let context = kubeconfig::context(&kubeconfig, self.context.as_deref(), from, &self.origin)?;
        let expiry = credentials::Expiry::of(&kubeconfig, &context);
        self.check_content(&kubeconfig, &context, from)?;
        let cluster = kubeconfig::cluster_mut(&mut kubeconfig, &context, from)?;
        self.check_combination(cluster.server.as_deref())?;
        if let Some(server) = &self.server {
            cluster.server = Some(server.clone());
        }
        if let Some(name) = &self.tls_server_name {
            cluster.tls_server_name = Some(name.clone());
        }
        if self.insecure {
            cluster.insecure_skip_tls_verify = Some(true);
        }
        let authority = cluster.certificate_authority.is_some() || cluster.certificate_authority_data.is_some();
        if cluster.insecure_skip_tls_verify == Some(true) && authority {
            return Err(ClusterError::InsecureWithAuthority { context, origin: self.origin.clone() });
        }
        let proxy = self.proxy.clone().or_else(|| cluster.proxy_url.clone());
        let server = cluster.server.clone().unwrap_or_default();
        address(&server)?;
        let options = KubeConfigOptions { context: Some(context), ..KubeConfigOptions::default() };
        // The loader does nothing that waits: it is asynchronous for the sake of its signature.
        let config = futures::executor::block_on(Config::from_custom_kubeconfig(kubeconfig, &options))
            .map_err(|source| ClusterError::Credentials { from: from.to_owned(), source: Box::new(source) })?;
        self.finish(config, proxy, expiry, from)
    }

    fn in_cluster(&self) -> Result<Resolved, ClusterError> {
        let mut config =
            Config::incluster().map_err(|source| ClusterError::NotInCluster { source: Box::new(source) })?;
        self.check_combination(Some(&config.cluster_url.to_string()))?;
        if let Some(server) = &self.server {
            config.cluster_url = address(server)?;
        }
        config.tls_server_name = self.tls_server_name.clone().or(config.tls_server_name);
        self.finish(config, self.proxy.clone(), credentials::Expiry::default(), "(service account)")
    }

    /// Only an address, and nobody's credentials: whoever serves there may answer anonymous requests.
    fn bare_server(&self, looked: &[PathBuf]) -> Result<Resolved, ClusterError> {
        let Some(server) = &self.server else {
            let looked = looked.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>();
            return Err(ClusterError::NoKubeconfig { looked, origin: self.origin.clone() });
        };
        let mut config = Config::new(address(server)?);
        config.tls_server_name.clone_from(&self.tls_server_name);
        config.accept_invalid_certs = self.insecure;
        self.finish(config, self.proxy.clone(), credentials::Expiry::default(), "(none)")
    }

    fn finish(
        &self,
        mut config: Config,
        proxy: Option<String>,
        expiry: credentials::Expiry,
        from: &str,
    ) -> Result<Resolved, ClusterError> {
        if let Some(plugin) = &mut config.auth_info.exec
            && plugin.interactive_mode != Some(ExecInteractiveMode::Always)
            && !std::io::stdin().is_terminal()
        {
            // Nobody can answer it, and what it says is needed for the error.
            plugin.interactive_mode = Some(ExecInteractiveMode::Never);
        }
        self.check_transport(&config)?;
        config.proxy_url = self.proxies.of(&config.cluster_url, proxy)?;
        let mut warnings = Vec::new();
        if config.accept_invalid_certs {
            warnings.push(format!(
                "The certificate of {} is not checked (`insecure`): anybody on the way can read and change what is sent.",
                config.cluster_url
            ));
        }
        Ok(Resolved { config, warnings, expiry, from: from.to_owned() })
    }
}

/// What a repository may make us do with the credentials of this machine.
impl Target {
    /// Refuses a kubeconfig of the repository or of a Secret that reaches into this machine.
    fn check_content(&self, kubeconfig: &Kubeconfig, context: &str, from: &str) -> Result<(), ClusterError> {
        let is_of_others = match &self.source {
            KubeconfigSource::File(path) => {
                let is_of_project =
                    path.canonicalize().is_ok_and(|it| self.root.canonicalize().is_ok_and(|root| it.starts_with(root)));
                if !self.is_of_user && !is_of_project {
                    self.allow(Allowance::Files, format!("the kubeconfig `{from}` is outside of the project"))?;
                }
                !self.is_of_user
            }
            KubeconfigSource::Text(..) => true,
            KubeconfigSource::Usual { .. } | KubeconfigSource::InCluster => false,
        };
        if !is_of_others {
            return Ok(());
        }
        kubeconfig::reach(kubeconfig, context)
            .into_iter()
            .try_for_each(|(allowance, does)| self.allow(allowance, format!("the kubeconfig `{from}` {does}")))
    }

    /// Refuses to send credentials that are not the repository's where the repository says.
    fn check_combination(&self, own: Option<&str>) -> Result<(), ClusterError> {
        if matches!(self.source, KubeconfigSource::File(_)) {
            return Ok(());
        }
        let plain = |address: &str| address.trim_end_matches('/').to_owned();
        if let Some(server) = self.server.as_deref().filter(|it| own.map(plain) != Some(plain(it))) {
            let what = format!("`server` of the repository would get credentials from elsewhere: {server}");
            self.allow(Allowance::Server(plain(server)), what)?;
        }
        if let Some(proxy) = &self.proxy {
            let what = format!("`proxy` of the repository would get credentials from elsewhere: {proxy}");
            self.allow(Allowance::Proxy(plain(proxy)), what)?;
        }
        if self.tls_server_name.is_some() {
            let what = "`tlsServerName` of the repository decides who gets credentials from elsewhere";
            self.allow(Allowance::TlsServerName, what.to_owned())?;
        }
        if self.insecure {
            let what = "`insecure` of the repository would show credentials from elsewhere to anybody on the way";
            self.allow(Allowance::Insecure, what.to_owned())?;
        }
        Ok(())
    }

    /// Refuses to send credentials in the clear, but for a server on this machine.
    fn check_transport(&self, config: &Config) -> Result<(), ClusterError> {
        let host = config.cluster_url.host().unwrap_or_default().trim_matches(['[', ']']);
        let is_loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback());
        let is_plain = config.cluster_url.scheme_str() == Some("http");
        if !is_plain || is_loopback || !kubeconfig::has_credentials(&config.auth_info) {
            return Ok(());
        }
        self.allow(Allowance::PlainHttp, format!("{} would get credentials over plain HTTP", config.cluster_url))
    }

    fn allow(&self, allowance: Allowance, what: String) -> Result<(), ClusterError> {
        if self.access.allows(&allowance) {
            return Ok(());
        }
        Err(ClusterError::NotAllowed { what, allowance, origin: self.origin.clone() })
    }
}

/// The files that `KUBECONFIG` lists; `~/.kube/config` where it lists none.
fn usual_files(variable: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let listed = variable("KUBECONFIG").unwrap_or_default();
    let files: Vec<PathBuf> = std::env::split_paths(&listed).filter(|path| !path.as_os_str().is_empty()).collect();
    let home = variable("HOME").map(|home| Path::new(&home).join(".kube/config"));
    if files.is_empty() { home.into_iter().collect() } else { files }
}

/// The address of a server: a URL with a host.
fn address(server: &str) -> Result<Uri, ClusterError> {
    let bad = |reason: String| ClusterError::BadAddress { server: server.to_owned(), reason };
    let uri: Uri = server.parse().map_err(|error: http::uri::InvalidUri| bad(error.to_string()))?;
    match uri.scheme_str() {
        Some("https" | "http") if uri.host().is_some_and(|host| !host.is_empty()) => Ok(uri),
        Some("https" | "http") => Err(bad("it names no host".to_owned())),
        _ => Err(bad("it does not begin with `https://`".to_owned())),
    }
}

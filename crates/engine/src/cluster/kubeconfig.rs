//! Kubeconfig files: reading, merging, and finding what a context names.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, Cluster, Kubeconfig, KubeconfigError};

use super::ClusterError;
use crate::trust::Allowance;
use weft_base::value::Origin;

/// One file, whose relative paths are made absolute.
pub(super) fn read(path: &Path, origin: &Origin) -> Result<Kubeconfig, ClusterError> {
    let name = || path.display().to_string();
    Kubeconfig::read_from(path).map_err(|error| match error {
        KubeconfigError::ReadConfig(source, _) if source.kind() == ErrorKind::NotFound => {
            ClusterError::MissingKubeconfig { path: name(), origin: origin.clone() }
        }
        KubeconfigError::ReadConfig(source, _) => ClusterError::UnreadableKubeconfig { path: name(), source },
        other => bad(&name(), &other),
    })
}

/// A kubeconfig that is at hand.
pub(super) fn parse(name: &str, text: &str) -> Result<Kubeconfig, ClusterError> {
    Kubeconfig::from_yaml(text).map_err(|error| bad(name, &error))
}

/// Those of the files that are there, merged as kubectl merges them: the first to name something wins. `None` where
/// none of them is there. With the words for where it came from.
pub(super) fn merged(files: &[PathBuf]) -> Result<Option<(Kubeconfig, String)>, ClusterError> {
    let there: Vec<&PathBuf> = files.iter().filter(|path| path.exists()).collect();
    let from = there.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join("`, `");
    let read = there.into_iter().map(|path| read(path, &Origin::default()));
    let all = read.reduce(|first, next| first?.merge(next?).map_err(|error| bad(&from, &error))).transpose()?;
    Ok(all.map(|kubeconfig| (kubeconfig, from.clone())))
}

/// The name of the context to use: the wanted one, else the current one. It is there.
pub(super) fn context(
    kubeconfig: &Kubeconfig,
    wanted: Option<&str>,
    from: &str,
    origin: &Origin,
) -> Result<String, ClusterError> {
    let known = || kubeconfig.contexts.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    let current = kubeconfig.current_context.as_deref().filter(|name| !name.is_empty());
    let Some(name) = wanted.or(current) else {
        return Err(ClusterError::NoContext { from: from.to_owned(), known: known(), origin: origin.clone() });
    };
    if kubeconfig.contexts.iter().any(|it| it.name == name) {
        return Ok(name.to_owned());
    }
    let origin = if wanted.is_some() { origin.clone() } else { Origin::default() };
    Err(ClusterError::UnknownContext { name: name.to_owned(), from: from.to_owned(), known: known(), origin })
}

/// The cluster that a context names, to be changed.
pub(super) fn cluster_mut<'k>(
    kubeconfig: &'k mut Kubeconfig,
    context: &str,
    from: &str,
) -> Result<&'k mut Cluster, ClusterError> {
    let named = kubeconfig.contexts.iter().find(|it| it.name == context).and_then(|it| it.context.as_ref());
    let name = named.map(|it| it.cluster.clone()).unwrap_or_default();
    let found = kubeconfig.clusters.iter_mut().find(|it| it.name == name).and_then(|it| it.cluster.as_mut());
    let dangling = || ClusterError::DanglingContext { context: context.to_owned(), name, from: from.to_owned() };
    found.ok_or_else(dangling)
}

/// What a context makes us do beyond its own text.
pub(super) fn reach(kubeconfig: &Kubeconfig, context: &str) -> Vec<(Allowance, &'static str)> {
    let named = kubeconfig.contexts.iter().find(|it| it.name == context).and_then(|it| it.context.as_ref());
    let user = named.and_then(|it| it.user.as_ref());
    let user = kubeconfig.auth_infos.iter().find(|it| Some(&it.name) == user).and_then(|it| it.auth_info.as_ref());
    let cluster = named.map(|it| &it.cluster);
    let cluster = kubeconfig.clusters.iter().find(|it| Some(&it.name) == cluster).and_then(|it| it.cluster.as_ref());
    let user_is = |does: fn(&AuthInfo) -> bool| user.is_some_and(does);
    let cluster_is = |does: fn(&Cluster) -> bool| cluster.is_some_and(does);
    [
        (user_is(|it| it.exec.is_some()), Allowance::Exec, "runs a program (`exec`)"),
        (user_is(|it| it.auth_provider.is_some()), Allowance::AuthProvider, "uses an `auth-provider`"),
        (user_is(|it| it.token_file.is_some()), Allowance::Files, "names a file of this machine (`tokenFile`)"),
        (
            user_is(|it| it.client_certificate.is_some()),
            Allowance::Files,
            "names a file of this machine (`client-certificate`)",
        ),
        (user_is(|it| it.client_key.is_some()), Allowance::Files, "names a file of this machine (`client-key`)"),
        (
            cluster_is(|it| it.certificate_authority.is_some()),
            Allowance::Files,
            "names a file of this machine (`certificate-authority`)",
        ),
        (
            cluster_is(|it| it.insecure_skip_tls_verify == Some(true)),
            Allowance::Insecure,
            "has the certificate of its server not checked (`insecure-skip-tls-verify`)",
        ),
    ]
    .into_iter()
    .filter_map(|(is, allowance, does)| is.then_some((allowance, does)))
    .collect()
}

/// Whether there is anything that proves who we are.
pub(super) fn has_credentials(user: &AuthInfo) -> bool {
    user.username.is_some()
        || user.password.is_some()
        || user.token.is_some()
        || user.token_file.is_some()
        || user.client_certificate.is_some()
        || user.client_certificate_data.is_some()
        || user.client_key.is_some()
        || user.client_key_data.is_some()
        || user.auth_provider.is_some()
        || user.exec.is_some()
}

/// What is wrong with a kubeconfig's text. The parser's own words may quote a token, so only the place is said.
fn bad(path: &str, error: &KubeconfigError) -> ClusterError {
    let reason = match error {
        KubeconfigError::Parse(parse) => parse.location().map_or_else(
            || "it is not YAML of that form".to_owned(),
            |at| format!("line {}, column {} does not fit its form", at.line(), at.column()),
        ),
        other => other.to_string(),
    };
    ClusterError::BadKubeconfig { path: path.to_owned(), reason }
}

//! What a failed connection means: the causes are deep in the errors of the layers below.

use std::error::Error;
use std::io;

use kube::client::AuthError;
use rustls::{AlertDescription, CertificateError, Error as TlsError};

use super::ClusterError;
use super::error::bare_name;

/// How deep a chain of causes is followed.
const DEEPEST: usize = 16;

/// A server and where its credentials come from, in words.
#[derive(Clone, Debug)]
pub(super) struct ApiServer {
    /// Its address.
    pub address: String,
    /// The kubeconfig.
    pub credentials: String,
    /// The credential plugin, if there is one.
    pub plugin: String,
}

/// What kept a client from being made.
pub(super) fn client(from: &ApiServer, error: kube::Error) -> ClusterError {
    match error {
        kube::Error::Auth(error) => plugin(from, error),
        kube::Error::ProxyProtocolUnsupported { proxy_url } => {
            ClusterError::Proxy { proxy: proxy_url.to_string(), reason: "its protocol is not known".to_owned() }
        }
        other => ClusterError::Credentials { from: from.credentials.clone(), source: Box::new(other) },
    }
}

/// What kept a request from its answer.
pub(super) fn request(from: &ApiServer, error: kube::Error) -> ClusterError {
    let error = match error {
        kube::Error::Auth(error) => return plugin(from, error),
        kube::Error::Service(source) => match source.downcast::<AuthError>() {
            Ok(error) => return plugin(from, *error),
            Err(source) => kube::Error::Service(source),
        },
        other => other,
    };
    if let Some(tls) = causes(&error).find_map(tls_error)
        && let Some(found) = certificate(&from.address, tls)
    {
        return found;
    }
    let sent = !causes(&error).any(|it| it.to_string().starts_with("client error (Connect)"));
    let last = causes(&error).last().map(ToString::to_string).unwrap_or_default();
    ClusterError::Unreachable { server: from.address.clone(), reason: last, sent }
}

/// An error and its causes, those too that input and output errors wrap.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |it| cause(*it)).take(DEEPEST)
}

fn cause<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    wrapped.map(|it| it as &(dyn Error + 'static)).or_else(|| error.source())
}

fn tls_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e TlsError> {
    error.downcast_ref::<TlsError>()
}

fn certificate(server: &str, error: &TlsError) -> Option<ClusterError> {
    let server = server.to_owned();
    Some(match error {
        TlsError::InvalidCertificate(CertificateError::NotValidForNameContext { expected, presented }) => {
            let mut presented: Vec<String> = presented.iter().map(|it| bare_name(it)).collect();
            presented.sort();
            ClusterError::WrongName { server, expected: expected.to_str().into_owned(), presented }
        }
        TlsError::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            ClusterError::UnknownAuthority { server }
        }
        TlsError::InvalidCertificate(other) => ClusterError::ServerCertificate { server, reason: other.to_string() },
        TlsError::AlertReceived(
            alert @ (AlertDescription::CertificateExpired
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateRequired
            | AlertDescription::UnknownCA),
        ) => ClusterError::Unauthorized { server, over: Some(format!("client certificate was refused ({alert:?})")) },
        TlsError::InvalidMessage(_) => ClusterError::NotKubernetes { server, said: "it does not speak TLS".to_owned() },
        _ => return None,
    })
}

fn plugin(from: &ApiServer, error: AuthError) -> ClusterError {
    let failed = |reason: String| ClusterError::Plugin { command: from.plugin.clone(), reason };
    match error {
        AuthError::AuthExecRun { out, .. } => {
            let said = String::from_utf8_lossy(&out.stderr);
            let lines: Vec<&str> = said.lines().map(str::trim_end).filter(|it| !it.is_empty()).collect();
            let end = lines[lines.len().saturating_sub(5)..].join("\n");
            failed(if end.is_empty() { out.status.to_string() } else { format!("{}\n{end}", out.status) })
        }
        AuthError::AuthExecStart(source) => failed(format!("it cannot be started: {source}")),
        // The parser's own words may quote the token that the plugin printed.
        AuthError::AuthExecParse(_) | AuthError::ExecPluginFailed => {
            failed("what it printed is not an ExecCredential".to_owned())
        }
        other => ClusterError::Credentials { from: from.credentials.clone(), source: Box::new(other) },
    }
}

//! Keys, certificates, tokens and the kubeconfig of a sandbox, as files that only their owner can read.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use serde_json::{Value, json};

use crate::sandbox::{SandboxError, User};

/// The name of the cluster, the administrator and the context.
const NAME: &str = "weft-sandbox";

/// What the server's certificate is good for.
const SERVED: [&str; 7] = [
    "127.0.0.1",
    "10.96.0.1",
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
];

/// Writes all of them for a server at this address.
pub(super) fn write(folder: &Path, server: &str, users: &[User]) -> Result<(), SandboxError> {
    let authority = authority()?;
    let (certificate, key) = serving(&authority)?;
    let accounts = KeyPair::generate()?;
    let kubeconfig = kubeconfig(&authority, server, users)?.to_string();
    for (name, text) in [
        ("ca.crt", authority.pem()),
        ("server.crt", certificate),
        ("server.key", key),
        ("accounts.key", accounts.serialize_pem()),
        ("accounts.pub", accounts.public_key_pem()),
        ("tokens.csv", tokens(users)),
        ("kubeconfig", kubeconfig),
    ] {
        private(&folder.join(name), &text)?;
    }
    Ok(())
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>, SandboxError> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, NAME);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn serving(authority: &CertifiedIssuer<'_, KeyPair>) -> Result<(String, String), SandboxError> {
    let mut params = CertificateParams::new(SERVED.map(str::to_owned))?;
    params.distinguished_name.push(DnType::CommonName, "kube-apiserver");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    signed(authority, params)
}

/// The administrator: a member of `system:masters`, whom RBAC lets do everything.
fn administrator(authority: &CertifiedIssuer<'_, KeyPair>) -> Result<(String, String), SandboxError> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, NAME);
    params.distinguished_name.push(DnType::OrganizationName, "system:masters");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    signed(authority, params)
}

fn signed(
    authority: &CertifiedIssuer<'_, KeyPair>,
    mut params: CertificateParams,
) -> Result<(String, String), SandboxError> {
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let key = KeyPair::generate()?;
    Ok((params.signed_by(&key, authority)?.pem(), key.serialize_pem()))
}

/// The lines of `--token-auth-file`: token, user, uid and the quoted groups.
fn tokens(users: &[User]) -> String {
    let line = |u: &User| format!("{},{1},{1},\"{2}\"", u.token, u.name, u.groups.join(","));
    users.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn kubeconfig(authority: &CertifiedIssuer<'_, KeyPair>, server: &str, users: &[User]) -> Result<Value, SandboxError> {
    let (certificate, key) = administrator(authority)?;
    let administrator = json!({
        "client-certificate-data": BASE64_STANDARD.encode(certificate),
        "client-key-data": BASE64_STANDARD.encode(key),
    });
    let mut credentials = vec![json!({"name": NAME, "user": administrator})];
    credentials.extend(users.iter().map(|u| json!({"name": u.name, "user": {"token": u.token}})));
    let names = std::iter::once(NAME).chain(users.iter().map(|u| u.name.as_str()));
    let contexts: Vec<Value> =
        names.map(|name| json!({"name": name, "context": {"cluster": NAME, "user": name}})).collect();
    let cluster = json!({"server": server, "certificate-authority-data": BASE64_STANDARD.encode(authority.pem())});
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NAME, "cluster": cluster}],
        "users": credentials,
        "contexts": contexts,
        "current-context": NAME,
    }))
}

fn private(path: &Path, text: &str) -> Result<(), SandboxError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(SandboxError::file(path))
}

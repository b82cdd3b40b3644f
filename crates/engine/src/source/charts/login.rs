//! Who we are to repositories and registries: the files of Helm, docker and git.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::FetchError;
use crate::network::Trust;
use weft_base::masked::Masked;
use weft_base::value::Value;
use weft_base::yaml::{self, Rules};

/// The name under which docker keeps the login of its own registry.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// Where logins are kept on this machine.
#[derive(Clone, Debug, Default)]
pub(super) struct Logins {
    /// Helm's `repositories.yaml`.
    repositories: Option<PathBuf>,
    /// Helm's registry configuration, then docker's.
    registries: Vec<PathBuf>,
    /// The files of git's credential store.
    git: Vec<PathBuf>,
}

/// A name with a password, or a token that stands for both.
#[derive(Debug)]
pub(super) enum Login {
    /// A name with a password.
    Basic(String, Masked<String>),
    /// A token that is exchanged for others.
    Identity(Masked<String>),
    /// A token that is shown as it is.
    Bearer(Masked<String>),
}

/// How a repository is asked.
#[derive(Debug, Default)]
pub(super) struct Access {
    pub login: Option<Login>,
    pub trust: Trust,
    /// Whether the login goes to other hosts that the index names.
    pub everywhere: bool,
}

impl Login {
    /// The header that shows it; a token that has to be exchanged has none.
    pub fn header(&self) -> Option<Masked<String>> {
        match self {
            Self::Basic(name, password) => {
                let both = STANDARD.encode(format!("{name}:{}", password.expose()));
                Some(Masked::new(format!("Basic {both}")))
            }
            Self::Bearer(token) => Some(Masked::new(format!("Bearer {}", token.expose()))),
            Self::Identity(_) => None,
        }
    }
}

impl Logins {
    /// The files that the environment of the process names: `HELM_REPOSITORY_CONFIG`, `HELM_REGISTRY_CONFIG`,
    /// `HELM_CONFIG_HOME`, `DOCKER_CONFIG`, else those in `XDG_CONFIG_HOME` and `HOME`.
    pub fn of(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|it| !it.is_empty()).map(PathBuf::from);
        let home = set("HOME");
        let config = set("XDG_CONFIG_HOME").or_else(|| home.as_ref().map(|it| it.join(".config")));
        let helm = set("HELM_CONFIG_HOME").or_else(|| config.as_ref().map(|it| it.join("helm")));
        let within = |folder: &Option<PathBuf>, file: &str| folder.as_ref().map(|it| it.join(file));
        let docker = set("DOCKER_CONFIG").or_else(|| within(&home, ".docker"));
        let registry = set("HELM_REGISTRY_CONFIG").or_else(|| within(&helm, "registry/config.json"));
        Self {
            repositories: set("HELM_REPOSITORY_CONFIG").or_else(|| within(&helm, "repositories.yaml")),
            registries: registry.into_iter().chain(within(&docker, "config.json")).collect(),
            git: within(&home, ".git-credentials").into_iter().chain(within(&config, "git/credentials")).collect(),
        }
    }

    /// How a chart repository is asked, by its address.
    pub fn repository(&self, repo: &str) -> Result<Access, FetchError> {
        Ok(self
            .entry(|entry| entry.get("url").and_then(Value::as_str).is_some_and(|url| same(url, repo)))?
            .unwrap_or_default())
    }

    /// The address of a repository that Helm knows under a name.
    pub fn named(&self, name: &str) -> Result<Option<String>, FetchError> {
        let Some((_, file)) = self.known()? else { return Ok(None) };
        let all = file.get("repositories").and_then(Value::as_list).unwrap_or_default();
        let found = all.iter().find(|it| it.get("name").and_then(Value::as_str) == Some(name));
        Ok(found.and_then(|it| it.get("url")?.as_str()).map(|url| url.trim_end_matches('/').to_owned()))
    }

    fn known(&self) -> Result<Option<(&Path, Value)>, FetchError> {
        let Some(path) = &self.repositories else { return Ok(None) };
        let Some(text) = read(path)? else { return Ok(None) };
        let file = yaml::document(&text, &Arc::new(path.display().to_string()), Rules::Kubernetes);
        Ok(Some((path, file.map_err(|error| unusable(path, error.to_string()))?)))
    }

    fn entry(&self, is_meant: impl Fn(&Value) -> bool) -> Result<Option<Access>, FetchError> {
        let Some((path, file)) = self.known()? else { return Ok(None) };
        let all = file.get("repositories").and_then(Value::as_list).unwrap_or_default();
        all.iter().find(|it| is_meant(it)).map(|it| access(path, it)).transpose()
    }

    /// The login for a registry.
    pub fn registry(&self, host: &str) -> Result<Option<Login>, FetchError> {
        for path in &self.registries {
            let Some(text) = read(path)? else { continue };
            let file: DockerFile = serde_json::from_str(&text).map_err(|error| {
                unusable(path, format!("line {}, column {} is no JSON of docker's", error.line(), error.column()))
            })?;
            if let Some(login) = file.login(path, host)? {
                return Ok(Some(login));
            }
        }
        Ok(None)
    }

    /// The login for a git host over HTTP, from the store of git's own helper.
    pub fn git(&self, address: &str) -> Result<Option<Login>, FetchError> {
        let (scheme, rest) = address.split_once("://").unwrap_or(("https", address));
        let host = rest.split('/').next().unwrap_or_default();
        for path in &self.git {
            let Some(text) = read(path)? else { continue };
            let found = text.lines().find_map(|line| {
                let (name, rest) = line.strip_prefix(scheme)?.strip_prefix("://")?.split_once(':')?;
                let (password, at) = rest.rsplit_once('@')?;
                (at.trim_end_matches('/') == host).then(|| (decoded(name), Masked::new(decoded(password))))
            });
            if let Some((name, password)) = found {
                return Ok(Some(Login::Basic(name, password)));
            }
        }
        Ok(None)
    }
}

/// What an entry of `repositories.yaml` says.
fn access(path: &Path, entry: &Value) -> Result<Access, FetchError> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).filter(|it| !it.is_empty());
    let flag = |key: &str| entry.get(key).is_some_and(|it| it.data == weft_base::value::Data::Bool(true));
    let file = |key: &str| {
        let found =
            text(key).map(|name| fs::read_to_string(name).map_err(|error| unusable(path, format!("`{key}`: {error}"))));
        found.transpose()
    };
    let login = text("username")
        .map(|name| Login::Basic(name.to_owned(), Masked::new(text("password").unwrap_or_default().to_owned())));
    Ok(Access {
        login,
        trust: Trust {
            authorities: file("caFile")?,
            identity: file("certFile")?.zip(file("keyFile")?),
            insecure: flag("insecure_skip_tls_verify"),
        },
        everywhere: flag("pass_credentials_all"),
    })
}

/// docker's `config.json`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DockerFile {
    #[serde(default)]
    auths: BTreeMap<String, DockerLogin>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
struct DockerLogin {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

impl DockerFile {
    fn login(&self, path: &Path, host: &str) -> Result<Option<Login>, FetchError> {
        if let Some(helper) = self.cred_helpers.get(host) {
            return helped(helper, host);
        }
        let key = if matches!(host, "docker.io" | "registry-1.docker.io") { DOCKER_HUB } else { host };
        let is_meant = |name: &str| name == key || bare(name) == host;
        let found =
            self.auths.iter().find(|(name, _)| is_meant(name)).map(|(_, login)| login.read(path)).transpose()?;
        match (found.flatten(), &self.creds_store) {
            (Some(login), _) => Ok(Some(login)),
            (None, Some(store)) => helped(store, key),
            (None, None) => Ok(None),
        }
    }
}

impl DockerLogin {
    fn read(&self, path: &Path) -> Result<Option<Login>, FetchError> {
        let given = |it: &Option<String>| it.clone().filter(|it| !it.is_empty()).map(Masked::new);
        if let Some(token) = given(&self.identitytoken) {
            return Ok(Some(Login::Identity(token)));
        }
        if let Some(token) = given(&self.registrytoken) {
            return Ok(Some(Login::Bearer(token)));
        }
        if let Some(both) = given(&self.auth) {
            let both = STANDARD.decode(both.expose()).ok().and_then(|it| String::from_utf8(it).ok());
            let both = both.as_deref().and_then(|it| it.split_once(':'));
            let (name, password) =
                both.ok_or_else(|| unusable(path, "an `auth` is no Base64 of NAME:PASSWORD".into()))?;
            return Ok(Some(Login::Basic(name.to_owned(), Masked::new(password.to_owned()))));
        }
        Ok(self.username.clone().zip(given(&self.password)).map(|(name, password)| Login::Basic(name, password)))
    }
}

/// The login that a credential helper of docker's keeps. The user named the program in a file of their own.
fn helped(helper: &str, host: &str) -> Result<Option<Login>, FetchError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct HelperLogin {
        username: String,
        secret: String,
    }
    let program = format!("docker-credential-{helper}");
    let failed = |reason: String| FetchError::Helper { program: program.clone(), host: host.to_owned(), reason };
    if helper.contains(['/', '\\']) {
        return Err(failed("its name is a path".into()));
    }
    let mut command = Command::new(&program);
    command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let ended = command.spawn().and_then(|mut child| {
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(host.as_bytes())?;
        }
        child.wait_with_output()
    });
    let ended = ended.map_err(|error| failed(error.to_string()))?;
    if !ended.status.success() {
        // The protocol's own words for a login that is not there.
        let said = String::from_utf8_lossy(&ended.stdout);
        let unknown = said.contains("credentials not found");
        return if unknown { Ok(None) } else { Err(failed(format!("it ended with {}", ended.status))) };
    }
    let given: HelperLogin = serde_json::from_slice(&ended.stdout).map_err(|_| failed("it prints no login".into()))?;
    Ok(Some(match given.username.as_str() {
        "<token>" => Login::Identity(Masked::new(given.secret)),
        _ => Login::Basic(given.username, Masked::new(given.secret)),
    }))
}

/// A file that need not be there.
fn read(path: &Path) -> Result<Option<String>, FetchError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(path, error.to_string())),
    }
}

fn unusable(path: &Path, reason: String) -> FetchError {
    FetchError::Login { path: path.to_path_buf(), reason }
}

fn same(url: &str, repo: &str) -> bool {
    url.trim_end_matches('/') == repo.trim_end_matches('/')
}

/// The host of an entry that may be written as an address.
fn bare(name: &str) -> &str {
    let rest = name.split_once("://").map_or(name, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

/// A part of an address without its `%` escapes.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = (byte == b'%').then(|| rest.clone().take(2).map(char::from).collect::<String>());
        match hex.and_then(|it| u8::from_str_radix(&it, 16).ok()) {
            Some(value) => {
                bytes.push(value);
                rest.nth(1);
            }
            None => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logins(files: &[(&str, &str)]) -> (tempfile::TempDir, Logins) {
        let home = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = home.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let of = |name: &str| (name == "HOME").then(|| home.path().display().to_string());
        let logins = Logins::of(&of);
        (home, logins)
    }

    fn header(login: Option<Login>) -> Option<String> {
        login.and_then(|it| it.header()).map(|it| it.expose().clone())
    }

    #[test]
    fn registries_are_found_in_helms_file_then_dockers() {
        let both = STANDARD.encode("me:a:b");
        let (_home, logins) = logins(&[
            (
                ".config/helm/registry/config.json",
                &format!(r#"{{"auths":{{"r.example.com:5000":{{"auth":"{both}"}}}}}}"#),
            ),
            (
                ".docker/config.json",
                r#"{"auths":{"https://index.docker.io/v1/":{"registrytoken":"t"},"q.example.com":{"username":"u","password":"p"}}}"#,
            ),
        ]);
        let of = |host: &str| header(logins.registry(host).unwrap());
        assert_eq!(of("r.example.com:5000"), Some(format!("Basic {both}")));
        assert_eq!(of("registry-1.docker.io"), Some("Bearer t".into()));
        assert_eq!(of("q.example.com"), Some(format!("Basic {}", STANDARD.encode("u:p"))));
        assert_eq!(of("other.example.com"), None);
    }

    #[test]
    fn repositories_are_found_by_address_and_name() {
        let (_home, logins) = logins(&[(
            ".config/helm/repositories.yaml",
            "repositories:\n- {name: a, url: https://a.example.com/x/, username: me, password: hunter2, pass_credentials_all: true}\n",
        )]);
        let access = logins.repository("https://a.example.com/x").unwrap();
        assert!(access.everywhere && !access.trust.insecure);
        assert!(!format!("{access:?}").contains("hunter2"));
        assert_eq!(header(access.login), Some(format!("Basic {}", STANDARD.encode("me:hunter2"))));
        assert_eq!(logins.named("a").unwrap().as_deref(), Some("https://a.example.com/x"));
        assert!(logins.repository("https://b.example.com").unwrap().login.is_none());
    }

    #[test]
    fn git_hosts_are_found_in_gits_store() {
        let (_home, logins) = logins(&[(".git-credentials", "https://me:p%40ss@g.example.com\n")]);
        let found = header(logins.git("https://g.example.com/a/b.git").unwrap());
        assert_eq!(found, Some(format!("Basic {}", STANDARD.encode("me:p@ss"))));
        assert!(logins.git("https://h.example.com/a").unwrap().is_none());
    }

    #[test]
    fn a_broken_file_is_named_without_its_contents() {
        let (_home, logins) = logins(&[(".docker/config.json", r#"{"auths":{"r":{"auth":"hunter2"#)]);
        let error = logins.registry("r").unwrap_err().to_string();
        assert!(error.contains("config.json` cannot be used for logging in: line 1") && !error.contains("hunter2"));
    }
}

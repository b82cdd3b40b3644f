//! One request, with what it takes to get an answer.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Limited};
use serde_json::Value as Json;

use super::error::root;
use super::stack::{Body, Client, Config};
use super::{NetworkError, Proxies, stack};
use crate::trust::NetworkAccess;
use weft_base::masked::Masked;

/// How long a server may take to let us in.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a server may say nothing.
const SILENCE: Duration = Duration::from_secs(30);
/// How often an address may lead to another.
const REDIRECTS: usize = 5;
/// How often a request that changes nothing is sent, where nobody answers or the server has trouble.
const TRIES: u32 = 3;
/// Before it is sent again; twice as long each time.
const PAUSE: Duration = Duration::from_millis(250);
/// How much of what a server says about a refusal is shown, in characters.
const SAYING: usize = 200;

/// Sends requests, each over the connections that are there already.
pub struct Network {
    proxies: Proxies,
    clients: Mutex<BTreeMap<(String, Trust), Client>>,
}

/// Whom a connection trusts, and as whom it shows itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trust {
    /// The authorities, as PEM; those of the system where it is missing.
    pub authorities: Option<String>,
    /// A certificate and its key, as PEM.
    pub identity: Option<(String, String)>,
    /// Whether the server's certificate is not checked.
    pub insecure: bool,
}

/// What a server answers.
#[derive(Debug)]
pub struct Answer {
    /// The address that answered, after redirects.
    pub address: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub bytes: Vec<u8>,
}

impl Network {
    /// The network behind the proxies that the environment names.
    pub fn new(access: &NetworkAccess) -> Self {
        let proxies = Proxies::new(&|name| access.environment().get(name).cloned());
        Self { proxies, clients: Mutex::default() }
    }

    /// What stands at an address, without a password.
    pub async fn get(&self, address: &str, limit: usize) -> Result<Answer, NetworkError> {
        let request = Request::get(address).body(Vec::new());
        self.send(request.map_err(|_| no_address(address))?, None, &Trust::default(), limit).await
    }

    /// Sends a request and follows where it leads; an answer that is no success is an error. `authorization` goes to
    /// the host of the request alone, and over redirects only while they stay there. A body has at most `limit` bytes.
    pub async fn send(
        &self,
        request: Request<Vec<u8>>,
        authorization: Option<&Masked<String>>,
        trust: &Trust,
        limit: usize,
    ) -> Result<Answer, NetworkError> {
        let first = without_password(request.uri());
        let (mut parts, body) = request.into_parts();
        let home = authority(&parts.uri);
        let nobody = Trust::default();
        for _ in 0..=REDIRECTS {
            let address = without_password(&parts.uri);
            let mut next = Request::builder().method(&parts.method).uri(&parts.uri).body(body.clone());
            if let Ok(next) = &mut next {
                next.headers_mut().clone_from(&parts.headers);
            }
            let mut next = next.map_err(|_| no_address(&address))?;
            let is_home = authority(&parts.uri) == home;
            if let Some(authorization) = authorization.filter(|_| is_home) {
                let value = header::HeaderValue::try_from(authorization.expose().as_str());
                let mut value = value.map_err(|_| no_address(&address))?;
                value.set_sensitive(true);
                next.headers_mut().insert(header::AUTHORIZATION, value);
            }
            let response = self.patiently(next, if is_home { trust } else { &nobody }).await?;
            let leads = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
            match leads.filter(|_| response.status().is_redirection()) {
                Some(to) => parts.uri = beside(&parts.uri, to)?,
                None => return answer(response, address, limit).await,
            }
        }
        Err(NetworkError::Redirects { address: first })
    }

    /// Sends a request that only reads as often as it is worth it.
    async fn patiently(&self, request: Request<Vec<u8>>, trust: &Trust) -> Result<http::Response<Body>, NetworkError> {
        let tries = if matches!(*request.method(), Method::GET | Method::HEAD) { TRIES } else { 1 };
        let mut last = self.once(request.clone(), trust).await;
        for again in 1..tries {
            let trouble = match &last {
                Ok(response) => matches!(response.status().as_u16(), 429 | 500 | 502..=504),
                Err(NetworkError::Silent { .. }) => true,
                Err(_) => false,
            };
            if !trouble {
                break;
            }
            tokio::time::sleep(PAUSE * 2u32.pow(again - 1)).await;
            last = self.once(request.clone(), trust).await;
        }
        last
    }

    async fn once(&self, request: Request<Vec<u8>>, trust: &Trust) -> Result<http::Response<Body>, NetworkError> {
        let address = without_password(request.uri());
        let client = self.client(request.uri(), trust)?;
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        parts.uri = path.parse().map_err(|_| no_address(&address))?;
        let sent = client.send(Request::from_parts(parts, Body::from(body))).await;
        sent.map_err(|error| NetworkError::Silent { address, reason: root(&error) })
    }

    /// The client for a host.
    fn client(&self, address: &Uri, trust: &Trust) -> Result<Client, NetworkError> {
        let scheme = address.scheme_str().unwrap_or_default();
        let host = authority(address);
        let base = format!("{scheme}://{host}/");
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (base, trust.clone());
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let client = self.connect(&key.0, trust)?;
        clients.insert(key, client.clone());
        Ok(client)
    }

    fn connect(&self, base: &str, trust: &Trust) -> Result<Client, NetworkError> {
        let uri: Uri = base.parse().map_err(|_| no_address(base))?;
        let wrong = |reason: String| NetworkError::Certificates { address: base.to_owned(), reason };
        let mut config = Config::new(uri.clone());
        config.connect_timeout = Some(CONNECT);
        config.read_timeout = Some(SILENCE);
        // A digest is one of the bytes as they are sent.
        config.disable_compression = true;
        config.default_retry = false;
        config.proxy_url = self.proxies.of(&uri, None)?;
        config.accept_invalid_certs = trust.insecure;
        config.root_cert = trust.authorities.as_deref().map(certificates).transpose().map_err(&wrong)?;
        if let Some((certificate, key)) = &trust.identity {
            use base64::Engine as _;
            let encode = |pem: &str| base64::engine::general_purpose::STANDARD.encode(pem);
            config.auth_info.client_certificate_data = Some(encode(certificate));
            config.auth_info.client_key_data = Some(encode(key).into());
        }
        stack::client(config).map_err(|error| wrong(root(&error)))
    }
}

/// The certificates of a PEM file.
fn certificates(pem: &str) -> Result<Vec<Vec<u8>>, String> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    let all = CertificateDer::pem_slice_iter(pem.as_bytes()).map(|it| it.map(|it| it.to_vec()));
    let all = all.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    if all.is_empty() { Err("the file with the authorities holds no certificate".into()) } else { Ok(all) }
}

async fn answer(response: http::Response<Body>, address: String, limit: usize) -> Result<Answer, NetworkError> {
    let (parts, body) = response.into_parts();
    let refused = !parts.status.is_success();
    let read = Limited::new(body, if refused { 64 << 10 } else { limit }).collect().await;
    if refused {
        let bytes = read.map(|it| it.to_bytes().to_vec()).unwrap_or_default();
        let challenge = parts.headers.get(header::WWW_AUTHENTICATE).and_then(|it| it.to_str().ok()).map(str::to_owned);
        let status = parts.status;
        let wait = wait(parts.status, &parts.headers);
        return Err(NetworkError::Refused { address, status, saying: saying(&bytes), challenge, wait });
    }
    match read {
        Ok(body) => Ok(Answer { address, headers: parts.headers, bytes: body.to_bytes().to_vec() }),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(NetworkError::TooLarge { address, limit }),
        Err(error) => Err(NetworkError::Silent { address, reason: root(&*error) }),
    }
}

/// How long a server wants us to wait that gets too many requests: `Retry-After` in seconds, or when the next ones count
/// anew, by the server's own clock (`X-RateLimit-Reset` of GitHub, `RateLimit-Reset` of GitLab).
fn wait(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let number = |name: &str| text(name)?.parse::<i64>().ok();
    if !matches!(status.as_u16(), 403 | 429) {
        return None;
    }
    let until = || {
        let spent = number("x-ratelimit-remaining").or_else(|| number("ratelimit-remaining")) == Some(0);
        let reset = number("x-ratelimit-reset").or_else(|| number("ratelimit-reset")).filter(|_| spent)?;
        let now = jiff::fmt::rfc2822::parse(text("date")?).ok()?.timestamp().as_second();
        Some((reset - now).max(1))
    };
    number("retry-after").or_else(until).and_then(|it| u64::try_from(it).ok()).map(Duration::from_secs)
}

/// What a server says about a refusal, if that is for people.
fn saying(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let message = serde_json::from_slice::<Json>(bytes).ok().as_ref().and_then(message);
    let text = message.unwrap_or_else(|| text.trim().to_owned());
    let is_page = text.starts_with('<') || text.starts_with('{') || text.contains(char::is_control);
    if is_page { String::new() } else { text.chars().take(SAYING).collect() }
}

/// The message of a refusal in JSON. Registries list errors; forges have one message, GitHub with a list of the fields that
/// are wrong beside it, GitLab with the fields in its place, or an `error`.
fn message(body: &Json) -> Option<String> {
    let text = |it: &Json, key: &str| it.get(key).and_then(Json::as_str).map(str::to_owned);
    let words = |it: &Json| match it {
        Json::Array(all) => all.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(", "),
        it => it.as_str().unwrap_or_default().to_owned(),
    };
    let said = match body.get("message") {
        Some(Json::Object(fields)) => {
            fields.iter().map(|(field, it)| format!("{field} {}", words(it))).collect::<Vec<_>>().join("; ")
        }
        Some(it) => words(it),
        None => text(body, "error").unwrap_or_default(),
    };
    let detail = body.get("errors").and_then(|it| it.get(0)).map(|first| {
        let field = [text(first, "field"), text(first, "code")].into_iter().flatten().collect::<Vec<_>>().join(" ");
        text(first, "message").or_else(|| first.as_str().map(str::to_owned)).unwrap_or(field)
    });
    let parts: Vec<String> = [Some(said), detail].into_iter().flatten().filter(|it| !it.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(": "))
}

/// Where a `Location` leads, which may be relative.
fn beside(address: &Uri, location: &str) -> Result<Uri, NetworkError> {
    let to = join(&address.to_string(), location);
    let to: Uri = to.parse().map_err(|_| no_address(&to))?;
    match (address.scheme_str(), to.scheme_str()) {
        (Some("https"), Some("https")) | (Some("http"), Some("http" | "https")) => Ok(to),
        _ => Err(NetworkError::Downgrade { address: without_password(address), to: without_password(&to) }),
    }
}

/// The address that a reference means in what stands at `base`, as browsers read it.
pub(crate) fn join(base: &str, reference: &str) -> String {
    if reference.contains("://") {
        return reference.to_owned();
    }
    let scheme = base.find("://").map_or(0, |at| at + 3);
    let path = base[scheme..].find('/').map_or(base.len(), |at| scheme + at);
    if let Some(host) = reference.strip_prefix("//") {
        return format!("{}{host}", &base[..scheme]);
    }
    if reference.starts_with('/') {
        return format!("{}{reference}", &base[..path]);
    }
    let plain = base.split(['?', '#']).next().unwrap_or_default();
    let folder = plain[path.min(plain.len())..].rfind('/').map_or("/", |at| &plain[path..=path + at]);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    let (reference, query) = reference.find('?').map_or((reference, ""), |at| reference.split_at(at));
    for part in reference.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("{}/{}{query}", &base[..path], parts.join("/"))
}

/// The host with its port, without a password.
fn authority(address: &Uri) -> String {
    let all = address.authority().map_or("", http::uri::Authority::as_str);
    all.rsplit('@').next().unwrap_or_default().to_lowercase()
}

/// An address as it may be shown.
fn without_password(address: &Uri) -> String {
    let path = address.path();
    format!("{}://{}{path}", address.scheme_str().unwrap_or_default(), authority(address))
}

fn no_address(address: &str) -> NetworkError {
    NetworkError::Address { address: address.rsplit('@').next().unwrap_or_default().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_as_browsers_do() {
        let base = "https://a.example.com/charts/index.yaml";
        for (reference, address) in [
            ("app-1.tgz", "https://a.example.com/charts/app-1.tgz"),
            ("./x/../app-1.tgz?a=b/c", "https://a.example.com/charts/app-1.tgz?a=b/c"),
            ("../app-1.tgz", "https://a.example.com/app-1.tgz"),
            ("/z", "https://a.example.com/z"),
            ("//b.example.com/z", "https://b.example.com/z"),
            ("https://b.example.com/z", "https://b.example.com/z"),
        ] {
            assert_eq!(join(base, reference), address);
        }
        assert_eq!(join("https://a.example.com", "x"), "https://a.example.com/x");
    }

    #[test]
    fn a_redirect_stays_encrypted_and_passwords_are_not_shown() {
        let from: Uri = "https://me:hunter2@a.example.com/x".parse().unwrap();
        assert_eq!(without_password(&from), "https://a.example.com/x");
        let error = beside(&from, "http://a.example.com/y").unwrap_err().to_string();
        assert_eq!(error, "`https://a.example.com/x` leads to `http://a.example.com/y`, which is not encrypted");
    }

    #[test]
    fn a_server_says_how_long_to_wait() {
        let waits = |status: u16, headers: &[(&'static str, &'static str)]| {
            let headers = headers
                .iter()
                .map(|(name, value)| (header::HeaderName::from_static(name), header::HeaderValue::from_static(value)));
            wait(StatusCode::from_u16(status).unwrap(), &headers.collect()).map(|it| it.as_secs())
        };
        let date = ("date", "Sat, 21 Nov 2026 10:00:00 GMT");
        assert_eq!(waits(429, &[("retry-after", "7")]), Some(7));
        let spent = ("x-ratelimit-remaining", "0");
        assert_eq!(waits(403, &[date, spent, ("x-ratelimit-reset", "1795255230")]), Some(30));
        assert_eq!(waits(403, &[date, ("x-ratelimit-remaining", "5"), ("x-ratelimit-reset", "1795255230")]), None);
        assert_eq!(waits(403, &[]), None);
        assert_eq!(waits(500, &[("retry-after", "7")]), None);
    }

    #[test]
    fn what_a_forge_says_is_shown_with_the_fields_that_are_wrong() {
        for (body, said) in [
            (r#"{"message":"Bad credentials","documentation_url":"https://docs.example.com"}"#, "Bad credentials"),
            (
                r#"{"message":"Validation Failed","errors":[{"resource":"Issue","field":"title","code":"missing_field"}]}"#,
                "Validation Failed: title missing_field",
            ),
            (
                r#"{"message":"Validation Failed","errors":[{"code":"custom","message":"body is too long"}]}"#,
                "Validation Failed: body is too long",
            ),
            (r#"{"message":"401 Unauthorized"}"#, "401 Unauthorized"),
            (r#"{"message":{"title":["is too long","is odd"]}}"#, "title is too long, is odd"),
            (r#"{"error":"state does not have a valid value"}"#, "state does not have a valid value"),
        ] {
            assert_eq!(saying(body.as_bytes()), said, "{body}");
        }
    }

    #[test]
    fn what_a_registry_says_is_shown_and_pages_are_not() {
        assert_eq!(saying(br#"{"errors":[{"code":"DENIED","message":"no rights"}]}"#), "no rights");
        assert_eq!(saying(br#"{"errors":[{"code":"DENIED"}]}"#), "DENIED");
        assert_eq!(saying(b"<html>"), "");
        assert_eq!(saying(b"{}"), "");
        assert_eq!(saying(b"not found\n"), "not found");
    }
}

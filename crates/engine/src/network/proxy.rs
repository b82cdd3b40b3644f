//! Which proxy requests go through.

use std::net::IpAddr;

use http::Uri;

use super::WrongProxy;

/// The proxies that the environment of the process names, as Go's clients read them.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    https: Option<String>,
    none: Vec<String>,
}

impl Proxies {
    /// What `HTTPS_PROXY` and `NO_PROXY` say, in capitals or not.
    pub fn new(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let either = |upper: &str, lower: &str| variable(upper).or_else(|| variable(lower)).filter(|it| !it.is_empty());
        let none = either("NO_PROXY", "no_proxy").unwrap_or_default();
        Self {
            https: either("HTTPS_PROXY", "https_proxy"),
            none: none.split(',').map(|it| it.trim().to_lowercase()).filter(|it| !it.is_empty()).collect(),
        }
    }

    /// The proxy for a server: the configured one, else that of the process, unless the server is exempt from it.
    pub fn of(&self, server: &Uri, configured: Option<String>) -> Result<Option<Uri>, WrongProxy> {
        let host = server.host().unwrap_or_default().trim_matches(['[', ']']).to_lowercase();
        let ours = || self.https.clone().filter(|_| server.scheme_str() == Some("https") && !self.exempts(&host));
        configured.filter(|it| !it.is_empty()).or_else(ours).map(|proxy| parse(&proxy)).transpose()
    }

    /// Whether a host is reached directly. This machine always is.
    fn exempts(&self, host: &str) -> bool {
        let address = host.parse::<IpAddr>().ok();
        host == "localhost"
            || address.is_some_and(|it| it.is_loopback())
            || self.none.iter().any(|rule| rule == "*" || matches(rule, host, address))
    }
}

fn matches(rule: &str, host: &str, address: Option<IpAddr>) -> bool {
    match (rule.split_once('/'), address) {
        (Some((network, bits)), Some(address)) => within(address, network, bits).unwrap_or(false),
        (None, Some(_)) => rule == host,
        _ => {
            let domain = rule.trim_start_matches('.');
            host.strip_suffix(domain).is_some_and(|left| left.ends_with('.') || (left.is_empty() && rule == domain))
        }
    }
}

/// Whether an address lies in a network such as `10.0.0.0/8`.
fn within(address: IpAddr, network: &str, bits: &str) -> Option<bool> {
    let (network, bits): (IpAddr, u32) = (network.parse().ok()?, bits.parse().ok()?);
    let shifted = |it: u128, width: u32| it.checked_shr(width.checked_sub(bits)?);
    Some(match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => shifted(a.to_bits().into(), 32)? == shifted(b.to_bits().into(), 32)?,
        (IpAddr::V6(a), IpAddr::V6(b)) => shifted(a.to_bits(), 128) == shifted(b.to_bits(), 128),
        _ => false,
    })
}

fn parse(proxy: &str) -> Result<Uri, WrongProxy> {
    let bad = |reason: &str| WrongProxy { proxy: without_password(proxy), reason: reason.to_owned() };
    let uri: Uri = proxy.parse().map_err(|error: http::uri::InvalidUri| bad(&error.to_string()))?;
    match uri.scheme_str() {
        Some("http" | "https" | "socks5") => Ok(uri),
        Some(_) => Err(bad("it is none of `http://`, `https://` and `socks5://`")),
        None => Err(bad("it does not begin with `http://`, `https://` or `socks5://`")),
    }
}

fn without_password(proxy: &str) -> String {
    match (proxy.split_once("://"), proxy.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => proxy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies() -> Proxies {
        Proxies::new(&|name| match name {
            "https_proxy" => Some("http://proxy:3128".to_owned()),
            "NO_PROXY" => Some("10.0.0.0/8, .internal,example.com".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn the_process_proxies_all_but_what_it_exempts() {
        let proxied = |server: &str| proxies().of(&server.parse().unwrap(), None).unwrap().is_some();
        assert!(proxied("https://192.168.1.1:6443"));
        assert!(proxied("https://internal:6443"));
        assert!(proxied("https://notexample.com"));
        for direct in ["https://10.2.3.4:6443", "https://a.internal", "https://example.com", "https://a.example.com"] {
            assert!(!proxied(direct), "{direct}");
        }
        for direct in ["https://127.0.0.1:6443", "https://[::1]:6443", "https://localhost", "http://192.168.1.1"] {
            assert!(!proxied(direct), "{direct}");
        }
    }

    #[test]
    fn a_wrong_proxy_is_named_without_its_password() {
        let error = parse("ftp://me:hunter2@proxy").unwrap_err().to_string();
        assert!(error.contains("ftp://…@proxy") && !error.contains("hunter2"), "{error}");
    }
}

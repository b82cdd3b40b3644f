//! URLs read as Go's `url.Parse` reads them.

use core::net::Ipv6Addr;

use super::escape::{Part, escape, unescape};
use crate::functions::print::quoted;
use crate::functions::runes::lossy;

/// The parts of a URL, unescaped but for the query and the user.
#[derive(Default)]
pub(super) struct Url {
    pub scheme: Vec<u8>,
    pub host: Vec<u8>,
    pub path: Vec<u8>,
    pub query: Vec<u8>,
    pub opaque: Vec<u8>,
    pub fragment: Vec<u8>,
    /// The name and the password as they are written; `None` where there is no `@`.
    pub user: Option<Vec<u8>>,
}

impl Url {
    /// The parts of a text; else the text that Go names, and what it says of it.
    pub fn parse(text: &[u8]) -> Result<Self, (Vec<u8>, String)> {
        let (before, fragment) = cut(text, b'#').unwrap_or((text, b""));
        let mut url = Self::without_fragment(before).map_err(|error| (before.to_vec(), error))?;
        url.fragment = unescape(fragment, Part::Fragment).map_err(|error| (text.to_vec(), error))?;
        Ok(url)
    }

    fn without_fragment(text: &[u8]) -> Result<Self, String> {
        if text.iter().any(u8::is_ascii_control) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let mut url = Self::default();
        let (scheme, rest) = scheme(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        let (rest, query) = cut(rest, b'?').unwrap_or((rest, b""));
        url.query = query.to_vec();
        if !rest.starts_with(b"/") {
            if !scheme.is_empty() {
                url.opaque = rest.to_vec();
                return Ok(url);
            }
            if cut(rest, b'/').map_or(rest, |(segment, _)| segment).contains(&b':') {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        let authority = if scheme.is_empty() && rest.starts_with(b"///") { None } else { rest.strip_prefix(b"//") };
        let Some(authority) = authority else {
            url.path = unescape(rest, Part::Path)?;
            return Ok(url);
        };
        let end = authority.iter().position(|byte| *byte == b'/').unwrap_or(authority.len());
        url.authority(&authority[..end])?;
        url.path = unescape(&authority[end..], Part::Path)?;
        Ok(url)
    }

    fn authority(&mut self, text: &[u8]) -> Result<(), String> {
        let at = text.iter().rposition(|byte| *byte == b'@');
        self.host = host(&self.scheme, at.map_or(text, |at| &text[at + 1..]))?;
        let Some(info) = at.map(|at| &text[..at]) else { return Ok(()) };
        if !info.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte)) {
            return Err("net/url: invalid userinfo".to_owned());
        }
        let (name, password) = cut(info, b':').map_or((info, None), |(name, password)| (name, Some(password)));
        let mut written = user(&unescape(name, Part::User)?);
        if let Some(password) = password {
            written.push(b':');
            written.extend(user(&unescape(password, Part::User)?));
        }
        self.user = Some(written);
        Ok(())
    }
}

/// The name of a user, or a password, as it is written.
pub(super) fn user(text: &[u8]) -> Vec<u8> {
    escape(text, Part::User)
}

fn cut(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == at)?;
    Some((&text[..at], &text[at + 1..]))
}

/// The scheme, and what follows it.
fn scheme(text: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let fits = |(at, byte): (usize, &u8)| byte.is_ascii_alphabetic() || at > 0 && b"0123456789+-.".contains(byte);
    let end = text.iter().enumerate().take_while(|it| fits(*it)).count();
    match text.get(end) {
        Some(b':') if end == 0 => Err("missing protocol scheme".to_owned()),
        Some(b':') => Ok((&text[..end], &text[end + 1..])),
        _ => Ok((b"", text)),
    }
}

fn host(scheme: &[u8], text: &[u8]) -> Result<Vec<u8>, String> {
    let colon = |at: usize| {
        let port = &text[at..];
        if is_port(port) { Ok(()) } else { Err(format!("invalid port {} after host", quoted(port).lossy())) }
    };
    match text.iter().rposition(|byte| *byte == b'[') {
        Some(0) => return literal(text, colon),
        Some(_) => return Err("invalid IP-literal".to_owned()),
        None => {}
    }
    let is_colon = |byte: &u8| *byte == b':';
    let strict = matches!(scheme, b"http" | b"https");
    let at = if strict { text.iter().position(is_colon) } else { text.iter().rposition(is_colon) };
    at.map_or(Ok(()), colon)?;
    unescape(text, Part::Host)
}

/// An address in brackets, with a port.
fn literal(text: &[u8], colon: impl Fn(usize) -> Result<(), String>) -> Result<Vec<u8>, String> {
    let end = text.iter().rposition(|byte| *byte == b']').ok_or("missing ']' in host")?;
    colon(end + 1)?;
    let inside = &text[1..end];
    let zone = inside.windows(3).position(|it| it == b"%25").unwrap_or(inside.len());
    let address = unescape(&inside[..zone], Part::Host)?;
    let zone = unescape(&inside[zone..], Part::Zone)?;
    let read = std::str::from_utf8(&address).ok().and_then(|it| it.parse::<Ipv6Addr>().ok());
    if read.is_none() {
        let shown = quoted(lossy(&address).as_bytes());
        return Err(format!("invalid host: ParseAddr({}): unable to parse IP", shown.lossy()));
    }
    Ok([b"[", &address[..], &zone, b"]", &text[end + 1..]].concat())
}

/// Whether a text is a port behind its colon, or nothing.
pub(super) fn is_port(text: &[u8]) -> bool {
    text.is_empty() || text.strip_prefix(b":").is_some_and(|port| port.iter().all(u8::is_ascii_digit))
}

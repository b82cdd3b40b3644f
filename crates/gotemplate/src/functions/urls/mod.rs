//! `urlParse` and `urlJoin`: Go's `net/url` as sprig shows it.

mod escape;
mod parse;

use self::escape::{Part, escape};
use self::parse::{Url, user};
use super::arguments::{map, text};
use super::print::quoted;
use crate::{Fault, Function, Map, Run, Str, Type, Value};

/// The functions of this module.
pub(super) static FUNCTIONS: &[Function] =
    &[Function::new("urlParse", &[Type::Str], url_parse), Function::new("urlJoin", &[Type::MAP], url_join)];

fn url_parse(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let whole = text(args, 0)?;
    let url = Url::parse(whole).map_err(|(text, error)| {
        Fault::new(format!("unable to parse url: parse {}: {error}", quoted(&text).lossy()))
    })?;
    let host = url.host.clone();
    let parts = [
        ("hostname", hostname(&host).to_vec()),
        ("scheme", url.scheme),
        ("host", url.host),
        ("path", url.path),
        ("query", url.query),
        ("opaque", url.opaque),
        ("fragment", url.fragment),
        ("userinfo", url.user.unwrap_or_default()),
    ];
    Ok(parts.into_iter().map(|(name, part)| (Str::from(name), Value::from(part))).collect::<Map>().into())
}

/// The host without its port and its brackets.
fn hostname(host: &[u8]) -> &[u8] {
    let port = host.iter().rposition(|byte| *byte == b':').filter(|at| parse::is_port(&host[*at..]));
    let host = &host[..port.unwrap_or(host.len())];
    host.strip_prefix(b"[").and_then(|it| it.strip_suffix(b"]")).unwrap_or(host)
}

fn url_join(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let parts = map(args, 0)?;
    let part = |name: &str| match parts.get(name.as_bytes()) {
        None => Ok(Str::default()),
        Some(Value::Str(text)) => Ok(text),
        Some(Value::Nil) => Err(Fault::new("runtime error: invalid memory address or nil pointer dereference")),
        Some(other) => {
            let kind = other.kind().name();
            Err(Fault::new(format!("unable to parse {name} key, must be of type string, but {kind} found")))
        }
    };
    let url = Url {
        scheme: part("scheme")?.to_vec(),
        host: part("host")?.to_vec(),
        path: part("path")?.to_vec(),
        query: part("query")?.to_vec(),
        opaque: part("opaque")?.to_vec(),
        fragment: part("fragment")?.to_vec(),
        user: match part("userinfo")? {
            none if none.is_empty() => None,
            some => Some(user_of(&some)?),
        },
    };
    Ok(write(&url).into())
}

/// The user of a text, read as a part of a URL.
fn user_of(text: &[u8]) -> Result<Vec<u8>, Fault> {
    let whole = [b"proto://", text, b"@host"].concat();
    let read = Url::parse(&whole).map_err(|(url, error)| {
        Fault::new(format!("unable to parse userinfo in dict: parse {}: {error}", quoted(&url).lossy()))
    })?;
    Ok(read.user.unwrap_or_else(|| user(b"")))
}

/// The text of a URL.
fn write(url: &Url) -> Vec<u8> {
    let mut out = Vec::new();
    if !url.scheme.is_empty() {
        out.extend([&url.scheme[..], b":"].concat());
    }
    if url.opaque.is_empty() {
        hierarchy(url, &mut out);
    } else {
        out.extend_from_slice(&url.opaque);
    }
    if !url.query.is_empty() {
        out.extend([b"?", &url.query[..]].concat());
    }
    if !url.fragment.is_empty() {
        out.extend([b"#", &escape(&url.fragment, Part::Fragment)[..]].concat());
    }
    out
}

/// The host with its user, and the path.
fn hierarchy(url: &Url, out: &mut Vec<u8>) {
    let named = !url.host.is_empty() || url.user.is_some();
    if named || !url.scheme.is_empty() && !url.path.is_empty() {
        out.extend_from_slice(b"//");
    }
    if let Some(user) = &url.user {
        out.extend([&user[..], b"@"].concat());
    }
    out.extend(escape(&url.host, Part::Host));
    let path = if url.path == b"*" { b"*".to_vec() } else { escape(&url.path, Part::Path) };
    if !url.host.is_empty() && !path.is_empty() && !path.starts_with(b"/") {
        out.push(b'/');
    }
    let segment = path.split(|byte| *byte == b'/').next().unwrap_or_default();
    if out.is_empty() && segment.contains(&b':') {
        out.extend_from_slice(b"./");
    }
    out.extend(path);
}

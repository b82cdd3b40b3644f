//! Private keys and certificates: sprig's `genCA`, `genSignedCert` and their kin.
//!
//! What is derived has to stay the same from run to run, and yet must not run out: a derived certificate is valid from
//! the start of a period of half its days, and so changes once in such a period, with at least half of its days left.

mod certificate;
mod der;
mod keys;
mod pem;

use self::certificate::{Pair, Request, authority, signed};
use self::keys::PrivateKey;
use super::arguments::{any, int, list, text};
use super::base::base64_of;
use super::chance::{Source, Stream, made, source};
use super::host;
use super::print::printed;
use super::runes::lossy;
use crate::{Fault, Function, List, Run, Type, Value};

const S: Type = Type::Str;
const I: Type = Type::Int;
const L: Type = Type::LIST;
/// A pair of certificate and key: sprig's own type, or a map with fixed results.
const PAIR: Type = Type::Any;

/// The functions of this module.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("genPrivateKey", &[S], private_key),
    Function::new("buildCustomCert", &[S, S], custom),
    Function::new("genCA", &[S, I], |run, args| ca(run, args, "genCA", "ca", None)),
    Function::new("genCAWithKey", &[S, I, S], |run, args| ca(run, args, "genCAWithKey", "cak", Some(2))),
    Function::new("genSelfSignedCert", &[S, L, L, I], |run, args| own(run, args, "genSelfSignedCert", None)),
    Function::new("genSelfSignedCertWithKey", &[S, L, L, I, S], |run, args| {
        own(run, args, "genSelfSignedCertWithKey", Some(4))
    }),
    Function::new("genSignedCert", &[S, L, L, I, PAIR], |run, args| by_ca(run, args, "genSignedCert", None)),
    Function::new("genSignedCertWithKey", &[S, L, L, I, PAIR, S], |run, args| {
        by_ca(run, args, "genSignedCertWithKey", Some(5))
    }),
];

fn private_key(run: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let kind = text(args, 0)?.lossy();
    let mut stream = match source(run, "genPrivateKey", args)? {
        Source::Stream(stream) => stream,
        Source::StandIn(word) => return stand_in_key(run, word, &kind),
    };
    let key = match &*kind {
        "" | "rsa" => PrivateKey::rsa(&mut stream, 4096),
        "ecdsa" => Ok(PrivateKey::p256(&mut stream)),
        "ed25519" => PrivateKey::ed25519(stream.bytes()),
        "dsa" => return Err("DSA keys are obsolete, and not made; take `ecdsa` or `ed25519`".into()),
        other => return Ok(format!("Unknown type {other}").into()),
    };
    let key = key.and_then(|key| key.write()).map_err(|error| format!("failed to generate private key: {error}"))?;
    made(run, "genPrivateKey", key)
}

fn stand_in_key(run: &Run<'_>, word: &str, kind: &str) -> Result<Value, Fault> {
    let text = format!("-----BEGIN PRIVATE KEY-----\n{word}-{kind}\n-----END PRIVATE KEY-----\n");
    if word == "FIXED" { Ok(text.into()) } else { made(run, "genPrivateKey", text) }
}

/// A pair from texts in base 64, which have to be what they say.
fn custom(run: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let cert = text(args, 0)?;
    let key = text(args, 1)?;
    if let Source::StandIn("FIXED") = source(run, "buildCustomCert", args)? {
        return Ok(Pair { cert: cert.lossy().into_owned(), key: key.lossy().into_owned() }.into_map());
    }
    let decoded = |text: &[u8], what: &str| base64_of(text).map_err(|_| format!("unable to decode base64 {what}"));
    let cert = lossy(&decoded(cert, "certificate")?);
    let key = lossy(&decoded(key, "private key")?);
    certificate::Parent::read(&cert)?;
    PrivateKey::read(&key).map_err(|error| format!("error parsing private key: {error}"))?;
    Ok(Pair { cert, key }.into_value())
}

fn ca(run: &mut Run<'_>, args: &[Value], name: &'static str, fixed: &str, key: Option<usize>) -> Result<Value, Fault> {
    let stand_in = || Ok(format!("{fixed}-{}", text(args, 0)?.lossy()));
    pair(run, args, name, stand_in, key, authority)
}

fn own(run: &mut Run<'_>, args: &[Value], name: &'static str, key: Option<usize>) -> Result<Value, Fault> {
    let stand_in = || described("self", args, key.is_some());
    pair(run, args, name, stand_in, key, |request, key| signed(request, key, None))
}

fn by_ca(run: &mut Run<'_>, args: &[Value], name: &'static str, key: Option<usize>) -> Result<Value, Fault> {
    let ca = Pair::of(any(args, 4)?)
        .ok_or_else(|| format!("wrong type for value; expected sprig.certificate; got {}", args[4].type_name()))?;
    let stand_in = || described("signed", args, key.is_some());
    pair(run, args, name, stand_in, key, |request, key| {
        let parent = certificate::Parent::read(&ca.cert)?;
        let signer = PrivateKey::read(&ca.key).map_err(|error| format!("error parsing private key: {error}"))?;
        signed(request, key, Some((&parent, &signer)))
    })
}

/// What the fixed results say of a certificate.
fn described(kind: &str, args: &[Value], with_key: bool) -> Result<String, Fault> {
    let name = text(args, 0)?.lossy();
    if with_key {
        return Ok(format!("{kind}k-{name}"));
    }
    let ips = printed(any(args, 1)?);
    let names = printed(any(args, 2)?);
    Ok(format!("{kind}-{name}-{}-{}-{}", ips.lossy(), names.lossy(), int(args, 3)?))
}

/// Makes a certificate and its key, or what stands in for them.
fn pair(
    run: &mut Run<'_>,
    args: &[Value],
    name: &'static str,
    stand_in: impl FnOnce() -> Result<String, Fault>,
    key: Option<usize>,
    sign: impl FnOnce(&Request, &PrivateKey) -> Result<String, String>,
) -> Result<Value, Fault> {
    let mut stream = match source(run, name, args)? {
        Source::Stream(stream) => stream,
        Source::StandIn(word) => {
            let pair = Pair::stand_in(word, &stand_in()?);
            return Ok(if word == "FIXED" { pair.into_map() } else { recorded(run, name, pair)? });
        }
    };
    let request = request(run, args, &mut stream)?;
    let key = match key {
        Some(at) => {
            PrivateKey::read(&text(args, at)?.lossy()).map_err(|error| format!("parsing private key: {error}"))?
        }
        None => PrivateKey::rsa(&mut stream, 2048)?,
    };
    let pair = Pair { cert: sign(&request, &key)?, key: key.write()? };
    recorded(run, name, pair)
}

fn recorded(run: &Run<'_>, name: &'static str, pair: Pair) -> Result<Value, Fault> {
    made(run, name, pair.key.clone())?;
    Ok(pair.into_value())
}

/// What a certificate is asked to say: of a CA, its name and days alone.
fn request(run: &Run<'_>, args: &[Value], stream: &mut Stream) -> Result<Request, Fault> {
    let host = host::of(run)?;
    let short = matches!(args.get(1), Some(Value::Int(_)));
    let (ips, names, days) = if short {
        (List::nil(Type::Any), List::nil(Type::Any), int(args, 1)?)
    } else {
        (list(args, 1)?, list(args, 2)?, int(args, 3)?)
    };
    let derived = matches!(host.chance, host::Chance::Derived(_));
    Ok(Request {
        name: text(args, 0)?.lossy().into_owned(),
        ips: ips.iter().map(ip).collect::<Result<_, _>>()?,
        names: names.iter().map(dns).collect::<Result<_, _>>()?,
        from: certificate::start(host.now.seconds, days, derived),
        days,
        serial: stream.bytes(),
    })
}

fn ip(value: &Value) -> Result<Vec<u8>, Fault> {
    let Value::Str(text) = value else {
        return Err(format!("error parsing ip: {} is not a string", printed(value).lossy()).into());
    };
    let octets = |ip| match ip {
        core::net::IpAddr::V4(ip) => ip.octets().to_vec(),
        core::net::IpAddr::V6(ip) => {
            ip.to_ipv4_mapped().map_or_else(|| ip.octets().to_vec(), |ip| ip.octets().to_vec())
        }
    };
    let parsed = text.as_str().and_then(|text| text.parse().ok()).map(octets);
    parsed.ok_or_else(|| format!("error parsing ip: {}", text.lossy()).into())
}

fn dns(value: &Value) -> Result<String, Fault> {
    match value {
        Value::Str(text) => Ok(text.lossy().into_owned()),
        other => Err(format!("error processing alternate dns name: {} is not a string", printed(other).lossy()).into()),
    }
}

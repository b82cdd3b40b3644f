//! X.509 certificates, laid out as Go's `x509.CreateCertificate` does.

use std::rc::Rc;

use sha2::{Digest, Sha256};

use super::der::{Reader, bits, element, integer, oid, sequence};
use super::keys::PrivateKey;
use super::pem;
use crate::functions::dates::civil;
use crate::{Kind, Map, Object, Type, Value, downcast};

const DAY: i64 = 86_400;
const OID_COMMON_NAME: &[u8] = &[85, 4, 3];
const OID_SUBJECT_KEY: &[u8] = &[85, 29, 14];
const OID_KEY_USAGE: &[u8] = &[85, 29, 15];
const OID_NAMES: &[u8] = &[85, 29, 17];
const OID_BASIC: &[u8] = &[85, 29, 19];
const OID_AUTHORITY_KEY: &[u8] = &[85, 29, 35];
const OID_USES: &[u8] = &[85, 29, 37];
const OID_SERVER: &[u8] = &[43, 6, 1, 5, 5, 7, 3, 1];
const OID_CLIENT: &[u8] = &[43, 6, 1, 5, 5, 7, 3, 2];
/// In place of an extension's "critical" that it is not.
const NOT_CRITICAL: &[u8] = &[];
const CRITICAL: &[u8] = &[1, 1, 255];

/// A certificate and its private key, as PEM: sprig's type `certificate`.
#[derive(Clone)]
pub(super) struct Pair {
    /// The certificate.
    pub cert: String,
    /// The private key.
    pub key: String,
}

impl Pair {
    /// What stands in for a pair.
    pub fn stand_in(word: &str, what: &str) -> Self {
        let block = |label| format!("-----BEGIN {label}-----\n{word}-{what}\n-----END {label}-----\n");
        Self { cert: block("CERTIFICATE"), key: block("RSA PRIVATE KEY") }
    }

    /// The pair that a value is.
    pub fn of(value: &Value) -> Option<Self> {
        if let Value::Map(map) = value {
            let part = |key: &[u8]| map.get(key).map(|it| super::printed(&it).lossy().into_owned());
            return Some(Self { cert: part(b"Cert").unwrap_or_default(), key: part(b"Key").unwrap_or_default() });
        }
        downcast::<Self>(value).cloned()
    }

    /// As a value of sprig's type.
    pub fn into_value(self) -> Value {
        Value::Object(Rc::new(self))
    }

    /// As the map that fixed results are.
    pub fn into_map(self) -> Value {
        let entries = [("Cert".into(), self.cert.into()), ("Key".into(), self.key.into())];
        Map::typed_of(Type::Str, entries).into()
    }
}

impl Object for Pair {
    fn type_name(&self) -> &'static str {
        "sprig.certificate"
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Cert" => Some(self.cert.as_str().into()),
            "Key" => Some(self.key.as_str().into()),
            _ => None,
        }
    }

    fn names(&self) -> Vec<&'static str> {
        vec!["Cert", "Key"]
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("Cert", self.cert.as_str().into()), ("Key", self.key.as_str().into())]
    }

    fn same(&self, other: &dyn Object) -> bool {
        other
            .fields()
            .iter()
            .zip(self.fields())
            .all(|(one, two)| matches!((&one.1, &two.1), (Value::Str(one), Value::Str(two)) if one == two))
            && other.type_name() == self.type_name()
    }
}

/// What a certificate is asked to say.
pub(super) struct Request {
    /// The common name.
    pub name: String,
    /// Addresses, in 4 or 16 bytes.
    pub ips: Vec<Vec<u8>>,
    /// Names of hosts.
    pub names: Vec<String>,
    /// From when it is valid, in seconds since 1970.
    pub from: i64,
    /// For how many days.
    pub days: i64,
    /// The serial number.
    pub serial: [u8; 16],
}

/// From when a certificate is valid: now, or where it has to stay the same, from the start of the period of half its
/// days.
pub(super) fn start(now: i64, days: i64, stable: bool) -> i64 {
    let period = days.saturating_mul(DAY / 2).max(DAY);
    if stable { now - now.rem_euclid(period) } else { now }
}

/// Who signs a certificate: what of the signer's own certificate goes into it.
pub(super) struct Parent {
    subject: Vec<u8>,
    key: Option<Vec<u8>>,
}

impl Parent {
    /// Reads the certificate of a PEM text.
    pub fn read(text: &str) -> Result<Self, String> {
        let block = pem::decode(text).ok_or("unable to decode certificate")?;
        let parent = Self::parse(&block.bytes);
        parent.ok_or_else(|| "error parsing certificate: decodedCert.Bytes: x509: malformed certificate".to_owned())
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut body = Reader(bytes).sequence()?.sequence()?;
        let version = body.read()?;
        if version.tag == 0xa0 {
            body.expect(2)?;
        }
        body.sequence()?;
        body.sequence()?;
        body.sequence()?;
        let subject = body.expect(0x30)?.whole.to_vec();
        body.sequence()?;
        let mut key = None;
        while let Some(extensions) = body.read() {
            if extensions.tag == 0xa3 {
                key = subject_key(extensions.contents);
            }
        }
        Some(Self { subject, key })
    }
}

/// The key's identifier among extensions.
fn subject_key(extensions: &[u8]) -> Option<Vec<u8>> {
    let mut all = Reader(extensions).sequence()?;
    while let Some(mut extension) = all.sequence() {
        if extension.expect(6)?.contents == OID_SUBJECT_KEY {
            return Some(Reader(extension.expect(4)?.contents).expect(4)?.contents.to_vec());
        }
    }
    None
}

/// The certificate of an authority, signed by its own key.
pub(super) fn authority(request: &Request, key: &PrivateKey) -> Result<String, String> {
    write(request, key, None, true)
}

/// A certificate that an authority signs, or else its own key.
pub(super) fn signed(
    request: &Request,
    key: &PrivateKey,
    by: Option<(&Parent, &PrivateKey)>,
) -> Result<String, String> {
    write(request, key, by, false)
}

fn write(
    request: &Request,
    key: &PrivateKey,
    by: Option<(&Parent, &PrivateKey)>,
    authority: bool,
) -> Result<String, String> {
    let subject = subject(&request.name);
    let (issuer, signer) = by.map_or((&subject, key), |(parent, signer)| (&parent.subject, signer));
    let (public, raw) = key.public()?;
    let until = request.from.saturating_add(request.days.saturating_mul(DAY));
    let parent_key = by.and_then(|(parent, _)| parent.key.as_deref()).filter(|_| *issuer != subject);
    let body = sequence(&[
        &element(0xa0, &integer(&[2])),
        &integer(&request.serial),
        &signer.algorithm(),
        issuer,
        &sequence(&[&time(request.from), &time(until)]),
        &subject,
        &public,
        &element(0xa3, &extensions(request, authority.then_some(&raw), parent_key)),
    ]);
    let signature = signer.sign(&body).map_err(|error| format!("error creating certificate: {error}"))?;
    Ok(pem::encode("CERTIFICATE", &sequence(&[&body, &signer.algorithm(), &bits(&signature, 0)])))
}

/// The extensions, in Go's order.
fn extensions(request: &Request, authority: Option<&Vec<u8>>, parent_key: Option<&[u8]>) -> Vec<u8> {
    let usage = if authority.is_some() { bits(&[0xa4], 2) } else { bits(&[0xa0], 5) };
    let uses = sequence(&[&oid(OID_SERVER), &oid(OID_CLIENT)]);
    let basic = if authority.is_some() { sequence(&[CRITICAL]) } else { sequence(&[]) };
    let mut all = extension(OID_KEY_USAGE, CRITICAL, &usage);
    all.extend(extension(OID_USES, NOT_CRITICAL, &uses));
    all.extend(extension(OID_BASIC, CRITICAL, &basic));
    if let Some(key) = authority {
        let id = &Sha256::digest(key)[..20];
        all.extend(extension(OID_SUBJECT_KEY, NOT_CRITICAL, &element(4, id)));
    }
    if let Some(key) = parent_key {
        all.extend(extension(OID_AUTHORITY_KEY, NOT_CRITICAL, &sequence(&[&element(0x80, key)])));
    }
    if !request.names.is_empty() || !request.ips.is_empty() {
        let names = request.names.iter().map(|name| element(0x82, name.as_bytes()));
        let names = names.chain(request.ips.iter().map(|ip| element(0x87, ip))).collect::<Vec<_>>().concat();
        let critical = if request.name.is_empty() { CRITICAL } else { NOT_CRITICAL };
        all.extend(extension(OID_NAMES, critical, &sequence(&[&names])));
    }
    sequence(&[&all])
}

fn extension(id: &[u8], critical: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[&oid(id), critical, &element(4, value)])
}

/// A name that is a common name alone.
fn subject(name: &str) -> Vec<u8> {
    if name.is_empty() {
        return sequence(&[]);
    }
    let printable = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte));
    let text = element(if printable { 19 } else { 12 }, name.as_bytes());
    sequence(&[&element(0x31, &sequence(&[&oid(OID_COMMON_NAME), &text]))])
}

/// A time: with two digits for the year up to 2049.
fn time(seconds: i64) -> Vec<u8> {
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let second = seconds.rem_euclid(DAY);
    let rest = format!("{month:02}{day:02}{:02}{:02}{:02}Z", second / 3600, second / 60 % 60, second % 60);
    match year {
        1950..2050 => element(23, format!("{:02}{rest}", year % 100).as_bytes()),
        _ => element(24, format!("{year:04}{rest}").as_bytes()),
    }
}

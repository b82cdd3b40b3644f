//! When credentials end, read from the credentials themselves: a server only says that it does not know us.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use kube::config::{AuthInfo, Kubeconfig};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// When the credentials of a target end, as far as they say it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Expiry {
    certificate: Option<Timestamp>,
    token: Option<Timestamp>,
}

impl Expiry {
    /// Of the user that a context names.
    pub(super) fn of(kubeconfig: &Kubeconfig, context: &str) -> Self {
        let named = kubeconfig.contexts.iter().find(|it| it.name == context).and_then(|it| it.context.as_ref());
        let user = named.and_then(|it| it.user.as_deref());
        let found = kubeconfig.auth_infos.iter().find(|it| Some(it.name.as_str()) == user);
        found.and_then(|it| it.auth_info.as_ref()).map_or_else(Self::default, |user| Self {
            certificate: certificate(user).and_then(|pem| not_after(&pem)),
            token: token(user).and_then(|token| token_end(token.trim())),
        })
    }

    /// What has ended by now, in words.
    pub(super) fn over(&self, now: Timestamp) -> Option<(&'static str, Timestamp)> {
        let ended = |what, end: Option<Timestamp>| end.filter(|end| *end <= now).map(|end| (what, end));
        ended("client certificate", self.certificate).or_else(|| ended("token", self.token))
    }
}

fn certificate(user: &AuthInfo) -> Option<Vec<u8>> {
    match (&user.client_certificate_data, &user.client_certificate) {
        (Some(data), _) => STANDARD.decode(data).ok(),
        (None, Some(path)) => fs::read(path).ok(),
        (None, None) => None,
    }
}

fn token(user: &AuthInfo) -> Option<String> {
    // Serialising is the one way to the token that needs no further crate.
    let inline = serde_json::to_value(user).ok()?.get("token").and_then(|it| it.as_str()).map(str::to_owned);
    inline.or_else(|| fs::read_to_string(user.token_file.as_ref()?).ok())
}

/// The claim `exp` of a JSON web token; other tokens have none.
fn token_end(token: &str) -> Option<Timestamp> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    Timestamp::from_second(claims.get("exp")?.as_i64()?).ok()
}

/// The end of the first certificate of a PEM text: certificate, to-be-signed part, then the fifth element, or the
/// fourth where the version is left out (RFC 5280, 4.1).
fn not_after(pem: &[u8]) -> Option<Timestamp> {
    let certificate = CertificateDer::from_pem_slice(pem).ok()?;
    let (_, whole, _) = element(&certificate)?;
    let (_, mut rest, _) = element(whole)?;
    let mut skip = if rest.first() == Some(&0xa0) { 4 } else { 3 };
    while skip > 0 {
        rest = element(rest)?.2;
        skip -= 1;
    }
    let (_, validity, _) = element(rest)?;
    let (_, _, rest) = element(validity)?;
    let (tag, text, _) = element(rest)?;
    time(tag, std::str::from_utf8(text).ok()?)
}

/// The first element of some DER: its tag, its content, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk()?;
    let (length, rest) = match usize::from(first) {
        short @ 0..0x80 => (short, rest),
        long => {
            let (digits, rest) = rest.split_at_checked(long - 0x80)?;
            let length = digits.iter().try_fold(0usize, |sum, byte| sum.checked_mul(256)?.checked_add((*byte).into()));
            (length?, rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// A time of a certificate: `UTCTime` with two digits for the year (tag 23), or `GeneralizedTime`.
fn time(tag: u8, text: &str) -> Option<Timestamp> {
    let (year, rest) = text.split_at_checked(if tag == 23 { 2 } else { 4 })?;
    let year: u16 = year.parse().ok()?;
    let year = match (tag, year) {
        (23, 50..) => 1900 + year,
        (23, _) => 2000 + year,
        _ => year,
    };
    let part = |at: usize| rest.get(at..at + 2);
    let month = part(0)?;
    let day = part(2)?;
    let hour = part(4)?;
    let minute = part(6)?;
    let second = part(8)?;
    format!("{year:04}-{month}-{day}T{hour}:{minute}:{second}Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_certificate_is_read() {
        let mut params = rcgen::CertificateParams::new(vec!["a".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(2031, 2, 3);
        let key = rcgen::KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        assert_eq!(not_after(pem.as_bytes()).unwrap().to_string(), "2031-02-03T00:00:00Z");
        assert_eq!(not_after(b"nothing"), None);
    }

    #[test]
    fn the_end_of_a_token_is_read() {
        let token = format!("a.{}.b", URL_SAFE_NO_PAD.encode(r#"{"exp":1700000000}"#));
        assert_eq!(token_end(&token).unwrap().to_string(), "2023-11-14T22:13:20Z");
        assert_eq!(token_end("opaque"), None);
    }
}

//! Whether a request really comes from the forge that shares a secret with us.

use data_encoding::HEXLOWER;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::Forge;
use weft_base::masked::Masked;

/// Whether a request of a webhook carries the proof that its sender knows the secret: a keyed digest of the body in
/// `X-Gitea-Signature` or `X-Hub-Signature-256` (Gitea, GitHub), or the secret itself in `X-Gitlab-Token`. An empty
/// secret proves nothing.
pub fn is_signed(forge: Forge, header: &dyn Fn(&str) -> Option<String>, body: &[u8], secret: &Masked<String>) -> bool {
    let secret = secret.expose().as_bytes();
    if secret.is_empty() {
        return false;
    }
    match forge {
        Forge::Gitea => header("x-gitea-signature").is_some_and(|it| is_digest(&it, body, secret)),
        Forge::GitHub => header("x-hub-signature-256")
            .and_then(|it| it.strip_prefix("sha256=").map(|it| is_digest(it, body, secret)))
            .unwrap_or_default(),
        // Digests of both are compared, which takes as long whatever they are.
        Forge::GitLab => header("x-gitlab-token").is_some_and(|it| is_same(it.as_bytes(), secret)),
        Forge::Plain => false,
    }
}

/// Whether a request with such headers may turn out to be signed, before its body is read.
pub fn could_be_signed(forge: Forge, header: &dyn Fn(&str) -> Option<String>, secret: &Masked<String>) -> bool {
    let is_proof = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match forge {
        Forge::Gitea => header("x-gitea-signature").is_some_and(|it| is_proof(&it)),
        Forge::GitHub => {
            header("x-hub-signature-256").is_some_and(|it| it.strip_prefix("sha256=").is_some_and(is_proof))
        }
        Forge::GitLab => is_signed(forge, header, &[], secret),
        Forge::Plain => false,
    }
}

/// The proof that goes with a body which we send: `sha256=` and its HMAC-SHA-256 in hex, as GitHub writes it.
pub fn signature(secret: &Masked<String>, body: &[u8]) -> String {
    // An HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else { return String::new() };
    mac.update(body);
    format!("sha256={}", HEXLOWER.encode(&mac.finalize().into_bytes()))
}

fn is_digest(text: &str, body: &[u8], secret: &[u8]) -> bool {
    let byte = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(byte).collect();
    let (Some(bytes), Ok(mut mac)) = (bytes, Hmac::<Sha256>::new_from_slice(secret)) else { return false };
    mac.update(body);
    mac.verify_slice(&bytes).is_ok()
}

fn is_same(one: &[u8], other: &[u8]) -> bool {
    let digest = |text: &[u8]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"weft").ok()?;
        mac.update(text);
        Some(mac)
    };
    match (digest(one), digest(other)) {
        (Some(one), Some(other)) => one.verify(&other.finalize().into_bytes()).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_that_receivers_compute() {
        // RFC 4231, test case 2.
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature(&Masked::new("Jefe".to_owned()), b"what do ya want for nothing?"), expected);
    }

    #[test]
    fn only_who_knows_the_secret_is_believed() {
        // The example of GitHub's documentation of webhooks.
        let digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let body = b"Hello, World!";
        let secret = "It's a Secret to Everybody";
        let signed = |forge, name: &str, value: &str, body: &[u8], secret: &str| {
            let secret = Masked::new(secret.to_owned());
            is_signed(forge, &|asked| (asked == name).then(|| value.to_owned()), body, &secret)
        };
        let hub = "x-hub-signature-256";
        assert!(signed(Forge::GitHub, hub, &format!("sha256={digest}"), body, secret));
        assert!(signed(Forge::Gitea, "x-gitea-signature", digest, body, secret));
        assert!(signed(Forge::GitLab, "x-gitlab-token", "It's a Secret to Everybody", body, secret));
        for (forge, name, value, body, secret) in [
            (Forge::GitHub, hub, digest, &body[..], secret),
            (Forge::GitHub, hub, &*format!("sha256={digest}"), b"Hello, World?", secret),
            (Forge::Gitea, "x-gitea-signature", digest, body, "another"),
            (Forge::Gitea, "x-gitea-signature", "75710", body, secret),
            (Forge::Gitea, "x-gitea-signature", "ü", body, secret),
            (Forge::Gitea, "x-gitea-signature", "", body, secret),
            (Forge::GitLab, "x-gitlab-token", "another", body, secret),
            (Forge::GitLab, "x-gitlab-token", "", body, ""),
            (Forge::Plain, "x-gitlab-token", "It's a Secret to Everybody", body, secret),
        ] {
            assert!(!signed(forge, name, value, body, secret), "{forge} {value}");
        }
    }
}

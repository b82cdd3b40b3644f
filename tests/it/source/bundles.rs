//! Signatures as cosign 3 writes them: bundles that refer to what they sign.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libtest_mimic::Failed;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use serde_json::{Value as Json, json};
use weft::diagnostic::Diagnostic;
use weft::source::charts::Keys;

use super::registry::Registry;
use super::server::Server;
use super::{chart, charts, holds, manifest, repository, sha256, text, with_chart};
use crate::cases::same;
use crate::cli::program::Desk;

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const SIGNED: &str = "https://sigstore.dev/cosign/sign/v1";

/// A key to sign with.
struct Signer {
    keys: Keys,
    pair: EcdsaKeyPair,
}

impl Signer {
    fn new() -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
        let keys = Keys { cosign: Some(pair.public_key_pem().into_bytes()), ..Keys::default() };
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pair.serialize_der(), &random);
        Self { keys, pair: pair.expect("a key") }
    }

    fn sign(&self, bytes: &[u8]) -> String {
        STANDARD.encode(self.pair.sign(&SystemRandom::new(), bytes).expect("a signature"))
    }

    /// A bundle with a statement about a digest.
    fn statement(&self, kind: &str, digest: &str) -> Vec<u8> {
        let subject = json!([{"digest": {"sha256": &digest[7..]}}]);
        let statement = json!({"_type": "https://in-toto.io/Statement/v1", "predicateType": kind, "subject": subject});
        let (payload, of) = (statement.to_string(), "application/vnd.in-toto+json");
        let message = format!("DSSEv1 {} {of} {} {payload}", of.len(), payload.len());
        let signatures = json!([{"sig": self.sign(message.as_bytes())}]);
        let envelope = json!({"payload": STANDARD.encode(&payload), "payloadType": of, "signatures": signatures});
        bundle("dsseEnvelope", &envelope)
    }

    /// A bundle with a signature of bytes.
    fn message(&self, bytes: &[u8]) -> Vec<u8> {
        bundle("messageSignature", &json!({"signature": self.sign(bytes)}))
    }
}

fn bundle(field: &str, content: &Json) -> Vec<u8> {
    let material = json!({"publicKey": {"hint": "ours"}, "tlogEntries": []});
    json!({"mediaType": BUNDLE, "verificationMaterial": material, field: content}).to_string().into_bytes()
}

/// A manifest that puts a bundle beside another, and the list with it.
fn referring(bundle: &[u8], subject: &str) -> (Vec<u8>, Vec<u8>) {
    let layer = json!({"mediaType": BUNDLE, "digest": sha256(bundle), "size": bundle.len()});
    let of = "application/vnd.oci.image.manifest.v1+json";
    let empty = json!({"mediaType": "application/vnd.oci.empty.v1+json", "digest": sha256(b"{}"), "size": 2});
    let subject = json!({"mediaType": of, "digest": subject, "size": 1});
    let manifest = json!({
        "schemaVersion": 2, "mediaType": of, "artifactType": BUNDLE, "config": empty, "layers": [layer],
        "subject": subject,
    });
    let manifest = manifest.to_string().into_bytes();
    let entry = json!({"mediaType": of, "artifactType": BUNDLE, "digest": sha256(&manifest), "size": manifest.len()});
    let index = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry],
    });
    (manifest, index.to_string().into_bytes())
}

/// The registry lists what refers to a manifest.
pub fn referred() -> Result<(), Failed> {
    let (desk, ours, others) = (Desk::new(), Signer::new(), Signer::new());
    let bytes = chart("1.0.0");
    let image = manifest(&[("application/vnd.cncf.helm.chart.content.v1.tar+gzip", &bytes, json!({}))]);
    let digest = sha256(&image);
    let find = |bundle: &[u8]| {
        let (referrer, index) = referring(bundle, &digest);
        let files: BTreeMap<String, Vec<u8>> = BTreeMap::from([
            ("manifests/1.0.0".to_owned(), image.clone()),
            (format!("manifests/{digest}"), image.clone()),
            (format!("blobs/{}", sha256(&bytes)), bytes.clone()),
            (format!("referrers/{digest}"), index),
            (format!("manifests/{}", sha256(&referrer)), referrer),
            (format!("blobs/{}", sha256(bundle)), bundle.to_vec()),
        ]);
        let server = Server::of(files.into_iter().map(|(path, bytes)| (format!("/v2/charts/app/{path}"), bytes)));
        charts(&desk).find(&repository(&format!("oci://{}/charts", server.host), "1.0.0"), &ours.keys)
    };
    for bundle in [ours.statement(SIGNED, &digest), ours.message(&image)] {
        let found = find(&bundle).map_err(|error| Diagnostic::of(&error).to_string())?;
        same("who signed it", "cosign", &found.locked.verified[0].by[..6])?;
    }
    for (what, bundle) in [
        ("another key", others.statement(SIGNED, &digest)),
        ("another image", ours.statement(SIGNED, &sha256(b"another"))),
        ("how it was built", ours.statement("https://slsa.dev/provenance/v1", &digest)),
        ("another message", ours.message(b"another")),
        ("no bundle", b"{".to_vec()),
    ] {
        holds(what, &text(find(&bundle)), "none of its signatures was made by the key")?;
    }
    Ok(())
}

/// The registry lists nothing by itself: the list is at the tag of the digest.
pub fn listed_by_tag() -> Result<(), Failed> {
    let (desk, registry, ours) = (with_chart(), Registry::start(None), Signer::new());
    let repo = format!("oci://{}/charts", registry.host);
    desk.run(["chart", "package", "app"]).ends_with(0)?;
    let pushed = desk.run(["chart", "push", "app-1.0.0.tgz", &repo]);
    let said = format!("{}{}", pushed.ends_with(0)?.stdout, pushed.stderr);
    let digest = said.split_once('@').and_then(|(_, rest)| rest.split_whitespace().next()).ok_or("no digest")?;
    let find = || charts(&desk).find(&repository(&repo, "1.0.0"), &ours.keys);
    holds("no signature", &text(find()), "the registry has no signature of cosign for it")?;
    let bundle = ours.statement(SIGNED, digest);
    let (referrer, index) = referring(&bundle, digest);
    put_blob(&registry.host, &bundle)?;
    put_blob(&registry.host, b"{}")?;
    for (name, kind, bytes) in [
        (sha256(&referrer), "application/vnd.oci.image.manifest.v1+json", &referrer),
        (digest.replace(':', "-"), "application/vnd.oci.image.index.v1+json", &index),
    ] {
        ask(&registry.host, &format!("PUT /v2/charts/app/manifests/{name}"), kind, bytes, "201")?;
    }
    fs::remove_dir_all(desk.root().join("home/.cache")).ok();
    find().map_err(|error| Diagnostic::of(&error).to_string())?;
    Ok(())
}

fn put_blob(host: &str, bytes: &[u8]) -> Result<(), Failed> {
    let kind = "application/octet-stream";
    let begun = ask(host, "POST /v2/charts/app/blobs/uploads/", kind, b"", "202")?;
    let location = begun.lines().find_map(|it| it.strip_prefix("Location: ")).ok_or("no place for a blob")?;
    let path = location.split_once(host).map_or(location, |(_, path)| path);
    ask(host, &format!("PUT {path}&digest={}", sha256(bytes)), kind, bytes, "201").map(drop)
}

/// Sends a request, which must be answered with this status; the head of the answer.
fn ask(host: &str, line: &str, kind: &str, body: &[u8], status: &str) -> Result<String, Failed> {
    let mut stream = TcpStream::connect(host)?;
    let length = body.len();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let head = answer.split("\r\n\r\n").next().unwrap_or_default().to_owned();
    if head.split(' ').nth(1) == Some(status) { Ok(head) } else { Err(format!("{line}: {answer}").into()) }
}

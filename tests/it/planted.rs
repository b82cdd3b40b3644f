//! The secrets of a project, none of which a run of the program may print or write.
//!
//! Each test that runs the program checks all that the run printed, and each file that it wrote, against whatever can be
//! decrypted in its project, and against the private keys of its home.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD, URL_SAFE};
use data_encoding::HEXLOWER;
use libtest_mimic::{Failed, Trial};
use weft::secrets::{Identities, decrypt};
use weft::value::{Data, Value};

use crate::cases::code;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("planted", "the_check_finds_what_is_planted", the_check_finds_what_is_planted),
        code("planted", "no_expected_output_has_a_secret", no_expected_output_has_a_secret),
    ]
}

/// Forms shorter than this are found by chance.
const SHORTEST: usize = 8;

/// The verbs of `weft secrets` whose purpose is to show the plain text to whoever asks.
const SHOWING: [&str; 5] = ["decrypt", "get", "keygen", "textconv", "edit"];

/// The forms of the secrets of a project.
#[derive(Default)]
pub struct Planted {
    forms: Vec<String>,
}

impl Planted {
    /// The secrets below a folder, opened with the keys that lie there, too. What cannot be opened holds nothing that a
    /// run could tell.
    pub fn below(folder: &Path) -> Self {
        let files = collected(folder);
        let mut keys = Identities::default();
        let mut texts = Vec::new();
        for (path, bytes) in &files {
            let Ok(text) = std::str::from_utf8(bytes) else { continue };
            if text.contains("AGE-SECRET-KEY-1") && !text.contains("sops:") {
                keys.extend(Identities::parse(text, &path.display().to_string()).unwrap_or_default());
                if !weft::secrets::is_throwaway(text) {
                    texts.extend(text.lines().filter(|line| line.starts_with("AGE-SECRET-KEY-1")).map(str::to_owned));
                }
            }
        }
        for (path, bytes) in files.iter().filter(|(_, bytes)| bytes.windows(4).any(|part| part == b"ENC[")) {
            texts.extend(opened(path, bytes, &keys));
        }
        Self { forms: texts.iter().flat_map(|text| forms(text)).collect() }
    }

    /// The first form that is in an output.
    pub fn found(&self, output: &[u8]) -> Option<&str> {
        let text = String::from_utf8_lossy(output);
        self.forms.iter().map(String::as_str).find(|form| text.contains(*form))
    }

    /// Fails where a run told or wrote one.
    pub fn is_kept(&self, what: &str, output: &[u8]) {
        if let Some(form) = self.found(output) {
            panic!("{what} has the secret {form:?}:\n{}", String::from_utf8_lossy(output));
        }
    }
}

/// Whether a run may show secrets by its arguments.
pub fn shows<'a>(arguments: impl Iterator<Item = &'a str>) -> bool {
    let mut words = arguments.filter(|it| !it.starts_with('-')).skip_while(|it| *it != "secrets").skip(1);
    words.next().is_some_and(|verb| SHOWING.contains(&verb))
}

/// Which files there are, and when each was written, to find those that a run writes.
pub fn stamps(folder: &Path) -> BTreeMap<PathBuf, (u64, SystemTime)> {
    let mut stamps = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.metadata() {
            Ok(about) if about.is_dir() => stamps.extend(self::stamps(&entry.path())),
            Ok(about) if about.is_file() => {
                let written = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                stamps.insert(entry.path(), (about.len(), written));
            }
            _ => {}
        }
    }
    stamps
}

/// The files below a folder, links left out.
fn collected(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    stamps(folder).into_keys().filter_map(|path| Some((path.clone(), fs::read(path).ok()?))).collect()
}

/// The texts of an encrypted file. Most tests have the same few files.
fn opened(path: &Path, bytes: &[u8], keys: &Identities) -> Vec<String> {
    static KNOWN: LazyLock<Mutex<HashMap<Vec<u8>, Vec<String>>>> = LazyLock::new(Mutex::default);
    if let Some(known) = KNOWN.lock().expect("no panic here").get(bytes) {
        return known.clone();
    }
    let mut texts = Vec::new();
    let text = String::from_utf8_lossy(bytes);
    let Ok(value) = decrypt(&text, &Arc::new(path.display().to_string()), keys) else { return texts };
    collect(&value, &mut texts);
    KNOWN.lock().expect("no panic here").insert(bytes.to_vec(), texts.clone());
    texts
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match &value.data {
        Data::Masked(leaf) => {
            if let Data::Text(text) = leaf.expose() {
                texts.push(text.clone());
            }
        }
        Data::List(items) => items.iter().for_each(|item| collect(item, texts)),
        Data::Map(map) => map.iter().for_each(|entry| collect(&entry.value, texts)),
        _ => {}
    }
}

/// The forms of a text that no output may have: each line as it is, as JSON and Go write it, in an address, in
/// hexadecimal, and in base64 of a longer text; all of it backwards.
pub fn forms(whole: &str) -> Vec<String> {
    let lines = whole.lines().map(str::to_owned);
    let mut forms = Vec::new();
    for text in lines.chain([whole.to_owned()]).filter(|text| text.len() >= SHORTEST) {
        let json = serde_json::to_string(&text).expect("JSON").trim_matches('"').to_owned();
        let of_go = json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
        let hex = HEXLOWER.encode(text.as_bytes());
        let percent = text.bytes().fold(String::new(), |out, byte| match char::from(byte) {
            kept if kept.is_ascii_alphanumeric() || "-._~".contains(kept) => out + &kept.to_string(),
            _ => out + &format!("%{byte:02X}"),
        });
        forms.extend((0..3).flat_map(|place| [&STANDARD, &URL_SAFE].map(|base| inside(base, &text, place))));
        forms.extend([json, of_go, percent.replace("%20", "+"), percent, hex.to_uppercase(), hex, text]);
    }
    forms.push(whole.lines().rev().collect::<Vec<_>>().join("\n"));
    forms.retain(|form| form.len() >= SHORTEST);
    forms.sort();
    forms.dedup();
    forms
}

/// What base64 of a longer text has of this one.
fn inside(base: &GeneralPurpose, text: &str, place: usize) -> String {
    let encoded = base.encode(format!("{}{text}", &"ab"[..place]));
    let encoded = encoded.trim_end_matches('=');
    encoded[[0, 2, 3][place]..encoded.len() - 1].to_owned()
}

fn the_check_finds_what_is_planted() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let (key, recipient) = weft::secrets::keygen("2026-11-21T10:00:00Z", None);
    fs::write(folder.path().join("keys.txt"), key.expose())?;
    fs::write(folder.path().join(".sops.yaml"), format!("creation_rules: [{{age: {recipient}}}]\n"))?;
    let plain = "password: \"first line <&>\\nsecond line\"\nshort: abc\n";
    fs::write(folder.path().join("web.yaml"), plain)?;
    fs::create_dir(folder.path().join("environments"))?;
    let mut weft = std::process::Command::new(crate::machine::program());
    weft.current_dir(folder.path()).args(["secrets", "encrypt", "--in-place", "web.yaml"]);
    crate::machine::succeeded("encrypt", &weft.output()?)?;
    let planted = Planted::below(folder.path());
    let encoded = STANDARD.encode("x first line <&>\nsecond line");
    for output in ["see: second line.", "first line \\u003c\\u0026\\u003e", "first%20line%20%3C%26%3E", &encoded] {
        assert!(planted.found(output.as_bytes()).is_some(), "{output}");
    }
    assert!(planted.found(key.expose().as_bytes()).is_some());
    assert!(planted.found(b"abc of the first and the second").is_none());
    Ok(())
}

/// The files that tests hold outputs against. Those of `secrets` and `keys` are plain texts and keys by purpose.
fn no_expected_output_has_a_secret() -> Result<(), Failed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut checked = 0;
    for stage in fs::read_dir(root.join("tests/cases"))?
        .flatten()
        .filter(|it| !["secrets", "keys", "age"].map(OsString::from).contains(&it.file_name()))
    {
        for case in fs::read_dir(stage.path())?.flatten().filter(|it| it.path().is_dir()) {
            let planted = Planted::below(&case.path());
            for (path, bytes) in
                collected(&case.path()).iter().filter(|(path, _)| path.extension().is_some_and(|it| it == "txt"))
            {
                planted.is_kept(&path.display().to_string(), bytes);
                checked += usize::from(!planted.forms.is_empty());
            }
        }
    }
    assert!(checked > 10, "the cases with secrets are found: {checked}");
    Ok(())
}

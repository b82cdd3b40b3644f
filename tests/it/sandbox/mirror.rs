//! A server of releases on this machine.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use data_encoding::HEXLOWER;
use libtest_mimic::Failed;
use sha2::{Digest, Sha256};

type Files = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// Serves programs as their projects publish them, until the tests end.
pub struct Mirror {
    address: String,
    files: Files,
}

impl Mirror {
    /// A server of the programs of a folder: etcd packed, and the others as they are.
    pub fn of(folder: &Path) -> Result<Self, Failed> {
        let packed = format!("etcd-v3.7.3-{}", platform("-"));
        std::fs::create_dir(folder.join(&packed))?;
        std::fs::rename(folder.join("etcd"), folder.join(&packed).join("etcd"))?;
        let archive = format!("{packed}.tar.gz");
        Command::new("tar").arg("-czf").arg(folder.join(&archive)).arg("-C").arg(folder).arg(&packed).status()?;
        let mut files = BTreeMap::new();
        let bytes = std::fs::read(folder.join(&archive))?;
        let sums = format!("{}  another-file\n{}  {archive}\n", "0".repeat(64), sum(&bytes));
        files.insert(format!("/etcd/v3.7.3/{archive}"), bytes);
        files.insert("/etcd/v3.7.3/SHA256SUMS".to_owned(), sums.into_bytes());
        for program in ["kube-apiserver", "kube-controller-manager"] {
            let bytes = std::fs::read(folder.join(program))?;
            files.insert(format!("{}.sha256", kubernetes(program)), sum(&bytes).into_bytes());
            files.insert(kubernetes(program), bytes);
        }
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = format!("http://{}", listener.local_addr()?);
        let files: Files = Arc::new(Mutex::new(files));
        let served = Arc::clone(&files);
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| answer(stream, &served)));
        Ok(Self { address, files })
    }

    /// Its address. Every file is one redirect away.
    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// Serves other bytes for a program of Kubernetes, under its old checksum.
    pub fn change(&self, program: &str, bytes: &[u8]) {
        self.files.lock().expect("no panic").insert(kubernetes(program), bytes.to_vec());
    }
}

fn kubernetes(program: &str) -> String {
    format!("/kubernetes/v1.36.3/bin/{}/{program}", platform("/"))
}

fn platform(between: &str) -> String {
    let os = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
    let arch = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
    format!("{os}{between}{arch}")
}

fn sum(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

fn answer(mut stream: TcpStream, files: &Files) {
    let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    lines.by_ref().take_while(|line| !line.is_empty()).for_each(drop);
    let path = first.split(' ').nth(1).unwrap_or_default();
    let (head, body) = match path.strip_prefix("/moved") {
        None if files.lock().expect("no panic").contains_key(path) => {
            (format!("302 Found\r\nLocation: /moved{path}"), Vec::new())
        }
        None => ("404 Not Found".to_owned(), Vec::new()),
        Some(path) => ("200 OK".to_owned(), files.lock().expect("no panic").get(path).cloned().unwrap_or_default()),
    };
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}

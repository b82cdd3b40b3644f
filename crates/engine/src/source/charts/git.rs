//! A folder of a git repository at one commit, by version 2 of git's protocol: only that commit is fetched, and nothing
//! is written but a folder that goes again.

use std::io::Write as _;

use git2::Oid;
use http::{Request, header};

use super::login::Login;
use super::{FetchError, host};
use crate::network::{Answer, Network, NetworkError, Trust};
use crate::source::SourceError;
use crate::source::git::files;
use weft_base::masked::Masked;

/// How much a server may send of one commit, in bytes.
const LARGEST: usize = 256 << 20;
/// How much it may say about its branches and tags, in bytes.
const LARGEST_LIST: usize = 16 << 20;
/// What a repository says of itself, below its address.
const GREETING: &str = "/info/refs";
/// The end of a request.
const FLUSH: &str = "0000";
/// What stands between the parts of a request.
const DELIMITER: &str = "0001";

/// The commit that a revision means, and the files of a folder in it.
pub(super) async fn chart(
    network: &Network,
    address: &str,
    revision: &str,
    folder: &str,
    login: Option<&Login>,
) -> Result<(String, Vec<(String, Vec<u8>)>), FetchError> {
    let failed = |problem: String| FetchError::Git { address: shown(address), problem };
    let unreadable = |error: &dyn std::fmt::Display| failed(format!("cannot be read: {error}"));
    let folder = weft_base::tree::join("", folder).map_err(|_| failed(format!("has no folder `{folder}`")))?;
    let (commit, found) = if let Some(path) = address.strip_prefix("file://") {
        let git = git2::Repository::open(path).map_err(|error| unreadable(&error.message()))?;
        let object = git.revparse_single(revision).and_then(|it| it.peel_to_commit());
        let commit = object.map_err(|_| failed(format!("has no revision `{revision}`")))?.id();
        (commit.to_string(), files(&git, commit, &folder).map_err(|error| unreadable(&error))?)
    } else if address.starts_with("https://") || address.starts_with("http://") {
        let address = address.trim_end_matches('/').to_owned();
        let mut server = GitServer { network, address, login: login.and_then(Login::header) };
        server.greet().await?;
        let commit = server.commit(revision).await?;
        let pack = server.pack(&commit).await?;
        (commit.clone(), unpacked(&pack, &commit, &folder).map_err(|error| unreadable(&error))?)
    } else {
        return Err(failed("is reached by none of `https://`, `http://` and `file://`".into()));
    };
    if found.is_empty() {
        return Err(failed(format!("has no folder `{folder}` at {commit}")));
    }
    Ok((commit, found))
}

/// The files of a commit that came as a pack.
fn unpacked(pack: &[u8], commit: &str, folder: &str) -> Result<Vec<(String, Vec<u8>)>, SourceError> {
    let place = tempfile::tempdir().map_err(|source| SourceError::Io { path: std::env::temp_dir(), source })?;
    let git = git2::Repository::init_bare(place.path())?;
    let odb = git.odb()?;
    let mut writer = odb.packwriter()?;
    let written = writer.write_all(pack).map_err(|error| git2::Error::from_str(&error.to_string()));
    written.and_then(|()| writer.commit().map(drop))?;
    drop(writer);
    files(&git, Oid::from_str(commit)?, folder)
}

/// A server of git over HTTP.
struct GitServer<'n> {
    network: &'n Network,
    address: String,
    login: Option<Masked<String>>,
}

impl GitServer<'_> {
    /// The commit of a branch, a tag, or its own name.
    async fn commit(&self, revision: &str) -> Result<String, FetchError> {
        if revision.len() == 40 && revision.bytes().all(|it| it.is_ascii_hexdigit()) {
            return Ok(revision.to_lowercase());
        }
        let names = [format!("refs/tags/{revision}"), format!("refs/heads/{revision}"), revision.to_owned()];
        let mut lines = vec!["command=ls-refs\n".to_owned(), DELIMITER.to_owned(), "peel\n".to_owned()];
        lines.extend(names.iter().map(|name| format!("ref-prefix {name}\n")));
        let answer = self.ask(&lines, LARGEST_LIST).await?;
        let listed: Vec<Vec<String>> = packets(&answer)
            .into_iter()
            .map(|it| String::from_utf8_lossy(it).split_whitespace().map(str::to_owned).collect())
            .collect();
        let found = names.iter().find_map(|name| listed.iter().find(|words| words.get(1) == Some(name)));
        let words = found.ok_or_else(|| self.failed(format!("has no branch, tag or commit `{revision}`")))?;
        // What an annotated tag points to.
        let peeled = words.iter().find_map(|word| word.strip_prefix("peeled:"));
        Ok(peeled.map_or_else(|| words[0].clone(), str::to_owned))
    }

    /// Makes sure that the server speaks the version of the protocol that is spoken here, and goes on where it leads:
    /// to the repository under the name that it has now. A login stays with its host.
    async fn greet(&mut self) -> Result<(), FetchError> {
        let request = Request::get(format!("{}{GREETING}?service=git-upload-pack", self.address)).body(Vec::new());
        let answer = self.send(request, LARGEST_LIST).await?;
        if !packets(&answer.bytes).iter().any(|line| line.starts_with(b"version 2")) {
            return Err(self.failed("does not speak version 2 of git's protocol".into()));
        }
        if let Some(now) = answer.address.strip_suffix(GREETING) {
            if host(now) != host(&shown(&self.address)) {
                self.login = None;
            }
            now.clone_into(&mut self.address);
        }
        Ok(())
    }

    /// All objects of one commit.
    async fn pack(&self, commit: &str) -> Result<Vec<u8>, FetchError> {
        let want = format!("want {commit}\n");
        let lines = ["command=fetch\n", DELIMITER, "ofs-delta\n", "no-progress\n", "deepen 1\n", &want, "done\n"];
        let answer = self.ask(&lines.map(str::to_owned), LARGEST).await?;
        let mut pack = Vec::new();
        for line in packets(&answer) {
            match line.split_first() {
                Some((1, data)) => pack.extend_from_slice(data),
                Some((3, said)) => return Err(self.failed(format!("says: {}", String::from_utf8_lossy(said).trim()))),
                _ if line.starts_with(b"ERR ") => {
                    return Err(self.failed(format!("says: {}", String::from_utf8_lossy(&line[4..]).trim())));
                }
                _ => {}
            }
        }
        if pack.is_empty() { Err(self.failed(format!("does not give the commit {commit}"))) } else { Ok(pack) }
    }

    async fn ask(&self, lines: &[String], limit: usize) -> Result<Vec<u8>, FetchError> {
        let request = Request::post(format!("{}/git-upload-pack", self.address))
            .header(header::CONTENT_TYPE, "application/x-git-upload-pack-request")
            .header(header::ACCEPT, "application/x-git-upload-pack-result")
            .body(request(lines));
        Ok(self.send(request, limit).await?.bytes)
    }

    async fn send(&self, request: http::Result<Request<Vec<u8>>>, limit: usize) -> Result<Answer, FetchError> {
        let mut request = request.map_err(|_| NetworkError::Address { address: shown(&self.address) })?;
        request.headers_mut().insert("git-protocol", header::HeaderValue::from_static("version=2"));
        Ok(self.network.send(request, self.login.as_ref(), &Trust::default(), limit).await?)
    }

    fn failed(&self, problem: String) -> FetchError {
        FetchError::Git { address: shown(&self.address), problem }
    }
}

/// Lines as packets: their length in four hexadecimal digits before each.
fn request(lines: &[String]) -> Vec<u8> {
    let packet = |line: &String| if line == DELIMITER { line.clone() } else { format!("{:04x}{line}", line.len() + 4) };
    let all: String = lines.iter().map(packet).chain([FLUSH.to_owned()]).collect();
    all.into_bytes()
}

/// The packets of an answer, without those that only separate. What is cut off is left out.
fn packets(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = std::str::from_utf8(length).ok().and_then(|it| usize::from_str_radix(it, 16).ok());
        match length {
            Some(0..4) => bytes = rest,
            Some(length) if length - 4 <= rest.len() => {
                all.push(&rest[..length - 4]);
                bytes = &rest[length - 4..];
            }
            _ => break,
        }
    }
    all
}

/// An address without a password.
fn shown(address: &str) -> String {
    match address.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, host)| host)),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_packets_both_ways() {
        let bytes = request(&["command=ls-refs\n".into(), DELIMITER.into(), "peel\n".into()]);
        assert_eq!(bytes, b"0014command=ls-refs\n00010009peel\n0000");
        assert_eq!(packets(&bytes), [&b"command=ls-refs\n"[..], b"peel\n"]);
        for broken in [&b"00"[..], b"zzzz", b"ffffx", b"0005"] {
            assert!(packets(broken).is_empty());
        }
    }

    #[test]
    fn passwords_in_addresses_are_not_shown() {
        assert_eq!(shown("https://me:hunter2@example.com/a.git"), "https://example.com/a.git");
    }
}

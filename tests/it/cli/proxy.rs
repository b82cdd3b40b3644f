//! A door in front of the shared API server, which notes every request and can be shut at a chosen one.
//!
//! It speaks plain HTTP, and acts as the administrator or as whoever it is told to.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use kube::Client;
use kube::client::Body;

use crate::sandbox::shared;

/// A request that came to the door.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
}

/// What the door does with a request.
pub enum Answer {
    /// It goes through, and its answer comes back.
    Through,
    /// It goes through, and its answer is lost.
    Swallowed,
    /// It does not go through, and the connection ends.
    Refused,
    /// It does not go through, and the answer has this code and says this.
    Says(u16, &'static str),
    /// It does not go through, and the answer is that there is no such thing.
    Missing,
}

/// The door.
pub struct Proxy {
    address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    forbidden: Arc<Mutex<Vec<Seen>>>,
}

type Rule = Arc<dyn Fn(&Seen) -> Answer + Send + Sync>;

impl Seen {
    /// Whether the server would store what it says.
    pub fn is_write(&self) -> bool {
        let reads = matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS");
        !reads && !self.path.contains("dryRun=All") && !self.path.contains("/selfsubjectaccessreviews")
    }

    /// Whether it asks what an apply would do.
    pub fn is_dry_run(&self) -> bool {
        self.method == "PATCH" && self.path.contains("dryRun=All")
    }

    /// Whether it writes an object of this name, such as `configmaps/web`.
    pub fn writes(&self, object: &str) -> bool {
        let path = self.path.split('?').next().unwrap_or_default();
        self.is_write() && path.ends_with(object)
    }
}

impl Proxy {
    /// Opens a door that does what the rule says with each request.
    pub fn open(rule: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self::for_client(shared().client(), rule)
    }

    /// A door through which everything goes, to the server as this client.
    pub fn of(client: Client) -> Self {
        Self::for_client(client, |_| Answer::Through)
    }

    fn for_client(client: Client, rule: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let (rule, seen, forbidden): (Rule, _, _) = (Arc::new(rule), Arc::default(), Arc::default());
        let notes = (Arc::clone(&seen), Arc::clone(&forbidden));
        // Both kinds of threads end with the process, or when the other side goes.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (rule, notes, client) = (Arc::clone(&rule), notes.clone(), client.clone());
                std::thread::spawn(move || serve(stream, &rule, &notes, &client));
            }
        });
        Self { address, seen, forbidden }
    }

    /// A door through which everything goes.
    pub fn open_wide() -> Self {
        Self::open(|_| Answer::Through)
    }

    /// The address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The requests so far for which the rights were missing.
    pub fn forbidden(&self) -> Vec<Seen> {
        self.forbidden.lock().expect("no test panics here").clone()
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no test panics here").clone()
    }
}

type Notes = (Arc<Mutex<Vec<Seen>>>, Arc<Mutex<Vec<Seen>>>);

fn serve(stream: TcpStream, rule: &Rule, (seen_so_far, forbidden): &Notes, client: &Client) -> io::Result<()> {
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    loop {
        let Some((seen, headers, body)) = request(&mut reader)? else { return Ok(()) };
        seen_so_far.lock().expect("no test panics here").push(seen.clone());
        let answer = rule(&seen);
        if matches!(answer, Answer::Refused) {
            return Ok(());
        }
        if matches!(answer, Answer::Missing) {
            writer.write_all(MISSING)?;
            continue;
        }
        let (code, answered) = match answer {
            Answer::Says(code, said) => (code, status(code, said)),
            _ => forward(client, &seen, &headers, body),
        };
        if code == 403 {
            forbidden.lock().expect("no test panics here").push(seen.clone());
        }
        if matches!(answer, Answer::Swallowed) {
            return Ok(());
        }
        writer.write_all(&answered)?;
    }
}

/// What a server says about a path that it does not know.
const MISSING: &[u8] =
    b"HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\ncontent-length: 19\r\n\r\n404 page not found\n";

type Headers = Vec<(String, String)>;

fn request(reader: &mut impl BufRead) -> io::Result<Option<(Seen, Headers, Vec<u8>)>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (mut headers, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().map_err(io::Error::other)?,
            "transfer-encoding" => return Err(io::Error::other("chunks are not read here")),
            "accept" | "content-type" | "user-agent" => headers.push((name.to_owned(), value.to_owned())),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some((Seen { method, path }, headers, body)))
}

/// An answer as an API server refuses.
fn status(code: u16, said: &str) -> Vec<u8> {
    let body =
        serde_json::json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": said, "code": code});
    let body = body.to_string();
    let length = body.len();
    format!("HTTP/1.1 {code} Refused\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// The answer's status, and all of it.
fn forward(client: &Client, seen: &Seen, headers: &Headers, body: Vec<u8>) -> (u16, Vec<u8>) {
    let mut request = http::Request::builder().method(seen.method.as_str()).uri(&seen.path);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(Body::from(body)).expect("a request");
    let (head, body) = shared().block_on(async {
        let (head, body) = client.send(request).await.expect("an answer").into_parts();
        (head, body.collect_bytes().await.expect("a whole answer"))
    });
    let mut answer = format!("HTTP/1.1 {}\r\ncontent-length: {}\r\n", head.status, body.len()).into_bytes();
    for (name, value) in &head.headers {
        if ["content-type", "warning", "retry-after"].contains(&name.as_str()) {
            answer.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
    }
    answer.extend(b"\r\n");
    answer.extend(body);
    (head.status.as_u16(), answer)
}

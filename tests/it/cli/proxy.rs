//! A door in front of the shared API server, which notes every request and can be shut at a chosen one.
//!
//! It speaks plain HTTP, and acts as the administrator or as whoever it is told to.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

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
    /// When it came.
    pub at: Instant,
}

/// What the door does with a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It goes through, and its answer comes back.
    Through,
    /// It goes through, and its answer is lost.
    Swallowed,
    /// It does not go through, and the connection ends.
    Refused,
    /// It does not go through, and nothing is ever answered.
    Silence,
    /// It does not go through, and the answer has this code and says this.
    Says(u16, &'static str),
    /// It goes through, and the answer has this code all the same.
    Hides(u16, &'static str),
    /// It does not go through, and is to come again after so many seconds.
    Later(u64),
    /// It does not go through, and the answer is this old one.
    Old(Arc<Vec<u8>>),
    /// It does not go through, and the answer is that there is no such thing.
    Missing,
    /// The door does not even open, to this and any other, for so long.
    Gone(Duration),
    /// It is a watch that goes through, of which only these events come back.
    Watched(Events),
}

/// Which events of a watch come back, by their text.
#[derive(Clone)]
pub struct Events(pub Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Events")
    }
}

/// The door.
pub struct Proxy {
    address: String,
    notes: Arc<Notes>,
}

/// What came by.
#[derive(Default)]
struct Notes {
    seen: Mutex<Vec<Seen>>,
    /// What the server said, also where nobody was told.
    answered: Mutex<Vec<(Seen, u16)>>,
    /// How many are under way, and how many were at most.
    under_way: AtomicUsize,
    most: AtomicUsize,
    /// Until when nobody is let in.
    gone: Mutex<Option<Instant>>,
}

type Rule = Arc<dyn Fn(&Seen) -> Answer + Send + Sync>;

impl Seen {
    /// Whether the server would store what it says.
    pub fn is_write(&self) -> bool {
        let reads = matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS") || self.path.ends_with("/token");
        !reads && !self.path.contains("dryRun=All") && !self.path.contains("/selfsubject")
    }

    /// Whether it is a watch.
    pub fn is_watch(&self) -> bool {
        self.method == "GET" && (self.path.contains("watch=true") || self.path.contains("watch=1"))
    }

    /// Whether it asks what an apply would do.
    pub fn is_dry_run(&self) -> bool {
        self.method == "PATCH" && self.path.contains("dryRun=All")
    }

    /// The path without the query.
    pub fn bare_path(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// Whether it writes an object of this name, such as `configmaps/web`.
    pub fn writes(&self, object: &str) -> bool {
        self.is_write() && self.bare_path().ends_with(object)
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

    /// A door that does what the rule says, to the server as this client.
    pub fn for_client(client: Client, rule: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (rule, notes): (Rule, Arc<Notes>) = (Arc::new(rule), Arc::default());
        let kept = Arc::clone(&notes);
        // Both kinds of threads end with the process, or when the other side goes.
        std::thread::spawn(move || listen(listener, address, &rule, &kept, &client));
        Self { address: format!("http://{address}"), notes }
    }

    /// A door through which everything goes.
    pub fn open_wide() -> Self {
        Self::open(|_| Answer::Through)
    }

    /// The address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.notes.seen.lock().expect("no test panics here").clone()
    }

    /// The requests so far that the server got, and what it said.
    pub fn answered(&self) -> Vec<(Seen, u16)> {
        self.notes.answered.lock().expect("no test panics here").clone()
    }

    /// The requests so far for which the rights were missing.
    pub fn forbidden(&self) -> Vec<Seen> {
        self.answered().into_iter().filter_map(|(seen, code)| (code == 403).then_some(seen)).collect()
    }

    /// How many requests were under way at once, at most.
    pub fn most(&self) -> usize {
        self.notes.most.load(Ordering::SeqCst)
    }
}

impl Notes {
    fn gone(&self) -> Option<Instant> {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).filter(|until| *until > Instant::now())
    }

    /// Counts a request as under way, until the answer ends.
    fn count(&self) -> Counted<'_> {
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        Counted(self)
    }
}

struct Counted<'n>(&'n Notes);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Lets in who comes. While the door is gone, nobody listens at its address.
fn listen(mut listener: TcpListener, address: SocketAddr, rule: &Rule, notes: &Arc<Notes>, client: &Client) {
    loop {
        if let Some(until) = notes.gone() {
            drop(listener);
            std::thread::sleep(until.saturating_duration_since(Instant::now()));
            listener = TcpListener::bind(address).expect("the same port");
        }
        let Ok((stream, _)) = listener.accept() else { continue };
        let (rule, notes, client) = (Arc::clone(rule), Arc::clone(notes), client.clone());
        std::thread::spawn(move || serve(stream, address, &rule, &notes, &client));
    }
}

fn serve(stream: TcpStream, address: SocketAddr, rule: &Rule, notes: &Notes, client: &Client) -> io::Result<()> {
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    while let Some((seen, headers, body)) = request(&mut reader)? {
        // A sign of life of the lease is sent whatever else is under way.
        let counted = (!seen.path.contains("/leases")).then(|| notes.count());
        notes.seen.lock().expect("no test panics here").push(seen.clone());
        if notes.gone().is_some() {
            return Ok(());
        }
        let answer = rule(&seen);
        if seen.is_watch() && matches!(answer, Answer::Through | Answer::Watched(_)) {
            drop(counted);
            let all = Events(Arc::new(|_| true));
            let events = if let Answer::Watched(events) = answer { events } else { all };
            return watch(client, &seen, &headers, writer, notes, &events);
        }
        let goes = matches!(answer, Answer::Through | Answer::Swallowed | Answer::Hides(..));
        let mut through = None;
        if goes {
            let Some((code, bytes)) = forward(client, &seen, &headers, body) else { return Ok(()) };
            notes.answered.lock().expect("no test panics here").push((seen, code));
            through = Some(bytes);
        }
        let answered = match answer {
            Answer::Through | Answer::Watched(_) => through.unwrap_or_default(),
            Answer::Swallowed | Answer::Refused => return Ok(()),
            // The client ends it, and then there is nothing to read.
            Answer::Silence => return reader.fill_buf().map(drop),
            Answer::Says(code, said) | Answer::Hides(code, said) => status(code, said, ""),
            Answer::Later(seconds) => {
                status(429, "too many requests, please try again later", &format!("retry-after: {seconds}\r\n"))
            }
            Answer::Old(body) => body.to_vec(),
            Answer::Missing => MISSING.to_vec(),
            Answer::Gone(time) => {
                *notes.gone.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + time);
                // Whoever waits for the next one to come in has to see it.
                TcpStream::connect(address)?;
                return Ok(());
            }
        };
        drop(counted);
        writer.write_all(&answered)?;
    }
    Ok(())
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
            "accept" | "content-type" | "user-agent" | "authorization" | "impersonate-user" => {
                headers.push((name.to_owned(), value.to_owned()));
            }
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some((Seen { method, path, at: Instant::now() }, headers, body)))
}

/// An answer as an API server refuses.
fn status(code: u16, said: &str, header: &str) -> Vec<u8> {
    let reason = match code {
        409 => "Conflict",
        429 => "TooManyRequests",
        500 if !said.contains("typed patch object") => "InternalError",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "",
    };
    let body = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": said, "reason": reason, "code": code,
    });
    answer_of(code, header, &body.to_string())
}

/// A whole answer with a JSON body.
pub fn answer_of(code: u16, header: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {code} Said\r\ncontent-type: application/json\r\n{header}content-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// The answer's status, and all of it; `None` where the server does not answer.
fn forward(client: &Client, seen: &Seen, headers: &Headers, body: Vec<u8>) -> Option<(u16, Vec<u8>)> {
    let request = outgoing(seen, headers).map(|_| Body::from(body));
    let client = as_whom(client, headers);
    let (head, body) = shared().block_on(async {
        let (head, body) = client.send(request).await.ok()?.into_parts();
        Some((head, body.collect_bytes().await.ok()?))
    })?;
    let mut answer = format!("HTTP/1.1 {}\r\ncontent-length: {}\r\n", head.status, body.len()).into_bytes();
    for (name, value) in &head.headers {
        if ["content-type", "warning", "retry-after"].contains(&name.as_str()) {
            answer.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
    }
    answer.extend(b"\r\n");
    answer.extend(body);
    Some((head.status.as_u16(), answer))
}

fn outgoing(seen: &Seen, headers: &Headers) -> http::Request<Vec<u8>> {
    let mut request = http::Request::builder().method(seen.method.as_str()).uri(&seen.path);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.body(Vec::new()).expect("a request")
}

/// Who shows a token of his own is not the door's client.
fn as_whom(client: &Client, headers: &Headers) -> Client {
    let shows = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    if shows { shared().anonymous() } else { client.clone() }
}

/// Hands on the events of a watch as they come, until one side ends it.
fn watch(
    client: &Client,
    seen: &Seen,
    headers: &Headers,
    mut writer: TcpStream,
    notes: &Notes,
    events: &Events,
) -> io::Result<()> {
    use futures::{AsyncBufReadExt as _, StreamExt as _};
    let whom = as_whom(client, headers);
    let stream = shared().block_on(whom.request_stream(outgoing(seen, headers)));
    let Ok(stream) = stream else {
        let Some((code, bytes)) = forward(client, seen, headers, Vec::new()) else { return Ok(()) };
        notes.answered.lock().expect("no test panics here").push((seen.clone(), code));
        return writer.write_all(&bytes);
    };
    notes.answered.lock().expect("no test panics here").push((seen.clone(), 200));
    writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")?;
    let mut lines = Box::pin(stream).lines();
    while let Some(Ok(line)) = shared().block_on(lines.next()) {
        if notes.gone().is_some() {
            return Ok(());
        }
        if events.0(&line) {
            write!(writer, "{:x}\r\n{line}\n\r\n", line.len() + 1)?;
        }
    }
    writer.write_all(b"0\r\n\r\n")
}

//! Tests of `telemetry`: its server, by clients that are slow, loud or many.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use tokio::runtime::Runtime;
use weft::diagnostic::Diagnostic;
use weft::telemetry::{MetricsServer, PageResponse};

use crate::cases::{code, same};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("telemetry", "slow_clients_keep_nobody_waiting", slow_clients),
        code("telemetry", "a_taken_address_is_said", a_taken_address),
    ]
}

fn server() -> Result<(Runtime, SocketAddr), Failed> {
    let runtime = Runtime::new()?;
    let server =
        MetricsServer::bind(([127, 0, 0, 1], 0).into(), vec![("/page", Box::new(|| PageResponse::text("hello\n")))]);
    let server = runtime.block_on(server)?;
    let address = server.address();
    runtime.spawn(server.serve());
    Ok((runtime, address))
}

fn asked(address: SocketAddr, request: &[u8]) -> Result<String, Failed> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(request)?;
    let mut text = String::new();
    // The end of an answer may come as a reset, where the request was longer than what was read of it.
    let _ = stream.read_to_string(&mut text);
    Ok(text)
}

fn slow_clients() -> Result<(), Failed> {
    let (_runtime, address) = server()?;
    let mut idle: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(address)).collect::<Result<_, _>>()?;
    idle[0].write_all(b"GET /page HT")?;
    let began = Instant::now();
    let text = asked(address, b"GET /page HTTP/1.1\r\n\r\n")?;
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("\r\n\r\nhello\n"), "{text}");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let long = [b"GET /page HTTP/1.1\r\nX: ".as_slice(), &[b'a'; 8192]].concat();
    let text = asked(address, &long)?;
    assert!(text.starts_with("HTTP/1.1 431 "), "{text}");
    let mut text = String::new();
    idle[0].read_to_string(&mut text)?;
    assert!(text.is_empty(), "who sends no whole head gets no answer: {text}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    Ok(())
}

fn a_taken_address() -> Result<(), Failed> {
    let (runtime, address) = server()?;
    let error = runtime.block_on(MetricsServer::bind(address, Vec::new())).map(|_| ()).expect_err("it is taken");
    let expected = "error: cannot listen on ADDRESS\n  = cause: Address already in use (os error 98)\n  \
        = hint: Another process has it, or it is not one of this machine: name another one.\n";
    same("the error", expected, &Diagnostic::of(&error).to_string().replace(&address.to_string(), "ADDRESS"))
}

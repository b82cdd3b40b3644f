//! Clients by kube's settings, over connections of our own.

use std::error::Error;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use hyper::rt::{Read, Write};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::Builder;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::{ConfigExt as _, RustlsTlsError};
use tower::{BoxError, Service, ServiceBuilder};
use tower_http::decompression::DecompressionLayer;

pub(super) use kube::client::Body;
pub(super) use kube::{Client, Config};

/// How much of an answer, and of all answers of a connection, a server may send before it was taken, in bytes. Others wait
/// where one is not taken, so that all have room for many of one.
const ANSWER: u32 = 1 << 20;
const ANSWERS: u32 = 16 << 20;
/// After how long a silence a server is asked whether it is there (a PING of HTTP/2), and how long its answer may take: at
/// most so long, and a third of the time in which nothing may come. A connection that is dead would be used for every
/// request until the kernel gives it up, which takes a quarter of an hour.
const SILENCE: Duration = Duration::from_secs(10);

/// A client of these settings. It is the one that kube makes of them, without retries, but for its connections:
///
/// - Where the server speaks HTTP/2, all requests share one, as those of kubectl do. A handshake for each is most of what
///   short requests cost both sides.
/// - What is written is sent at once (`TCP_NODELAY`). Else the first request behind a resumed handshake waits until the
///   server acknowledges the end of that, for which it takes 40 ms.
pub fn client(config: Config) -> kube::Result<Client> {
    let mut direct = HttpConnector::new();
    direct.enforce_http(false);
    direct.set_nodelay(true);
    let Some(proxy) = config.proxy_url.clone() else { return over(direct, config) };
    match proxy.scheme_str() {
        Some("socks5") => over(SocksV5::new(proxy, direct), config),
        Some("http") => over(tunnel(proxy, direct), config),
        Some("https") => {
            let through = config.rustls_https_connector_with_connector(direct)?;
            over(tunnel(proxy, through), config)
        }
        _ => Err(kube::Error::ProxyProtocolUnsupported { proxy_url: Box::new(proxy) }),
    }
}

/// A way through a proxy, with the name and password that its address has.
fn tunnel<C>(proxy: Uri, connector: C) -> Tunnel<C> {
    let user = proxy.authority().and_then(|it| it.as_str().rsplit_once('@')).map(|(user, _)| user.to_owned());
    let tunnel = Tunnel::new(proxy, connector);
    let header = user.and_then(|user| {
        let plain: Vec<u8> = percent_encoding::percent_decode_str(&user).collect();
        let mut header = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(plain))).ok()?;
        header.set_sensitive(true);
        Some(header)
    });
    match header {
        Some(header) => tunnel.with_auth(header),
        None => tunnel,
    }
}

fn over<C>(connector: C, config: Config) -> kube::Result<Client>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: Connection + Read + Write + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: Error + Send + Sync + 'static,
{
    let mut connector = TimeoutConnector::new(secured(connector, &config)?);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(config.read_timeout);
    connector.set_write_timeout(config.write_timeout);
    connector.set_reset_reader_on_write(config.reset_reader_on_write);
    let mut transport = Builder::new(TokioExecutor::new());
    transport.timer(TokioTimer::new()).http2_initial_stream_window_size(ANSWER);
    transport.http2_initial_connection_window_size(ANSWERS);
    let silence = config.read_timeout.map_or(SILENCE, |it| SILENCE.min(it / 3));
    transport.http2_keep_alive_interval(silence).http2_keep_alive_timeout(silence);
    let transport = transport.build::<_, Body>(connector);
    let decompression = DecompressionLayer::new().no_br().no_deflate().no_zstd().gzip(!config.disable_compression);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(decompression)
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(transport);
    Ok(Client::new(service, config.default_namespace))
}

/// TLS over a connection. It is kube's own, which offers HTTP/1.1 alone.
fn secured<C>(connector: C, config: &Config) -> kube::Result<HttpsConnector<C>> {
    let mut builder = HttpsConnectorBuilder::new().with_tls_config(config.rustls_client_config()?).https_or_http();
    if let Some(name) = config.tls_server_name.clone() {
        let name = name.try_into().map_err(RustlsTlsError::InvalidServerName).map_err(kube::Error::RustlsTls)?;
        builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    Ok(builder.enable_all_versions().wrap_connector(connector))
}

//! Clients by kube's settings, over connections of our own.

use std::error::Error;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use hyper::rt::{Read, Write};
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::Builder;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt as _};
use kube::{Client, Config};
use tower::{BoxError, Service, ServiceBuilder};
use tower_http::decompression::DecompressionLayer;

/// A client of these settings. It is the one that kube makes of them, without retries, but for its connections: what is
/// written is sent at once (`TCP_NODELAY`). Else the first request behind a resumed handshake waits until the server
/// acknowledges the end of that, for which it takes 40 ms.
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
    let mut connector = TimeoutConnector::new(config.rustls_https_connector_with_connector(connector)?);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(config.read_timeout);
    connector.set_write_timeout(config.write_timeout);
    connector.set_reset_reader_on_write(config.reset_reader_on_write);
    let transport = Builder::new(TokioExecutor::new()).build::<_, Body>(connector);
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

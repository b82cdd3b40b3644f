//! Requests to servers that are no API server: chart repositories, registries, git hosts, the releases of programs.
//!
//! One client for all of them, over the same connections, certificates and proxies as those to a cluster. An answer has
//! a largest size, a redirect takes no password to another host, and a server that says nothing is not waited for.

mod client;
mod error;
mod proxy;
mod server;
mod stack;

use std::future::Future;
use std::sync::OnceLock;
use std::thread;

use tokio::runtime::Runtime;

pub(crate) use self::client::join;
pub use self::client::{Answer, Network, Trust};
pub use self::error::{NetworkError, WrongProxy};
pub use self::proxy::Proxies;
pub use self::server::{Limits, serve};
pub use self::stack::client;

/// Waits for work on the network, from within a runtime or without one.
pub fn wait<T: Send>(work: impl Future<Output = T> + Send) -> Result<T, NetworkError> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = if let Some(runtime) = RUNTIME.get() {
        runtime
    } else {
        let new = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let new = new.map_err(NetworkError::Runtime)?;
        RUNTIME.get_or_init(|| new)
    };
    // A thread of a runtime may not wait for another runtime, but for a thread.
    let ended = thread::scope(|scope| scope.spawn(|| runtime.block_on(work)).join());
    Ok(ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
}

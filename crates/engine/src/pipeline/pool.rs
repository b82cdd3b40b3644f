//! The one place where pure work runs on several threads.

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use tokio::sync::oneshot;

use weft_base::diagnostic::Failure;

/// Runs a pure function for each item, on all cores. The results keep the order of the items; where some fail, all
/// that is wrong is reported.
pub(super) fn each<T: Send, R: Send>(
    items: impl IntoIterator<Item = T>,
    work: impl Fn(T) -> Result<R, Failure> + Sync + Send,
) -> Result<Vec<R>, Failure> {
    let items: Vec<T> = items.into_iter().collect();
    let results: Vec<_> = items.into_par_iter().map(work).collect();
    Failure::collect(results)
}

/// Runs two functions side by side.
pub(super) fn both<A: Send, B: Send>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B + Send) -> (A, B) {
    rayon::join(one, other)
}

/// Runs a pure function on the pool, so that the runtime can go on with what arrives meanwhile.
pub(super) async fn run<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    let (send, receive) = oneshot::channel();
    rayon::spawn(move || {
        // Whoever no longer waits does not want the answer.
        let _ = send.send(work());
    });
    match receive.await {
        Ok(result) => result,
        // The pool runs all that it is given, and work that panics ends the process.
        Err(_) => std::future::pending().await,
    }
}

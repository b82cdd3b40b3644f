//! The one place where pure work runs on several threads.

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use crate::diagnostic::Failure;

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

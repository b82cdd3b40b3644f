//! The parts of one rendering that can be done at once.

use std::sync::OnceLock;

/// Does a work for each number below a count, in any order and on any threads. Whoever has threads hands it in.
pub type Cores = fn(usize, &(dyn Fn(usize) + Sync));

/// One after the other, on this thread.
pub(super) fn in_turn(count: usize, work: &(dyn Fn(usize) + Sync)) {
    (0..count).for_each(work);
}

/// The results of a function, in the order of the items.
pub(super) fn each<T: Sync, R: Send + Sync>(cores: Cores, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let results: Vec<OnceLock<R>> = items.iter().map(|_| OnceLock::new()).collect();
    cores(items.len(), &|at| {
        results[at].get_or_init(|| work(&items[at]));
    });
    results.into_iter().zip(items).map(|(result, item)| result.into_inner().unwrap_or_else(|| work(item))).collect()
}

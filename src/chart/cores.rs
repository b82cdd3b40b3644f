//! The parts of one rendering that can be done on several cores.

use rayon::prelude::*;

/// The results of a function, in the order of the items. It runs on all cores, unless this rendering is one of many that
/// have them all: what a rendering looks at is noted on its thread, which is not to begin another one meanwhile.
pub fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    match items {
        [_, _, ..] if rayon::current_thread_index().is_none() => items.par_iter().map(work).collect(),
        _ => items.iter().map(work).collect(),
    }
}

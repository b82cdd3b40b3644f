//! Go's own functions.

use super::call::Function;

/// All of them but `and` and `or`, which are the evaluator's, since they may leave arguments alone.
pub(super) static FUNCTIONS: &[Function] = &[];

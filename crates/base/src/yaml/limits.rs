//! What a text may ask of this machine.

use super::Rules;

/// How deep lists and maps may nest. The deepest manifest of public charts has 32 levels; the JSON that a server answers
/// in is read down to 128, too; and recursion over so many levels fits the stack of every thread.
pub(super) const DEPTH: usize = 128;

/// How many bytes of text copies of aliased nodes may hold in one document.
pub(super) const ALIAS_BYTES: usize = 64 << 20;

/// How long a text may be, in bytes. Nobody writes 16 MiB by hand; rendered manifests may be larger, while the server
/// takes at most 3 MiB an object.
pub(super) const fn size(rules: Rules) -> usize {
    match rules {
        Rules::Strict => 16 << 20,
        Rules::Kubernetes | Rules::Kustomize => 64 << 20,
    }
}

/// How many nodes of `all` may come from aliases before the document is a bomb; the rule of Go's library: 99 % of small
/// documents, down to a tenth of very large ones, and always about 400,000 at most.
pub(super) fn allowed_aliases(all: usize) -> usize {
    const LOW: usize = 400_000;
    const HIGH: usize = 4_000_000;
    match all {
        0..=1_000 => all,
        1_001..=LOW => all / 100 * 99 + all % 100 * 99 / 100,
        HIGH.. => all / 10,
        _ => all / 1_000 * (990 - 890 * (all - LOW) / (HIGH - LOW)),
    }
}

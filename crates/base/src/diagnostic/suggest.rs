//! The nearest known name to one that is not known.

/// The candidate that somebody most likely meant: few letters away, measured against the length of the name.
pub fn nearest<'c>(unknown: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&unknown.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (unknown.len().max(candidate.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_names_are_suggested() {
        assert_eq!(nearest("namespce", ["name", "namespace", "needs"]), Some("namespace"));
        assert_eq!(nearest("zzz", ["name", "namespace"]), None);
    }
}

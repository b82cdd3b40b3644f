//! Numbers of things.

/// `1 Secret`, `3 Secrets`, `2 Ingresses`, `2 NetworkPolicies`.
pub fn counted(count: usize, noun: &str) -> String {
    let before = noun.strip_suffix('y').filter(|it| !it.ends_with(['a', 'e', 'o', 'u']));
    match before {
        _ if count == 1 => format!("1 {noun}"),
        Some(stem) => format!("{count} {stem}ies"),
        None if noun.ends_with("ss") => format!("{count} {noun}es"),
        None if noun.ends_with('s') => format!("{count} {noun}"),
        None => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_plurals() {
        let nouns = ["Secret", "Ingress", "NetworkPolicy", "Endpoints", "Gateway"].map(|noun| counted(2, noun));
        assert_eq!(nouns.join(" "), "2 Secrets 2 Ingresses 2 NetworkPolicies 2 Endpoints 2 Gateways");
        assert_eq!(counted(1, "Ingress"), "1 Ingress");
    }
}

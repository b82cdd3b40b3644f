//! Names of environments and releases.

/// The longest name: Helm's limit for releases, so that names derived from it stay valid.
const LONGEST: usize = 53;

/// A name that an environment or a release may have.
pub fn label(text: &str) -> String {
    let plain: String = text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let cut: String = plain.trim_matches('-').chars().take(LONGEST).collect();
    if cut.is_empty() { "app".to_owned() } else { cut.trim_end_matches('-').to_owned() }
}

/// The same, but unlike every name that is `taken`.
pub fn unique(text: &str, taken: impl Fn(&str) -> bool) -> String {
    let name = label(text);
    if !taken(&name) {
        return name;
    }
    let numbered = |number: u32| {
        let end = format!("-{number}");
        let start: String = name.chars().take(LONGEST - end.len()).collect();
        start.trim_end_matches('-').to_owned() + &end
    };
    (2..u32::MAX).map(numbered).find(|it| !taken(it)).unwrap_or_else(|| name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_labels() {
        assert_eq!(label("My_App.v1"), "my-app-v1");
        assert_eq!(label("--"), "app");
        assert_eq!(label(&"a-".repeat(40)).len(), 53);
    }

    #[test]
    fn a_name_is_given_once() {
        assert_eq!(unique("Web", |it| it == "web" || it == "web-2"), "web-3");
        let long = "x".repeat(60);
        let name = unique(&long, |it| it.len() == 53 && !it.ends_with("-2"));
        assert_eq!(name.len(), 53);
        assert!(name.ends_with("-2"));
    }
}

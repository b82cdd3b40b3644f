//! Names that Kubernetes accepts.

use minijinja::Error;
use minijinja::value::Rest;

use super::encoding::hash8_of;
use crate::convert::invalid;
use crate::trace::unmarked;

/// The longest name of most kinds, and of every label: RFC 1123's.
const LONGEST: usize = 63;

/// `k8s_name("app", release.name)`: the parts joined by `-`, in lower case, with `-` for what a name may not hold. A
/// longer one than 63 characters ends in a hash of the whole, so that two long names never meet.
pub fn k8s_name(parts: Rest<String>) -> Result<String, Error> {
    let whole = parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("-");
    let name: String = unmarked(&whole)
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
        .collect();
    let name = name.trim_matches('-');
    if name.is_empty() {
        return Err(invalid("a name needs at least one letter or digit"));
    }
    if name.len() <= LONGEST {
        return Ok(name.to_owned());
    }
    let head = name[..LONGEST - 9].trim_end_matches('-');
    Ok(format!("{head}-{}", hash8_of(&whole)))
}

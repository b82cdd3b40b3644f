//! Which release an object belongs to, as `ApplySet`s (KEP-3659) say it: a label with the set's id.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// The label of a member: the id of its set.
pub const PART_OF: &str = "applyset.kubernetes.io/part-of";

/// The name of the Secret that holds the inventory of a release: the parent of its set.
pub fn inventory_name(environment: &str, release: &str) -> String {
    // Neither name has a dot, so no two releases share a name.
    format!("weft.{environment}.{release}").to_lowercase()
}

/// The id of a set, from its parent: a Secret of this name in the namespace that keeps the state.
pub fn apply_set_id(state_namespace: &str, inventory_name: &str) -> String {
    // <name>.<namespace>.<kind>.<group>, and Secrets are of the core group.
    let parent = format!("{inventory_name}.{state_namespace}.Secret.");
    format!("applyset-{}-v1", URL_SAFE_NO_PAD.encode(Sha256::digest(parent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_fits_a_label() {
        let id = apply_set_id("weft-system", &inventory_name("dev", "app"));
        assert!(id.starts_with("applyset-") && id.ends_with("-v1") && id.len() <= 63, "{id}");
        assert_ne!(id, apply_set_id("weft-system", &inventory_name("dev", "app2")));
    }
}

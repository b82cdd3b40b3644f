//! What the server's typed objects make of zero values. OpenAPI does not tell.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Zero;
use super::table::rows;

const TABLE: &str = include_str!("zeros.tsv");

/// How the names of the types begin that are Go structs of Kubernetes itself.
const PACKAGES: [&str; 4] =
    ["io.k8s.api.", "io.k8s.apimachinery.", "io.k8s.apiextensions-apiserver.", "io.k8s.kube-aggregator."];

static FIELDS: LazyLock<HashMap<(&str, &str), Zero>> = LazyLock::new(|| {
    let row = |[name, kept, shown]: [&'static str; 3]| {
        let each = |fields: &'static str, zero| fields.split(',').map(move |field| ((name, field), zero));
        each(kept, Zero::Kept).chain(each(shown, Zero::Shown))
    };
    rows::<3>(TABLE).flat_map(row).collect()
});

/// What becomes of a zero value of a field of a type. What is no type of Kubernetes itself is stored as it is written.
pub fn of(name: &str, field: &str) -> Zero {
    if !PACKAGES.iter().any(|package| name.starts_with(package)) {
        return Zero::Kept;
    }
    FIELDS.get(&(name, field)).copied().unwrap_or(Zero::Dropped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_of_pointers_stay_and_others_are_left_out() {
        let of = |name: &str, field: &str| of(&format!("io.k8s.api.{name}"), field);
        assert_eq!(of("apps.v1.DeploymentSpec", "replicas"), Zero::Kept);
        assert_eq!(of("apps.v1.DeploymentSpec", "paused"), Zero::Dropped);
        assert_eq!(of("core.v1.EnvVar", "value"), Zero::Dropped);
        assert_eq!(of("core.v1.Volume", "emptyDir"), Zero::Kept);
        assert_eq!(of("rbac.v1.Role", "rules"), Zero::Shown);
        assert_eq!(super::of("com.example.v1.Loom", "size"), Zero::Kept);
    }
}

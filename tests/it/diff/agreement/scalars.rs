//! Values that hurt, and what all objects have.

use serde_json::{Value as Json, json};

use super::dice::{Dice, Fields};

/// Texts that some reader takes for something else.
pub const TEXTS: [&str; 12] =
    ["", "a", "b", "on", "1", "1e3", "0x10", "null", "ünï→码 🦀", " spaced ", "two\nlines\n", "$(A) ${B} \"quoted\""];

/// Numbers at the edges.
pub const INTEGERS: [i64; 7] = [0, 1, -1, 80, 9_007_199_254_740_993, i64::MAX, i64::MIN];

/// Floats, of which some are whole.
pub const FLOATS: [f64; 7] = [0.0, 0.5, 1.0, -0.25, 1e21, 1e-7, 0.1];

/// Labels, some with a prefix. Their values are valid as labels.
pub fn labels(d: &Dice, percent: u64) -> Json {
    let mut map = serde_json::Map::new();
    for key in ["a", "b.c", "example.com/d.e", "x_y"] {
        if d.chance(key, percent) {
            map.insert(key.to_owned(), d.at(key).pick("value", &["", "1", "v", "true", "a.b-c_d"]).into());
        }
    }
    map.into()
}

/// What stands in `metadata` beside the name.
pub fn metadata(d: &Dice, name: &str) -> Json {
    Fields::new(d)
        .always("name", |_| name.into())
        .maybe("labels", 50, |d| labels(d, 40))
        .maybe("annotations", 40, |d| {
            let mut map = serde_json::Map::new();
            for key in ["note", "example.com/a.b", "a/b-c"] {
                if d.chance(key, 50) {
                    map.insert(key.to_owned(), d.at(key).pick("value", &TEXTS).into());
                }
            }
            map.into()
        })
        .maybe("finalizers", 8, |d| json!(d.some("names", &["example.com/a", "example.com/b", "example.com/c"], 0, 50)))
        .maybe("ownerReferences", 8, |d| {
            d.some("owners", &["one", "two"], 0, 60)
                .into_iter()
                .map(|owner| {
                    Fields::new(&d.at(owner))
                        .always("apiVersion", |_| "example.com/v1".into())
                        .always("kind", |_| "Owner".into())
                        .always("name", |_| owner.into())
                        .always("uid", |_| {
                            format!("00000000-0000-0000-0000-00000000{:04x}", u32::from(owner.as_bytes()[0])).into()
                        })
                        .flag("blockOwnerDeletion", 40)
                        .done()
                })
                .collect()
        })
        .done()
}

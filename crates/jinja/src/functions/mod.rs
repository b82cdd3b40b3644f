//! The functions for Kubernetes work. Most are filters and functions alike: `x | toyaml` and `toyaml(x)`.
//!
//! None of them knows the time, draws at random or looks at the machine: the same values give the same text.

#![allow(clippy::needless_pass_by_value, reason = "the engine hands arguments over by value")]

mod checks;
mod encoding;
mod lookup;
mod maps;
mod names;
mod patterns;
mod templates;
mod text;
mod yaml;

use minijinja::Environment;

/// Lists functions once: to register each as a filter and as a function, and to name them.
macro_rules! functions {
    ($($name:literal => $function:path),* $(,)?) => {
        fn register_both(environment: &mut Environment) {
            $(
                environment.add_filter($name, $function);
                environment.add_function($name, $function);
            )*
        }

        /// The names of the functions, for suggestions.
        pub fn names() -> impl Iterator<Item = &'static str> {
            [$($name),*].into_iter().chain(["fail", "include", "checksum", "labels", "range", "dict", "namespace"])
        }
    };
}

functions! {
    // Formats.
    "toyaml" => yaml::toyaml,
    "fromyaml" => yaml::fromyaml,
    "tojson" => encoding::tojson,
    "fromjson" => encoding::fromjson,
    "b64encode" => encoding::b64encode,
    "b64decode" => encoding::b64decode,
    "sha256" => encoding::sha256,
    "sha1" => encoding::sha1,
    "hash8" => encoding::hash8,
    // Text.
    "indent" => text::indent,
    "nindent" => text::nindent,
    "quote" => text::quote,
    "squote" => text::squote,
    "k8s_name" => names::k8s_name,
    "regex_match" => patterns::regex_match,
    "regex_find" => patterns::regex_find,
    "regex_replace" => patterns::regex_replace,
    "semver_match" => patterns::semver_match,
    // Maps.
    "merge" => maps::merge,
    "pick" => maps::pick,
    "omit" => maps::omit,
    "dig" => lookup::dig,
    "get" => lookup::dig,
    // Choices.
    "default" => checks::default,
    "coalesce" => checks::coalesce,
    "ternary" => checks::ternary,
    "required" => checks::required,
}

/// Adds all of them to an environment, in place of the engine's own of the same name.
pub fn register(environment: &mut Environment) {
    register_both(environment);
    environment.add_filter("d", checks::default);
    environment.add_filter("string", text::string);
    environment.add_filter("join", text::join);
    environment.add_test("semver", patterns::semver_match);
    environment.add_function("fail", checks::fail);
    environment.add_function("include", templates::include);
    environment.add_function("checksum", templates::checksum);
    // They print all values, secrets among them.
    environment.remove_global("debug");
    environment.remove_filter("pprint");
}

//! Policies without a cluster, and where forges look for what is found.

use libtest_mimic::Failed;
use serde_json::Value as Json;

use super::Site;
use crate::cases::same;

/// Rules judge what is rendered, and say what they would need to judge more.
pub fn without_a_cluster() -> Result<(), Failed> {
    let site = Site::new();
    site.desk.write("environments/defaults.yaml", "values: {team: red}\n");
    site.desk.write(
        "policies/a.yaml",
        "rules:\n- {name: greeting, kinds: [ConfigMap], deny: object.data.greeting == 'Bye', message: no farewells}\n\
         - {name: where, warn: environment.cluster == '', message: none}\n\
         - {name: new, approve: old == null, message: it is new}\n",
    );
    site.commit("rules");
    site.expect("validate dev", 0)?.says("The rule `new` (policies/a.yaml:4:3) was not judged: it reads `old`")?;
    site.desk.write("environments/dev/values/one.yaml", "greeting: Bye\n");
    let found = site.expect("validate dev", 1)?;
    found.says("denied: ConfigMap apps/one: no farewells (rule greeting)\n --> charts/web/templates/web.yaml.j2:1")?;
    found.says("dev: 3 objects of 2 releases: 1 finding of policies that deny")?;
    let log: Json = serde_json::from_str(&site.expect("validate dev -o sarif", 1)?.stdout)?;
    let results = log["runs"][0]["results"].as_array().ok_or("no results")?;
    let told: Vec<String> = results.iter().map(|it| format!("{} {}", it["level"], it["ruleId"])).collect();
    same("what is told", "\"error\" \"policy/greeting\", \"note\" \"unjudged\"", &told.join(", "))?;

    site.expect("validate dev -o junit", 1)?.says("tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"1\"")?;

    let change = site.expect("diff dev --from HEAD", 4)?;
    change.says("refused: `ConfigMap apps/one`: no farewells, by the rule `greeting`")?;
    change.says("The rule `where` (policies/a.yaml:3:3) was not judged: it reads `environment.cluster`")?;
    site.expect("diff dev --from HEAD --release two", 0)?.says("nothing to change")?;
    site.commit("second");
    site.expect("ci plan dev --base HEAD~1 --render-only", 4)?.says("no farewells")?.says("refused for 1 reason")?;
    site.expect("ci plan production --base HEAD~1 --render-only", 0)?;
    site.desk.write("environments/new/environment.yaml", "releases: [{name: a, namespace: new, chart: web}]\n");
    site.expect("diff new --from HEAD", 0)?.says("needs approval: ConfigMap new/a: it is new").map(drop)
}

/// Forges count paths from the top of a repository, wherever in it the project is.
pub fn where_forges_look() -> Result<(), Failed> {
    let site = Site::new();
    site.project("teams/a/");
    site.desk.write("teams/a/environments/dev/values/one.yaml", "greeting: Hi\nunread: 1\n");
    site.commit("more");
    let uris = |arguments: &str, code: i32| -> Result<String, Failed> {
        let log: Json = serde_json::from_str(&site.expect(arguments, code)?.stdout)?;
        let results = log["runs"][0]["results"].as_array().ok_or("no results")?;
        let uri = |it: &Json| it["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].to_string();
        Ok(results.iter().map(uri).collect::<Vec<_>>().join(" "))
    };
    let below = "\"teams/a/environments/dev/values/one.yaml\"";
    for arguments in
        ["validate dev -C teams/a", "validate dev -C teams/a/charts --at HEAD", "validate dev --at HEAD:teams/a"]
    {
        let found = uris(&format!("{arguments} -o sarif"), 1)?;
        assert!(found.contains(below), "{arguments}: {found}");
    }
    let here = uris("validate dev -o sarif", 1)?;
    assert!(here.starts_with("\"environments/") && !here.contains("teams"), "{here}");
    site.expect("validate dev -C teams/a -o github", 1)?
        .says("::error file=teams/a/environments/dev/values/one.yaml,")?;
    site.expect("validate dev -C teams/a -o junit", 1)?.says(" file=\"teams/a/environments/dev/values/one.yaml\"")?;
    site.expect("diff dev -C teams/a --from HEAD~1 -o junit", 0)?.says(" file=\"teams/a/charts/web/")?;
    site.expect("validate dev -C teams/a -o gitlab", 1)?.says("\"path\": \"teams/a/environments/dev/")?;
    site.desk.write("teams/a/environments/production/environment.yaml", "releases: []\n");
    let gone = "\"teams/a/environments/production/environment.yaml\"";
    let found = uris("diff production -C teams/a --from HEAD -o sarif", 0)?;
    assert!(found.contains(gone), "{found}");
    let found = uris("diff dev production -C teams/a --from HEAD -o sarif", 0)?;
    assert!(found.contains(gone), "{found}");
    site.expect("compare dev production -C teams/a -o github", 0)?.says(" file=teams/a/").map(drop)
}

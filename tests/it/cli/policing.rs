//! Rules of the repository against a real API server: denied, approved, said; and the forms that tell of them.

use libtest_mimic::{Failed, Trial};
use serde_json::Value as Json;

use super::site::Site;
use crate::cases::{code, same};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "policies_deny_approve_and_warn", deny_approve_and_warn),
        code("cli", "policies_that_cannot_be_read_stop_every_command", broken),
        code("cli", "reports_for_forges_and_browsers", forms),
    ]
}

fn policy(site: &Site, rule: &str) {
    site.desk.write("policies/a.yaml", format!("rules:\n- {{name: greeting, {rule}}}\n"));
}

const NOT_MOIN: &str = "kinds: [ConfigMap], deny: object != null && object.data.greeting != 'Moin', \
    messageExpression: \"object.data.greeting + ' is no greeting'\"";

fn deny_approve_and_warn() -> Result<(), Failed> {
    let site = Site::with_web("policy");
    policy(&site, NOT_MOIN);
    let denied = site.expect("plan dev", 4)?;
    denied.says("refused: `ConfigMap ")?.says("Hello is no greeting, by the rule `greeting`")?;
    denied.says("policies/a.yaml:2:3")?;
    site.expect("apply dev --yes", 4)?.says("refused for 1 reason")?;
    same("nothing was applied", "None", &format!("{:?}", site.data("web")))?;

    policy(&site, "approve: change.action == 'create', message: it is new");
    let plan = site.expect("plan dev", 0)?;
    plan.says("needs approval: ")?;
    let digest = plan.stdout.lines().find_map(|line| line.strip_prefix("digest: ")).ok_or("no digest")?.to_owned();
    let asked = site.expect("apply dev --yes", 4)?;
    asked.says("rules of the repository ask for its approval: `greeting`")?.says(&format!("--approve {digest}"))?;
    site.expect(&format!("apply dev --approve {digest}"), 0)?
        .says("dev: 1 applied")?
        .says(&format!("approved with --approve {digest} by "))?;

    site.desk.write("environments/dev/values/web.yaml", "greeting: Tach\n");
    policy(&site, "warn: object.data.greeting != 'Moin', message: it is no greeting");
    site.expect("plan dev -o saved.json", 0)?.says("policy: ConfigMap ")?.says("it is no greeting (rule greeting)")?;
    policy(&site, NOT_MOIN);
    site.expect("apply --plan saved.json --yes", 4)?.says("Tach is no greeting")?;
    site.expect("destroy dev --yes", 0)?.says("1 deleted").map(drop)
}

fn broken() -> Result<(), Failed> {
    let site = Site::with_web("policy-broken");
    policy(&site, "deny: objct == null, message: none");
    for arguments in ["plan dev", "apply dev --yes"] {
        let run = site.expect(arguments, 1)?;
        run.says("error: `objct` is not known")?.says(" --> policies/a.yaml:2:26")?.says("Did you mean `object`?")?;
    }
    let run = site.desk.run(["validate", "dev"]);
    run.ends_with(1)?;
    run.says("error: `objct` is not known").map(drop)
}

fn forms() -> Result<(), Failed> {
    let site = Site::with_web("forms");
    policy(&site, "warn: change.action == 'create', message: it is new");
    site.expect("plan dev -o github", 0)?.says("::warning file=charts/web/templates/all.yaml.j2,line=1,")?;
    let log: Json = serde_json::from_str(&site.expect("plan dev -o sarif", 0)?.stdout)?;
    let of_chart = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    same("where", "\"charts/web/templates/all.yaml.j2\"", &of_chart["artifactLocation"]["uri"].to_string())?;
    let issues: Json = serde_json::from_str(&site.expect("plan dev -o gitlab", 0)?.stdout)?;
    same("the rule", "\"policy/greeting\"", &issues[0]["check_name"].to_string())?;
    site.expect("plan dev -o junit", 0)?.says("<testsuite name=\"dev/web\" tests=\"")?;
    let page = site.expect("plan dev -o html", 0)?;
    page.says("<!doctype html>")?.says("<code>+ ConfigMap")?;
    let short = site.expect("plan dev -o markdown --budget 500 --whole whole.md", 0)?;
    short.says("_Shortened to 500 bytes; ")?.says("All of it is in <code>whole.md</code>.")?;
    assert!(short.stdout.len() <= 500, "{}", short.stdout);
    let whole = std::fs::read_to_string(site.desk.project().join("whole.md"))?;
    assert!(whole.contains("greeting: Hello") && !whole.contains("Shortened"), "{whole}");
    site.desk.write("environments/dev/values/web.yaml", "greting: Tach\n");
    let run = site.desk.run(["validate", "dev", "-o", "github"]);
    run.ends_with(1)?;
    run.says("::error file=environments/dev/values/web.yaml,line=1,")?.says("validate/unread")?;
    let old = site.desk.run(["validate", "dev", "--kubernetes", "1.12"]);
    old.ends_with(1)?;
    old.says("the kinds of the releases 1.20 to 1.36 are known").map(drop)
}

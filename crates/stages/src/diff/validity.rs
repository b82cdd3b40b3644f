//! What a server would refuse of an object about which it cannot be asked.

use super::secrecy::mask_like;
use super::{Judged, ObjectComparison, Verdict};
use weft_base::value::Value;
use weft_schema::{Schemas, Subject, builtin_schemas};

/// Validates an object that is only predicted, or that the server refuses: then the rule of its definition may say
/// which field cannot change. What could not be checked becomes part of the reason of the prediction.
pub fn check(comparison: &mut ObjectComparison, schemas: &Schemas) {
    let judged = matches!(comparison.judged, Judged::Predicted(_) | Judged::Refused(_));
    let Some(object) = comparison.desired.clone().filter(|_| judged) else { return };
    if !matches!(comparison.verdict, Verdict::Create | Verdict::Update) {
        return;
    }
    let known = schemas.of(&object.gvk).is_some();
    let schemas = if known { schemas } else { builtin_schemas() };
    // What the comparison keeps has fingerprints where secrets were: they are masked again.
    let masked = |value: &Value| {
        let mut value = value.clone();
        mask_like(&mut value, &object.body, schemas.of(&object.gvk));
        value
    };
    let live = comparison.live.as_ref().map(|live| masked(&live.body));
    let after = match &live {
        Some(_) => comparison.after.as_deref().map(masked),
        None => None,
    };
    let subject = Subject { desired: &object.body, after: after.as_ref().unwrap_or(&object.body), live: live.as_ref() };
    let found = schemas.validate(&object.gvk, subject);
    comparison.violations = found.violations;
    if let Judged::Predicted(reason) = &mut comparison.judged {
        for unchecked in found.unchecked {
            *reason = format!("{reason}; {unchecked}");
        }
    }
}

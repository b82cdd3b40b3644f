//! What is remembered of an apply, and the proof that nothing has changed since.

use std::borrow::Cow;

use data_encoding::HEXLOWER;

use super::ownership::{is_ours, ours};
use super::{Fields, LiveObject, Recorded, canonical, projection};
use crate::manifest::Object;
use weft_base::masked::FingerprintKey;
use weft_base::value::{Data, Entry, Value};
use weft_schema::Type;
use weft_schema::fields::FieldSet;

/// What stands in [`Recorded::applied`] in place of a secret: this, and the keyed digest of its value in hex.
pub const DIGEST: &str = "weft:hmac:";

/// What to remember after an apply, from the server's response to it.
pub fn record(object: &Object, response: &LiveObject, key: &FingerprintKey) -> Recorded {
    // A response whose fields cannot be read proves nothing later; it only costs a dry run.
    let owned = ours(response).unwrap_or_default();
    Recorded {
        uid: uid(&response.body).unwrap_or_default().to_owned(),
        desired: canonical::digest(&object.body, key),
        owned: text_digest(Fields::from(&owned).text(), key),
        projection: projection_of(&response.body, &owned, key).digest,
        applied: without_secrets(&object.body, key).into(),
    }
}

/// Whether nothing that we own or want has changed since the record was made: it is the same object, the repository
/// wants the same, we own the same fields, and they have the same values. An object that is being deleted proves
/// nothing, nor does one of which the next apply would bring what this one did not. (Recorded projection; research calls
/// it proof B.)
pub fn proven(
    object: &Object,
    live: &LiveObject,
    recorded: &Recorded,
    shape: Option<Type<'_>>,
    key: &FingerprintKey,
) -> bool {
    let same = |owned: Cow<'_, FieldSet>| {
        let projection = projection_of(&live.body, &owned, key);
        let is_hollow = || projection::is_hollow(&object.body, Some(&live.body), &owned, shape);
        projection.digest == recorded.projection && (projection.whole || !is_hollow())
    };
    uid(&live.body) == Some(recorded.uid.as_str())
        && live.body.dig(&["metadata", "deletionTimestamp"]).is_none()
        && owned(live, recorded, key).is_some_and(same)
        && canonical::digest(&object.body, key) == recorded.desired
}

/// What we own, if it is what was recorded. A server keeps the text of an entry as it is, so that the text alone tells
/// most often; else what it says is compared.
fn owned<'l>(live: &'l LiveObject, recorded: &Recorded, key: &FingerprintKey) -> Option<Cow<'l, FieldSet>> {
    let mut entries = live.managers.iter().filter(|manager| is_ours(manager));
    if let (Some(entry), None) = (entries.next(), entries.next())
        && text_digest(entry.fields.text(), key) == recorded.owned
    {
        let set = entry.fields.set().ok()?;
        return (!set.is_empty()).then_some(Cow::Borrowed(set));
    }
    let owned = ours(live).ok().filter(|owned| !owned.is_empty())?;
    let same = text_digest(Fields::from(&owned).text(), key) == recorded.owned;
    same.then_some(Cow::Owned(owned))
}

fn uid(body: &Value) -> Option<&str> {
    body.dig(&["metadata", "uid"])?.as_str()
}

fn text_digest(text: &str, key: &FingerprintKey) -> String {
    HEXLOWER.encode(&key.digest(text.as_bytes()))
}

struct Projection {
    digest: String,
    /// Whether all that is owned is there.
    whole: bool,
}

fn projection_of(body: &Value, owned: &FieldSet, key: &FingerprintKey) -> Projection {
    let mut bytes = canonical::Buffer::new();
    let whole = projection::write(body, owned, &mut bytes.0);
    Projection { digest: HEXLOWER.encode(&key.digest(&bytes.0)), whole }
}

/// The value with each secret replaced by its digest.
pub(super) fn without_secrets(value: &Value, key: &FingerprintKey) -> Value {
    match &value.data {
        Data::Masked(_) => format!("{DIGEST}{}", canonical::secret_digest(value, key)).into(),
        Data::List(items) => items.iter().map(|item| without_secrets(item, key)).collect::<Vec<_>>().into(),
        Data::Map(map) => Data::Map(
            map.iter()
                .map(|e| Entry { key: e.key.clone(), mark: e.mark, value: without_secrets(&e.value, key) })
                .collect(),
        )
        .into(),
        leaf => leaf.clone().into(),
    }
}

/// The digest that a recorded leaf holds in place of a secret.
pub fn recorded_digest(value: &Value) -> Option<&str> {
    value.as_str()?.strip_prefix(DIGEST)
}

/// Whether a recorded value is the same as one that is there now, secrets compared by their digests.
pub fn same(recorded: Option<&Value>, now: Option<&Value>, key: &FingerprintKey) -> bool {
    match (recorded, now) {
        (None, None) => true,
        (Some(recorded), Some(now)) => same_value(recorded, now, key),
        _ => false,
    }
}

fn same_value(recorded: &Value, now: &Value, key: &FingerprintKey) -> bool {
    match (&recorded.data, &now.data) {
        (Data::Map(a), Data::Map(b)) => {
            a.len() == b.len()
                && a.iter().all(|e| b.get(&e.key).is_some_and(|theirs| same_value(&e.value, theirs, key)))
        }
        (Data::List(a), Data::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b, key)),
        _ if recorded == now => true,
        _ => recorded_digest(recorded).is_some_and(|digest| digest == canonical::secret_digest(now, key)),
    }
}

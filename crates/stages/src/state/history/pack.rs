//! Finds the objects of a new revision that are already stored, and packs the others.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::{Cover, PackedObject, Revision};
use crate::diff::Stripped;
use crate::manifest::ObjectId;
use weft_base::value::{Path, Value};

/// Objects that are kept together, without their secrets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pack {
    /// Its name, which follows from the objects and the readers.
    pub name: String,
    pub objects: Vec<Stripped>,
    /// The public keys that open the secret values, sorted.
    pub readers: Vec<String>,
    /// The secret values: for each object that has any a list of them, in the order of their places, encrypted by age.
    /// `None` where there is none, or nobody to encrypt them to.
    pub values: Option<String>,
}

/// An object that comes out of a pack.
#[derive(Clone, Debug)]
pub struct RestoredObject {
    /// The object; a missing secret is replaced by its digest.
    pub body: Value,
    /// The paths of its secrets that are still missing.
    pub missing: Vec<Path>,
}

/// Returns where the objects of a new revision are, and the pack that it adds: the objects that no pack of the previous
/// revision has. An old pack is not reused if less than half of it is wanted; an object is packed again if its secrets
/// have other readers now.
pub fn pack(
    objects: BTreeMap<ObjectId, Stripped>,
    before: Option<&Revision>,
    readers: Vec<String>,
) -> (BTreeMap<ObjectId, PackedObject>, BTreeMap<String, Cover>, Option<Pack>) {
    let mut places = BTreeMap::new();
    let mut covers: BTreeMap<String, Cover> = BTreeMap::new();
    let mut fresh = Vec::new();
    let kept = Reusable::find(&objects, before, &readers);
    for (id, object) in objects {
        match kept.pack_of(&object) {
            Some((pack, cover)) => {
                covers.insert(pack.to_owned(), cover.clone());
                places.insert(id, PackedObject { digest: object.digest, pack: pack.to_owned() });
            }
            None => fresh.push((id, object)),
        }
    }
    if fresh.is_empty() {
        return (places, covers, None);
    }
    let name = name(fresh.iter().map(|(_, object)| object.digest.as_str()), &readers);
    covers.insert(name.clone(), Cover { objects: fresh.len(), readers: readers.clone() });
    let place = |object: &Stripped| PackedObject { digest: object.digest.clone(), pack: name.clone() };
    places.extend(fresh.iter().map(|(id, object)| (id.clone(), place(object))));
    let objects = fresh.into_iter().map(|(_, object)| object).collect();
    (places, covers, Some(Pack { name, objects, readers, values: None }))
}

/// The name of a pack of objects with these digests: the same for the same objects and readers.
fn name<'d>(digests: impl Iterator<Item = &'d str>, readers: &'d [String]) -> String {
    let mut hash = Sha256::new();
    for text in digests.chain(["-"]).chain(readers.iter().map(String::as_str)) {
        hash.update(text);
        hash.update("\n");
    }
    HEXLOWER.encode(&hash.finalize()[..8])
}

/// What a revision before has that a new one wants.
struct Reusable<'a> {
    /// By digest, the pack.
    packs: BTreeMap<&'a str, (&'a str, &'a Cover)>,
    readers: &'a [String],
}

impl<'a> Reusable<'a> {
    fn find(objects: &BTreeMap<ObjectId, Stripped>, before: Option<&'a Revision>, readers: &'a [String]) -> Self {
        let Some(before) = before else { return Self { packs: BTreeMap::new(), readers } };
        let covered = |place: &'a PackedObject| {
            let (name, cover) = before.packs.get_key_value(&place.pack)?;
            Some((place.digest.as_str(), (name.as_str(), cover)))
        };
        let mut this = Self { packs: before.objects.values().filter_map(covered).collect(), readers };
        let mut wanted: BTreeMap<&str, usize> = BTreeMap::new();
        for (pack, _) in objects.values().filter_map(|object| this.pack_of(object)) {
            *wanted.entry(pack).or_default() += 1;
        }
        this.packs.retain(|_, (pack, cover)| 2 * wanted.get(pack).copied().unwrap_or_default() >= cover.objects);
        this
    }

    /// The pack that has an object, with its secrets for the readers of today.
    fn pack_of(&self, object: &Stripped) -> Option<(&'a str, &'a Cover)> {
        let found = *self.packs.get(object.digest.as_str())?;
        (object.secrets.is_empty() || found.1.readers == self.readers).then_some(found)
    }
}

impl Pack {
    /// The secret values of the objects, as [`Pack::values`] holds them encrypted. `body` gives the objects with their
    /// secrets, by digest.
    pub fn secrets<'v>(&self, body: impl Fn(&str) -> Option<&'v Value>) -> Value {
        let of = |object: &Stripped| {
            let leaf = |path: &Path| path.resolve(body(&object.digest)?).cloned();
            Value::from(object.secrets.iter().map(|path| leaf(path).unwrap_or_default()).collect::<Vec<_>>())
        };
        Value::from(self.with_secrets().map(of).collect::<Vec<_>>())
    }

    /// Its objects by their digests, without their secrets.
    pub fn restored(&self) -> BTreeMap<String, RestoredObject> {
        let restored = |object: &Stripped| {
            let Stripped { digest, body, secrets } = object.clone();
            (digest, RestoredObject { body, missing: secrets })
        };
        self.objects.iter().map(restored).collect()
    }

    /// Puts the secret values, as they were decrypted, into objects that came out of it.
    pub fn fill(&self, objects: &mut BTreeMap<String, RestoredObject>, values: &Value) {
        for (object, values) in self.with_secrets().zip(values.as_list().unwrap_or_default()) {
            let Some(restored) = objects.get_mut(&object.digest) else { continue };
            for (path, value) in object.secrets.iter().zip(values.as_list().unwrap_or_default()) {
                if let Some(leaf) = path.resolve_mut(&mut restored.body) {
                    *leaf = value.clone();
                    restored.missing.retain(|it| it != path);
                }
            }
        }
    }

    /// Whether any of its objects has a secret.
    pub fn has_secrets(&self) -> bool {
        self.with_secrets().next().is_some()
    }

    fn with_secrets(&self) -> impl Iterator<Item = &Stripped> {
        self.objects.iter().filter(|object| !object.secrets.is_empty())
    }
}

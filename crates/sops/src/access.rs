//! Who can read a file.

use std::fmt;

use super::Recipient;

/// The readers of a file: one group, each of whose keys opens it, or several groups of which some are needed together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readers {
    /// The groups. A file has at least one.
    pub groups: Vec<Group>,
    /// How many groups are needed together; all of them where it is not said. With one group it means nothing.
    pub threshold: Option<usize>,
}

/// Keys of which any one is enough for the part of its group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The age keys, in order.
    pub recipients: Vec<Recipient>,
    /// Keys of other services, and age keys of kinds that are not understood.
    pub others: Vec<Foreign>,
}

/// A key that only its own service can use. It is kept and named, and never unwrapped here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Foreign {
    /// The list of the `sops` section that holds it: `pgp`, `kms`, `gcp_kms`, `hckms`, `azure_kv`, `hc_vault` or `age`.
    pub service: &'static str,
    /// Its name at its service: a fingerprint, an ARN, an address.
    pub name: String,
}

impl Readers {
    /// The age keys of all groups, in order.
    pub fn recipients(&self) -> impl Iterator<Item = &Recipient> {
        self.groups.iter().flat_map(|group| &group.recipients)
    }

    /// The age keys that open each of several files by themselves, in the order of the first. Keys of which several are
    /// needed together are none of them.
    pub fn of_all(files: &[Self]) -> Vec<Recipient> {
        let alone = |readers: &Self| match &readers.groups[..] {
            [group] => group.recipients.clone(),
            _ => Vec::new(),
        };
        let mut each = files.iter().map(alone);
        let mut common = each.next().unwrap_or_default();
        each.for_each(|recipients| common.retain(|it| recipients.contains(it)));
        common
    }

    /// The keys of other services of all groups, in order.
    pub fn others(&self) -> impl Iterator<Item = &Foreign> {
        self.groups.iter().flat_map(|group| &group.others)
    }
}

impl From<Vec<Recipient>> for Readers {
    /// One group.
    fn from(recipients: Vec<Recipient>) -> Self {
        Self { groups: vec![Group { recipients, others: Vec::new() }], threshold: None }
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.service, self.name)
    }
}

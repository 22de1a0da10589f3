//! `GroupUpdate`: `docs/protocol.md` B9 and B13. The states in it are judged by the group.

use super::fields::{optional, or_empty, whole};
use super::{ContentRejected, FieldName};
use crate::wire::v1;

/// States of a group, or a question for some.
#[derive(Clone, PartialEq, Default)]
pub struct GroupUpdate {
    /// Signed `GroupState`s, ascending by epoch.
    pub states: Vec<v1::Signed>,
    /// A state_hash held: asks for what follows.
    pub want_after: Option<[u8; 32]>,
    /// Asks for one state by its hash.
    pub want: Option<[u8; 32]>,
    /// Signed `OrgDirectory`s.
    pub directories: Vec<v1::Signed>,
    /// Signed `DeviceManifest`s, older ones included.
    pub manifests: Vec<v1::Signed>,
    /// Whether the sender leaves.
    pub leave: bool,
}

impl GroupUpdate {
    pub(super) fn parse(message: v1::GroupUpdate) -> Result<Self, ContentRejected> {
        let lists = [&message.states, &message.directories, &message.manifests];
        lists.into_iter().flatten().try_for_each(whole)?;
        Ok(Self {
            states: message.states,
            want_after: optional(&message.want_after, FieldName::Want)?,
            want: optional(&message.want, FieldName::Want)?,
            directories: message.directories,
            manifests: message.manifests,
            leave: message.leave,
        })
    }

    pub(super) fn to_wire(&self) -> v1::GroupUpdate {
        v1::GroupUpdate {
            states: self.states.clone(),
            want_after: or_empty(self.want_after.as_ref()),
            want: or_empty(self.want.as_ref()),
            directories: self.directories.clone(),
            manifests: self.manifests.clone(),
            leave: self.leave,
        }
    }
}

//! Extensions of signed objects: `docs/protocol.md` B1.2. v1 defines none.

use super::{WireError, v1};

/// Unknown `critical` ⇒ rejected, unknown non-critical ⇒ ignored; ids ascend and are unique.
pub(crate) fn check_extensions(extensions: &[v1::Ext]) -> Result<(), WireError> {
    let ascending = extensions.iter().zip(extensions.iter().skip(1)).all(|(one, next)| one.id < next.id);
    match ascending && extensions.iter().all(|extension| !extension.critical) {
        true => Ok(()),
        false => Err(WireError::Extension),
    }
}

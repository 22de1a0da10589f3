//! Erasing a conversation: `docs/protocol.md` B19.2.

use carevow_core::ConversationId;
use carevow_core::sealed_store::RootKey;
use rand_core::TryCryptoRng;

use crate::access::Access;
use crate::clock::Now;
use crate::error::StoreError;
use crate::header::Kind;
use crate::root::wrap;
use crate::store::{SYSTEM, Store};
use crate::transaction::Transaction;
use crate::wrapper::WrapperError;

/// Whether copies of the store that were made before stay closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EarlierCopies {
    /// The key that wraps their root is gone.
    Closed,
    /// Under a passphrase, or with a keystore that cannot destroy keys: whoever has a copy can still open it.
    NotCovered,
}

impl Store {
    /// Destroys the key of a conversation and makes a new root, under a new key of the platform; `also` removes the rows
    /// and writes the record of it, in the same transaction. What was sealed under the key is unreadable from then on,
    /// whether its rows are gone or not.
    pub fn erase<R: TryCryptoRng>(
        &self,
        conversation: ConversationId,
        access: Access<'_>,
        now: Now,
        rng: &mut R,
        also: impl FnOnce(&mut Transaction<'_, R>) -> Result<(), StoreError>,
    ) -> Result<EarlierCopies, StoreError> {
        let (store, kind_there) = self.identity(now)?;
        let root = RootKey::random(rng)?;
        let (kind, generation, wrapped_root) = wrap(access, &store, &root, rng)?;
        if kind != kind_there {
            return Err(StoreError::WrongKey);
        }
        let old = self.replace_root(now, rng, &wrapped_root, |transaction, header| {
            also(transaction)?;
            let name = transaction.content_key_name(&conversation);
            transaction.destroy_content_key(&name)?;
            for (name, key) in transaction.content_keys()? {
                let sealed = root.seal(&store, &name, &key, transaction.rng)?;
                transaction.write_sealed_key(&name, &sealed)?;
            }
            header.sealed_system = root.seal(&store, &SYSTEM, &transaction.keys.system_key, transaction.rng)?;
            let old = header.head.generation;
            header.head.generation = generation;
            header.retired = (kind == Kind::Platform).then_some(old);
            header.wrapped_root.clone_from(&wrapped_root);
            Ok((old, root))
        })?;
        match access {
            Access::Passphrase(_) => Ok(EarlierCopies::NotCovered),
            Access::Platform(wrapper) => match self.finish_erasure(wrapper, old) {
                Ok(()) => Ok(EarlierCopies::Closed),
                Err(StoreError::Wrapper(WrapperError::Indestructible)) => Ok(EarlierCopies::NotCovered),
                Err(error) => Err(error),
            },
        }
    }
}

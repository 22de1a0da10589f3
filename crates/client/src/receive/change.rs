//! Edits and deletions: by the author alone, and kept until their message comes: `docs/protocol.md` B9.4 rule 8.

use carevow_core::content::{Body, Change, Content, ContentRejected, Keeper, Original, ReactionTo};
use carevow_core::{AccountId, ConversationId, MessageId};
use carevow_store::Sealing;
use rand_core::TryCryptoRng;

use crate::error::ClientError;
use crate::event::Event;
use crate::records;
use crate::tables::{changes, messages};
use crate::turn::Turn;

/// What a content is to an earlier message.
pub(crate) enum ChangeOf {
    /// It stands for itself.
    Itself,
    /// It changes the message with this number.
    Changes(u64, Change),
    /// The message is not here: no receipt before it is.
    Awaits,
    /// A reaction to nothing that is here: no receipt.
    ToNothing,
}

impl<R: TryCryptoRng> Turn<'_, '_, R> {
    /// Judges an edit, a deletion or a reaction by what is stored under the id that it names.
    pub(crate) fn judge_change(
        &mut self,
        sender: AccountId,
        content: &Content,
    ) -> Result<Result<ChangeOf, ContentRejected>, ClientError> {
        let target = match content.body() {
            Body::Edit(edit) => edit.target,
            Body::Delete(delete) => delete.target,
            Body::Reaction(reaction) => reaction.target,
            _ => return Ok(Ok(ChangeOf::Itself)),
        };
        let found = self.originals(sender, content.conversation(), target)?;
        let originals: Vec<_> = found.iter().map(|(original, _)| *original).collect();
        if content.reaction_to(&originals) == Some(ReactionTo::Unknown) {
            return Ok(Ok(ChangeOf::ToNothing));
        }
        // Other copies than the archive's are no archive's.
        let change = match content.change(&sender, &originals, Keeper::Other) {
            None => return Ok(Ok(ChangeOf::Itself)),
            Some(Err(rejected)) => return Ok(Err(rejected)),
            Some(Ok(Change::Await)) => return Ok(Ok(ChangeOf::Awaits)),
            Some(Ok(change)) => change,
        };
        let own = found.iter().find(|(original, _)| original.author == sender);
        let (_, number) = own.ok_or(ClientError::Internal)?;
        Ok(Ok(ChangeOf::Changes(*number, change)))
    }

    /// What is stored under an id in this conversation, by either of the two.
    fn originals(
        &mut self,
        sender: AccountId,
        conversation: ConversationId,
        target: MessageId,
    ) -> Result<Vec<(Original, u64)>, ClientError> {
        let own = self.own.address().account;
        let others = self.contacts()?.into_iter().map(|contact| contact.account);
        let pair = others.filter(|other| carevow_core::content::pair_id(&own, other) == conversation);
        let mut authors: Vec<AccountId> = pair.chain([sender, own]).collect();
        authors.sort_unstable();
        authors.dedup();
        let mut found = Vec::new();
        for author in authors {
            let Some((place, number)) = self.placed_message(author, target)? else { continue };
            let (list, sealing) = (messages(&place), Sealing::Conversation(place));
            let items = self.tx.items(list, sealing, number..number.saturating_add(1))?;
            let Some(value) = items.into_iter().find_map(|item| item.value) else { continue };
            let stored: records::StoredMessage = records::read(&value)?;
            let kind = Content::parse(&stored.content).map_err(|_| ClientError::CORRUPTED)?.kind();
            found.push((Original { author, conversation: place, kind }, number));
        }
        Ok(found)
    }

    /// The message `number` of a conversation is what the change, stored as `by`, makes of it.
    pub(crate) fn apply_change(
        &mut self,
        conversation: ConversationId,
        number: u64,
        by: u64,
        change: Change,
    ) -> Result<(), ClientError> {
        self.change_message(conversation, number, |stored| {
            // The latest counts; what was taken back stays so.
            if by >= stored.changed_by && !stored.taken_back {
                stored.changed_by = by.saturating_add(1);
                stored.taken_back = change == Change::Remove;
            }
        })?;
        self.events.push(Event::Changed { conversation, number });
        Ok(())
    }

    /// Keeps a change until its message comes.
    pub(super) fn await_target(
        &mut self,
        sender: AccountId,
        content: &Content,
        number: u64,
    ) -> Result<(), ClientError> {
        let target = match content.body() {
            Body::Edit(edit) => edit.target,
            Body::Delete(delete) => delete.target,
            _ => return Ok(()),
        };
        let key = [sender.as_bytes().as_slice(), target.as_bytes()].concat();
        let value = [content.conversation().as_bytes().as_slice(), &number.to_be_bytes()].concat();
        self.tx.append(changes(&key), Sealing::System, &value)?;
        Ok(())
    }

    /// A message came for which changes wait: they are judged now.
    pub(super) fn settle_changes(&mut self, sender: AccountId, message: MessageId) -> Result<(), ClientError> {
        let key = [sender.as_bytes().as_slice(), message.as_bytes()].concat();
        let list = changes(&key);
        let bounds = self.tx.bounds(list)?;
        if bounds.is_empty() {
            return Ok(());
        }
        for value in self.tx.items(list, Sealing::System, bounds.clone())?.into_iter().filter_map(|item| item.value) {
            let (conversation, number) = value.split_first_chunk::<16>().ok_or(ClientError::CORRUPTED)?;
            let conversation = ConversationId::from_bytes(*conversation);
            let by = u64::from_be_bytes(number.try_into().map_err(|_| ClientError::CORRUPTED)?);
            let (place, sealing) = (messages(&conversation), Sealing::Conversation(conversation));
            let items = self.tx.items(place, sealing, by..by.saturating_add(1))?;
            let Some(value) = items.into_iter().find_map(|item| item.value) else { continue };
            let stored: records::StoredMessage = records::read(&value)?;
            let content = Content::parse(&stored.content).map_err(|_| ClientError::CORRUPTED)?;
            if let Ok(ChangeOf::Changes(number, change)) = self.judge_change(sender, &content)? {
                self.apply_change(conversation, number, by, change)?;
            }
        }
        Ok(self.tx.trim(list, bounds.end)?)
    }
}

//! Every limit of the protocol, each with its reason: `docs/protocol.md` B16.

use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS};

/// Signed objects, before decoding: far above an honest manifest, small enough to parse on a phone without thought.
pub const SIGNED_OBJECT_BYTES: usize = 64 * 1024;
/// A directory of 5 000 people fits.
pub const ORG_DIRECTORY_BYTES: usize = 1024 * 1024;
/// What the container of a signed object may have beside its body: field keys, lengths and the signature take 70 bytes at most.
const CONTAINER_EXTRA_BYTES: usize = 256;
/// A `Signed` or `SignedRecord` as a whole, wherever it stands.
pub const SIGNED_CONTAINER_BYTES: usize = SIGNED_OBJECT_BYTES + CONTAINER_EXTRA_BYTES;
/// The `Signed` of a directory as a whole.
pub const DIRECTORY_CONTAINER_BYTES: usize = ORG_DIRECTORY_BYTES + CONTAINER_EXTRA_BYTES;
/// A statement for a third party: a content, and room for what does not travel in it.
pub const STATEMENT_EXPORT_BYTES: usize = 320 * 1024;
/// What one message may say; anything longer goes as an attachment.
pub const CONTENT_BYTES: usize = 256 * 1024;
/// `pad(6 + 4 + 1184 + 4 + 1088 + CONTENT_BYTES)`: the longest body that an honest peer makes.
pub const BODY_BYTES: usize = 270_336;
/// A whole envelope, checked before any cryptography.
pub const ENVELOPE_BYTES: usize = 384 * 1024;
/// Nesting of protobuf messages: v1 itself needs 5.
pub const WIRE_DEPTH: usize = 16;

/// Devices of one account: keeps a fan-out and a manifest small.
pub const DEVICES: usize = 16;
/// Members of one group: pairwise fan-out is the cost (`docs/rationale.md`).
pub const GROUP_MEMBERS: usize = 50;
/// Title of a group, bytes.
pub const GROUP_TITLE_BYTES: usize = 256;
/// Former keys of a practice that are remembered: what an older one signs is refused as any unknown key's.
pub const FORMER_ORG_KEYS: usize = 16;
/// Members of an organization.
pub const ORG_MEMBERS: usize = 5_000;
/// Former identity keys that a directory lists for one member.
pub const PREVIOUS_AIKS: usize = 8;

/// Skipped message keys that one jump may store: the newest ones; an older message of a bigger gap is given up.
pub const SKIP_STORED_PER_JUMP: u32 = 1_000;
/// How far ahead a message may be: two HMACs for each step, about 10 ms on a phone.
pub const SKIP_JUMP: u32 = 25_000;
/// Skipped message keys of one session: 64 KiB of state.
pub const SKIP_STORED: usize = 2_000;
/// Older receiving chains of which skipped keys are kept: bounds the trial opening of headers.
pub const SKIP_CHAINS: usize = 5;
/// How long a skipped key waits: bounds what stolen state opens.
pub const SKIP_AGE_MS: u64 = 14 * DAY_MS;
/// Messages of one chain: the random-nonce bound of its header key (2^-48 for a collision among 2^24 of 96 bits).
pub const CHAIN_MESSAGES: u32 = 1 << 24;

/// Messages in one sending chain without any reply, after which a confirmed session is refreshed (B6.2).
pub const REFRESH_MESSAGES: u32 = 1_000;
/// Time in one sending chain without any reply, after which a session is refreshed.
pub const REFRESH_AGE_MS: u64 = 7 * DAY_MS;
/// Messages, sent and received, since the last mix of a lane, after which an offer is worth its size.
pub const LANE_DUE_MESSAGES: u32 = 50;
/// Time since the last mix of a lane, likewise.
pub const LANE_DUE_AGE_MS: u64 = DAY_MS;
/// Messages that may leave without the open offer or answer before it is attached again.
pub const LANE_REATTACH_MESSAGES: u32 = 8;

/// How far a generation may lie above the highest known: stops a peer from exhausting the counter.
pub const GENERATION_JUMP: u32 = 65_536;
/// INITs that used no one-time key and that are remembered against replay.
pub const SEEN_SET: usize = 10_000;
/// Archived sessions of one device; a cold one that came too low has one place more (B12).
pub const ARCHIVED_SESSIONS: usize = 3;
/// How long an archived session receives.
pub const ARCHIVED_AGE_MS: u64 = 14 * DAY_MS;
/// Cold sessions of one device in a day; further ones are held.
pub const COLD_SESSIONS_PER_DAY: u32 = 3;
/// New sessions that one account may make in an hour.
pub const NEW_SESSIONS_PER_HOUR: u32 = 30;
/// RetryRequests sent to one device in a day.
pub const RETRY_REQUESTS_PER_DAY: u32 = 3;

/// How long a certificate of a device may live.
pub const LEAF_LIFE_MS: u64 = DAY_MS;
/// How long a certificate of an issuer may live.
pub const ISSUER_LIFE_MS: u64 = 366 * DAY_MS;
/// How long a manifest may live.
pub const MANIFEST_LIFE_MS: u64 = 30 * DAY_MS;
/// How long a directory may live.
pub const ORG_DIRECTORY_LIFE_MS: u64 = 90 * DAY_MS;
/// How long the predecessor of an identity key counts as the current one.
pub const PREDECESSOR_AGE_MS: u64 = 30 * DAY_MS;
/// How long past `next_update` a revocation list is still used.
pub const REVOCATION_GRACE_MS: u64 = 7 * DAY_MS;
/// How far the server time of an envelope may lie before the local clock.
pub const SERVER_TIME_BACK_MS: u64 = 30 * DAY_MS;
/// How far the server time of an envelope may lie after the local clock.
pub const SERVER_TIME_AHEAD_MS: u64 = 5 * MINUTE_MS;
/// How early a prekey record is accepted: clocks differ.
pub const RECORD_EARLY_MS: u64 = 5 * MINUTE_MS;
/// How long an invitation may be used.
pub const INVITATION_LIFE_MS: u64 = 14 * DAY_MS;
/// How long a link offer may be used.
pub const LINK_LIFE_MS: u64 = 5 * MINUTE_MS;
/// The relay URL of an invitation or a link offer, bytes.
pub const RELAY_URL_BYTES: usize = 255;

/// An attachment: 65 536 chunks of 64 KiB, so the chunk counter never wraps.
pub const ATTACHMENT_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// A resource inside a message; anything longer goes as an attachment.
pub const CLINICAL_INLINE_BYTES: usize = 64 * 1024;

/// How far `sent_at` may lie from the server time before it is flagged.
pub const SENT_AT_TOLERANCE_MS: u64 = DAY_MS;
/// How long a superseded group state still speaks for a member.
pub const STALE_ROSTER_MS: u64 = 30 * DAY_MS;
/// How long a missing `seq` waits before it is an event.
pub const MESSAGE_GAP_MS: u64 = 24 * HOUR_MS;

/// Trust roots that a client is configured with: one in use, one to come, and room for a second service.
pub const TRUST_ROOTS: usize = 4;
/// Times that a chain of manifests may be adopted with a gap before one of the gaps is closed.
pub const OPEN_GAPS: usize = 16;
/// Manifests that lost by the gap rule and that are remembered, the newest, so that envelopes under them are held.
pub const LOST_MANIFESTS: usize = 16;
/// The manifests of a gap are fetched at a random time within this.
pub const GAP_FETCH_WITHIN_MS: u64 = 48 * HOUR_MS;
/// How long a gap may stay open before it is a fork.
pub const GAP_AGE_MS: u64 = 30 * DAY_MS;
/// Identity keys that a chain led away from and that are remembered as its lineage, and as predecessors.
pub const AIK_LINEAGE: usize = 64;
/// Identity keys of one account that wait for an explanation; a further one is a change at once.
pub const UNEXPLAINED_KEYS: usize = 4;
/// Changed identity keys of one account that wait for the app, beside the acknowledged one.
pub const UNACKNOWLEDGED_KEYS: usize = 4;
/// How long an identity key that an announcement or a gap may explain is held before it is a change.
pub const UNEXPLAINED_KEY_MS: u64 = 72 * HOUR_MS;

/// Age at which SPK and the last-resort KEM key are replaced: what a stolen private half opens is bounded.
pub const SIGNED_ROTATION_MS: u64 = 7 * DAY_MS;
/// Age at which the key of envelopes is replaced.
pub const ENVELOPE_ROTATION_MS: u64 = 30 * DAY_MS;
/// How long a private half is kept after the directory confirmed its replacement, or after a one-time record ran out:
/// as long as the relay keeps an envelope.
pub const PREKEY_KEEP_MS: u64 = 30 * DAY_MS;
/// One-time X25519 records that a device has at the directory.
pub const ONE_TIME_KEYS: usize = 100;
/// One-time ML-KEM-1024 records that a device has at the directory: 13 times as large.
pub const ONE_TIME_KEMS: usize = 50;
/// Fewer one-time records left than this are refilled.
pub const REFILL_BELOW: usize = 25;
/// One-time records of one publish request.
pub const REFILL_BATCH: usize = 25;
/// A refill goes out at a random time within this.
pub const REFILL_DELAY_MS: u64 = 6 * HOUR_MS;

/// Body of a message that carries SenderInfo, at least: its length must not name the sender's number of devices.
pub const SENDER_INFO_BODY_BYTES: usize = 3_072;
/// Gaps in the `seq` of one device and conversation that are remembered: each needs one message on either side.
pub const SEQUENCE_GAPS: usize = 256;

/// A name that a person gives to another, as in an invitation: bytes.
pub const DISPLAY_NAME_BYTES: usize = 256;

/// Submissions and directory answers that crossed on the way: how long a confirmed INIT still counts as crossing.
pub const CROSSING_MS: u64 = 10 * MINUTE_MS;
/// How long before its INIT a SessionRefresh may have arrived.
pub const REFRESH_NOTICE_MS: u64 = 14 * DAY_MS;
/// Age at which an unconfirmed INIT is refreshed at the next send: SPKs are replaced every 7 days.
pub const UNCONFIRMED_REFRESH_MS: u64 = 14 * DAY_MS;
/// Age at which an unconfirmed INIT is dropped: mailbox 30 days, and the answer's way back.
pub const UNCONFIRMED_DROP_MS: u64 = 45 * DAY_MS;
/// New sessions that a device takes in a second; the rest waits in the mailbox.
pub const NEW_SESSIONS_PER_SECOND: u32 = 10;
/// User-visible contents or Sync to an account that answers nothing, after which envelopes are SEALED.
pub const UNSEALED_CONTENTS: u32 = 2;
/// Silence of an account, after which contents are SEALED.
pub const UNSEALED_ACCOUNT_SILENCE_MS: u64 = DAY_MS;
/// Messages on a session that answers nothing, after which every envelope on it is SEALED.
pub const UNSEALED_SESSION_MESSAGES: u32 = 20;
/// Silence of a session, after which every envelope on it is SEALED.
pub const UNSEALED_SESSION_SILENCE_MS: u64 = 48 * HOUR_MS;
/// Messages accepted on a session after which one goes back, if only an empty one.
pub const ACKNOWLEDGE_MESSAGES: u32 = 20;
/// Time since the first unacknowledged message after which one goes back.
pub const ACKNOWLEDGE_AGE_MS: u64 = 16 * HOUR_MS;
/// How often a content is encrypted again for one device.
pub const RESENDS: u32 = 3;
/// A StaleSession later than this after the session was replaced hints at a clone.
pub const STALE_SESSION_MS: u64 = DAY_MS;

/// The host's reason text in an audit entry, bytes: never content.
pub const AUDIT_NOTE_BYTES: usize = 256;
/// An item of a history archive: a content and the descriptor of its attachment.
pub const HISTORY_ITEM_BYTES: usize = CONTENT_BYTES + 4 * 1024;
/// How long after the code of a new invitation old content stays back, unless the code was confirmed in the room.
pub const SUCCESSION_WAIT_MS: u64 = DAY_MS;

/// States of a group that wait for a manifest or a directory, of one share: each member has one, so that nobody's
/// states push out another's.
pub const WAITING_STATES: usize = 16;
/// The same in bytes: one answer fits.
pub const WAITING_BYTES: usize = GROUP_UPDATE_BYTES;
/// The same, of a member that is neither the owner nor a custodian, and of all who are no members together.
pub const WAITING_STATES_OF_OTHERS: usize = 4;
/// Competing states of one parent that are kept: honest devices make none.
pub const COMPETING_STATES: usize = 16;
/// States beside the chain that are kept of one group.
pub const COMPETING_STATES_OF_GROUP: usize = 64;
/// Epochs lie below 2^32: one state a second for 136 years.
pub const GROUP_EPOCHS: u64 = 1 << 32;
/// How long after it expired a manifest or directory still decides who may change a group.
pub const LAPSED_AFTER_MS: u64 = 7 * DAY_MS;
/// Keys of one device that are tried on a state's signature.
pub const KEYS_OF_DEVICE: usize = 8;
/// States in one GroupUpdate, bytes: leaves room for manifests in the same content.
pub const GROUP_UPDATE_BYTES: usize = 192 * 1024;
/// What a state weighs beside its body, bytes.
pub const STATE_OVERHEAD_BYTES: usize = 80;
/// An answer with more bytes of states than this may have been cut off: the longest state might not have fitted.
pub const FULL_ANSWER_BYTES: usize = GROUP_UPDATE_BYTES - SIGNED_OBJECT_BYTES - STATE_OVERHEAD_BYTES;
/// Valid states of a group that are kept, bytes: some 1 300 changes of 50 members, or 7 000 of five.
pub const GROUP_TREE_BYTES: usize = 4 * 1024 * 1024;
/// States that messages may name and that nothing stands on, bytes: they can be asked for again.
pub const EARLIER_STATES_BYTES: usize = 1024 * 1024;
/// The same in states.
pub const EARLIER_STATES: usize = 1024;
/// Devices of all members together above which the app is warned: each costs one envelope for each message.
pub const GROUP_DEVICES_WARNING: usize = 150;
/// How long a member of a clinical group asks for states before it takes one as if joining.
pub const REJOIN_AFTER_MS: u64 = 7 * DAY_MS;
/// How long after a first stale message another member than the owner answers a second one.
pub const SECOND_STALE_MS: u64 = HOUR_MS;
/// Contents of one account that wait for a group state.
pub const UNSEEN_OF_ACCOUNT: usize = 100;
/// The same in bytes: sixteen of the longest, or all hundred of 40 KiB.
pub const UNSEEN_BYTES_OF_ACCOUNT: usize = 4 * 1024 * 1024;
/// Contents of all accounts that wait for a group state.
pub const UNSEEN_CONTENTS: usize = 1_000;
/// The same in bytes: what a phone has to spare.
pub const UNSEEN_BYTES: usize = 32 * 1024 * 1024;
/// How long a content waits for its state before that is an event.
pub const STATE_MISSING_MS: u64 = 24 * HOUR_MS;
/// How long a content waits for its state.
pub const UNSEEN_AGE_MS: u64 = 14 * DAY_MS;
/// How long an archive waits for a message that somebody else acknowledged.
pub const RECORD_GAP_MS: u64 = 24 * HOUR_MS;
/// Acknowledged messages that an archive waits for; beyond it the oldest is an event at once.
pub const AWAITED_COPIES: usize = 10_000;
/// The same for one member that acknowledged them.
pub const AWAITED_COPIES_OF_MEMBER: usize = 1_000;
/// What comes on top of what is kept of a group when it is stopped: one GroupUpdate, and all that waited (a share for each
/// member, one for custodians and one for others).
pub const STOPPED_EXTRA_BYTES: usize = CONTENT_BYTES + (GROUP_MEMBERS + 2) * WAITING_BYTES;
/// A roster at rest: more than the limits of what is in it allow.
pub const ROSTER_STATE_BYTES: usize = 32 * 1024 * 1024;
/// Devices of one group whose stale messages are remembered for an epoch: every device of every member.
pub const STALE_DEVICES: usize = GROUP_MEMBERS * DEVICES;
/// The pin of a practice at rest: two directories (the settled one of a gap or one that lost, never both), and the
/// accounts and hashes beside them.
pub const DIRECTORY_PIN_BYTES: usize = 2 * ORG_DIRECTORY_BYTES + 512 * 1024;
/// Ids of SEALED envelopes that are remembered: a redelivery within the time gives `Duplicate`.
pub const ENVELOPE_IDS: usize = 50_000;
/// How long they are.
pub const ENVELOPE_ID_AGE_MS: u64 = 48 * HOUR_MS;
/// Envelopes that an unlocked store holds (B2.5): beyond it the oldest goes.
pub const HELD_ENVELOPES: usize = 1_000;
/// Envelopes that a locked store takes: beyond it nothing is fetched, and the mailbox keeps the rest.
pub const HELD_ENVELOPES_LOCKED: usize = 10_000;
/// How long an envelope is held.
pub const HELD_AGE_MS: u64 = 30 * DAY_MS;
/// How long a content stays in the outbox without a receipt.
pub const OUTBOX_AGE_MS: u64 = 30 * DAY_MS;
/// A `SenderInfo` is sent again on a session after this time (B7.1).
pub const SENDER_INFO_AGE_MS: u64 = 7 * DAY_MS;

//! Owns every size and count that the contract promises to keep, in one place, units last.
//! Never a default that a user may set: those live in `topology` (per row) and in `runtime::config`.
//! Next: `decode` and `envelope`, which enforce them.

/// An event, as structured JSON, with its envelope.
pub const EVENT_BYTES_MAX: usize = 48 * 1024;
/// A queue message's body before anything is parsed: an event in EventBridge's own wrapper, by a sender who may have
/// escaped every character (`\u4e2d` is twice as long as what it stands for).
pub const BODY_BYTES_MAX: usize = 3 * EVENT_BYTES_MAX + 4 * 1024;
/// Nesting of JSON, looked at before parsing.
pub const JSON_DEPTH_MAX: usize = 32;
/// A goal's own words, as JSON spells them: they travel in every joined event, beside all that arrived.
pub const GOAL_TEXT_BYTES_MAX: usize = 8 * 1024;
/// The user's idempotency key.
pub const KEY_BYTES_MAX: usize = 256;
/// Sources and collections that one goal may name.
pub const SOURCES_MAX: usize = 100;
/// Hops from the goal's request; a loop between agents ends here.
pub const HOPS_MAX: u32 = 16;
/// `traceparent` is 55 bytes in its only version so far; later ones may be longer.
pub const TRACEPARENT_BYTES_MAX: usize = 128;
/// As W3C Trace Context asks at least.
pub const TRACESTATE_BYTES_MAX: usize = 512;
/// X-Ray's header: trace, place and sampling take 74 bytes; services add their own fields.
pub const XRAY_BYTES_MAX: usize = 512;
/// The `murmur-park` attribute, cause text included.
pub const PARK_BYTES_MAX: usize = 2 * 1024;
/// What a cause may say in words.
pub const CAUSE_TEXT_BYTES_MAX: usize = 512;
/// SQS's own limits.
pub const SQS_MESSAGE_BYTES_MAX: usize = 1024 * 1024;
pub const SQS_ATTRIBUTES_MAX: usize = 10;
pub const SQS_BATCH_MAX: usize = 10;
pub const SQS_VISIBILITY_S_MAX: u64 = 12 * 60 * 60;
/// `PutEvents`.
pub const BUS_BATCH_MAX: usize = 10;
/// A batch of goal states: `BatchGetItem` takes 100, a receive never has more than ten.
pub const GOAL_STATES_MAX: usize = 100;
/// Members of one join: their inlined results must fit the joined event together.
pub const JOIN_MEMBERS_MAX: usize = 32;
/// What an opener knows of the joined event already, the goal's own words included.
pub const JOIN_HEAD_BYTES_MAX: usize = 9 * 1024;
/// An event without its `data`: ids, key, trace and its state, all at their longest.
pub const ENVELOPE_BYTES_MAX: usize = 3 * 1024;
/// What stands around each result in a joined event: its member's name, its status.
pub const ARRIVAL_FRAME_BYTES_MAX: usize = 128;
/// What a step item may hold in the ledger beside its bookkeeping (DynamoDB: 400 KB an item).
pub const OUTPUTS_INLINE_BYTES_MAX: usize = 128 * 1024;

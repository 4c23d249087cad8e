//! Owns the proof that each adapter understands its provider, and that each way to fail ends as what it is.
//! Never a provider: wiremock answers what `tests/shapes` holds, and a plain listener hangs and breaks off.
//! Next: `anthropic` and `openai` each for itself, `failures` for both; `providers_real_model` asks a real server.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod anthropic;
mod failures;
mod fixture;
mod openai;

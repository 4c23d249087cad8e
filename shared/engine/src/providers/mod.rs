//! Owns how each provider spells a question to a model and its answer: one adapter each, all of them a `model::Model`.
//! Never asks a second time by itself: what may pass is `Transient`, what will not is `Permanent` with what to do.
//! Next: `wire` carries, `answer` gathers, `refusal` says no; Bedrock is in `aws`, which alone knows the AWS SDK.

mod answer;
pub mod anthropic;
mod limits;
pub mod openai;
mod overlong;
mod refusal;
mod schema;
pub mod scripted;
mod wire;

pub use answer::Answer;
pub use anthropic::Anthropic;
pub use limits::{Limits, Watch};
pub use openai::OpenAi;
pub use schema::{instruction, strict, tool_name};
pub use scripted::{ScriptedModel, Turn};

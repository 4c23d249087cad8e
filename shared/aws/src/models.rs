//! Owns the models that only AWS serves, for agents whose configuration names some: none without the feature `bedrock`.
//! Never asks AWS for anything at start: an agent that never asks its model needs no right to do so.
//! Next: `engine::mind` makes the models that an agent's section names; `bedrock` asks them.

use engine::mind::Make;

/// Whoever makes models that the engine does not know itself: what `Mind::of_with` takes.
pub fn makers() -> Vec<Make<'static>> {
    #[cfg(feature = "bedrock")]
    {
        vec![crate::bedrock::maker()]
    }
    #[cfg(not(feature = "bedrock"))]
    {
        vec![]
    }
}

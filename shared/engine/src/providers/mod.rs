//! Owns the models that really exist: each provider's spelling of a request and of its answer.
//! Never retries and never counts: a provider classifies what failed, `mind` decides.
//! Next: `model` is what all of them are to the rest.

//! Nothing but a place for `benches/`: a package needs a target of its own.

//! `murmur dlq` as its user meets it: the program itself, over a stand-in, with the agents where work is wanted.
//! Never a letter that is lost: every scene ends with each letter sent, kept, or written to a file.
//! Next: `desk` runs the program; `agents` has a goal that failed, `letters` what may lie there, `operators` who looks.

mod agents;
mod desk;
mod letters;
mod operators;

//! `murmur` as a person has it, with real processes: what it starts, keeps up, shows, stops, and never reaches.
//! Never the user's own data directory: each test has its own, and leaves nothing running in it.
//! Next: `shell` types commands; `living` is about processes, `reaching` about servers, `pages` about neither.

mod living;
mod pages;
mod reaching;
mod shell;

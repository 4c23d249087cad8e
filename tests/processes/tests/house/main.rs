//! `murmur` as a person has it, with real processes: what it starts, keeps up, shows, stops, and never reaches.
//! Never the user's own data directory: each test has its own, and leaves nothing running in it.
//! Next: `shell` types commands; `living` and `ending` are about processes, `sharing` about several commands, `reaching` about servers, `pages` about neither.

mod ending;
mod living;
mod pages;
mod reaching;
mod sharing;
mod shell;

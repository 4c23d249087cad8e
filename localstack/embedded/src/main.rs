//! Owns the program `embedded-cloud`: its flags, what it prints at the start, and its end.
//! Never a decision about AWS: the library makes them.
//! Next: `embedded_cloud::EmbeddedCloud` serves.

fn main() {}

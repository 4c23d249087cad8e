//! Owns the stand-in as a process of this package, so that a test can kill it: it is `embedded-cloud`, whole.
//! Never anything of its own.
//! Next: `embedded_cloud::program`.

use std::process::ExitCode;

fn main() -> ExitCode {
    embedded_cloud::program()
}

//! Owns the files of a folder: which there are, in the same order every time, and their bytes.
//! Never follows a link, never opens what is no file: a pipe would wait for ever, a loop would not end.
//! Next: `mod` reads what was found.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use ignore::WalkBuilder;

use super::super::read::BYTES_MAX;

#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Its path within the folder, with `/` between names.
    pub(super) address: String,
    path: PathBuf,
    pub(super) bytes: u64,
    pub(super) modified_ms: i64,
}

#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) files: Vec<Found>,
    pub(super) failed: Vec<(String, String)>,
    pub(super) is_one_file: bool,
}

pub(super) fn walk(root: &Path) -> Result<Walked, String> {
    let about = fs::metadata(root).map_err(|why| match why.kind() {
        std::io::ErrorKind::NotFound => format!("{}: there is no such folder or file", root.display()),
        _ => format!("{}: {why}", root.display()),
    })?;
    if about.is_file() {
        let name = root.file_name().map_or_else(|| "file".to_owned(), |name| address(Path::new(name)));
        return Ok(Walked { files: vec![found(name, root, &about)], is_one_file: true, ..Walked::default() });
    }
    if !about.is_dir() {
        return Err(format!("{} is neither a folder nor a file", root.display()));
    }
    fs::read_dir(root).map_err(|why| format!("{} cannot be opened: {why}", root.display()))?;
    let mut walked = Walked::default();
    let entries = WalkBuilder::new(root).standard_filters(false).hidden(true).follow_links(false).build();
    for entry in entries {
        match entry {
            Ok(entry) if entry.depth() == 0 => {}
            Ok(entry) => one(root, entry.path(), &mut walked),
            Err(why) => walked.failed.push(failure(root, &why)),
        }
    }
    walked.files.sort_by(|one, other| one.address.cmp(&other.address));
    walked.failed.sort();
    Ok(walked)
}

fn one(root: &Path, path: &Path, walked: &mut Walked) {
    let address = address(path.strip_prefix(root).unwrap_or(path));
    match fs::symlink_metadata(path) {
        Ok(about) if about.is_file() => walked.files.push(found(address, path, &about)),
        Ok(about) if about.is_dir() => {}
        Ok(about) if about.is_symlink() => {
            walked.failed.push((address, "it is a link: links are not followed".to_owned()));
        }
        Ok(_) => walked.failed.push((address, "it is no file: a pipe, a socket or a device".to_owned())),
        Err(why) => walked.failed.push((address, why.to_string())),
    }
}

fn failure(root: &Path, why: &ignore::Error) -> (String, String) {
    let mut at = why;
    loop {
        match at {
            ignore::Error::WithPath { path, err } => {
                return (address(path.strip_prefix(root).unwrap_or(path)), err.to_string());
            }
            ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => at = err,
            other => return (String::new(), other.to_string()),
        }
    }
}

fn found(address: String, path: &Path, about: &Metadata) -> Found {
    let modified = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified_ms = modified.and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or_default();
    Found { address, path: path.to_owned(), bytes: about.len(), modified_ms }
}

/// Bytes of a name that are no UTF-8 are written as `%FF`: two files never get one address by a stand-in character.
fn address(path: &Path) -> String {
    let mut address = String::new();
    for component in path.components() {
        let Component::Normal(name) = component else { continue };
        if !address.is_empty() {
            address.push('/');
        }
        for chunk in name.as_encoded_bytes().utf8_chunks() {
            address.push_str(chunk.valid());
            for byte in chunk.invalid() {
                address.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    address
}

pub(super) fn load(found: &Found) -> Result<Vec<u8>, String> {
    let too_large = |bytes: u64| format!("{bytes} bytes, {BYTES_MAX} at most");
    if found.bytes > BYTES_MAX {
        return Err(too_large(found.bytes));
    }
    let file = File::open(&found.path).map_err(|why| why.to_string())?;
    let mut bytes = Vec::with_capacity(usize::try_from(found.bytes).unwrap_or_default());
    // It may grow while it is read.
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|why| why.to_string())?;
    if bytes.len() as u64 > BYTES_MAX { Err(too_large(bytes.len() as u64)) } else { Ok(bytes) }
}

//! Owns how large the logs of a data directory become: above a bound, what was written goes into one older copy.
//! Never a log that its writer would lose: it holds the file open for appending, and goes on at the new end.
//! Next: `flock` and `up` look after those of their processes; whoever starts a process looks before.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, copy};
use std::path::Path;

pub(crate) const LOG_BYTES_MAX: u64 = 10 * 1024 * 1024;

/// Whether it was emptied: offsets into it mean nothing any more.
pub(crate) fn bound(log: &Path) -> std::io::Result<bool> {
    bound_to(log, LOG_BYTES_MAX)
}

fn bound_to(log: &Path, most: u64) -> std::io::Result<bool> {
    let length = match log.metadata() {
        Ok(log) => log.len(),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(why) => return Err(why),
    };
    if length <= most {
        return Ok(false);
    }
    // Where the disk is full the copy fails, and then the room is needed more than the old lines.
    let _ = keep_end(log, length, most);
    OpenOptions::new().write(true).open(log)?.set_len(0)?;
    Ok(true)
}

fn keep_end(log: &Path, length: u64, most: u64) -> std::io::Result<()> {
    let mut from = File::open(log)?;
    from.seek(SeekFrom::Start(length - most))?;
    let mut old = File::create(log.with_extension("log.1"))?;
    copy(&mut from.take(most), &mut old)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_log_above_its_bound_is_emptied_under_its_writer_and_its_end_is_kept_once() {
        let folder = tempfile::tempdir().unwrap();
        let (log, old) = (folder.path().join("research.log"), folder.path().join("research.log.1"));
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        assert!(!bound_to(&log, 8).unwrap(), "there is none yet");
        let mut writer = OpenOptions::new().create(true).append(true).open(&log).unwrap();
        writer.write_all(b"12345678").unwrap();
        assert!(!bound_to(&log, 8).unwrap(), "it may be as large as its bound");
        writer.write_all(b"9\n").unwrap();
        assert!(bound_to(&log, 8).unwrap());
        assert_eq!((read(&log), read(&old)), (String::new(), "3456789\n".into()));
        writer.write_all(b"and so on\n").unwrap();
        assert_eq!(read(&log), "and so on\n");
        assert!(bound_to(&log, 8).unwrap());
        assert_eq!((read(&log), read(&old)), (String::new(), "d so on\n".into()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}

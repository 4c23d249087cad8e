//! Owns what the kernel says of a process and of the machine: memory, processor time, load. Megabytes are 10⁶ bytes.
//! Never a process that is not named by its id; `self` is this one.
//! Next: the benches.

use std::fmt::Display;

use anyhow::Context as _;

/// USER_HZ: the kernel counts processor time for programs in hundredths of a second.
const TICKS_PER_S: f64 = 100.0;

pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// User and system time of all its threads, in seconds.
pub fn processor_s(process: impl Display) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in parentheses may hold spaces.
    let (_, fields) = stat.rsplit_once(')').context("an odd stat")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |at: usize| -> anyhow::Result<f64> { Ok(fields.get(at).context("a short stat")?.parse()?) };
    Ok((ticks(11)? + ticks(12)?) / TICKS_PER_S)
}

pub fn resident_mb(process: impl Display) -> anyhow::Result<f64> {
    status_mb(&process, "VmRSS:")
}

/// The most that it ever held.
pub fn resident_most_mb(process: impl Display) -> anyhow::Result<f64> {
    status_mb(&process, "VmHWM:")
}

fn status_mb(process: &impl Display, field: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).context("this needs Linux")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kilobytes = line.with_context(|| format!("no {field}"))?.trim().trim_end_matches(" kB").trim();
    Ok(kilobytes.parse::<f64>()? * 1024.0 / 1e6)
}

/// Of the last minute, the last five, and the last fifteen.
pub fn load_average() -> String {
    let read = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let three: Vec<&str> = read.split_whitespace().take(3).collect();
    if three.is_empty() { "unknown".into() } else { three.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_has_never_held_less_than_now() -> anyhow::Result<()> {
        let now = resident_mb("self")?;
        assert!(now > 0.5, "{now} MB");
        assert!(resident_most_mb("self")? + 0.1 >= now);
        assert!(processor_s("self")? >= 0.0);
        Ok(())
    }
}

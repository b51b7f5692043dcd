//! What the kernel knows of this process, from `/proc` (proc(5)). Where there is no `/proc` nothing is told.

use std::fs;

/// The unit of CPU times in `/proc`: `USER_HZ`, 100 on every architecture that Linux runs this on.
const TICKS_PER_SECOND: f64 = 100.0;

/// Numbers that every program has.
#[derive(Debug, Default)]
pub struct ProcessNumbers {
    /// Memory in use.
    pub resident_bytes: Option<u64>,
    /// File descriptors that are open.
    pub open_fds: Option<u64>,
    /// The limit on open file descriptors.
    pub max_fds: Option<u64>,
    /// When the process was started, in seconds since 1970-01-01T00:00:00Z.
    pub start_time_seconds: Option<f64>,
    /// User and system CPU time spent.
    pub cpu_seconds: Option<f64>,
}

impl ProcessNumbers {
    /// The numbers of this moment.
    #[must_use]
    pub fn read() -> Self {
        let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let stat = Stat::parse(&file("/proc/self/stat"));
        let boot: Option<f64> = after(&file("/proc/stat"), "btime ").and_then(|seconds| seconds.parse().ok());
        Self {
            resident_bytes: after(&file("/proc/self/status"), "VmRSS:")
                .and_then(|kib| kib.parse::<u64>().ok())
                .map(|kib| kib * 1024),
            open_fds: fs::read_dir("/proc/self/fd").ok().map(|fds| fds.count() as u64),
            max_fds: after(&file("/proc/self/limits"), "Max open files").and_then(|soft| soft.parse().ok()),
            start_time_seconds: boot.zip(stat.as_ref()).map(|(boot, stat)| boot + stat.started),
            cpu_seconds: stat.map(|stat| stat.cpu),
        }
    }
}

/// The first word after `prefix` on the line that begins with it.
fn after<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    text.lines()
        .find_map(|line| line.strip_prefix(prefix))
        .and_then(|rest| rest.split_whitespace().next())
}

struct Stat {
    /// Seconds of user and system time.
    cpu: f64,
    /// Seconds from boot to start.
    started: f64,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The second field is the name in parentheses, which may hold anything; the third follows the last of them.
        let (_, fields) = text.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks = |number: usize| fields.get(number - 3).and_then(|ticks| ticks.parse::<f64>().ok());
        Some(Self {
            cpu: (ticks(14)? + ticks(15)?) / TICKS_PER_SECOND,
            started: ticks(22)? / TICKS_PER_SECOND,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_with_a_parenthesis_in_its_name_is_read() {
        let text = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 1234 1 1";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.cpu, stat.started), (2.0, 12.34));
    }

    #[test]
    fn what_is_missing_is_not_told() {
        assert!(Stat::parse("").is_none());
        assert!(Stat::parse("7 (a) S 1").is_none());
        assert_eq!(after("VmSize: 1 kB\nVmRSS:\t  12 kB\n", "VmRSS:"), Some("12"));
        assert_eq!(after("", "VmRSS:"), None);
    }
}

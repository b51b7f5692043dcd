//! What the kernel says of a process.

use std::fs;

use serde_json::{Value, json};

use crate::Outcome;

/// Bytes in memory: all, those that no file is behind, and the most there ever were.
pub(crate) fn memory(pid: u32) -> Outcome<Value> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    Ok(json!({
        "rss_mb": megabytes(&status, "VmRSS:")?,
        "rss_anon_mb": megabytes(&status, "RssAnon:")?,
        "rss_peak_mb": megabytes(&status, "VmHWM:")?,
    }))
}

/// The kernel's kB are 1024 bytes; a MB here are 10^6.
fn megabytes(status: &str, field: &str) -> Outcome<f64> {
    let value = status.lines().find_map(|line| line.strip_prefix(field));
    let kilobytes = value.and_then(|value| value.trim().strip_suffix("kB"));
    let kilobytes: f64 = kilobytes
        .ok_or(format!("no {field} in the process's status"))?
        .trim()
        .parse()?;
    Ok((kilobytes * 1024.0 / 1e5).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory() {
        let memory = memory(std::process::id()).unwrap();
        assert!(memory["rss_mb"].as_f64().unwrap() > 0.1, "{memory}");
        assert!(memory["rss_peak_mb"].as_f64() >= memory["rss_mb"].as_f64());
    }
}

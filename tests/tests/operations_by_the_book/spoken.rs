//! Commands that the text speaks of: each has to be part of one that is run.

use crate::page::{LineNo, Page};

/// Programs that are shown as commands.
const PROGRAMS: [&str; 14] = [
    "adduser",
    "apt-get",
    "chat",
    "chatctl",
    "chatd",
    "chown",
    "curl",
    "journalctl",
    "rm",
    "scp",
    "sed",
    "sysctl",
    "systemctl",
    "systemd-analyze",
];
/// The words after `chatctl`, with which commands begin where the program is clear.
const NOUNS: [&str; 29] = [
    "audit",
    "bans",
    "ca",
    "certs",
    "cluster",
    "config",
    "debug",
    "doctor",
    "events",
    "health",
    "invites",
    "join",
    "leader",
    "leave",
    "lockdown",
    "log-level",
    "member",
    "metrics",
    "quota",
    "raft",
    "recover",
    "remove",
    "retention",
    "rooms",
    "snapshot",
    "status",
    "token",
    "top",
    "users",
];

/// The commands that the text speaks of and that no block has.
pub(crate) fn never_run(page: &Page) -> Vec<(LineNo, String)> {
    let run: Vec<Vec<&str>> = page.commands().map(|command| words(command.bare())).collect();
    let is_run = |span: &[&str]| {
        let covers = |command: &Vec<&str>| {
            let mut places = command.windows(span.len());
            places.any(|part| part.iter().zip(span).all(|(said, spoken)| is_same(said, spoken)))
        };
        run.iter().any(covers)
    };
    let mut missing = page.spans.clone();
    missing.retain(|(_, span)| {
        let span = words(span);
        let is_command = span
            .first()
            .is_some_and(|first| PROGRAMS.contains(first) && span.len() > 1 || NOUNS.contains(first));
        is_command && !is_run(&span)
    });
    missing
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().map(|word| word.trim_end_matches(';')).collect()
}

/// Words in capitals stand for any: `ID`, `FILE`.
fn is_same(said: &str, spoken: &str) -> bool {
    let stands_for_any = spoken
        .chars()
        .all(|letter| letter.is_ascii_uppercase() || letter == '-')
        && spoken != "-";
    stands_for_any && !spoken.starts_with('-') || said == spoken
}

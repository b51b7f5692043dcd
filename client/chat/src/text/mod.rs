//! What people read: an event as a line, and texts of others made harmless for a terminal.

mod event;
#[cfg(test)]
pub(crate) mod fixture;

pub(crate) use event::event;

/// A text of somebody else for a terminal: without characters that move the cursor, change colours, or turn what stands around
/// them (Unicode's bidirectional controls, UAX 9). A tab stays, and so does a newline.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| match c {
            '\n' | '\t' => true,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => false,
            '\u{2028}' | '\u{2029}' => false,
            c => !c.is_control(),
        })
        .collect()
}

/// The same where one line is wanted.
pub(crate) fn plain_line(text: &str) -> String {
    plain(text).replace(['\n', '\t'], " ")
}

/// `1 message`, `2 messages`.
pub(crate) fn count(number: u64, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_moves_the_cursor_or_turns_what_stands_around_it() {
        let text = "a\u{1b}[2Jb\u{7}\u{9b}c\u{202e}d\u{2066}e\u{200f}f\u{2028}\u{7f}\n\tg 👨\u{200d}👩 é";
        assert_eq!(plain(text), "a[2Jbcdef\n\tg 👨\u{200d}👩 é");
        assert_eq!(plain_line("a\nb\tc"), "a b c");
    }
}

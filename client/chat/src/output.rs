//! What goes to stdout.

use std::io::{self, Write};

use console::style;
use quorate_client::{Event, RoomEventKind};
use serde_json::Value;

use crate::exit::Exit;
use crate::json;

/// Prints one line.
pub(crate) fn line(text: &str) -> Result<(), Exit> {
    Ok(writeln!(io::stdout().lock(), "{text}")?)
}

/// Prints an object as a line of JSON, or as a line of text.
pub(crate) fn either(json: bool, object: &Value, text: &str) -> Result<(), Exit> {
    if json { line(&object.to_string()) } else { line(text) }
}

/// Prints rows: as JSON one object a line, else in columns.
pub(crate) fn rows(json: bool, rows: Vec<(Value, Vec<String>)>) -> Result<(), Exit> {
    let mut widths: Vec<usize> = Vec::new();
    for (_, cells) in &rows {
        widths.resize(widths.len().max(cells.len()), 0);
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(console::measure_text_width(cell));
        }
    }
    for (object, cells) in rows {
        let padded = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| console::pad_str(cell, *width, console::Alignment::Left, None).into_owned());
        let text = padded.collect::<Vec<_>>().join("  ");
        either(json, &object, text.trim_end())?;
    }
    Ok(())
}

/// Prints an event.
pub(crate) fn event(json: bool, event: &Event, with_room: bool) -> Result<(), Exit> {
    if json {
        return line(&json::event(event).to_string());
    }
    let at = json::time(event.at);
    let at = at.get(..19).unwrap_or(&at).replace('T', " ");
    let room = if with_room {
        format!("{} ", event.room)
    } else {
        String::new()
    };
    let author = style(&event.author).bold();
    let what = match &event.kind {
        RoomEventKind::Message { body, reply_to, .. } => {
            let reply = reply_to.map(|seq| format!("(to {seq}) ")).unwrap_or_default();
            format!("<{author}> {reply}{}", body.as_str().replace('\n', "\n    "))
        }
        RoomEventKind::Joined => format!("* {author} joined"),
        RoomEventKind::Left => format!("* {author} left"),
        RoomEventKind::TopicSet { topic } => format!("* {author} set the topic: {topic}"),
    };
    line(&format!("{at} {room}{:>5} {what}", event.seq.0))
}

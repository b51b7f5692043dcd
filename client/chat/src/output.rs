//! What goes to stdout.

use std::io::{self, Write};

use quorate_client::Event;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::{json, text};

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
        line(&json::event(event).to_string())
    } else {
        line(&text::event(event, with_room))
    }
}

/// Tells on stderr where the next page begins, if there is one.
pub(crate) fn next(json: bool, next: Option<&str>) {
    match next {
        Some(next) if json => eprintln!("{}", json!({ "next": next })),
        Some(next) => eprintln!("next: {next}"),
        None => {}
    }
}

/// Tells something on stderr that is not an error.
pub(crate) fn note(note: &str) {
    eprintln!("chat: {note}");
}

//! All that a room remembers, or all that is the user's, as JSON lines.

mod file;

use std::path::Path;

use quorate_client::{Client, Event, Range, RoomRef, Seq};
use serde_json::{Value, json};

use crate::cli::ExportArgs;
use crate::exit::Exit;
use crate::{json as forms, output, progress, target};
use file::Sink;

/// Events that are asked for at once.
const PAGE: usize = 500;
/// The same for a found page.
const FOUND_PAGE: u16 = 500;

pub(super) async fn run(client: &Client, args: &ExportArgs, json: bool) -> Result<(), Exit> {
    match (&args.room, &args.file, &args.mine) {
        (_, _, Some(path)) => mine(client, path, json).await,
        (Some(room), Some(path), None) => export_room(client, room, path, json).await,
        _ => Err(Exit::usage("a room and a file, or --mine and a file")),
    }
}

/// From the oldest line that is kept to the one that is last when this begins, each once, or an error.
async fn export_room(client: &Client, room: &RoomRef, path: &Path, json: bool) -> Result<(), Exit> {
    let mut sink = Sink::create(path)?;
    let mut page = client.history(room, Range::After(Seq(0)), PAGE, true).await?;
    let last = page.last;
    let mut lines = Lines::new(page.first);
    let bar = progress::bar("exporting", last.0.saturating_sub(page.first.0.saturating_sub(1)));
    loop {
        let before = lines.next;
        for event in page.events.iter().take_while(|event| event.seq <= last) {
            lines.take(event, page.first)?;
            sink.write(&forms::event(event))?;
            bar.inc(1);
        }
        // Either it is complete, or what is missing will not come.
        if lines.next > last || lines.next == before {
            break;
        }
        let after = Seq(lines.next.0.saturating_sub(1));
        page = client.history(room, Range::After(after), PAGE, false).await?;
    }
    bar.finish_and_clear();
    lines.end(last, page.first)?;
    if let Some(cut) = lines.cut {
        let room = target::show_room(room);
        output::note(&format!("while this went on {room} forgot what stood before {cut}"));
    }
    sink.finish()?;
    let report = json!({
        "room": page.room.as_str(),
        "file": path.display().to_string(),
        "events": lines.count,
        "first_seq": lines.first.0,
        "last_seq": last.0,
        "complete": true,
    });
    let told = match lines.count {
        0 => format!("{} remembers nothing", page.room),
        count => format!("{}: {count} events, {} to {last}, none missing", page.room, lines.first),
    };
    tell(path, &report, &told, json)
}

/// Which seqs have come: one after the other, without a hole but what the room forgot meanwhile.
struct Lines {
    first: Seq,
    next: Seq,
    count: u64,
    cut: Option<Seq>,
}

impl Lines {
    fn new(first: Seq) -> Self {
        Self {
            first,
            next: first,
            count: 0,
            cut: None,
        }
    }

    /// The next event, of a page at the end of which this was the room's oldest line.
    fn take(&mut self, event: &Event, oldest: Seq) -> Result<(), Exit> {
        if event.seq > self.next && event.seq <= oldest {
            self.pass_to(event.seq);
        }
        if event.seq != self.next {
            return Err(missing(self.next, Seq(event.seq.0.saturating_sub(1))));
        }
        self.next = event.seq.next();
        self.count += 1;
        Ok(())
    }

    /// Nothing may be missing at the end either.
    fn end(&mut self, last: Seq, oldest: Seq) -> Result<(), Exit> {
        if self.next <= last && last < oldest {
            self.pass_to(oldest);
        }
        match self.next > last {
            true => Ok(()),
            false => Err(missing(self.next, last)),
        }
    }

    fn pass_to(&mut self, kept: Seq) {
        self.next = kept;
        self.cut = Some(kept);
        if self.count == 0 {
            self.first = kept;
        }
    }
}

fn missing(from: Seq, to: Seq) -> Exit {
    let message =
        format!("incomplete: {from} to {to} are missing, or of a kind that only a newer version of this program knows");
    Exit::error("incomplete", message)
}

/// The account, its devices, bots and rooms in one line, and the user's messages in those after it.
async fn mine(client: &Client, path: &Path, json: bool) -> Result<(), Exit> {
    let mut sink = Sink::create(path)?;
    let account = client.whoami().await?;
    let devices = client.devices().await?;
    // A bot has none.
    let bots = match account.owner {
        Some(_) => Vec::new(),
        None => client.bots().await?,
    };
    let marks = client.unread().await?;
    let rooms = client.rooms(false).await?;
    let rooms = rooms.iter().map(|row| {
        let mut object = forms::room(row);
        if let Some(mark) = marks.iter().find(|mark| mark.room == row.name) {
            object["last_read"] = json!(mark.read.0);
            object["unread"] = json!(mark.unread);
            object["mentions"] = json!(mark.mentions);
        }
        object
    });
    sink.write(&json!({
        "account": forms::account(&account),
        "devices": devices.iter().map(|row| forms::device(row, client.device())).collect::<Vec<_>>(),
        "bots": bots.iter().map(forms::account_row).collect::<Vec<_>>(),
        "rooms": rooms.collect::<Vec<_>>(),
    }))?;
    let mut count: u64 = 0;
    let mut after: Option<String> = None;
    loop {
        let page = client.own_messages(after.as_deref(), FOUND_PAGE).await?;
        for event in &page.events {
            sink.write(&forms::event(event))?;
        }
        count += page.events.len() as u64;
        match page.next {
            Some(next) if after.as_deref() != Some(&next) => after = Some(next),
            _ => break,
        }
    }
    sink.finish()?;
    let user = account.user.as_str();
    let report = json!({"user": user, "file": path.display().to_string(), "messages": count});
    tell(path, &report, &format!("{user}: {count} messages"), json)
}

/// Beside the data, not in them.
fn tell(path: &Path, report: &Value, told: &str, json: bool) -> Result<(), Exit> {
    match (file::is_stdout(path), json) {
        (false, _) => output::either(json, report, told),
        (true, true) => {
            eprintln!("{report}");
            Ok(())
        }
        (true, false) => {
            output::note(told);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use quorate_client::RoomEventKind;

    use super::*;
    use crate::text::fixture;

    fn line(seq: u64) -> Event {
        let mut event = fixture::event(RoomEventKind::Joined);
        event.seq = Seq(seq);
        event
    }

    #[test]
    fn lines_one_after_the_other_are_complete() {
        let mut lines = Lines::new(Seq(4));
        for seq in 4..=6 {
            lines.take(&line(seq), Seq(4)).unwrap();
        }
        assert!(lines.end(Seq(6), Seq(4)).is_ok());
        assert_eq!((lines.count, lines.first, lines.cut), (3, Seq(4), None));
    }

    #[test]
    fn a_hole_a_repetition_and_a_short_end_are_errors() {
        let mut lines = Lines::new(Seq(1));
        lines.take(&line(1), Seq(1)).unwrap();
        assert!(lines.take(&line(3), Seq(1)).is_err());
        assert!(lines.take(&line(1), Seq(1)).is_err());
        assert!(lines.end(Seq(2), Seq(1)).is_err());
    }

    #[test]
    fn what_the_room_forgets_meanwhile_is_no_hole_but_told() {
        let mut lines = Lines::new(Seq(1));
        lines.take(&line(1), Seq(1)).unwrap();
        lines.take(&line(5), Seq(5)).unwrap();
        assert!(lines.end(Seq(5), Seq(5)).is_ok());
        assert_eq!(lines.cut, Some(Seq(5)));
        let mut twice = Lines::new(Seq(1));
        for seq in [1, 3, 4, 6] {
            // The page was read while the room forgot twice.
            twice.take(&line(seq), Seq(6)).unwrap();
        }
        assert!(twice.take(&line(8), Seq(6)).is_err());
        let mut emptied = Lines::new(Seq(1));
        assert!(emptied.end(Seq(8), Seq(9)).is_ok());
    }
}

//! Prints what is said in a room, each line once, and goes on where it was after a restart.
//!
//! ```sh
//! cargo run -p quorate-client --example follow -- PROFILE_FOLDER ROOM
//! ```

use std::path::Path;

use quorate_client::{Client, Notice, Options, OutboxKind, Profile, RoomEventKind, RoomName, RoomRef, Seq, Update};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, room] = args.as_slice() else {
        return Err("usage: follow PROFILE_FOLDER ROOM".into());
    };
    let profile = Profile::open(Path::new(folder))?;
    // This program only reads, so nothing that others left unsent is its business.
    let options = Options {
        outbox: OutboxKind::Memory,
    };
    let client = Client::open(&profile, options)?;
    let room = RoomRef::Name(RoomName::parse(room)?);

    // The place of a reader called "follow-example": the first time it begins with the room's first event.
    let mut cursor = client.cursor("follow-example", &room)?;
    let mut subscription = client.subscribe_at(&room, &mut cursor, Some(Seq(1))).await?;
    let mut notices = client.notices();
    loop {
        tokio::select! {
            update = subscription.next() => match update.transpose()? {
                Some(Update::Event(event)) => {
                    if let RoomEventKind::Message { body, .. } = &event.kind {
                        println!("{} {}: {}", event.seq, event.author, body.as_str());
                    }
                    // Done with it: a restart goes on with the next one.
                    cursor.move_to(event.seq.next())?;
                }
                Some(Update::Truncated { first }) => eprintln!("the room begins with {first} now"),
                // Nothing is lost.
                Some(Update::Lagged { .. }) => {}
                None => return Ok(()),
            },
            Some(Notice::Connection(now)) = notices.next() => {
                eprintln!("{} {}", now.state.as_str(), now.cause.unwrap_or_default());
            }
        }
    }
}

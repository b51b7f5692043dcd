//! Posts one message and says what became of it.
//!
//! ```sh
//! cargo run -p quorate-client --example post -- PROFILE_FOLDER ROOM TEXT
//! ```
//! The profile must be logged in: `chat --profile NAME login ...` makes one in its state folder.

use std::path::Path;
use std::process::ExitCode;

use quorate_client::{Client, Options, Post, Profile, RequestError, RoomName, RoomRef};

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, room, text] = args.as_slice() else {
        return Err("usage: post PROFILE_FOLDER ROOM TEXT".into());
    };
    let profile = Profile::open(Path::new(folder))?;
    let client = Client::open(&profile, Options::default())?;
    let post = Post::new(RoomRef::Name(RoomName::parse(room)?), text)?;

    // When this returns, the message is synced to this machine's disk: should this process be killed now, the next one that
    // opens the profile sends it.
    let queued = client.queue(post).await?;
    eprintln!("queued as {}", queued.id());

    let code = match queued.posted().await {
        Ok(posted) => {
            println!("{}", posted.seq);
            ExitCode::SUCCESS
        }
        // It may be there. Posting with the same id again finds out, now or in the next run.
        Err(RequestError::Unknown) => {
            eprintln!("nobody can say yet; it is sent again by the next run");
            ExitCode::from(8)
        }
        Err(error) => {
            eprintln!("not posted ({}): {error}", error.code());
            ExitCode::FAILURE
        }
    };
    client.close().await;
    Ok(code)
}

//! `chatctl cluster init`, `join` and `token`: a cluster that grows node by node.

use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use quorate_adminapi::{
    CreatedToken, InitRequest, Initialised, JoinRequest, JoinedCluster, Lasting, MemberRole, NewToken, Token, code,
};
use quorate_core::TokenId;
use serde::Serialize;
use serde_json::json;

use super::catch_up::caught_up;
use super::dry;
use crate::cli::{Global, InitArgs, JoinArgs, TokenArgs};
use crate::confirm::confirm;
use crate::failure::{Exit, Failure};
use crate::link::{Link, SILENT, UNREACHABLE};
use crate::output::Answer;
use crate::screen::{Column, Grid, Screen, Text};
use crate::wait::{Look, Progress};

/// How long a new cluster may take to lead itself.
const INIT_DEADLINE: Duration = Duration::from_secs(30);
/// The longest token file that is read.
const TOKEN_FILE_BYTES_MAX: u64 = 4096;

#[derive(Serialize)]
struct Founded {
    #[serde(flatten)]
    made: Initialised,
    /// Lets the next node in; `null` with `--no-wait`.
    token: Option<String>,
    token_id: Option<TokenId>,
    /// The command that joins the next node.
    join: Option<String>,
}

pub(super) async fn init(link: &Link<'_>, global: &Global, args: &InitArgs) -> Result<Answer, Failure> {
    let asked = InitRequest {
        name: args.name.clone(),
    };
    if global.dry_run {
        return Ok(dry(&asked));
    }
    let made: Initialised = link.post("/v1/cluster/init", &asked).await?;
    let token = if global.no_wait {
        None
    } else {
        Some(first_token(link, global).await?)
    };
    let join = token.as_ref().map(|token| join_line(&made.peer_addr, &token.token));
    let mut screen = Screen::default().raw(format!(
        "cluster {} ({}) is formed; this is its node {}\n",
        made.name, made.id, made.node
    ));
    if let Some(join) = &join {
        screen = screen.raw(format!("on another machine, beside its daemon:\n\n  {join}\n\n"));
    }
    let mut answer = Answer::new(
        &Founded {
            token_id: token.as_ref().map(|token| token.id),
            token: token.as_ref().map(|token| token.token.clone()),
            join,
            made,
        },
        screen,
    );
    if let Some(token) = &token {
        answer.notes.push(lifetime(token));
    }
    Ok(answer)
}

/// The node begins anew with its data, elects itself, and writes its CA down: then it can make a token.
async fn first_token(link: &Link<'_>, global: &Global) -> Result<CreatedToken, Failure> {
    let asked = NewToken {
        ttl: Lasting(Duration::from_secs(3600)),
        uses: 1,
        role: MemberRole::Voter,
        rotate: false,
    };
    let mut last = None;
    let made = Progress::new(global)
        .until(Some(Instant::now() + INIT_DEADLINE), async || {
            match link.post::<CreatedToken>("/v1/tokens", &asked).await {
                Ok(token) => Look::Done(Ok(token)),
                // Also one that came as the daemon began anew, and that nobody has answered. A token that was made for it all
                // the same lets nobody in: nobody has been told its secret.
                Err(failure) if is_beginning(&failure) || failure.error.code == code::OUTCOME_UNKNOWN => {
                    let look = Look::waiting(format!("waiting for the node to begin: {}", failure.error.message));
                    last = Some(failure);
                    look
                }
                Err(failure) => Look::Done(Err(failure)),
            }
        })
        .await;
    made.unwrap_or_else(|| Err(last.expect("who has waited was told why")))
}

/// What is said while a node becomes one.
pub(super) fn is_beginning(failure: &Failure) -> bool {
    matches!(
        failure.error.code.as_str(),
        code::NO_AUTHORITY | code::NOT_FORMED | code::NO_QUORUM | code::UNKNOWN_PATH | UNREACHABLE | SILENT
    )
}

pub(super) async fn join(link: &Link<'_>, global: &Global, args: &JoinArgs) -> Result<Answer, Failure> {
    let asked = JoinRequest {
        addrs: args.addrs.iter().map(ToString::to_string).collect(),
        token: read_token(&args.token_file)?,
        role: args.role.map(MemberRole::from),
    };
    if global.dry_run {
        return Ok(dry(&json!({"addrs": asked.addrs, "role": asked.role})));
    }
    let joined: JoinedCluster = link.post("/v1/cluster/join", &asked).await.map_err(not_let_in)?;
    let mut notes = Vec::new();
    if global.no_wait {
        notes.push("the node catches up by itself; chatctl status shows how far it is".to_owned());
    } else {
        caught_up(link, global, joined.node, joined.role).await?;
    }
    let screen = Screen::default().raw(format!(
        "this is node {} of cluster {} ({}), a {}\n",
        joined.node, joined.name, joined.id, joined.role
    ));
    let mut answer = Answer::new(&joined, screen);
    answer.notes = notes;
    Ok(answer)
}

fn not_let_in(failure: Failure) -> Failure {
    match failure.error.code.as_str() {
        code::UNKNOWN_TOKEN | "token-expired" | "token-used" | "bad-token" | "not-allowed" | code::WRONG_CA => {
            Failure {
                exit: Exit::Permission,
                ..failure
            }
        }
        _ => failure,
    }
}

fn read_token(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(TOKEN_FILE_BYTES_MAX)
            .read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(TOKEN_FILE_BYTES_MAX).read_to_string(&mut text))
    };
    read.map_err(|error| Failure::of_io(&error, format!("{}: {error}", path.display())))?;
    let text = text.trim().to_owned();
    match text.is_empty() {
        true => Err(Failure::new(
            Exit::Usage,
            "usage",
            format!("{} holds no token", path.display()),
        )),
        false => Ok(text),
    }
}

pub(super) async fn create_token(
    link: &Link<'_>,
    args: TokenArgs,
    rotate: bool,
    global: &Global,
) -> Result<Answer, Failure> {
    let asked = NewToken {
        ttl: Lasting(args.ttl),
        uses: args.uses,
        role: args.role.into(),
        rotate,
    };
    if global.dry_run {
        return Ok(dry(&asked));
    }
    if rotate {
        confirm(global, "all tokens that there are end")?;
    }
    let made: CreatedToken = link.post("/v1/tokens", &asked).await?;
    let mut answer = Answer::new(&made, Screen::default().raw(format!("{}\n", made.token)));
    answer.notes.push(lifetime(&made));
    if let Some(addr) = made.peer_addrs.first() {
        answer.notes.push(format!(
            "on another machine: chatctl cluster join {addr} --token-file FILE"
        ));
    }
    Ok(answer)
}

pub(super) async fn tokens(link: &Link<'_>) -> Result<Answer, Failure> {
    let rows: Vec<Token> = link.get("/v1/tokens").await?;
    let mut grid = Grid::new(&[
        Column::right("ID"),
        Column::left("STATE"),
        Column::left("ROLE"),
        Column::left("CREATED"),
        Column::left("EXPIRES"),
        Column::right("USES"),
        Column::right("LEFT"),
        Column::right("BY-UID"),
    ]);
    for row in &rows {
        grid.row(vec![
            Text::new(row.id),
            Text::new(row.state),
            Text::new(row.role),
            Text::new(row.created_at),
            Text::new(row.expires_at),
            Text::new(row.uses),
            Text::new(row.uses_left),
            Text::new(row.by_uid),
        ]);
    }
    Ok(Answer::new(&rows, Screen::default().grid(grid)))
}

pub(super) async fn revoke_token(link: &Link<'_>, id: TokenId, dry_run: bool) -> Result<Answer, Failure> {
    if dry_run {
        return Ok(dry(&json!({"id": id})));
    }
    link.delete(&format!("/v1/tokens/{id}")).await?;
    let screen = Screen::default().raw(format!("token {id} is revoked\n"));
    Ok(Answer::new(&json!({"id": id}), screen))
}

fn join_line(addr: &str, token: &str) -> String {
    format!("echo {token} | chatctl cluster join {addr} --token-file -")
}

fn lifetime(token: &CreatedToken) -> String {
    let nodes = if token.uses == 1 {
        "1 node".to_owned()
    } else {
        format!("{} nodes", token.uses)
    };
    format!(
        "token {} is good for {nodes} until {}; it is shown this once",
        token.id, token.expires_at
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixListener;

    use super::*;
    use crate::cli::Cli;

    /// `init` ended with "the change was not confirmed", though the cluster was formed: the daemon had closed a connection that came
    /// as it stopped to wait.
    #[tokio::test]
    async fn a_token_is_asked_for_again_when_the_daemon_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("admin.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let body = r#"{"id":7,"token":"chatjoin1.x","expires_at":"2026-11-28T18:00:00.000Z","uses":1,"role":"voter","peer_addrs":[]}"#;
        let daemon = tokio::spawn(async move {
            let (mut first, _) = listener.accept().await.unwrap();
            let _ = first.read(&mut [0; 16]).await;
            drop(first);
            let (mut second, _) = listener.accept().await.unwrap();
            let _ = second.read(&mut [0; 4096]).await;
            let length = body.len();
            let answer =
                format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}");
            second.write_all(answer.as_bytes()).await.unwrap();
        });
        let cli = Cli::try_parse_from(["chatctl", "--socket", socket.to_str().unwrap(), "cluster", "init"]).unwrap();
        let made = first_token(&Link::new(&cli.global), &cli.global).await.unwrap();
        assert_eq!(made.id, TokenId(7));
        daemon.await.unwrap();
    }
}

//! The users of the demo: alice and bob, each with a profile of their own.

use std::path::Path;
use std::time::Duration;

use quorate_client::{Client, Options, Profile, RequestError};

use super::DemoError;

/// Everybody's password.
pub(crate) const PASSWORD: &str = "demo";
/// How long the cluster may take to form and to take the first request.
pub(crate) const FORM_DEADLINE: Duration = Duration::from_secs(30);

/// Opens a user's profile in a folder of its own below `dir` and sees to it that the account is there and logged in.
///
/// # Errors
/// The profile cannot be opened, or the cluster does not let the user in.
pub async fn enter(dir: &Path, user: &str, servers: Vec<String>) -> Result<Client, DemoError> {
    let profile = Profile::open(&dir.join(user))?;
    profile.set_servers(servers)?;
    let client = Client::open(&profile, Options::default())?;
    if client.user().is_none() {
        match client.register(user, PASSWORD, None).await {
            // A cluster that was kept from an earlier run knows the user.
            Err(RequestError::Refused { code, .. }) if code == "name-taken" => {
                client
                    .login(user, PASSWORD)
                    .await
                    .map_err(DemoError::request("login"))?;
            }
            result => drop(result.map_err(DemoError::request("registration"))?),
        }
    }
    Ok(client)
}

/// Waits until somebody leads.
///
/// # Errors
/// Nobody does within half a minute.
pub async fn wait_for_leader(client: &Client) -> Result<quorate_client::NodeId, DemoError> {
    const POLL: Duration = Duration::from_millis(5);
    let wait = async {
        loop {
            if let Some(leader) = client.leader() {
                return leader;
            }
            tokio::time::sleep(POLL).await;
        }
    };
    let late = |_| DemoError::Late {
        what: "an election",
        limit: FORM_DEADLINE,
    };
    tokio::time::timeout(FORM_DEADLINE, wait).await.map_err(late)
}

//! What operators change, on its way through the log.

use std::time::Duration;

use quorate_certs::InviteLink;
use quorate_core::{Actor, Command, Done, Operate, Operation, Operator};
use quorate_protocol::relay::End;
use rand::Rng;
use rand::seq::SliceRandom;
use tokio::time::Instant;

use super::source::NodeSource;
use crate::admin::{AdminError, FreshInvite};
use crate::session::invite_key;

/// Bits of an invite's secret, as 32 hex digits: not to be guessed.
type Secret = u128;

/// How long a change may wait for a leader and a majority, the name of who asks included. With the time that it takes to
/// ask whom this node reaches it is below the admin API's own deadline.
const OPERATE_DEADLINE: Duration = Duration::from_secs(6);

/// How long the system may take to say whose a user id is: a directory server that is gone must hold up nobody.
const NAME_DEADLINE: Duration = Duration::from_secs(1);

/// Whose a user id is; no name where the system has none, or does not say.
async fn name_of(uid: u32) -> Actor {
    let asked = tokio::task::spawn_blocking(move || {
        let user = uzers::get_user_by_uid(uid)?;
        Actor::parse(&user.name().to_string_lossy()).ok()
    });
    match tokio::time::timeout(NAME_DEADLINE, asked).await {
        Ok(Ok(Some(name))) => name,
        _ => Actor::default(),
    }
}

impl NodeSource {
    pub(super) async fn put_through(&self, by: Operator, operation: Operation) -> Result<Done, AdminError> {
        let deadline = Instant::now() + OPERATE_DEADLINE;
        let actor = name_of(by.uid).await;
        let command = Command::Operate(Operate { by, operation, actor });
        match self.relay.submit(&command, deadline).await {
            End::Applied { index, outcome } => {
                let done = outcome?;
                // Who asks this node next finds it done. When that takes too long it is done all the same.
                let _ = self
                    .facts
                    .reader
                    .wait_applied(index, Instant::now() + OPERATE_DEADLINE)
                    .await;
                Ok(done)
            }
            End::NotProposed { .. } => Err(self.not_taken().await),
            End::Unknown => Err(AdminError::OutcomeUnknown),
        }
    }

    pub(super) fn make_secret(&self) -> Result<FreshInvite, AdminError> {
        let secret: Secret = rand::rng().random();
        let secret = format!("{secret:032x}");
        let key = invite_key(&secret);
        let view = self.consensus.view();
        let mut addrs: Vec<String> = view
            .borrow()
            .members
            .values()
            .map(|member| member.addrs.client.to_string())
            .collect();
        // Each link begins with another node, so that new clients spread over all of them.
        addrs.shuffle(&mut rand::rng());
        let ca = self.ca_for_others();
        InviteLink::new(addrs, Some(ca), Some(secret))
            .map(|link| FreshInvite {
                link: link.to_string(),
                key,
            })
            .map_err(|error| AdminError::NoLink(error.to_string()))
    }
}

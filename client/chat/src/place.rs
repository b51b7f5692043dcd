//! Which profile, and which cluster.

use std::path::PathBuf;

use etcetera::BaseStrategy;
use quorate_client::{Client, InviteLink, Options, OutboxKind, Profile};

use crate::cli::{PlaceArgs, ServerArgs};
use crate::exit::Exit;

/// The folder of a profile: under `CHAT_HOME`, or where the system keeps state.
pub(crate) fn folder(profile: &str) -> Result<PathBuf, Exit> {
    let is_name = !profile.is_empty() && profile.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    if !is_name {
        return Err(Exit::usage("a profile's name holds letters, digits, - and _"));
    }
    let home = match std::env::var_os("CHAT_HOME").filter(|home| !home.is_empty()) {
        Some(home) => PathBuf::from(home),
        None => {
            let base = etcetera::choose_base_strategy()
                .map_err(|_| Exit::error("no-home", "there is no home directory; set CHAT_HOME"))?;
            base.state_dir().unwrap_or_else(|| base.data_dir()).join("chat")
        }
    };
    Ok(home.join(profile))
}

/// The profile, with what the command line says about the cluster kept in it.
pub(crate) fn profile(name: &str, place: Option<(&Option<InviteLink>, &ServerArgs)>) -> Result<Profile, Exit> {
    let profile = Profile::open(&folder(name)?)?;
    if let Some((link, servers)) = place {
        if let Some(link) = link {
            profile.use_link(link)?;
        }
        if !servers.server.is_empty() {
            // A link is what knows how an address looks.
            let link =
                InviteLink::new(servers.server.clone(), None, None).map_err(|error| Exit::usage(error.to_string()))?;
            profile.set_servers(link.addrs().to_vec())?;
        }
        if let Some(ca) = servers.ca {
            profile.set_ca(ca)?;
        }
    }
    Ok(profile)
}

/// A client for a command that makes or uses a login of its own.
pub(crate) fn open_at(name: &str, place: &PlaceArgs) -> Result<Client, Exit> {
    let profile = profile(name, Some((&place.link, &place.servers)))?;
    if profile.dial_order().is_empty() {
        return Err(Exit::usage("which server? give a LINK or --server HOST:PORT"));
    }
    Ok(Client::open(&profile, Options::default())?)
}

/// A client for a command that needs a login.
pub(crate) fn open(name: &str, outbox: OutboxKind) -> Result<Client, Exit> {
    logged_in(profile(name, None)?, outbox)
}

/// The same, at servers that the command line names.
pub(crate) fn open_with(name: &str, servers: &ServerArgs, outbox: OutboxKind) -> Result<Client, Exit> {
    logged_in(profile(name, Some((&None, servers)))?, outbox)
}

fn logged_in(profile: Profile, outbox: OutboxKind) -> Result<Client, Exit> {
    if profile.user().is_none() || profile.dial_order().is_empty() {
        return Err(Exit::no_login());
    }
    Ok(Client::open(&profile, Options { outbox })?)
}

/// Says on stderr which CA was trusted on first use, if one was.
pub(crate) fn tell_first_met(client: &Client) {
    if let Some(ca) = client.first_met_ca() {
        eprintln!("chat: trusting this cluster's CA from now on: {ca}");
    }
}

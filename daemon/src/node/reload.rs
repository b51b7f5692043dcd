//! SIGHUP and `chatctl config reload`: certificates, log level and limits, read again and put in place while the node runs.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use quorate_adminapi::{EventKind, Reloaded, Setting};
use quorate_certs::{IdentityError, OtherNode, SharedIdentity};
use quorate_transport::ListenerHandle;

use super::level::Level;
use super::place;
use crate::chronicle::Chronicle;
use crate::config::{self, Config, ConfigError, Flags, Limits as LimitsConfig};
use crate::session::{Limits, Rates};

/// What can be changed while the node runs.
pub(super) struct Reload {
    pub(super) file: PathBuf,
    pub(super) flags: Flags,
    pub(super) level: Arc<Level>,
    pub(super) identity: SharedIdentity,
    pub(super) limits: Arc<Limits>,
    pub(super) clients: ListenerHandle,
    pub(super) chronicle: Arc<Chronicle>,
    /// In effect.
    pub(super) settings: Mutex<Vec<Setting>>,
}

/// Why everything is as it was. Each has its own place to look at.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReloadError {
    /// The config, with all its faults.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The certificate's files.
    #[error("the certificate of this node: {0}")]
    Identity(#[from] IdentityError),
    /// They are another node's.
    #[error(transparent)]
    OtherNode(#[from] OtherNode),
}

impl Reload {
    /// Reads everything, then changes everything: a fault leaves all as it was. Blocks for as long as files take.
    pub(super) fn run(&self) -> Result<Reloaded, ReloadError> {
        let done = self.change();
        match &done {
            Ok(_) => {
                tracing::info!("reloaded certificates, log level and limits");
                self.chronicle
                    .note(EventKind::Config, None, "the config was read again");
            }
            Err(error) => {
                tracing::error!(%error, "nothing is reloaded");
                self.chronicle
                    .note(EventKind::Config, None, "the config was read again, and has faults");
            }
        }
        done
    }

    /// All keys as they are in effect.
    pub(super) fn settings(&self) -> Vec<Setting> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self) -> Result<Reloaded, ReloadError> {
        let env = config::environment();
        let config = Config::load(Some(&self.file), &env, &self.flags)?;
        let settings = config::settings(Some(&self.file), &env, &self.flags)?;
        let identity = place::identity(&config)?;
        let cert_expires = identity.expires_at().into();
        self.identity.replace(identity)?;
        self.level.configure(config.log.level.clone());
        self.limits.change(rates(&config.limits));
        self.clients
            .set_sessions_per_address(sessions_per_address(&config.limits));
        let mut in_effect = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Reloaded {
            cert_expires: Some(cert_expires),
            ..take_over(&mut in_effect, settings)
        })
    }
}

/// Puts what reloads in the place of what was, and says what else is another.
fn take_over(in_effect: &mut [Setting], read: Vec<Setting>) -> Reloaded {
    let mut told = Reloaded::default();
    for (old, new) in in_effect.iter_mut().zip(read) {
        let differs = old.value != new.value;
        if differs {
            let list = if new.reloads {
                &mut told.changed
            } else {
                &mut told.needs_restart
            };
            list.push(new.key.clone());
        }
        if new.reloads || !differs {
            *old = new;
        }
    }
    told
}

pub(super) fn rates(limits: &LimitsConfig) -> Rates {
    Rates {
        posts_per_second: limits.posts_per_second,
        registrations_per_minute: limits.registrations_per_minute,
        failed_logins_per_minute: limits.failed_logins_per_minute,
    }
}

/// 0 is no limit to the listener.
pub(super) fn sessions_per_address(limits: &LimitsConfig) -> usize {
    limits
        .sessions_per_address
        .map_or(0, |sessions| sessions.get() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Vec<Setting> {
        let env: Vec<_> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        config::settings(None, &env, &Flags::default()).unwrap()
    }

    #[test]
    fn what_reloads_is_in_effect_and_what_does_not_is_told() {
        let mut in_effect = read(&[]);
        let told = take_over(
            &mut in_effect,
            read(&[("CHATD_LOG__LEVEL", "debug"), ("CHATD_RAFT__HAND_BACK", "off")]),
        );
        assert_eq!(
            (told.changed, told.needs_restart),
            (vec!["log.level".to_owned()], vec!["raft.hand_back".to_owned()])
        );
        let value = |key: &str| {
            let found = in_effect.iter().find(|setting| setting.key == key);
            found.and_then(|setting| setting.value.clone()).unwrap()
        };
        assert_eq!(
            (value("log.level").as_str(), value("raft.hand_back").as_str()),
            ("debug", "10s")
        );
    }
}

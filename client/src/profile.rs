//! A profile: what one installation remembers between runs, in a folder of its own.
//!
//! `device.key` is the device's key, `profile.json` where the cluster is and who the user is, `outbox/USER/` what
//! was not sent yet, `seen.json` how much of the cluster was seen, `cursors/USER/` the places of readers that have a name.
//! Several processes may use one profile at once.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use quorate_certs::{CaFingerprint, DeviceKey, INVITE_ADDRS_MAX, InviteLink};
use quorate_core::UserName;
use serde::{Deserialize, Serialize};

use crate::OpenError;
use crate::outbox::make_folder;
use crate::seen::SeenMark;

const SETTINGS_FILE: &str = "profile.json";
const SETTINGS_LOCK: &str = "profile.lock";
const DEVICE_KEY_FILE: &str = "device.key";
const OUTBOX_FOLDER: &str = "outbox";
const CURSORS_FOLDER: &str = "cursors";
const SEEN_FILE: &str = "seen.json";

/// What is in `profile.json`. Unknown fields are of a later version, and lost when this one writes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Settings {
    /// In the order given.
    servers: Vec<String>,
    ca: Option<CaFingerprint>,
    /// Last connected to.
    last: Option<String>,
    /// Told of by the cluster.
    known: Vec<String>,
    user: Option<UserName>,
}

/// A profile. Cheap to clone; clones are one.
#[derive(Clone, Debug)]
pub struct Profile(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    settings: Mutex<Settings>,
}

impl Profile {
    /// The profile in this folder, which is made if it is not there.
    ///
    /// # Errors
    /// The folder cannot be made, or what is in it cannot be read.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        make_folder(folder).map_err(|source| io_error(folder, source))?;
        let settings = read(folder)?;
        Ok(Self(Arc::new(Inner {
            folder: folder.to_owned(),
            settings: Mutex::new(settings),
        })))
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// The servers as they were given, `host:port` each.
    #[must_use]
    pub fn servers(&self) -> Vec<String> {
        self.with(|settings| settings.servers.clone())
    }

    /// Who is logged in here, as far as this machine knows.
    #[must_use]
    pub fn user(&self) -> Option<UserName> {
        self.with(|settings| settings.user.clone())
    }

    /// The CA that is trusted; without one the first that is met will be.
    #[must_use]
    pub fn ca(&self) -> Option<CaFingerprint> {
        self.with(|settings| settings.ca)
    }

    /// Goes to these servers from now on; what was known of others is forgotten.
    ///
    /// # Errors
    /// The settings cannot be written.
    pub fn set_servers(&self, servers: Vec<String>) -> Result<(), OpenError> {
        self.change(|settings| {
            if settings.servers != servers {
                settings.known.clear();
                settings.last = None;
                settings.servers = servers;
            }
        })
    }

    /// Trusts this CA from now on.
    ///
    /// # Errors
    /// The settings cannot be written.
    pub fn set_ca(&self, ca: CaFingerprint) -> Result<(), OpenError> {
        self.change(|settings| settings.ca = Some(ca))
    }

    /// Takes the servers and the CA out of an invite link.
    ///
    /// # Errors
    /// The settings cannot be written.
    pub fn use_link(&self, link: &InviteLink) -> Result<(), OpenError> {
        self.set_servers(link.addrs().to_vec())?;
        match link.ca() {
            Some(ca) => self.set_ca(ca),
            None => Ok(()),
        }
    }

    /// Where to dial, in this order: the server last connected to, those given, the others known.
    #[must_use]
    pub fn dial_order(&self) -> Vec<String> {
        self.with(|settings| {
            let mut order: Vec<String> = Vec::new();
            for addr in settings.last.iter().chain(&settings.servers).chain(&settings.known) {
                if !order.contains(addr) {
                    order.push(addr.clone());
                }
            }
            order
        })
    }

    pub(crate) fn set_user(&self, user: Option<UserName>) -> Result<(), OpenError> {
        self.change(|settings| settings.user = user)
    }

    /// The cluster says that this device speaks for `user` no longer. Another process may have logged in as somebody else.
    pub(crate) fn forget_user(&self, user: &UserName) -> Result<(), OpenError> {
        self.change(|settings| {
            settings.user.take_if(|kept| kept == user);
        })
    }

    /// A node was reached at `addr`, and told of the others.
    pub(crate) fn connected(&self, addr: &str, known: impl Iterator<Item = String>) -> Result<(), OpenError> {
        let known: Vec<_> = known.take(INVITE_ADDRS_MAX).collect();
        self.change(|settings| {
            settings.last = Some(addr.to_owned());
            if !known.is_empty() {
                settings.known = known;
            }
        })
    }

    pub(crate) fn device_key(&self) -> Result<DeviceKey, OpenError> {
        Ok(DeviceKey::load_or_create(&self.0.folder.join(DEVICE_KEY_FILE))?)
    }

    /// Names hold letters, digits, `-`, `_` and `.` after a first letter or digit, so each is a folder's name too.
    pub(crate) fn outbox_folder(&self, user: &UserName) -> PathBuf {
        self.0.folder.join(OUTBOX_FOLDER).join(user.as_str())
    }

    pub(crate) fn cursors_folder(&self, user: &UserName) -> PathBuf {
        self.0.folder.join(CURSORS_FOLDER).join(user.as_str())
    }

    /// What earlier runs have seen. A file that cannot be read says nothing: it is only ever about being up to date.
    pub(crate) fn seen(&self) -> Option<SeenMark> {
        let bytes = fs::read(self.0.folder.join(SEEN_FILE)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Keeps the higher of this and what is there, or this if it is of another cluster. Not synced: it is to outlive processes,
    /// several a second of them, and after a power cut nobody remembers what was on the screen.
    pub(crate) fn keep_seen(&self, mark: &SeenMark) -> Result<(), OpenError> {
        let lock = self.lock()?;
        let is_behind = |kept: SeenMark| kept.cluster == mark.cluster && kept.index >= mark.index;
        if !self.seen().is_some_and(is_behind) {
            let (path, beside) = (self.0.folder.join(SEEN_FILE), self.0.folder.join("seen.json.new"));
            private(&beside, true)
                .and_then(|mut file| file.write_all(&serde_json::to_vec(mark)?))
                .and_then(|()| fs::rename(&beside, &path))
                .map_err(|source| io_error(&path, source))?;
        }
        drop(lock);
        Ok(())
    }

    /// Until it is dropped, no other process changes the profile's files.
    fn lock(&self) -> Result<File, OpenError> {
        let path = self.0.folder.join(SETTINGS_LOCK);
        private(&path, false)
            .and_then(|lock| lock.lock().map(|()| lock))
            .map_err(|source| io_error(&path, source))
    }

    fn with<T>(&self, read: impl FnOnce(&Settings) -> T) -> T {
        read(&self.0.settings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Other processes change the file too: it is read again under a lock, changed, and replaced.
    fn change(&self, change: impl FnOnce(&mut Settings)) -> Result<(), OpenError> {
        let folder = &self.0.folder;
        let lock = self.lock()?;
        let before = read(folder)?;
        let mut after = before.clone();
        change(&mut after);
        if after != before {
            write(folder, &after).map_err(|source| io_error(&folder.join(SETTINGS_FILE), source))?;
        }
        *self.0.settings.lock().unwrap_or_else(PoisonError::into_inner) = after;
        drop(lock);
        Ok(())
    }
}

fn io_error(path: &Path, source: io::Error) -> OpenError {
    OpenError::Io {
        path: path.to_owned(),
        source,
    }
}

fn read(folder: &Path) -> Result<Settings, OpenError> {
    let path = folder.join(SETTINGS_FILE);
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|source| OpenError::Settings { path, source }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Settings::default()),
        Err(source) => Err(OpenError::Io { path, source }),
    }
}

fn write(folder: &Path, settings: &Settings) -> io::Result<()> {
    let beside = folder.join("profile.json.new");
    let mut file = private(&beside, true)?;
    file.write_all(&serde_json::to_vec_pretty(settings)?)?;
    file.sync_all()?;
    fs::rename(&beside, folder.join(SETTINGS_FILE))
}

fn private(path: &Path, truncate: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(truncate).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processes_change_one_profile_without_losing_what_the_other_wrote() {
        let dir = tempfile::tempdir().unwrap();
        let one = Profile::open(dir.path()).unwrap();
        let other = Profile::open(dir.path()).unwrap();
        one.set_servers(vec!["h1:1".into(), "h2:2".into()]).unwrap();
        other.set_user(Some(UserName::parse("al").unwrap())).unwrap();
        let third = Profile::open(dir.path()).unwrap();
        assert_eq!(third.servers(), ["h1:1", "h2:2"]);
        assert_eq!(third.user(), Some(UserName::parse("al").unwrap()));
    }

    #[test]
    fn what_was_seen_is_kept_and_never_falls_back_within_its_cluster() {
        let dir = tempfile::tempdir().unwrap();
        let profile = Profile::open(dir.path()).unwrap();
        let mark = |cluster: &str, index| SeenMark {
            cluster: cluster.to_owned(),
            index: quorate_core::LogIndex(index),
        };
        assert_eq!(profile.seen(), None);
        for (kept, expected) in [
            (mark("a", 7), mark("a", 7)),
            (mark("a", 5), mark("a", 7)),
            (mark("b", 2), mark("b", 2)),
        ] {
            profile.keep_seen(&kept).unwrap();
            assert_eq!(Profile::open(dir.path()).unwrap().seen(), Some(expected));
        }
    }

    #[test]
    fn the_last_server_is_dialled_first_then_those_given_then_those_known() {
        let dir = tempfile::tempdir().unwrap();
        let profile = Profile::open(dir.path()).unwrap();
        profile.set_servers(vec!["h1:1".into(), "h2:2".into()]).unwrap();
        assert_eq!(profile.dial_order(), ["h1:1", "h2:2"]);
        let known = ["h3:3", "h2:2", "h1:1"].map(str::to_owned);
        profile.connected("h2:2", known.into_iter()).unwrap();
        assert_eq!(profile.dial_order(), ["h2:2", "h1:1", "h3:3"]);
        profile.set_servers(vec!["h4:4".into()]).unwrap();
        assert_eq!(profile.dial_order(), ["h4:4"]);
    }
}

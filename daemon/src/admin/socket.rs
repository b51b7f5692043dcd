//! The Unix socket of the admin API, and the file that it is reached by.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// Owner and group: who may write to it may do everything.
const SOCKET_MODE: u32 = 0o660;
/// Of a folder that is made for it: its group gets to the socket, and nobody else.
const FOLDER_MODE: u32 = 0o750;
/// Whoever is neither owner nor group may write, and so put a socket of their own in the place of this one.
const WRITABLE_BY_ALL: u32 = 0o002;
/// In such a folder nobody takes away what is another's, as in `/tmp`.
const STICKY: u32 = 0o1000;
/// `sun_path` of unix(7), less the zero at the end.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// A socket that could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum AdminSocketError {
    /// A daemon answers on it: there are two with one config.
    #[error("{0} is the admin socket of a daemon that runs")]
    InUse(PathBuf),
    /// Something else stands there, which is not touched.
    #[error("{0} exists and is not a socket")]
    NotASocket(PathBuf),
    /// The operating system has no longer paths for sockets.
    #[error("the path of a socket has at most {SOCKET_PATH_BYTES_MAX} bytes: {0}")]
    PathTooLong(PathBuf),
    /// Everybody may write into the folder: whoever puts another socket in the place of this one is told what operators
    /// tell the daemon, tokens and passwords included.
    #[error(
        "everybody may write into {0}, the folder of the admin socket: chmod o-w {0}, or move the socket ([node] admin_socket)"
    )]
    OpenFolder(PathBuf),
    /// The folder is somebody else's, who can do the same.
    #[error(
        "{dir}, the folder of the admin socket, belongs to the user {owner}: chown {own} {dir}, or move the socket \
         ([node] admin_socket)"
    )]
    ForeignFolder {
        /// Which folder.
        dir: PathBuf,
        /// Whose it is.
        owner: u32,
        /// The user of this daemon.
        own: u32,
    },
    /// It could not be made.
    #[error("the admin socket {path}")]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// An open admin socket. Its file goes when this is dropped, unless another daemon's has taken its place.
#[derive(Debug)]
pub struct AdminSocket {
    listener: UnixListener,
    path: PathBuf,
    inode: (u64, u64),
}

impl AdminSocket {
    /// Opens the socket. A file that a daemon left behind when it died is replaced. The folder is made if there is none.
    ///
    /// # Errors
    /// The place is taken, its folder is open to others, or the socket cannot be made.
    pub fn bind(path: &Path) -> Result<Self, AdminSocketError> {
        let failed = |source| AdminSocketError::Io {
            path: path.to_owned(),
            source,
        };
        if path.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
            return Err(AdminSocketError::PathTooLong(path.to_owned()));
        }
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
        let dir = dir.unwrap_or(Path::new("."));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(dir)
            .map_err(failed)?;
        let folder = fs::metadata(dir).map_err(failed)?;
        refuse_if_open(dir, folder.mode(), folder.uid(), uzers::get_effective_uid())?;
        refuse_if_taken(path)?;
        // Made beside its place, given its mode, and then moved there: nobody can connect before the mode is right.
        let beside = beside(path);
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let listener = UnixListener::bind(&beside).map_err(failed)?;
        fs::set_permissions(&beside, fs::Permissions::from_mode(SOCKET_MODE)).map_err(failed)?;
        fs::rename(&beside, path).map_err(failed)?;
        let inode = inode(path).map_err(failed)?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            inode,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn listener(&self) -> &UnixListener {
        &self.listener
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        if inode(&self.path).is_ok_and(|now| now == self.inode) {
            // If it stays it is stale, and the next daemon replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

/// A folder of this mode and owner, for a daemon of this user.
fn refuse_if_open(dir: &Path, mode: u32, owner: u32, own: u32) -> Result<(), AdminSocketError> {
    const ROOT: u32 = 0;
    if owner != own && owner != ROOT {
        return Err(AdminSocketError::ForeignFolder {
            dir: dir.to_owned(),
            owner,
            own,
        });
    }
    if mode & WRITABLE_BY_ALL != 0 && mode & STICKY == 0 {
        return Err(AdminSocketError::OpenFolder(dir.to_owned()));
    }
    Ok(())
}

fn refuse_if_taken(path: &Path) -> Result<(), AdminSocketError> {
    let failed = |source| AdminSocketError::Io {
        path: path.to_owned(),
        source,
    };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
        Ok(file) if !file.file_type().is_socket() => return Err(AdminSocketError::NotASocket(path.to_owned())),
        Ok(_) => {}
    }
    match BlockingStream::connect(path) {
        Ok(_) => Err(AdminSocketError::InUse(path.to_owned())),
        Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

/// The name with its last letter changed: a longer one might not fit a socket's path.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut letters: Vec<char> = name.chars().collect();
    let changed = if letters.last() == Some(&'~') { '_' } else { '~' };
    letters.pop();
    letters.push(changed);
    path.with_file_name(letters.into_iter().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_the_daemons_or_roots() {
        let dir = Path::new("/run/chatd");
        let look = |mode, owner| refuse_if_open(dir, mode, owner, 990);
        assert!(look(0o750, 990).is_ok() && look(0o755, 0).is_ok() && look(0o770, 990).is_ok());
        assert!(look(0o1777, 0).is_ok(), "/tmp");
        let refused = look(0o750, 1000).unwrap_err().to_string();
        assert!(
            refused.ends_with("chown 990 /run/chatd, or move the socket ([node] admin_socket)"),
            "{refused}"
        );
        assert!(matches!(
            look(0o1777, 1000),
            Err(AdminSocketError::ForeignFolder { .. })
        ));
    }
}

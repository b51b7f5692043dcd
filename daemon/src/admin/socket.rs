//! The Unix socket of the admin API, and the file that it is reached by.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// Owner and group: who may write to it may do everything.
const SOCKET_MODE: u32 = 0o660;
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
    /// The place is taken, or the socket cannot be made.
    pub fn bind(path: &Path) -> Result<Self, AdminSocketError> {
        let failed = |source| AdminSocketError::Io {
            path: path.to_owned(),
            source,
        };
        if path.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
            return Err(AdminSocketError::PathTooLong(path.to_owned()));
        }
        if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            fs::create_dir_all(dir).map_err(failed)?;
        }
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

//! Files with secrets: readable by their owner only, whole or not there, and on the disk when a call returns.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::provider::fill_random;

/// No certificate, chain or key here comes near this.
const FILE_MAX_BYTES: u64 = 64 * 1024;

/// The content of a file, wiped when dropped.
pub(crate) type Secret = Zeroizing<Vec<u8>>;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    Owner,
    All,
}

/// Reads a file, up to a size that no file of ours has.
pub(crate) fn read(path: &Path) -> io::Result<Secret> {
    let mut content = Zeroizing::new(Vec::new());
    File::open(path)?.take(FILE_MAX_BYTES + 1).read_to_end(&mut content)?;
    if content.len() as u64 > FILE_MAX_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the file is too long for what it should hold",
        ));
    }
    Ok(content)
}

/// Writes a file, in place of another if there is one.
pub(crate) fn replace(path: &Path, content: &[u8], readers: Readers) -> io::Result<()> {
    let mut temp = Temp::write(path, content, readers)?;
    fs::rename(&temp.0, path)?;
    temp.0.clear();
    sync_dir(path)
}

/// Writes a file unless there is one. Of several processes that try at once, one wins and the others are told `false`: a
/// link, unlike a rename, never takes the place of what is there.
pub(crate) fn create(path: &Path, content: &[u8]) -> io::Result<bool> {
    let temp = Temp::write(path, content, Readers::Owner)?;
    match fs::hard_link(&temp.0, path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(error),
    }
    drop(temp);
    sync_dir(path)?;
    Ok(true)
}

/// The content of a file; when there is none, `make`s and creates it. All processes that do this at once get the same.
pub(crate) fn read_or_create(path: &Path, make: impl FnOnce() -> io::Result<Secret>) -> io::Result<Secret> {
    match read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => return other,
    }
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let content = make()?;
    if create(path, &content)? {
        Ok(content)
    } else {
        read(path)
    }
}

/// A finished file beside its destination, removed when dropped. An empty path says that it is there no more.
struct Temp(PathBuf);

impl Temp {
    fn write(beside: &Path, content: &[u8], readers: Readers) -> io::Result<Self> {
        let mut dice = [0; 8];
        fill_random(&mut dice);
        let name = beside.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let path = beside.with_file_name(format!(".{}.{:016x}.new", name.display(), u64::from_be_bytes(dice)));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, if readers == Readers::Owner { 0o600 } else { 0o644 });
        let mut file = options.open(&path)?;
        let temp = Self(path);
        file.write_all(content)?;
        file.sync_all()?;
        Ok(temp)
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            // Nothing is lost if it stays: its name is random and nobody reads it.
            let _ = fs::remove_file(&self.0);
        }
    }
}

/// A file is only there after a power cut if its directory was synced, too.
fn sync_dir(path: &Path) -> io::Result<()> {
    let dir = path
        .parent()
        .filter(|dir| !dir.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(dir)?.sync_all()
}

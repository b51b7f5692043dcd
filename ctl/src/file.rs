//! Where an export goes: a file that appears when it is complete, or stdout.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// What was said in private is for nobody else's eyes.
const MODE: u32 = 0o600;

/// Takes bytes. Dropped before it is finished, it leaves nothing behind.
pub(crate) enum Sink {
    Stdout,
    Part {
        file: File,
        /// Beside the file that is wanted, until it is complete.
        part: PathBuf,
        wanted: PathBuf,
    },
}

impl Sink {
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self::Stdout);
        }
        let failed = |error: io::Error| Failure::of_io(&error, format!("{}: {error}", path.display()));
        if fs::metadata(path).is_ok_and(|found| found.is_dir()) {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        let mut name = path
            .file_name()
            .ok_or_else(|| failed(io::ErrorKind::InvalidFilename.into()))?
            .to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let part = path.with_file_name(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(MODE);
        let file = options.open(&part).map_err(failed)?;
        Ok(Self::Part {
            file,
            part,
            wanted: path.to_owned(),
        })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(bytes).and_then(|()| stdout.flush())
            }
            Self::Part { file, .. } => file.write_all(bytes),
        }
    }

    /// Puts what was written where it was wanted.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout => Ok(()),
            Self::Part { file, part, wanted } => {
                file.sync_all()?;
                fs::rename(part, wanted)
            }
        }
    }

    pub(crate) const fn is_stdout(&self) -> bool {
        matches!(self, Self::Stdout)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let Self::Part { part, .. } = self {
            // Once it is finished it is not there under this name any more.
            let _ = fs::remove_file(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_when_it_is_complete_and_is_the_operators_own() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.jsonl");
        fs::write(&path, "before").unwrap();
        let mut sink = Sink::create(&path).unwrap();
        sink.write(b"{}\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        sink.finish().unwrap();
        drop(sink);
        assert_eq!(fs::read_to_string(&path).unwrap(), "{}\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_given_up_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let mut sink = Sink::create(&dir.path().join("out.jsonl")).unwrap();
        sink.write(b"{}\n").unwrap();
        drop(sink);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(Sink::create(dir.path()).is_err());
    }
}

//! Where an export goes: a file that appears when it is complete, or a stream.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use rand::Rng;
use serde_json::Value;

use crate::exit::Exit;

/// Whether this means stdout.
pub(super) fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// Takes lines. Dropped before it is finished, it leaves nothing behind.
pub(super) enum Sink {
    Stream(Box<dyn Write + Send>),
    Part(Part),
}

/// A file beside the one that is wanted, under another name.
pub(super) struct Part {
    to: BufWriter<File>,
    path: PathBuf,
    wanted: PathBuf,
}

impl Sink {
    pub(super) fn create(path: &Path) -> Result<Self, Exit> {
        if is_stdout(path) {
            return Ok(Self::Stream(Box::new(io::stdout())));
        }
        let failed = |error: io::Error| Exit::error("io", format!("{}: {error}", path.display()));
        // What a link leads to is written, not the link replaced.
        let wanted = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        match fs::metadata(&wanted) {
            Ok(found) if found.is_dir() => return Err(failed(io::ErrorKind::IsADirectory.into())),
            // A pipe or a device: there is nothing to put in its place.
            Ok(found) if !found.is_file() => {
                let file = OpenOptions::new().write(true).open(&wanted).map_err(failed)?;
                return Ok(Self::Stream(Box::new(BufWriter::new(file))));
            }
            _ => {}
        }
        let mut name = wanted
            .file_name()
            .ok_or_else(|| failed(io::ErrorKind::InvalidFilename.into()))?
            .to_owned();
        name.push(format!(".{:08x}.part", rand::rng().random::<u32>()));
        let part = wanted.with_file_name(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // What was said in private rooms is for nobody else's eyes.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&part).map_err(failed)?;
        Ok(Self::Part(Part {
            to: BufWriter::new(file),
            path: part,
            wanted,
        }))
    }

    pub(super) fn write(&mut self, object: &Value) -> Result<(), Exit> {
        let line = format!("{object}\n");
        match self {
            Self::Stream(to) => to.write_all(line.as_bytes())?,
            Self::Part(part) => part.to.write_all(line.as_bytes())?,
        }
        Ok(())
    }

    /// Puts what was written where it was wanted.
    pub(super) fn finish(&mut self) -> Result<(), Exit> {
        match self {
            Self::Stream(to) => to.flush()?,
            Self::Part(part) => {
                part.to.flush()?;
                part.to.get_ref().sync_all()?;
                fs::rename(&part.path, &part.wanted)?;
            }
        }
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Once it is finished it is not there under this name any more.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_appears_when_it_is_complete() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.jsonl");
        fs::write(&path, "before").unwrap();
        let mut sink = Sink::create(&path).unwrap();
        sink.write(&json!({"a": 1})).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        sink.finish().unwrap();
        drop(sink);
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"a\":1}\n");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_given_up_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let mut sink = Sink::create(&dir.path().join("out.jsonl")).unwrap();
        sink.write(&json!({})).unwrap();
        drop(sink);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    #[cfg(unix)]
    fn a_link_stays_a_link_and_a_device_a_device() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let mut sink = Sink::create(&link).unwrap();
        sink.write(&json!(1)).unwrap();
        sink.finish().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "1\n");
        let mut null = Sink::create(Path::new("/dev/null")).unwrap();
        null.write(&json!(1)).unwrap();
        null.finish().unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        assert!(Sink::create(dir.path()).is_err());
    }
}

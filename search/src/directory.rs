//! The index' files: checked before they are trusted, taken away when they are not.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use tantivy::TantivyError;
use tantivy::directory::{Directory, INDEX_WRITER_LOCK, MmapDirectory};
use tantivy::error::DataCorruption;
use tantivy::index::SegmentComponent;

use crate::failure::Failure;

/// Makes the directory if it is not there, and makes sure that nobody else writes to an index in it.
pub(crate) fn claim(dir: &Path) -> Result<(), Failure> {
    fs::create_dir_all(dir)?;
    let directory = MmapDirectory::open(dir).map_err(|error| Failure::from(TantivyError::from(error)))?;
    // Given back at once, since the writer takes it for itself: two claims at the same moment end in one writer.
    let lock = directory.acquire_lock(&INDEX_WRITER_LOCK);
    lock.map(drop).map_err(|error| Failure::from(TantivyError::from(error)))
}

/// What every segment has, beside a list of removed documents if there are any.
const COMPONENTS: [SegmentComponent; 6] = [
    SegmentComponent::Postings,
    SegmentComponent::Positions,
    SegmentComponent::Terms,
    SegmentComponent::Store,
    SegmentComponent::FastFields,
    SegmentComponent::FieldNorms,
];

/// Reads every file of the last commit once and compares it with its checksum. tantivy trusts its files while it searches and
/// merges, and a lie in one may end a thread.
pub(crate) fn verify(index: &tantivy::Index) -> Result<(), TantivyError> {
    let directory = index.directory();
    let listed = directory.list_managed_files();
    for segment in index.load_metas()?.segments {
        let removed = segment.has_deletes().then_some(SegmentComponent::Delete);
        for component in COMPONENTS.into_iter().chain(removed) {
            let path = segment.relative_path(component);
            if !directory.validate_checksum(&path)? {
                return Err(DataCorruption::new(path, "the checksum is wrong".to_owned()).into());
            }
            // Else it would never be removed.
            if !listed.contains(&path) {
                return Err(DataCorruption::new(path, "it is not in the list of files".to_owned()).into());
            }
        }
    }
    Ok(())
}

/// Removes the files of an index, whole or not. Anything else that somebody keeps in the directory stays.
pub(crate) fn clear(dir: &Path) -> Result<(), Failure> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_file() && is_of_index(&entry.file_name()) {
            remove(&entry.path())?;
        }
    }
    // The next start must not meet half of the old index beside the new one.
    fs::File::open(dir)?.sync_all()?;
    Ok(())
}

/// Bytes of all files in the directory.
pub(crate) fn size_bytes(dir: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        match entry?.metadata() {
            Ok(file) if file.is_file() => bytes += file.len(),
            Ok(_) => {}
            // A merge has removed it since the directory was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

/// Whether tantivy gives such names: its two lists, temporary files on the way to these, and `<32 hex digits>.<part>` or
/// `<32 hex digits>.<opstamp>.del`. The lock files stay, because a lock is held on the file, not on its name.
fn is_of_index(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    if name == "meta.json" || name == ".managed.json" || name.starts_with(".tmp") {
        return true;
    }
    let segment = name.split('.').next().unwrap_or_default();
    segment.len() == 32 && segment.len() < name.len() && segment.bytes().all(|digit| digit.is_ascii_hexdigit())
}

fn remove(path: &PathBuf) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_an_index_are_taken_away() {
        let of_index = |name: &str| is_of_index(OsStr::new(name));
        assert!(of_index("meta.json"));
        assert!(of_index("0123456789abcdef0123456789abcdef.pos"));
        assert!(of_index("0123456789abcdef0123456789abcdef.17.del"));
        assert!(!of_index("0123456789abcdef0123456789abcdef"));
        assert!(!of_index("state.redb"));
        assert!(!of_index(".tantivy-writer.lock"));
    }
}

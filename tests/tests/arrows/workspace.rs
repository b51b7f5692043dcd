//! The files of a workspace, read once.

use std::fs;
use std::path::{Path, PathBuf};

use crate::token::{Token, tokens};

/// A source file.
pub(crate) struct Source {
    /// From the workspace's root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) tokens: Vec<Token>,
}

/// The `.rs` files below a folder, in the order of their names. `target` and hidden folders are left out.
pub(crate) fn sources(root: &Path) -> Vec<Source> {
    let mut paths = Vec::new();
    walk(root, &mut paths);
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a source file can be read");
        Source {
            path: relative(root, &path),
            tokens: tokens(&text),
            text,
        }
    };
    paths.into_iter().map(read).collect()
}

/// A manifest as TOML; `None` where there is none.
pub(crate) fn manifest(folder: &Path) -> Option<(String, toml::Table)> {
    let text = fs::read_to_string(folder.join("Cargo.toml")).ok()?;
    let table = text.parse().expect("cargo has read this manifest too");
    Some((text, table))
}

/// The line of a text on which a key of TOML is set, from 1.
pub(crate) fn line_of(text: &str, key: &str) -> usize {
    let sets = |line: &str| {
        line.strip_prefix(key)
            .is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
    };
    text.lines().position(sets).map_or(1, |at| at + 1)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if !path.is_dir() {
            found.push(path);
        } else if name != "target" && !name.starts_with('.') {
            walk(&path, found);
        }
    }
}

fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    let parts = path.components().map(|part| part.as_os_str().to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}

//! The rules, each over the whole workspace.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::reference::{Reference, references, renamed_modules};
use crate::table::{
    CORE_DIR, CORE_LIBRARIES, CRATES, CrateRow, DAEMON, DAEMON_MAIN, DAEMON_MODULES, EMPTY_NAMES, FILE_LINES_MAX,
    ModuleRow, OWNED, PARTS, PartRow,
};
use crate::workspace::{Source, line_of, manifest, sources};

/// A line that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    path: String,
    line: usize,
    rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.rule)
    }
}

impl Violation {
    fn new(path: &str, line: usize, rule: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            rule: rule.into(),
        }
    }
}

/// Crates use each other as the table says, by their manifests.
pub(crate) fn crate_arrows(root: &Path) -> Vec<Violation> {
    let mut found = Vec::new();
    let (text, workspace) = manifest(root).expect("the root has a manifest");
    for member in strings(&workspace["workspace"]["members"]) {
        if !CRATES.iter().any(|row| row.dir == member) {
            found.push(Violation::new(
                "Cargo.toml",
                line_of(&text, "members"),
                format!("crate {member} has no row"),
            ));
        }
    }
    for row in CRATES {
        let Some((text, table)) = manifest(&root.join(row.dir)) else {
            continue;
        };
        let path = format!("{}/Cargo.toml", row.dir);
        for (section, is_normal) in [
            ("dependencies", true),
            ("build-dependencies", true),
            ("dev-dependencies", false),
        ] {
            let Some(section) = table.get(section).and_then(toml::Value::as_table) else {
                continue;
            };
            for dependency in section.keys() {
                let name = dependency.replace('-', "_");
                let line = line_of(&text, dependency);
                if name.starts_with("quorate_") && !row.uses.contains(&name.as_str()) {
                    found.push(Violation::new(&path, line, format!("{} may not use {name}", row.dir)));
                }
                if row.dir == CORE_DIR && is_normal && !CORE_LIBRARIES.contains(&name.as_str()) {
                    found.push(Violation::new(&path, line, format!("the core may not use {name}")));
                }
                let owned = OWNED.iter().find(|owned| owned.names.contains(&name.as_str()));
                let owns = |owner: &&'static str| owner.split(':').next() == Some(row.dir);
                if let Some(owned) = owned.filter(|owned| !owned.owners.iter().any(owns)) {
                    found.push(Violation::new(&path, line, owned.rule));
                }
            }
        }
    }
    found
}

/// Modules of the daemon use each other, and the crates, as the table says.
pub(crate) fn daemon_arrows(root: &Path) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in placed(root)
        .iter()
        .filter(|file| file.row.dir == DAEMON && file.is_source)
    {
        let Some(row) = file.module_row() else {
            if !file.module.is_empty() {
                found.push(Violation::new(
                    &file.source.path,
                    1,
                    format!("module {} has no row", file.module.join("::")),
                ));
            }
            continue;
        };
        for Reference { line, path } in &file.references {
            let (head, rest) = (path[0].as_str(), path[1..].join("::"));
            let own_modules = match head {
                "crate" if file.is_program() => continue,
                "crate" | "quorate_daemon" => Some(rest),
                _ => None,
            };
            let refused = match own_modules {
                Some(used) => !used.is_empty() && !allows(row, &used),
                None => head.starts_with("quorate_") && !row.crates.contains(&head),
            };
            if refused {
                let used = path.join("::");
                found.push(Violation::new(
                    &file.source.path,
                    *line,
                    format!("{} may not use {used}", row.module),
                ));
            }
        }
    }
    found
}

/// Crates that may use a part of another use nothing else of it.
pub(crate) fn parts(root: &Path) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in &placed(root) {
        for Reference { line, path } in &file.references {
            let of = |row: &&PartRow| row.dir == file.row.dir && row.of == path[0];
            let Some(row) = PARTS.iter().find(of) else { continue };
            if !is_below(&path[1..].join("::"), row.module) {
                let rule = format!("{} may use {} of {} only", row.dir, row.module, row.of);
                found.push(Violation::new(&file.source.path, *line, rule));
            }
        }
    }
    found
}

/// Libraries are named by their owners only.
pub(crate) fn owned_libraries(root: &Path) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in &placed(root) {
        for Reference { line, path } in &file.references {
            let Some(owned) = OWNED.iter().find(|owned| owned.names.contains(&path[0].as_str())) else {
                continue;
            };
            if !owned.owners.iter().any(|owner| file.is_of(owner)) {
                found.push(Violation::new(&file.source.path, *line, owned.rule));
            }
        }
    }
    found
}

/// No file holds two things, and every name says what is in it.
pub(crate) fn files(root: &Path) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in sources(root) {
        let lines = lines_without_tests(&source.text);
        if lines > FILE_LINES_MAX {
            let rule = format!("{lines} lines without its tests: over {FILE_LINES_MAX}, a file holds two things");
            found.push(Violation::new(&source.path, FILE_LINES_MAX + 1, rule));
        }
        let parts = source.path.trim_end_matches(".rs").split('/');
        for part in parts.filter(|part| EMPTY_NAMES.contains(part)) {
            found.push(Violation::new(&source.path, 1, format!("the name {part} says nothing")));
        }
    }
    found
}

/// Each dependency of the workspace has a reason above it, or above its group; a blank line ends a group.
pub(crate) fn dependency_reasons(root: &Path) -> Vec<Violation> {
    let (text, _) = manifest(root).expect("the root has a manifest");
    let mut found = Vec::new();
    let (mut inside, mut reason) = (false, false);
    for (at, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            (inside, reason) = (line == "[workspace.dependencies]", false);
        } else if line.trim().is_empty() {
            reason = false;
        } else if line.starts_with('#') {
            reason = true;
        } else if inside && !reason {
            let name = line.split([' ', '.', '=']).next().unwrap_or_default();
            found.push(Violation::new(
                "Cargo.toml",
                at + 1,
                format!("nothing says why {name} is there"),
            ));
        }
    }
    found
}

/// A file and where it is.
struct Placed {
    source: Source,
    row: &'static CrateRow,
    /// In `src`, or beside it (tests, benches).
    is_source: bool,
    /// Where in its crate; `[]` for a root.
    module: Vec<String>,
    references: Vec<Reference>,
}

impl Placed {
    /// A file of the program around the daemon's library.
    fn is_program(&self) -> bool {
        self.is_source && matches!(self.module.first().map(String::as_str), Some("main" | "cli"))
    }

    /// The row of the daemon's module: the longest that fits.
    fn module_row(&self) -> Option<&'static ModuleRow> {
        if self.is_program() {
            return Some(&DAEMON_MAIN);
        }
        let module = self.module.join("::");
        let rows = DAEMON_MODULES.iter().filter(|row| is_below(&module, row.module));
        rows.max_by_key(|row| row.module.len())
    }

    fn is_of(&self, owner: &str) -> bool {
        match owner.split_once(':') {
            None => self.row.dir == owner,
            Some((dir, module)) => self.row.dir == dir && is_below(&self.module.join("::"), module),
        }
    }
}

fn allows(row: &ModuleRow, used: &str) -> bool {
    is_below(used, row.module) || row.modules.iter().any(|allowed| is_below(used, allowed))
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn placed(root: &Path) -> Vec<Placed> {
    let sources = sources(root);
    let mut renamed = BTreeMap::new();
    for source in &sources {
        let folder = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (file, name) in renamed_modules(&source.tokens) {
            renamed.insert(format!("{folder}/{file}"), (source.path.clone(), name));
        }
    }
    let mut placed = Vec::new();
    for source in sources {
        let rows = CRATES
            .iter()
            .filter(|row| source.path.starts_with(&format!("{}/", row.dir)));
        let Some(row) = rows.max_by_key(|row| row.dir.len()) else {
            continue;
        };
        let below = |path: &str| path[row.dir.len() + 1..].to_owned();
        let module = match renamed.get(&source.path) {
            Some((parent, name)) => module_of(&below(parent)).into_iter().chain([name.clone()]).collect(),
            None => module_of(&below(&source.path)),
        };
        let is_source = below(&source.path).starts_with("src/");
        let references = references(&source.tokens, &module);
        placed.push(Placed {
            source,
            row,
            is_source,
            module,
            references,
        });
    }
    placed
}

/// `src/store/rows/mod.rs` is `store::rows`. A program's root is `main`.
fn module_of(path: &str) -> Vec<String> {
    let path = path.strip_prefix("src/").unwrap_or(path).trim_end_matches(".rs");
    let mut module: Vec<String> = path.split('/').map(str::to_owned).collect();
    if module
        .last()
        .is_some_and(|last| last == "mod" || (last == "lib" && module.len() == 1))
    {
        module.pop();
    }
    module
}

/// Tests come last in a file.
fn lines_without_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines
        .windows(2)
        .position(|two| two[0] == "#[cfg(test)]" && two[1].starts_with("mod "));
    tests.unwrap_or(lines.len())
}

fn strings(value: &toml::Value) -> Vec<String> {
    let values = value.as_array().map(Vec::as_slice).unwrap_or_default();
    values
        .iter()
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect()
}

//! The shape of the workspace: who may use whom, who names which library, and how long and how named a file may be.
//!
//! The rules are data in `table`; the code is read as text, so a rule is broken by a line that is not compiled here as
//! well. There is no list of exemptions.

mod planted;
mod reference;
mod rule;
mod table;
mod token;
mod workspace;

use std::path::{Path, PathBuf};

use rule::Violation;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate is a folder of the workspace")
        .to_owned()
}

#[track_caller]
fn hold(mut violations: Vec<Violation>) {
    violations.sort();
    violations.dedup();
    let lines: Vec<String> = violations.iter().map(Violation::to_string).collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}

#[test]
fn crates_use_each_other_as_the_table_says() {
    hold(rule::crate_arrows(&root()));
}

#[test]
fn the_daemons_modules_use_each_other_as_the_table_says() {
    hold(rule::daemon_arrows(&root()));
}

#[test]
fn who_may_use_a_part_of_a_crate_uses_nothing_else_of_it() {
    hold(rule::parts(&root()));
}

#[test]
fn quinn_redb_and_openraft_are_named_by_their_owners_only() {
    hold(rule::owned_libraries(&root()));
}

#[test]
fn no_file_holds_two_things_or_has_a_name_that_says_nothing() {
    hold(rule::files(&root()));
}

#[test]
fn every_row_of_the_table_is_of_something_that_is_there() {
    let root = root();
    for row in table::CRATES {
        assert!(root.join(row.dir).join("Cargo.toml").is_file(), "no crate {}", row.dir);
    }
    for row in table::DAEMON_MODULES {
        let path = root.join(table::DAEMON).join("src").join(row.module.replace("::", "/"));
        assert!(
            path.is_dir() || path.with_extension("rs").is_file(),
            "no module {}",
            row.module
        );
    }
}

#[test]
fn every_dependency_has_a_reason() {
    hold(rule::dependency_reasons(&root()));
}

//! The commands of the README work, in its order, as they stand there; and tests that the docs name are there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use quorate_tests::{Cluster, programs, run};

const COMMAND_DEADLINE: Duration = Duration::from_secs(40);
/// The addresses and the folder that the README uses.
const ADDRS: [&str; 3] = ["127.0.0.1:7411", "127.0.0.1:7412", "127.0.0.1:7413"];
const FOLDER: &str = "quorate/node-";

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    fs::read_to_string(path).expect("the README is there")
}

/// The lines of the shell blocks between two headings, without their comments.
fn commands(text: &str, from: &str, to: &str) -> Vec<String> {
    let (_, section) = text
        .split_once(&format!("\n## {from}\n"))
        .expect("the section is there");
    let (section, _) = section.split_once(&format!("\n## {to}\n")).expect("it ends");
    let blocks = section.split("```sh\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap_or_default().lines());
    let bare = lines.map(|line| line.split("   #").next().unwrap_or_default().trim().to_owned());
    bare.filter(|line| !line.is_empty()).collect()
}

#[test]
fn the_commands_of_the_readme_work() {
    let cluster = Cluster::new(3);
    let text = readme();
    let first_steps = commands(&text, "First steps", "A walk through the chat");
    // The cluster is there already, and following a room has no end.
    let users = first_steps
        .iter()
        .filter(|line| line.contains("chat --profile") && !line.contains(" tail "));
    let walk = commands(&text, "A walk through the chat", "What it guarantees");
    let all: Vec<&String> = users.chain(&walk).collect();
    assert!(all.len() > 35, "the README was read: {all:?}");
    let folder = tempfile::tempdir().expect("a folder");
    for line in all {
        let mut here = line.clone();
        for (addr, id) in ADDRS.iter().zip(cluster.ids()) {
            here = here.replace(addr, &cluster.client_addr(id));
        }
        for id in cluster.ids() {
            let socket = cluster.node_dir(id).display().to_string();
            here = here.replace(&format!("{FOLDER}{id}"), &socket);
        }
        let path = format!(
            "{}:{}",
            programs().chat.parent().expect("it is in a folder").display(),
            std::env::var("PATH").unwrap_or_default()
        );
        let mut shell = Command::new("sh");
        shell
            .args(["-e", "-c", &here])
            .env("PATH", path)
            .env("CHAT_HOME", cluster.home())
            .current_dir(folder.path());
        let finished = run(&mut shell, "", COMMAND_DEADLINE);
        assert_eq!(finished.code, Some(0), "{line}\n{finished:?}");
    }
    let exported = fs::read_to_string(folder.path().join("pumps.jsonl")).expect("the export is there");
    assert!(
        exported.contains("pump eight") && !exported.contains("on my way"),
        "{exported}"
    );
}

/// Every source of the repository, by its path.
fn sources(dir: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(dir).expect("the folder is there").flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let is_text = path.extension().is_some_and(|kind| kind == "rs" || kind == "txt");
        if path.is_dir() && name != "target" && name != ".git" {
            sources(&path, found);
        } else if is_text {
            let text = fs::read_to_string(&path).expect("sources are text");
            found.push((path, text));
        }
    }
}

/// In `docs/complaints.md` a file stands before the tests in it.
#[test]
fn the_tests_that_the_docs_name_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut all = Vec::new();
    sources(&root, &mut all);
    let text = fs::read_to_string(root.join("docs/complaints.md")).expect("the page is there");
    let mut seen = 0;
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let mut file = Vec::new();
        for name in line.split('`').skip(1).step_by(2) {
            if name.contains('.') {
                file = all.iter().filter(|(path, _)| path.ends_with(name)).collect();
                assert!(!file.is_empty(), "no file {name}: {line}");
            } else if !file.is_empty() {
                let test = format!("fn {name}(");
                assert!(
                    file.iter().any(|(_, text)| text.contains(&test)),
                    "no test {name}: {line}"
                );
            }
            seen += 1;
        }
    }
    assert!(seen > 50, "the page was read: {seen}");
}

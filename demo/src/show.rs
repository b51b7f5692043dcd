//! The cluster that stays up: what one can do with it, until Ctrl-C.

use std::path::{Path, PathBuf};

use super::DemoError;
use super::cluster::Cluster;
use super::people::{self, wait_for_leader};

/// Makes the users, says what can be done, and tells of nodes that end. Never returns by itself.
pub(crate) async fn stay(cluster: &mut Cluster) -> Result<(), DemoError> {
    let addrs: Vec<_> = cluster.client_addrs().into_iter().map(|(_, addr)| addr).collect();
    let users = cluster.users_dir();
    let formed = async {
        let alice = people::enter(&users, "alice", addrs.clone()).await?;
        let bob = people::enter(&users, "bob", addrs.clone()).await?;
        let leader = wait_for_leader(&alice).await?;
        alice.close().await;
        bob.close().await;
        Ok::<_, DemoError>(leader)
    };
    let leader = formed.await?;
    say(cluster, leader, &addrs.join(","));
    loop {
        // Killing nodes is what a demo is for.
        let error = cluster.died().await;
        println!("{error}");
        if let DemoError::Died { node, .. } = error {
            cluster.kill(node).await?;
        }
    }
}

fn say(cluster: &Cluster, leader: quorate_core::NodeId, servers: &str) {
    let socket = cluster.node_dir(leader).join("admin.sock");
    println!(
        "A cluster of {} nodes runs in {}.",
        cluster.client_addrs().len(),
        cluster.dir().display()
    );
    println!(
        "Node {leader} leads. Users: alice and bob, password {:?}.\n",
        people::PASSWORD
    );
    println!("Talk, each in a terminal of their own:");
    for user in ["alice", "bob"] {
        let home = cluster.dir().join(format!("home-{user}"));
        println!(
            "  export CHAT_HOME={}; echo {} | {} login --server {servers} --user {user} --password-stdin",
            home.display(),
            people::PASSWORD,
            program("chat"),
        );
    }
    println!(
        "  {chat} create lobby; {chat} send lobby hello; {chat} tail -f lobby\n",
        chat = program("chat")
    );
    println!("Look at the cluster:");
    println!("  {} --socket {} status\n", program("chatctl"), socket.display());
    println!("Kill nodes; any minority of them:");
    for (id, _) in cluster.client_addrs() {
        if let Some(pid) = cluster.pid(id) {
            println!(
                "  kill -9 {pid}    # node {id}{}",
                if id == leader { ", the leader" } else { "" }
            );
        }
    }
    println!("\nCtrl-C ends the demo.");
}

/// How to call a program of ours: by its path beside this one, else through cargo.
fn program(name: &str) -> String {
    let beside = |path: PathBuf| {
        path.parent()
            .map(|dir: &Path| dir.join(name))
            .filter(|path| path.exists())
    };
    match std::env::current_exe().ok().and_then(beside) {
        Some(path) => path.display().to_string(),
        None => format!("cargo run --release --bin {name} --"),
    }
}

//! `chatctl cluster new`: the files of a cluster that is formed all at once.

use std::path::Path;

use quorate_adminapi::tolerates;
use quorate_formation::{
    NODE_CONFIG_FILE, NewClusterError, NodeSpec, RosterError, check_roster, new_cluster, node_dir,
};
use serde::Serialize;

use crate::cli::NewArgs;
use crate::failure::{Exit, Failure};
use crate::output::Answer;
use crate::screen::{Column, Grid, Screen, Text};

#[derive(Serialize)]
struct Made<'a> {
    name: &'a str,
    /// Of the cluster; `null` with `--dry-run`.
    id: Option<String>,
    /// The fingerprint of its CA, for invite links; `null` with `--dry-run`.
    ca: Option<String>,
    dir: &'a Path,
    nodes: Vec<MadeNode<'a>>,
}

#[derive(Serialize)]
struct MadeNode<'a> {
    #[serde(flatten)]
    spec: &'a NodeSpec,
    config: String,
}

pub(crate) fn make(args: &NewArgs, dry_run: bool) -> Result<Answer, Failure> {
    let NewArgs { dir, node: nodes, name } = args;
    check_roster(name, nodes).map_err(|error| not_a_cluster(&error))?;
    let made = if dry_run {
        refuse_unless_empty(dir)?;
        None
    } else {
        Some(new_cluster(dir, name, nodes).map_err(not_made)?)
    };

    let mut nodes: Vec<&NodeSpec> = nodes.iter().collect();
    nodes.sort_by_key(|node| node.id);
    let node_config = |node: &NodeSpec| node_dir(dir, node.id).join(NODE_CONFIG_FILE).display().to_string();
    let shown = Made {
        name,
        id: made.as_ref().map(|made| made.file.id().to_string()),
        ca: made.as_ref().map(|made| made.file.ca().to_string()),
        dir,
        nodes: nodes
            .iter()
            .map(|spec| MadeNode {
                spec,
                config: node_config(spec),
            })
            .collect(),
    };
    let mut answer = Answer::new(&shown, screen(&shown));
    let count = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
    if count.is_multiple_of(2) {
        let fewer = count - 1;
        answer.warnings.push(format!(
            "{count} nodes tolerate no more failures than {fewer} do: use an odd number"
        ));
    }
    answer.notes.push(if dry_run {
        "nothing was written (--dry-run)".to_owned()
    } else {
        format!(
            "start each node with chatd --config {}/node-N/{NODE_CONFIG_FILE}; keep {}/ca where no node is",
            dir.display(),
            dir.display()
        )
    });
    Ok(answer)
}

fn screen(made: &Made<'_>) -> Screen {
    let count = u32::try_from(made.nodes.len()).unwrap_or(u32::MAX);
    let mut grid = Grid::new(&[
        Column::left("NODE"),
        Column::left("CLIENT-ADDR"),
        Column::left("PEER-ADDR"),
        Column::left("CONFIG"),
    ]);
    for node in &made.nodes {
        grid.row(vec![
            Text::new(format!("n{}", node.spec.id)),
            Text::new(&node.spec.client_addr),
            Text::new(&node.spec.peer_addr),
            Text::new(&node.config),
        ]);
    }
    let failures = match tolerates(count, count) {
        1 => "1 failure".to_owned(),
        many => format!("{many} failures"),
    };
    let nodes = if count == 1 {
        "1 node"
    } else {
        &format!("{count} nodes")
    };
    Screen::default()
        .heading(format!("cluster {}  {nodes}  tolerates {failures}", made.name))
        .grid(grid)
}

fn refuse_unless_empty(dir: &Path) -> Result<(), Failure> {
    match std::fs::read_dir(dir).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(not_made(NewClusterError::NotEmpty(dir.to_owned()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::of_io(&error, format!("{}: {error}", dir.display()))),
    }
}

fn not_a_cluster(error: &RosterError) -> Failure {
    Failure::new(Exit::Usage, "usage", error.to_string()).hint("see chatctl cluster new --help")
}

fn not_made(error: NewClusterError) -> Failure {
    match error {
        NewClusterError::Roster(error) => not_a_cluster(&error),
        NewClusterError::NotEmpty(_) => {
            Failure::new(Exit::Refused, "refused", error.to_string()).hint("give a folder that is empty or not there")
        }
        NewClusterError::Io { ref path, ref source } => Failure::of_io(source, format!("{}: {source}", path.display())),
        NewClusterError::ClusterFile(_)
        | NewClusterError::Ca(_)
        | NewClusterError::Authority(_)
        | NewClusterError::Kek(_)
        | NewClusterError::Identity { .. } => Failure::of_error(Exit::Error, "not-made", &error),
    }
}

//! `chatd check-config FILE`: what reading finds, and whether the files that the config names fit it.

use std::path::Path;

use quorate_certs::NodeIdentity;
use quorate_formation::ClusterFile;

use super::fault::{ConfigError, Fault, Place};
use super::flags::Flags;
use super::load::{Loaded, load};

/// The exit code for a config with faults: `EX_CONFIG` of sysexits.h, which systemd knows.
pub const EXIT_CONFIG: u8 = 78;

/// Checks a config file by itself: neither the environment nor flags count. Certificates need not be there, since a node
/// that joins is given them; those that are there must fit.
///
/// # Errors
/// All faults that were found.
pub fn check(file: &Path) -> Result<(), ConfigError> {
    let loaded = load(Some(file), &[], &Flags::default())?;
    let mut faults = Vec::new();
    let mut fault = |section: &str, name: &str, message: String, suggestion: Option<&str>| {
        let place = loaded.place(section, name).unwrap_or_else(|| Place::File {
            path: file.to_owned(),
            line: None,
        });
        faults.push(Fault {
            place,
            message,
            suggestion: suggestion.map(str::to_owned),
        });
    };
    check_cluster_file(&loaded, &mut fault);
    check_certificates(&loaded, &mut fault);
    if faults.is_empty() {
        Ok(())
    } else {
        Err(ConfigError { faults })
    }
}

fn check_cluster_file(loaded: &Loaded, fault: &mut impl FnMut(&str, &str, String, Option<&str>)) {
    let Some(path) = &loaded.config.cluster.file else {
        return;
    };
    match ClusterFile::load(path) {
        Err(error) => fault("cluster", "file", format!("cluster.file: {}", chain(&error)), None),
        Ok(cluster) => {
            let listed = loaded.config.node.id.is_some_and(|id| cluster.node(id).is_some());
            if !listed {
                let ids = cluster
                    .nodes()
                    .iter()
                    .map(|node| node.id.to_string())
                    .collect::<Vec<_>>()
                    .join(", ");
                let message = format!("node.id is not one of those in {}: {ids}", path.display());
                fault("node", "id", message, None);
            }
        }
    }
}

fn check_certificates(loaded: &Loaded, fault: &mut impl FnMut(&str, &str, String, Option<&str>)) {
    let tls = &loaded.config.tls;
    if loaded.config.cluster.file.is_none() && !tls.cert.exists() {
        return;
    }
    match NodeIdentity::load_files(&tls.ca, &tls.cert, &tls.key) {
        Err(error) => fault(
            "tls",
            "cert",
            format!("the certificate of this node: {}", chain(&error)),
            None,
        ),
        Ok(identity) => {
            if let Some(id) = loaded.config.node.id.filter(|id| *id != identity.node_id()) {
                let message = format!(
                    "node.id is {id}, but {} is of node {}",
                    tls.cert.display(),
                    identity.node_id()
                );
                fault("node", "id", message, Some("each node has a certificate of its own"));
            }
        }
    }
}

/// An error and its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let texts: Vec<String> = causes
        .map(|cause| cause.to_string().trim_end().replace('\n', " "))
        .collect();
    texts.join(": ")
}

//! Identity: who a node is, who a device is, and how each proves it.
//!
//! A node has a certificate from the cluster's CA that names its cluster and its id. A device has a key, and is known by the
//! SHA-256 of its public half. Both sides of every connection present one or the other (see [`Presented`]).
//!
//! Knows no socket, no chat and no account: whether a key may do something is decided elsewhere, by the replicated state.

mod ca;
mod cluster;
mod device;
mod dialling;
mod digits;
mod file;
mod fingerprint;
mod invite;
mod kek;
mod node;
mod presented;
mod provider;
mod secrets;
mod serving;
mod shared;
mod token;
mod x509;

pub use ca::{CaError, ClusterCa, LINEAGE_MAX, NODE_CERT_LIFE, NodeCert, Validity};
pub use cluster::{ClusterId, ClusterIdError, client_server_name, node_server_name};
pub use device::{DeviceKey, DeviceKeyError};
pub use dialling::{CaPin, DEVICE_SERVER_NAME, FirstUse, PinRefused, SeenCa, device_client_config, peer_client_config};
pub use fingerprint::{CaFingerprint, FingerprintError};
pub use invite::{INVITE_ADDRS_MAX, INVITE_LINK_MAX_BYTES, INVITE_SECRET_MAX_BYTES, InviteError, InviteLink};
pub use kek::{CLUSTER_KEK_FILE, ClusterKek, KEK_BYTES, KekError};
pub use node::{CA_CERT_FILE, IdentityError, NODE_CERT_FILE, NODE_KEY_FILE, NodeIdentity, NodeKey, NodePublicKey};
pub use presented::{CERT_MAX_BYTES, Presented, PresentedError, classify};
pub use secrets::{CONNECTION_ID_KEY_BYTES, NodeSecrets, RESET_KEY_BYTES, SecretsError};
pub use serving::server_config;
pub use shared::{OtherNode, SharedIdentity};
pub use token::{JOIN_TOKEN_MAX_BYTES, JoinSecret, JoinToken, JoinTokenError};
pub use x509::{ca_shown_in, node_named_in};

//! Consensus and the links between nodes: several nodes in one process, each with its own data directory and its own port on
//! the loopback, with real certificates, QUIC and redb.

#[cfg(test)]
mod enrolment;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod hello;
#[cfg(test)]
mod leading;
#[cfg(test)]
mod proposing;

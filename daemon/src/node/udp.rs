//! What the kernel dropped for want of room in a socket's buffer, from `/proc/self/net/udp` (proc(5)).

use std::fs;

/// Ports with the packets that their sockets lost; `None` where the kernel does not tell.
pub(super) fn drops() -> Option<Vec<(u16, u64)>> {
    let files = ["/proc/self/net/udp", "/proc/self/net/udp6"].map(|path| fs::read_to_string(path).ok());
    // A machine without IPv6 has one of the two.
    let texts: Vec<String> = files.into_iter().flatten().collect();
    (!texts.is_empty()).then(|| texts.iter().flat_map(|text| parse(text)).collect())
}

/// Those of all sockets on this port.
pub(super) fn of_port(drops: &[(u16, u64)], port: u16) -> u64 {
    drops
        .iter()
        .filter(|(of, _)| *of == port)
        .map(|(_, dropped)| dropped)
        .sum()
}

/// One socket a line, below a heading: the second column is `ADDRESS:PORT` in hex, the last one the drops.
fn parse(text: &str) -> Vec<(u16, u64)> {
    let socket = |line: &str| {
        let mut columns = line.split_whitespace();
        let (_, port) = columns.nth(1)?.rsplit_once(':')?;
        let dropped = columns.next_back()?;
        Some((u16::from_str_radix(port, 16).ok()?, dropped.parse().ok()?))
    };
    text.lines().skip(1).filter_map(socket).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_counted_by_port() {
        let text = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            1: 0100007F:1CE8 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 12 2 0000000000000000 7\n\
            2: 00000000:1CE8 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 13 2 0000000000000000 1\n\
            3: 00000000:1CE9 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 14 2 0000000000000000 0\n\
            nonsense\n";
        let drops = parse(text);
        assert_eq!(
            (of_port(&drops, 7400), of_port(&drops, 7401), of_port(&drops, 1)),
            (8, 0, 0)
        );
    }

    #[test]
    fn an_own_socket_is_found() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let drops = drops().unwrap();
        assert!(drops.iter().any(|(of, _)| *of == port), "{drops:?}");
    }
}

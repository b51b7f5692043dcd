//! Devices by the beginnings of their ids.

use quorate_client::{DeviceId, DeviceRow, RequestError};

/// The one device whose id begins like this.
pub(crate) fn find(devices: &[DeviceRow], id: &str) -> Result<DeviceId, RequestError> {
    let id = id.to_ascii_lowercase();
    let mut found = devices
        .iter()
        .filter(|row| !id.is_empty() && row.device.to_string().starts_with(&id));
    match (found.next(), found.next()) {
        (Some(row), None) => Ok(row.device),
        (None, _) => Err(RequestError::Refused {
            code: "unknown-device".to_owned(),
            message: "there is no such device".to_owned(),
        }),
        (Some(_), Some(_)) => Err(RequestError::Refused {
            code: "ambiguous".to_owned(),
            message: format!("several devices begin with {id}"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use quorate_client::Timestamp;
    use quorate_core::DeviceName;

    use super::*;

    fn row(first: u8, second: u8) -> DeviceRow {
        let mut id = [0; 32];
        (id[0], id[1]) = (first, second);
        DeviceRow {
            device: DeviceId(id),
            name: DeviceName::parse("laptop").unwrap(),
            bound_at: Timestamp(0),
        }
    }

    #[test]
    fn an_id_may_be_shortened_as_long_as_it_is_that_of_one_device() {
        let rows = [row(0xab, 0xcd), row(0xab, 0xef), row(0x12, 0x34)];
        assert_eq!(find(&rows, "1").unwrap(), rows[2].device);
        assert_eq!(find(&rows, "ABC").unwrap(), rows[0].device);
        assert_eq!(find(&rows, &rows[1].device.to_string()).unwrap(), rows[1].device);
        assert_eq!(find(&rows, "ab").unwrap_err().code(), "ambiguous");
        for id in [
            "",
            "f",
            "abcd00g",
            "12340000000000000000000000000000000000000000000000000000000000000",
        ] {
            assert_eq!(find(&rows, id).unwrap_err().code(), "unknown-device", "{id}");
        }
    }
}

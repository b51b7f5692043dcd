//! The envelope of every stored value: a version byte, the payload, and a CRC-32C over key, version
//! and payload, so that neither a flipped bit nor a value under another's key is ever taken for sound.

use super::StoreError;
use super::database::File;

/// Shapes are changed by a new version; readers keep the old ones.
const VERSION: u8 = 1;
const CRC_BYTES: usize = 4;

/// Where a value stands, for the error that names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) file: File,
    pub(super) table: &'static str,
}

impl Place {
    pub(super) fn corrupt(self, key: &[u8], what: &'static str) -> StoreError {
        let key = key.escape_ascii();
        StoreError::Corrupt {
            place: format!("{} {}/{key}", self.file, self.table),
            what,
        }
    }
}

/// Wraps a payload that `write` appends.
pub(super) fn seal_with(key: &[u8], write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut value = vec![VERSION];
    write(&mut value);
    let crc = crc32c::crc32c_append(crc32c::crc32c(key), &value);
    value.extend_from_slice(&crc.to_be_bytes());
    value
}

/// Wraps a payload.
pub(super) fn seal(key: &[u8], payload: &[u8]) -> Vec<u8> {
    seal_with(key, |value| {
        value.reserve(payload.len() + CRC_BYTES);
        value.extend_from_slice(payload);
    })
}

/// The payload, if the value is what was written under this key.
pub(super) fn unseal<'a>(place: Place, key: &[u8], value: &'a [u8]) -> Result<&'a [u8], StoreError> {
    let Some((body, crc)) = value.split_last_chunk::<CRC_BYTES>() else {
        return Err(place.corrupt(key, "too short"));
    };
    if crc32c::crc32c_append(crc32c::crc32c(key), body) != u32::from_be_bytes(*crc) {
        return Err(place.corrupt(key, "checksum mismatch"));
    }
    match body.split_first() {
        Some((&VERSION, payload)) => Ok(payload),
        Some(_) => Err(place.corrupt(key, "unknown record version")),
        None => Err(place.corrupt(key, "too short")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place {
        file: File::State,
        table: "test",
    };

    #[test]
    fn every_single_flipped_bit_is_noticed() {
        let sealed = seal(b"key", b"payload");
        assert_eq!(unseal(PLACE, b"key", &sealed).unwrap(), b"payload");
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(unseal(PLACE, b"key", &flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_value_under_another_key_is_noticed() {
        let sealed = seal(b"key", b"payload");
        assert!(unseal(PLACE, b"kez", &sealed).is_err());
    }
}

//! Bytes as digits that people copy: hex, and base32 without padding (RFC 4648), lower case when written, either when read.

/// Of base32.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    from_digits(text, 4, |byte| char::from(byte).to_digit(16))
}

pub(crate) fn to_base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut pending, mut pending_bits) = (0_u32, 0);
    for byte in bytes {
        pending = (pending << 8) | u32::from(*byte);
        pending_bits += 8;
        while pending_bits >= 5 {
            pending_bits -= 5;
            text.push(letter(pending >> pending_bits));
        }
        pending &= (1 << pending_bits) - 1;
    }
    if pending_bits > 0 {
        text.push(letter(pending << (5 - pending_bits)));
    }
    text
}

pub(crate) fn from_base32(text: &str) -> Option<Vec<u8>> {
    from_digits(text, 5, |byte| match byte.to_ascii_lowercase() {
        letter @ b'a'..=b'z' => Some(u32::from(letter - b'a')),
        digit @ b'2'..=b'7' => Some(u32::from(digit - b'2') + 26),
        _ => None,
    })
}

fn letter(bits: u32) -> char {
    char::from(ALPHABET[(bits & 31) as usize])
}

/// Reads digits of `bits` bits each, most significant first. Bits left over at the end must be zero and fewer than a digit
/// has, so that there is one spelling in each alphabet.
fn from_digits(text: &str, bits: u32, digit: impl Fn(u8) -> Option<u32>) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * bits as usize / 8);
    let (mut pending, mut pending_bits) = (0_u32, 0);
    for byte in text.bytes() {
        pending = (pending << bits) | digit(byte)?;
        pending_bits += bits;
        if pending_bits >= 8 {
            pending_bits -= 8;
            bytes.push(u8::try_from(pending >> pending_bits).ok()?);
            pending &= (1 << pending_bits) - 1;
        }
    }
    (pending == 0 && pending_bits < bits).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop};
    use proptest::{prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes in prop::collection::vec(any::<u8>(), 0..70)) {
            prop_assert_eq!(from_hex(&to_hex(&bytes)), Some(bytes.clone()));
            prop_assert_eq!(from_base32(&to_base32(&bytes)), Some(bytes.clone()));
            prop_assert_eq!(from_base32(&to_base32(&bytes).to_uppercase()), Some(bytes));
        }
    }

    #[test]
    fn the_examples_of_the_rfc_hold() {
        assert_eq!(to_base32(b"foobar"), "mzxw6ytboi");
        assert_eq!(to_base32(b"fooba"), "mzxw6ytb");
        assert_eq!(to_base32(b"f"), "my");
        assert_eq!(from_base32("mz"), None, "bits left over that are not zero");
        assert_eq!(from_base32("mya"), None, "a digit too many");
        assert_eq!(from_hex("0"), None);
    }
}

//! The fingerprint of a CA: what an invite link carries and a device pins.

use std::fmt;
use std::str::FromStr;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};

use crate::digits;
use crate::provider::sha256;
use crate::x509;

const FINGERPRINT_BYTES: usize = 32;
const HEX_CHARS: usize = 2 * FINGERPRINT_BYTES;
/// 256 bits at 5 bits a character, rounded up.
const BASE32_CHARS: usize = 52;

/// The SHA-256 of a CA's public key (SubjectPublicKeyInfo, DER), so that a CA certificate may be issued anew for the same
/// key. Written as lower-case hex; base32 without padding (RFC 4648) is read as well. Upper case is read in both.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CaFingerprint(pub [u8; FINGERPRINT_BYTES]);

/// A text that is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FingerprintError {
    /// Neither the length of the hex form nor that of the base32 form.
    #[error("a CA fingerprint has {HEX_CHARS} hex or {BASE32_CHARS} base32 characters, not {0}")]
    Length(usize),
    /// A character that is in neither alphabet.
    #[error("a CA fingerprint is written in hex or base32")]
    Alphabet,
}

impl CaFingerprint {
    /// The fingerprint of a public key (SubjectPublicKeyInfo, DER).
    #[must_use]
    pub fn of_spki(spki_der: &[u8]) -> Self {
        Self(sha256(spki_der))
    }

    /// The fingerprint of the CA with this certificate, PEM; `None` if it is no certificate.
    #[must_use]
    pub fn of_cert_pem(cert_pem: &str) -> Option<Self> {
        x509::fingerprint(&CertificateDer::from_pem_slice(cert_pem.as_bytes()).ok()?)
    }
}

impl FromStr for CaFingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = match text.len() {
            HEX_CHARS => digits::from_hex(text),
            BASE32_CHARS => digits::from_base32(text),
            other => return Err(FingerprintError::Length(other)),
        };
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or(FingerprintError::Alphabet)
    }
}

impl fmt::Display for CaFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for CaFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaFingerprint({self})")
    }
}

impl TryFrom<String> for CaFingerprint {
    type Error = FingerprintError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<CaFingerprint> for String {
    fn from(fingerprint: CaFingerprint) -> Self {
        fingerprint.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::any;
    use proptest::{prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #[test]
        fn hex_comes_back(bytes in any::<[u8; 32]>()) {
            let fingerprint = CaFingerprint(bytes);
            prop_assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
            prop_assert_eq!(fingerprint.to_string().to_uppercase().parse(), Ok(fingerprint));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{52}|\\PC{64}|[a-z2-7]{52}|[a-f0-9]{64}") {
            let _ = text.parse::<CaFingerprint>();
        }
    }

    #[test]
    fn base32_without_padding_is_read_too() {
        // RFC 4648, over the bytes 0 to 31.
        let text = "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQTCQKRMFYYDENBWHA5DYPQ";
        let bytes = std::array::from_fn(|index| u8::try_from(index).unwrap());
        assert_eq!(text.parse(), Ok(CaFingerprint(bytes)));
        assert_eq!(text.to_lowercase().parse(), Ok(CaFingerprint(bytes)));
    }

    #[test]
    fn another_length_or_alphabet_is_refused() {
        assert_eq!("00".parse::<CaFingerprint>(), Err(FingerprintError::Length(2)));
        assert_eq!("g".repeat(64).parse::<CaFingerprint>(), Err(FingerprintError::Alphabet));
        assert_eq!("1".repeat(52).parse::<CaFingerprint>(), Err(FingerprintError::Alphabet));
        assert_eq!(
            "b".repeat(52).parse::<CaFingerprint>(),
            Err(FingerprintError::Alphabet),
            "bits are left over"
        );
    }
}

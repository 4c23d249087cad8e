//! Owns the receipt handle: which queue, which message and which receive of it, as one opaque text.
//! Never looks at a queue: whether a receipt is still good, the queue says.
//! Invariant: it holds nothing but numbers that are stored, so it means the same after a restart.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use super::refusal;
use crate::ApiError;

const VERSION: u8 = 1;

/// One receive of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) queue: u64,
    pub(crate) message: u64,
    /// How often the message had been received from this queue, with that receive.
    pub(crate) receive: u32,
}

impl Receipt {
    fn numbers(self) -> [u8; 21] {
        let mut bytes = [0; 21];
        bytes[0] = VERSION;
        bytes[1..9].copy_from_slice(&self.queue.to_be_bytes());
        bytes[9..17].copy_from_slice(&self.message.to_be_bytes());
        bytes[17..].copy_from_slice(&self.receive.to_be_bytes());
        bytes
    }

    pub(crate) fn encode(self) -> String {
        let numbers = self.numbers();
        let mut bytes = [0; 53];
        bytes[..21].copy_from_slice(&numbers);
        bytes[21..].copy_from_slice(&Sha256::digest(numbers));
        STANDARD.encode(bytes)
    }

    pub(crate) fn decode(handle: &str) -> Result<Receipt, ApiError> {
        let read = || {
            let bytes: [u8; 53] = STANDARD.decode(handle).ok()?.try_into().ok()?;
            let (numbers, check) = bytes.split_at(21);
            if numbers[0] != VERSION || Sha256::digest(numbers)[..] != *check {
                return None;
            }
            Some(Receipt {
                queue: u64::from_be_bytes(numbers[1..9].try_into().ok()?),
                message: u64::from_be_bytes(numbers[9..17].try_into().ok()?),
                receive: u32::from_be_bytes(numbers[17..21].try_into().ok()?),
            })
        };
        read().ok_or_else(|| refusal::receipt(handle))
    }
}

impl Serialize for Receipt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.encode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_read_as_it_was_written() {
        let receipt = Receipt { queue: 7, message: u64::MAX, receive: 3 };
        assert_eq!(Receipt::decode(&receipt.encode()).unwrap(), receipt);
    }

    #[test]
    fn a_receipt_that_was_tampered_with_is_refused() {
        let handle = Receipt { queue: 7, message: 1, receive: 3 }.encode();
        for place in 0..handle.len() {
            let mut bytes = handle.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            let refused = Receipt::decode(&changed).unwrap_err();
            assert_eq!(refused.code, "com.amazonaws.sqs#ReceiptHandleIsInvalid", "{changed}");
        }
        for garbage in ["", "x", "INVALID", "AAAA", "é"] {
            assert!(Receipt::decode(garbage).is_err(), "{garbage}");
        }
    }
}

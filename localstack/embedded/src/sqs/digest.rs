//! Owns the MD5 digests that SQS answers with, by which clients check that a message arrived whole.
//! Never a security measure: MD5 is what the protocol asks for.
//! Next: `request` computes them off the engine's thread; `message` keeps them.

use md5::{Digest as _, Md5};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::content::{Attribute, Content};

/// An MD5, written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest([u8; 16]);

impl Digest {
    pub(crate) fn of_body(body: &str) -> Digest {
        Digest(Md5::digest(body.as_bytes()).into())
    }

    /// Of attributes that are sorted by name; of none there is no digest.
    pub(crate) fn of_attributes<'a>(sorted: impl IntoIterator<Item = &'a Attribute>) -> Option<Digest> {
        let mut hash = Md5::new();
        let mut any = false;
        for attribute in sorted {
            any = true;
            part(&mut hash, attribute.name.as_bytes());
            part(&mut hash, attribute.kind.as_bytes());
            match &attribute.content {
                Content::Text(text) => {
                    hash.update([1]);
                    part(&mut hash, text.as_bytes());
                }
                Content::Binary(bytes) => {
                    hash.update([2]);
                    part(&mut hash, bytes);
                }
            }
        }
        any.then(|| Digest(hash.finalize().into()))
    }

    /// Of the one system attribute that can be sent.
    pub(crate) fn of_trace_header(header: &str) -> Digest {
        let mut hash = Md5::new();
        part(&mut hash, b"AWSTraceHeader");
        part(&mut hash, b"String");
        hash.update([1]);
        part(&mut hash, header.as_bytes());
        Digest(hash.finalize().into())
    }
}

/// Its length in four bytes, the highest first, then itself.
fn part(hash: &mut Md5, bytes: &[u8]) {
    hash.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    hash.update(bytes);
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0_u8; 32];
        for (byte, pair) in self.0.iter().zip(text.chunks_exact_mut(2)) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        serializer.serialize_str(std::str::from_utf8(&text).map_err(serde::ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map(|bits| Digest(bits.to_be_bytes())).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(name: &str, value: &str) -> Attribute {
        Attribute { name: name.into(), kind: "String".into(), content: Content::Text(value.into()) }
    }

    /// The values were recorded from AWS.
    #[test]
    fn the_digests_are_those_that_aws_answers() {
        assert_eq!(Digest::of_body("msg").to_string(), "6e2baaf3b97dbeef01c0043275f9a0e7");
        let three = [string("General", "Kenobi"), string("Hello", "There"), string("Help.Me", "Me")];
        let of = |attributes: &[Attribute]| Digest::of_attributes(attributes).map(|digest| digest.to_string());
        assert_eq!(of(&three).as_deref(), Some("4c360f3fdafd970e05fae2f149d997f5"));
        assert_eq!(of(&three[..2]).as_deref(), Some("fca026605781cb4126a1e9044df24232"));
        assert_eq!(of(&three[1..2]).as_deref(), Some("a311262e065454b75da111d535b8dacd"));
        assert_eq!(of(&three[1..]).as_deref(), Some("83fee93c1bcd8b9a5a923ffacdc636c7"));
        assert_eq!(of(&[string("Foo", "Bar")]).as_deref(), Some("ae7155c6026991b6d54b11589678bf9c"));
        assert_eq!(of(&[string("MyAttribute", "foobar")]).as_deref(), Some("adb59cd4678ea5a855436b949cd07ab6"));
        let number = Attribute {
            name: "timestamp".into(),
            kind: "Number".into(),
            content: Content::Text("1493147359900".into()),
        };
        assert_eq!(of(&[number]).as_deref(), Some("235c5c510d26fb653d073faed50ae77c"));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn a_digest_is_read_as_it_was_written() {
        let digest = Digest::of_body("");
        let text = serde_json::to_string(&digest).unwrap();
        assert_eq!(text, "\"d41d8cd98f00b204e9800998ecf8427e\"");
        assert_eq!(serde_json::from_str::<Digest>(&text).unwrap(), digest);
    }
}

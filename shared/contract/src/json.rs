//! Owns the reading of JSON that nobody can read in two ways: a key that stands twice in one object is refused.
//! Never bounds depth or size: `decode` has done so before.
//! Next: `decode`, whose digests and whose neighbours must all see the same values.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

pub fn parse(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str::<Unambiguous>(text).map(|read| read.0)
}

struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Unambiguous, D::Error> {
        from.deserialize_any(Reader).map(Unambiguous)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, found: bool) -> Result<Value, E> {
        Ok(found.into())
    }
    fn visit_i64<E>(self, found: i64) -> Result<Value, E> {
        Ok(found.into())
    }
    fn visit_u64<E>(self, found: u64) -> Result<Value, E> {
        Ok(found.into())
    }
    fn visit_f64<E>(self, found: f64) -> Result<Value, E> {
        Ok(found.into())
    }
    fn visit_str<E>(self, found: &str) -> Result<Value, E> {
        Ok(found.into())
    }
    fn visit_string<E>(self, found: String) -> Result<Value, E> {
        Ok(found.into())
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut all = vec![];
        while let Some(Unambiguous(one)) = seq.next_element()? {
            all.push(one);
        }
        Ok(Value::Array(all))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some((key, Unambiguous(value))) = entries.next_entry::<String, _>()? {
            if all.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key {key:?} stands twice in one object")));
            }
            all.insert(key, value);
        }
        Ok(Value::Object(all))
    }
}

//! Owns an event as a matcher sees it: each simple value under its dotted path, with the array elements that it lies in.
//! Never keeps what nobody asks for: values at other paths are skipped unread.
//! Next: `Pattern::matches` looks here.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The paths that some pattern asks for, with every shorter path on the way to them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Looked(HashSet<String>);

impl Looked {
    pub(crate) fn add(&mut self, path: &str) {
        for (end, _) in path.match_indices('.') {
            self.0.insert(path[..end].to_owned());
        }
        self.0.insert(path.to_owned());
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.0.contains(path)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
}

/// Which element of which array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) array: u32,
    pub(super) element: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) value: Scalar,
    pub(super) places: Vec<Place>,
}

/// An event, flattened.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    by_path: HashMap<String, Vec<Found>>,
    arrays: u32,
}

impl Fields {
    /// A whole event. Fails only where the text is not JSON.
    pub(crate) fn of(event: &str, looked: &Looked) -> serde_json::Result<Fields> {
        let mut fields = Fields::default();
        fields.read("", event, looked)?;
        Ok(fields)
    }

    /// A simple text at a path of its own.
    pub(crate) fn put(&mut self, path: &str, text: &str, looked: &Looked) {
        if looked.has(path) {
            self.found(path, Scalar::Text(text.to_owned()), &[]);
        }
    }

    /// The JSON value that stands at `path`.
    pub(crate) fn read(&mut self, path: &str, json: &str, looked: &Looked) -> serde_json::Result<()> {
        if !path.is_empty() && !looked.has(path) {
            return Ok(());
        }
        let mut path = path.to_owned();
        let mut json = serde_json::Deserializer::from_str(json);
        let value = Value { fields: self, looked, path: &mut path, places: &mut vec![], element: None };
        value.deserialize(&mut json)?;
        json.end()
    }

    pub(super) fn at(&self, path: &str) -> &[Found] {
        self.by_path.get(path).map_or(&[], Vec::as_slice)
    }

    fn found(&mut self, path: &str, value: Scalar, places: &[Place]) {
        let found = Found { value, places: places.to_vec() };
        match self.by_path.get_mut(path) {
            Some(others) => others.push(found),
            None => drop(self.by_path.insert(path.to_owned(), vec![found])),
        }
    }
}

/// One value on the way through the JSON.
struct Value<'a> {
    fields: &'a mut Fields,
    looked: &'a Looked,
    path: &'a mut String,
    places: &'a mut Vec<Place>,
    /// The array element that this value is. Only an object takes it on: simple values of one array stand side by side.
    element: Option<Place>,
}

impl Value<'_> {
    fn simple(self, value: Scalar) {
        self.fields.found(self.path, value, self.places);
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.simple(Scalar::Null);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.simple(Scalar::Bool(value));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.simple(Scalar::Number(value.into()));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.simple(Scalar::Number(value.into()));
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        if let Some(number) = serde_json::Number::from_f64(value) {
            self.simple(Scalar::Number(number));
        }
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.simple(Scalar::Text(value.to_owned()));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let array = self.fields.arrays;
        self.fields.arrays += 1;
        for element in 0.. {
            let value = Value {
                fields: &mut *self.fields,
                looked: self.looked,
                path: &mut *self.path,
                places: &mut *self.places,
                element: Some(Place { array, element }),
            };
            if elements.next_element_seed(value)?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let outer = self.places.len();
        self.places.extend(self.element);
        let length = self.path.len();
        while let Some(name) = members.next_key::<std::borrow::Cow<'_, str>>()? {
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(&name);
            if self.looked.has(self.path) {
                members.next_value_seed(Value {
                    fields: &mut *self.fields,
                    looked: self.looked,
                    path: &mut *self.path,
                    places: &mut *self.places,
                    element: None,
                })?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
            self.path.truncate(length);
        }
        self.places.truncate(outer);
        Ok(())
    }
}

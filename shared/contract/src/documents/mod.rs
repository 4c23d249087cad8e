//! Owns what agents hand each other as artifacts: sources, passages with exact quotes, typed tables, numbers.
//! Never a conclusion without its passages: every statement leads back, by id, to bytes of a source.
//! Next: research writes `Gathered`, analysis makes `Analysed` of it, writer and recommendation read that.

mod analysed;
mod gathered;
pub mod numbers;
pub mod page;
pub mod printed;
mod source;
mod table;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use analysed::{
    Analysed, Chart, Conflict, DetailedFinding, Gap, Metric, MetricId, Side, Statistic, Support, asked, topic,
};
pub use gathered::{Gathered, Missed};
pub use source::{Passage, PassageId, Place, Source, SourceId};
pub use table::{Cell, Column, ColumnKind, Table, TableId, Typed};

use crate::artifact::{ArtifactError, fetch};
use crate::{ArtifactRef, Artifacts, PortError};

/// What is stored as an artifact of its own kind: JSON, with its version in the media type.
pub trait Document: Serialize + DeserializeOwned + JsonSchema {
    const MEDIATYPE: &'static str;
}

/// A text id of one kind of thing, so that an id of another kind does not fit.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}
pub(crate) use text_id;

/// Stores a document; the same content has the same name.
pub async fn put<D: Document>(store: &dyn Artifacts, document: &D) -> Result<ArtifactRef, PortError> {
    let bytes = serde_json::to_vec(document).map_err(|why| PortError::permanent(why.to_string()))?;
    store.put(&bytes, D::MEDIATYPE).await
}

/// Reads a document that somebody referred to, verified by its hash and by its kind.
pub async fn get<D: Document>(store: &dyn Artifacts, wanted: &ArtifactRef) -> Result<D, PortError> {
    if wanted.mediatype != D::MEDIATYPE {
        return Err(PortError::permanent(format!("{} is {}, not {}", wanted.uri, wanted.mediatype, D::MEDIATYPE)));
    }
    let bytes = fetch(store, wanted).await.map_err(|error| match error {
        ArtifactError::Port(error) => error,
        changed => PortError::permanent(changed.to_string()),
    })?;
    serde_json::from_slice(&bytes).map_err(|why| PortError::permanent(format!("{} is damaged: {why}", wanted.uri)))
}

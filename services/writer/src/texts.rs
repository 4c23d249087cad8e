//! Owns the texts of the sources that a report cites, each verified by its hash.
//! Never a text that was changed after it was stored: reading one fails.
//! Next: `references` takes quotes from them, `check` holds the report against them.

use std::collections::{BTreeMap, BTreeSet};

use contract::artifact::{ArtifactError, fetch};
use contract::documents::{Analysed, PassageId, SourceId};
use contract::{Artifacts, PortError};

use crate::bounds;

/// By source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts(pub BTreeMap<SourceId, String>);

impl Texts {
    pub fn of(&self, source: &SourceId) -> Option<&str> {
        self.0.get(source).map(String::as_str)
    }

    /// Those of the sources that a report over this analysis may cite. A source without a text is left to the checker.
    pub async fn fetched(analysed: &Analysed, store: &dyn Artifacts) -> Result<Texts, PortError> {
        let wanted = citable(analysed);
        let mut texts = Texts::default();
        for source in analysed.sources.iter().filter(|source| wanted.contains(&source.id)) {
            let Some(text) = &source.text else { continue };
            let bytes = fetch(store, text).await.map_err(|error| match error {
                ArtifactError::Port(error) => error,
                changed => PortError::permanent(format!("the text of {}: {changed}", source.address)),
            })?;
            let text = String::from_utf8(bytes)
                .map_err(|_| PortError::permanent(format!("the text of {} is not UTF-8", source.address)))?;
            texts.0.insert(source.id.clone(), text);
        }
        Ok(texts)
    }
}

fn citable(analysed: &Analysed) -> BTreeSet<SourceId> {
    let findings = bounds::findings(analysed);
    let supports = findings.iter().flat_map(|finding| finding.supporting.iter().chain(&finding.contradicting));
    let sides = bounds::conflicts(analysed).iter().flat_map(|conflict| &conflict.sides).map(|side| &side.support);
    let computed = analysed.metrics.iter().flat_map(|metric| &metric.evidence);
    let passages: BTreeSet<&PassageId> =
        supports.chain(sides).map(|support| &support.passage).chain(computed).collect();
    let cited = analysed.passages.iter().filter(|passage| passages.contains(&passage.id));
    cited.map(|passage| passage.source.clone()).collect()
}

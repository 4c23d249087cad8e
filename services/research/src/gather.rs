//! Owns looking: in the collections, on the web where a search is configured, at the addresses that the goal names.
//! Never an answer of its own: passages and tables as they stand, the best first, each once.
//! Next: `task` stores what was gathered.

use std::collections::BTreeSet;

use contract::artifact::ArtifactError;
use contract::documents::{Gathered, Missed, Passage};
use contract::events::ResearchTaskRequested;
use contract::{Partner, PortError, Spend};
use engine::corpus::{Found, Library, Query, Raw, Reading};
use engine::exchange::{Costing, Exchanges, Question};
use engine::tools::{fetch, web};
use engine::{Sitting, corpus};
use runtime::{Step, StepError};

use crate::{Config, offline, prompted, topic};

const PASSAGES_MAX: usize = 12;
const TABLES_MAX: usize = 6;
/// Passages and tables: of a search whose answer is kept, and of one that only asks whether there is any.
const ALL: (usize, usize) = (PASSAGES_MAX, TABLES_MAX);
const FIRST: (usize, usize) = (1, 1);
/// Of what a web search finds, so many are read.
const PAGES_MAX: usize = 5;
/// Words of a topic that are looked for by themselves.
const NAMED_MAX: usize = 8;
/// The name under which a search is recorded.
const SEARCH: &str = "search_collections";
/// What was fetched is in no collection.
const WEB: &str = "web";

/// Everything about one task.
pub(crate) async fn gathered(
    config: &Config,
    task: &ResearchTaskRequested,
    step: &Step,
) -> Result<Gathered, StepError> {
    let sitting = config.mind.at(step);
    let mut gathered = Gathered { question: task.question.clone(), ..Gathered::default() };
    if task.sources.is_empty() {
        let (queries, note) = queries(&sitting, task).await?;
        gathered.missed.extend(note.map(|why| Missed { what: "a model's searches".into(), why }));
        if is_about(config, task, &sitting.exchanges, &mut gathered).await? {
            for query in &queries {
                let found = search(config, &sitting.exchanges, task, query, ALL).await?;
                take(&mut gathered, found);
            }
        }
        from_the_web(config, &sitting.exchanges, task, &mut gathered).await?;
    } else {
        for address in &task.sources {
            match page(config, &sitting.exchanges, address).await {
                Ok(reading) => keep(&sitting.exchanges, task, vec![reading], &mut gathered).await?,
                // The whole task is tried again, and gives up in the end, if it is about this address and nothing else.
                Err(error @ PortError::Transient { .. }) if task.sources.len() == 1 => return Err(error.into()),
                Err(PortError::Permanent { reason }) => {
                    gathered.missed.push(Missed { what: address.clone(), why: reason });
                }
                Err(error) => gathered.missed.push(Missed { what: address.clone(), why: error.to_string() }),
            }
        }
    }
    bounded(&mut gathered);
    Ok(gathered)
}

/// The question itself, the words of sources that answer such ones, and a model's.
async fn queries(
    sitting: &Sitting<'_>,
    task: &ResearchTaskRequested,
) -> Result<(Vec<String>, Option<String>), StepError> {
    let mut queries = offline::searches(&task.question, task.topic.as_deref());
    match prompted::queries(sitting, &task.question).await {
        Ok(more) => queries.extend(more),
        Err(unanswered) => return Ok((queries, unanswered.instead()?.note)),
    }
    Ok((queries, None))
}

/// Whether the collections say anything about the topic at all. A question has words of its own ("change over time") that
/// stand in every text, and so has a topic ("prices of …"): what answers only those answers nothing. What is told is what
/// no source has.
async fn is_about(
    config: &Config,
    task: &ResearchTaskRequested,
    exchanges: &Exchanges<'_>,
    gathered: &mut Gathered,
) -> Result<bool, StepError> {
    let topic = task.topic.as_deref().unwrap_or(&task.question);
    // Whoever ingested before they asked is answered from what they ingested.
    config.library.look_again();
    let found = search(config, exchanges, task, topic, FIRST).await?;
    for unknown in &found.unknown {
        let why = "there is no such collection: ingest its sources first".to_owned();
        gathered.missed.push(Missed { what: format!("collection {unknown}"), why });
    }
    let things = topic::specific(topic);
    if things.is_empty() {
        return Ok(has_any(&found) || knows_any(config, task, exchanges, topic).await?);
    }
    let mut is_known = false;
    let mut looked_for = 0;
    for thing in &things {
        let mut known = 0;
        for word in thing {
            looked_for += 1;
            // A topic of so many words is no name any more.
            if looked_for > NAMED_MAX {
                return Ok(is_known || has_any(&found));
            }
            if has_any(&search(config, exchanges, task, word, FIRST).await?) {
                known += 1;
            } else if !gathered.unknown.contains(word) {
                gathered.unknown.push(word.clone());
            }
        }
        // One word of two is another thing: brokers run on machines, and none of them makes espresso.
        is_known |= known > thing.len() / 2;
    }
    Ok(is_known)
}

/// A word that no source has weighs most, and must not hide what all the others mean.
async fn knows_any(
    config: &Config,
    task: &ResearchTaskRequested,
    exchanges: &Exchanges<'_>,
    topic: &str,
) -> Result<bool, StepError> {
    let words: Vec<String> = topic::words(topic).take(NAMED_MAX).collect();
    for word in &words {
        if has_any(&search(config, exchanges, task, word, FIRST).await?) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn has_any(found: &Found) -> bool {
    !found.passages.is_empty() || !found.tables.is_empty()
}

async fn search(
    config: &Config,
    exchanges: &Exchanges<'_>,
    task: &ResearchTaskRequested,
    words: &str,
    (passages_max, tables_max): (usize, usize),
) -> Result<Found, PortError> {
    let (collections, question) = (task.collections.clone(), words.to_owned());
    let query = Query { collections, question, passages_max, tables_max };
    let damaged = |why: serde_json::Error| PortError::permanent(format!("a search is damaged: {why}"));
    let request = serde_json::to_value(&query).map_err(damaged)?;
    let question = Question { with: Partner::Tool, name: SEARCH.into(), request, prompt: None };
    let live = async || {
        let found = config.library.search(&query, exchanges.place.unlisted()).await?;
        Ok(Costing { answer: serde_json::to_value(found).map_err(damaged)?, cost: Spend::default() })
    };
    let mut found: Found = serde_json::from_value(exchanges.made(question, live).await?).map_err(damaged)?;
    // Where a secret was removed from it, a quote stands in its source no more: nothing could be proved by it.
    let is_whole = |one: &Passage| one.quote.len() as u64 == one.place.end.saturating_sub(one.place.start);
    found.passages.retain(is_whole);
    let there: BTreeSet<_> = found.passages.iter().map(|passage| passage.id.clone()).collect();
    found.tables.retain(|table| table.passages.iter().all(|row| there.contains(row)));
    Ok(found)
}

/// Pages that a search of the web finds. One that cannot be had is named, and the others are read.
async fn from_the_web(
    config: &Config,
    exchanges: &Exchanges<'_>,
    task: &ResearchTaskRequested,
    gathered: &mut Gathered,
) -> Result<(), StepError> {
    if !config.tools.has(web::NAME) {
        return Ok(());
    }
    let results = match web::asked(&config.tools, exchanges, &task.question).await {
        Ok(results) => results,
        // What the collections answered is not thrown away because a search service is down.
        Err(error @ PortError::Transient { .. }) if gathered.passages.is_empty() => return Err(error.into()),
        Err(error) => {
            gathered.missed.push(Missed { what: "the web search".into(), why: error.to_string() });
            return Ok(());
        }
    };
    let mut readings = vec![];
    for result in results.iter().take(PAGES_MAX) {
        match page(config, exchanges, &result.url).await {
            Ok(reading) => readings.push(reading),
            Err(error) => gathered.missed.push(Missed { what: result.url.clone(), why: error.to_string() }),
        }
    }
    keep(exchanges, task, readings, gathered).await
}

/// One address, fetched and read.
async fn page(config: &Config, exchanges: &Exchanges<'_>, address: &str) -> Result<Reading, PortError> {
    let page = fetch::asked(&config.tools, exchanges, address).await?;
    let bytes = page.read(&**exchanges.place.artifacts()).await.map_err(|error| match error {
        ArtifactError::Port(error) => error,
        changed => PortError::permanent(changed.to_string()),
    })?;
    let (url, mediatype) = (page.url, page.mediatype);
    // A page may take a second to read, and the executor has other deliveries.
    let read = tokio::task::spawn_blocking(move || {
        corpus::read(Raw { collection: WEB, address: &url, mediatype: Some(&mediatype), bytes: &bytes })
    });
    let read = read.await.map_err(|died| PortError::permanent(format!("its reader ended: {died}")))?;
    read.map_err(|why| PortError::permanent(why.to_string()))
}

/// What readings say about the question, with their texts stored.
async fn keep(
    exchanges: &Exchanges<'_>,
    task: &ResearchTaskRequested,
    readings: Vec<Reading>,
    gathered: &mut Gathered,
) -> Result<(), StepError> {
    let query = Query {
        collections: vec![],
        question: task.question.clone(),
        passages_max: PASSAGES_MAX,
        tables_max: TABLES_MAX,
    };
    let found = Library::among(&query, readings, exchanges.place.artifacts()).await?;
    take(gathered, found);
    Ok(())
}

fn take(gathered: &mut Gathered, found: Found) {
    let Found { sources, mut passages, mut tables, left_out, .. } = found;
    let why = "it is too large to be computed on: ingest it in parts";
    gathered.missed.extend(left_out.into_iter().map(|what| Missed { what, why: why.to_owned() }));
    for source in sources {
        match gathered.sources.iter().find(|known| known.id == source.id) {
            None => gathered.sources.push(source),
            // A newer version came between two searches: a place in one text is no place in the other.
            Some(known) if known.text != source.text => {
                passages.retain(|passage| passage.source != source.id);
                tables.retain(|table| table.source != source.id);
            }
            Some(_) => {}
        }
    }
    // What a row stands in is kept even where another source has the same words: the table names it.
    let rows: BTreeSet<_> = tables.iter().flat_map(|table| table.passages.iter().cloned()).collect();
    for passage in passages {
        let is_known = |known: &&mut Passage| {
            known.id == passage.id || (known.quote == passage.quote && !rows.contains(&passage.id))
        };
        match gathered.passages.iter_mut().find(is_known) {
            Some(known) => known.relevance = known.relevance.max(passage.relevance),
            None => gathered.passages.push(passage),
        }
    }
    for table in tables {
        match gathered.tables.iter_mut().find(|known| known.id == table.id) {
            Some(known) => known.relevance = known.relevance.max(table.relevance),
            None => gathered.tables.push(table),
        }
    }
}

/// The best first, no more than can be read, and no source that nothing here names.
fn bounded(gathered: &mut Gathered) {
    gathered.passages.sort_by(|one, other| other.relevance.total_cmp(&one.relevance));
    gathered.tables.sort_by(|one, other| other.relevance.total_cmp(&one.relevance));
    gathered.tables.truncate(TABLES_MAX);
    // A table's rows lead back to passages, which must be there.
    let rows: BTreeSet<_> = gathered.tables.iter().flat_map(|table| table.passages.iter().cloned()).collect();
    let mut kept = 0;
    gathered.passages.retain(|passage| {
        kept += usize::from(!rows.contains(&passage.id));
        kept <= PASSAGES_MAX || rows.contains(&passage.id)
    });
    let named: BTreeSet<_> = gathered.passages.iter().map(|passage| passage.source.clone()).collect();
    let of_tables: BTreeSet<_> = gathered.tables.iter().map(|table| table.source.clone()).collect();
    gathered.sources.retain(|source| named.contains(&source.id) || of_tables.contains(&source.id));
}

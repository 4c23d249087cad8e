//! Owns conflicts: sources that give one thing different numbers, or of which one denies what another says.
//! Never a decision between them: both sides stand, with dates, and a leaning where something speaks for it.
//! Next: `offline` hangs them onto findings; the writer shows both sides.

use std::collections::{BTreeMap, BTreeSet};

use contract::documents::{Conflict, Side, SourceId, printed};

use crate::age;
use crate::claims::{self, Claim, Said};
use crate::names::Names;
use crate::pool::Pool;
use crate::sheet::Sheet;
use crate::words;

const CONFLICTS_MAX: usize = 10;
const SIDES_MAX: usize = 4;
const SENTENCES_MAX: usize = 600;
/// Two sentences this alike speak of the same.
const ALIKE_MIN: f64 = 0.5;
/// Numbers closer than this are the same number, rounded.
const SAME_PART: f64 = 0.005;
/// This much newer, a source is rather believed, whoever it is.
const NEWER_MONTHS: i32 = 6;
pub(crate) const DENIALS: &[&str] =
    &["not", "no", "never", "none", "without", "cannot", "doesn't", "don't", "isn't", "aren't", "can't", "won't"];

/// Claims about one thing's one measure.
struct Group {
    claims: Vec<Claim>,
}

pub(crate) fn conflicts(pool: &Pool, sheets: &[Sheet<'_>]) -> Vec<Conflict> {
    let tabled = claims::of_tables(pool, sheets);
    let names: BTreeSet<String> = tabled.iter().flat_map(|claim| claim.labels.iter().cloned()).collect();
    let sentences = claims::sentences(pool, SENTENCES_MAX);
    let mut groups = grouped(tabled);
    for said in &sentences {
        let there = claims::names_in(&said.words, &names);
        for group in groups.iter_mut().filter(|group| !group.claims[0].labels.is_disjoint(&there)) {
            hear(group, said, &names);
        }
    }
    let mut found: Vec<Conflict> = groups.iter().filter_map(|group| of_group(pool, group)).collect();
    found.extend(between_sentences(pool, &sentences, &found));
    found.truncate(CONFLICTS_MAX);
    found
}

/// Claims of different tables about the same thing, together.
fn grouped(tabled: Vec<Claim>) -> Vec<Group> {
    let mut groups: Vec<Group> = vec![];
    let mut by_label: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    // Those with the most labels first: the others are found by them.
    let mut tabled = tabled;
    tabled.sort_by_key(|claim| std::cmp::Reverse(claim.labels.len()));
    for claim in tabled {
        let near: BTreeSet<usize> =
            claim.labels.iter().filter_map(|label| by_label.get(label)).flatten().copied().collect();
        match near.into_iter().find(|at| same_thing(&groups[*at].claims[0], &claim)) {
            Some(at) => groups[at].claims.push(claim),
            None => {
                for label in &claim.labels {
                    by_label.entry(label.clone()).or_default().push(groups.len());
                }
                groups.push(Group { claims: vec![claim] });
            }
        }
    }
    groups
}

/// One measure of one thing: what one calls by two names and the other by one, stands in the other's title.
fn same_thing(one: &Claim, other: &Claim) -> bool {
    let known = |label: &String, to: &Claim| {
        to.labels.contains(label) || label.split(' ').all(|word| to.context.contains(word))
    };
    one.measure.is_like(&other.measure)
        && one.source != other.source
        && one.labels.iter().all(|label| known(label, other))
        && other.labels.iter().all(|label| known(label, one))
}

fn hear(group: &mut Group, said: &Said<'_>, names: &BTreeSet<String>) {
    for (echo, plainly) in claims::echoes(&group.claims[0], said, names) {
        let agrees = group.claims.iter().any(|claim| is_same(claim.value, echo.value));
        // What a sentence does not say plainly may agree, and is no contradiction.
        if (agrees || plainly) && group.claims.iter().all(|claim| claim.source != echo.source) {
            group.claims.push(echo);
        }
    }
}

fn is_same(one: f64, other: f64) -> bool {
    (one - other).abs() <= SAME_PART * one.abs().max(other.abs())
}

fn of_group(pool: &Pool, group: &Group) -> Option<Conflict> {
    let mut sides: Vec<Vec<&Claim>> = vec![];
    for claim in &group.claims {
        match sides.iter_mut().find(|side| is_same(side[0].value, claim.value)) {
            Some(side) => side.push(claim),
            None => sides.push(vec![claim]),
        }
    }
    if sides.len() < 2 {
        return None;
    }
    for side in &mut sides {
        side.sort_by(|one, other| {
            (other.published, &other.date, &other.source).cmp(&(one.published, &one.date, &one.source))
        });
    }
    sides.sort_by_key(|side| std::cmp::Reverse(side.len()));
    sides.truncate(SIDES_MAX);
    let first = &group.claims[0];
    let about = format!("{}: {}", first.shown, first.spoken);
    let leaning = leaning(pool, &sides);
    let told = sides.iter().map(|side| Side { says: says(pool, side), support: side[0].support.clone() });
    Some(Conflict { about, sides: told.collect(), leaning })
}

fn value(claim: &Claim) -> String {
    let unit = claim.measure.unit.as_deref();
    let per: Vec<&str> = claim.measure.per.iter().map(String::as_str).collect();
    let per = if per.is_empty() { String::new() } else { format!(" per {}", per.join(" and ")) };
    format!("{}{per}", printed::amount(claim.value, unit))
}

fn named(pool: &Pool, source: &SourceId, date: Option<&str>) -> String {
    let date = date.unwrap_or("undated");
    format!("{} ({date})", pool.name(source))
}

fn says(pool: &Pool, side: &[&Claim]) -> String {
    let shown: Vec<String> =
        side.iter().take(2).map(|claim| named(pool, &claim.source, claim.date.as_deref())).collect();
    let more = if side.len() > 2 { format!(" and {} more", side.len() - 2) } else { String::new() };
    format!("{}: {}{more}", value(side[0]), shown.join(", "))
}

/// What speaks for one of the sides: much newer, or published rather than reported, or said by more sources.
fn leaning(pool: &Pool, sides: &[Vec<&Claim>]) -> Option<String> {
    let date = |side: &[&Claim]| side.iter().filter_map(|claim| claim.date.clone()).max();
    let newest = sides.iter().max_by_key(|side| date(side))?;
    let rivals = || sides.iter().filter(|side| !std::ptr::eq(*side, newest));
    let gap = rivals().filter_map(|side| age::months_before(&date(side)?, &date(newest)?)).min();
    if let Some(gap) = gap.filter(|gap| *gap >= NEWER_MONTHS) {
        return Some(format!("{}: its source is {gap} months newer.", value(newest[0])));
    }
    let published: Vec<&Vec<&Claim>> = sides.iter().filter(|side| side.iter().any(|claim| claim.published)).collect();
    if let [only] = published.as_slice() {
        let sources = only.iter().filter(|claim| claim.published).count();
        let places = if sources == 1 { "one published table".into() } else { format!("{sources} published tables") };
        let later = sides.iter().find(|side| !std::ptr::eq(*side, *only) && date(side) > date(only));
        let but = later.map(|side| {
            let told = if claims::is_second_hand(&side[0].support.quote) {
                "is second-hand, but"
            } else {
                "is from prose, and"
            };
            format!("; {} {told} newer: check before relying on either", value(side[0]))
        });
        let first = pool.name(&only[0].source);
        return Some(format!("{}: it stands in {places} ({first}){}.", value(only[0]), but.unwrap_or_default()));
    }
    let (first, second) = (sides.first()?, sides.get(1)?);
    (first.len() > second.len())
        .then(|| format!("{}: {} sources say so, {} the other.", value(first[0]), first.len(), second.len()))
}

/// Sentences of different sources about the same named thing, with other numbers, or with and without a denial.
fn between_sentences(pool: &Pool, sentences: &[Said<'_>], known: &[Conflict]) -> Vec<Conflict> {
    let shown: BTreeSet<&str> =
        known.iter().flat_map(|conflict| &conflict.sides).map(|side| side.support.quote.as_str()).collect();
    let rest: Vec<Spoken<'_>> =
        sentences.iter().filter(|said| !shown.contains(said.sentence)).map(Spoken::of).collect();
    let mut found = vec![];
    for (at, one) in rest.iter().enumerate() {
        for other in &rest[at + 1..] {
            if found.len() == CONFLICTS_MAX {
                return found;
            }
            if one.said.source == other.said.source || !one.is_like(other) {
                continue;
            }
            let Some(name) = one.names.shared(&other.names) else { continue };
            let kind = if amounts_differ(one.said, other.said) {
                "different numbers"
            } else if one.denies != other.denies && one.said.amounts.len() == other.said.amounts.len() {
                "one denies what the other says"
            } else {
                continue;
            };
            let side = |said: &Said<'_>| Side {
                says: format!(
                    "{}: {}",
                    words::shortened(&words::tidied(said.sentence), 200),
                    named(pool, said.source, said.date.as_deref())
                ),
                support: said.support.clone(),
            };
            let leaning = newer(pool, one.said, other.said);
            let sides = vec![side(one.said), side(other.said)];
            found.push(Conflict { about: format!("{name}: {kind}"), sides, leaning });
        }
    }
    found
}

/// A sentence as it is held against all others: what is looked for in it is looked for once.
struct Spoken<'a> {
    said: &'a Said<'a>,
    names: Names,
    /// Its words without numbers and denials.
    plain: words::Stems,
    denies: bool,
}

impl<'a> Spoken<'a> {
    fn of(said: &'a Said<'a>) -> Spoken<'a> {
        let says =
            |stem: &&String| !stem.starts_with(|c: char| c.is_ascii_digit()) && !DENIALS.contains(&stem.as_str());
        Spoken {
            said,
            names: Names::of(said.sentence),
            plain: said.stems.iter().filter(says).cloned().collect(),
            denies: said.words.iter().any(|word| DENIALS.contains(&word.as_str())),
        }
    }

    /// Whether both speak of the same, as far as their words tell.
    fn is_like(&self, other: &Spoken<'_>) -> bool {
        let (one, other) = (&self.plain, &other.plain);
        one.len() > 2 && other.len() > 2 && words::likeness(one, other) >= ALIKE_MIN
    }
}

/// The same kinds of amounts, none of them equal.
fn amounts_differ(one: &Said<'_>, other: &Said<'_>) -> bool {
    let same_kind = one.amounts.len() == other.amounts.len()
        && one
            .amounts
            .iter()
            .zip(&other.amounts)
            .all(|(one, other)| one.unit.is_some() && one.unit == other.unit && one.per == other.per);
    let equal = one.amounts.iter().any(|one| other.amounts.iter().any(|other| is_same(one.value, other.value)));
    !one.amounts.is_empty() && same_kind && !equal
}

fn newer(pool: &Pool, one: &Said<'_>, other: &Said<'_>) -> Option<String> {
    let (newer, older) = if one.date >= other.date { (one, other) } else { (other, one) };
    let gap = age::months_before(older.date.as_deref()?, newer.date.as_deref()?)?;
    (gap >= NEWER_MONTHS).then(|| format!("{} is {gap} months newer.", pool.name(newer.source)))
}

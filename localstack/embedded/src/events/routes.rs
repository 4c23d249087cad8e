//! Owns how an event finds its rules and archives: by its detail type where a pattern names it, one by one otherwise.
//! Never kept up to date piecemeal: a change forgets all, the next event builds it anew.
//! Next: `Pattern::matches` decides; `put` and `replay` send the event where it says.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::archive::Archive;
use super::event::Event;
use super::pattern::{Looked, Pattern};
use super::rule::Rule;
use crate::place::Place;

#[derive(Debug, Default)]
pub(super) struct Routes {
    built: Option<Built>,
}

#[derive(Debug, Default)]
struct Built {
    looked: Looked,
    by_type: HashMap<String, Vec<Arc<Route>>>,
    others: Vec<Arc<Route>>,
}

/// Where an event goes when the pattern matches; without a pattern, always.
#[derive(Debug)]
struct Route {
    to: Destination,
    pattern: Option<Arc<Pattern>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    Rule(String),
    Archive(String),
}

impl Routes {
    pub(super) fn forget(&mut self) {
        self.built = None;
    }

    pub(super) fn of(
        &mut self,
        event: &Event,
        place: &Place,
        rules: &BTreeMap<String, Rule>,
        archives: &BTreeMap<String, Archive>,
        bus: &str,
    ) -> Vec<Destination> {
        let built = self.built.get_or_insert_with(|| Built::of(rules, archives, bus));
        let fields = event.fields(place, &built.looked);
        let named = built.by_type.get(&event.detail_type).into_iter().flatten();
        named
            .chain(&built.others)
            .filter(|route| route.pattern.as_ref().is_none_or(|pattern| pattern.matches(&fields)))
            .map(|route| route.to.clone())
            .collect()
    }
}

impl Built {
    fn of(rules: &BTreeMap<String, Rule>, archives: &BTreeMap<String, Archive>, bus: &str) -> Built {
        let mut built = Built::default();
        for (name, rule) in rules.iter().filter(|(_, rule)| rule.is_enabled()) {
            built.add(Route { to: Destination::Rule(name.clone()), pattern: Some(Arc::clone(&rule.pattern)) });
        }
        for (name, archive) in archives.iter().filter(|(_, archive)| archive.row.bus == bus) {
            built.add(Route { to: Destination::Archive(name.clone()), pattern: archive.pattern.clone() });
        }
        built
    }

    fn add(&mut self, route: Route) {
        let route = Arc::new(route);
        if let Some(pattern) = &route.pattern {
            pattern.look(&mut self.looked);
        }
        match route.pattern.as_ref().and_then(|pattern| pattern.detail_types()) {
            Some(mut types) => {
                types.sort_unstable();
                types.dedup();
                for name in types {
                    self.by_type.entry(name.to_owned()).or_default().push(Arc::clone(&route));
                }
            }
            None => self.others.push(route),
        }
    }
}

//! Owns planning without a model: the questions that people ask of such a topic, from `facets.toml`.
//! Never more than a plan: whether the sources answer is seen later.
//! Next: `plan` makes a task of each.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::topic::{topic_of, words};

static FACETS: LazyLock<Vec<Facet>> =
    LazyLock::new(|| toml::from_str::<Facets>(include_str!("facets.toml")).map(|all| all.facet).unwrap_or_default());

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Facets {
    facet: Vec<Facet>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Facet {
    #[allow(dead_code, reason = "for whoever reads the file")]
    name: String,
    when: Vec<String>,
    ask: Vec<Asked>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    question: String,
    find: Vec<String>,
}

/// The questions of a goal.
pub(crate) fn questions(goal: &str) -> Vec<String> {
    let topic = topic_of(goal);
    let asked: Vec<String> = words(goal).collect();
    let fits = |facet: &&Facet| facet.when.is_empty() || facet.when.iter().any(|word| asked.contains(word));
    match FACETS.iter().find(fits) {
        Some(facet) => facet.ask.iter().map(|ask| ask.question.replace("{topic}", &topic)).collect(),
        None => vec![goal.to_owned()],
    }
}

/// What is searched for: the question, and the words of sources that answer one like it.
pub(crate) fn searches(question: &str, topic: Option<&str>) -> Vec<String> {
    let asks = || FACETS.iter().flat_map(|facet| &facet.ask);
    let is_it = |ask: &&Asked| topic.is_some_and(|topic| ask.question.replace("{topic}", topic) == question);
    let find = asks().find(is_it).map(|ask| ask.find.clone()).unwrap_or_default();
    std::iter::once(question.to_owned()).chain(find).collect()
}

#[cfg(test)]
mod tests {
    use super::{FACETS, questions, searches};

    #[test]
    fn the_last_facet_takes_every_goal() {
        assert!(FACETS.last().is_some_and(|facet| facet.when.is_empty()));
        assert!(FACETS.iter().all(|facet| facet.ask.iter().all(|ask| ask.question.contains("{topic}"))));
    }

    #[test]
    fn a_goal_about_prices_is_asked_about_prices() {
        let asked = questions("Research competitive pricing for our new product and create a summary report");
        assert!(
            asked.len() >= 5 && asked.iter().all(|one| one.starts_with("competitive pricing for our new product: "))
        );
        assert!(asked.iter().any(|one| one.contains("willing to pay")), "{asked:?}");
    }

    #[test]
    fn who_asks_for_the_cheapest_asks_about_prices() {
        let asked = questions("Which vendor is cheapest?");
        assert!(
            asked.iter().any(|one| one == "Which vendor is cheapest: what do competitors charge, by plan and month?")
        );
        assert!(searches(&asked[0], Some("Which vendor is cheapest")).len() > 2);
    }

    #[test]
    fn a_goal_in_another_script_keeps_its_words() {
        assert!(questions("競合他社の価格").iter().all(|one| one.contains("競合他社の価格")));
    }

    #[test]
    fn a_question_of_a_facet_is_searched_in_the_words_of_sources() {
        let topic = "espresso machines";
        let asked = &questions("Compare prices of espresso machines")[0];
        assert!(searches(asked, Some("prices of espresso machines")).len() > 2, "{asked}");
        assert_eq!(searches("Why?", Some(topic)), ["Why?"]);
        assert_eq!(searches(asked, None).len(), 1);
    }
}

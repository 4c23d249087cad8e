//! Owns what a goal is about, once its orders are taken away: "Research X and create a report" is about X.
//! Never drops what it does not understand: a goal in another script is its own topic.
//! Next: `offline` asks about it, `gather` whether any source knows it.

/// What a person says to somebody who is to work, not what the work is about.
const ORDERS: &[&str] = &[
    "please",
    "research",
    "investigate",
    "analyse",
    "analyze",
    "examine",
    "study",
    "explore",
    "assess",
    "review",
    "find",
    "look",
    "into",
    "tell",
    "me",
    "give",
    "us",
    "explain",
    "describe",
    "summarise",
    "summarize",
    "compare",
    "evaluate",
    "choose",
    "select",
    "pick",
    "recommend",
    "the",
    "a",
    "an",
    "out",
    "about",
    "on",
    "find",
    "do",
    "some",
    "can",
    "could",
    "you",
    "i",
    "want",
    "need",
    "to",
    "know",
    "we",
];
/// Where the orders about the result begin.
const RESULT: &[&str] = &[
    " and create ",
    " and write ",
    " and produce ",
    " and prepare ",
    " and summarise",
    " and summarize",
    " and give ",
    " and recommend",
    " and make ",
    " and report",
    " and tell ",
    " and say ",
    " then ",
    ", create ",
    ", write ",
    ", then ",
    "; ",
];
const TOPIC_CHARS_MAX: usize = 160;

/// Words of every second goal, which say nothing about its matter.
const GENERAL: &[&str] = &[
    "our",
    "my",
    "your",
    "their",
    "its",
    "us",
    "it",
    "they",
    "this",
    "that",
    "these",
    "those",
    "which",
    "what",
    "who",
    "how",
    "when",
    "where",
    "why",
    "is",
    "are",
    "be",
    "was",
    "were",
    "does",
    "did",
    "has",
    "have",
    "should",
    "shall",
    "would",
    "will",
    "must",
    "may",
    "with",
    "without",
    "against",
    "for",
    "of",
    "in",
    "at",
    "by",
    "from",
    "and",
    "or",
    "versus",
    "than",
    "more",
    "most",
    "best",
    "better",
    "good",
    "cheap",
    "cheaper",
    "cheapest",
    "new",
    "small",
    "large",
    "safe",
    "use",
    "using",
    "competitor",
    "competitors",
    "competition",
    "competitive",
    "rival",
    "rivals",
    "vendor",
    "vendors",
    "provider",
    "providers",
    "supplier",
    "suppliers",
    "market",
    "markets",
    "landscape",
    "strategy",
    "position",
    "option",
    "options",
    "alternative",
    "alternatives",
    "product",
    "products",
    "service",
    "services",
    "system",
    "systems",
    "solution",
    "solutions",
    "company",
    "companies",
    "team",
    "teams",
    "offer",
    "offers",
    "hosted",
    "adopt",
    "technology",
    "technologies",
    "tool",
    "tools",
    "platform",
    "platforms",
    "software",
    "price",
    "prices",
    "pricing",
    "priced",
    "cost",
    "costs",
    "fee",
    "fees",
    "charge",
    "tariff",
    "subscription",
    // What a team wants done, whatever it is about.
    "own",
    "reduce",
    "improve",
    "increase",
    "lower",
    "build",
    "run",
    "make",
    "get",
    "handle",
    "avoid",
    "buy",
    "sell",
    "set",
    "switch",
    "move",
    "migrate",
    "replace",
    "start",
    "plan",
    "plans",
    "expensive",
    "affordable",
    "fast",
    "faster",
    "fastest",
    "slow",
    "right",
    "one",
    "not",
    "now",
    "there",
    "many",
    "much",
    "difference",
    "between",
];
/// Between things of which each is a topic of its own.
const EITHER: &[&str] = &["and", "or", "versus", "vs", "against", "with", "than"];
const WHOM_IT_IS_FOR: &str = " for ";

/// The words by which sources about a topic are known: of each thing that is named, before for whom it is wanted. None
/// where only words of every second goal name it.
pub(crate) fn specific(topic: &str) -> Vec<Vec<String>> {
    let named = topic.split_once(WHOM_IT_IS_FOR).map(|(named, _)| things(named)).unwrap_or_default();
    if named.is_empty() { things(topic) } else { named }
}

/// `Kafka and espresso machines`: two things, of which one has two words.
fn things(text: &str) -> Vec<Vec<String>> {
    let (mut things, mut thing) = (vec![], vec![]);
    for part in text.split_inclusive([',', ';', '/']) {
        for word in part.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            let lower = word.to_lowercase();
            let says_nothing = ORDERS.contains(&lower.as_str()) || GENERAL.contains(&lower.as_str());
            if EITHER.contains(&lower.as_str()) {
                things.push(std::mem::take(&mut thing));
            } else if lower.chars().count() > 1 && !says_nothing {
                thing.push(word.to_owned());
            }
        }
        things.push(std::mem::take(&mut thing));
    }
    things.retain(|thing| !thing.is_empty());
    things
}

/// The goal without its orders, in its own words.
pub(crate) fn topic_of(goal: &str) -> String {
    let first = goal.trim().split(['\n', '\r']).next().unwrap_or_default();
    let lower = first.to_ascii_lowercase();
    let end = RESULT.iter().filter_map(|order| lower.find(order)).filter(|at| *at > 0).min().unwrap_or(first.len());
    let wish = first[..end].trim();
    let mut rest = wish;
    while let Some((word, after)) = rest.split_once(char::is_whitespace) {
        let plain = word.trim_matches(|c: char| !c.is_alphanumeric()).to_ascii_lowercase();
        if !ORDERS.contains(&plain.as_str()) {
            break;
        }
        rest = after.trim_start();
    }
    let topic = rest.trim_end_matches(['.', '!', '?', ',', ':', ';']).trim();
    let topic = if topic.is_empty() { first.trim() } else { topic };
    topic.chars().take(TOPIC_CHARS_MAX).collect()
}

/// Its words, in lower case.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::{specific, topic_of};

    #[test]
    fn the_orders_of_a_goal_are_not_its_topic() {
        for (goal, topic) in [
            (
                "Research competitive pricing for our new product and create a summary report",
                "competitive pricing for our new product",
            ),
            ("Please find out about espresso machines, then recommend one.", "espresso machines"),
            ("What do competitors charge?", "What do competitors charge"),
            ("Choose a message broker for us and recommend one", "message broker for us"),
            ("research", "research"),
            ("競合他社の価格を調べて", "競合他社の価格を調べて"),
            ("Compare PostgreSQL and MySQL", "PostgreSQL and MySQL"),
        ] {
            assert_eq!(topic_of(goal), topic, "{goal}");
        }
    }

    #[test]
    fn a_topic_is_never_longer_than_a_line() {
        let goal = format!("research {}", "é".repeat(5_000));
        assert!(topic_of(&goal).chars().count() <= 160);
        assert_eq!(topic_of("two\nlines"), "two");
    }

    #[test]
    fn a_topic_is_known_by_what_it_names_and_not_by_words_of_every_goal() {
        for (topic, known_by) in [
            ("our pricing with competitors", vec![]),
            ("prices of espresso machines", vec![vec!["espresso", "machines"]]),
            ("a messaging system for an e-commerce backend", vec![vec!["messaging"]]),
            ("Which vendor is cheapest", vec![]),
            ("PostgreSQL and MySQL", vec![vec!["PostgreSQL"], vec!["MySQL"]]),
            ("Kafka, RabbitMQ or a message broker", vec![vec!["Kafka"], vec!["RabbitMQ"], vec!["message", "broker"]]),
            ("How do we reduce churn", vec![vec!["churn"]]),
        ] {
            assert_eq!(specific(topic), known_by, "{topic}");
        }
    }
}

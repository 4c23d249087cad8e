//! Owns the table of points: for each row, the calls of its deliveries in their order.
//! Never a point that a row does not have: only research opens, only its tasks and the last two arrive.
//! Next: a test compares it with the calls that one goal makes.

use super::{At, Call, Led, Of, Point};

const ROWS: [(&str, &str); 5] = [
    ("research", "research"),
    ("research-tasks", "research"),
    ("analysis", "analysis"),
    ("writer", "writer"),
    ("recommendation", "recommendation"),
];

/// Every point of every row.
pub fn all() -> Vec<Point> {
    ROWS.into_iter().flat_map(|(row, daemon)| RowOf { row, daemon }.points()).collect()
}

/// One row, whose points are being listed.
#[derive(Clone, Copy)]
struct RowOf {
    row: &'static str,
    daemon: &'static str,
}

/// What is known of a call before its two moments are made of it.
struct Made {
    name: &'static str,
    operation: &'static str,
    texts: Vec<String>,
    of: Of,
    nth: u64,
    led_by: Led,
    committed: bool,
}

impl Made {
    fn write(name: &'static str, texts: &[&str]) -> Made {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        Made { name, operation: "UpdateItem", texts, of: Of::Goal, nth: 1, led_by: Led::Nothing, committed: false }
    }

    fn publish(name: &'static str, kind: &str) -> Made {
        Made { operation: "PutEvents", ..Made::write(name, &[&format!("\"DetailType\":\"{kind}\"")]) }
    }

    fn committed(self) -> Made {
        Made { committed: true, ..self }
    }

    fn led_by(self, led_by: Led) -> Made {
        Made { led_by, ..self }
    }
}

impl RowOf {
    fn points(self) -> Vec<Point> {
        let mut all = vec![];
        for made in self.worked().into_iter().chain(self.told()).chain(self.given_up()) {
            let Made { name, operation, texts, of, nth, led_by, committed } = made;
            for carried_out in [false, true] {
                let call = Call { operation, texts: texts.clone(), of, nth, carried_out };
                let name = if carried_out { format!("{name}, reply held") } else { format!("{name}, held") };
                // Before the commit is carried out, nothing is committed.
                let committed = committed && (carried_out || name != "commit, held");
                all.push(Point { name, row: self.row, daemon: self.daemon, at: At::Call(call), led_by, committed });
            }
        }
        let (row, daemon) = (self.row, self.daemon);
        let name = "model asked".to_owned();
        all.push(Point { name, row, daemon, at: At::Model, led_by: Led::Nothing, committed: false });
        all
    }

    fn step(self) -> String {
        format!("step#{}#", self.row)
    }

    /// To the commit.
    fn worked(self) -> Vec<Made> {
        let (step, open) = (self.step(), format!("open#{}:", self.row));
        let states = Made {
            operation: "BatchGetItem",
            // The plan of the same goal was read before, by the same daemon.
            nth: if self.row == "research-tasks" { 2 } else { 1 },
            ..Made::write("goal states", &[])
        };
        vec![
            states,
            Made { operation: "PutItem", ..Made::write("claim", &[&step]) },
            Made::write("reserve", &[&open]),
            Made { nth: 2, ..Made::write("settle", &[&open]) },
            Made::write("answer kept", &[&step, "so_far#"]),
            Made::write("commit", &[&step, "\"committed\""]).committed(),
            Made { operation: "DeleteMessageBatch", of: Of::Queue, ..Made::write("delete", &[]) },
            Made { operation: "Query", of: Of::Daemon, ..Made::write("sweep", &["due_shard"]) },
        ]
    }

    /// What follows the commit.
    fn told(self) -> Vec<Made> {
        let evidence = "join#evidence";
        let made = match self.row {
            "research" => vec![
                Made::write("join opened", &[evidence, "\"members\""]),
                Made::publish("publish", "research.task.requested"),
            ],
            "research-tasks" => vec![
                Made::write("join arrived at", &[evidence, "arrived#"]),
                Made::write("join closed", &[evidence, "\"ended_by\""]),
                Made::publish("publish", "research.completed"),
                Made::write("join told", &[evidence, "\"emitted\""]),
            ],
            "analysis" => vec![Made::publish("publish", "analysis.completed")],
            row => {
                let publish = if row == "writer" { "report.written" } else { "recommendations.made" };
                vec![
                    Made::publish("publish", publish),
                    Made::write("goal arrived at", &[&format!("arrived#{row}")]),
                    Made::write("goal ended", &["\"ended_by\"", "\"listed\""]),
                    Made::publish("end published", "goal.completed"),
                    Made::write("end told", &["\"S\":\"goal\"", "\"emitted\""]),
                ]
            }
        };
        made.into_iter().map(Made::committed).collect()
    }

    /// A failed attempt, and a park with each of its effects.
    fn given_up(self) -> Vec<Made> {
        let step = self.step();
        let mut parked = vec![
            Made::write("park", &[&step, "\"parked\""]),
            Made::publish("failure published", "step.failed"),
            Made { operation: "SendMessageBatch", of: Of::Letter, ..Made::write("dead letter", &[]) },
            Made::write("dead letter noted", &[&step, "\"dlq\""]),
        ];
        match self.row {
            "research-tasks" => parked.push(Made::write("failure arrived", &["join#evidence", "arrived#"])),
            "writer" | "recommendation" => {
                parked.push(Made::write("failure arrived", &[&format!("arrived#{}", self.row)]));
            }
            _ => {}
        }
        let released = Made::write("release", &[&step, "\"released\""]).led_by(Led::Failure);
        parked.into_iter().map(|made| made.led_by(Led::Park)).chain([released]).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use contract::{GoalId, Tenant, Topology};

    use super::all;

    #[test]
    fn every_row_has_points_before_its_claim_around_its_commit_and_in_its_park() {
        let points = all();
        let titles: BTreeSet<String> = points.iter().map(super::Point::title).collect();
        assert_eq!(titles.len(), points.len(), "two points have one title");
        for row in ["research", "research-tasks", "analysis", "writer", "recommendation"] {
            for name in ["claim, held", "model asked", "commit, reply held", "dead letter, held", "delete, held"] {
                assert!(titles.contains(&format!("{row}: {name}")), "{row} has no point {name}");
            }
        }
    }

    #[test]
    fn only_what_comes_after_the_commit_forbids_a_second_question() {
        for point in all() {
            let earlier = ["claim", "reserve", "settle", "commit, held", "park", "release", "model"];
            let is_earlier = earlier.iter().any(|name| point.name.starts_with(name));
            assert!(!(is_earlier && point.committed), "{}", point.title());
        }
    }

    #[test]
    fn a_points_fault_strikes_one_call_of_its_own_daemon() -> anyhow::Result<()> {
        let choreography = Topology::murmuration().check().map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
        let goal = GoalId::derive(&Tenant::default(), "one");
        for point in all() {
            let Some(fault) = point.fault("label", goal, &choreography) else { continue };
            assert!(fault.caller.is_some_and(|caller| caller.starts_with(point.daemon)), "{}", point.title());
        }
        Ok(())
    }
}

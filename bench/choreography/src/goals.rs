//! Owns whole goals: from before the send until the end's event is stored, without a model, and with one of 0 and 500 ms.
//! Never a goal whose model was not used: each is asked exactly what a goal of three tasks asks.
//! Next: `model` and `answers` play the model.

use anyhow::Context as _;
use contract::EventData as _;
use contract::events::GoalCompleted;
use figures::Row;
use processes::Wish;
use processes::run::GOAL_MAX;
use processes::sample::{self, Outcome};

use crate::Flags;
use crate::agent::{Agent, Cast};
use crate::model::{Pace, Waiting};
use crate::place::Place;

const GROUP: &str = "whole goals";
/// The plan, three times other words for a question, the analysis, the report, the advice.
pub(crate) const QUESTIONS_PER_GOAL: u64 = 7;
/// Of those, one after the other: plan, words, analysis, then report and advice beside each other.
const IN_A_ROW: u64 = 4;
const MODELS_MS: [u64; 2] = [0, 500];

/// Four agents and what they ask.
struct Scene {
    what: String,
    place: Place,
    model: Option<Waiting>,
    _agents: Vec<Agent>,
    took_ms: Vec<f64>,
}

pub(crate) async fn measure(flags: &Flags, run: &mut figures::Run) -> anyhow::Result<()> {
    let mut scenes = vec![Scene::open(flags, None).await?];
    for ms in MODELS_MS {
        scenes.push(Scene::open(flags, Some(ms)).await?);
    }
    for number in 0..=flags.repeats {
        for scene in &mut scenes {
            let ms = scene.goal(number).await?;
            // The first opens connections and indexes.
            if number > 0 {
                scene.took_ms.push(ms);
            }
        }
    }
    for scene in scenes {
        run.add(Row::new(GROUP, scene.what, "ms", scene.took_ms));
    }
    Ok(())
}

impl Scene {
    async fn open(flags: &Flags, model_ms: Option<u64>) -> anyhow::Result<Scene> {
        let (model, what) = match model_ms {
            None => (None, "four real agents, no model".to_owned()),
            Some(ms) => {
                let least = if ms == 0 { String::new() } else { format!(" ({} ms of it the model's)", ms * IN_A_ROW) };
                (Some(Waiting::start(Pace::of(ms)).await?), format!("four real agents, a model of {ms} ms{least}"))
            }
        };
        let file = model.as_ref().map(Waiting::file).transpose()?;
        let variables: Vec<(&str, &str)> = file.iter().map(|file| ("MURMUR_MODELS", file.as_str())).collect();
        let place = Place::with(&flags.programs, &variables).await?;
        sample::ingest(&place.ports).await?;
        let agents = Agent::four(&flags.programs, &place, Cast::Real).await?;
        Ok(Scene { what, place, model, _agents: agents, took_ms: vec![] })
    }

    async fn goal(&self, number: usize) -> anyhow::Result<f64> {
        let asked = self.model.as_ref().map(Waiting::asked);
        let wish = Wish::of(&format!("goal-{number}"), sample::GOAL);
        let began = self.place.ports.clock.now();
        wish.send(&self.place.ports, &self.place.site.choreography).await?;
        let end = wish.end(&self.place.ports, GOAL_MAX).await?;
        anyhow::ensure!(end.kind == GoalCompleted::TYPE, "{} ended as {}", wish.key, end.kind);
        if let (Some(model), Some(before)) = (&self.model, asked) {
            model.ensure_answered()?;
            let questions = model.asked() - before;
            anyhow::ensure!(
                questions == QUESTIONS_PER_GOAL,
                "{questions} questions of {}, not {QUESTIONS_PER_GOAL}: an answer was not used",
                wish.key
            );
            let outcome = Outcome::of(&wish, &self.place.ports).await?;
            let notes = &outcome.analysed.notes;
            anyhow::ensure!(notes.is_empty(), "done without the model: {notes:?}");
        }
        let ended = end.time.0.checked_sub(began.0).context("it ended before it began")?;
        Ok(ended as f64)
    }
}

//! Owns the reading of the stand-in's log of operations: what was called, by name, after which call.
//! Never a call to AWS's interfaces: reading the log is no part of it.
//! Next: `calls` counts, `daemons` waits for a first receive.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, sleep};

const POLL: Duration = Duration::from_millis(50);

/// The page of one stand-in.
#[derive(Clone, Debug)]
pub(crate) struct Operations {
    client: reqwest::Client,
    page: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Operation {
    pub(crate) number: u64,
    pub(crate) operation: String,
    pub(crate) resource: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Told {
    operations: Vec<Operation>,
    last: u64,
}

impl Operations {
    pub(crate) fn of(endpoint: &str) -> anyhow::Result<Operations> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Operations { client, page: format!("{endpoint}/_embedded/operations") })
    }

    async fn told(&self, query: &str) -> anyhow::Result<Told> {
        let answer = self.client.get(format!("{}?{query}", self.page)).send().await?.error_for_status()?;
        Ok(answer.json().await?)
    }

    /// The number of the newest.
    pub(crate) async fn last(&self) -> anyhow::Result<u64> {
        Ok(self.told(&format!("after={}", u64::MAX)).await?.last)
    }

    /// Waits for the first that fits.
    pub(crate) async fn wait_for(
        &self,
        mut after: u64,
        within: Duration,
        fits: impl Fn(&Operation) -> bool,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + within;
        while Instant::now() < deadline {
            let told = self.told(&format!("after={after}&wait_s=1")).await?;
            if told.operations.iter().any(&fits) {
                return Ok(());
            }
            after = told.last.max(after);
        }
        anyhow::bail!("no such call within {within:?}")
    }

    /// Counts by name until nothing was called for so long.
    pub(crate) async fn until_quiet(
        &self,
        mut after: u64,
        quiet: Duration,
        within: Duration,
    ) -> anyhow::Result<BTreeMap<String, u64>> {
        let mut counts = BTreeMap::new();
        let (began, mut news) = (Instant::now(), Instant::now());
        while news.elapsed() < quiet {
            anyhow::ensure!(began.elapsed() < within, "the servers are not left alone within {within:?}");
            let told = self.told(&format!("after={after}")).await?;
            if let Some(first) = told.operations.first() {
                // The log forgets its oldest.
                anyhow::ensure!(first.number == after + 1, "{} calls were not read in time", first.number - after);
                news = Instant::now();
            }
            after = told.last;
            for operation in told.operations {
                *counts.entry(operation.operation).or_default() += 1;
            }
            sleep(POLL).await;
        }
        Ok(counts)
    }
}

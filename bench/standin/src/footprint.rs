//! Owns what the server takes by being there: the time until it answers, its memory, its size on disk.
//! Never a load.
//! Next: `docs/benchmarks.md` keeps the figures.

use std::path::Path;
use std::time::Duration;

use crate::bars::{Bars, median, quantile};
use crate::server::{Server, answer_of};

const STARTS: usize = 20;
const MS_MAX: f64 = 50.0;
const MB_MAX: f64 = 20.0;
const IDLE: Duration = Duration::from_secs(2);

pub(crate) async fn measure(program: &Path, bars: &mut Bars) -> anyhow::Result<()> {
    let mut took_ms = vec![];
    for _ in 0..STARTS {
        let folder = tempfile::tempdir()?;
        let server = Server::start(program, folder.path()).await?;
        took_ms.push(server.answered_after.as_secs_f64() * 1000.0);
        server.kill().await?;
    }
    let beside = format!("median of {STARTS}, slowest {:.1} ms, a new data directory each", quantile(&took_ms, 1.0));
    bars.at_most("from exec to the first answer", MS_MAX, median(&took_ms), "ms", &beside);

    let folder = tempfile::tempdir()?;
    let server = Server::start(program, folder.path()).await?;
    for target in ["AmazonSQS.ListQueues", "AWSEvents.ListRules", "DynamoDB_20120810.ListTables"] {
        answer_of(&server.endpoint, target).await?;
    }
    tokio::time::sleep(IDLE).await;
    bars.at_most("idle memory", MB_MAX, server.resident_mb()?, "MB", "VmRSS, after a request to each service");
    server.kill().await?;

    let bytes = std::fs::metadata(program)?.len();
    bars.at_most(
        "release program, stripped",
        MB_MAX,
        figures::kernel::megabytes(bytes),
        "MB",
        &format!("{bytes} bytes"),
    );
    Ok(())
}

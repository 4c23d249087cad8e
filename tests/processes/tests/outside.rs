//! The whole choreography over a server that nobody here wrote: the four agents as processes, provisioned by our own hand.
//! Never by itself: `make test-localstack` and `make test-ministack` start the server and say where it is.
//! Next: `tests/choreography.rs` does the same over the stand-in, and more.

use processes::{Site, run};

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_written_by_the_four_agents() -> anyhow::Result<()> {
    run::reports_are_written(&Site::outside()?).await
}

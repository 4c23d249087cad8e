//! The whole choreography over a server that nobody here wrote: four daemons as processes, provisioned by our own hand.
//! Never by itself: `make test-localstack` and `make test-ministack` start the server and say where it is.
//! Next: `tests/choreography.rs` does the same over the stand-in, and more.

use processes::{Site, run};

#[tokio::test(flavor = "multi_thread")]
async fn goals_are_answered_by_four_processes() -> anyhow::Result<()> {
    run::goals_are_answered(&Site::outside()?).await
}

//! Owns the proof that the adapters over the embedded stand-in keep the conduct of the ports.
//! Never a gap: the stand-in is ours, and is mended instead.
//! Next: `testkit::suites` says what each check asks.

mod fixture;

mod queue {
    use super::fixture::{Queues, Server};
    use testkit::suites::Gap;

    const GAPS: &[Gap] = &[];

    testkit::queue_suite!(fixture: Queues::on(Server::standin().await), gaps: GAPS);
}

mod bus {
    use super::fixture::{Buses, Server};
    use testkit::suites::Gap;

    const GAPS: &[Gap] = &[];

    testkit::bus_suite!(fixture: Buses::on(Server::standin().await).await, gaps: GAPS);
}

mod ledger {
    use super::fixture::{Server, Tables};
    use testkit::suites::Gap;

    const GAPS: &[Gap] = &[];

    testkit::ledger_suite!(fixture: Tables::on(Server::standin().await).await, gaps: GAPS);
}

mod provision {
    use super::fixture::{Server, provisioned};

    #[tokio::test]
    async fn what_the_topology_needs_is_made_once_and_removed_once() {
        provisioned::is_made_once_and_removed_once(Server::standin().await).await;
    }

    #[tokio::test]
    async fn what_differs_is_set_right_and_nothing_else() {
        provisioned::is_set_right_where_it_differs(Server::standin().await).await;
    }

    #[tokio::test]
    async fn a_table_with_other_keys_is_refused_with_what_would_do() {
        provisioned::refuses_a_table_with_other_keys(Server::standin().await).await;
    }

    #[tokio::test]
    async fn an_index_that_is_missing_is_added_and_takes_up_what_was_there() {
        provisioned::adds_an_index_that_is_missing(Server::standin().await).await;
    }

    #[tokio::test]
    async fn an_event_reaches_its_queue_through_what_was_made() {
        provisioned::carries_an_event(Server::standin().await).await;
    }

    #[tokio::test]
    async fn an_event_whose_queue_is_gone_comes_to_the_undelivered_with_its_cause() {
        provisioned::keeps_what_cannot_be_delivered(Server::standin().await).await;
    }
}

//! Owns the proof that the adapters over real LocalStack keep the conduct of the ports, save where it is known to differ.
//! Never skipped: without its endpoint each test fails, and names the `make` target that starts the server.
//! Next: `testkit::suites` says what each check asks; a gap that has closed fails its test.

mod fixture;

mod queue {
    use super::fixture::{Queues, Server};
    use testkit::suites::Gap;

    const GAPS: &[Gap] = &[
        Gap { check: "eleven_attributes_are_refused", why: "it takes any number of attributes" },
        Gap {
            check: "a_visibility_of_more_than_twelve_hours_is_refused",
            why: "it looks at the span in single calls only, not in batches",
        },
        Gap {
            check: "a_delete_by_a_stale_receipt_succeeds_and_deletes_nothing",
            why: "any receipt that a message ever had deletes it",
        },
        Gap {
            check: "a_visibility_change_by_a_stale_receipt_changes_nothing",
            why: "any receipt that a message ever had changes its visibility",
        },
    ];

    testkit::queue_suite!(fixture: Queues::on(Server::outside("test-localstack").await), gaps: GAPS);
}

mod bus {
    use super::fixture::{Buses, Server};
    use testkit::suites::Gap;

    const GAPS: &[Gap] = &[];

    testkit::bus_suite!(fixture: Buses::on(Server::outside("test-localstack").await).await, gaps: GAPS);
}

mod ledger {
    use super::fixture::{Server, Tables};
    use testkit::suites::Gap;

    const GAPS: &[Gap] = &[];

    testkit::ledger_suite!(fixture: Tables::on(Server::outside("test-localstack").await).await, gaps: GAPS);
}

mod provision {
    use super::fixture::{Server, provisioned};

    #[tokio::test]
    async fn what_the_topology_needs_is_made_once_and_removed_once() {
        provisioned::is_made_once_and_removed_once(Server::outside("test-localstack").await).await;
    }

    #[tokio::test]
    async fn what_differs_is_set_right_and_nothing_else() {
        provisioned::is_set_right_where_it_differs(Server::outside("test-localstack").await).await;
    }

    #[tokio::test]
    async fn a_table_with_other_keys_is_refused_with_what_would_do() {
        provisioned::refuses_a_table_with_other_keys(Server::outside("test-localstack").await).await;
    }

    #[tokio::test]
    async fn an_index_that_is_missing_is_added_and_takes_up_what_was_there() {
        provisioned::adds_an_index_that_is_missing(Server::outside("test-localstack").await).await;
    }

    #[tokio::test]
    async fn an_event_reaches_its_queue_through_what_was_made() {
        provisioned::carries_an_event(Server::outside("test-localstack").await).await;
    }
}

mod artifacts {
    use super::fixture::{Server, buckets};

    #[tokio::test]
    async fn a_bucket_is_made_and_keeps_artifacts() {
        buckets::keep_artifacts(Server::outside("test-localstack").await).await;
    }
}

//! Owns the tests of queues as such: creation and its conflicts, lists, attributes, tags, permissions, purge.
//! Never messages, but to count them.
//! Next: `refusals` for what is malformed.

use serde_json::{Value, json};

use super::Cloud;

#[test]
fn creating_a_queue_twice_is_a_conflict_only_where_an_attribute_differs() {
    let mut cloud = Cloud::new();
    let create = |attributes: Value| json!({ "QueueName": "work", "Attributes": attributes });
    let first = cloud.ask("CreateQueue", create(json!({ "DelaySeconds": "5" })));
    assert_eq!(first, json!({ "QueueUrl": "http://127.0.0.1:4566/000000000000/work" }));
    for same in [json!({ "DelaySeconds": "5" }), json!({}), json!({ "VisibilityTimeout": "30", "Policy": "" })] {
        assert_eq!(cloud.ask("CreateQueue", create(same)), first);
    }
    let refused = cloud.try_ask("CreateQueue", create(json!({ "DelaySeconds": "6" }))).unwrap_err();
    assert_eq!(refused.code, "com.amazonaws.sqs#QueueNameExists");
    assert_eq!(refused.query_code, Some("QueueAlreadyExists;Sender"));
    assert_eq!(
        refused.message,
        "A queue already exists with the same name and a different value for attribute DelaySeconds"
    );
}

#[test]
fn a_policy_is_the_same_however_it_is_spaced() {
    let mut cloud = Cloud::new();
    cloud.queue("dead", json!({}));
    let policy = cloud.redrive_to("dead", 3);
    cloud.queue("work", json!({ "RedrivePolicy": policy }));
    cloud.queue("work", json!({ "RedrivePolicy": policy.replace(':', ": ").replace("arn: aws: sqs: us-east-1: 000000000000: ", "arn:aws:sqs:us-east-1:000000000000:") }));
}

#[test]
fn a_queue_has_the_defaults_of_aws() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({}));
    let answer = cloud.ask("GetQueueAttributes", json!({ "QueueUrl": "work", "AttributeNames": ["All"] }));
    assert_eq!(
        answer["Attributes"],
        json!({
            "ApproximateNumberOfMessages": "0",
            "ApproximateNumberOfMessagesDelayed": "0",
            "ApproximateNumberOfMessagesNotVisible": "0",
            "CreatedTimestamp": "1800000000",
            "DelaySeconds": "0",
            "LastModifiedTimestamp": "1800000000",
            "MaximumMessageSize": "1048576",
            "MessageRetentionPeriod": "345600",
            "QueueArn": "arn:aws:sqs:us-east-1:000000000000:work",
            "ReceiveMessageWaitTimeSeconds": "0",
            "SqsManagedSseEnabled": "true",
            "VisibilityTimeout": "30",
        })
    );
    cloud.queue("work.fifo", json!({ "FifoQueue": "true" }));
    let names = ["FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit", "Policy"];
    let answer = cloud.ask("GetQueueAttributes", json!({ "QueueUrl": "work.fifo", "AttributeNames": names }));
    assert_eq!(
        answer["Attributes"],
        json!({ "FifoQueue": "true", "ContentBasedDeduplication": "false", "DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue" })
    );
    assert_eq!(cloud.ask("GetQueueAttributes", json!({ "QueueUrl": "work" })), json!({}));
}

#[test]
fn attributes_change_and_say_when() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({}));
    cloud.pass(5000);
    cloud.ask(
        "SetQueueAttributes",
        json!({ "QueueUrl": "work", "Attributes": { "VisibilityTimeout": "7", "KmsMasterKeyId": "key" } }),
    );
    assert_eq!(cloud.attribute("work", "VisibilityTimeout").unwrap(), "7");
    assert_eq!(cloud.attribute("work", "SqsManagedSseEnabled").unwrap(), "false", "one encryption at a time");
    assert_eq!(cloud.attribute("work", "LastModifiedTimestamp").unwrap(), "1800000005");
    assert_eq!(cloud.attribute("work", "CreatedTimestamp").unwrap(), "1800000000");
    cloud.ask("SetQueueAttributes", json!({ "QueueUrl": "work", "Attributes": { "SqsManagedSseEnabled": "true" } }));
    assert_eq!(cloud.attribute("work", "KmsMasterKeyId"), None);
}

#[test]
fn attributes_that_are_unknown_or_out_of_range_are_refused() {
    let mut cloud = Cloud::new();
    for (attributes, code) in [
        (json!({ "Unknown": "1" }), "InvalidAttributeName"),
        (json!({ "QueueArn": "x" }), "InvalidAttributeName"),
        (json!({ "FifoQueue": "false" }), "InvalidAttributeName"),
        (json!({ "ContentBasedDeduplication": "true" }), "InvalidAttributeName"),
        (json!({ "DeduplicationScope": "queue" }), "InvalidAttributeName"),
        (json!({ "KmsMasterKeyId": "k", "SqsManagedSseEnabled": "true" }), "InvalidAttributeName"),
        (json!({ "VisibilityTimeout": "43201" }), "InvalidAttributeValue"),
        (json!({ "VisibilityTimeout": "-1" }), "InvalidAttributeValue"),
        (json!({ "VisibilityTimeout": "" }), "InvalidAttributeValue"),
        (json!({ "DelaySeconds": "901" }), "InvalidAttributeValue"),
        (json!({ "MaximumMessageSize": "1023" }), "InvalidAttributeValue"),
        (json!({ "MaximumMessageSize": "1048577" }), "InvalidAttributeValue"),
        (json!({ "MessageRetentionPeriod": "59" }), "InvalidAttributeValue"),
        (json!({ "MessageRetentionPeriod": "1209601" }), "InvalidAttributeValue"),
        (json!({ "ReceiveMessageWaitTimeSeconds": "21" }), "InvalidAttributeValue"),
        (json!({ "KmsDataKeyReusePeriodSeconds": "59" }), "InvalidAttributeValue"),
        (json!({ "SqsManagedSseEnabled": "yes" }), "InvalidAttributeValue"),
        (json!({ "Policy": "not json" }), "InvalidAttributeValue"),
        (json!({ "RedriveAllowPolicy": r#"{"redrivePermission":"maybe"}"# }), "InvalidParameterValueException"),
    ] {
        let create = json!({ "QueueName": "work", "Attributes": attributes });
        assert_eq!(cloud.refusal("CreateQueue", create).0, code, "{attributes}");
    }
    assert_eq!(cloud.ask("ListQueues", json!({})), json!({}), "nothing was created");
    cloud.queue("q.fifo", json!({ "FifoQueue": "true" }));
    let set = |attributes: Value| json!({ "QueueUrl": "q.fifo", "Attributes": attributes });
    let (code, sentence) = cloud.refusal("SetQueueAttributes", set(json!({ "FifoQueue": "false" })));
    assert_eq!(code, "InvalidAttributeValue");
    assert!(sentence.contains("Modifying queue type"), "{sentence}");
    let limit = set(json!({ "FifoThroughputLimit": "perMessageGroupId" }));
    assert_eq!(cloud.refusal("SetQueueAttributes", limit).0, "InvalidAttributeValue");
    let wrong = json!({ "QueueUrl": "q.fifo", "AttributeNames": ["Nonsense"] });
    assert_eq!(cloud.refusal("GetQueueAttributes", wrong).0, "InvalidAttributeName");
}

#[test]
fn names_follow_the_rules() {
    let mut cloud = Cloud::new();
    let long = "x".repeat(81);
    for name in ["", "a b", "a.b", "ümlaut", "a/b", "work.fifo", &long] {
        assert!(cloud.try_ask("CreateQueue", json!({ "QueueName": name })).is_err(), "{name}");
    }
    for name in ["work", ".fifo", "a b.fifo"] {
        let create = json!({ "QueueName": name, "Attributes": { "FifoQueue": "true" } });
        assert_eq!(cloud.refusal("CreateQueue", create).0, "InvalidParameterValueException", "{name}");
    }
    assert_eq!(cloud.refusal("CreateQueue", json!({})).0, "MissingRequiredParameterException");
    cloud.queue(&"x".repeat(80), json!({}));
}

#[test]
fn lists_go_by_prefix_and_page() {
    let mut cloud = Cloud::new();
    for name in ["b-1", "a", "b-3", "b-2", "c"] {
        cloud.queue(name, json!({}));
    }
    let names = |answer: &Value| -> Vec<String> {
        let urls = answer["QueueUrls"].as_array().cloned().unwrap_or_default();
        urls.iter().map(|url| url.as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&cloud.ask("ListQueues", json!({}))), ["a", "b-1", "b-2", "b-3", "c"]);
    let first = cloud.ask("ListQueues", json!({ "QueueNamePrefix": "b-", "MaxResults": 2 }));
    assert_eq!(names(&first), ["b-1", "b-2"]);
    let next = json!({ "QueueNamePrefix": "b-", "MaxResults": 2, "NextToken": first["NextToken"] });
    let second = cloud.ask("ListQueues", next);
    assert_eq!(names(&second), ["b-3"]);
    assert!(second.get("NextToken").is_none());
    assert_eq!(cloud.ask("ListQueues", json!({ "QueueNamePrefix": "z" })), json!({}));
    assert!(cloud.try_ask("ListQueues", json!({ "NextToken": "?" })).is_err());
}

#[test]
fn a_queue_is_found_by_any_url_that_ends_in_its_name() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({}));
    let url = cloud.ask("GetQueueUrl", json!({ "QueueName": "work", "QueueOwnerAWSAccountId": "000000000000" }));
    for url in
        [url["QueueUrl"].as_str().unwrap(), "https://sqs.eu-west-1.amazonaws.com/123456789012/work", "work", "/1/work"]
    {
        cloud.send(url, "x");
    }
    assert_eq!(cloud.counts("work")[0], "4");
    for url in ["http://localhost/1/other", "http://work", "http://localhost:1/", "/"] {
        let refused = cloud.try_ask("PurgeQueue", json!({ "QueueUrl": url })).unwrap_err();
        assert_eq!(refused.query_code, Some("AWS.SimpleQueueService.NonExistentQueue;Sender"), "{url}");
        assert_eq!(refused.message, "The specified queue does not exist.");
    }
    assert_eq!(cloud.refusal("GetQueueUrl", json!({ "QueueName": "other" })).0, "QueueDoesNotExist");
}

#[test]
fn tags_are_added_changed_and_removed() {
    let mut cloud = Cloud::new();
    cloud.ask("CreateQueue", json!({ "QueueName": "work", "tags": { "made": "with" } }));
    cloud.ask("TagQueue", json!({ "QueueUrl": "work", "Tags": { "a": "1", "b": "" } }));
    cloud.ask("TagQueue", json!({ "QueueUrl": "work", "Tags": { "a": "2" } }));
    cloud.ask("UntagQueue", json!({ "QueueUrl": "work", "TagKeys": ["made", "absent"] }));
    assert_eq!(cloud.ask("ListQueueTags", json!({ "QueueUrl": "work" })), json!({ "Tags": { "a": "2", "b": "" } }));
    let many: serde_json::Map<_, _> = (0..49).map(|n| (n.to_string(), json!("x"))).collect();
    assert!(cloud.try_ask("TagQueue", json!({ "QueueUrl": "work", "Tags": many })).is_err(), "51 together");
    for tags in [json!({ "": "x" }), json!({ "aws:x": "y" }), json!({ "k": "v".repeat(257) })] {
        assert!(cloud.try_ask("TagQueue", json!({ "QueueUrl": "work", "Tags": tags })).is_err(), "{tags}");
    }
}

#[test]
fn permissions_edit_the_policy() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({}));
    let add = |label: &str, accounts: Value| json!({ "QueueUrl": "work", "Label": label, "AWSAccountIds": accounts, "Actions": ["ReceiveMessage"] });
    cloud.ask("AddPermission", add("one", json!(["668614515564", "111111111111"])));
    let policy: Value = serde_json::from_str(&cloud.attribute("work", "Policy").unwrap()).unwrap();
    assert_eq!(
        policy,
        json!({
            "Version": "2008-10-17",
            "Id": "arn:aws:sqs:us-east-1:000000000000:work/SQSDefaultPolicy",
            "Statement": [{
                "Sid": "one",
                "Effect": "Allow",
                "Principal": { "AWS": ["arn:aws:iam::668614515564:root", "arn:aws:iam::111111111111:root"] },
                "Action": "SQS:ReceiveMessage",
                "Resource": "arn:aws:sqs:us-east-1:000000000000:work",
            }],
        })
    );
    let (_, sentence) = cloud.refusal("AddPermission", add("one", json!(["111111111111"])));
    assert_eq!(sentence, "Value one for parameter Label is invalid. Reason: Already exists.");
    cloud.ask("AddPermission", add("two", json!(["111111111111"])));
    let remove = |label: &str| json!({ "QueueUrl": "work", "Label": label });
    assert!(cloud.refusal("RemovePermission", remove("three")).1.contains("can't find label"));
    cloud.ask("RemovePermission", remove("one"));
    cloud.ask("RemovePermission", remove("two"));
    assert_eq!(cloud.attribute("work", "Policy"), None);
    let wrong = json!({ "QueueUrl": "work", "Label": "x", "AWSAccountIds": ["111111111111"], "Actions": ["Fly"] });
    assert!(cloud.refusal("AddPermission", wrong).1.starts_with("Value SQS:Fly for parameter ActionName"));
}

#[test]
fn a_purge_empties_a_queue_and_is_refused_again_for_a_minute() {
    let mut cloud = Cloud::new();
    cloud.queue("work", json!({}));
    for n in 0..3 {
        cloud.send("work", &n.to_string());
    }
    let held = cloud.receive_with(json!({ "QueueUrl": "work" }));
    cloud.ask("PurgeQueue", json!({ "QueueUrl": "work" }));
    assert_eq!(cloud.counts("work"), ["0", "0", "0"]);
    cloud.delete("work", &held[0]).unwrap();
    let refused = cloud.try_ask("PurgeQueue", json!({ "QueueUrl": "work" })).unwrap_err();
    assert_eq!((refused.status, refused.code.as_ref()), (403, "com.amazonaws.sqs#PurgeQueueInProgress"));
    cloud.pass(60_000);
    cloud.ask("PurgeQueue", json!({ "QueueUrl": "work" }));
}

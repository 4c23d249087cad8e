"""Makes what the choreography needs in a LocalStack that has just become ready. Generated: `make schemas` writes it.

Twice in a row changes nothing. Runs inside LocalStack, which has boto3, or by hand with AWS_ENDPOINT_URL set.
Never for AWS itself: the account in these names is LocalStack's, and `make provision` is for all servers alike.
"""

import json
import os

import boto3

RESOURCES = json.loads(r'''@RESOURCES@''')


def client(service):
    endpoint = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or os.environ.get("AWS_ENDPOINT_URL")
    return boto3.client(
        service, endpoint_url=endpoint or "http://localhost:4566", region_name=RESOURCES["region"],
        aws_access_key_id="test", aws_secret_access_key="test",
    )


def make_queue(sqs, queue):
    # Bare first: a queue that stands there with other attributes would be refused, and is changed instead.
    url = sqs.create_queue(QueueName=queue["name"])["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes=queue["attributes"])


def make_bus(events, name):
    try:
        events.create_event_bus(Name=name)
    except events.exceptions.ResourceAlreadyExistsException:
        pass


def make_rule(events, bus, rule):
    events.put_rule(Name=rule["name"], EventBusName=bus, EventPattern=json.dumps(rule["pattern"]))
    target = rule["target"]
    answer = events.put_targets(Rule=rule["name"], EventBusName=bus, Targets=[{
        "Id": target["id"], "Arn": target["queue_arn"],
        "DeadLetterConfig": {"Arn": target["undelivered_arn"]},
        "RetryPolicy": {"MaximumEventAgeInSeconds": target["retry_s"], "MaximumRetryAttempts": target["retries_max"]},
    }])
    if answer["FailedEntryCount"]:
        raise RuntimeError(f"put_targets of {rule['name']}: {answer['FailedEntries']}")


def key_schema(of):
    return [
        {"AttributeName": of["partition_key"]["name"], "KeyType": "HASH"},
        {"AttributeName": of["sort_key"]["name"], "KeyType": "RANGE"},
    ]


def make_table(dynamodb, table):
    keys = {key["name"]: key["kind"] for of in (table, *table["indexes"]) for key in (of["partition_key"], of["sort_key"])}
    indexes = [
        {"IndexName": one["name"], "KeySchema": key_schema(one), "Projection": {"ProjectionType": one["projection"]}}
        for one in table["indexes"]
    ]
    try:
        dynamodb.create_table(
            TableName=table["name"], BillingMode=table["billing"], KeySchema=key_schema(table),
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in keys.items()],
            GlobalSecondaryIndexes=indexes,
        )
    except dynamodb.exceptions.ResourceInUseException:
        pass
    dynamodb.get_waiter("table_exists").wait(TableName=table["name"], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    lives = dynamodb.describe_time_to_live(TableName=table["name"])["TimeToLiveDescription"]
    if lives["TimeToLiveStatus"] not in ("ENABLED", "ENABLING"):
        dynamodb.update_time_to_live(
            TableName=table["name"],
            TimeToLiveSpecification={"Enabled": True, "AttributeName": table["ttl_attribute"]},
        )


def main():
    sqs, events = client("sqs"), client("events")
    queues = RESOURCES["dead_letter_queues"] + RESOURCES["queues"]
    for queue in queues:
        make_queue(sqs, queue)
    make_bus(events, RESOURCES["bus"])
    for rule in RESOURCES["rules"]:
        make_rule(events, RESOURCES["bus"], rule)
    make_table(client("dynamodb"), RESOURCES["table"])
    # Making one's own bucket again is no error in this region.
    client("s3").create_bucket(Bucket=RESOURCES["bucket"])
    rules = len(RESOURCES["rules"])
    print(f"murmuration: {len(queues)} queues, 1 bus, {rules} rules, 1 table and 1 bucket are there", flush=True)


# LocalStack runs this file's text under no name of its own: there is no "__main__" to ask for.
main()

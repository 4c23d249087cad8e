"""Owns what the ledger needs of DynamoDB: conditions, transactions, batches, queries and indexes, and TTL's settings.

Never the rest of DynamoDB, which is the embedded library's own suite.
Next: test_sts.py.
"""

import uuid
from decimal import Decimal

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def table():
    """As the ledger's own: a composite key and a sparse index of numbers."""
    made = boto3.resource("dynamodb").create_table(
        TableName=f"t-{uuid.uuid4().hex[:12]}", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "goal", "KeyType": "HASH"}, {"AttributeName": "item", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "goal", "AttributeType": "S"}, {"AttributeName": "item", "AttributeType": "S"},
            {"AttributeName": "due_shard", "AttributeType": "N"}, {"AttributeName": "due_at", "AttributeType": "N"},
        ],
        GlobalSecondaryIndexes=[{
            "IndexName": "due", "Projection": {"ProjectionType": "KEYS_ONLY"},
            "KeySchema": [
                {"AttributeName": "due_shard", "KeyType": "HASH"}, {"AttributeName": "due_at", "KeyType": "RANGE"},
            ],
        }],
    )
    made.wait_until_exists()
    yield made
    made.delete()


@pytest.fixture
def goal():
    return uuid.uuid4().hex


def test_a_table_tells_what_it_is(dynamodb, table):
    found = dynamodb.describe_table(TableName=table.name)["Table"]
    assert (found["TableStatus"], found["BillingModeSummary"]["BillingMode"]) == ("ACTIVE", "PAY_PER_REQUEST")
    [index] = found["GlobalSecondaryIndexes"]
    assert (index["IndexName"], index["IndexStatus"]) == ("due", "ACTIVE")
    assert table.name in dynamodb.list_tables()["TableNames"]
    with pytest.raises(dynamodb.exceptions.ResourceInUseException):
        dynamodb.create_table(
            TableName=table.name, BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "goal", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "goal", "AttributeType": "S"}],
        )
    with pytest.raises(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.describe_table(TableName=table.name + "-not")


def test_ttl_is_switched_on_and_told(dynamodb, table):
    dynamodb.update_time_to_live(
        TableName=table.name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"})
    found = dynamodb.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
    assert found["TimeToLiveStatus"] in ("ENABLED", "ENABLING")
    assert found["AttributeName"] == "ttl"


def test_all_kinds_of_values_come_back(table, goal):
    item = {
        "goal": goal, "item": "x", "text": "ä\U0001f426", "n": Decimal("12345678901234567890.123"), "b": b"\x00\xff",
        "yes": True, "none": None, "list": [1, "two"], "map": {"a": {"b": 1}}, "set": {"a", "b"}, "empty": "",
    }
    table.put_item(Item=item)
    found = table.get_item(Key={"goal": goal, "item": "x"}, ConsistentRead=True)["Item"]
    assert bytes(found.pop("b").value) == item.pop("b")
    assert found == item


def test_a_failed_condition_tells_what_stands_there(table, goal):
    table.put_item(Item={"goal": goal, "item": "lease", "epoch": 3}, ConditionExpression=Attr("goal").not_exists())
    with pytest.raises(table.meta.client.exceptions.ConditionalCheckFailedException) as refused:
        table.put_item(
            Item={"goal": goal, "item": "lease", "epoch": 4}, ConditionExpression=Attr("goal").not_exists(),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert refused.value.response["Item"]["epoch"] in (3, {"N": "3"})
    with pytest.raises(table.meta.client.exceptions.ConditionalCheckFailedException) as refused:
        table.put_item(Item={"goal": goal, "item": "lease"}, ConditionExpression=Attr("epoch").eq(4))
    assert "Item" not in refused.value.response
    assert table.get_item(Key={"goal": goal, "item": "lease"})["Item"]["epoch"] == 3


def test_an_update_changes_what_it_names(table, goal):
    key = {"goal": goal, "item": "budget"}
    table.put_item(Item={**key, "spent": 5, "note": "x"})
    after = table.update_item(
        Key=key, UpdateExpression="SET spent = spent + :n, #f = if_not_exists(#f, :f) ADD hits :one REMOVE note",
        ConditionExpression="spent <= :max", ExpressionAttributeNames={"#f": "first"},
        ExpressionAttributeValues={":n": 3, ":f": "now", ":one": 1, ":max": 5}, ReturnValues="ALL_NEW",
    )["Attributes"]
    assert after == {**key, "spent": 8, "first": "now", "hits": 1}
    with pytest.raises(ClientError) as refused:
        table.update_item(Key=key, UpdateExpression="SET goal = :x", ExpressionAttributeValues={":x": "y"})
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert table.delete_item(Key=key, ReturnValues="ALL_OLD")["Attributes"] == after


def test_a_transaction_is_all_or_nothing(dynamodb, table, goal):
    def put(item, **more):
        return {"Put": {"TableName": table.name, "Item": {"goal": {"S": goal}, "item": {"S": item}}, **more}}

    dynamodb.transact_write_items(TransactItems=[put("a"), put("b")])
    fresh = {"ConditionExpression": "attribute_not_exists(goal)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as refused:
        dynamodb.transact_write_items(TransactItems=[put("c", **fresh), put("a", **fresh)])
    reasons = refused.value.response["CancellationReasons"]
    assert [one["Code"] for one in reasons] == ["None", "ConditionalCheckFailed"]
    assert reasons[1]["Item"]["item"] == {"S": "a"}
    assert table.query(KeyConditionExpression=Key("goal").eq(goal))["Count"] == 2


def test_a_transaction_with_the_same_token_is_done_once(dynamodb, table, goal):
    add = {"Update": {
        "TableName": table.name, "Key": {"goal": {"S": goal}, "item": {"S": "n"}},
        "UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}},
    }}
    token = uuid.uuid4().hex
    for _ in range(2):
        dynamodb.transact_write_items(TransactItems=[add], ClientRequestToken=token)
    assert table.get_item(Key={"goal": goal, "item": "n"}, ConsistentRead=True)["Item"]["n"] == 1


def test_batches_write_and_read(dynamodb, table, goal):
    with table.batch_writer() as batch:
        for n in range(30):
            batch.put_item(Item={"goal": goal, "item": f"i{n:02}", "n": n})
    keys = [{"goal": {"S": goal}, "item": {"S": f"i{n:02}"}} for n in range(31)]
    answer = dynamodb.batch_get_item(RequestItems={table.name: {"Keys": keys, "ConsistentRead": True}})
    assert len(answer["Responses"][table.name]) == 30
    assert answer["UnprocessedKeys"] == {}
    with table.batch_writer() as batch:
        batch.delete_item(Key={"goal": goal, "item": "i00"})
    assert "Item" not in table.get_item(Key={"goal": goal, "item": "i00"})
    with pytest.raises(ClientError) as refused:
        dynamodb.batch_get_item(RequestItems={table.name: {"Keys": [keys[0]] * 2}})
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_queries_come_in_order_and_in_pages(dynamodb, table, goal):
    with table.batch_writer() as batch:
        for n in range(10):
            batch.put_item(Item={"goal": goal, "item": f"step#{n}", "n": n})
        batch.put_item(Item={"goal": goal, "item": "join#a", "n": 99})
    steps = Key("goal").eq(goal) & Key("item").begins_with("step#")
    assert [one["n"] for one in table.query(KeyConditionExpression=steps)["Items"]] == list(range(10))
    back = table.query(KeyConditionExpression=steps, ScanIndexForward=False, Limit=3)
    assert [one["n"] for one in back["Items"]] == [9, 8, 7]
    more = table.query(
        KeyConditionExpression=steps, ScanIndexForward=False, ExclusiveStartKey=back["LastEvaluatedKey"])
    assert [one["n"] for one in more["Items"]] == [6, 5, 4, 3, 2, 1, 0]
    even = table.query(KeyConditionExpression=steps, FilterExpression=Attr("n").is_in([0, 2]))
    assert (even["Count"], even["ScannedCount"]) == (2, 10)
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table.name, KeyConditionExpression="goal = :g",
        ExpressionAttributeValues={":g": {"S": goal}}, PaginationConfig={"PageSize": 4})
    assert [page["Count"] for page in pages][:3] == [4, 4, 3]


def test_a_sparse_index_holds_only_what_is_due(table, goal):
    shard = int(goal[:7], 16)
    for n, due in enumerate((300, 100, 200, None)):
        item = {"goal": goal, "item": str(n), "payload": "x"}
        table.put_item(Item=item if due is None else {**item, "due_shard": shard, "due_at": due})
    due_now = Key("due_shard").eq(shard) & Key("due_at").lte(200)
    found = table.query(IndexName="due", KeyConditionExpression=due_now)["Items"]
    assert [one["item"] for one in found] == ["1", "2"]
    assert set(found[0]) == {"goal", "item", "due_shard", "due_at"}
    table.update_item(Key={"goal": goal, "item": "1"}, UpdateExpression="REMOVE due_shard, due_at")
    assert [one["item"] for one in table.query(IndexName="due", KeyConditionExpression=due_now)["Items"]] == ["2"]

// Owns what the ledger needs of DynamoDB, as the JavaScript SDK sees it; and STS's one question.
// Never the rest of DynamoDB.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as api from "@aws-sdk/client-dynamodb";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fresh } from "./places.mjs";

const dynamodb = new api.DynamoDBClient({});
const TableName = fresh();
const item = (goal, id, more = {}) => ({ goal: { S: goal }, item: { S: id }, ...more });

before(async () => {
  await dynamodb.send(new api.CreateTableCommand({
    TableName, BillingMode: "PAY_PER_REQUEST",
    KeySchema: [{ AttributeName: "goal", KeyType: "HASH" }, { AttributeName: "item", KeyType: "RANGE" }],
    AttributeDefinitions: [
      { AttributeName: "goal", AttributeType: "S" }, { AttributeName: "item", AttributeType: "S" },
      { AttributeName: "due_shard", AttributeType: "N" }, { AttributeName: "due_at", AttributeType: "N" },
    ],
    GlobalSecondaryIndexes: [{
      IndexName: "due", Projection: { ProjectionType: "KEYS_ONLY" },
      KeySchema: [{ AttributeName: "due_shard", KeyType: "HASH" }, { AttributeName: "due_at", KeyType: "RANGE" }],
    }],
  }));
  await api.waitUntilTableExists({ client: dynamodb, minDelay: 1, maxDelay: 2, maxWaitTime: 10 }, { TableName });
});
after(() => dynamodb.send(new api.DeleteTableCommand({ TableName })));

test("time to live is switched on", async () => {
  const TimeToLiveSpecification = { Enabled: true, AttributeName: "ttl" };
  await dynamodb.send(new api.UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
  const { TimeToLiveDescription } = await dynamodb.send(new api.DescribeTimeToLiveCommand({ TableName }));
  assert.equal(TimeToLiveDescription.AttributeName, "ttl");
});

test("a failed condition tells what stands there", async () => {
  const put = (epoch) => dynamodb.send(new api.PutItemCommand({
    TableName, Item: item("g1", "lease", { epoch: { N: `${epoch}` } }),
    ConditionExpression: "attribute_not_exists(goal)", ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  }));
  await put(3);
  await assert.rejects(put(4), (why) => {
    assert.ok(why instanceof api.ConditionalCheckFailedException);
    assert.deepEqual(why.Item.epoch, { N: "3" });
    return true;
  });
});

test("a transaction is all or nothing and tells which condition failed", async () => {
  const put = (id, more = {}) => ({ Put: { TableName, Item: item("g2", id), ...more } });
  await dynamodb.send(new api.TransactWriteItemsCommand({ TransactItems: [put("a"), put("b")] }));
  const fresh = { ConditionExpression: "attribute_not_exists(goal)", ReturnValuesOnConditionCheckFailure: "ALL_OLD" };
  const refused = dynamodb.send(new api.TransactWriteItemsCommand({ TransactItems: [put("c"), put("a", fresh)] }));
  await assert.rejects(refused, (why) => {
    assert.ok(why instanceof api.TransactionCanceledException);
    assert.deepEqual(why.CancellationReasons.map((one) => one.Code), ["None", "ConditionalCheckFailed"]);
    assert.deepEqual(why.CancellationReasons[1].Item.item, { S: "a" });
    return true;
  });
  const { Item } = await dynamodb.send(new api.GetItemCommand({ TableName, Key: item("g2", "c"), ConsistentRead: true }));
  assert.equal(Item, undefined);
});

test("batches and queries, with pages and the sparse index", async () => {
  const due = (n) => (n % 2 ? {} : { due_shard: { N: "7" }, due_at: { N: `${100 - n}` } });
  const requests = Array.from({ length: 10 }, (_, n) => ({ PutRequest: { Item: item("g3", `i${n}`, due(n)) } }));
  const written = await dynamodb.send(new api.BatchWriteItemCommand({ RequestItems: { [TableName]: requests } }));
  assert.deepEqual(written.UnprocessedItems, {});
  const Keys = [item("g3", "i0"), item("g3", "absent")];
  const read = await dynamodb.send(new api.BatchGetItemCommand({ RequestItems: { [TableName]: { Keys } } }));
  assert.equal(read.Responses[TableName].length, 1);
  const query = {
    TableName, KeyConditionExpression: "goal = :g and begins_with(#i, :i)",
    ExpressionAttributeNames: { "#i": "item" }, ExpressionAttributeValues: { ":g": { S: "g3" }, ":i": { S: "i" } },
  };
  const counts = [];
  for await (const page of api.paginateQuery({ client: dynamodb, pageSize: 4 }, query)) counts.push(page.Count);
  assert.deepEqual(counts, [4, 4, 2]);
  const indexed = await dynamodb.send(new api.QueryCommand({
    TableName, IndexName: "due", KeyConditionExpression: "due_shard = :s and due_at <= :now",
    ExpressionAttributeValues: { ":s": { N: "7" }, ":now": { N: "96" } },
  }));
  assert.deepEqual(indexed.Items.map((one) => one.item.S), ["i8", "i6", "i4"]);
});

test("an update counts, and answers with what is new", async () => {
  const { Attributes } = await dynamodb.send(new api.UpdateItemCommand({
    TableName, Key: item("g4", "n"), UpdateExpression: "ADD hits :one SET first_seen = if_not_exists(first_seen, :now)",
    ExpressionAttributeValues: { ":one": { N: "1" }, ":now": { N: "5" } }, ReturnValues: "ALL_NEW",
  }));
  assert.deepEqual(Attributes, item("g4", "n", { hits: { N: "1" }, first_seen: { N: "5" } }));
});

test("the caller has an account and an ARN", async () => {
  const found = await new STSClient({}).send(new GetCallerIdentityCommand({}));
  assert.match(found.Account, /^\d{12}$/);
  assert.match(found.Arn, /^arn:aws:/);
});

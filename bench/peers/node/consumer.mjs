// Owns the same step under npm sqs-consumer: it receives and deletes, the handler does what is between.
// Never a way of its own to hold messages up: whatever is waited for is sqs-consumer's waiting.
// Next: `peers-bench` starts it with `each` (a handler for each message) or `batch` (one for the ten of a receive).

import { ConditionalCheckFailedException, DynamoDBClient, PutItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { SQSClient } from "@aws-sdk/client-sqs";
import { Consumer } from "sqs-consumer";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

const { PEERS_QUEUE_URL: queueUrl, PEERS_TABLE: table, PEERS_BUS: bus } = process.env;
const mode = process.argv[2];
const options = { maxAttempts: 1 };
const [dynamodb, events] = [new DynamoDBClient(options), new EventBridgeClient(options)];
const LEASE_MS = 60_000;

async function claim(detail, owner) {
  const Item = {
    id: { S: detail.id },
    status: { S: "claimed" },
    owner: { S: owner },
    lease: { N: String(Date.now() + LEASE_MS) },
  };
  try {
    await dynamodb.send(new PutItemCommand({ TableName: table, Item, ConditionExpression: "attribute_not_exists(id)" }));
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

async function work(detail) {
  const { number, wait_ms, text } = detail.data;
  if (wait_ms > 0) await sleep(wait_ms);
  const own = { id: randomUUID(), source: "peers", type: "hop.done", causationid: detail.id };
  return { ...detail, ...own, hops: detail.hops + 1, data: { number, text } };
}

async function publish(published) {
  const Entries = published.map((event) => ({
    EventBusName: bus,
    Source: "peers",
    DetailType: "hop.done",
    Detail: JSON.stringify(event),
  }));
  const answer = await events.send(new PutEventsCommand({ Entries }));
  if (answer.FailedEntryCount > 0) throw new Error(JSON.stringify(answer));
}

function complete(detail, owner, event) {
  return dynamodb.send(
    new UpdateItemCommand({
      TableName: table,
      Key: { id: { S: detail.id } },
      UpdateExpression: "SET #status = :completed, outcome = :outcome",
      ConditionExpression: "#status = :claimed AND #owner = :owner",
      ExpressionAttributeNames: { "#status": "status", "#owner": "owner" },
      ExpressionAttributeValues: {
        ":completed": { S: "completed" },
        ":claimed": { S: "claimed" },
        ":owner": { S: owner },
        ":outcome": { S: JSON.stringify(event) },
      },
    }),
  );
}

const detailOf = (message) => JSON.parse(message.Body).detail;

async function each(message) {
  const [detail, owner] = [detailOf(message), randomUUID()];
  if (!(await claim(detail, owner))) return undefined;
  const event = await work(detail);
  await publish([event]);
  await complete(detail, owner, event);
  return message;
}

async function batch(messages) {
  const owner = randomUUID();
  const all = await Promise.all(
    messages.map(async (message) => {
      const detail = detailOf(message);
      return (await claim(detail, owner)) ? { message, detail, event: await work(detail) } : undefined;
    }),
  );
  const mine = all.filter((one) => one !== undefined);
  if (mine.length === 0) return [];
  await publish(mine.map((one) => one.event));
  await Promise.all(mine.map((one) => complete(one.detail, owner, one.event)));
  return mine.map((one) => one.message);
}

const consumer = Consumer.create({
  queueUrl,
  sqs: new SQSClient(options),
  batchSize: 10,
  waitTimeSeconds: 1,
  visibilityTimeout: 90,
  messageSystemAttributeNames: ["All"],
  messageAttributeNames: ["All"],
  ...(mode === "batch" ? { handleMessageBatch: batch } : { handleMessage: each }),
});
for (const failure of ["error", "processing_error", "timeout_error"]) {
  consumer.on(failure, (error) => {
    console.error(error);
    process.exit(1);
  });
}
process.on("SIGTERM", () => {
  consumer.on("stopped", () => process.exit(0));
  consumer.stop();
});
consumer.start();

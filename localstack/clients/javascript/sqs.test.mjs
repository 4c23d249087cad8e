// Owns SQS as the JavaScript SDK sees it, which checks the digest of every body it sends and receives, and follows
// the host of a queue's URL. Never the corners that ../python asks about already.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import * as api from "@aws-sdk/client-sqs";
import { arn, attribute, fresh, queue, receive, sqs, until } from "./places.mjs";

const redrive = async (dead, maxReceiveCount = 1) =>
  JSON.stringify({ deadLetterTargetArn: await arn(dead), maxReceiveCount });

test("a message comes back whole, its digests checked by the SDK", async (t) => {
  const QueueUrl = await queue(t);
  const MessageBody = 'Ünïcode "quotes" & \u{1f426}';
  const MessageAttributes = {
    text: { DataType: "String", StringValue: "päckchen" },
    number: { DataType: "Number", StringValue: "42" },
    bytes: { DataType: "Binary", BinaryValue: new Uint8Array([0, 128, 255]) },
  };
  const sent = await sqs.send(new api.SendMessageCommand({ QueueUrl, MessageBody, MessageAttributes }));
  assert.equal(sent.MD5OfMessageBody, createHash("md5").update(MessageBody).digest("hex"));
  const [got] = await receive(QueueUrl);
  assert.deepEqual([got.Body, got.MessageId], [MessageBody, sent.MessageId]);
  assert.equal(got.MD5OfMessageAttributes, sent.MD5OfMessageAttributes);
  assert.equal(got.MessageAttributes.text.StringValue, "päckchen");
  assert.deepEqual([...got.MessageAttributes.bytes.BinaryValue], [0, 128, 255]);
  assert.equal(got.Attributes.ApproximateReceiveCount, "1");
  await sqs.send(new api.DeleteMessageCommand({ QueueUrl, ReceiptHandle: got.ReceiptHandle }));
});

test("a queue that is not there is its own exception", async () => {
  const QueueName = fresh();
  const refused = await sqs.send(new api.GetQueueUrlCommand({ QueueName })).catch((why) => why);
  assert.ok(refused instanceof api.QueueDoesNotExist, `${refused}`);
  assert.equal(refused.name, "QueueDoesNotExist");
  assert.equal(refused.Code ?? refused.Error?.Code, "AWS.SimpleQueueService.NonExistentQueue");
  assert.equal(refused.$metadata.httpStatusCode, 400);
});

test("a queue made again with other attributes is refused", async (t) => {
  const QueueUrl = await queue(t, { VisibilityTimeout: "7" });
  const again = new api.CreateQueueCommand({ QueueName: QueueUrl.split("/").at(-1), Attributes: { VisibilityTimeout: "8" } });
  await assert.rejects(sqs.send(again), api.QueueNameExists);
});

test("attributes and tags are set, told and taken away", async (t) => {
  const QueueUrl = await queue(t);
  await sqs.send(new api.SetQueueAttributesCommand({ QueueUrl, Attributes: { VisibilityTimeout: "9" } }));
  assert.equal(await attribute(QueueUrl, "VisibilityTimeout"), "9");
  await sqs.send(new api.TagQueueCommand({ QueueUrl, Tags: { a: "1", b: "2" } }));
  await sqs.send(new api.UntagQueueCommand({ QueueUrl, TagKeys: ["a"] }));
  assert.deepEqual((await sqs.send(new api.ListQueueTagsCommand({ QueueUrl }))).Tags, { b: "2" });
});

test("queues are listed in pages", async (t) => {
  const prefix = fresh();
  const urls = [];
  for (const n of [0, 1, 2]) {
    const { QueueUrl } = await sqs.send(new api.CreateQueueCommand({ QueueName: `${prefix}-${n}` }));
    t.after(() => sqs.send(new api.DeleteQueueCommand({ QueueUrl })));
    urls.push(QueueUrl);
  }
  const found = [];
  for await (const page of api.paginateListQueues({ client: sqs, pageSize: 2 }, { QueueNamePrefix: prefix })) {
    found.push(...(page.QueueUrls ?? []));
  }
  assert.deepEqual(found.sort(), urls.sort());
});

test("a waiting long poll wakes when a message comes", async (t) => {
  const QueueUrl = await queue(t);
  const polling = sqs.send(new api.ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 10 }));
  await new Promise((resolve) => setTimeout(resolve, 300));
  const began = Date.now();
  await sqs.send(new api.SendMessageCommand({ QueueUrl, MessageBody: "wake up" }));
  assert.equal((await polling).Messages[0].Body, "wake up");
  assert.ok(Date.now() - began < 300, `it took ${Date.now() - began} ms`);
});

test("a poll that was given up takes no message with it", async (t) => {
  const QueueUrl = await queue(t);
  const given = new AbortController();
  const polling = sqs.send(new api.ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 10 }), { abortSignal: given.signal });
  setTimeout(() => given.abort(), 300);
  await assert.rejects(polling, { name: "AbortError" });
  await new Promise((resolve) => setTimeout(resolve, 300));
  await sqs.send(new api.SendMessageCommand({ QueueUrl, MessageBody: "for the next" }));
  const [got] = await receive(QueueUrl, { withinMs: 3000 });
  assert.equal(got?.Body, "for the next");
});

test("a message is hidden, held, freed and comes back", async (t) => {
  const QueueUrl = await queue(t);
  await sqs.send(new api.SendMessageCommand({ QueueUrl, MessageBody: "x" }));
  const [{ ReceiptHandle }] = await receive(QueueUrl, { VisibilityTimeout: 1 });
  await sqs.send(new api.ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 60 }));
  assert.deepEqual(await receive(QueueUrl, { withinMs: 1500 }), []);
  await sqs.send(new api.ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
  const [again] = await receive(QueueUrl);
  assert.equal(again.Attributes.ApproximateReceiveCount, "2");
});

test("a batch tells of each entry, its digests checked by the SDK", async (t) => {
  const QueueUrl = await queue(t, { MaximumMessageSize: "1024" });
  const sent = await sqs.send(new api.SendMessageBatchCommand({
    QueueUrl, Entries: [{ Id: "ok", MessageBody: "ä" }, { Id: "big", MessageBody: "x".repeat(1025) }],
  }));
  assert.deepEqual(sent.Successful.map((one) => one.Id), ["ok"]);
  assert.deepEqual(sent.Failed.map((one) => [one.Id, one.SenderFault]), [["big", true]]);
  const [{ ReceiptHandle }] = await receive(QueueUrl);
  const bad = { Id: "bad", ReceiptHandle: "nonsense" };
  const changed = await sqs.send(new api.ChangeMessageVisibilityBatchCommand({
    QueueUrl, Entries: [{ Id: "ok", ReceiptHandle, VisibilityTimeout: 5 }, { ...bad, VisibilityTimeout: 5 }],
  }));
  assert.deepEqual([changed.Successful[0].Id, changed.Failed[0].Id], ["ok", "bad"]);
  const deleted = await sqs.send(new api.DeleteMessageBatchCommand({ QueueUrl, Entries: [{ Id: "ok", ReceiptHandle }, bad] }));
  assert.deepEqual([deleted.Successful[0].Id, deleted.Failed[0].Code], ["ok", "ReceiptHandleIsInvalid"]);
});

test("batches that cannot be are their own exceptions", async (t) => {
  const QueueUrl = await queue(t);
  const entry = (Id, MessageBody = "x") => ({ Id, MessageBody });
  const cases = [
    [[], api.EmptyBatchRequest],
    [Array.from({ length: 11 }, (_, n) => entry(`${n}`)), api.TooManyEntriesInBatchRequest],
    [[entry("same"), entry("same")], api.BatchEntryIdsNotDistinct],
    [[entry("not good!")], api.InvalidBatchEntryId],
    [[entry("a", "x".repeat(600_000)), entry("b", "x".repeat(600_000))], api.BatchRequestTooLong],
  ];
  for (const [Entries, Refusal] of cases) {
    await assert.rejects(sqs.send(new api.SendMessageBatchCommand({ QueueUrl, Entries })), Refusal);
  }
});

test("what cannot be is its own exception", async (t) => {
  const QueueUrl = await queue(t);
  const control = new api.SendMessageCommand({ QueueUrl, MessageBody: "bell \u0007" });
  await assert.rejects(sqs.send(control), api.InvalidMessageContents);
  const handle = new api.DeleteMessageCommand({ QueueUrl, ReceiptHandle: "nonsense" });
  await assert.rejects(sqs.send(handle), api.ReceiptHandleIsInvalid);
  const unknown = new api.GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["Nonsense"] });
  await assert.rejects(sqs.send(unknown), api.InvalidAttributeName);
  const value = new api.SetQueueAttributesCommand({ QueueUrl, Attributes: { VisibilityTimeout: "99999" } });
  await assert.rejects(sqs.send(value), (why) => why.name === "InvalidAttributeValue");
});

test("a purge empties a queue, once a minute", async (t) => {
  const QueueUrl = await queue(t);
  await sqs.send(new api.SendMessageCommand({ QueueUrl, MessageBody: "x" }));
  await sqs.send(new api.PurgeQueueCommand({ QueueUrl }));
  await until(async () => (await attribute(QueueUrl, "ApproximateNumberOfMessages")) === "0");
  await assert.rejects(sqs.send(new api.PurgeQueueCommand({ QueueUrl })), api.PurgeQueueInProgress);
});

test("a group keeps its order and its lock, and duplicates are dropped", async (t) => {
  const QueueUrl = await queue(t, { fifo: true });
  for (const [MessageBody, MessageGroupId, id] of [["a1", "a", "1"], ["a1 again", "a", "1"], ["a2", "a", "2"], ["b1", "b", "3"]]) {
    await sqs.send(new api.SendMessageCommand({ QueueUrl, MessageBody, MessageGroupId, MessageDeduplicationId: id }));
  }
  const [first] = await receive(QueueUrl, { MaxNumberOfMessages: 1 });
  assert.equal(first.Body, "a1");
  assert.deepEqual((await receive(QueueUrl)).map((one) => one.Body), ["b1"]);
  await sqs.send(new api.DeleteMessageCommand({ QueueUrl, ReceiptHandle: first.ReceiptHandle }));
  assert.deepEqual((await receive(QueueUrl)).map((one) => one.Body), ["a2"]);
});

test("a poisonous message is moved, and a task brings it back", async (t) => {
  const dead = await queue(t);
  const QueueUrl = await queue(t, { VisibilityTimeout: "0", RedrivePolicy: await redrive(dead) });
  const listed = await sqs.send(new api.ListDeadLetterSourceQueuesCommand({ QueueUrl: dead }));
  assert.deepEqual(listed.queueUrls, [QueueUrl]);
  await sqs.send(new api.SendMessageCommand({ QueueUrl, MessageBody: "poison" }));
  assert.equal((await receive(QueueUrl)).length, 1);
  assert.deepEqual(await receive(QueueUrl, { withinMs: 0 }), []);
  const SourceArn = await arn(dead);
  await until(async () => (await attribute(dead, "ApproximateNumberOfMessages")) === "1");
  await sqs.send(new api.StartMessageMoveTaskCommand({ SourceArn }));
  const task = await until(async () => {
    const { Results } = await sqs.send(new api.ListMessageMoveTasksCommand({ SourceArn }));
    return Results?.[0]?.Status !== "RUNNING" && Results?.[0];
  });
  assert.deepEqual([task.Status, Number(task.ApproximateNumberOfMessagesMoved)], ["COMPLETED", 1]);
  assert.equal((await receive(QueueUrl))[0].Body, "poison");
});

test("a slow move task is cancelled", async (t) => {
  const dead = await queue(t);
  const source = await queue(t, { RedrivePolicy: await redrive(dead) });
  const Entries = Array.from({ length: 10 }, (_, n) => ({ Id: `${n}`, MessageBody: "x" }));
  await sqs.send(new api.SendMessageBatchCommand({ QueueUrl: dead, Entries }));
  const slow = { SourceArn: await arn(dead), DestinationArn: await arn(source), MaxNumberOfMessagesPerSecond: 1 };
  const { TaskHandle } = await sqs.send(new api.StartMessageMoveTaskCommand(slow));
  const cancelled = await sqs.send(new api.CancelMessageMoveTaskCommand({ TaskHandle }));
  assert.ok(Number(cancelled.ApproximateNumberOfMessagesMoved) < 10);
});

// Owns names that nobody else has, queues that end with their test, and asking again until a deadline.
// Never chooses an endpoint: AWS_ENDPOINT_URL does.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  CreateQueueCommand, DeleteQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient,
} from "@aws-sdk/client-sqs";

assert.ok(process.env.AWS_ENDPOINT_URL, "AWS_ENDPOINT_URL is not set: these tests never talk to AWS itself");

export const sqs = new SQSClient({});
export const fresh = () => `t-${randomUUID().slice(0, 13)}`;

// EventBridge delivers only where the queue's own policy lets it.
const Policy = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "events.amazonaws.com" }, Action: "sqs:SendMessage", Resource: "*" }],
});

export async function queue(t, { fifo = false, ...given } = {}) {
  const attributes = { Policy, ...given };
  const QueueName = fresh() + (fifo ? ".fifo" : "");
  const Attributes = fifo ? { FifoQueue: "true", ...attributes } : attributes;
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
  t.after(() => sqs.send(new DeleteQueueCommand({ QueueUrl })).catch(() => {}));
  return QueueUrl;
}

export async function attribute(QueueUrl, name) {
  const asked = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [name] });
  return (await sqs.send(asked)).Attributes[name];
}

export const arn = (url) => attribute(url, "QueueArn");

/** All messages that come until `count` are there or the deadline is. */
export async function receive(QueueUrl, { count = 1, withinMs = 10_000, ...more } = {}) {
  const end = Date.now() + withinMs;
  const found = [];
  do {
    const WaitTimeSeconds = Math.max(0, Math.min(2, Math.floor((end - Date.now()) / 1000)));
    const asked = { QueueUrl, WaitTimeSeconds, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ["All"], ...more };
    found.push(...((await sqs.send(new ReceiveMessageCommand({ MessageAttributeNames: ["All"], ...asked }))).Messages ?? []));
  } while (found.length < count && Date.now() < end);
  return found;
}

export async function until(ask, withinMs = 10_000) {
  const end = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    assert.ok(Date.now() < end, "it did not come about within the deadline");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

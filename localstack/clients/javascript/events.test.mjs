// Owns EventBridge as the JavaScript SDK sees it: buses, rules, targets, what is delivered, archives and replays.
// Never the meaning of each pattern operator: ../python asks about those.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as api from "@aws-sdk/client-eventbridge";
import { DeleteQueueCommand } from "@aws-sdk/client-sqs";
import { arn, fresh, queue, receive, sqs, until } from "./places.mjs";

const events = new api.EventBridgeClient({});
const EventPattern = JSON.stringify({ source: ["test"], detail: { n: [{ numeric: [">", 0] }] } });

async function bus(t) {
  const Name = fresh();
  await events.send(new api.CreateEventBusCommand({ Name }));
  t.after(async () => {
    const { Rules } = await events.send(new api.ListRulesCommand({ EventBusName: Name }));
    for (const rule of Rules) {
      const at = { Rule: rule.Name, EventBusName: Name };
      const { Targets } = await events.send(new api.ListTargetsByRuleCommand(at));
      if (Targets.length) await events.send(new api.RemoveTargetsCommand({ ...at, Ids: Targets.map((one) => one.Id) }));
      await events.send(new api.DeleteRuleCommand({ Name: rule.Name, EventBusName: Name }));
    }
    await events.send(new api.DeleteEventBusCommand({ Name }));
  });
  return Name;
}

async function route(t, QueueUrl, target = {}) {
  const EventBusName = await bus(t);
  const rule = (await events.send(new api.PutRuleCommand({ Name: "r", EventBusName, EventPattern }))).RuleArn;
  const Targets = [{ Id: "t", Arn: await arn(QueueUrl), ...target }];
  const put = await events.send(new api.PutTargetsCommand({ Rule: "r", EventBusName, Targets }));
  assert.equal(put.FailedEntryCount, 0);
  const entry = { Source: "test", DetailType: "thing.done", Detail: '{"n": 1, "who": "Ann"}', EventBusName };
  const send = (more = {}) => events.send(new api.PutEventsCommand({ Entries: [{ ...entry, ...more }] }));
  return { EventBusName, rule, entry, send };
}

test("an event arrives in its envelope, with its trace header", async (t) => {
  const QueueUrl = await queue(t);
  const { send } = await route(t, QueueUrl);
  const TraceHeader = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1";
  const { Entries } = await send({ TraceHeader, Resources: ["arn:one"] });
  await send({ Detail: '{"n": 0}' });
  const [got, ...others] = await receive(QueueUrl, { count: 2, withinMs: 1000 });
  const event = JSON.parse(got.Body);
  assert.equal(event.id, Entries[0].EventId);
  assert.deepEqual([event["detail-type"], event.resources, event.detail], ["thing.done", ["arn:one"], { n: 1, who: "Ann" }]);
  assert.equal(got.Attributes.AWSTraceHeader, TraceHeader);
  assert.equal(others.length, 0);
});

test("a transformer makes the input anew", async (t) => {
  const QueueUrl = await queue(t);
  const InputTransformer = { InputPathsMap: { who: "$.detail.who" }, InputTemplate: '{"greet": "Hello <who>", "raw": <who>}' };
  const { send } = await route(t, QueueUrl, { InputTransformer });
  await send();
  assert.deepEqual(JSON.parse((await receive(QueueUrl))[0].Body), { greet: "Hello Ann", raw: "Ann" });
});

test("a target that is gone leaves its event in the target's dead-letter queue", async (t) => {
  const [lost, dead] = [await queue(t), await queue(t)];
  const target = { DeadLetterConfig: { Arn: await arn(dead) }, RetryPolicy: { MaximumRetryAttempts: 0 } };
  const target_arn = await arn(lost);
  const { rule, send } = await route(t, lost, target);
  await sqs.send(new DeleteQueueCommand({ QueueUrl: lost }));
  const { Entries } = await send();
  const [got] = await receive(dead);
  assert.equal(JSON.parse(got.Body).id, Entries[0].EventId);
  assert.equal(got.MessageAttributes.RULE_ARN.StringValue, rule);
  assert.equal(got.MessageAttributes.TARGET_ARN.StringValue, target_arn);
  assert.ok(got.MessageAttributes.ERROR_CODE.StringValue);
});

test("put events tells of each entry", async (t) => {
  const { entry } = await route(t, await queue(t));
  const Entries = [entry, { ...entry, Detail: "no json" }, { ...entry, Source: undefined }];
  const answer = await events.send(new api.PutEventsCommand({ Entries }));
  assert.equal(answer.FailedEntryCount, 2);
  assert.deepEqual(answer.Entries.map((one) => one.ErrorCode), [undefined, "MalformedDetail", "InvalidArgument"]);
});

test("rules are switched, listed and kept while they have targets", async (t) => {
  const QueueUrl = await queue(t);
  const { EventBusName, rule, send } = await route(t, QueueUrl);
  await events.send(new api.DisableRuleCommand({ Name: "r", EventBusName }));
  assert.equal((await events.send(new api.DescribeRuleCommand({ Name: "r", EventBusName }))).State, "DISABLED");
  await send();
  assert.deepEqual(await receive(QueueUrl, { withinMs: 1000 }), []);
  await events.send(new api.EnableRuleCommand({ Name: "r", EventBusName }));
  await send();
  assert.equal((await receive(QueueUrl)).length, 1);
  const named = await events.send(new api.ListRuleNamesByTargetCommand({ TargetArn: await arn(QueueUrl), EventBusName }));
  assert.deepEqual(named.RuleNames, ["r"]);
  const remove = new api.DeleteRuleCommand({ Name: "r", EventBusName });
  await assert.rejects(events.send(remove), (why) => why.name === "ValidationException");
  await events.send(new api.TagResourceCommand({ ResourceARN: rule, Tags: [{ Key: "a", Value: "1" }, { Key: "b", Value: "2" }] }));
  await events.send(new api.UntagResourceCommand({ ResourceARN: rule, TagKeys: ["a"] }));
  const { Tags } = await events.send(new api.ListTagsForResourceCommand({ ResourceARN: rule }));
  assert.deepEqual(Tags, [{ Key: "b", Value: "2" }]);
});

test("refusals are their own exceptions", async (t) => {
  const EventBusName = await bus(t);
  const rule = (more) => events.send(new api.PutRuleCommand({ Name: "r", EventBusName, EventPattern, ...more }));
  await assert.rejects(rule({ EventPattern: '{"a": "no list"}' }), api.InvalidEventPatternException);
  await assert.rejects(rule({ EventBusName: fresh() }), api.ResourceNotFoundException);
  await assert.rejects(events.send(new api.CreateEventBusCommand({ Name: EventBusName })), api.ResourceAlreadyExistsException);
});

test("a pattern is tried without a rule", async () => {
  const event = {
    id: "1", account: "000000000000", source: "test", time: "2026-01-02T03:04:05Z", region: "us-east-1",
    resources: [], "detail-type": "d", detail: { n: 1 },
  };
  const answer = await events.send(new api.TestEventPatternCommand({ EventPattern, Event: JSON.stringify(event) }));
  assert.equal(answer.Result, true);
});

test("an archive's events are replayed, and say so", async (t) => {
  const QueueUrl = await queue(t);
  const name = fresh();
  // Before the bus's own end: an archive keeps a rule on it.
  t.after(() => events.send(new api.DeleteArchiveCommand({ ArchiveName: name })));
  const { EventBusName, send } = await route(t, QueueUrl);
  const { Arn } = await events.send(new api.DescribeEventBusCommand({ Name: EventBusName }));
  const archive = await events.send(new api.CreateArchiveCommand({ ArchiveName: name, EventSourceArn: Arn }));
  const EventStartTime = new Date(Date.now() - 5000);
  await send();
  await receive(QueueUrl);
  await until(async () => (await events.send(new api.DescribeArchiveCommand({ ArchiveName: name }))).EventCount === 1);
  await events.send(new api.StartReplayCommand({
    ReplayName: name, EventSourceArn: archive.ArchiveArn, EventStartTime,
    EventEndTime: new Date(Date.now() + 1000), Destination: { Arn },
  }));
  const [again] = await receive(QueueUrl);
  assert.equal(JSON.parse(again.Body)["replay-name"], name);
  await until(async () => (await events.send(new api.DescribeReplayCommand({ ReplayName: name }))).State === "COMPLETED");
});

test("an operation that is not there says its name with 501", async () => {
  const refused = await events.send(new api.ListConnectionsCommand({})).catch((why) => why);
  assert.equal(refused.$metadata?.httpStatusCode, 501);
  assert.match(refused.message, /ListConnections/);
});

"""Owns what PutEvents must do, and what comes of it in the queues behind a rule.

Never how rules are kept: test_events.py.
Next: test_dynamodb.py.
"""

import json
import time
from datetime import datetime, timezone

import pytest
from botocore.exceptions import ClientError

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


@pytest.fixture
def route(events, name, queue, arn):
    """A bus and a rule; gives back what sends one event there, and the URL of the queue it comes to."""
    events.create_event_bus(Name=name)
    rule = events.put_rule(Name="r", EventBusName=name, EventPattern='{"source": ["test"]}')["RuleArn"]

    def make(to=None, **target):
        url = to or queue()
        target = {"Id": "t", "Arn": arn(url), **target}
        answer = events.put_targets(Rule="r", EventBusName=name, Targets=[target])
        assert answer["FailedEntryCount"] == 0, answer

        def put(detail=None, **more):
            text = json.dumps(detail if detail is not None else {"n": 1})
            entry = {"Source": "test", "DetailType": "thing.done", "Detail": text, "EventBusName": name, **more}
            answer = events.put_events(Entries=[entry])
            assert answer["FailedEntryCount"] == 0, answer
            return answer["Entries"][0]["EventId"]

        put.rule = rule
        return put, url

    yield make
    events.remove_targets(Rule="r", EventBusName=name, Ids=["t"])
    events.delete_rule(Name="r", EventBusName=name)
    events.delete_event_bus(Name=name)


def test_an_event_arrives_in_its_envelope(route, receive):
    put, url = route()
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    sent = put({"n": 1, "text": "ä"}, Resources=["arn:one"], Time=at)
    [got] = receive(url)
    event = json.loads(got["Body"])
    assert event == {
        "version": "0", "id": sent, "detail-type": "thing.done", "source": "test", "account": event["account"],
        "time": "2026-01-02T03:04:05Z", "region": "us-east-1", "resources": ["arn:one"],
        "detail": {"n": 1, "text": "ä"},
    }
    assert len(event["account"]) == 12
    assert "MessageAttributes" not in got


def test_only_what_a_rule_takes_is_delivered(events, route, receive, name):
    put, url = route()
    put(Source="somebody else")
    put({"n": "taken"})
    assert [json.loads(one["Body"])["detail"]["n"] for one in receive(url, 2, wait_s=1)] == ["taken"]
    events.disable_rule(Name="r", EventBusName=name)
    put()
    assert receive(url, wait_s=1) == []


def test_a_delivery_comes_within_a_second(route, receive):
    put, url = route()
    began = time.monotonic()
    put()
    assert len(receive(url)) == 1
    assert time.monotonic() - began < 1


def test_a_constant_input_replaces_the_event(route, receive):
    put, url = route(Input='{"fixed": true}')
    put()
    assert json.loads(receive(url)[0]["Body"]) == {"fixed": True}


def test_a_path_picks_a_part(route, receive):
    put, url = route(InputPath="$.detail.inner")
    put({"inner": {"a": [1, 2]}})
    assert json.loads(receive(url)[0]["Body"]) == {"a": [1, 2]}


@pytest.mark.parametrize("paths, template, wanted", [
    ({"who": "$.detail.who", "n": "$.detail.n"}, '{"greet": <who>, "n": <n>}', '{"greet": "Ann", "n": 7}'),
    ({"who": "$.detail.who", "n": "$.detail.n"}, '"Hello <who>, you are <n>"', '"Hello Ann, you are 7"'),
    ({"who": "$.detail.who"}, '{"text": "Hello <who>!"}', '{"text": "Hello Ann!"}'),
    ({"all": "$.detail.list"}, '{"list": <all>}', '{"list": [1, "two"]}'),
    ({"one": "$.detail.list[1]"}, '{"one": <one>}', '{"one": "two"}'),
    ({}, '{"rule": <aws.events.rule-name>, "arn": <aws.events.rule-arn>}', None),
    ({}, '{"event": <aws.events.event>}', None),
])
def test_a_transformer_makes_the_input_anew(route, receive, paths, template, wanted):
    put, url = route(InputTransformer={"InputPathsMap": paths, "InputTemplate": template})
    sent = put({"who": "Ann", "n": 7, "list": [1, "two"]})
    body = receive(url)[0]["Body"]
    if wanted:
        assert json.loads(body) == json.loads(wanted)
    elif "rule" in template:
        assert json.loads(body) == {"rule": "r", "arn": put.rule}
    else:
        assert json.loads(body)["event"]["id"] == sent


def test_a_trace_header_arrives_with_the_message(route, receive):
    put, url = route()
    put(TraceHeader=TRACE)
    assert receive(url)[0]["Attributes"]["AWSTraceHeader"] == TRACE


def test_a_fifo_target_has_its_group(sqs, route, queue, receive, until):
    fifo = queue(fifo=True, ContentBasedDeduplication="true")
    put, url = route(to=fifo, SqsParameters={"MessageGroupId": "g"})
    for n in range(3):
        put({"n": n})
    # A receive in between would lock the group.
    count = "ApproximateNumberOfMessages"
    until(lambda: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[count])["Attributes"][count] == "3")
    got = receive(url, 3)
    # A bus keeps no order between calls.
    assert sorted(json.loads(one["Body"])["detail"]["n"] for one in got) == [0, 1, 2]
    assert {one["Attributes"]["MessageGroupId"] for one in got} == {"g"}


def test_a_group_may_be_set_on_a_standard_target(route, receive):
    put, url = route(SqsParameters={"MessageGroupId": "tenant"})
    put()
    assert receive(url)[0]["Attributes"]["MessageGroupId"] == "tenant"


def test_what_cannot_be_delivered_comes_to_the_targets_dead_letter_queue(sqs, route, queue, arn, receive):
    lost, dead = queue(), queue()
    lost_arn = arn(lost)
    put, _ = route(
        to=lost, DeadLetterConfig={"Arn": arn(dead)},
        RetryPolicy={"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},
    )
    sqs.delete_queue(QueueUrl=lost)
    sent = put({"n": 1})
    [got] = receive(dead)
    assert json.loads(got["Body"])["id"] == sent
    told = {key: value["StringValue"] for key, value in got["MessageAttributes"].items()}
    assert (told["RULE_ARN"], told["TARGET_ARN"]) == (put.rule, lost_arn)
    assert told["ERROR_CODE"]
    assert told["ERROR_MESSAGE"]


def test_a_queue_whose_policy_is_silent_gets_nothing(sqs, route, queue, arn, receive):
    closed, dead = queue(), queue()
    sqs.set_queue_attributes(QueueUrl=closed, Attributes={"Policy": ""})
    put, _ = route(to=closed, DeadLetterConfig={"Arn": arn(dead)}, RetryPolicy={"MaximumRetryAttempts": 0})
    put()
    [got] = receive(dead)
    assert got["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert receive(closed, wait_s=0) == []


def test_put_events_tells_of_each_entry(events, route, receive, name):
    _, url = route()
    good = {"Source": "test", "DetailType": "d", "Detail": "{}", "EventBusName": name}
    bad = [dict(good, Detail="no json"), dict(good, Detail="[1]")]
    bad += [{key: value for key, value in good.items() if key != missing} for missing in ("Source", "DetailType", "Detail")]
    answer = events.put_events(Entries=[good, *bad, good])
    assert answer["FailedEntryCount"] == len(bad)
    assert ["EventId" in one for one in answer["Entries"]] == [True] + [False] * len(bad) + [True]
    codes = [one.get("ErrorCode") for one in answer["Entries"]]
    assert codes == [None, "MalformedDetail", "MalformedDetail"] + ["InvalidArgument"] * 3 + [None]
    assert all(one["ErrorMessage"] for one in answer["Entries"] if "ErrorCode" in one)
    assert len(receive(url, 2)) == 2


def test_put_events_takes_ten_entries_and_no_more(events):
    entry = {"Source": "test", "DetailType": "d", "Detail": "{}"}
    assert events.put_events(Entries=[entry] * 10)["FailedEntryCount"] == 0
    with pytest.raises(ClientError) as refused:
        events.put_events(Entries=[entry] * 11)
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_put_events_has_a_limit_of_size(events, route, receive, name):
    put, url = route()
    put({"x": "y" * 250_000})
    assert len(json.loads(receive(url)[0]["Body"])["detail"]["x"]) == 250_000
    over = {"Source": "test", "DetailType": "d", "Detail": json.dumps({"x": "y" * 1_100_000}), "EventBusName": name}
    with pytest.raises(ClientError) as refused:
        events.put_events(Entries=[over])
    assert refused.value.response["Error"]["Code"] == "ValidationException"

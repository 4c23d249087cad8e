"""Owns dead letters as SQS keeps them: redrive policies, who may use a queue for them, and move tasks back.

Never our own protocol for dead letters: that is the runtime's.
Next: test_events.py.
"""

import json
import time

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def pair(queue, arn):
    """A queue that gives up after one receive, and its dead-letter queue."""

    def make(receives_max=1):
        dead = queue()
        policy = json.dumps({"deadLetterTargetArn": arn(dead), "maxReceiveCount": str(receives_max)})
        return queue(VisibilityTimeout="0", RedrivePolicy=policy), dead

    return make


def kill_one(sqs, source, dead, receive, body="poison"):
    sent = sqs.send_message(QueueUrl=source, MessageBody=body)
    assert len(receive(source)) == 1
    # Only a receive moves it: this one does, and gets nothing.
    assert sqs.receive_message(QueueUrl=source).get("Messages", []) == []
    return sent


def finished(sqs, source_arn, until):
    def ask():
        tasks = sqs.list_message_move_tasks(SourceArn=source_arn)["Results"]
        return tasks and tasks[0]["Status"] != "RUNNING" and tasks[0]

    return until(ask)


def test_a_message_received_too_often_is_moved(sqs, pair, receive, arn):
    source, dead = pair(receives_max=2)
    attributes = {"kept": {"DataType": "String", "StringValue": "yes"}}
    sent = sqs.send_message(QueueUrl=source, MessageBody="poison", MessageAttributes=attributes)
    for count in ("1", "2"):
        [got] = receive(source)
        assert got["Attributes"]["ApproximateReceiveCount"] == count
    assert receive(source, wait_s=0) == []
    [got] = receive(dead)
    assert (got["MessageId"], got["Body"], got["MessageAttributes"]) == (sent["MessageId"], "poison", attributes)
    assert got["Attributes"]["DeadLetterQueueSourceArn"] == arn(source)


def test_the_sources_of_a_dead_letter_queue_are_listed(sqs, pair):
    source, dead = pair()
    found = sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"]
    assert found == [source]
    assert sqs.list_dead_letter_source_queues(QueueUrl=source)["queueUrls"] == []


def test_the_redrive_policy_comes_back(sqs, pair, arn):
    source, dead = pair(receives_max=3)
    found = sqs.get_queue_attributes(QueueUrl=source, AttributeNames=["RedrivePolicy"])["Attributes"]
    assert json.loads(found["RedrivePolicy"]) in (
        {"deadLetterTargetArn": arn(dead), "maxReceiveCount": 3},
        {"deadLetterTargetArn": arn(dead), "maxReceiveCount": "3"},
    )


@pytest.mark.parametrize("policy", [
    {"maxReceiveCount": 1}, {"deadLetterTargetArn": "nonsense", "maxReceiveCount": 1},
    {"deadLetterTargetArn": "DEAD", "maxReceiveCount": 0}, {"deadLetterTargetArn": "DEAD", "maxReceiveCount": 1001},
])
def test_a_redrive_policy_that_cannot_be_is_refused(sqs, queue, arn, policy):
    dead = arn(queue())
    policy = {key: dead if value == "DEAD" else value for key, value in policy.items()}
    with pytest.raises(ClientError) as refused:
        queue(RedrivePolicy=json.dumps(policy))
    assert refused.value.response["Error"]["Code"] in ("InvalidParameterValue", "InvalidAttributeValue")


def test_a_queue_may_refuse_to_take_dead_letters(sqs, queue, arn):
    source, other = queue(), queue()
    allow = {"redrivePermission": "byQueue", "sourceQueueArns": [arn(source)]}
    dead = queue(RedriveAllowPolicy=json.dumps(allow))
    policy = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn(dead), "maxReceiveCount": 1})}
    sqs.set_queue_attributes(QueueUrl=source, Attributes=policy)
    with pytest.raises(ClientError) as refused:
        sqs.set_queue_attributes(QueueUrl=other, Attributes=policy)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"


def test_a_move_task_brings_back_what_sqs_moved(sqs, pair, receive, arn, until):
    source, dead = pair()
    for n in range(3):
        kill_one(sqs, source, dead, receive, f"poison {n}")
    handle = sqs.start_message_move_task(SourceArn=arn(dead))["TaskHandle"]
    assert handle
    task = finished(sqs, arn(dead), until)
    assert task["Status"] == "COMPLETED"
    assert (task["ApproximateNumberOfMessagesMoved"], task["SourceArn"]) == (3, arn(dead))
    assert abs(task["StartedTimestamp"] / 1000 - time.time()) < 20
    sqs.set_queue_attributes(QueueUrl=source, Attributes={"VisibilityTimeout": "30"})
    got = receive(source, 3)
    assert sorted(one["Body"] for one in got) == ["poison 0", "poison 1", "poison 2"]
    assert {one["Attributes"]["ApproximateReceiveCount"] for one in got} == {"1"}


def test_a_move_task_goes_where_it_is_told(sqs, pair, queue, receive, arn, until):
    source, dead = pair()
    other = queue()
    kill_one(sqs, source, dead, receive)
    sqs.send_message(QueueUrl=dead, MessageBody="sent by hand")
    sqs.start_message_move_task(SourceArn=arn(dead), DestinationArn=arn(other), MaxNumberOfMessagesPerSecond=500)
    task = finished(sqs, arn(dead), until)
    assert (task["Status"], task["DestinationArn"]) == ("COMPLETED", arn(other))
    assert sorted(one["Body"] for one in receive(other, 2)) == ["poison", "sent by hand"]


def test_what_was_sent_to_a_dead_letter_queue_has_no_source_to_go_back_to(sqs, pair, receive, arn, until):
    source, dead = pair()
    sqs.send_message(QueueUrl=dead, MessageBody="sent by hand")
    sqs.start_message_move_task(SourceArn=arn(dead))
    task = finished(sqs, arn(dead), until)
    assert task["Status"] == "FAILED"
    assert "CouldNotDetermineMessageSource" in task["FailureReason"]
    assert [one["Body"] for one in receive(dead)] == ["sent by hand"]


def test_a_move_task_needs_a_dead_letter_queue(sqs, queue, arn):
    lone = arn(queue())
    with pytest.raises(ClientError) as refused:
        sqs.start_message_move_task(SourceArn=lone)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"
    with pytest.raises(sqs.exceptions.ResourceNotFoundException):
        sqs.start_message_move_task(SourceArn=lone + "-not")


def test_a_slow_move_task_can_be_cancelled_and_is_the_only_one(sqs, pair, arn, until):
    source, dead = pair()
    for _ in range(3):
        entries = [{"Id": str(n), "MessageBody": "x"} for n in range(10)]
        sqs.send_message_batch(QueueUrl=dead, Entries=entries)
    slow = dict(SourceArn=arn(dead), DestinationArn=arn(source), MaxNumberOfMessagesPerSecond=1)
    handle = sqs.start_message_move_task(**slow)["TaskHandle"]
    with pytest.raises(ClientError):
        sqs.start_message_move_task(**slow)
    cancelled = sqs.cancel_message_move_task(TaskHandle=handle)
    assert 0 <= cancelled["ApproximateNumberOfMessagesMoved"] < 30
    until(lambda: sqs.list_message_move_tasks(SourceArn=arn(dead))["Results"][0]["Status"] == "CANCELLED")
    with pytest.raises(ClientError):
        sqs.cancel_message_move_task(TaskHandle=handle)

"""Owns the clients, names that nobody else has, and the last line of figures.

Never chooses an endpoint: AWS_ENDPOINT_URL does, as for every other client.
Next: the files test_*.py, one for each family of operations.
"""

import json
import os
import time
import uuid

import boto3
import pytest

DEADLINE_S = 15
# EventBridge delivers only where the queue's own policy lets it.
FROM_EVENTS = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*",
}]})


@pytest.fixture(scope="session")
def sqs():
    return boto3.client("sqs")


@pytest.fixture(scope="session")
def events():
    return boto3.client("events")


@pytest.fixture(scope="session")
def dynamodb():
    return boto3.client("dynamodb")


@pytest.fixture(scope="session")
def sts():
    return boto3.client("sts")


@pytest.fixture
def name():
    """Nobody else's, so that all tests can run beside each other."""
    return f"t-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def queue(sqs, name):
    """The URL of a new queue, from attributes; all of them are gone after the test."""
    made = []

    def make(fifo=False, **attributes):
        ending = ".fifo" if fifo else ""
        attributes.setdefault("Policy", FROM_EVENTS)
        if fifo:
            attributes["FifoQueue"] = "true"
        url = sqs.create_queue(QueueName=f"{name}-{len(made)}{ending}", Attributes=attributes)["QueueUrl"]
        made.append(url)
        return url

    yield make
    for url in made:
        try:
            sqs.delete_queue(QueueUrl=url)
        except sqs.exceptions.QueueDoesNotExist:
            pass


@pytest.fixture
def arn(sqs):
    return lambda url: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


@pytest.fixture
def receive(sqs):
    """All messages that come until `count` are there, or the deadline is; a wait of 0 asks once."""

    def receive_(url, count=1, wait_s=DEADLINE_S, **more):
        until, found = time.monotonic() + wait_s, []
        while True:
            left_s = max(0, min(2, int(until - time.monotonic())))
            answer = sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=left_s,
                AttributeNames=["All"], MessageAttributeNames=["All"], **more,
            )
            found += answer.get("Messages", [])
            if len(found) >= count or time.monotonic() >= until:
                return found

    return receive_


@pytest.fixture
def until():
    """Asks again until the answer is true, and gives it back; fails at the deadline."""

    def until_(ask, deadline_s=DEADLINE_S):
        end = time.monotonic() + deadline_s
        while not (answer := ask()):
            assert time.monotonic() < end, "it did not come about within the deadline"
            time.sleep(0.02)
        return answer

    return until_


def pytest_terminal_summary(terminalreporter):
    if hasattr(terminalreporter.config, "workerinput"):
        return
    count = {key: len(terminalreporter.stats.get(key, [])) for key in ("passed", "failed", "error")}
    version = boto3.__version__
    terminalreporter.write_line(
        f"boto3 {version}: {count['passed']} passed, {count['failed'] + count['error']} failed"
    )


def pytest_configure(config):
    assert os.environ.get("AWS_ENDPOINT_URL"), "AWS_ENDPOINT_URL is not set: these tests never talk to AWS itself"

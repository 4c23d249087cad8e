"""Owns what FIFO queues must do: order and locks of groups, deduplication, sequence numbers.

Never what standard queues do as well.
Next: test_sqs_redrive.py.
"""

import pytest
from botocore.exceptions import ClientError


def send(sqs, url, body, group="g", **more):
    return sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group, **more)


def bodies(messages):
    return [one["Body"] for one in messages]


def test_a_group_comes_in_its_order(sqs, queue, receive):
    url = queue(fifo=True, ContentBasedDeduplication="true")
    numbers = [int(send(sqs, url, f"m{n}")["SequenceNumber"]) for n in range(10)]
    assert numbers == sorted(set(numbers))
    got = receive(url, 10)
    assert bodies(got) == [f"m{n}" for n in range(10)]
    assert [int(one["Attributes"]["SequenceNumber"]) for one in got] == numbers
    assert {one["Attributes"]["MessageGroupId"] for one in got} == {"g"}


def test_a_group_is_locked_while_one_of_it_is_in_flight(sqs, queue, receive):
    url = queue(fifo=True, ContentBasedDeduplication="true")
    for body, group in (("a1", "a"), ("a2", "a"), ("b1", "b")):
        send(sqs, url, body, group)
    [first] = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1)["Messages"]
    assert first["Body"] == "a1"
    assert bodies(receive(url)) == ["b1"]
    assert receive(url, wait_s=0) == []
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert bodies(receive(url)) == ["a2"]


def test_a_message_that_comes_back_comes_before_its_followers(sqs, queue, receive):
    url = queue(fifo=True, ContentBasedDeduplication="true")
    for body in ("1", "2"):
        send(sqs, url, body)
    [first] = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1)["Messages"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    assert bodies(receive(url, 2)) == ["1", "2"]


def test_a_duplicate_is_accepted_and_not_delivered(sqs, queue, receive):
    url = queue(fifo=True)
    first = send(sqs, url, "one", MessageDeduplicationId="d")
    second = send(sqs, url, "another", MessageDeduplicationId="d")
    assert second["MessageId"] == first["MessageId"]
    assert second["SequenceNumber"] == first["SequenceNumber"]
    got = receive(url)
    assert bodies(got) == ["one"]
    assert got[0]["Attributes"]["MessageDeduplicationId"] == "d"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=got[0]["ReceiptHandle"])
    send(sqs, url, "one more", MessageDeduplicationId="d")
    assert receive(url, wait_s=1) == [], "deduplicated for five minutes, deleted or not"


def test_content_deduplicates_where_the_queue_says_so(sqs, queue, receive):
    url = queue(fifo=True, ContentBasedDeduplication="true")
    for _ in range(2):
        send(sqs, url, "same")
    send(sqs, url, "same", MessageDeduplicationId="its-own")
    assert bodies(receive(url, 2)) == ["same", "same"]
    assert receive(url, wait_s=0) == []


def test_what_a_fifo_queue_needs_is_asked_for(sqs, queue):
    url = queue(fifo=True)
    with pytest.raises(ClientError) as refused:
        sqs.send_message(QueueUrl=url, MessageBody="x", MessageDeduplicationId="d")
    assert refused.value.response["Error"]["Code"] == "MissingParameter"
    with pytest.raises(ClientError) as refused:
        send(sqs, url, "x")
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"
    with pytest.raises(ClientError) as refused:
        send(sqs, url, "x", MessageDeduplicationId="d", DelaySeconds=1)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"


def test_deduplication_by_group_lets_other_groups_through(sqs, queue, receive):
    url = queue(
        fifo=True, ContentBasedDeduplication="true",
        DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId",
    )
    for group in ("a", "a", "b"):
        send(sqs, url, "same", group)
    got = receive(url, 2)
    assert sorted(one["Attributes"]["MessageGroupId"] for one in got) == ["a", "b"]


def test_a_batch_keeps_its_order(sqs, queue, receive):
    url = queue(fifo=True)
    entries = [{"Id": f"e{n}", "MessageBody": str(n), "MessageGroupId": "g", "MessageDeduplicationId": str(n)}
               for n in range(5)]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert len({one["SequenceNumber"] for one in answer["Successful"]}) == 5
    assert bodies(receive(url, 5)) == [str(n) for n in range(5)]

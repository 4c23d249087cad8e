"""Owns what SQS must do with messages: bodies, attributes, visibility, waits, batches and refusals.

Never a queue's own life, nor order: those have their own files.
Next: test_sqs_fifo.py and test_sqs_redrive.py.
"""

import hashlib
import struct
import threading
import time

import pytest
from botocore.exceptions import ClientError

MIB = 1024 * 1024


def code_of(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


def md5_of_attributes(attributes):
    """As the SQS developer guide says it: name, type and value, each with its length, in the order of names."""
    told = b""
    for key in sorted(attributes):
        one = attributes[key]
        binary = "BinaryValue" in one
        value = one["BinaryValue"] if binary else one["StringValue"].encode()
        for part in (key.encode(), one["DataType"].encode()):
            told += struct.pack(">I", len(part)) + part
        told += (b"\x02" if binary else b"\x01") + struct.pack(">I", len(value)) + value
    return hashlib.md5(told).hexdigest()


def test_a_message_comes_back_with_its_attributes_and_right_digests(sqs, queue, receive):
    url, body = queue(), 'Ünïcode, "quotes" & <tags> \U0001f426'
    attributes = {
        "text": {"DataType": "String", "StringValue": "päckchen"},
        "number": {"DataType": "Number.int", "StringValue": "42"},
        "bytes": {"DataType": "Binary.png", "BinaryValue": bytes(range(256))},
    }
    trace = {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"}
    sent = sqs.send_message(
        QueueUrl=url, MessageBody=body, MessageAttributes=attributes,
        MessageSystemAttributes={"AWSTraceHeader": trace},
    )
    assert sent["MD5OfMessageBody"] == hashlib.md5(body.encode()).hexdigest()
    assert sent["MD5OfMessageAttributes"] == md5_of_attributes(attributes)
    assert sent["MD5OfMessageSystemAttributes"] == md5_of_attributes({"AWSTraceHeader": trace})
    [got] = receive(url)
    assert (got["Body"], got["MessageId"]) == (body, sent["MessageId"])
    assert got["MD5OfBody"] == sent["MD5OfMessageBody"]
    assert got["MessageAttributes"] == attributes
    assert got["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    system = got["Attributes"]
    assert system["AWSTraceHeader"] == trace["StringValue"]
    assert system["ApproximateReceiveCount"] == "1"
    assert abs(int(system["SentTimestamp"]) / 1000 - time.time()) < 10
    assert int(system["ApproximateFirstReceiveTimestamp"]) >= int(system["SentTimestamp"])
    assert system["SenderId"]


def test_only_what_was_asked_for_comes_with_a_message(sqs, queue):
    url = queue(VisibilityTimeout="0")
    given = {key: {"DataType": "String", "StringValue": key} for key in ("a.one", "a.two", "b")}
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=given)

    def asked(**more):
        return sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2, **more)["Messages"][0]

    assert not {"Attributes", "MessageAttributes", "MD5OfMessageAttributes"} & set(asked())
    assert set(asked(MessageAttributeNames=["a.*"])["MessageAttributes"]) == {"a.one", "a.two"}
    some = asked(MessageAttributeNames=["b", "absent"])
    assert set(some["MessageAttributes"]) == {"b"}
    assert some["MD5OfMessageAttributes"] == md5_of_attributes({"b": given["b"]})
    assert set(asked(MessageAttributeNames=[".*"])["MessageAttributes"]) == set(given)
    assert set(asked(MessageSystemAttributeNames=["SentTimestamp"])["Attributes"]) == {"SentTimestamp"}
    assert set(asked(AttributeNames=["SenderId"])["Attributes"]) == {"SenderId"}


def test_an_empty_queue_answers_without_messages(sqs, queue):
    assert "Messages" not in sqs.receive_message(QueueUrl=queue())


def test_a_long_poll_waits_and_then_answers_empty(sqs, queue):
    url, began = queue(), time.monotonic()
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
    assert 0.9 < time.monotonic() - began < 3


def test_a_waiting_long_poll_wakes_when_a_message_comes(sqs, queue):
    url, sent_at = queue(), []

    def send():
        sqs.send_message(QueueUrl=url, MessageBody="wake up")
        sent_at.append(time.monotonic())

    timer = threading.Timer(0.5, send)
    timer.start()
    got = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    came_at = time.monotonic()
    timer.join()
    assert got[0]["Body"] == "wake up"
    assert came_at - sent_at[0] < 0.3


def test_the_queues_own_wait_is_the_default(sqs, queue):
    url, began = queue(ReceiveMessageWaitTimeSeconds="1"), time.monotonic()
    sqs.receive_message(QueueUrl=url)
    assert time.monotonic() - began > 0.9


def test_a_received_message_is_hidden_and_comes_back(sqs, queue, receive):
    url = queue()
    sqs.send_message(QueueUrl=url, MessageBody="again")
    [first] = receive(url, VisibilityTimeout=1)
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (counts["ApproximateNumberOfMessages"], counts["ApproximateNumberOfMessagesNotVisible"]) == ("0", "1")
    [second] = receive(url)
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    assert second["ReceiptHandle"] != first["ReceiptHandle"]
    assert second["Attributes"]["ApproximateFirstReceiveTimestamp"] == first["Attributes"]["ApproximateFirstReceiveTimestamp"]


def test_a_changed_visibility_holds_or_frees_a_message(sqs, queue, receive):
    url = queue()
    sqs.send_message(QueueUrl=url, MessageBody="x")
    [got] = receive(url, VisibilityTimeout=1)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"], VisibilityTimeout=60)
    assert receive(url, wait_s=2) == []
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"], VisibilityTimeout=0)
    assert len(receive(url, wait_s=2)) == 1
    over = dict(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"], VisibilityTimeout=43201)
    assert code_of(sqs.change_message_visibility, **over) == "InvalidParameterValue"


def test_a_visibility_cannot_be_changed_when_nothing_is_in_flight(sqs, queue, receive):
    url = queue()
    sqs.send_message(QueueUrl=url, MessageBody="x")
    [got] = receive(url, VisibilityTimeout=0)
    code = code_of(
        sqs.change_message_visibility, QueueUrl=url, ReceiptHandle=got["ReceiptHandle"], VisibilityTimeout=5)
    assert code in ("AWS.SimpleQueueService.MessageNotInflight", "InvalidParameterValue")


def test_a_deleted_message_is_gone_and_deleting_again_is_no_error(sqs, queue, receive):
    url = queue()
    sqs.send_message(QueueUrl=url, MessageBody="x")
    [got] = receive(url, VisibilityTimeout=0)
    for _ in range(2):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
    assert receive(url, wait_s=1) == []


def test_a_bad_receipt_handle_is_told(sqs, queue):
    url = queue()
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=url, ReceiptHandle="nonsense")
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle="nonsense", VisibilityTimeout=1)


def test_delays_of_message_and_queue_hold_it_back(sqs, queue, receive):
    url = queue(DelaySeconds="1")
    sqs.send_message(QueueUrl=url, MessageBody="by queue")
    sqs.send_message(QueueUrl=url, MessageBody="at once", DelaySeconds=0)
    got = receive(url, wait_s=0)
    assert [one["Body"] for one in got] == ["at once"]
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessagesDelayed"] == "1"
    assert [one["Body"] for one in receive(url)] == ["by queue"]
    assert code_of(sqs.send_message, QueueUrl=url, MessageBody="x", DelaySeconds=901) == "InvalidParameterValue"


def test_a_group_on_a_standard_queue_comes_back(sqs, queue, receive):
    url = queue()
    sqs.send_message(QueueUrl=url, MessageBody="x", MessageGroupId="tenant-a")
    [got] = receive(url)
    assert got["Attributes"]["MessageGroupId"] == "tenant-a"


def test_one_mebibyte_fits_and_a_byte_more_does_not(sqs, queue, receive):
    url = queue()
    sqs.send_message(QueueUrl=url, MessageBody="x" * MIB)
    assert len(receive(url)[0]["Body"]) == MIB
    assert code_of(sqs.send_message, QueueUrl=url, MessageBody="x" * (MIB + 1)) == "InvalidParameterValue"
    attributes = {"a": {"DataType": "String", "StringValue": "b"}}
    full = dict(QueueUrl=url, MessageBody="x" * MIB, MessageAttributes=attributes)
    assert code_of(sqs.send_message, **full) == "InvalidParameterValue"


def test_a_queues_own_limit_holds(sqs, queue):
    url = queue(MaximumMessageSize="1024")
    sqs.send_message(QueueUrl=url, MessageBody="x" * 1024)
    assert code_of(sqs.send_message, QueueUrl=url, MessageBody="x" * 1025) == "InvalidParameterValue"


@pytest.mark.parametrize("body", ["\x00", "bell \x07", "\ufffe"])
def test_characters_that_sqs_does_not_carry_are_refused(sqs, queue, body):
    with pytest.raises(sqs.exceptions.InvalidMessageContents):
        sqs.send_message(QueueUrl=queue(), MessageBody=body)


def test_an_empty_body_is_refused(sqs, queue):
    assert code_of(sqs.send_message, QueueUrl=queue(), MessageBody="") in ("MissingParameter", "InvalidParameterValue")


@pytest.mark.parametrize("key, value", [
    ("eleven", None),
    ("aws.reserved", {"DataType": "String", "StringValue": "x"}),
    ("bad name", {"DataType": "String", "StringValue": "x"}),
    ("kind", {"DataType": "Boolean", "StringValue": "x"}),
    ("number", {"DataType": "Number", "StringValue": "not one"}),
    ("empty", {"DataType": "String", "StringValue": ""}),
])
def test_attributes_that_cannot_be_are_refused(sqs, queue, key, value):
    one = {"DataType": "String", "StringValue": "x"}
    given = {f"a{n}": one for n in range(11)} if key == "eleven" else {key: value}
    code = code_of(sqs.send_message, QueueUrl=queue(), MessageBody="x", MessageAttributes=given)
    assert code == "InvalidParameterValue"


def test_receives_out_of_bounds_are_refused(sqs, queue):
    url = queue()
    for arguments in ({"MaxNumberOfMessages": 11}, {"MaxNumberOfMessages": 0}, {"WaitTimeSeconds": 21}):
        assert code_of(sqs.receive_message, QueueUrl=url, **arguments) == "InvalidParameterValue"


def test_a_batch_tells_of_each_entry(sqs, queue, receive):
    url = queue(MaximumMessageSize="1024")
    answer = sqs.send_message_batch(QueueUrl=url, Entries=[
        {"Id": "good", "MessageBody": "fine"},
        {"Id": "big", "MessageBody": "x" * 1025},
        {"Id": "other", "MessageBody": "fine too", "MessageAttributes": {"a": {"DataType": "String", "StringValue": "b"}}},
    ])
    assert sorted(one["Id"] for one in answer["Successful"]) == ["good", "other"]
    [failed] = answer["Failed"]
    assert (failed["Id"], failed["SenderFault"], failed["Code"]) == ("big", True, "InvalidParameterValue")
    digests = {one["Id"]: one["MD5OfMessageBody"] for one in answer["Successful"]}
    assert digests["good"] == hashlib.md5(b"fine").hexdigest()
    got = receive(url, 2)
    assert sorted(one["Body"] for one in got) == ["fine", "fine too"]
    entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(got)]
    changed = sqs.change_message_visibility_batch(
        QueueUrl=url,
        Entries=[dict(one, VisibilityTimeout=60) for one in entries]
        + [{"Id": "bad", "ReceiptHandle": "nonsense", "VisibilityTimeout": 1}],
    )
    assert sorted(one["Id"] for one in changed["Successful"]) == ["0", "1"]
    assert [(one["Id"], one["Code"]) for one in changed["Failed"]] == [("bad", "ReceiptHandleIsInvalid")]
    deleted = sqs.delete_message_batch(QueueUrl=url, Entries=[*entries, {"Id": "bad", "ReceiptHandle": "nonsense"}])
    assert sorted(one["Id"] for one in deleted["Successful"]) == ["0", "1"]
    assert [(one["Id"], one["Code"]) for one in deleted["Failed"]] == [("bad", "ReceiptHandleIsInvalid")]


@pytest.mark.parametrize("entries, code", [
    ([], "AWS.SimpleQueueService.EmptyBatchRequest"),
    ([{"Id": str(n), "MessageBody": "x"} for n in range(11)], "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"),
    ([{"Id": "same", "MessageBody": "x"}] * 2, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"),
    ([{"Id": "bad id!", "MessageBody": "x"}], "AWS.SimpleQueueService.InvalidBatchEntryId"),
    ([{"Id": str(n), "MessageBody": "x" * (MIB // 2 + 1)} for n in range(2)], "AWS.SimpleQueueService.BatchRequestTooLong"),
])
def test_a_batch_that_cannot_be_is_refused_as_a_whole(sqs, queue, entries, code):
    url = queue()
    assert code_of(sqs.send_message_batch, QueueUrl=url, Entries=entries) == code
    assert "Messages" not in sqs.receive_message(QueueUrl=url)

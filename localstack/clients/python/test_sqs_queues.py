"""Owns what SQS must do with queues: their life, attributes, tags and refusals, as boto3 sees them.

Never sends more than it needs to count; messages have their own file.
Next: test_sqs_messages.py.
"""

import json
import time

import pytest
from botocore.exceptions import ClientError


def code_of(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


def test_a_queue_is_found_by_its_name(sqs, queue, name):
    url = queue()
    assert sqs.get_queue_url(QueueName=f"{name}-0")["QueueUrl"] == url
    assert url.rsplit("/", 1)[1] == f"{name}-0"


def test_a_queue_that_is_not_there_is_told_by_its_own_exception(sqs, queue, name):
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as refused:
        sqs.get_queue_url(QueueName=name)
    assert refused.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert refused.value.response["Error"]["QueryErrorCode"] == "QueueDoesNotExist"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.send_message(QueueUrl=queue() + "-not", MessageBody="x")


def test_all_attributes_come_back_as_they_were_given(sqs, queue):
    given = {
        "DelaySeconds": "1", "MaximumMessageSize": "2048", "MessageRetentionPeriod": "600",
        "ReceiveMessageWaitTimeSeconds": "3", "VisibilityTimeout": "7", "SqsManagedSseEnabled": "true",
    }
    policy = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}]}
    url = queue(Policy=json.dumps(policy), **given)
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert {key: found.get(key) for key in given} == given
    assert json.loads(found["Policy"])["Statement"][0]["Action"] in ("sqs:SendMessage", "SQS:SendMessage")
    assert abs(int(found["CreatedTimestamp"]) - time.time()) < 5
    assert int(found["LastModifiedTimestamp"]) >= int(found["CreatedTimestamp"])
    for counter in ("", "NotVisible", "Delayed"):
        assert found[f"ApproximateNumberOfMessages{counter}"] == "0"
    assert found["QueueArn"].endswith(url.rsplit("/", 1)[1])


def test_defaults_are_those_of_aws(sqs, queue):
    found = sqs.get_queue_attributes(QueueUrl=queue(), AttributeNames=["All"])["Attributes"]
    wanted = {
        "DelaySeconds": "0", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600",
        "ReceiveMessageWaitTimeSeconds": "0", "VisibilityTimeout": "30",
    }
    assert {key: found.get(key) for key in wanted} == wanted


def test_only_the_attributes_that_were_asked_for_come(sqs, queue):
    asked = ["VisibilityTimeout", "QueueArn"]
    found = sqs.get_queue_attributes(QueueUrl=queue(), AttributeNames=asked)["Attributes"]
    assert set(found) == set(asked)
    assert code_of(sqs.get_queue_attributes, QueueUrl=queue(), AttributeNames=["Nonsense"]) == "InvalidAttributeName"


def test_set_attributes_hold(sqs, queue):
    url = queue()
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "11", "DelaySeconds": "2"})
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (found["VisibilityTimeout"], found["DelaySeconds"]) == ("11", "2")


def test_creating_again_is_the_same_queue_unless_attributes_differ(sqs, queue, name):
    url = queue(VisibilityTimeout="11")
    again = sqs.create_queue(QueueName=f"{name}-0", Attributes={"VisibilityTimeout": "11"})
    assert again["QueueUrl"] == url
    assert sqs.create_queue(QueueName=f"{name}-0")["QueueUrl"] == url
    with pytest.raises(sqs.exceptions.QueueNameExists) as refused:
        sqs.create_queue(QueueName=f"{name}-0", Attributes={"VisibilityTimeout": "12"})
    assert refused.value.response["Error"]["Code"] in ("QueueAlreadyExists", "QueueNameExists")


@pytest.mark.parametrize("attributes, code", [
    ({"VisibilityTimeout": "43201"}, "InvalidAttributeValue"),
    ({"DelaySeconds": "901"}, "InvalidAttributeValue"),
    ({"MessageRetentionPeriod": "59"}, "InvalidAttributeValue"),
    ({"MaximumMessageSize": "1023"}, "InvalidAttributeValue"),
    ({"MaximumMessageSize": "1048577"}, "InvalidAttributeValue"),
    ({"ReceiveMessageWaitTimeSeconds": "21"}, "InvalidAttributeValue"),
    ({"VisibilityTimeout": "soon"}, "InvalidAttributeValue"),
    ({"Nonsense": "1"}, "InvalidAttributeName"),
])
def test_an_attribute_that_cannot_be_is_refused(sqs, name, attributes, code):
    assert code_of(sqs.create_queue, QueueName=name, Attributes=attributes) == code
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName=name)


@pytest.mark.parametrize("bad", ["with space", "dot.in", "x" * 81, ""])
def test_a_name_that_cannot_be_is_refused(sqs, bad):
    assert code_of(sqs.create_queue, QueueName=bad) in ("InvalidParameterValue", "MissingParameter")


def test_fifo_and_the_ending_of_the_name_belong_together(sqs, name):
    assert code_of(sqs.create_queue, QueueName=f"{name}.fifo") == "InvalidParameterValue"
    assert code_of(sqs.create_queue, QueueName=name, Attributes={"FifoQueue": "true"}) == "InvalidParameterValue"


def test_queues_are_listed_by_prefix_and_in_pages(sqs, queue, name):
    urls = sorted(queue() for _ in range(3))
    assert sorted(sqs.list_queues(QueueNamePrefix=name)["QueueUrls"]) == urls
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=name, PaginationConfig={"PageSize": 2})
    sizes, found = [], []
    for page in pages:
        sizes.append(len(page["QueueUrls"]))
        found += page["QueueUrls"]
    assert (sizes, sorted(found)) == ([2, 1], urls)
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=f"{name}-none")


def test_a_deleted_queue_is_gone_with_its_messages(sqs, queue):
    url = queue()
    sqs.send_message(QueueUrl=url, MessageBody="gone")
    sqs.delete_queue(QueueUrl=url)
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.receive_message(QueueUrl=url)


def test_a_purge_empties_a_queue_and_a_second_one_waits_its_minute(sqs, queue, until):
    url = queue()
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": "x"} for n in range(5)])
    sqs.purge_queue(QueueUrl=url)
    until(lambda: "Messages" not in sqs.receive_message(QueueUrl=url, VisibilityTimeout=0))
    with pytest.raises(sqs.exceptions.PurgeQueueInProgress):
        sqs.purge_queue(QueueUrl=url)


def test_tags_are_added_replaced_and_taken_away(sqs, name):
    url = sqs.create_queue(QueueName=name, tags={"team": "a", "stage": "test"})["QueueUrl"]
    try:
        sqs.tag_queue(QueueUrl=url, Tags={"team": "b", "new": "1"})
        assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "b", "stage": "test", "new": "1"}
        sqs.untag_queue(QueueUrl=url, TagKeys=["team", "stage", "absent"])
        assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"new": "1"}
    finally:
        sqs.delete_queue(QueueUrl=url)

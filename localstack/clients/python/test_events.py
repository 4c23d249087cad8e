"""Owns what EventBridge must do with buses, rules, targets, tags, archives and replays.

Never a pattern's meaning, nor what a target gets: those have their own files.
Next: test_events_patterns.py and test_events_delivery.py.
"""

import json
from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError

PATTERN = json.dumps({"source": ["test"]})


@pytest.fixture
def bus(events, name):
    """A bus of its own, which takes its rules with it."""
    events.create_event_bus(Name=name)
    yield name
    for rule in events.list_rules(EventBusName=name)["Rules"]:
        targets = events.list_targets_by_rule(Rule=rule["Name"], EventBusName=name)["Targets"]
        if targets:
            events.remove_targets(Rule=rule["Name"], EventBusName=name, Ids=[one["Id"] for one in targets])
        events.delete_rule(Name=rule["Name"], EventBusName=name)
    events.delete_event_bus(Name=name)


def code_of(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


def test_a_bus_is_made_found_listed_and_gone(events, name):
    arn = events.create_event_bus(Name=name, Tags=[{"Key": "a", "Value": "1"}])["EventBusArn"]
    assert arn.endswith(f":event-bus/{name}")
    assert events.describe_event_bus(Name=name)["Arn"] == arn
    assert [one["Name"] for one in events.list_event_buses(NamePrefix=name)["EventBuses"]] == [name]
    with pytest.raises(events.exceptions.ResourceAlreadyExistsException):
        events.create_event_bus(Name=name)
    events.delete_event_bus(Name=name)
    with pytest.raises(events.exceptions.ResourceNotFoundException):
        events.describe_event_bus(Name=name)
    events.delete_event_bus(Name=name)


def test_the_default_bus_is_always_there(events):
    assert events.describe_event_bus()["Name"] == "default"
    assert code_of(events.delete_event_bus, Name="default") == "ValidationException"


def test_a_rule_is_made_changed_and_gone(events, bus):
    arn = events.put_rule(Name="r", EventBusName=bus, EventPattern=PATTERN, Description="first")["RuleArn"]
    assert arn.endswith(f":rule/{bus}/r")
    assert events.put_rule(Name="r", EventBusName=bus, EventPattern=PATTERN, Description="second")["RuleArn"] == arn
    rule = events.describe_rule(Name="r", EventBusName=bus)
    assert (rule["Description"], rule["State"], rule["EventBusName"]) == ("second", "ENABLED", bus)
    assert json.loads(rule["EventPattern"]) == {"source": ["test"]}
    events.put_rule(Name="other", EventBusName=bus, EventPattern=PATTERN, State="DISABLED")
    assert [one["Name"] for one in events.list_rules(EventBusName=bus, NamePrefix="o")["Rules"]] == ["other"]
    first = events.list_rules(EventBusName=bus, Limit=1)
    rest = events.list_rules(EventBusName=bus, NextToken=first["NextToken"])
    assert sorted(one["Name"] for one in first["Rules"] + rest["Rules"]) == ["other", "r"]
    events.delete_rule(Name="r", EventBusName=bus)
    with pytest.raises(events.exceptions.ResourceNotFoundException):
        events.describe_rule(Name="r", EventBusName=bus)
    events.delete_rule(Name="r", EventBusName=bus)


def test_a_rule_is_disabled_and_enabled(events, bus):
    events.put_rule(Name="r", EventBusName=bus, EventPattern=PATTERN)
    for call, state in ((events.disable_rule, "DISABLED"), (events.enable_rule, "ENABLED")):
        call(Name="r", EventBusName=bus)
        assert events.describe_rule(Name="r", EventBusName=bus)["State"] == state


@pytest.mark.parametrize("pattern", ["no json", '{"source": "not a list"}', '{"a": [{"nonsense": 1}]}', "{}"])
def test_a_pattern_that_cannot_be_is_refused(events, bus, pattern):
    with pytest.raises(events.exceptions.InvalidEventPatternException):
        events.put_rule(Name="r", EventBusName=bus, EventPattern=pattern)


def test_what_is_not_there_is_told(events, bus):
    missing = events.exceptions.ResourceNotFoundException
    with pytest.raises(missing):
        events.put_rule(Name="r", EventBusName=bus + "-not", EventPattern=PATTERN)
    with pytest.raises(missing):
        events.put_targets(Rule="r", EventBusName=bus, Targets=[{"Id": "t", "Arn": "arn:aws:sqs:us-east-1:000000000000:q"}])
    with pytest.raises(missing):
        events.enable_rule(Name="r", EventBusName=bus)


def test_targets_are_put_listed_and_removed(events, bus, queue, arn):
    events.put_rule(Name="r", EventBusName=bus, EventPattern=PATTERN)
    to = arn(queue())
    target = {
        "Id": "one", "Arn": to, "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 60},
        "DeadLetterConfig": {"Arn": arn(queue())},
    }
    answer = events.put_targets(Rule="r", EventBusName=bus, Targets=[target, {"Id": "two", "Arn": to, "Input": "1"}])
    assert (answer["FailedEntryCount"], answer["FailedEntries"]) == (0, [])
    found = {one["Id"]: one for one in events.list_targets_by_rule(Rule="r", EventBusName=bus)["Targets"]}
    assert found == {"one": target, "two": {"Id": "two", "Arn": to, "Input": "1"}}
    assert events.list_rule_names_by_target(TargetArn=to, EventBusName=bus)["RuleNames"] == ["r"]
    assert code_of(events.delete_rule, Name="r", EventBusName=bus) == "ValidationException"
    gone = events.remove_targets(Rule="r", EventBusName=bus, Ids=["one", "absent"])
    assert gone["FailedEntryCount"] in (0, 1)
    assert [one["Id"] for one in events.list_targets_by_rule(Rule="r", EventBusName=bus)["Targets"]] == ["two"]


def test_a_rule_takes_five_targets_and_no_more(events, bus, queue, arn):
    events.put_rule(Name="r", EventBusName=bus, EventPattern=PATTERN)
    to = arn(queue())
    six = [{"Id": str(n), "Arn": to} for n in range(6)]
    assert code_of(events.put_targets, Rule="r", EventBusName=bus, Targets=six) == "LimitExceededException"


def test_tags_are_added_and_taken_away(events, bus):
    rule = events.put_rule(Name="r", EventBusName=bus, EventPattern=PATTERN, Tags=[{"Key": "a", "Value": "1"}])["RuleArn"]
    for arn in (rule, events.describe_event_bus(Name=bus)["Arn"]):
        events.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
        events.untag_resource(ResourceARN=arn, TagKeys=["a"])
        assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "3"}]


def test_an_archive_is_made_changed_and_gone(events, bus, name):
    source = events.describe_event_bus(Name=bus)["Arn"]
    made = events.create_archive(ArchiveName=name, EventSourceArn=source, RetentionDays=7, EventPattern=PATTERN)
    assert made["ArchiveArn"].endswith(f":archive/{name}")
    with pytest.raises(events.exceptions.ResourceAlreadyExistsException):
        events.create_archive(ArchiveName=name, EventSourceArn=source)
    events.update_archive(ArchiveName=name, RetentionDays=3, Description="shorter")
    found = events.describe_archive(ArchiveName=name)
    assert (found["State"], found["RetentionDays"], found["Description"]) == ("ENABLED", 3, "shorter")
    assert (found["EventSourceArn"], json.loads(found["EventPattern"])) == (source, {"source": ["test"]})
    assert [one["ArchiveName"] for one in events.list_archives(NamePrefix=name)["Archives"]] == [name]
    events.delete_archive(ArchiveName=name)
    with pytest.raises(events.exceptions.ResourceNotFoundException):
        events.describe_archive(ArchiveName=name)


def test_a_replay_delivers_again_what_the_archive_holds(events, sqs, bus, name, queue, arn, receive, until):
    source = events.describe_event_bus(Name=bus)["Arn"]
    to = queue()
    for rule in ("r", "other"):
        events.put_rule(Name=rule, EventBusName=bus, EventPattern=PATTERN)
        events.put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": "t", "Arn": arn(to)}])
    archive = events.create_archive(ArchiveName=name, EventSourceArn=source, EventPattern=PATTERN)["ArchiveArn"]
    began = datetime.now(timezone.utc) - timedelta(seconds=5)
    entry = {"Source": "test", "DetailType": "d", "Detail": '{"n": 1}', "EventBusName": bus}
    sent = events.put_events(Entries=[entry, dict(entry, Source="not archived")])["Entries"][0]["EventId"]
    first = receive(to, 2)
    assert len(first) == 2 and all("replay-name" not in json.loads(one["Body"]) for one in first)
    for one in first:
        sqs.delete_message(QueueUrl=to, ReceiptHandle=one["ReceiptHandle"])
    until(lambda: events.describe_archive(ArchiveName=name)["EventCount"] == 1)
    only = f"{source.replace(':event-bus/', ':rule/')}/r"
    started = events.start_replay(
        ReplayName=name, EventSourceArn=archive, EventStartTime=began,
        EventEndTime=datetime.now(timezone.utc) + timedelta(seconds=1),
        Destination={"Arn": source, "FilterArns": [only]},
    )
    assert started["State"] in ("STARTING", "RUNNING", "COMPLETED")
    until(lambda: events.describe_replay(ReplayName=name)["State"] == "COMPLETED")
    again = [json.loads(one["Body"]) for one in receive(to, 2, wait_s=2)]
    assert [(one["id"], one["detail"], one["replay-name"]) for one in again] == [(sent, {"n": 1}, name)]
    assert [one["ReplayName"] for one in events.list_replays(NamePrefix=name)["Replays"]] == [name]
    assert code_of(events.cancel_replay, ReplayName=name) == "IllegalStatusException"
    events.delete_archive(ArchiveName=name)


def test_an_operation_that_is_not_there_says_its_name_with_501(events, sts):
    for call, arguments in (
        (events.list_connections, {}), (sts.get_session_token, {}),
    ):
        with pytest.raises(ClientError) as refused:
            call(**arguments)
        answer = refused.value.response
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 501
        wanted = "".join(part.title() for part in call.__name__.split("_"))
        assert wanted in str(answer["Error"])
        assert "not implemented by the embedded stand-in" in str(answer["Error"])

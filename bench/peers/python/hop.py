"""Owns the step that every Python contender does: what a message says, the claim, the completion, the event, the clients.

Never a second way of any of it: a contender differs from the others only in how it receives and in who keeps its record.
Next: loop.py, celery_app.py, powertools.py; their places come from the environment that `peers-bench` gives them.
"""

import json
import os
import signal
import threading
import time
import uuid

import boto3
from botocore.config import Config

QUEUE_URL = os.environ["PEERS_QUEUE_URL"]
TABLE = os.environ["PEERS_TABLE"]
BUS = os.environ["PEERS_BUS"]
THREADS = int(os.environ.get("PEERS_THREADS", "1"))
BATCH = 10
VISIBILITY_S = 90
LEASE_MS = 60_000

stop = threading.Event()


def stop_at_sigterm():
    signal.signal(signal.SIGTERM, lambda *_: stop.set())


class Clients:
    """One of each service; threads may share them."""

    def __init__(self):
        config = Config(retries={"total_max_attempts": 1}, read_timeout=40, max_pool_connections=10 + THREADS)
        session = boto3.session.Session()
        self.sqs = session.client("sqs", config=config)
        self.events = session.client("events", config=config)
        self.dynamodb = session.client("dynamodb", config=config)


def now_ms():
    return int(time.time() * 1000)


def detail_of(body):
    """What was published, out of EventBridge's wrapper."""
    return json.loads(body)["detail"]


def receive(clients):
    answer = clients.sqs.receive_message(
        QueueUrl=QUEUE_URL,
        MaxNumberOfMessages=BATCH,
        WaitTimeSeconds=1,
        VisibilityTimeout=VISIBILITY_S,
        MessageSystemAttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    return answer.get("Messages", [])


def delete(clients, messages):
    entries = [{"Id": str(at), "ReceiptHandle": one["ReceiptHandle"]} for at, one in enumerate(messages)]
    answer = clients.sqs.delete_message_batch(QueueUrl=QUEUE_URL, Entries=entries)
    assert not answer.get("Failed"), answer


def claim(clients, detail, owner):
    """Whether it is mine: put if absent. Nobody ever takes over from a holder that died."""
    item = {
        "id": {"S": detail["id"]},
        "status": {"S": "claimed"},
        "owner": {"S": owner},
        "lease": {"N": str(now_ms() + LEASE_MS)},
    }
    try:
        clients.dynamodb.put_item(TableName=TABLE, Item=item, ConditionExpression="attribute_not_exists(id)")
        return True
    except clients.dynamodb.exceptions.ConditionalCheckFailedException:
        return False


def work(detail):
    wait_ms = detail["data"]["wait_ms"]
    if wait_ms:
        time.sleep(wait_ms / 1000)
    return done(detail)


def done(detail):
    """The event that the message leads to, with the fields of the one that led to it."""
    data = {"number": detail["data"]["number"], "text": detail["data"]["text"]}
    own = {"id": str(uuid.uuid4()), "source": "peers", "type": "hop.done", "causationid": detail["id"]}
    return {**detail, **own, "hops": detail["hops"] + 1, "data": data}


def publish(clients, events):
    entries = [
        {"EventBusName": BUS, "Source": "peers", "DetailType": "hop.done", "Detail": json.dumps(event)}
        for event in events
    ]
    answer = clients.events.put_events(Entries=entries)
    assert answer["FailedEntryCount"] == 0, answer


def complete(clients, detail, owner, event):
    clients.dynamodb.update_item(
        TableName=TABLE,
        Key={"id": {"S": detail["id"]}},
        UpdateExpression="SET #status = :completed, outcome = :outcome",
        ConditionExpression="#status = :claimed AND #owner = :owner",
        ExpressionAttributeNames={"#status": "status", "#owner": "owner"},
        ExpressionAttributeValues={
            ":completed": {"S": "completed"},
            ":claimed": {"S": "claimed"},
            ":owner": {"S": owner},
            ":outcome": {"S": json.dumps(event)},
        },
    )


def in_threads(one_loop):
    """So many loops until SIGTERM; the first that fails ends the process with its traceback."""
    failures = []

    def run():
        try:
            one_loop()
        except BaseException as failure:  # a loop that ends early is the whole run's failure
            failures.append(failure)
            stop.set()

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]

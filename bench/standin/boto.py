"""Owns the figures through boto3: two client threads, the stand-in and ministack in turn, medians and their ratios.

Never a server's code path of its own: both get the same calls, in the same process, minutes apart at most.
Next: `run.sh` builds what this measures; `docs/benchmarks.md` keeps the figures.
"""

import argparse
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"  # before boto3 looks

import boto3  # noqa: E402
from botocore.config import Config  # noqa: E402

THREADS = 2
BATCH = 10
BODY = json.dumps({"goal": "g" * 36, "text": "x" * 150})
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
PATIENCE_S = 30

# name, unit, the bar on stand-in / ministack, the best figure of any emulator that was seen before this one existed
SPEEDS = [
    ("SQS send 10 + receive 10 + delete 10", "messages/s", 1.9, 4682),
    ("PutEvents 10 to SQS, receive 10 + delete 10", "events/s", 1.8, 3626),
    ("conditional PutItem", "puts/s", 1.5, 1522),
]
LATENCY = ("PutEvents to ReceiveMessage, median", "ms", 0.6, 1.6)


class Server:
    """A process that speaks AWS; it ends with this object."""

    def __init__(self, name, command, folder, port=None):
        self.name = name
        self.log = open(os.path.join(folder, "log"), "w+b")
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            self.endpoint = f"http://127.0.0.1:{port}" if port else self.said_where()
            self.wait_until_it_answers()
        except BaseException:
            self.stop()
            raise
        self.clients = {}

    def said_where(self):
        pattern = re.compile(rb"http://127\.0\.0\.1:\d+")
        return self.until(lambda: pattern.search(self.text())).group().decode()

    def text(self):
        with open(self.log.name, "rb") as log:
            return log.read()

    def until(self, look):
        give_up = time.monotonic() + PATIENCE_S
        while True:
            found = look()
            if found:
                return found
            if self.process.poll() is not None or time.monotonic() > give_up:
                sys.exit(f"{self.name} did not come up:\n{self.text().decode(errors='replace')[-2000:]}")
            time.sleep(0.01)

    def wait_until_it_answers(self):
        health = f"_{'embedded' if self.name == 'stand-in' else 'ministack'}/health"

        def answers():
            try:
                with urllib.request.urlopen(f"{self.endpoint}/{health}", timeout=2) as answer:
                    return answer.status == 200
            except OSError:
                return False

        self.until(answers)

    def client(self, service, thread=0):
        """Each thread has clients of its own, with connections of their own."""
        key = (service, thread)
        if key not in self.clients:
            self.clients[key] = boto3.session.Session().client(
                service,
                endpoint_url=self.endpoint,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(retries={"total_max_attempts": 1}, read_timeout=40),
            )
        return self.clients[key]

    def cpu_s(self):
        """Of the process, and of children that it waited for."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return sum(int(field) for field in fields[11:15]) / TICKS_A_SECOND

    def stop(self):
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        except ProcessLookupError:
            pass
        self.log.close()


def in_threads(work, seconds):
    """What all threads did in a second, each until the time is over."""
    done, failures = [0] * THREADS, []
    begin, end = threading.Barrier(THREADS + 1), [0.0]

    def run(thread):
        try:
            begin.wait()
            while time.perf_counter() < end[0]:
                done[thread] += work(thread)
        except BaseException as failure:  # a thread's failure is the whole run's
            failures.append(failure)

    threads = [threading.Thread(target=run, args=[thread], daemon=True) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    end[0] = began + seconds
    begin.wait()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return done, began


def delete_queues(server, queues):
    for queue in queues:
        server.client("sqs").delete_queue(QueueUrl=queue)


def take_ten(server, thread, queue):
    """Receives ten messages and deletes them: two calls, unless a receive returns fewer."""
    sqs, left = server.client("sqs", thread), BATCH
    while left:
        got = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=left).get("Messages", [])
        if got:
            handles = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(got)]
            deleted = sqs.delete_message_batch(QueueUrl=queue, Entries=handles)
            assert len(deleted["Successful"]) == len(got), deleted
            left -= len(got)


def sqs_cycle(server, tag, seconds):
    queues = [server.client("sqs").create_queue(QueueName=f"cycle-{tag}-{n}")["QueueUrl"] for n in range(THREADS)]
    entries = [{"Id": str(n), "MessageBody": BODY} for n in range(BATCH)]

    def work(thread):
        sent = server.client("sqs", thread).send_message_batch(QueueUrl=queues[thread], Entries=entries)
        assert len(sent["Successful"]) == BATCH, sent
        take_ten(server, thread, queues[thread])
        return BATCH

    done, began = in_threads(work, seconds)
    elapsed = time.perf_counter() - began
    delete_queues(server, queues)
    return sum(done) / elapsed


def routed_queue(server, tag):
    """A queue, and a rule on the default bus that sends it the events of one source."""
    sqs, events = server.client("sqs"), server.client("events")
    queue = sqs.create_queue(QueueName=f"routed-{tag}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Statement": [policy]})})
    pattern = json.dumps({"source": [f"bench.{tag}"], "detail-type": ["goal.requested"]})
    events.put_rule(Name=f"rule-{tag}", EventPattern=pattern)
    events.put_targets(Rule=f"rule-{tag}", Targets=[{"Id": "queue", "Arn": arn}])
    return queue


def forget_route(server, tag, queue):
    events = server.client("events")
    events.remove_targets(Rule=f"rule-{tag}", Ids=["queue"])
    events.delete_rule(Name=f"rule-{tag}")
    delete_queues(server, [queue])


def event(tag):
    return {"Source": f"bench.{tag}", "DetailType": "goal.requested", "Detail": BODY}


def put_events(server, tag, seconds):
    """Ten events, which count once they were received; they are deleted, too."""
    tags = [f"{tag}-{n}" for n in range(THREADS)]
    queues = [routed_queue(server, tag) for tag in tags]

    def work(thread):
        put = server.client("events", thread).put_events(Entries=[event(tags[thread])] * BATCH)
        assert put["FailedEntryCount"] == 0, put
        take_ten(server, thread, queues[thread])
        return BATCH

    done, began = in_threads(work, seconds)
    elapsed = time.perf_counter() - began
    for tag, queue in zip(tags, queues):
        forget_route(server, tag, queue)
    return sum(done) / elapsed


def put_items(server, tag, seconds):
    table, dynamodb = f"puts-{tag}", server.client("dynamodb")
    dynamodb.create_table(
        TableName=table,
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1})
    counts = [0] * THREADS

    def work(thread):
        counts[thread] += 1
        put(server.client("dynamodb", thread), f"{thread}-{counts[thread]}")
        return 1

    def put(client, key):
        item = {"pk": {"S": key}, "body": {"S": BODY}, "version": {"N": "1"}}
        client.put_item(TableName=table, Item=item, ConditionExpression="attribute_not_exists(pk)")

    done, began = in_threads(work, seconds)
    elapsed = time.perf_counter() - began
    try:
        put(dynamodb, "0-1")
        sys.exit(f"{server.name} puts an item in spite of its condition")
    except dynamodb.exceptions.ConditionalCheckFailedException:
        pass
    dynamodb.delete_table(TableName=table)
    return sum(done) / elapsed


def latency_ms(server, tag, samples):
    """From before PutEvents until a long poll that waited has its message."""
    queue, heard, took = routed_queue(server, tag), threading.Semaphore(0), []
    asks = threading.Semaphore(0)
    arrived = []

    def receive():
        sqs = server.client("sqs", 1)
        for _ in range(samples):
            asks.release()
            got = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10, MaxNumberOfMessages=10)
            arrived.append(time.perf_counter())
            for one in got.get("Messages", []):
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
            heard.release()

    receiver = threading.Thread(target=receive, daemon=True)
    receiver.start()
    for _ in range(samples):
        asks.acquire()
        time.sleep(0.01)  # the poll is on its way: let it wait
        before = time.perf_counter()
        server.client("events", 0).put_events(Entries=[event(tag)])
        if not heard.acquire(timeout=PATIENCE_S):
            sys.exit(f"{server.name}: an event did not arrive")
        took.append((arrived[-1] - before) * 1000)
    receiver.join()
    forget_route(server, tag, queue)
    return statistics.median(took)


def measure(servers, rounds, seconds, samples):
    """One figure for each load, server and round, and how busy each server was."""
    loads = [
        lambda server, tag: sqs_cycle(server, tag, seconds),
        lambda server, tag: put_events(server, tag, seconds),
        lambda server, tag: put_items(server, tag, seconds),
        lambda server, tag: latency_ms(server, tag, samples),
    ]
    figures = [{server.name: [] for server in servers} for _ in loads]
    busy = [{server.name: [] for server in servers} for _ in loads]
    for n in range(-1, rounds):  # the first warms up
        for at, load in enumerate(loads):
            for server in servers if n % 2 else reversed(servers):
                cpu, began = server.cpu_s(), time.perf_counter()
                figure = load(server, f"{n + 1}")
                if n >= 0:
                    figures[at][server.name].append(figure)
                    busy[at][server.name].append((server.cpu_s() - cpu) / (time.perf_counter() - began))
    return figures, busy


def judge(figures, busy):
    """One line for each bar; how many were missed."""
    missed = 0
    for at, (name, unit, bar, best) in enumerate([*SPEEDS, LATENCY]):
        ours, theirs = figures[at]["stand-in"], figures[at]["ministack"]
        ratio = statistics.median(one / other for one, other in zip(ours, theirs))
        lower = unit == "ms"
        good = ratio <= bar if lower else ratio >= bar
        missed += not good
        digits = 2 if lower else 0
        shares = [round(statistics.median(busy[at][who]) * 100) for who in ("stand-in", "ministack")]
        print(
            f"{name}: bar {'<=' if lower else '>='} {bar} x ministack, measured {ratio:.2f} x, "
            f"{'ok' if good else 'MISSED'} ({statistics.median(ours):.{digits}f} and {statistics.median(theirs):.{digits}f} "
            f"{unit}; best seen before {best}; servers busy {shares[0]} % and {shares[1]} % of a core)",
            flush=True,
        )
    return missed


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def main():
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--embedded", required=True, help="the program embedded-cloud")
    flags.add_argument("--ministack", required=True, help="ministack.sh")
    flags.add_argument("--rounds", type=int, default=9)
    flags.add_argument("--seconds", type=float, default=1.0, help="of each load in each round")
    flags.add_argument("--samples", type=int, default=30, help="of the latency in each round")
    flags = flags.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers end, too
    servers = []
    with tempfile.TemporaryDirectory(prefix="bench-standin-") as folder:
        ours, theirs = os.path.join(folder, "ours"), os.path.join(folder, "theirs")
        os.mkdir(ours), os.mkdir(theirs)
        try:
            data, port = os.path.join(ours, "data"), free_port()
            servers.append(Server("stand-in", [flags.embedded, "--data", data, "--listen", "127.0.0.1:0"], ours))
            servers.append(Server("ministack", [flags.ministack, str(port), theirs], theirs, port))
            missed = judge(*measure(servers, flags.rounds, flags.seconds, flags.samples))
        finally:
            for server in servers:
                server.stop()
    print(f"bench-standin, boto3: {len(SPEEDS) + 1 - missed} of {len(SPEEDS) + 1} bars held, {flags.rounds} rounds")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

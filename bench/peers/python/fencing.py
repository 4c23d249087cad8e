"""Owns the scene of two holders under Powertools' idempotency: one is frozen until its record has expired, a second runs
to its end, and the first goes on. Once it succeeds, late; once it fails, late. Prints the record after each act.

Never a patched Powertools: its own functions, against the server that AWS_ENDPOINT_URL names. A frozen process is stopped
by SIGSTOP, as a stalled machine would stop it.
Next: exits with 1 where the late holder is kept out, so that a Powertools that is mended does not go unnoticed.
"""

import importlib.metadata
import json
import signal
import subprocess
import sys
import time

import hop
import powertools

REMAINING_MS = 1_000
WAIT_MAX_S = 30


def hold(name, key, fails):
    """One holder: says that it is at work, waits for a word, and then publishes and returns, or fails."""
    clients = hop.Clients()

    def work(detail):
        print("at work", flush=True)
        sys.stdin.readline()
        if fails:
            raise RuntimeError(f"{name} failed")
        data = {"number": detail["number"], "by": name}
        hop.publish(clients, [{"id": detail["id"], "data": data}])
        return {"by": name}

    once = powertools.step(clients, work, REMAINING_MS)
    try:
        print("returned", json.dumps(once(detail={"id": key, "number": 1})), flush=True)
    except RuntimeError as failure:
        print("raised", failure, flush=True)


class Holder:
    def __init__(self, name, key, fails=False):
        command = [sys.executable, __file__, name, key, "fails" if fails else "works"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def says(self):
        return self.process.stdout.readline().strip()

    def go_on(self):
        """Lets it work to its end; what it says then."""
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        said = self.says()
        self.process.wait(WAIT_MAX_S)
        return said

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def end(self):
        self.process.kill()
        self.process.wait()


def record(dynamodb):
    """The one record of the table, as far as it matters here."""
    items = dynamodb.scan(TableName=hop.TABLE, ConsistentRead=True)["Items"]
    assert len(items) <= 1, items
    return {name: items[0][name].get("S") for name in ("status", "data") if name in items[0]} if items else None


def clear(dynamodb):
    for item in dynamodb.scan(TableName=hop.TABLE)["Items"]:
        dynamodb.delete_item(TableName=hop.TABLE, Key={"id": item["id"]})


def frozen_and_won(dynamodb, key, fails):
    """A is frozen at work, its record expires, B runs to its end. The frozen A, and the winner's record."""
    first = Holder("A", key, fails)
    assert first.says() == "at work"
    first.freeze()
    print(f"  A claims, and is frozen at work: {record(dynamodb)}")
    time.sleep(REMAINING_MS / 1000 + 0.2)
    second = Holder("B", key)
    assert second.says() == "at work"
    print(f"  its record expires; B takes over, publishes, {second.go_on()}: {record(dynamodb)}")
    return first, record(dynamodb)


def late_success(dynamodb):
    print("  ... and succeeds late:")
    first, won = frozen_and_won(dynamodb, "success", False)
    try:
        first.thaw()
        print(f"  A goes on, publishes, {first.go_on()}: {record(dynamodb)}")
        overwritten = record(dynamodb) != won
        print(f"  the winner's record {'was overwritten by the late holder' if overwritten else 'is what it was'}")
        return overwritten
    finally:
        first.end()


def late_failure(dynamodb):
    print("  ... and fails late:")
    first, _ = frozen_and_won(dynamodb, "failure", True)
    try:
        first.thaw()
        print(f"  A goes on, {first.go_on()}: {record(dynamodb)}")
        deleted = record(dynamodb) is None
        print(f"  the winner's record {'was deleted by the late holder' if deleted else 'is there'}")
        third = Holder("C", "failure")
        again = third.says() == "at work"
        if again:
            print(f"  the same message once more: C publishes again, {third.go_on()}: {record(dynamodb)}")
        third.end()
        return deleted and again
    finally:
        first.end()


def main():
    dynamodb = hop.Clients().dynamodb
    version = importlib.metadata.version("aws-lambda-powertools")
    print(f"Powertools {version}, a holder that is frozen until its record has expired ...")
    overwritten = late_success(dynamodb)
    clear(dynamodb)
    deleted = late_failure(dynamodb)
    clear(dynamodb)
    return 0 if overwritten and deleted else 1


if __name__ == "__main__":
    if len(sys.argv) == 4:
        hold(sys.argv[1], sys.argv[2], sys.argv[3] == "fails")
    else:
        sys.exit(main())

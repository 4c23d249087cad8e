"""Owns the loop that a person writes with boto3: receive ten, claim each, publish ten, complete each, delete ten.

Never more than boto3: no schema, no heartbeat, no takeover. A message that somebody else has claimed comes again.
Next: hop.py has the calls.
"""

import uuid

import hop


def main():
    hop.stop_at_sigterm()
    clients = hop.Clients()

    def one_loop():
        while not hop.stop.is_set():
            one_batch(clients)

    hop.in_threads(one_loop)


def one_batch(clients):
    owner = uuid.uuid4().hex
    claimed = []
    for message in hop.receive(clients):
        detail = hop.detail_of(message["Body"])
        if hop.claim(clients, detail, owner):
            claimed.append((message, detail))
    if not claimed:
        return
    events = [hop.work(detail) for _, detail in claimed]
    hop.publish(clients, events)
    for (_, detail), event in zip(claimed, events):
        hop.complete(clients, detail, owner, event)
    hop.delete(clients, [message for message, _ in claimed])


if __name__ == "__main__":
    main()

"""Owns the same loop with the record kept by AWS Lambda Powertools' idempotency, its DynamoDB layer.

Never a claim or a completion of ours: both happen inside `idempotent_function`, so each event is published by itself.
Next: hop.py has the other calls; fencing.py shows what becomes of two holders.
"""

import json

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)

import hop


class Remaining:
    """What Lambda would say of the time that is left: how long a record that is in progress keeps others away."""

    def __init__(self, remaining_ms):
        self.remaining_ms = remaining_ms

    def get_remaining_time_in_millis(self):
        return self.remaining_ms


def step(clients, work, remaining_ms=hop.LEASE_MS):
    """`work` as a function that runs once for each event id."""
    config = IdempotencyConfig(event_key_jmespath="id", lambda_context=Remaining(remaining_ms))
    layer = DynamoDBPersistenceLayer(table_name=hop.TABLE, boto3_client=clients.dynamodb)
    return idempotent_function(work, data_keyword_argument="detail", persistence_store=layer, config=config)


def main():
    hop.stop_at_sigterm()
    clients = hop.Clients()

    def work_and_publish(detail):
        event = hop.work(detail)
        hop.publish(clients, [event])
        return json.dumps(event)

    once = step(clients, work_and_publish)

    def one_loop():
        while not hop.stop.is_set():
            messages = hop.receive(clients)
            for message in messages:
                once(detail=hop.detail_of(message["Body"]))
            if messages:
                hop.delete(clients, messages)

    hop.in_threads(one_loop)


if __name__ == "__main__":
    main()

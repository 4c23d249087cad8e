"""Owns the same step as a Celery task over SQS (kombu): Celery receives and deletes, the task does what is between.

Never Celery's own results: the record is the table's. `acks_late`, or a task would be deleted before it is done.
Next: hop.py has the calls; `peers-bench` puts messages into the queue as Celery itself spells them.
"""

import os
import uuid
from urllib.parse import urlsplit

from celery import Celery

import hop

place = urlsplit(os.environ["AWS_ENDPOINT_URL"])
queue = hop.QUEUE_URL.rsplit("/", 1)[1]
app = Celery("peers", broker=f"sqs://test:test@{place.hostname}:{place.port}")
app.conf.update(
    broker_transport_options={
        "region": "us-east-1",
        "is_secure": False,
        "visibility_timeout": hop.VISIBILITY_S,
        "wait_time_seconds": 1,
        "polling_interval": 0,
        "predefined_queues": {
            queue: {"url": hop.QUEUE_URL, "access_key_id": "test", "secret_access_key": "test"},
        },
    },
    task_default_queue=queue,
    task_create_missing_queues=False,
    task_acks_late=True,
    task_ignore_result=True,
    worker_enable_remote_control=False,
    worker_prefetch_multiplier=10,
    broker_connection_retry_on_startup=True,
)
made = []


@app.task(name="hop")
def do(detail):
    if not made:  # in the process that works: clients do not survive a fork
        made.append(hop.Clients())
    clients, owner = made[0], uuid.uuid4().hex
    if not hop.claim(clients, detail, owner):
        return
    event = hop.work(detail)
    hop.publish(clients, [event])
    hop.complete(clients, detail, owner, event)

"""Makes what the choreography needs in a LocalStack that has just become ready. Generated: `make schemas` writes it.

Twice in a row changes nothing. Runs inside LocalStack, which has boto3, or by hand with AWS_ENDPOINT_URL set.
Never for AWS itself: the account in these names is LocalStack's, and `make provision` is for all servers alike.
"""

import json
import os

import boto3

RESOURCES = json.loads(r'''{
  "bucket": "murmuration-artifacts",
  "bus": "murmuration",
  "dead_letter_queues": [
    {
      "attributes": {
        "MessageRetentionPeriod": "1209600",
        "RedriveAllowPolicy": "{\"redrivePermission\":\"byQueue\",\"sourceQueueArns\":[\"arn:aws:sqs:us-east-1:000000000000:murmur-research\"]}",
        "SqsManagedSseEnabled": "true"
      },
      "name": "murmur-research-dlq"
    },
    {
      "attributes": {
        "MessageRetentionPeriod": "1209600",
        "RedriveAllowPolicy": "{\"redrivePermission\":\"byQueue\",\"sourceQueueArns\":[\"arn:aws:sqs:us-east-1:000000000000:murmur-research-tasks\"]}",
        "SqsManagedSseEnabled": "true"
      },
      "name": "murmur-research-tasks-dlq"
    },
    {
      "attributes": {
        "MessageRetentionPeriod": "1209600",
        "RedriveAllowPolicy": "{\"redrivePermission\":\"byQueue\",\"sourceQueueArns\":[\"arn:aws:sqs:us-east-1:000000000000:murmur-analysis\"]}",
        "SqsManagedSseEnabled": "true"
      },
      "name": "murmur-analysis-dlq"
    },
    {
      "attributes": {
        "MessageRetentionPeriod": "1209600",
        "RedriveAllowPolicy": "{\"redrivePermission\":\"byQueue\",\"sourceQueueArns\":[\"arn:aws:sqs:us-east-1:000000000000:murmur-writer\"]}",
        "SqsManagedSseEnabled": "true"
      },
      "name": "murmur-writer-dlq"
    },
    {
      "attributes": {
        "MessageRetentionPeriod": "1209600",
        "RedriveAllowPolicy": "{\"redrivePermission\":\"byQueue\",\"sourceQueueArns\":[\"arn:aws:sqs:us-east-1:000000000000:murmur-recommendation\"]}",
        "SqsManagedSseEnabled": "true"
      },
      "name": "murmur-recommendation-dlq"
    },
    {
      "attributes": {
        "MessageRetentionPeriod": "1209600",
        "Policy": "{\"Statement\":[{\"Action\":\"sqs:SendMessage\",\"Condition\":{\"ArnEquals\":{\"aws:SourceArn\":[\"arn:aws:events:us-east-1:000000000000:rule/murmuration/research.goal.requested\",\"arn:aws:events:us-east-1:000000000000:rule/murmuration/research.goal.cancel.requested\",\"arn:aws:events:us-east-1:000000000000:rule/murmuration/research-tasks.research.task.requested\",\"arn:aws:events:us-east-1:000000000000:rule/murmuration/analysis.research.completed\",\"arn:aws:events:us-east-1:000000000000:rule/murmuration/writer.analysis.completed\",\"arn:aws:events:us-east-1:000000000000:rule/murmuration/recommendation.analysis.completed\"]}},\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"events.amazonaws.com\"},\"Resource\":\"arn:aws:sqs:us-east-1:000000000000:murmuration-undelivered\",\"Sid\":\"FromRules\"}],\"Version\":\"2012-10-17\"}",
        "SqsManagedSseEnabled": "true"
      },
      "name": "murmuration-undelivered"
    }
  ],
  "queues": [
    {
      "attributes": {
        "MessageRetentionPeriod": "345600",
        "Policy": "{\"Statement\":[{\"Action\":\"sqs:SendMessage\",\"Condition\":{\"ArnEquals\":{\"aws:SourceArn\":[\"arn:aws:events:us-east-1:000000000000:rule/murmuration/research.goal.requested\",\"arn:aws:events:us-east-1:000000000000:rule/murmuration/research.goal.cancel.requested\"]}},\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"events.amazonaws.com\"},\"Resource\":\"arn:aws:sqs:us-east-1:000000000000:murmur-research\",\"Sid\":\"FromRules\"}],\"Version\":\"2012-10-17\"}",
        "ReceiveMessageWaitTimeSeconds": "20",
        "RedrivePolicy": "{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:murmur-research-dlq\",\"maxReceiveCount\":100}",
        "SqsManagedSseEnabled": "true",
        "VisibilityTimeout": "60"
      },
      "name": "murmur-research"
    },
    {
      "attributes": {
        "MessageRetentionPeriod": "345600",
        "Policy": "{\"Statement\":[{\"Action\":\"sqs:SendMessage\",\"Condition\":{\"ArnEquals\":{\"aws:SourceArn\":[\"arn:aws:events:us-east-1:000000000000:rule/murmuration/research-tasks.research.task.requested\"]}},\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"events.amazonaws.com\"},\"Resource\":\"arn:aws:sqs:us-east-1:000000000000:murmur-research-tasks\",\"Sid\":\"FromRules\"}],\"Version\":\"2012-10-17\"}",
        "ReceiveMessageWaitTimeSeconds": "20",
        "RedrivePolicy": "{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:murmur-research-tasks-dlq\",\"maxReceiveCount\":100}",
        "SqsManagedSseEnabled": "true",
        "VisibilityTimeout": "60"
      },
      "name": "murmur-research-tasks"
    },
    {
      "attributes": {
        "MessageRetentionPeriod": "345600",
        "Policy": "{\"Statement\":[{\"Action\":\"sqs:SendMessage\",\"Condition\":{\"ArnEquals\":{\"aws:SourceArn\":[\"arn:aws:events:us-east-1:000000000000:rule/murmuration/analysis.research.completed\"]}},\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"events.amazonaws.com\"},\"Resource\":\"arn:aws:sqs:us-east-1:000000000000:murmur-analysis\",\"Sid\":\"FromRules\"}],\"Version\":\"2012-10-17\"}",
        "ReceiveMessageWaitTimeSeconds": "20",
        "RedrivePolicy": "{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:murmur-analysis-dlq\",\"maxReceiveCount\":100}",
        "SqsManagedSseEnabled": "true",
        "VisibilityTimeout": "60"
      },
      "name": "murmur-analysis"
    },
    {
      "attributes": {
        "MessageRetentionPeriod": "345600",
        "Policy": "{\"Statement\":[{\"Action\":\"sqs:SendMessage\",\"Condition\":{\"ArnEquals\":{\"aws:SourceArn\":[\"arn:aws:events:us-east-1:000000000000:rule/murmuration/writer.analysis.completed\"]}},\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"events.amazonaws.com\"},\"Resource\":\"arn:aws:sqs:us-east-1:000000000000:murmur-writer\",\"Sid\":\"FromRules\"}],\"Version\":\"2012-10-17\"}",
        "ReceiveMessageWaitTimeSeconds": "20",
        "RedrivePolicy": "{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:murmur-writer-dlq\",\"maxReceiveCount\":100}",
        "SqsManagedSseEnabled": "true",
        "VisibilityTimeout": "60"
      },
      "name": "murmur-writer"
    },
    {
      "attributes": {
        "MessageRetentionPeriod": "345600",
        "Policy": "{\"Statement\":[{\"Action\":\"sqs:SendMessage\",\"Condition\":{\"ArnEquals\":{\"aws:SourceArn\":[\"arn:aws:events:us-east-1:000000000000:rule/murmuration/recommendation.analysis.completed\"]}},\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"events.amazonaws.com\"},\"Resource\":\"arn:aws:sqs:us-east-1:000000000000:murmur-recommendation\",\"Sid\":\"FromRules\"}],\"Version\":\"2012-10-17\"}",
        "ReceiveMessageWaitTimeSeconds": "20",
        "RedrivePolicy": "{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:murmur-recommendation-dlq\",\"maxReceiveCount\":100}",
        "SqsManagedSseEnabled": "true",
        "VisibilityTimeout": "60"
      },
      "name": "murmur-recommendation"
    }
  ],
  "region": "us-east-1",
  "rules": [
    {
      "name": "research.goal.requested",
      "pattern": {
        "detail-type": [
          "goal.requested"
        ]
      },
      "target": {
        "id": "research",
        "message_group_path": "$.detail.tenant",
        "queue_arn": "arn:aws:sqs:us-east-1:000000000000:murmur-research",
        "retries_max": 185,
        "retry_s": 86400,
        "undelivered_arn": "arn:aws:sqs:us-east-1:000000000000:murmuration-undelivered"
      }
    },
    {
      "name": "research.goal.cancel.requested",
      "pattern": {
        "detail-type": [
          "goal.cancel.requested"
        ],
        "source": [
          "murmuration.user"
        ]
      },
      "target": {
        "id": "research",
        "message_group_path": "$.detail.tenant",
        "queue_arn": "arn:aws:sqs:us-east-1:000000000000:murmur-research",
        "retries_max": 185,
        "retry_s": 86400,
        "undelivered_arn": "arn:aws:sqs:us-east-1:000000000000:murmuration-undelivered"
      }
    },
    {
      "name": "research-tasks.research.task.requested",
      "pattern": {
        "detail-type": [
          "research.task.requested"
        ],
        "source": [
          "murmuration.research"
        ]
      },
      "target": {
        "id": "research-tasks",
        "message_group_path": "$.detail.tenant",
        "queue_arn": "arn:aws:sqs:us-east-1:000000000000:murmur-research-tasks",
        "retries_max": 185,
        "retry_s": 86400,
        "undelivered_arn": "arn:aws:sqs:us-east-1:000000000000:murmuration-undelivered"
      }
    },
    {
      "name": "analysis.research.completed",
      "pattern": {
        "detail-type": [
          "research.completed"
        ],
        "source": [
          "murmuration.choreography"
        ]
      },
      "target": {
        "id": "analysis",
        "message_group_path": "$.detail.tenant",
        "queue_arn": "arn:aws:sqs:us-east-1:000000000000:murmur-analysis",
        "retries_max": 185,
        "retry_s": 86400,
        "undelivered_arn": "arn:aws:sqs:us-east-1:000000000000:murmuration-undelivered"
      }
    },
    {
      "name": "writer.analysis.completed",
      "pattern": {
        "detail-type": [
          "analysis.completed"
        ],
        "source": [
          "murmuration.analysis"
        ]
      },
      "target": {
        "id": "writer",
        "message_group_path": "$.detail.tenant",
        "queue_arn": "arn:aws:sqs:us-east-1:000000000000:murmur-writer",
        "retries_max": 185,
        "retry_s": 86400,
        "undelivered_arn": "arn:aws:sqs:us-east-1:000000000000:murmuration-undelivered"
      }
    },
    {
      "name": "recommendation.analysis.completed",
      "pattern": {
        "detail-type": [
          "analysis.completed"
        ],
        "source": [
          "murmuration.analysis"
        ]
      },
      "target": {
        "id": "recommendation",
        "message_group_path": "$.detail.tenant",
        "queue_arn": "arn:aws:sqs:us-east-1:000000000000:murmur-recommendation",
        "retries_max": 185,
        "retry_s": 86400,
        "undelivered_arn": "arn:aws:sqs:us-east-1:000000000000:murmuration-undelivered"
      }
    }
  ],
  "table": {
    "billing": "PAY_PER_REQUEST",
    "indexes": [
      {
        "name": "due",
        "partition_key": {
          "kind": "N",
          "name": "due_shard"
        },
        "projection": "KEYS_ONLY",
        "sort_key": {
          "kind": "N",
          "name": "due_at"
        }
      },
      {
        "name": "listed",
        "partition_key": {
          "kind": "S",
          "name": "listed"
        },
        "projection": "KEYS_ONLY",
        "sort_key": {
          "kind": "S",
          "name": "listed_at"
        }
      }
    ],
    "name": "murmuration",
    "partition_key": {
      "kind": "S",
      "name": "goal"
    },
    "sort_key": {
      "kind": "S",
      "name": "item"
    },
    "ttl_attribute": "ttl"
  }
}''')


def client(service):
    endpoint = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or os.environ.get("AWS_ENDPOINT_URL")
    return boto3.client(
        service, endpoint_url=endpoint or "http://localhost:4566", region_name=RESOURCES["region"],
        aws_access_key_id="test", aws_secret_access_key="test",
    )


def make_queue(sqs, queue):
    # Bare first: a queue that stands there with other attributes would be refused, and is changed instead.
    url = sqs.create_queue(QueueName=queue["name"])["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes=queue["attributes"])


def make_bus(events, name):
    try:
        events.create_event_bus(Name=name)
    except events.exceptions.ResourceAlreadyExistsException:
        pass


def make_rule(events, bus, rule):
    events.put_rule(Name=rule["name"], EventBusName=bus, EventPattern=json.dumps(rule["pattern"]))
    target = rule["target"]
    answer = events.put_targets(Rule=rule["name"], EventBusName=bus, Targets=[{
        "Id": target["id"], "Arn": target["queue_arn"],
        "DeadLetterConfig": {"Arn": target["undelivered_arn"]},
        "RetryPolicy": {"MaximumEventAgeInSeconds": target["retry_s"], "MaximumRetryAttempts": target["retries_max"]},
    }])
    if answer["FailedEntryCount"]:
        raise RuntimeError(f"put_targets of {rule['name']}: {answer['FailedEntries']}")


def key_schema(of):
    return [
        {"AttributeName": of["partition_key"]["name"], "KeyType": "HASH"},
        {"AttributeName": of["sort_key"]["name"], "KeyType": "RANGE"},
    ]


def make_table(dynamodb, table):
    keys = {key["name"]: key["kind"] for of in (table, *table["indexes"]) for key in (of["partition_key"], of["sort_key"])}
    indexes = [
        {"IndexName": one["name"], "KeySchema": key_schema(one), "Projection": {"ProjectionType": one["projection"]}}
        for one in table["indexes"]
    ]
    try:
        dynamodb.create_table(
            TableName=table["name"], BillingMode=table["billing"], KeySchema=key_schema(table),
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in keys.items()],
            GlobalSecondaryIndexes=indexes,
        )
    except dynamodb.exceptions.ResourceInUseException:
        pass
    dynamodb.get_waiter("table_exists").wait(TableName=table["name"], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    lives = dynamodb.describe_time_to_live(TableName=table["name"])["TimeToLiveDescription"]
    if lives["TimeToLiveStatus"] not in ("ENABLED", "ENABLING"):
        dynamodb.update_time_to_live(
            TableName=table["name"],
            TimeToLiveSpecification={"Enabled": True, "AttributeName": table["ttl_attribute"]},
        )


def main():
    sqs, events = client("sqs"), client("events")
    queues = RESOURCES["dead_letter_queues"] + RESOURCES["queues"]
    for queue in queues:
        make_queue(sqs, queue)
    make_bus(events, RESOURCES["bus"])
    for rule in RESOURCES["rules"]:
        make_rule(events, RESOURCES["bus"], rule)
    make_table(client("dynamodb"), RESOURCES["table"])
    # Making one's own bucket again is no error in this region.
    client("s3").create_bucket(Bucket=RESOURCES["bucket"])
    rules = len(RESOURCES["rules"])
    print(f"murmuration: {len(queues)} queues, 1 bus, {rules} rules, 1 table and 1 bucket are there", flush=True)


# LocalStack runs this file's text under no name of its own: there is no "__main__" to ask for.
main()

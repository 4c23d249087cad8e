#!/usr/bin/env bash
# Owns what the AWS CLI v2 must see of SQS, EventBridge, DynamoDB and STS. AWS is the command, AWS_ENDPOINT_URL where.
# Never the corners that ../python asks about already: each command here costs half a second.
set -uo pipefail
: "${AWS_ENDPOINT_URL:?is not set: these checks never talk to AWS itself}"
export AWS_PAGER='' AWS_DEFAULT_OUTPUT=text AWS_CLI_AUTO_PROMPT=off
run=$(mktemp -d "${TMPDIR:-/tmp}/murmur-cli.XXXXXX")
trap 'rm -rf "$run"' EXIT
id=t-$$-$RANDOM

aws() { command "$AWS" "$@"; }

# is WHAT WANTED GOT: one result, a line for each.
is() {
  if [ "$2" == "$3" ]; then echo "ok $1"; else printf 'FAILED %s\n  wanted: %s\n  got:    %s\n' "$1" "$2" "$3"; fi
}
# like WHAT PATTERN GOT: as `is`, for what differs from run to run.
like() {
  # shellcheck disable=SC2053
  if [[ $3 == $2 ]]; then echo "ok $1"; else printf 'FAILED %s\n  wanted: %s\n  got:    %s\n' "$1" "$2" "$3"; fi
}
# refused WHAT CODE COMMAND...
refused() {
  local what=$1 code=$2 said
  shift 2
  said=$("$@" 2>&1 >/dev/null)
  like "$what" "*An error occurred ($code)*" "$said"
}
new_queue() { aws sqs create-queue --queue-name "$@" --query QueueUrl; }
arn_of() { aws sqs get-queue-attributes --queue-url "$1" --attribute-names QueueArn --query Attributes.QueueArn; }
receive() {
  aws sqs receive-message --queue-url "$1" --wait-time-seconds "${3:-5}" --max-number-of-messages 10 \
    --attribute-names All --message-attribute-names All --query "$2"
}

queues() {
  local url dead
  url=$(new_queue "$id-q" --attributes VisibilityTimeout=7 --tags team=a)
  like 'a queue has a URL' "*/$id-q" "$url"
  is 'its URL is found' "$url" "$(aws sqs get-queue-url --queue-name "$id-q" --query QueueUrl)"
  is 'it is listed' "$url" "$(aws sqs list-queues --queue-name-prefix "$id-q" --query 'QueueUrls[0]')"
  refused 'a queue that is not there' AWS.SimpleQueueService.NonExistentQueue aws sqs get-queue-url --queue-name "$id-none"
  refused 'made again with other attributes' QueueAlreadyExists \
    aws sqs create-queue --queue-name "$id-q" --attributes VisibilityTimeout=8
  refused 'an unknown attribute' InvalidAttributeName aws sqs get-queue-attributes --queue-url "$url" --attribute-names No
  aws sqs set-queue-attributes --queue-url "$url" --attributes DelaySeconds=0,VisibilityTimeout=30
  is 'attributes hold' 30 "$(aws sqs get-queue-attributes --queue-url "$url" --attribute-names All --query Attributes.VisibilityTimeout)"
  aws sqs tag-queue --queue-url "$url" --tags stage=test
  aws sqs untag-queue --queue-url "$url" --tag-keys team
  is 'tags are set and taken away' test "$(aws sqs list-queue-tags --queue-url "$url" --query 'Tags.stage')"
  aws sqs purge-queue --queue-url "$url"
  refused 'a second purge within a minute' AWS.SimpleQueueService.PurgeQueueInProgress aws sqs purge-queue --queue-url "$url"
  aws sqs delete-queue --queue-url "$url"
  refused 'a deleted queue' AWS.SimpleQueueService.NonExistentQueue \
    aws sqs get-queue-attributes --queue-url "$url" --attribute-names All
}

messages() {
  local url handle sent
  url=$(new_queue "$id-m")
  sent=$(aws sqs send-message --queue-url "$url" --message-body 'hällo' --query MD5OfMessageBody \
    --message-attributes '{"a": {"DataType": "String", "StringValue": "b"}}' --message-group-id tenant)
  is 'the digest of a body' "$(printf 'hällo' | md5sum | cut -d ' ' -f 1)" "$sent"
  read -r body attribute group handle < <(receive "$url" \
    'Messages[0].[Body, MessageAttributes.a.StringValue, Attributes.MessageGroupId, ReceiptHandle]')
  is 'a message comes back' 'hällo b tenant' "$body $attribute $group"
  is 'it is hidden' None "$(receive "$url" 'Messages[0].Body' 0)"
  aws sqs change-message-visibility --queue-url "$url" --receipt-handle "$handle" --visibility-timeout 0
  read -r count handle < <(receive "$url" 'Messages[0].[Attributes.ApproximateReceiveCount, ReceiptHandle]')
  is 'freed, it comes again' 2 "$count"
  aws sqs delete-message --queue-url "$url" --receipt-handle "$handle"
  refused 'a bad receipt handle' ReceiptHandleIsInvalid aws sqs delete-message --queue-url "$url" --receipt-handle no
  is 'a batch tells of each entry' $'ok\tReceiptHandleIsInvalid' "$(aws sqs send-message-batch --queue-url "$url" \
    --entries Id=ok,MessageBody=x --query 'Successful[].Id')"$'\t'"$(aws sqs delete-message-batch --queue-url "$url" \
    --entries Id=bad,ReceiptHandle=no --query 'Failed[].Code')"
  read -r handle < <(receive "$url" 'Messages[0].ReceiptHandle')
  is 'a batch of visibilities' ok "$(aws sqs change-message-visibility-batch --queue-url "$url" \
    --entries "Id=ok,ReceiptHandle=$handle,VisibilityTimeout=5" --query 'Successful[].Id')"
  refused 'too many entries' AWS.SimpleQueueService.TooManyEntriesInBatchRequest aws sqs send-message-batch --queue-url "$url" \
    --entries Id={a,b,c,d,e,f,g,h,i,j,k},MessageBody=x
  refused 'entries with one id' AWS.SimpleQueueService.BatchEntryIdsNotDistinct \
    aws sqs send-message-batch --queue-url "$url" --entries Id=a,MessageBody=x Id=a,MessageBody=x
  refused 'a character that is not carried' InvalidMessageContents aws sqs send-message --queue-url "$url" --message-body $'\a'
  aws sqs delete-queue --queue-url "$url"
}

fifo() {
  local url handle first again
  url=$(new_queue "$id-f.fifo" --attributes FifoQueue=true)
  first=$(aws sqs send-message --queue-url "$url" --message-body 1 --message-group-id g --message-deduplication-id d --query MessageId)
  again=$(aws sqs send-message --queue-url "$url" --message-body 2 --message-group-id g --message-deduplication-id d --query MessageId)
  is 'a duplicate is the same message' "$first" "$again"
  aws sqs send-message --queue-url "$url" --message-body 3 --message-group-id g --message-deduplication-id e >/dev/null
  is 'a group keeps its order' $'1\t3' "$(receive "$url" 'Messages[].Body')"
  is 'and its lock' None "$(receive "$url" 'Messages[0].Body' 0)"
  refused 'a group is needed' MissingParameter aws sqs send-message --queue-url "$url" --message-body x
  aws sqs delete-queue --queue-url "$url"
}

dead_letters() {
  local url dead source_arn dead_arn task status
  dead=$(new_queue "$id-d")
  dead_arn=$(arn_of "$dead")
  url=$(new_queue "$id-s" --attributes "{\"VisibilityTimeout\": \"0\",
    \"RedrivePolicy\": \"{\\\"deadLetterTargetArn\\\": \\\"$dead_arn\\\", \\\"maxReceiveCount\\\": 1}\"}")
  source_arn=$(arn_of "$url")
  is 'a dead-letter queue tells its sources' "$url" \
    "$(aws sqs list-dead-letter-source-queues --queue-url "$dead" --query 'queueUrls[0]')"
  aws sqs send-message --queue-url "$url" --message-body poison >/dev/null
  is 'a poisonous message is received once' poison "$(receive "$url" 'Messages[0].Body')"
  is 'and then no more' None "$(receive "$url" 'Messages[0].Body' 0)"
  is 'it says where it came from' "$source_arn" "$(receive "$dead" 'Messages[0].Attributes.DeadLetterQueueSourceArn')"
  aws sqs send-message --queue-url "$dead" --message-body 'by hand' >/dev/null
  task=$(aws sqs start-message-move-task --source-arn "$dead_arn" --destination-arn "$source_arn" --query TaskHandle)
  like 'a move task starts' '?*' "$task"
  for _ in {1..20}; do
    status=$(aws sqs list-message-move-tasks --source-arn "$dead_arn" --query 'Results[0].Status')
    [ "$status" == RUNNING ] || break
  done
  is 'and completes' COMPLETED "$status"
  refused 'and is then not cancelled' '*' aws sqs cancel-message-move-task --task-handle "$task"
  is 'what was moved is there' 'by hand' "$(receive "$url" 'Messages[0].Body')"
  aws sqs delete-queue --queue-url "$url"
  aws sqs delete-queue --queue-url "$dead"
}

events() {
  local url queue_arn rule at="--event-bus-name $id" pattern='{"source": ["test"]}' sent
  # EventBridge delivers only where the queue's own policy lets it.
  url=$(new_queue "$id-e" --attributes '{"Policy": "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Principal\": {\"Service\": \"events.amazonaws.com\"}, \"Action\": \"sqs:SendMessage\", \"Resource\": \"*\"}]}"}')
  queue_arn=$(arn_of "$url")
  like 'a bus is made' "*:event-bus/$id" "$(aws events create-event-bus --name "$id" --query EventBusArn)"
  refused 'made again' ResourceAlreadyExistsException aws events create-event-bus --name "$id"
  # shellcheck disable=SC2086
  {
    rule=$(aws events put-rule --name r $at --event-pattern "$pattern" --query RuleArn)
    like 'a rule is made' "*:rule/$id/r" "$rule"
    refused 'a bad pattern' InvalidEventPatternException aws events put-rule --name r $at --event-pattern '{"a": 1}'
    is 'a target is put' 0 "$(aws events put-targets --rule r $at --query FailedEntryCount --targets \
      "[{\"Id\": \"t\", \"Arn\": \"$queue_arn\", \"InputTransformer\": {\"InputPathsMap\": {\"n\": \"\$.detail.n\"}, \"InputTemplate\": \"{\\\"n\\\": <n>}\"}}]")"
    is 'and listed' "$queue_arn" "$(aws events list-targets-by-rule --rule r $at --query 'Targets[0].Arn')"
    is 'and found' r "$(aws events list-rule-names-by-target --target-arn "$queue_arn" $at --query 'RuleNames[0]')"
    sent=$(aws events put-events --query '[FailedEntryCount, Entries[1].ErrorCode]' --entries \
      "[{\"Source\": \"test\", \"DetailType\": \"d\", \"Detail\": \"{\\\"n\\\": 7}\", \"EventBusName\": \"$id\", \"TraceHeader\": \"Root=1-5759e988-bd862e3fe1be46a994272793\"},
        {\"Source\": \"test\", \"DetailType\": \"d\", \"Detail\": \"no json\", \"EventBusName\": \"$id\"}]")
    is 'each entry is told of' $'1\nMalformedDetail' "${sent//$'\t'/$'\n'}"
    is 'an event is delivered, made anew, with its trace' $'{"n": 7}\tRoot=1-5759e988-bd862e3fe1be46a994272793' \
      "$(receive "$url" 'Messages[0].[Body, Attributes.AWSTraceHeader]' | sed 's/{"n":7}/{"n": 7}/')"
    aws events disable-rule --name r $at
    is 'a rule is disabled' DISABLED "$(aws events describe-rule --name r $at --query State)"
    aws events enable-rule --name r $at
    is 'and enabled' ENABLED "$(aws events list-rules $at --query 'Rules[0].State')"
    refused 'a rule with targets stays' ValidationException aws events delete-rule --name r $at
    aws events tag-resource --resource-arn "$rule" --tags Key=a,Value=1
    is 'a rule has tags' 1 "$(aws events list-tags-for-resource --resource-arn "$rule" --query 'Tags[0].Value')"
    aws events remove-targets --rule r $at --ids t >/dev/null
    aws events delete-rule --name r $at
    refused 'and then is gone' ResourceNotFoundException aws events describe-rule --name r $at
  }
  is 'a pattern is tried' True "$(aws events test-event-pattern --event-pattern "$pattern" --query Result --event \
    '{"id": "1", "account": "000000000000", "source": "test", "time": "2026-01-02T03:04:05Z", "region": "us-east-1", "resources": [], "detail-type": "d", "detail": {}}')"
  aws events delete-event-bus --name "$id"
  aws sqs delete-queue --queue-url "$url"
}

archives() {
  local bus archive status
  bus=$(aws events create-event-bus --name "$id-a" --query EventBusArn)
  archive=$(aws events create-archive --archive-name "$id" --event-source-arn "$bus" --query ArchiveArn)
  like 'an archive is made' "*:archive/$id" "$archive"
  aws events put-events --entries "Source=test,DetailType=d,Detail='{}',EventBusName=$id-a" >/dev/null
  aws events update-archive --archive-name "$id" --retention-days 3 >/dev/null
  is 'and changed' 3 "$(aws events describe-archive --archive-name "$id" --query RetentionDays)"
  is 'and listed' "$id" "$(aws events list-archives --name-prefix "$id" --query 'Archives[0].ArchiveName')"
  aws events start-replay --replay-name "$id" --event-source-arn "$archive" --destination "Arn=$bus" \
    --event-start-time "$(($(date +%s) - 60))" --event-end-time "$(($(date +%s) + 1))" >/dev/null
  for _ in {1..20}; do
    status=$(aws events describe-replay --replay-name "$id" --query State)
    [ "$status" == COMPLETED ] && break
  done
  is 'a replay completes' COMPLETED "$status"
  is 'and is listed' "$id" "$(aws events list-replays --name-prefix "$id" --query 'Replays[0].ReplayName')"
  aws events delete-archive --archive-name "$id"
  refused 'a deleted archive' ResourceNotFoundException aws events describe-archive --archive-name "$id"
  aws events delete-event-bus --name "$id-a"
  like 'what is not there says its name' '*not implemented by the embedded stand-in*' "$(aws events list-connections 2>&1)"
}

tables() {
  local goal='{"goal": {"S": "g"}, "item": {"S": "a"}}' put
  aws dynamodb create-table --table-name "$id" --billing-mode PAY_PER_REQUEST \
    --key-schema AttributeName=goal,KeyType=HASH AttributeName=item,KeyType=RANGE \
    --attribute-definitions AttributeName={goal,item},AttributeType=S AttributeName={due_shard,due_at},AttributeType=N \
    --global-secondary-indexes '[{"IndexName": "due", "Projection": {"ProjectionType": "KEYS_ONLY"},
      "KeySchema": [{"AttributeName": "due_shard", "KeyType": "HASH"}, {"AttributeName": "due_at", "KeyType": "RANGE"}]}]' >/dev/null
  is 'a table is there' $'ACTIVE\tdue' \
    "$(aws dynamodb describe-table --table-name "$id" --query 'Table.[TableStatus, GlobalSecondaryIndexes[0].IndexName]')"
  aws dynamodb update-time-to-live --table-name "$id" --time-to-live-specification Enabled=true,AttributeName=ttl >/dev/null
  is 'with its time to live' ttl \
    "$(aws dynamodb describe-time-to-live --table-name "$id" --query TimeToLiveDescription.AttributeName)"
  put=(aws dynamodb put-item --table-name "$id" --item "$goal" --condition-expression 'attribute_not_exists(goal)'
    --return-values-on-condition-check-failure ALL_OLD)
  "${put[@]}"
  refused 'a condition that fails' ConditionalCheckFailedException "${put[@]}"
  refused 'a transaction whose condition fails' TransactionCanceledException aws dynamodb transact-write-items --transact-items \
    "[{\"Put\": {\"TableName\": \"$id\", \"Item\": $goal, \"ConditionExpression\": \"attribute_not_exists(goal)\"}}]"
  is 'a batch is written' None "$(aws dynamodb batch-write-item --query 'UnprocessedItems.x' --request-items \
    "{\"$id\": [{\"PutRequest\": {\"Item\": {\"goal\": {\"S\": \"g\"}, \"item\": {\"S\": \"b\"}, \"due_shard\": {\"N\": \"1\"}, \"due_at\": {\"N\": \"5\"}}}}]}")"
  is 'and read' b "$(aws dynamodb batch-get-item --query 'Responses.*[].item.S' --request-items \
    "{\"$id\": {\"Keys\": [{\"goal\": {\"S\": \"g\"}, \"item\": {\"S\": \"b\"}}]}}")"
  is 'a query keeps its order' $'a\tb' "$(aws dynamodb query --table-name "$id" --key-condition-expression 'goal = :g' \
    --expression-attribute-values '{":g": {"S": "g"}}' --query 'Items[].item.S')"
  is 'an index is sparse' b "$(aws dynamodb query --table-name "$id" --index-name due --key-condition-expression 'due_shard = :s' \
    --expression-attribute-values '{":s": {"N": "1"}}' --query 'Items[].item.S')"
  aws dynamodb delete-table --table-name "$id" >/dev/null
  like 'the caller has an account' '[0-9]*arn:aws:*' "$(aws sts get-caller-identity --query '[Account, Arn]' | tr '\t' ' ')"
}

families='queues messages fifo dead_letters events archives tables'
# Most of each second is the CLI's own start: side by side they cost as little as the slowest.
for family in $families; do "$family" >"$run/$family" 2>"$run/$family.err" & done
wait
for family in $families; do
  grep -v '^ok ' "$run/$family" && sed 's/^/  said: /' "$run/$family.err"
done
passed=$(cat "$run"/* | grep -c '^ok ')
failed=$(cat "$run"/* | grep -c '^FAILED ')
echo "AWS CLI $("$AWS" --version | sed 's|aws-cli/\([0-9.]*\).*|\1|'): $passed passed, $failed failed"
# Each check says one line: what is missing went wrong too.
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

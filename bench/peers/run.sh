#!/usr/bin/env bash
# Measures the runtime beside a bare loop, boto3, Celery, sqs-consumer and Powertools, and says which bars hold.
# Installs what they need under target/, once. Needs Python 3.11 or newer and Node 20; flags go to peers-bench.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$here/../..
# shellcheck source=localstack/host/venv.sh
. "$root/localstack/host/venv.sh"
cd "$root"

major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
if [ "${major:-0}" -lt 20 ] || ! command -v npm >/dev/null; then
  echo 'bench-peers: Node 20 or newer with npm is missing; install it with: apt-get install nodejs npm (or nvm install 20)' >&2
  exit 1
fi
python=$(venv "$root/target/host/peers" "$here/python/requirements.txt" 3.13 3.12 3.11)
node=$root/target/host/peers-node
mkdir -p "$node"
if ! cmp --silent "$here/node/package-lock.json" "$node/made-of"; then
  cp "$here/node/package.json" "$here/node/package-lock.json" "$node"
  # No install scripts: nothing here has one.
  (cd "$node" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
  cp "$here/node/package-lock.json" "$node/made-of"
fi
cp "$here/node/consumer.mjs" "$node"

# Optimised, without the link-time optimisation that takes minutes.
"${CARGO:-cargo}" build --quiet --workspace --profile bench --bin hop --bin bare-loop --bin embedded-cloud --bin peers-bench
target=$("${CARGO:-cargo}" metadata --no-deps --format-version 1 |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
exec "$target/release/peers-bench" --programs "$target/release" --python "$python" --sources "$here" --node "$node" "$@"

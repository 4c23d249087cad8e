#!/usr/bin/env bash
# Measures the stand-in's release program: through boto3 beside ministack, then alone and with a Rust client.
# One line for each bar; ends non-zero when one is missed. Needs Python 3.11 or newer, and about four minutes.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$here/../..
# shellcheck source=localstack/host/venv.sh
. "$root/localstack/host/venv.sh"
cd "$root"

"${CARGO:-cargo}" build --quiet --release --package embedded-cloud
# Optimised, without the link-time optimisation that takes minutes.
"${CARGO:-cargo}" build --quiet --profile bench --package standin
target=$("${CARGO:-cargo}" metadata --no-deps --format-version 1 |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
localstack/host/ministack.sh install -
python=$(venv "$root/target/host/boto3" localstack/clients/python/requirements.txt 3.13 3.12 3.11)

held=0
"$python" "$here/boto.py" --embedded "$target/release/embedded-cloud" --ministack localstack/host/ministack.sh "$@" || held=1
"$target/release/standin" --embedded "$target/release/embedded-cloud" || held=1
exit "$held"

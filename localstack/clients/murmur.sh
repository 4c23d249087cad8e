#!/usr/bin/env bash
# Programs that know nothing of Murmuration but README.md and what `murmur subscribe` prints: they send goals and read
# their ends, over the agents themselves. Needs cargo, Python 3.11, Node 20 with npm, and the AWS CLI.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$here/../..
# shellcheck source=localstack/host/venv.sh
. "$here/../host/venv.sh"
python=$(venv "$root/target/host/boto3" "$here/python/requirements.txt" 3.13 3.12 3.11)
# With the whole workspace, so that what the tests have built serves here too.
cargo build --quiet --manifest-path "$root/Cargo.toml" --workspace --bins
programs=$(cargo metadata --no-deps --format-version 1 --manifest-path "$root/Cargo.toml" |
  "$python" -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')/debug
cd "$here/javascript"
if ! cmp --silent package-lock.json node_modules/made-of; then
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/made-of
fi
aws=$("$here/cli/find.sh")
export PYTHONDONTWRITEBYTECODE=1 NODE_NO_WARNINGS=1 AWS_PAGER=''
exec "$python" "$here/murmur/snippets.py" --programs "$programs" --javascript "$here/javascript" --aws "$aws" --readme "$root/README.md"

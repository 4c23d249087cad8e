#!/usr/bin/env bash
# boto3 against AWS_ENDPOINT_URL, from an environment of its own with pinned versions. Needs Python 3.11 or newer.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=localstack/host/venv.sh
. "$here/../host/venv.sh"
python=$(venv "$here/../../target/host/boto3" "$here/python/requirements.txt" 3.13 3.12 3.11)
export PYTHONDONTWRITEBYTECODE=1
cd "$here/python"
exec "$python" -m pytest "$@"

#!/usr/bin/env bash
# Becomes ministack (from PyPI, MIT) at 127.0.0.1:PORT, in the foreground: SQS, EventBridge, DynamoDB, S3 and STS,
# all in memory. Independent of LocalStack and of us, which is what makes it worth asking.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=localstack/host/venv.sh
. "$here/venv.sh"
[ $# -eq 2 ] || { echo "usage: ${0##*/} PORT DATA_FOLDER, or: ${0##*/} install -" >&2; exit 2; }

python=$(venv "$here/../../target/host/ministack" "$here/ministack-requirements.txt" 3.13 3.12 3.11)
[ "$1" != install ] || exit 0
cd "$2"
export GATEWAY_PORT=$1 BIND_HOST=127.0.0.1 MINISTACK_HOST=127.0.0.1 PERSIST_STATE=0 SFTP_ENABLED=0 IOT_MTLS_ENABLED=0
export PYTHONUNBUFFERED=1
exec "$python" -m ministack

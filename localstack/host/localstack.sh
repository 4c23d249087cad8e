#!/usr/bin/env bash
# Becomes real LocalStack 4.14.0 (Community, the last without an account token) at 127.0.0.1:PORT, in the foreground.
# From PyPI, without Docker; SQS, EventBridge, S3 and STS. What is in localstack/init/ready.d runs when INIT=1.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=localstack/host/venv.sh
. "$here/venv.sh"
[ $# -eq 2 ] || { echo "usage: ${0##*/} PORT DATA_FOLDER, or: ${0##*/} install -" >&2; exit 2; }

python=$(venv "$here/../../target/host/localstack" "$here/requirements.txt" 3.13)
[ "$1" != install ] || exit 0
if [ "${INIT:-0}" = 1 ]; then
  mkdir -p "$2/etc/localstack/init"
  cp -R "$here/../init/." "$2/etc/localstack/init/"
fi
# Nothing is fetched from outside, nothing reported, no name server taken over.
export OVERRIDE_IN_DOCKER=0 DISABLE_EVENTS=1 SKIP_SSL_CERT_DOWNLOAD=1 DNS_ADDRESS=0
export SERVICES=sqs,events,s3,sts EAGER_SERVICE_LOADING=1 PYTHONUNBUFFERED=1
export FILESYSTEM_ROOT=$2 GATEWAY_LISTEN=127.0.0.1:$1 LOCALSTACK_HOST=127.0.0.1:$1 SQS_ENDPOINT_STRATEGY=path
export AWS_ENDPOINT_URL=http://127.0.0.1:$1
exec "$python" -m localstack.runtime.main

#!/usr/bin/env bash
# Real clients against AWS_ENDPOINT_URL, one after the other: boto3, the JavaScript SDK, the AWS CLI v2; then goals and
# subscriptions by those alone.
# Each prints its own figures; one that cannot run has failed.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
broken=''
for client in ${CLIENTS:-python javascript cli murmur}; do
  began=$SECONDS
  "$here/$client.sh" || broken="$broken $client"
  echo "$client: $((SECONDS - began)) s"
done
[ -z "$broken" ] || { echo "test-clients: failed:$broken"; exit 1; }
echo "test-clients: all clients content in $SECONDS s"

#!/usr/bin/env bash
# The AWS CLI v2 against AWS_ENDPOINT_URL. It needs 2.15 or newer: older ones speak another protocol to SQS.
# AWS_CLI names another `aws`.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
aws=$("$here/cli/find.sh")
AWS=$aws exec "$here/cli/checks.sh"

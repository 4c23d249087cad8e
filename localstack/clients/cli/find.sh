#!/usr/bin/env bash
# Prints an AWS CLI v2 that is new enough: 2.15, since older ones speak another protocol to SQS. AWS_CLI names another.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

new_enough() {
  local major minor
  IFS=. read -r major minor _ <<<"$("$1" --version 2>/dev/null | sed -n 's|^aws-cli/\([0-9.]*\).*|\1|p')"
  [ "${major:-0}" -eq 2 ] && [ "${minor:-0}" -ge 15 ]
}

while read -r found; do
  if [ -n "$found" ] && new_enough "$found"; then
    echo "$found"
    exit 0
  fi
done < <(echo "${AWS_CLI:-}"; echo "$here/../../../target/host/awscli/bin/aws"; type -aP aws || true)
echo 'test-clients: AWS CLI 2.15 or newer is missing (Debian 12 has 2.9); install it with: localstack/clients/cli/install-debian.sh' >&2
exit 1

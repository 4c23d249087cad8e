#!/usr/bin/env bash
# The AWS SDK for JavaScript v3 against AWS_ENDPOINT_URL, its versions pinned by package-lock.json. Needs Node 20.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/javascript
major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
if [ "${major:-0}" -lt 20 ] || ! command -v npm >/dev/null; then
  echo 'test-clients: Node 20 or newer with npm is missing; install it with: apt-get install nodejs npm (or nvm install 20)' >&2
  exit 1
fi
cd "$here"
if ! cmp --silent package-lock.json node_modules/made-of; then
  # No install scripts: nothing here has one.
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/made-of
fi
# The SDK warns of the Node that it will want one day.
export NODE_NO_WARNINGS=1
exec node --test --test-concurrency=4 --test-timeout=60000 --test-reporter=./figures.mjs ./*.test.mjs

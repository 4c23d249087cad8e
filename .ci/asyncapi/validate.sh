#!/bin/sh
# Validates schemas/asyncapi.yaml (or the document named) with the official AsyncAPI parser.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
document=${1:-"$here/../../schemas/asyncapi.yaml"}
if [ ! -d "$here/node_modules" ]; then
  # No install scripts: nothing that the parser needs has one.
  npm ci --prefix "$here" --ignore-scripts --no-audit --no-fund --loglevel=error
fi
exec node "$here/validate.mjs" "$document"

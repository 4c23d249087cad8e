#!/usr/bin/env bash
# Validates compose.yaml against the compose specification's own JSON schema, and against what we ask beyond it.
# A broken copy must be refused by each: a check that takes everything would pass too.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=localstack/host/venv.sh
. "$here/../localstack/host/venv.sh"
python=$(venv "$here/../target/host/compose" "$here/requirements.txt" 3.13 3.12 3.11)
specification=(--builtin-schema vendor.compose-spec)
ours=(--schemafile "$here/hardened.schema.json")
check() { "$python" -m check_jsonschema "$@"; }

check "${specification[@]}" "$here/compose.yaml"
check "${ours[@]}" "$here/compose.yaml"

broken=$(mktemp "${TMPDIR:-/tmp}/compose.XXXXXX.yaml")
trap 'rm -f "$broken"' EXIT
refused=0
# must_be_refused FROM TO CHECK...: one change, and the check must say no.
must_be_refused() {
  sed "s|$1|$2|" "$here/compose.yaml" >"$broken"
  cmp -s "$broken" "$here/compose.yaml" && { echo "compose-check: nothing matches $1"; exit 1; }
  shift 2
  if check "$@" "$broken" >/dev/null 2>&1; then echo "compose-check: a broken file was accepted by $*"; exit 1; fi
  refused=$((refused + 1))
}
must_be_refused '  read_only: true' '  read_only_root: true' "${specification[@]}"
must_be_refused 'stop_grace_period: 40s' 'stop_grace_period: [40]' "${specification[@]}"
must_be_refused 'cap_drop: .ALL.' 'cap_drop: [NET_RAW]' "${ours[@]}"
must_be_refused 'user: "65532:65532"' 'user: "0:0"' "${ours[@]}"
must_be_refused '127.0.0.1:4566:4566' '4566:4566' "${ours[@]}"
must_be_refused 'jaeger:2.14.1' 'jaeger:latest' "${ours[@]}"
echo "compose-check: valid by the specification's schema and by ours; $refused broken copies refused"

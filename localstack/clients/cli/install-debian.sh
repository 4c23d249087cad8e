#!/usr/bin/env bash
# Puts AWS CLI 2.23.6 under target/, from Debian 13's own package, on any Debian; needs neither root nor a release
# upgrade. Debian 12's own 2.9 is too old: it speaks the query protocol to SQS, and knows no AWS_ENDPOINT_URL.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=localstack/host/venv.sh
. "$here/../../host/venv.sh"
version=2.23.6-1 suite=trixie
folder=$here/../../../target/host/awscli
for tool in apt-get dpkg-deb; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: install AWS CLI v2 as its own manual says" >&2; exit 1; }
done

python=$(venv "$folder" "$here/requirements.txt" 3.13 3.12 3.11)
if [ ! -f "$folder/package-$version" ]; then
  apt=$(mktemp -d "${TMPDIR:-/tmp}/murmur-apt.XXXXXX")
  trap 'rm -rf "$apt"' EXIT
  mkdir -p "$apt"/{sources,lists/partial,cache/archives/partial}
  # The mirror that this machine uses already; apt checks the signatures of the other suite with Debian's own keys.
  # shellcheck disable=SC2016 # apt's own variables
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' | grep -v security | head -n 1)
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$apt/sources/next.list"
  own=(-o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$apt/sources" -o "Dir::State::Lists=$apt/lists"
    -o "Dir::Cache=$apt/cache" -o Acquire::Languages=none -o APT::Sandbox::User="$(id -un)")
  apt-get "${own[@]}" -qq update >&2
  (cd "$apt" && apt-get "${own[@]}" -qq download "awscli=$version" >&2)
  dpkg-deb -x "$apt"/awscli_*.deb "$apt/files"
  site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  cp -R "$apt"/files/usr/lib/python3/dist-packages/. "$site"
  # Compiled once here, or each command would take half a second longer.
  "$python" -m compileall -q "$site" >/dev/null || true
  printf '#!/bin/sh\nexec "%s" -m awscli "$@"\n' "$(cd "${python%/*}" && pwd)/python" >"$folder/bin/aws"
  chmod +x "$folder/bin/aws"
  touch "$folder/package-$version"
fi
"$folder/bin/aws" --version

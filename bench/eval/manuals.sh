#!/usr/bin/env bash
# Fetches and unpacks the manuals that `make eval` asks about: DIR/manuals/<package>/, HTML pages only.
# Pins the versions that questions.jsonl was written for, since its byte ranges hold for those alone.
# Never installs a package, needs no root and touches nothing outside DIR. Next: check.py on DIR/manuals.
# A second run finds the work done and only prints the versions. MANUALS_ANY_VERSION=1 takes whatever version
# apt offers; check.py then says whether the ranges still hold.
set -euo pipefail

packages=(
  "postgresql-doc-15=15.18-0+deb12u1"
  "git-doc=1:2.39.5-0+deb12u3"
  "sqlite3-doc=3.40.1-2+deb12u2"
)

fail() {
  echo "manuals.sh: $*" >&2
  exit 1
}

offered_version() { # of package $1; empty where apt does not know it
  apt-cache policy "$1" | awk '$1 == "Candidate:" && $2 != "(none)" { print $2 }'
}

require_version() { # of package $1: wanted $2, found $3
  [ "$2" = "$3" ] || [ "${MANUALS_ANY_VERSION:-0}" = 1 ] ||
    fail "$1 is here in version $3, but the questions were written for $2; set MANUALS_ANY_VERSION=1 to go on all the same."
}

download() { # package $1 in version $2, into directory $3
  local package="$1" wanted="$2" into="$3" offered
  if (cd "$into" && apt-get -qq download "$package=$wanted") >"$into/log" 2>&1; then
    return
  fi
  offered="$(offered_version "$package")"
  [ -n "$offered" ] || fail "apt does not know $package; run 'apt-get update' on a Debian 12 system first."
  require_version "$package" "$wanted" "$offered"
  (cd "$into" && apt-get -qq download "$package=$offered") >"$into/log" 2>&1 ||
    fail "apt could not download $package $offered: $(tail -n 1 "$into/log")"
}

# Pages only: other files repeat their text, and links would make pages count twice.
keep_pages() { # in directory $1
  find "$1" -type f -name '*.html.gz' -exec gunzip -f {} +
  find "$1" -type l -delete
  find "$1" -type f ! -name '*.html' -delete
  find "$1" -mindepth 1 -type d -empty -delete
}

unpack() { # package $1 in version $2, as directory $3
  local package="$1" wanted="$2" folder="$3" found
  scratch="$(mktemp -d "$versions/$package.XXXXXX")"
  download "$package" "$wanted" "$scratch"
  found="$(dpkg-deb -f "$scratch/"*.deb Version)"
  require_version "$package" "$wanted" "$found"
  dpkg -x "$scratch/"*.deb "$scratch/pages"
  keep_pages "$scratch/pages"
  chmod 755 "$scratch/pages"
  rm -rf "$folder"
  mv "$scratch/pages" "$folder"
  # Last, since it says that the folder is whole; beside the manuals, so that no ingest takes it for one.
  echo "$found" >"$versions/$package"
  rm -rf "$scratch"
}

[ $# -eq 1 ] || fail "usage: manuals.sh DIR"
for program in apt-get apt-cache dpkg dpkg-deb; do
  command -v "$program" >/dev/null ||
    fail "$program is missing: the manuals come from Debian packages, so this needs Debian 12 or a container of it."
done
versions="$1/versions"
mkdir -p "$1/manuals" "$versions"
scratch=""
trap 'if [ -n "$scratch" ]; then rm -rf "$scratch"; fi' EXIT
for entry in "${packages[@]}"; do
  package="${entry%%=*}" wanted="${entry#*=}" folder="$1/manuals/${entry%%=*}"
  if ! [ -d "$folder" ] || ! [ -f "$versions/$package" ]; then
    unpack "$package" "$wanted" "$folder"
  fi
  found="$(cat "$versions/$package")"
  require_version "$package" "$wanted" "$found"
  echo "$package $found: $(find "$folder" -name '*.html' | wc -l) pages"
done

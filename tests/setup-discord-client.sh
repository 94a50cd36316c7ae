#!/bin/sh
# Puts discord.py under the target folder, the independent client that runs against the simulated Discord.
# Does nothing when it is there already. Usage: tests/setup-discord-client.sh [target folder]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=${1:-${CARGO_TARGET_DIR:-$here/../target}}
requirements=$here/discord-client-requirements.txt
folder=$target/discord-client

if cmp -s "$requirements" "$folder/installed.txt"; then
    exit 0
fi
rm -rf "$folder"
mkdir -p "$folder"
python3 -m venv "$folder/venv" || {
    echo "setup-discord-client: python3 with venv is needed (apt-get install python3-venv)" >&2
    exit 1
}
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: --require-hashes --requirement "$requirements"
# Last: an install that was broken off is begun again.
cp "$requirements" "$folder/installed.txt"

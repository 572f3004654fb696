# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/embeddings.json, what transformers gives in f32 for all-MiniLM-L6-v2: make_embeddings.py FOLDER.

Needs torch and transformers. FOLDER is the model as sentence-transformers saves it.
"""

import json
import pathlib
import sys

import torch
import transformers

OUT = pathlib.Path(__file__).resolve().parents[1] / "golden/embeddings.json"
TEXTS = [
    "",
    "a",
    "Hello world",
    "The capital of France is Paris.",
    "Which city is the seat of the French government?",
    "Bananas are rich in potassium.",
    "ÀÉÎÕÜ naïve café, Łódź and Ångström: Straße",
    "中文字符 mixed with latin, 東京タワー and 한국어",
    "emoji 🙂👍🏽 zero\u200bwidth \u00a0spaces\ttabs\r\nlines <unk> [x]",
    "supercalifragilisticexpialidocious " + "x" * 101 + " isn't un-believable; 3.14159 (e.g. A/B)!?",
    "The quick brown fox jumps over the lazy dog, " * 12,
    "Long texts are cut after two hundred and fifty-six tokens. " * 40,
]


def main() -> None:
    folder = sys.argv[1]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    result = []
    for text in TEXTS:
        batch = tokenizer([text], return_tensors="pt", truncation=True, max_length=256, padding=False)
        with torch.no_grad():
            hidden = model(**batch).last_hidden_state[0]
        vector = torch.nn.functional.normalize(hidden.mean(0), dim=0)
        result.append({"text": text, "tokens": len(batch["input_ids"][0]),
                       "vector": [round(float(x), 7) for x in vector]})
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    OUT.write_text(json.dumps({"made with": versions, "texts": result}, ensure_ascii=False, indent=0) + "\n")


if __name__ == "__main__":
    main()

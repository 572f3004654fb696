# SPDX-License-Identifier: Apache-2.0
"""Small vocabularies for the fixtures: every byte is a token, so any text can be encoded."""

from dataclasses import dataclass, field

from gguf import TokenType

CHATML = (
    "{% for message in messages %}"
    "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
HEADERS = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n"
    "{{ message['content'] | trim }}<|eot_id|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
INSTRUCTION = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}{{ message['content'] }}{{ eos_token }}"
    "{% else %}[INST] {{ message['content'] }} [/INST]{% endif %}"
    "{% endfor %}"
)
TURNS = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "<start_of_turn>{{ 'model' if message['role'] == 'assistant' else message['role'] }}\n"
    "{{ message['content'] | trim }}<end_of_turn>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)


@dataclass
class Vocabulary:
    model: str  # "gpt2" or "llama"
    pre: str
    tokens: list
    types: list
    template: str
    merges: list = field(default_factory=list)
    scores: list = field(default_factory=list)
    bos: int = -1
    eos: int = -1
    eot: int = -1
    unknown: int = -1
    padding: int = -1
    add_bos: bool = False
    add_space_prefix: bool | None = None  # None: the format's default


def byte_characters():
    """GPT-2's map from a byte to the printable character that stands for it."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {b: chr(b) for b in kept}
    for byte in range(256):
        if byte not in table:
            table[byte] = chr(256 + len(table) - len(kept))
    return table


# Each merge joins two tokens that are bytes or the result of an earlier merge. "Ġ" is the space.
MERGES = """
Ġ t|h e|i n|e r|Ġ a|o n|r e|Ġt he|a t|e n|o r|Ġ s|Ġ w|i s|i t|Ġ o|Ġo f|e s|a n|an d|Ġa nd|in g
l l|o u|Ġ y|Ġy ou|l o|h e|he l|l lo|hel lo|Ġ c|a l|Ġ p|. .|Ċ Ċ|1 2|Ġ Ġ
""".replace("\n", "|").strip("|").split("|")


def byte_level(count, pre, start, end, template, extra, first):
    """Byte-level BPE of `count` tokens with the special tokens `extra` at the front or the end."""
    letters = byte_characters()
    words = [letters[b] for b in sorted(letters, key=lambda b: letters[b])]
    merges = []
    for merge in MERGES:
        if len(words) + len(extra) == count:
            break
        left, right = merge.split(" ")
        if left in words and right in words and left + right not in words:
            merges.append(merge)
            words.append(left + right)
    assert len(words) + len(extra) == count, (len(words), len(extra), count)
    normal, control = [TokenType.NORMAL] * len(words), [TokenType.CONTROL] * len(extra)
    tokens = extra + words if first else words + extra
    types = control + normal if first else normal + control
    return Vocabulary(
        model="gpt2", pre=pre, tokens=tokens, types=types, template=template, merges=merges,
        bos=tokens.index(start), eos=tokens.index(end), eot=tokens.index(end),
        padding=tokens.index(end),
    )


def smollm(count):
    extra = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    return byte_level(count, "smollm", "<|im_start|>", "<|im_end|>", CHATML, extra, first=True)


def qwen(count):
    extra = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    result = byte_level(count, "qwen2", "<|endoftext|>", "<|im_end|>", CHATML, extra, first=False)
    result.padding = result.bos
    return result


def llama3(count):
    extra = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>",
             "<|eot_id|>"]
    result = byte_level(count, "llama-bpe", "<|begin_of_text|>", "<|eot_id|>", HEADERS, extra,
                        first=False)
    result.add_bos = True
    return result


def sentencepiece(count):
    """A SentencePiece-style vocabulary with byte fallback; "▁" is the space."""
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    types = [TokenType.UNKNOWN] + [TokenType.CONTROL] * 2 + [TokenType.BYTE] * 256
    scores = [0.0] * len(tokens)
    pieces = ["▁t", "er", "in", "▁a", "en", "on", "▁th", "▁the", "▁", "e", "t", "a", "o", "n", "i",
              "s", "r", "h", "l", "d", "u", "c", "m", "f", "p", "g", "w", "y", "b", ".", ",", "▁w",
              "ll", "▁I", "I", "N", "S", "T", "[", "]", "/"]
    for number, piece in enumerate(pieces[: count - len(tokens)]):
        tokens.append(piece)
        types.append(TokenType.NORMAL)
        scores.append(-1.0 - number)
    assert len(tokens) == count
    return Vocabulary(
        model="llama", pre="default", tokens=tokens, types=types, scores=scores,
        template=INSTRUCTION, bos=1, eos=2, unknown=0, add_bos=True,
    )


def gemma(count):
    """Gemma's SentencePiece: its own special tokens first, and no space before a text."""
    result = sentencepiece(count - 3)
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"]
    result.tokens = special + result.tokens[3:]
    result.types = ([TokenType.CONTROL] * 3 + [TokenType.UNKNOWN] + [TokenType.CONTROL] * 2
                    + result.types[3:])
    result.scores = [0.0] * 6 + result.scores[3:]
    result.template, result.add_space_prefix = TURNS, False
    result.padding, result.eos, result.bos, result.unknown, result.eot = 0, 1, 2, 3, 5
    return result

# SPDX-License-Identifier: Apache-2.0
"""Local first, and another model where this one is unsure: handoff.py MODEL PROMPT [URL NAME [KEY_FILE]]."""

import re
import sys

import hob


def redact(role: str, text: str) -> "str | None":
    """What is sent of a message: no addresses, and nothing of the system's own instructions."""
    return None if role == "system" else re.sub(r"\S+@\S+", "[address]", text)


model = hob.Model(sys.argv[1])
url, name, key_file = (*sys.argv[3:], "")[:3] if len(sys.argv) > 4 else ("https://localhost/v1", "none", "")
handoff = hob.Handoff(
    model.runtime,
    url=url,
    model=name,
    key_file=key_file,
    consent=len(sys.argv) > 4,  # ask the user, and keep the answer
    max_mean_entropy=2.5,
    redact=redact,
)
report = handoff.answer(model.session(), sys.argv[2], on_text=lambda text: print(text, end="", flush=True))
print(f"\n({report.source.name.lower()})")

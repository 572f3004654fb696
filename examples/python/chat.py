# SPDX-License-Identifier: Apache-2.0
"""Chats with a model: chat.py MODEL [PROMPT]; without PROMPT, a message a line from standard input."""

import sys

import hob


def main(model_path: str, *prompts: str) -> None:
    with hob.Model(model_path) as model, model.session() as session:
        for prompt in prompts or sys.stdin:
            try:
                for piece in session.stream(prompt.rstrip("\n"), max_tokens=256):
                    print(piece, end="", flush=True)
            except KeyboardInterrupt:  # ends this answer; what was said stays said
                print(" …", end="")
            print()


try:
    main(*sys.argv[1:])
except hob.HobError as error:
    sys.exit(str(error))

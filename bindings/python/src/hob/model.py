# SPDX-License-Identifier: Apache-2.0
"""A model: weights and tokenizer of one file, loaded once and shared by any number of sessions."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict

from . import _text
from ._arrays import owned_tokens
from ._callback import Callback
from ._handle import Handle
from ._library import encode, ffi, lib, take_text, text_of
from ._structs import filled, known, new_struct
from .errors import check, new_error
from .runtime import Runtime
from .sampler import Sampler
from .template import ChatTemplate
from .tokenizer import Tokenizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Unpack

    from .session import GenerateOptions, Session, SessionOptions

__all__ = ["Activations", "KvType", "Message", "Model", "ModelInfo", "ModelOptions", "ModelPlan", "RopeScaling"]


class Activations(IntEnum):
    """How activations enter the products with block-quantised weights."""

    INT16 = 0  #: 16-bit integers: the answers that f32 gives
    INT8 = 1  #: 8 bit: prefill is faster, answers may differ
    F32 = 2  #: for references, slow


class KvType(IntEnum):
    """The element type of the key/value cache."""

    MODEL = -1  #: of a session's cache: as the model was opened
    F16 = 0
    F32 = 1
    INT8 = 2  #: half the bytes of F16, faster


class RopeScaling(IntEnum):
    """How rotary positions are stretched for contexts longer than the model was trained on."""

    MODEL = 0  #: as the file says
    NONE = 1  #: not at all
    LINEAR = 2
    NTK = 3
    YARN = 4
    LLAMA3 = 5


class ModelOptions(TypedDict, total=False):
    """What Model and Model.plan take beside the file."""

    max_batch_rows: int  #: most tokens in one pass over the weights, up to 8192; 0: 512
    activations: Activations
    kv_type: KvType
    vocabulary_only: bool  #: the tokenizer alone; no session can be made
    copy_file: bool  #: read the file into memory rather than map it: then it may change or go while the model lives
    rope_scaling: RopeScaling
    rope_factor: float  #: 1 to 65536: so many times the original context
    rope_original_context: int  #: 0: the file's
    shared_cache_tokens: int  #: kept for sessions whose texts begin alike; 0: 4096, -1: none


class Message(TypedDict):
    """One message of a conversation."""

    role: str  #: "system", "user", "assistant", or what else the model's chat template knows
    content: str


@dataclass(frozen=True)
class ModelInfo:
    """Sizes that a vocabulary-only model does not know are 0; token ids that a model lacks are -1."""

    vocabulary_size: int
    context_length: int
    layers: int
    width: int
    heads: int
    kv_heads: int
    head_dim: int
    bos_token: int
    eos_token: int
    max_batch_rows: int
    has_chat_template: bool
    parameters: int
    file_bytes: int
    weight_bytes: int
    scratch_bytes: int
    kv_bytes_per_token: int


@dataclass(frozen=True)
class ModelPlan:
    """What opening a file and its sessions take, in bytes of the runtime's memory."""

    context_length: int
    max_batch_rows: int
    kv_page_tokens: int  #: a session's cache grows by pages of so many tokens
    weight_bytes: int  #: allocated for packed weights
    mapped_bytes: int  #: of weights read in the mapped file: not allocated
    scratch_bytes: int
    kv_bytes_per_token: int
    kv_page_bytes: int
    session_bytes: int  #: of a session that holds context_length tokens
    evaluate_bytes: int  #: beside that, while Session.evaluate runs


def _options(options: ModelOptions) -> Any:
    known(options, ModelOptions, "a model")
    struct = new_struct("hob_model_options")
    for name, value in options.items():
        setattr(struct, name, value)
    return struct


class Model(Handle):
    """Weights and tokenizer of a GGUF or .hob file. Immutable; any number of threads may use one.

    The file is mapped and must not change while the model lives, unless `copy_file`. `runtime`: None makes one for this
    model alone.
    `progress(done, total)` is told how far opening is, in bytes; where it returns False, opening ends with Cancelled.
    """

    runtime: Runtime  #: what it was opened with

    def __init__(
        self,
        path: str | os.PathLike[str],
        runtime: Runtime | None = None,
        *,
        progress: Callable[[int, int], object] | None = None,
        **options: Unpack[ModelOptions],
    ) -> None:
        self.runtime = Runtime() if runtime is None else runtime
        self._keep = self.runtime._keep
        struct, name = _options(options), encode(path)
        with Callback("hob_progress_fn", progress) as report:
            struct.progress = report.function
            out, error = ffi.new("hob_model**"), new_error()
            status = lib.hob_model_open(out, self.runtime._pointer, name, len(name), struct, error)
            if not status:
                self._own(out[0], lib.hob_model_destroy)
            report.check(status, error)

    @staticmethod
    def plan(
        path: str | os.PathLike[str], runtime: Runtime | None = None, **options: Unpack[ModelOptions]
    ) -> ModelPlan:
        """What opening the file would take, before anything is allocated."""
        runtime = Runtime() if runtime is None else runtime
        name, out, error = encode(path), new_struct("hob_model_plan_info"), new_error()
        check(lib.hob_model_plan(out, runtime._pointer, name, len(name), _options(options), error), error)
        return filled(ModelPlan, out)

    # What it is.

    @cached_property
    def info(self) -> ModelInfo:
        """Sizes and special tokens."""
        out, error = new_struct("hob_model_info"), new_error()
        check(lib.hob_model_get_info(out, self._pointer, error), error)
        return filled(ModelInfo, out, has_chat_template=bool(out.has_chat_template))

    def _text(self, which: int) -> str:
        out, error = ffi.new("hob_string*"), new_error()
        check(lib.hob_model_get_text(out, self._pointer, which, error), error)
        return text_of(out)

    @property
    def architecture(self) -> str:
        """The family, such as "llama"."""
        return self._text(lib.HOB_MODEL_ARCHITECTURE)

    @property
    def name(self) -> str:
        """The model's own name."""
        return self._text(lib.HOB_MODEL_NAME)

    @property
    def license(self) -> str:
        """The licence that the file names."""
        return self._text(lib.HOB_MODEL_LICENSE)

    @property
    def container(self) -> str:
        """The file's format, such as "GGUF v3"."""
        return self._text(lib.HOB_MODEL_CONTAINER)

    @property
    def chat_template(self) -> str:
        """Jinja source; empty where the file has none."""
        return self._text(lib.HOB_MODEL_CHAT_TEMPLATE)

    @property
    def tokenizer_kind(self) -> str:
        """Such as "gpt2/smollm"."""
        return self._text(lib.HOB_MODEL_TOKENIZER)

    @property
    def path(self) -> str:
        """The file."""
        return self._text(lib.HOB_MODEL_PATH)

    @property
    def hash(self) -> str:
        """32 hex digits, XXH3-128 of the file; the first use reads all of it."""
        return self._text(lib.HOB_MODEL_HASH)

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer, as a handle of its own, which outlives the model."""
        out, error = ffi.new("hob_tokenizer**"), new_error()
        check(lib.hob_model_get_tokenizer(out, self._pointer, error), error)
        return Tokenizer._take(out[0], lib.hob_tokenizer_destroy)

    @property
    def template(self) -> ChatTemplate:
        """The chat template, as a handle of its own, which outlives the model; FailedPrecondition if there is none."""
        out, error = ffi.new("hob_chat_template**"), new_error()
        check(lib.hob_model_get_chat_template(out, self._pointer, error), error)
        return ChatTemplate._take(out[0], lib.hob_chat_template_destroy)

    def describe(self) -> dict[str, Any]:
        """Everything known of it: hyperparameters, tensors, the planned graph with its kernels. Experimental."""
        out, size, error = ffi.new("char**"), ffi.new("size_t*"), new_error()
        check(lib.hob_model_describe(out, size, self._pointer, error), error)
        description: dict[str, Any] = json.loads(take_text(out[0], size[0]))
        return description

    # Text and tokens.

    def tokenize(self, text: str, *, add_special: bool = False, parse_special: bool = False) -> list[int]:
        """Text as tokens. add_special: BOS and its like as the model asks; parse_special: reads "<|im_end|>" and its
        like as control tokens: not for text that users wrote."""
        bits = _text.flags(add_special, parse_special)
        return _text.taken_list(*_text.to_tokens(lib.hob_model_tokenize, self, text, bits))

    def tokenize_array(self, text: str, *, add_special: bool = False, parse_special: bool = False) -> NDArray[np.int32]:
        """tokenize() as a numpy array over the library's own memory, which is freed with the array."""
        bits = _text.flags(add_special, parse_special)
        return owned_tokens(*_text.to_tokens(lib.hob_model_tokenize, self, text, bits))

    def detokenize(self, tokens: Iterable[int], *, show_special: bool = False) -> str:
        """Tokens as text; bytes that are not UTF-8 become U+FFFD. show_special writes control tokens out."""
        return _text.to_text(lib.hob_model_detokenize, self, tokens, _text.shown(show_special))

    def token_bytes(self, token: int, *, show_special: bool = False) -> bytes:
        """The bytes of one token, which may be part of a character."""
        return _text.to_bytes(lib.hob_model_token_bytes, self, token, _text.shown(show_special))

    def find_token(self, text: str) -> int:
        """The token stored as exactly `text`, such as "<|im_end|>"; NotFound if there is none."""
        return _text.find(lib.hob_model_find_token, self, text)

    def is_end_token(self, token: int) -> bool:
        """Whether the token ends an answer."""
        out, error = ffi.new("uint8_t*"), new_error()
        check(lib.hob_model_is_end_token(out, self._pointer, token, error), error)
        return bool(out[0])

    def render_chat(self, messages: Iterable[Message], *, add_generation_prompt: bool = True) -> str:
        """The text that the model's chat template makes of messages; see ChatTemplate.render."""
        return self.template.render(messages, add_generation_prompt=add_generation_prompt)

    # Answers.

    def session(self, **options: Unpack[SessionOptions]) -> Session:
        """An empty conversation: Session(model, …)."""
        from .session import Session

        return Session(self, **options)

    def complete(self, prompt: str, *, sampler: Sampler | None = None, **options: Unpack[GenerateOptions]) -> str:
        """The text that goes on from a raw prompt, in a session of its own. Any thread. See Session.generate."""
        with self.session(sampler=sampler) as session:
            session.add_text(prompt, add_special=True)
            return session.generate(**options).text

    def chat(
        self, messages: str | Iterable[Message], *, sampler: Sampler | None = None, **options: Unpack[GenerateOptions]
    ) -> str:
        """The answer to a conversation, or to one message of a user, in a session of its own. Any thread."""
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        with self.session(sampler=sampler) as session:
            for message in messages:
                session.add(message["role"], message["content"])
            return session.generate(**options).text

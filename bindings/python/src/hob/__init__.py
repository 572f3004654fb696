# SPDX-License-Identifier: Apache-2.0
"""hob: a language model assistant inside your own process.

>>> import hob
>>> model = hob.Model("model.gguf")  # doctest: +SKIP
>>> for piece in model.session().stream("What is the capital of France?"):  # doctest: +SKIP
...     print(piece, end="", flush=True)
"""

from . import ops
from .convert import ConvertWeights, convert
from .embedder import Embedder, EmbedderInfo, Normalization, Pooling
from .errors import (
    Aborted,
    AlreadyExists,
    Cancelled,
    DataLoss,
    DeadlineExceeded,
    FailedPrecondition,
    HobError,
    Internal,
    InvalidArgument,
    NotFound,
    OutOfRange,
    PermissionDenied,
    ResourceExhausted,
    Status,
    Unauthenticated,
    Unavailable,
    Unimplemented,
)
from .grammar import Grammar, Matcher
from .handoff import (
    AnswerSource,
    BreakerState,
    Handoff,
    HandoffFallback,
    HandoffMetrics,
    HandoffMode,
    HandoffReason,
    HandoffReport,
)
from .model import Activations, KvType, Message, Model, ModelInfo, ModelOptions, ModelPlan, RopeScaling
from .result import FinishReason, Result, Stats, TokenLogprob
from .runtime import Runtime, RuntimeInfo, version
from .sampler import Sampler, SamplerChain
from .session import GenerateOptions, Session, SessionOptions
from .stream import Stream
from .template import ChatTemplate
from .tokenizer import Detokenizer, TokenInfo, Tokenizer, TokenizerInfo, TokenKind
from .tools import ToolCall, Tools

__version__ = version()

__all__ = [
    "Aborted",
    "Activations",
    "AlreadyExists",
    "AnswerSource",
    "BreakerState",
    "Cancelled",
    "ChatTemplate",
    "ConvertWeights",
    "DataLoss",
    "DeadlineExceeded",
    "Detokenizer",
    "Embedder",
    "EmbedderInfo",
    "FailedPrecondition",
    "FinishReason",
    "GenerateOptions",
    "Grammar",
    "Handoff",
    "HandoffFallback",
    "HandoffMetrics",
    "HandoffMode",
    "HandoffReason",
    "HandoffReport",
    "HobError",
    "Internal",
    "InvalidArgument",
    "KvType",
    "Matcher",
    "Message",
    "Model",
    "ModelInfo",
    "ModelOptions",
    "ModelPlan",
    "Normalization",
    "NotFound",
    "OutOfRange",
    "PermissionDenied",
    "Pooling",
    "ResourceExhausted",
    "Result",
    "RopeScaling",
    "Runtime",
    "RuntimeInfo",
    "Sampler",
    "SamplerChain",
    "Session",
    "SessionOptions",
    "Stats",
    "Status",
    "Stream",
    "TokenInfo",
    "TokenKind",
    "TokenLogprob",
    "Tokenizer",
    "TokenizerInfo",
    "ToolCall",
    "Tools",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
    "convert",
    "ops",
    "version",
]

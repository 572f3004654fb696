# SPDX-License-Identifier: Apache-2.0
"""The library's structs that know their own size, and the dataclasses that come of them."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from ._library import ffi

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Data = TypeVar("_Data", bound="DataclassInstance")


def new_struct(name: str) -> Any:
    """A struct of zeros but for its size."""
    struct = ffi.new(f"{name}*")
    struct.struct_size = ffi.sizeof(name)
    return struct


def filled(kind: type[_Data], struct: Any, **given: Any) -> _Data:
    """A `kind` of the struct's fields of the same names; those that Python has otherwise are given."""
    names = (field.name for field in fields(kind))
    return kind(**{name: given[name] if name in given else getattr(struct, name) for name in names})

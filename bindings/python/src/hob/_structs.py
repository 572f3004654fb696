# SPDX-License-Identifier: Apache-2.0
"""The library's structs that know their own size, the options that go in, and the dataclasses that come out."""

from __future__ import annotations

from collections.abc import Iterable
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


def known(options: Iterable[str], kind: type[Any], what: str) -> None:
    """Refuses names that are not among the keys of `kind`, a TypedDict."""
    for name in options:
        if name not in kind.__annotations__:
            raise TypeError(f"unknown option of {what}: {name}; there are {', '.join(kind.__annotations__)}")

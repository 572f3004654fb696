# SPDX-License-Identifier: Apache-2.0
"""Enumerations of what the library returns."""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class OpenEnum(IntEnum):
    """One that a newer library may have more values of: a number without a name here is a value, too, named for it."""

    @classmethod
    def _missing_(cls, value: object) -> Any:
        if not isinstance(value, int):
            return None  # a ValueError
        new = int.__new__(cls, value)
        new._name_, new._value_ = str(value), value
        return new

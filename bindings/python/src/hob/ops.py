# SPDX-License-Identifier: Apache-2.0
"""hob's matrix product on its own: quantise a matrix, multiply rows by it, with the kernels, the threads and the bits
that a model would have. Experimental: what is here may change or go with any release.

>>> matrix = hob.ops.Matrix(weights, hob.ops.WeightType.Q8_0)  # doctest: +SKIP
>>> y = matrix @ x  # doctest: +SKIP
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._arrays import floats_in, floats_out
from ._enum import OpenEnum
from ._handle import Handle
from ._library import ffi, lib, text_of
from ._structs import filled, new_struct
from .errors import check, new_error
from .model import Activations
from .runtime import Runtime

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray
    from typing_extensions import Buffer

__all__ = ["Matrix", "MatrixInfo", "WeightType", "quantize", "type_bytes"]


class WeightType(OpenEnum):
    """Element types of weights; the numbers below 1000 are GGUF's. A newer library may know further types."""

    F32 = 0
    F16 = 1
    Q4_0 = 2  #: blocks of 32: columns are a multiple of that, and of 256 for _K
    Q4_1 = 3
    Q5_0 = 6
    Q5_1 = 7
    Q8_0 = 8
    Q4_K = 12  #: hob reads _K types, but does not make them
    Q5_K = 13
    Q6_K = 14
    BF16 = 30
    INT8 = 1000  #: int8 with a float32 scale for each row; columns are a multiple of 4


@dataclass(frozen=True)
class MatrixInfo:
    """What a matrix is and takes."""

    type: WeightType
    rows: int
    columns: int
    weight_bytes: int  #: of the runtime's memory, held for the weights
    scratch_bytes: int  #: and for products
    provider: str  #: whose kernels: "avx512vnni", "xnnpack", …


def type_bytes(type: WeightType, rows: int, columns: int) -> int:
    """How many bytes a matrix of that type takes; 0 for what cannot be."""
    return int(lib.hob_type_bytes(type, rows, columns))


def _matrix_in(values: ArrayLike) -> NDArray[np.float32]:
    array = floats_in(values)
    if array.ndim != 2:
        raise ValueError(f"a matrix is to have two dimensions, not {array.ndim}")
    return array


def quantize(values: ArrayLike, type: WeightType) -> bytearray:
    """Rows of floats as rows of `type`: what a file of that type holds. InvalidArgument, with row and column, for
    values that are not finite or not in the type's range."""
    array, error = _matrix_in(values), new_error()
    out = bytearray(type_bytes(type, *array.shape))
    view, target = ffi.from_buffer("float[]", array), ffi.from_buffer("char[]", out, require_writable=True)
    check(lib.hob_quantize(target, len(out), type, view, *array.shape, error), error)
    return out


class Matrix(Handle):
    """A weight matrix made ready for this machine, from floats, which are quantised on the way. Immutable; any number
    of threads may use one: their products, and the steps of models of the same runtime, take turns.

    `runtime`: None makes one for this matrix alone. `activations`: how rows enter products with block types and int8.
    `max_rows`: in one pass over the weights, up to 65536; 0: 512. More come in parts.
    """

    runtime: Runtime  #: what it computes on
    shape: tuple[int, int]  #: rows and columns

    def __init__(
        self,
        values: ArrayLike,
        type: WeightType,
        runtime: Runtime | None = None,
        *,
        activations: Activations = Activations.INT16,
        max_rows: int = 0,
    ) -> None:
        array = _matrix_in(values)
        view = ffi.from_buffer("float[]", array)
        self._make(runtime, activations, max_rows, type, array.shape, lib.hob_matrix_quantize, view)

    @classmethod
    def from_blocks(
        cls,
        data: Buffer,
        type: WeightType,
        rows: int,
        columns: int,
        runtime: Runtime | None = None,
        *,
        activations: Activations = Activations.INT16,
        max_rows: int = 0,
    ) -> Matrix:
        """One of weights in the form of `type`, as quantize() writes and GGUF files hold them, read where they lie."""
        matrix, view = cls.__new__(cls), ffi.from_buffer("char[]", data)
        matrix._make(runtime, activations, max_rows, type, (rows, columns), lib.hob_matrix_create, view, len(view))
        return matrix

    def _make(
        self,
        runtime: Runtime | None,
        activations: Activations,
        max_rows: int,
        type: WeightType,
        shape: tuple[int, int],
        function: Any,
        *data: Any,
    ) -> None:
        self.runtime = Runtime() if runtime is None else runtime
        self._keep = self.runtime._keep
        options = new_struct("hob_matrix_options")
        options.activations, options.max_rows = activations, max_rows
        out, error = ffi.new("hob_matrix**"), new_error()
        self.shape = shape
        check(function(out, self.runtime._pointer, type, *data, *shape, options, error), error)
        self._own(out[0], lib.hob_matrix_destroy)

    @property
    def info(self) -> MatrixInfo:
        """What it is and takes."""
        out, error = new_struct("hob_matrix_info"), new_error()
        pointer = self._pointer  # out.provider lies in it
        try:
            check(lib.hob_matrix_get_info(out, pointer, error), error)
            return filled(MatrixInfo, out, type=WeightType(out.type), provider=text_of(out.provider))
        finally:
            del pointer  # a kept traceback keeps no memory

    def multiply(self, x: ArrayLike, *, out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """The product with each row of x: [columns] gives [rows of the matrix], [n, columns] gives [n, rows of the
        matrix], in `out` if that is given. Contiguous arrays of float32 are read and written where they lie. A row's
        result has the same bits alone or among others."""
        import numpy as np

        rows, columns = self.shape
        values, error = floats_in(x), new_error()
        if values.ndim not in (1, 2) or values.shape[-1] != columns:
            raise ValueError(f"x is to have the shape ({columns},) or (n, {columns}), not {values.shape}")
        target = floats_out(out, (*values.shape[:-1], rows))
        if out is not None and np.may_share_memory(values, target):
            raise ValueError("x and out overlap")
        view, into = ffi.from_buffer("float[]", values), ffi.from_buffer("float[]", target)
        count = 1 if values.ndim == 1 else len(values)
        check(lib.hob_matrix_multiply(into, self._pointer, view, count, error), error)
        return target

    def __matmul__(self, x: ArrayLike) -> NDArray[np.float32]:
        """As numpy means it: x is [columns], or [columns, n] and its columns are multiplied. That takes no copy where x
        is the transpose of a contiguous array."""
        import numpy as np

        values = np.asarray(x)
        return self.multiply(values) if values.ndim < 2 else self.multiply(values.T).T

    # `array @ matrix` is a TypeError instead of a product with each element.
    __array_ufunc__ = None

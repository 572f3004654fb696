# SPDX-License-Identifier: Apache-2.0
"""hob's quantised matrix product in a numpy loop, by ctypes alone: matmul_numpy.py libhob.so

Power iteration: the largest eigenvalue of a matrix that hob holds in 8 bits, beside numpy's."""

import ctypes
import sys

import numpy

HOB_TYPE_Q8_0 = 8

hob = ctypes.CDLL(sys.argv[1] if len(sys.argv) > 1 else "libhob.so")
size, floats = ctypes.c_size_t, numpy.ctypeslib.ndpointer(numpy.float32, flags="C_CONTIGUOUS")
hob.hob_runtime_create.argtypes = [ctypes.c_void_p] * 3
hob.hob_matrix_quantize.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32, floats,
                                    size, size, ctypes.c_void_p, ctypes.c_void_p]
hob.hob_matrix_multiply.argtypes = [floats, ctypes.c_void_p, floats, size, ctypes.c_void_p]
hob.hob_matrix_destroy.argtypes = hob.hob_runtime_destroy.argtypes = [ctypes.c_void_p]
hob.hob_matrix_destroy.restype = hob.hob_runtime_destroy.restype = None


class HobString(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("size", size)]


hob.hob_error_message.argtypes, hob.hob_error_message.restype = [ctypes.c_void_p], HobString


def check(call, *arguments):
    """Calls a function whose last argument is a hob_error**."""
    error = ctypes.c_void_p()
    if call(*arguments, ctypes.byref(error)) != 0:
        raise RuntimeError(hob.hob_error_message(error).data.decode())


class Matrix:
    """A matrix that hob quantises, packs and multiplies."""

    def __init__(self, runtime, values):
        self.rows, self.columns = values.shape
        self.handle = ctypes.c_void_p()
        check(hob.hob_matrix_quantize, ctypes.byref(self.handle), runtime, HOB_TYPE_Q8_0, values,
              self.rows, self.columns, None)

    def __matmul__(self, x):
        out = numpy.empty(self.rows, numpy.float32)
        check(hob.hob_matrix_multiply, out, self.handle, x, 1)
        return out

    def __del__(self):
        hob.hob_matrix_destroy(self.handle)


def largest_eigenvalue(matrix, steps=50):
    x = numpy.ones(matrix.columns if isinstance(matrix, Matrix) else len(matrix), numpy.float32)
    for _ in range(steps):
        y = matrix @ x
        x = y / numpy.linalg.norm(y)
    return float(x @ (matrix @ x))


runtime = ctypes.c_void_p()
check(hob.hob_runtime_create, ctypes.byref(runtime), None)
half = numpy.random.default_rng(1).random((1024, 1024), numpy.float32)
values = numpy.ascontiguousarray((half + half.T) / 2)
ours, theirs = largest_eigenvalue(Matrix(runtime, values)), largest_eigenvalue(values)
hob.hob_runtime_destroy(runtime)
print(f"hob {ours:.2f}, numpy {theirs:.2f}")
sys.exit(abs(ours - theirs) > 1e-3 * theirs)

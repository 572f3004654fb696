/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every header of hob's C interface shares: versions, status codes, strings, errors.
 *
 * Conventions of the whole interface:
 *  - A function that can fail returns a hob_status and takes an optional `hob_error** error` last.
 *    When it fails and `error` is not NULL, *error becomes a new error object, which the caller
 *    destroys; when it succeeds, *error becomes NULL. What *error held before is not looked at.
 *  - Other out-parameters come first. They are written on success only, unless stated.
 *  - Strings are UTF-8, a pointer and a length in bytes; NULL is allowed when the length is 0.
 *    Strings that hob returns are also followed by a NUL byte, which the length does not count.
 *  - Structs that begin with `struct_size` are set by their HOB_..._INIT. They grow at the end:
 *    fields that a caller's shorter struct lacks take their defaults; a longer one than the library
 *    knows is accepted only if what the library does not know is zero. Reserved fields are zero.
 *  - Handles are opaque. _destroy(NULL) does nothing. A NULL handle elsewhere is an error.
 *    What a handle needs stays alive with it: handles may be destroyed in any order.
 *  - After fork(), a handle made before it answers with HOB_FAILED_PRECONDITION in the child;
 * there, destroying one leaves its memory to the end of the process.
 */
#ifndef HOB_BASE_H_
#define HOB_BASE_H_

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && !defined(HOB_STATIC)
#if defined(HOB_BUILDING_LIBRARY)
#define HOB_API __declspec(dllexport)
#else
#define HOB_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define HOB_API __attribute__((visibility("default")))
#else
#define HOB_API
#endif

/* Before a declaration: it works as ever, but the compiler names what takes its place. An app that
 * cannot change yet defines HOB_NO_DEPRECATION_WARNINGS. */
#if defined(HOB_NO_DEPRECATION_WARNINGS)
#define HOB_DEPRECATED(instead)
#elif defined(__GNUC__)
#define HOB_DEPRECATED(instead) __attribute__((deprecated(instead)))
#elif defined(_MSC_VER)
#define HOB_DEPRECATED(instead) __declspec(deprecated(instead))
#else
#define HOB_DEPRECATED(instead)
#endif

/* The interface that this header describes: major << 16 | minor. */
#define HOB_ABI_VERSION_MAJOR 0
#define HOB_ABI_VERSION_MINOR 1
#define HOB_ABI_VERSION ((HOB_ABI_VERSION_MAJOR << 16) | HOB_ABI_VERSION_MINOR)

#ifdef __cplusplus
extern "C" {
#endif

/* A piece of UTF-8 text, not owned. */
typedef struct hob_string {
  const char* data;
  size_t size;
} hob_string;

/* The outcome of a call; the numbers are those of gRPC's status codes. */
typedef int32_t hob_status;
enum {
  HOB_OK = 0,
  HOB_CANCELLED = 1, /* a callback asked for it */
  HOB_UNKNOWN = 2,
  HOB_INVALID_ARGUMENT = 3, /* an argument or a file's content is wrong */
  HOB_DEADLINE_EXCEEDED = 4,
  HOB_NOT_FOUND = 5,
  HOB_ALREADY_EXISTS = 6,
  HOB_PERMISSION_DENIED = 7,
  HOB_RESOURCE_EXHAUSTED = 8,  /* memory is out, or a limit reached */
  HOB_FAILED_PRECONDITION = 9, /* not in this state of the object */
  HOB_ABORTED = 10,
  HOB_OUT_OF_RANGE = 11,  /* longer than the context */
  HOB_UNIMPLEMENTED = 12, /* a model family, tensor type or feature that hob lacks */
  HOB_INTERNAL = 13,      /* a fault of hob: please report it */
  HOB_UNAVAILABLE = 14,
  HOB_DATA_LOSS = 15, /* a file is cut short or damaged */
  HOB_UNAUTHENTICATED = 16
};

/* Why a call failed. Owned by the caller; immutable, so any thread may read it. */
typedef struct hob_error hob_error;

/* The interface of the library that is running: compare with HOB_ABI_VERSION. Any thread. */
HOB_API uint32_t hob_abi_version(void);

/* The library's version, such as "0.1.0". Static; any thread. */
HOB_API hob_string hob_version(void);

/* "INVALID_ARGUMENT" for HOB_INVALID_ARGUMENT; "UNKNOWN" for a number not in the list. Static. */
HOB_API hob_string hob_status_name(hob_status status);

/* The error's status; HOB_OK for NULL. */
HOB_API hob_status hob_error_code(const hob_error* error);

/* What was wrong and where, for people. Lives as long as the error; empty for NULL. */
HOB_API hob_string hob_error_message(const hob_error* error);

/* What the caller can do about it; often empty. Lives as long as the error; empty for NULL. */
HOB_API hob_string hob_error_hint(const hob_error* error);

HOB_API void hob_error_destroy(hob_error* error);

/* Frees memory that a function of this library returned for the caller to hob_free. Any thread. */
HOB_API void hob_free(void* memory);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* HOB_BASE_H_ */

/* SPDX-License-Identifier: Apache-2.0 */
/* A runtime: the threads, the memory and the log that models share. Nothing of hob is global. */
#ifndef HOB_RUNTIME_H_
#define HOB_RUNTIME_H_

#include <hob/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Threads: any number of threads may use one runtime at a time. */
typedef struct hob_runtime hob_runtime;

typedef int32_t hob_log_level;
enum { HOB_LOG_DEBUG = 0, HOB_LOG_INFO = 1, HOB_LOG_WARNING = 2, HOB_LOG_ERROR = 3 };

/* Returns `bytes` of memory aligned to `alignment` (a power of two), or NULL when memory is out.
 * Called from any thread. */
typedef void* (*hob_allocate_fn)(void* user, size_t bytes, size_t alignment);
/* Takes back what hob_allocate_fn gave, with the same size and alignment. Called from any thread.
 */
typedef void (*hob_release_fn)(void* user, void* memory, size_t bytes, size_t alignment);
/* Receives a line without a line break; `message` lives for the call. Called from any thread. */
typedef void (*hob_log_fn)(void* user, hob_log_level level, const char* message, size_t size);

typedef struct hob_runtime_options {
  uint32_t struct_size;
  uint32_t abi_version;    /* HOB_ABI_VERSION of the header that the caller was compiled with */
  uint32_t threads;        /* the calling thread included; 0: as many as the process may use */
  hob_log_level log_level; /* lines below it are dropped */
  /* Where weights, caches and scratch memory come from; both or neither. NULL: the C library.
   * `user` pointers and the functions stay valid until the last handle of the runtime is gone. */
  hob_allocate_fn allocate;
  hob_release_fn release;
  void* allocator_user;
  hob_log_fn log; /* NULL: silence */
  void* log_user;
  uint32_t max_requests; /* answers that may be on their way at a time; 0: 256 */
  uint32_t reserved;
  uint64_t memory_limit; /* bytes that bytes_in_use of hob_runtime_info never passes: what would is
                            HOB_RESOURCE_EXHAUSTED, with both numbers. 0: none */
} hob_runtime_options;

#define HOB_RUNTIME_OPTIONS_INIT \
  {sizeof(hob_runtime_options),  \
   HOB_ABI_VERSION,              \
   0,                            \
   HOB_LOG_INFO,                 \
   NULL,                         \
   NULL,                         \
   NULL,                         \
   NULL,                         \
   NULL,                         \
   0,                            \
   0,                            \
   0}

/* Creates a runtime. `options` may be NULL. Errors: HOB_FAILED_PRECONDITION when the caller was
 * compiled for another major or a newer minor version of the interface; HOB_INVALID_ARGUMENT;
 * HOB_RESOURCE_EXHAUSTED. Any thread. */
HOB_API hob_status hob_runtime_create(hob_runtime** out, const hob_runtime_options* options,
                                      hob_error** error);

/* Gives the handle up. Models and sessions made from it live on. */
HOB_API void hob_runtime_destroy(hob_runtime* runtime);

typedef struct hob_runtime_info {
  uint32_t struct_size;
  uint32_t threads;
  uint64_t bytes_in_use; /* of the large memory: packed weights, caches, scratch */
  uint64_t peak_bytes;   /* the most that bytes_in_use has been */
} hob_runtime_info;

#define HOB_RUNTIME_INFO_INIT {sizeof(hob_runtime_info), 0, 0, 0}

/* Fills `out`, whose struct_size the caller has set. */
HOB_API hob_status hob_runtime_get_info(hob_runtime_info* out, const hob_runtime* runtime,
                                        hob_error** error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* HOB_RUNTIME_H_ */

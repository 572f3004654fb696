# SPDX-License-Identifier: Apache-2.0
"""Whatever the library takes from the C library either cannot fail or is failed by hob_inject."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

INJECT = Path(__file__).parent

# By what they do; none of these asks the system for something that it may refuse.
CANNOT_FAIL = {
    "mathematics": "expf floor fmaf fmod frexp log log2 nearbyint nearbyintf pow roundf sincos sqrt sqrtf exp cos sin "
    "cosf sinf logf powf tanhf erfc erff ceil ceilf floorf trunc truncf rint rintf round lround lroundf exp2 exp2f fma "
    "ldexp tanh scalbn expm1f",
    "bytes and characters": "memchr memcmp memcpy __memcpy_chk memmove __memmove_chk memset __memset_chk strcmp strlen "
    "strncmp strncpy strtod strtol strtoul strchr strrchr strstr strtoll strtoull localeconv __explicit_bzero_chk explicit_bzero __ctype_b_loc __ctype_tolower_loc __ctype_toupper_loc "
    "snprintf vsnprintf __snprintf_chk __vsnprintf_chk strerror strerror_r __xpg_strerror_r qsort bsearch strtof",
    "what the process is": "getenv secure_getenv getpid getpagesize sysconf sched_yield nanosleep clock_gettime "
    "localtime_r pthread_self pthread_getschedparam __sched_cpucount getauxval prctl",
    "the compiler's and the linker's": "__cxa_atexit __cxa_finalize __errno_location __libc_single_threaded "
    "__stack_chk_fail __tls_get_addr __assert_fail abort __cxa_thread_atexit_impl",
    "give back": "free munmap closedir pthread_mutex_unlock pthread_mutex_destroy pthread_mutex_init pthread_join "
    "pthread_cond_signal pthread_cond_broadcast pthread_cond_destroy pthread_rwlock_unlock pthread_cond_init",
    "libsodium's, which checking a signature does not come to": "fcntl getrandom munlock poll raise",
    "libcurl's loading: where it fails, as without libcurl, nothing is handed over, which tests/handoff has": "dlopen dlsym",
    # Abseil's, of its own threads' identity; without memory for it the C library says so by an allocation.
    "thread-specific data": "pthread_getspecific pthread_setspecific pthread_key_create pthread_once pthread_sigmask "
    "sigfillset pthread_key_delete pthread_setcancelstate",
}


def interposed() -> set[str]:
    names = set()
    for source in INJECT.glob("interpose_*.cc"):
        names |= set(re.findall(r"HOB_INTERPOSE\([^,()]+,\s*(\w+)", source.read_text()))
    return names


def test_every_import_is_interposed_or_cannot_fail():
    library = os.environ.get("HOB_SHARED_LIBRARY")
    nm = shutil.which("nm")
    if not library or nm is None:
        pytest.skip("needs the shared library and nm")
    if os.uname().machine != "x86_64":
        pytest.skip("the list is of x86-64's imports")
    output = subprocess.run([nm, "-D", "--undefined-only", library], check=True, capture_output=True, text=True).stdout
    if "__asan" in output or "__tsan" in output:
        pytest.skip("a sanitizer stands between")
    imports = set(re.findall(r" U (\w+)@GLIBC_", output))
    assert {"malloc", "open", "mmap"} <= imports
    harmless = {name for names in CANNOT_FAIL.values() for name in names.split()}
    missing = imports - interposed() - harmless
    assert not missing, (
        f"the library now calls {sorted(missing)}: interpose them in tests/inject/interpose_*.cc, "
        "or list them here with what they do"
    )

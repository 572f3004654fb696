# SPDX-License-Identifier: Apache-2.0
"""What no object of a library that lives in somebody else's process may refer to, by kind."""

import re
import subprocess

# The names that the linker sees; C++ ones are mangled as the Itanium ABI has it.
KINDS = {
    "ends the process": r"abort|exit|_exit|_Exit|quick_exit|__assert_fail|__assert|__assert_perror_fail|raise|kill|"
    r"__stack_chk_fail|__chk_fail|__fortify_fail|\w+_chk|_ZSt9terminatev|__clang_call_terminate|_ZSt10unexpectedv|"
    r"__cxa_pure_virtual|__cxa_deleted_virtual|_ZSt21__glibcxx_assert_fail.*|pthread_exit|longjmp|siglongjmp|__longjmp_chk",
    "writes to a standard stream": r"printf|puts|putchar|putc|fprintf|fputs|fputc|fwrite|vprintf|vfprintf|dprintf|perror|"
    r"__v?f?printf_chk|stdout|stderr|stdin|syslog|_ZSt4cout|_ZSt4cerr|_ZSt4clog|_ZSt3cin|_ZSt5wcout|_ZSt5wcerr|write",
    "changes how signals are handled": r"signal|sigaction|sigprocmask|pthread_sigmask|sigaltstack|alarm|setitimer|"
    r"_ZSt13set_terminatePFvvE|_ZSt15set_new_handlerPFvvE|_ZSt14set_unexpectedPFvvE",
    "runs at exit or at load": r"atexit|on_exit|at_quick_exit|__cxa_atexit|__cxa_thread_atexit|__cxa_thread_atexit_impl|"
    r"_ZNSt8ios_base4InitC1Ev|pthread_atfork|__register_atfork",
    "changes or reads the process's locale": r"setlocale|uselocale|newlocale|localeconv|_ZNSt6locale6globalERKS_|"
    r"_ZNSt6localeC[12]Ev|_ZNSt8ios_baseC2Ev",
    "reads or changes the environment": r"getenv|secure_getenv|setenv|putenv|unsetenv|clearenv",
    "makes a system call of its own": r"syscall",
    "changes the process": r"chdir|umask|setrlimit|prctl|fork|vfork|execv\w*|posix_spawn\w*|system|popen|dlopen|srand|"
    r"srandom|rand|random|strtok|setpriority|nice|sched_setaffinity",
}
_PATTERNS = {kind: re.compile(f"(?:{names})$") for kind, names in KINDS.items()}


def kind_of(name):
    """The rule that a reference to this symbol breaks, or None."""
    name = name.split("@")[0]
    if name in ("__cxa_finalize",):
        return None
    return next((kind for kind, pattern in _PATTERNS.items() if pattern.match(name)), None)


def demangle(names):
    names = list(names)
    out = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True).stdout
    return dict(zip(names, out.split("\n")))


def plain(name):
    """A demangled name without its arguments and without the version in Abseil's namespace."""
    name = re.sub(r"\babsl::lts_\d+::|\[abi:cxx11\]|_lts_\d+$| \[clone [^\]]*\]|\.(cold|constprop|isra|part)\b.*",
                  lambda match: "absl::" if match[0].startswith("absl::") else "", name)
    text = name.replace("(anonymous namespace)", "{anonymous}").replace("operator()", "operator{}")
    depth, out = 0, []
    for c in text:
        if c in "(<":
            depth += 1
        elif c in ")>" and depth:
            depth -= 1
        elif depth == 0:
            out.append(c)
    return "".join(out).removesuffix(" const").split(" ")[-1] or name

# SPDX-License-Identifier: Apache-2.0
"""Rules that the sources of lib/ and abi/ keep, where an object file tells too little.

- Each function of the C interface is one catching Call, or listed here as one that throws nothing.
- Threads begin in the two files that contain what their bodies throw.
- Memory of a size that somebody says is a container's, a Buffer's, or a checked malloc; no array grows the stack.
- Nothing is printed and nothing asserted: NDEBUG or not, an input is answered with an error.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Functions without Call: what they do is in the reason, and none of it throws.
NO_CALL = {
    "hob_abi_version": "a constant",
    "hob_version": "a constant",
    "hob_status_name": "a table",
    "hob_error_code": "reads the error",
    "hob_error_message": "reads the error",
    "hob_error_hint": "reads the error",
    "hob_error_destroy": "free",
    "hob_free": "free",
    "hob_session_cancel": "sets an atomic; called from signal handlers",
}
# A destroy function is a destructor's call: destructors are noexcept, and hooks are contained (lib/base/contain.h).
DESTROY = re.compile(r"hob_[a-z_]+_destroy$")

THREADS = {"lib/base/thread_pool.cc", "lib/scheduler/scheduler.cc"}
# file: how often, and why that is in order.
MALLOC = {
    "abi/arguments.cc": (1, "a text that is in memory already, and one byte"),
    "abi/base.cc": (1, "two texts that are in memory already"),
    "abi/persist.cc": (1, "a size that the library has computed; refused if there is no such memory"),
    "abi/text.cc": (1, "tokens that are in memory already"),
}
FORBIDDEN = {
    r"\balloca\s*\(|__builtin_alloca": "the stack grows by a size that somebody says",
    r"\bnew\s+[\w:<>]+\s*\[": "use a vector or a Buffer",
    r"\b(?:calloc|realloc|strdup|sprintf|strcpy|strcat|gets|scanf|sscanf)\s*\(": "no such function is needed here",
    r"\bassert\s*\(|<cassert>|\bstd::(?:cout|cerr|clog)\b|<iostream>": "nothing is asserted and nothing printed",
}
# Where everything is caught: each turns it into a status, or into what a hook or the system's random numbers did not
# answer.
CATCH_ALL = {"abi/error.h", "abi/base.cc", "lib/base/contain.h", "lib/base/allocator.cc", "lib/base/keyed_hash.cc"}


def without_comments(text):
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), text, flags=re.S)
    text = re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', text)
    return re.sub(r"//[^\n]*", "", text)


def c_functions(text):
    """(name, body) of the functions defined between extern "C" { and }  // extern "C"."""
    block = text[text.find('extern "C" {') :] if 'extern "C" {' in text else ""
    for match in re.finditer(r"^(?:[\w:]+[ *&]+)+(hob_\w+)\([^;{]*\)\s*\{(.*?)(?:\n\}|\}$)", block, re.M | re.S):
        yield match[1], match[2]


def check(path, text, public):
    wrong = []
    code = without_comments(text)
    if path.startswith("abi/"):
        for name, body in c_functions(text):
            public.add(name)
            if name in NO_CALL or DESTROY.match(name):
                if re.search(r"\bthrow\b|\bnew\b|std::string\b", body):
                    wrong.append(f"{path}: {name} is said to throw nothing, but may")
            elif not re.search(r"(?:return\s+|::)Call\(", body):
                wrong.append(f"{path}: {name} does not go through Call: what it throws passes the C interface")
    if re.search(r"std::j?thread(?:\s+\w+)?\s*[({]|pthread_create|std::async", code) and path not in THREADS:
        wrong.append(f"{path}: starts a thread; only {', '.join(sorted(THREADS))} do, and contain what it throws")
    if re.search(r"\bcatch\s*\(\.\.\.\)", code) and path not in CATCH_ALL:
        wrong.append(f"{path}: catches everything: use Contain, CallHook or Call")
    count = len(re.findall(r"\b(?:std::)?malloc\s*\(", code))
    if count != MALLOC.get(path, (0,))[0]:
        wrong.append(f"{path}: {count} malloc, {MALLOC.get(path, (0,))[0]} listed with a reason")
    for pattern, why in FORBIDDEN.items():
        for match in re.finditer(pattern, code):
            wrong.append(f"{path}:{code.count(chr(10), 0, match.start()) + 1}: {match[0]!r}: {why}")
    return wrong


def self_test():
    """Each rule finds what breaks it."""
    bad = {
        'extern "C" {\nhob_status hob_x(int a) {\n  return Do(a);\n}\n}': "does not go through Call",
        "void f(int n) { char* p = (char*)alloca(n); }": "the stack grows",
        "int* f(int n) { return new int[n]; }": "use a vector",
        "#include <cassert>\n": "nothing is asserted",
        "void f() { std::thread t(g); }": "starts a thread",
        "void f() { try { g(); } catch (...) { } }": "catches everything",
        "void* f(int n) { return malloc(n); }": "1 malloc",
    }
    good = 'extern "C" {\nhob_status hob_x(int a) {\n  return Call(error, [&] { return Do(a); });\n}\n}  // "assert(x)" malloc(1)'
    failed = [source for source, why in bad.items() if not any(why in w for w in check("abi/x.cc", source, set()))]
    return failed + [w for w in check("abi/x.cc", good, set())]


def main():
    wrong = [f"the check does not find: {f}" for f in self_test()]
    public, files = set(), 0
    for folder in ("lib", "abi"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".cc", ".h") and "baseline" not in path.parts:
                wrong += check(str(path.relative_to(ROOT)), path.read_text(), public)
                files += 1
    promised = set(re.findall(r'^\[\[symbol\]\]\nname = "(hob_\w+)"', (ROOT / "abi/stable_abi.toml").read_text(), re.M))
    wrong += [f"{name} is exported, and its definition was not seen" for name in sorted(promised - public)]
    print(f"{files} files, {len(public)} functions of the C interface")
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

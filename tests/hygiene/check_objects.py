# SPDX-License-Identifier: Apache-2.0
"""What hob's objects and the linked library refer to, against what allowed.toml allows with a reason.

usage: check_objects.py --objects FOLDER     hob's own objects, below FOLDER
       check_objects.py --library FILE       the library, linked with --emit-relocs: what is reached, and recursion
       check_objects.py --self-test CXX      objects made to break each rule are found

Exit code 1 where something is not allowed. An entry of the table that nothing needs is only said: compilers differ.
"""

import argparse
import fnmatch
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

import reach
import recursion
import rules

TABLE = pathlib.Path(__file__).with_name("allowed.toml")


class Allowed:
    """The rows of one table of allowed.toml; each field that a row names is a pattern."""

    def __init__(self, rows):
        self.rows, self.used = rows, set()
        for row in rows:
            if not row.get("why", "").strip():
                raise SystemExit(f"{TABLE.name}: {row} has no reason")

    def find(self, **found):
        for i, row in enumerate(self.rows):
            if all(fnmatch.fnmatchcase(found[key], row[key]) for key in found if key in row):
                self.used.add(i)
                return row
        return None

    def unused(self):
        return [row for i, row in enumerate(self.rows) if i not in self.used]


def nm(path, *options):
    text = subprocess.run(["nm", *options, str(path)], capture_output=True, text=True, check=True).stdout
    return [line.split()[-1] for line in text.splitlines() if line.strip()]


def globals_of(path):
    """Names of what can be written to, and whether code runs at load: (name, section)."""
    text = subprocess.run(["objdump", "-tw", str(path)], capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        match = re.match(r"[0-9a-f]+ .{7} (\S+)\t([0-9a-f]+) +(?:\.hidden )?(.*)", line)
        if not match or int(match[2], 16) == 0:
            continue
        section, name = match[1], match[3]
        if section == "*COM*" or re.match(r"\.(data|bss|tdata|tbss|ldata|lbss)\b(?!\.rel\.ro)", section):
            if not name.startswith(("DW.ref.", ".")):
                yield name, section


def check_object(path, file, allowed):
    """Lines that say what is wrong with one object of hob's."""
    wrong = []
    undefined = nm(path, "-u")
    names = rules.demangle(undefined)
    for symbol in undefined:
        kind = rules.kind_of(symbol)
        if kind and not allowed["reference"].find(file=file, symbol=symbol):
            wrong.append(f"{file} refers to {names[symbol]}, which {kind}")
    found = list(globals_of(path))
    names = rules.demangle([name for name, _ in found])
    for name, section in found:
        if not allowed["global"].find(file=file, name=rules.plain(names[name])):
            wrong.append(f"{file} has the global {names[name]} in {section}, which can be written to")
    headers = subprocess.run(["objdump", "-hw", str(path)], capture_output=True, text=True, check=True).stdout
    for section in re.findall(r"\.(?:init_array|fini_array|ctors|dtors)\S*", headers):
        if not allowed["global"].find(file=file, name=section):
            wrong.append(f"{file} has {section}: code that runs when the library is loaded or unloaded")
    return wrong


def check_objects(folder, allowed):
    objects = sorted(p for p in folder.rglob("*.o") if {"lib", "abi"} & set(p.relative_to(folder).parts[:1]))
    if len(objects) < 50:
        raise SystemExit(f"{folder} has {len(objects)} objects of lib/ and abi/; is it the build's?")
    wrong = []
    for path in objects:
        wrong += check_object(path, str(path.relative_to(folder)).removesuffix(".o"), allowed)
    print(f"{len(objects)} objects of lib/ and abi/")
    return wrong


def check_library(path, allowed, prefix="hob_"):
    """Functions of other libraries that refer to what is forbidden, and who calls those that only pass it on."""
    library = reach.Library(path)
    ways = library.ways(sorted(name for name in library.exports if name.startswith(prefix)))
    mangled = set(library.calls) | set(library.outside) | {c for called in library.calls.values() for c in called}
    plain = {name: rules.plain(text) for name, text in rules.demangle(sorted(mangled)).items()}
    callers = {}
    for caller, called in library.calls.items():
        for name in called:
            callers.setdefault(name, set()).add(caller)

    queue = [(f, s, rules.kind_of(s)) for f, outside in library.outside.items() for s in outside if rules.kind_of(s)]
    wrong, seen, listed = [], set(), 0
    while queue:
        function, symbol, kind = queue.pop()
        if (function, symbol) in seen:
            continue
        seen.add((function, symbol))
        row = allowed["reached"].find(function=plain.get(function, function), symbol=symbol.split("@")[0])
        if row is None:
            way = " > ".join(plain.get(name, name) for name in ways.get(function, ())) or "no way that is seen"
            wrong.append(f"{plain.get(function, function)} refers to {symbol}, which {kind}; reached by {way}")
            continue
        listed += 1
        if row.get("passes_on"):
            queue += [(c, plain.get(function, function), kind) for c in callers.get(function, ()) if c != function]
    print(f"{len(ways)} functions and tables are reached from {sum(n.startswith(prefix) for n in library.exports)} exported "
          f"ones; {listed} references that could harm, each allowed with a reason")
    return wrong


def check_recursion(path, allowed):
    """Functions that call themselves, or each other in turn."""
    wrong, seen = [], 0
    for group in recursion.cycles(recursion.calls_of(path)):
        names = sorted({rules.plain(text) for text in rules.demangle(sorted(group)).values()})
        seen += 1
        unlisted = [name for name in names if not allowed["recursion"].find(function=name)]
        if unlisted:
            wrong.append(f"recursion without a limit that is listed: {', '.join(unlisted)}")
    print(f"{seen} cycles of functions that call each other")
    return wrong


BREAKS = {
    "ends the process": "#include <cstdlib>\nvoid f() { std::abort(); }",
    "ends the process (exit)": "#include <cstdlib>\nvoid f() { std::exit(1); }",
    "ends the process (_exit)": "#include <unistd.h>\nvoid f() { _exit(1); }",
    "ends the process (quick_exit)": "#include <cstdlib>\nvoid f() { std::quick_exit(1); }",
    "ends the process (assert)": "#undef NDEBUG\n#include <cassert>\nvoid f(int x) { assert(x); }",
    "ends the process (terminate)": "#include <exception>\nvoid f() { std::terminate(); }",
    "writes to a standard stream": '#include <cstdio>\nvoid f(int x) { std::printf("%d", x); }',
    "writes to a standard stream (puts)": '#include <cstdio>\nvoid f() { std::puts("x"); }',
    "writes to a standard stream (stderr)": "#include <cstdio>\nvoid f(int x) { std::fprintf(stderr, \"%d\", x); }",
    "writes to a standard stream (cout)": "#include <iostream>\nvoid f() { std::cout << 1; }",
    "writes to a standard stream (cerr)": "#include <iostream>\nvoid f() { std::cerr << 1; }",
    "changes how signals are handled": "#include <csignal>\nvoid f() { std::signal(SIGINT, SIG_IGN); }",
    "changes how signals are handled (sigaction)": "#include <csignal>\nvoid f() { sigaction(SIGINT, nullptr, nullptr); }",
    "changes how signals are handled (set_terminate)": "#include <exception>\nvoid f() { std::set_terminate(nullptr); }",
    "runs at exit or at load": "#include <cstdlib>\nvoid g();\nvoid f() { std::atexit(g); }",
    "runs at exit or at load (static destructor)": "struct S { ~S(); };\nS &f() { static S s; return s; }",
    "code that runs when the library is loaded": "int g();\nint x = g();",
    "changes or reads the process's locale": '#include <clocale>\nvoid f() { std::setlocale(LC_ALL, ""); }',
    "changes or reads the process's locale (stream)": "#include <sstream>\nint f(const char *s) { std::istringstream i(s); int x = 0; i >> x; return x; }",
    "reads or changes the environment": '#include <cstdlib>\nchar *f() { return std::getenv("X"); }',
    "reads or changes the environment (setenv)": '#include <stdlib.h>\nvoid f() { setenv("X", "y", 1); }',
    "can be written to": "int counter;\nint f() { return ++counter; }",
    "can be written to (data)": "int counter = 7;\nint f() { return ++counter; }",
    "can be written to (thread-local)": "thread_local int counter;\nint f() { return ++counter; }",
    "can be written to (in a function)": "int f() { static int calls = 0; return ++calls; }",
}
CLEAN = "#include <string>\nstatic constexpr const char *kNames[] = {\"a\", \"b\"};\nstd::string f(int x) { return kNames[x & 1]; }"
# A dependency: what hob calls ends the process two calls on.
REACHED = """#include <cstdlib>
extern "C" {
__attribute__((noinline)) static void fatal() { std::abort(); }
void (*volatile unused)();
__attribute__((noinline)) void other(int x) { if (x > 3) fatal(); }
__attribute__((visibility("default"))) void hob_thing(int x) { other(x); }
}"""


def self_test(compiler):
    """Each rule finds the object that breaks it, and passes the one that breaks none."""
    none = {kind: Allowed([]) for kind in ("reference", "global", "reached")}
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)

        def build(source, *options):
            (folder / "x.cc").write_text(source + "\n")
            out = folder / ("x.so" if options else "x.o")
            how = options or ["-c"]
            subprocess.run([compiler, "-std=c++20", "-O2", "-fPIC", *how, "-o", str(out), str(folder / "x.cc")], check=True)
            return out

        for name, source in BREAKS.items():
            wanted = name.split(" (")[0]
            found = check_object(build(source), name, none)
            if not any(wanted in line for line in found):
                failed.append(f"not found: {name}: {found}")
        clean = check_object(build(CLEAN), "clean", none)
        if clean:
            failed.append(f"found where nothing is: {clean}")
        linked = build(REACHED, "-shared", "-ffunction-sections", "-Wl,--emit-relocs", "-fvisibility=hidden")
        found = check_library(linked, none)
        if not any(re.search("fatal refers to abort.*hob_thing > other > .*fatal", line) for line in found):
            failed.append(f"not found: what is reached by two calls: {found}")
        # Listed as one that passes it on, its callers are looked at.
        passes = {"reached": Allowed([{"function": "fatal", "symbol": "abort", "passes_on": True, "why": "x"}])}
        found = check_library(linked, passes)
        if [line for line in found if "other refers to fatal" in line] != found or not found:
            failed.append(f"callers of what is passed on: {found}")
        recursive = """extern "C" __attribute__((visibility("default"))) int hob_deep(int x);
            __attribute__((noinline)) int other(int x) { return x > 3 ? hob_deep(x - 1) + x : 1; }
            int hob_deep(int x) { return other(x) * 2 + other(x + 1); }"""
        found = check_recursion(build(recursive, "-shared"), {"recursion": Allowed([])})
        if not any("hob_deep, other" in line for line in found):
            failed.append(f"not found: recursion: {found}")
    print(f"{len(BREAKS) + 4} checks of the check, {len(failed)} failed")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=pathlib.Path)
    parser.add_argument("--library", type=pathlib.Path)
    parser.add_argument("--self-test", metavar="CXX")
    args = parser.parse_args()
    if args.self_test:
        wrong = self_test(args.self_test)
    else:
        table = tomllib.loads(TABLE.read_text())
        allowed = {kind: Allowed(table.get(kind, [])) for kind in ("reference", "global", "reached", "recursion")}
        if args.objects:
            wrong = check_objects(args.objects, allowed)
        else:
            wrong = check_library(args.library, allowed) + check_recursion(args.library, allowed)
        for kind in ("reference", "global") if args.objects else ("reached", "recursion"):
            for row in allowed[kind].unused():
                print(f"note: nothing needs {kind} {({k: v for k, v in row.items() if k != 'why'})}")
    for line in sorted(set(wrong)):
        print(line)
    if wrong:
        print(f"{len(set(wrong))} not allowed (docs/explanation/no-abort.md; {TABLE.name} lists what is, with reasons)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

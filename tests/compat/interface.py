# SPDX-License-Identifier: Apache-2.0
"""hob's C interface in its three forms: what headers declare, what a manifest lists, what a library exports."""

import functools
import os
import pathlib
import re
import subprocess
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
CMAKE = os.environ.get("CMAKE", "cmake")
NINJA = os.environ.get("NINJA", "ninja")


def run(*command, **options):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True, **options).stdout


def plain(text):
    """Without comments and preprocessor lines."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL)
    text = re.sub(r"//[^\n]*", " ", text)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.MULTILINE)


def words(text):
    return " ".join(re.findall(r"\w+|[^\w\s]", text))


def without_name(parameter):
    """A parameter's type: its name may change freely."""
    tokens = re.findall(r"\w+|[^\w\s]", parameter)
    named = len(tokens) > 1 and re.match(r"[a-z_]\w*$", tokens[-1]) and not tokens[-2] in ("struct", "const")
    return " ".join(tokens[:-1] if named else tokens)


class Headers:
    """What the .h files below `include`/hob declare. Attributes by name:

    symbols    header file of each function
    deprecated functions marked HOB_DEPRECATED
    prototypes return and parameter types
    typedefs   text of each typedef that is no struct with fields
    constants  header file of each enumerator and each macro that is a number
    structs    fields of each struct, in order
    homes      header file of each struct and typedef
    """

    def __init__(self, include):
        self.include = pathlib.Path(include)
        self.files = sorted(p.name for p in (self.include / "hob").glob("*.h"))
        self.symbols, self.deprecated, self.prototypes, self.typedefs = {}, set(), {}, {}
        self.constants, self.structs, self.homes, self.includes, self.macros = {}, {}, {}, {}, set()
        for name in self.files:
            self._read(name, (self.include / "hob" / name).read_text())

    def _read(self, name, text):
        self.includes[name] = re.findall(r"#include <hob/(\w+\.h)>", text)
        for macro in re.findall(r"^#define (HOB_\w+) \(?-?\d+\)?\s*(?:/\*.*)?$", text, flags=re.MULTILINE):
            if not macro.startswith("HOB_ABI_VERSION"):
                self.constants[macro] = name
                self.macros.add(macro)
        text = plain(text)
        deprecated = re.compile(r"HOB_DEPRECATED\s*\([^)]*\)")
        for match in re.finditer(r"HOB_API\b(.*?);", text, flags=re.DOTALL):
            declaration = deprecated.sub(" ", match[1])
            found = re.match(r"(.*?)\b(hob_\w+)\s*\((.*)\)\s*$", declaration, flags=re.DOTALL)
            if found is None:
                raise ValueError(f"{name}: not understood: HOB_API{match[1]};")
            function = found[2]
            self.symbols[function] = name
            self.prototypes[function] = f"{words(found[1])} ({', '.join(map(without_name, found[3].split(',')))})"
            if declaration != match[1]:
                self.deprecated.add(function)
        for body in re.findall(r"\benum\s*\{([^}]*)\}", text):
            for constant in re.findall(r"(?:^|,)\s*(HOB_\w+)", body):
                self.constants[constant] = name
        for struct, body in re.findall(r"\bstruct\s+(hob_\w+)\s*\{([^}]*)\}", text):
            fields = [re.search(r"(\w+)\s*(?:\[[^\]]*\])?\s*$", f) for f in body.split(";") if f.strip()]
            self.structs[struct] = [f[1] for f in fields]
            self.homes[struct] = name
        for body in re.findall(r"\btypedef\s+([^;{}]*);", text):
            found = re.search(r"\(\s*\*\s*(hob_\w+)\s*\)|(hob_\w+)\s*$", body)
            if found:
                self.typedefs[found[1] or found[2]] = words(body)
                self.homes[found[1] or found[2]] = name

    def reachable(self, name):
        """The header files that including <hob/NAME> includes."""
        todo, seen = [name], set()
        while todo:
            file = todo.pop()
            if file not in seen:
                seen.add(file)
                todo += self.includes.get(file, [])
        return seen

    def experimental_files(self, manifest):
        """Headers outside the promise: not in hob.h, and of every function the manifest says so."""
        outside = set(self.files) - self.reachable("hob.h")
        experimental = manifest.experimental()
        return {f for f in outside if all(s in experimental for s, home in self.symbols.items() if home == f)}

    def version(self):
        text = (self.include / "hob" / "base.h").read_text()
        return tuple(int(re.search(rf"#define HOB_ABI_VERSION_{p} (\d+)", text)[1]) for p in ("MAJOR", "MINOR"))

    @functools.cache
    def layout(self, cc):
        """(values of the constants, sizes of the structs, (offset, size) of "struct.field"), asked of the compiler."""
        lines = [f'printf("constant {c} %lld\\n", (long long){c});' for c in self.constants]
        for struct, fields in self.structs.items():
            lines.append(f'printf("struct {struct} %zu\\n", sizeof({struct}));')
            for f in fields:
                lines.append(
                    f'printf("field {struct}.{f} %zu %zu\\n", offsetof({struct}, {f}), sizeof((({struct}*)0)->{f}));'
                )
        source = "#include <stdio.h>\n" + "".join(f"#include <hob/{f}>\n" for f in self.files)
        source += "int main(void) {\n" + "\n".join(lines) + "\nreturn 0;\n}\n"
        with tempfile.TemporaryDirectory() as folder:
            probe = pathlib.Path(folder) / "probe"
            probe.with_suffix(".c").write_text(source)
            try:
                run(*cc, "-std=c99", "-I", self.include, probe.with_suffix(".c"), "-o", probe)
            except subprocess.CalledProcessError as error:
                raise ValueError(f"the headers in {self.include} do not compile:\n{error.stderr}") from None
            output = run(probe)
        constants, structs, fields = {}, {}, {}
        for line in output.splitlines():
            kind, name, *numbers = line.split()
            numbers = [int(n) for n in numbers]
            if kind == "constant":
                constants[name] = numbers[0]
            elif kind == "struct":
                structs[name] = numbers[0]
            else:
                fields[name] = tuple(numbers)
        return constants, structs, fields


class Manifest:
    """abi/stable_abi.toml: entries by name."""

    def __init__(self, path):
        with open(path, "rb") as file:
            content = tomllib.load(file)
        for kind in ("symbol", "enum", "struct"):
            entries = content.get(kind, [])
            names = [e["name"] for e in entries]
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(f"{path} lists {name} twice")
            setattr(self, kind + "s", {e["name"]: e for e in entries})

    def kinds(self):
        return {"symbol": self.symbols, "enum": self.enums, "struct": self.structs}

    def experimental(self):
        return {n for entries in self.kinds().values() for n, e in entries.items() if e.get("experimental")}


def exported(library):
    """The version node of each symbol that `library` exports; None where it has none."""
    symbols = {}
    for line in run("nm", "-D", "--defined-only", library).splitlines():
        kind, name = line.split()[-2:]
        if kind != "A":
            name, _, version = name.partition("@")
            symbols[name] = version.lstrip("@") or None
    return symbols

# SPDX-License-Identifier: Apache-2.0
"""The comparison with the baseline by libabigail (Debian: abigail-tools), which reads types from debug information.

A library without debug information differs from nothing, and abidiff then says so: the check first asks for the types
of every function in the manifest."""

import pathlib
import re
import shutil
import subprocess
from xml.etree import ElementTree

from interface import run

# Types of the public headers alone, nothing that depends on the folder: the interface and no more. (Ids by
# hash would make shorter diffs, but abidiff 2.2 does not read them back.)
ABIDW = ["--exported-interfaces-only", "--drop-private-types", "--no-corpus-path", "--no-comp-dir-path",
         "--no-show-locs", "--no-elf-needed"]  # fmt: skip


class Missing(Exception):
    pass


def need_tools():
    if shutil.which("abidiff") is None or shutil.which("abidw") is None:
        raise Missing("abidiff and abidw are not installed (Debian: abigail-tools)")


def describe(library, include):
    """The interface of `library` as libabigail's XML, the insides of handles left out."""
    need_tools()
    return run("abidw", *ABIDW, "--headers-dir", pathlib.Path(include) / "hob", library)


def functions_with_types(xml):
    return set(re.findall(r"<function-decl [^>]*\belf-symbol-id='(\w+)", xml))


def without_appended(xml, baseline, growing):
    """`xml` without the fields that `growing` structs have gained at their ends, so that abidiff compares the rest.

    A suppression (has_data_member_inserted_at = end) would hide fields that change places as well."""
    old = {c.get("name"): c for c in ElementTree.fromstring(baseline).iter("class-decl") if c.get("size-in-bits")}
    root = ElementTree.fromstring(xml)
    for struct in root.iter("class-decl"):
        before = old.get(struct.get("name"))
        if before is None or struct.get("name") not in growing or not struct.get("size-in-bits"):
            continue
        fields, kept = struct.findall("data-member"), len(before.findall("data-member"))
        if len(fields) > kept:
            for field in fields[kept:]:
                struct.remove(field)
            struct.set("size-in-bits", before.get("size-in-bits"))
    return ElementTree.tostring(root, encoding="unicode")


def suppressions(s):
    """What the baseline said is experimental may do anything."""
    text = ""
    functions = "|".join(sorted(s.old_manifest.experimental() & set(s.old_manifest.symbols)))
    for key in ("name_regexp", "symbol_name_regexp") if functions else ():
        text += f"[suppress_function]\n  change_kind = all\n  {key} = ^({functions})$\n"
    structs = "|".join(sorted(s.old_manifest.experimental() & set(s.old_manifest.structs)))
    if structs:
        text += f"[suppress_type]\n  name_regexp = ^({structs})$\n"
    return text


def check_abidiff(s):
    need_tools()
    if ".debug_info" not in run("readelf", "-SW", s.library):
        return [f"{s.library} has no debug information, without which nothing is compared: build abi/*.cc with -g"]
    xml = describe(s.library, s.include)
    untyped = sorted(set(s.manifest.symbols) - functions_with_types(xml))
    if untyped:
        return [f"the library has no types of {n}: is it there, and compiled with -g?" for n in untyped]
    growing = {name for name, fields in s.old_headers.structs.items() if fields[0] == "struct_size"}
    baseline = s.baseline / "libhob.abi"
    (s.work / "libhob.abi").write_text(without_appended(xml, baseline.read_text(), growing))
    (s.work / "experimental.suppr").write_text(suppressions(s))
    # Without --headers-dir, for which every type of a description without locations is a private one.
    command = [
        "abidiff",
        "--no-added-syms",
        "--suppressions",
        s.work / "experimental.suppr",
        baseline,
        s.work / "libhob.abi",
    ]
    result = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    return [] if result.returncode == 0 else [f"abidiff: exit code {result.returncode}\n{result.stdout}{result.stderr}"]

# SPDX-License-Identifier: Apache-2.0
"""The bills of materials that the build writes, against what the link and the compiler really read.

Environment: HOB_SHARED_LIBRARY (libhob.so in its build folder), HOB_BIN, HOB_SOURCE_DIR.
"""

import functools
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

LIBRARY = pathlib.Path(os.environ.get("HOB_SHARED_LIBRARY", ""))
ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = LIBRARY.parent.parent
SBOMS = {"libhob": LIBRARY, "hob": pathlib.Path(os.environ.get("HOB_BIN", ""))}

pytestmark = [
    pytest.mark.skipif(not LIBRARY.is_file(), reason="HOB_SHARED_LIBRARY names no library"),
    pytest.mark.skipif(not (BUILD / "build.ninja").is_file() or not shutil.which("ninja"), reason="no build by Ninja"),
    pytest.mark.skipif(not shutil.which("dpkg-query"), reason="packages are asked of dpkg"),
]


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=True, timeout=120).stdout


def sbom(name):
    return json.loads((BUILD / "sbom" / f"{name}.cdx.json").read_text())


def package_sources(paths):
    """The source packages of the files' Debian packages, by path; files of no package are left out."""
    # A merged /usr hides the name that dpkg knows a file by.
    asked = {}
    for path in paths:
        real = os.path.realpath(path)
        asked[real] = asked[real.removeprefix("/usr")] = path
    if not asked:
        return {}
    done = subprocess.run(["dpkg-query", "-S", *asked], capture_output=True, text=True, check=False, timeout=120)
    packages = {}
    for line in done.stdout.splitlines():
        names, _, path = line.partition(": ")
        if path in asked:
            packages[asked[path]] = names.split(",")[0]
    sources = {}
    for package in set(packages.values()):
        sources[package] = run("dpkg-query", "-W", "-f", "${source:Package}", package)
    return {path: sources[package] for path, package in packages.items()}


def owners_of(paths):
    """Whose these files are, found otherwise than the build does: by the names of the folders that ./dev built in."""
    owners, others = set(), []
    for path in map(str, paths):
        if found := re.search(r"/deps/([a-z0-9]+)-[0-9a-f]{12}/(.*)", path):
            part = re.search(r"pthreadpool|cpuinfo|fxdiv", found[2])
            owners.add(part[0] if part else found[1])
        else:
            others.append(path)
    return owners | set(package_sources(others).values())


def linked_archives(target):
    """The archives on the command line that linked the target."""
    command = run("ninja", "-C", BUILD, "-t", "commands", "-s", target).splitlines()[-1]
    return sorted({BUILD / word for word in command.split() if word.endswith(".a")})


@functools.cache
def symbols_of_library():
    return {line.split()[-1] for line in run("nm", LIBRARY).splitlines() if " T " in line or " t " in line}


def is_in_library(archive):
    """Whether code of the archive is in libhob.so: a function of its own is."""
    own = {
        line.split()[-1]
        for line in subprocess.run(["nm", archive], capture_output=True, text=True, check=False).stdout.splitlines()
        if " T " in line
    }
    return bool(own & symbols_of_library())


def objects_headers(folder):
    """The headers that the objects of the library were compiled with, less those of the sources and the build."""
    # In a copy: ninja repairs a log that it finds half written, and another ninja may be writing it.
    for name in ("build.ninja", "CMakeFiles/rules.ninja", ".ninja_deps", ".ninja_log"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(BUILD / name, folder / name)
    of_object, headers = None, {}
    for line in run("ninja", "-C", folder, "-t", "deps").splitlines():
        if line and not line.startswith(" "):
            of_object = line.split(": ")[0]
        elif path := line.strip():
            # A cache that lies beside the build is named from the build.
            headers.setdefault(of_object, set()).add(os.path.normpath(BUILD / path))
    objects = set(re.findall(r"CMakeFiles/hob_objects\.dir/\S+\.o(?=:)", (folder / "build.ninja").read_text()))
    assert objects
    assert objects <= headers.keys(), f"build again: nothing is known of {sorted(objects - headers.keys())[:3]}"
    ours = (str(ROOT), str(BUILD))
    return {h for o in objects for h in headers[o] if not h.startswith(ours)}


def missing_from(bom, needed):
    """What the bill does not tell of, by name."""
    names = {component["name"] for component in bom["components"]}
    return sorted(name for name in needed if name not in names)


def test_the_archives_that_were_linked_are_in_the_bill():
    # The archive's name leads ninja to it: shared/libhob.so is a link.
    target = LIBRARY.resolve().relative_to(BUILD.resolve())
    archives = [a for a in linked_archives(target) if is_in_library(a)]
    owners = owners_of(archives)
    assert {"abseil", "pcre2", "utf8proc"} <= owners
    assert missing_from(sbom("libhob"), owners) == []
    # A library that is added and not told of would be seen: each of these, taken out, is missed.
    for gone in owners:
        bom = sbom("libhob")
        bom["components"] = [c for c in bom["components"] if c["name"] != gone]
        assert missing_from(bom, owners) == [gone]


def test_the_headers_that_were_compiled_in_are_in_the_bill(tmp_path):
    # Of folders of many (absl, hwy, c++), one stands for all.
    one_of_each = {}
    for header in objects_headers(tmp_path):
        found = re.match(r"(.*?/include/(?:[^/]+-linux-[^/]+/)?[^/]+)", header)
        one_of_each.setdefault(found[1] if found else os.path.dirname(header), header)
    owners = owners_of(one_of_each.values())
    toolchain = {o for o in owners if re.match(r"gcc|glibc|linux|llvm", o)}
    assert {"highway", "flatbuffers", "abseil"} <= owners
    assert missing_from(sbom("libhob"), owners - toolchain) == []


@pytest.mark.parametrize("name", SBOMS)
def test_the_shared_libraries_that_are_needed_are_in_the_bill(name):
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", SBOMS[name]))
    assert "libc.so.6" in needed
    found = dict(re.findall(r"(\S+) => (/\S+)", run("ldd", SBOMS[name])))
    owners = set(package_sources(found[n] for n in needed if n in found).values())
    assert "glibc" in owners
    assert missing_from(sbom(name), owners) == []


@pytest.mark.parametrize("name", SBOMS)
def test_each_component_has_version_licence_and_address(name):
    bom = sbom(name)
    for component in bom["components"]:
        assert component.get("version"), component
        assert component.get("licenses"), f"{component['name']}: add it to cmake/sbom_licences.txt"
        assert component["purl"].startswith("pkg:deb/"), component
    refs = {component["bom-ref"] for component in bom["components"]}
    assert len(refs) == len(bom["components"])
    assert refs == set(bom["dependencies"][0]["dependsOn"])


def test_the_command_has_what_the_library_has_and_more():
    library, command = ({c["name"] for c in sbom(n)["components"]} for n in SBOMS)
    assert library <= command
    assert {"cli11"} <= command - library


def test_what_the_recipes_pin_is_told_with_its_hash():
    pinned = {}
    for recipe in (ROOT / "tools/setup/recipes").glob("*.sh"):
        for archive, sha in re.findall(r"(\S+\.orig\.tar\.\w+)[^\n]*?\\?\n?\s+([0-9a-f]{64})", recipe.read_text()):
            pinned.setdefault(archive, set()).add(sha)
    told = 0
    for component in sbom("libhob")["components"]:
        for reference in component.get("externalReferences", []):
            for digest in reference.get("hashes", []):
                assert digest["content"] in pinned[reference["url"]]
                told += 1
    if "/deps/xnnpack-" in (ROOT / "build/deps.cmake").read_text():
        assert told >= 5


def test_nothing_of_this_machine_is_in_it():
    for name in SBOMS:
        text = (BUILD / "sbom" / f"{name}.cdx.json").read_text()
        assert str(ROOT) not in text
        assert os.path.expanduser("~") + "/" not in text


@pytest.mark.parametrize("name", SBOMS)
def test_it_is_valid_cyclonedx(name):
    pytest.importorskip("cyclonedx")
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = (BUILD / "sbom" / f"{name}.cdx.json").read_text()
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(text) is None
    # And it does look.
    assert validator.validate_str(text.replace('"library"', '"nonsense"')) is not None

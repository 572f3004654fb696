# SPDX-License-Identifier: Apache-2.0
"""The documentation as a site: it builds without a warning, and everything promised has its entry."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
SITE = ROOT / "docs/site"
sys.path.insert(0, str(SITE))
import build  # noqa: E402
import pages  # noqa: E402
import site_index  # noqa: E402

pytestmark = pytest.mark.skipif(shutil.which("doxygen") is None, reason="doxygen is not installed")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    run = subprocess.run([sys.executable, SITE / "build.py", "--out", out], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return out / "html"


@pytest.fixture(scope="module")
def built(site):
    return site_index.read(site)


@pytest.fixture(scope="module")
def interface(built):
    """{name: text} of what the pages of the C headers have in full, and structs with a page of their own."""
    found = {page.title.split()[0]: "" for name, page in built.items() if name.startswith("struct")}
    for header in pages.headers():
        if header.suffix == ".h":
            page = built[f"group__{pages.group_of(header).replace('_', '__')}.html"]
            for kind, _, name, text in page.entries:
                if kind in ("memtitle", "fieldname"):
                    name = re.sub(r"^◆\s*|\(\)$", "", " ".join(name.split()))
                    found[name] = found.get(name, "") + " " + " ".join(text.split())
    return found


def manifest(kind):
    return [entry["name"] for entry in tomllib.loads((ROOT / "abi/stable_abi.toml").read_text())[kind]]


@pytest.mark.parametrize("kind", ["symbol", "enum", "struct"])
def test_the_interface_is_documented(interface, kind):
    assert not [name for name in manifest(kind) if name not in interface]


def test_comments_reach_the_pages(interface):
    assert "cancelled is a success with HOB_FINISH_CANCELLED" in interface["hob_session_generate"]
    assert "a callback asked for it" in interface["HOB_CANCELLED"]
    assert "half of the rest is dropped" in interface["roll"]
    assert "Receives the answer" in interface["hob_token_fn"]
    for name in manifest("symbol"):
        assert re.search(r"\) .*\w{2,}.*", interface[name]), f"{name} has no text"


def test_no_link_is_broken(site, built):
    assert not site_index.broken_links(site, built)


def test_each_page_is_there(built):
    for document in sorted((ROOT / "docs").rglob("*.md")):
        name = pages.page_id(document) + ".html"
        assert name in built
        assert any(link.partition("#")[0] == name for link in built["index.html"].links), f"{name} is not in the navigation"


def test_what_is_undocumented_fails():
    assert not build.ALLOWED.search("a.h:1: warning: Member hob_x(int y) (function) of group a is not documented.")
    assert build.ALLOWED.search("a.h:1: warning: Member layers (variable) of class hob_model_info is not documented.")


def test_the_search_finds_names_and_pages(site):
    index = (site / "index.js").read_text()
    for name in ("hob_session_poll", "HOB_FINISH_TIME", "struct_size", "Long contexts"):
        assert f'["{name}", ' in index

# SPDX-License-Identifier: Apache-2.0
"""The page of the attack corpus is what its tests say, and every test has its row."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs/site"))
import attacks  # noqa: E402


def test_the_page_is_up_to_date():
    page = (ROOT / "docs/reference/attacks.md").read_text()
    assert page == attacks.page(), "run: python3 docs/site/attacks.py > docs/reference/attacks.md"


def test_every_attack_has_a_public_id_or_class_and_a_row():
    known = re.compile(r"^(CVE-\d{4}-\d+|class|[\w.-]+#\d+( \(second part\))?)$")
    rows = {f"{where}: {what}" for part in attacks.PARTS for where, what, _, _ in attacks.cases(part)}
    files = {path.name.removesuffix("_attack_test.cc") for path in (ROOT / "tests/attacks").glob("*_attack_test.cc")}
    assert files == {*attacks.PARTS, *attacks.FOLDERS}
    names = {name for part in attacks.PARTS for name in attacks.names(part)}
    attack = {name for name in names if not name.startswith("the tiny model")}
    assert len(attack) >= 100
    assert all(known.match(name.partition(": ")[0]) for name in attack)
    assert attack == rows

# SPDX-License-Identifier: Apache-2.0
"""The Python package over the library of the build tree, laid out as a wheel would be.

Environment: HOB_SHARED_LIBRARY (libhob), HOB_MODEL (a real model; tests that need it skip without).
"""

import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests/fixtures"
TOOLS = ROOT / "bindings/python/tools"
LIBRARY = os.environ.get("HOB_SHARED_LIBRARY", "")

# Where something is missing, `import hob` fails in each module, which then skips.
if os.path.isfile(LIBRARY) and importlib.util.find_spec("cffi"):
    sys.path.insert(0, str(TOOLS))
    from stage import stage

    STAGE = pathlib.Path(tempfile.mkdtemp(prefix="hob-python-"))
    stage(STAGE, LIBRARY)
    sys.path.insert(0, str(STAGE))


def pytest_unconfigure():
    if "STAGE" in globals():
        shutil.rmtree(STAGE, ignore_errors=True)


def run(*command, code=0, **more):
    """A program that is to end with `code`; what it said is in stdout and stderr."""
    more = {"timeout": 240, **more}
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, **more)
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture(scope="session")
def model_path():
    """A small model with random weights and a chat template."""
    return FIXTURES / "smollm-q4_1.gguf"


@pytest.fixture(scope="session")
def runtime():
    import hob

    with hob.Runtime(threads=2) as runtime:
        yield runtime


@pytest.fixture(scope="session")
def model(model_path, runtime):
    import hob

    with hob.Model(model_path, runtime) as model:
        yield model


@pytest.fixture
def session(model):
    with model.session() as session:
        yield session


@pytest.fixture(scope="session")
def real_model_path():
    path = os.environ.get("HOB_MODEL", "")
    if not os.path.isfile(path):
        pytest.skip("HOB_MODEL names no model")
    return path


@pytest.fixture(scope="session")
def program_environment():
    """For programs that import hob in a process of their own."""
    return {**os.environ, "PYTHONPATH": str(STAGE), "PYTHONDONTWRITEBYTECODE": "1"}

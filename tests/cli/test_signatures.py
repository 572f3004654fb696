# SPDX-License-Identifier: Apache-2.0
"""hob keygen, sign, verify, and the hash that inspect shows; with minisign itself where it is installed.

Environment: HOB_BIN (the command).
"""

import base64
import hashlib
import json
import os
import pathlib
import shutil
import stat
import subprocess

import pytest

MODEL = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "smollm-q4_1.gguf"
BINARY = os.environ.get("HOB_BIN", "")


def hob(*arguments, code=0, **environment):
    done = subprocess.run(
        [BINARY, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stderr if code else done.stdout


def has_signatures():
    return os.path.isfile(BINARY) and "signatures" in hob("--version")


pytestmark = pytest.mark.skipif(not has_signatures(), reason="HOB_BIN names no command with signatures")

MINISIGN = shutil.which("minisign")
needs_minisign = pytest.mark.skipif(not MINISIGN, reason="minisign is not installed")


@pytest.fixture
def keys(tmp_path):
    hob("keygen", tmp_path / "maker.key")
    return tmp_path / "maker.key", tmp_path / "maker.pub"


@pytest.fixture
def model(tmp_path):
    return pathlib.Path(shutil.copy(MODEL, tmp_path / "model.gguf"))


def test_sign_then_verify(keys, model):
    secret, public = keys
    assert hob("sign", model, "--key", secret, SOURCE_DATE_EPOCH="1700000000") == ""
    said = hob("verify", model, "--key", public)
    assert "as signed" in said
    assert "trusted comment: timestamp:1700000000\tfile:model.gguf\thashed" in said
    # The key in so many letters, after another that did not sign.
    hob("keygen", model.parent / "other.key")
    text = public.read_text().splitlines()[1]
    hob("verify", model, "--key", model.parent / "other.pub", "--key", text)


def test_a_secret_key_is_for_its_owner_alone_and_never_overwritten(keys, tmp_path):
    secret, public = keys
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    before = secret.read_bytes(), public.read_bytes()
    assert "not overwritten" in hob("keygen", secret, code=1)
    assert "not overwritten" in hob("keygen", tmp_path / "new.key", public, code=1)
    assert not (tmp_path / "new.key").exists()
    # The secret one exists: nothing is left of the public one.
    assert "not overwritten" in hob("keygen", secret, tmp_path / "new.pub", code=1)
    assert not (tmp_path / "new.pub").exists()
    # Not through a link either.
    (tmp_path / "link.key").symlink_to(tmp_path / "elsewhere")
    hob("keygen", tmp_path / "link.key", code=1)
    assert not (tmp_path / "elsewhere").exists()
    assert before == (secret.read_bytes(), public.read_bytes())


def test_a_mask_does_not_open_the_secret_key(tmp_path):
    subprocess.run(["sh", "-c", 'umask 000; exec "$0" keygen k.key', BINARY], cwd=tmp_path, check=True)
    assert stat.S_IMODE((tmp_path / "k.key").stat().st_mode) == 0o600


def test_each_failure_is_named(keys, model, tmp_path):
    secret, public = keys
    hob("sign", model, "-k", secret, "--comment", "version 3")
    signature = pathlib.Path(f"{model}.minisig")
    good = signature.read_text()

    def refused(why):
        said = hob("verify", model, "-k", public, code=1)
        assert why in said, said

    signature.write_text(good.replace("version 3", "version 4"))
    refused("trusted comment of the signature was altered")
    lines = good.splitlines()
    raw = bytearray(base64.b64decode(lines[1]))
    raw[20] ^= 1
    signature.write_text("\n".join([lines[0], base64.b64encode(raw).decode(), *lines[2:]]) + "\n")
    refused("altered or is forged")
    signature.write_text("\n".join(lines[:2]) + "\n")
    refused("cut short")
    shutil.copy(model, signature)
    refused("not a signature")
    signature.unlink()
    refused("model.gguf.minisig")
    signature.write_text(good)
    hob("keygen", tmp_path / "other.key")
    assert "which is not trusted here" in hob("verify", model, "-k", tmp_path / "other.pub", code=1)
    assert "not a public key" in hob("verify", model, "-k", secret, code=1)
    with model.open("r+b") as file:
        file.seek(1000)
        byte = file.read(1)
        file.seek(1000)
        file.write(bytes([byte[0] ^ 1]))
    refused("the file is not the one that was signed")


def test_what_cannot_sign_is_refused(keys, model, tmp_path):
    secret, public = keys
    assert "not a secret key" in hob("sign", model, "-k", public, code=1)
    assert "cannot be read" in hob("sign", tmp_path / "none", "-k", secret, code=1)
    assert "cannot be read" in hob("sign", tmp_path, "-k", secret, code=1)
    hob("sign", model, "-k", secret, "--comment", "two\nlines", code=2)
    hob("sign", model, code=2)
    hob("verify", model, code=2)
    line = secret.read_text().splitlines()
    raw = bytearray(base64.b64decode(line[1]))
    raw[70] ^= 1
    damaged = tmp_path / "damaged.key"
    damaged.write_text(f"{line[0]}\n{base64.b64encode(raw).decode()}\n")
    assert "checksum" in hob("sign", model, "-k", damaged, code=1)
    assert "cannot be written" in hob("sign", model, "-k", secret, "-o", tmp_path / "no" / "such", code=1)
    assert not list(tmp_path.glob("*.minisig*"))


@needs_minisign
def test_minisign_verifies_what_hob_signed(keys, model):
    secret, public = keys
    hob("sign", model, "-k", secret, "--comment", "version 3")
    done = subprocess.run([MINISIGN, "-Vm", model, "-p", public], capture_output=True, text=True, check=True)
    assert "Trusted comment: version 3" in done.stdout


@needs_minisign
def test_hob_verifies_what_minisign_signed_with_either_ones_key(keys, model, tmp_path):
    secret, public = keys
    subprocess.run([MINISIGN, "-S", "-s", secret, "-m", model, "-t", "by minisign"], check=True, capture_output=True)
    assert "trusted comment: by minisign" in hob("verify", model, "-k", public)
    theirs = tmp_path / "theirs.key", tmp_path / "theirs.pub"
    subprocess.run([MINISIGN, "-G", "-W", "-s", theirs[0], "-p", theirs[1]], check=True, capture_output=True)
    hob("sign", model, "-k", theirs[0])
    hob("verify", model, "-k", theirs[1])
    subprocess.run([MINISIGN, "-Vm", model, "-p", theirs[1]], check=True, capture_output=True)
    # The older kind signs the bytes themselves.
    subprocess.run([MINISIGN, "-S", "-l", "-s", secret, "-m", model], check=True, capture_output=True)
    assert "not of their hash" in hob("verify", model, "-k", public, code=1)


@needs_minisign
def test_a_key_with_a_password_is_refused_with_the_way_out(model, tmp_path):
    secret, public = tmp_path / "p.key", tmp_path / "p.pub"
    subprocess.run(
        [MINISIGN, "-G", "-s", secret, "-p", public], input="word\nword\n", text=True, check=True, capture_output=True
    )
    said = hob("sign", model, "-k", secret, code=1)
    assert "password" in said
    assert "minisign -S" in said


def test_inspect_shows_the_sha256():
    digest = hashlib.sha256(MODEL.read_bytes()).hexdigest()
    assert digest in hob("inspect", MODEL)
    assert json.loads(hob("inspect", "--json", MODEL))["sha256"] == digest
    assert "sha256" not in json.loads(hob("inspect", "--json", "--no-sha256", MODEL))


def test_inspect_hashes_a_large_file_only_when_asked(tmp_path):
    # The same model with a hole behind it: larger than what is hashed by itself.
    large = pathlib.Path(shutil.copy(MODEL, tmp_path / "large.gguf"))
    with large.open("r+b") as file:
        file.truncate((128 << 20) + 1)
    assert "sha256" not in json.loads(hob("inspect", "--json", large))
    assert len(json.loads(hob("inspect", "--json", "--sha256", large))["sha256"]) == 64

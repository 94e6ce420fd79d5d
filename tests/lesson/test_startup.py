"""What is silenced at the start is kept, and shown when the backend fails to load or leaves a GPU idle."""

import os
import subprocess
import sys
import warnings
from types import SimpleNamespace

import keras
import pytest

from cnnlib import networks
from cnnlib.lesson import startup
from workflow.lessons import ROOT


@pytest.fixture(autouse=True)
def nothing_silenced(monkeypatch):
    monkeypatch.setattr(startup, "_silenced", [])


def test_what_code_below_python_writes_is_kept(capfd):
    with startup.silent_stderr():
        os.write(2, b"the driver is older than the library\n")
    assert startup.silenced() == "the driver is older than the library"
    assert capfd.readouterr().err == ""


def backend(*, uses_gpus=True, accelerator=None):
    return SimpleNamespace(uses_gpus=lambda: uses_gpus, accelerator=lambda: accelerator)


@pytest.mark.parametrize(
    ("there", "hidden", "found", "warned"),
    [
        (True, False, backend(), True),
        (False, False, backend(), False),
        (True, True, backend(), False),
        (True, False, backend(uses_gpus=False), False),
        (True, False, backend(accelerator="a GPU"), False),
    ],
    ids=["idle", "none there", "hidden on purpose", "a build for CPUs", "in use"],
)
def test_a_gpu_that_is_there_and_cannot_be_used_is_told(tmp_path, monkeypatch, there, hidden, found, warned):
    file = tmp_path / "nvidia0"
    if there:
        file.touch()
    monkeypatch.setattr(startup, "GPU_FILES", (str(file),))
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "" if hidden else "0")
    with startup.silent_stderr():
        os.write(2, b"cannot dlopen the library")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        startup.warn_of_an_idle_gpu(found)
    assert [("cannot dlopen the library" in str(one.message)) for one in caught] == [True] * warned


def test_a_backend_that_fails_to_load_shows_what_it_wrote(tmp_path):
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "__init__.py").write_text(
        "import os\nos.write(2, b'libcudart is missing')\nraise ImportError('no backend')\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-c", "import cnnlib.lesson"], env=environment, capture_output=True, text=True
    )
    assert "libcudart is missing" in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("ImportError: Keras cannot work with the backend")


def test_networks_take_channels_last_whatever_the_user_has_set():
    keras.config.set_image_data_format("channels_first")
    try:
        model = networks.build("lenet5")
        assert keras.config.image_data_format() == "channels_first"
    finally:
        keras.config.set_image_data_format("channels_last")
    formats = {layer.data_format for layer in model.layers if hasattr(layer, "data_format")}
    assert formats == {"channels_last"}

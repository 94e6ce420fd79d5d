"""What the library is outside the clone: the wheel's content, what it needs, and where its version stands."""

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile

import pytest
from packaging.requirements import Requirement

import cnnlib
from workflow.lessons import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MODULES = {
    "pillow": "PIL",
    "scikit-learn": "sklearn",
    "pyyaml": "yaml",
}  # where a package's module has another name
LIBRARY = [path for path in sorted((ROOT / "cnnlib").rglob("*.py")) if "lesson" not in path.parts]


def imported(path, everywhere):
    """Top-level modules that a file imports: at its import alone, or everywhere in it."""
    tree = ast.parse(path.read_text())
    nodes = ast.walk(tree) if everywhere else tree.body
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.partition(".")[0]


def test_required_packages_are_those_that_the_library_imports():
    required = {
        MODULES.get(Requirement(line).name, Requirement(line).name) for line in PROJECT["dependencies"]
    }
    foreign = {name for path in LIBRARY for name in imported(path, True)} - set(sys.stdlib_module_names)
    optional = {
        "cnnlib",
        "tensorflow",
        "jax",
        "torch",
        "sklearn",
        "IPython",
        "ipywidgets",
        "tqdm",
        "psutil",
        "tensorboard",
    }
    assert required <= foreign, f"nothing imports {required - foreign}"
    assert foreign <= required | optional, f"neither required nor optional: {foreign - required - optional}"
    eager = {name for path in LIBRARY for name in imported(path, False)}
    assert eager <= set(sys.stdlib_module_names) | required | {"cnnlib", "tensorflow", "jax", "torch"}


def test_the_version_stands_in_one_place():
    assert re.fullmatch(r"\d+\.\d+\.\d+", cnnlib.__version__)
    assert "version" not in PROJECT
    assert "version" in PROJECT["dynamic"]
    assert f"## {cnnlib.__version__}\n" in (ROOT / "CHANGELOG.md").read_text()
    assert not re.search(r"^version:", (ROOT / "CITATION.cff").read_text(), re.M)


def test_share_weights_without_scikit_learn_says_what_to_install(monkeypatch):
    from cnnlib import compress, networks

    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)
    with pytest.raises(ImportError, match=r"pip install 'cnnlib\[compress\]'"):
        compress.share_weights(networks.build("lenet_300_100", width=0.05), bits=2)


TEN_LINES = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)[1]
QUICK = (
    TEN_LINES.replace('data.load("fashion_mnist")', 'data.load("fashion_mnist", train_examples=256)')
    .replace("epochs=3", "epochs=1")
    .replace("images.test)", "images.test.take(256))")
)


@pytest.mark.slow
def test_the_wheel_runs_readmes_lines_in_an_empty_folder(tmp_path):
    """The wheel unpacked, first on the path of a Python that starts elsewhere and knows the data by CNNLIB_DATA."""
    wheel = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        tmp_path,
        ROOT,
    ]
    subprocess.run(wheel, check=True)
    with zipfile.ZipFile(next(tmp_path.glob("cnnlib-*.whl"))) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "site")
    shipped = {path.relative_to(ROOT).as_posix() for path in (ROOT / "cnnlib").rglob("*.py")}
    assert shipped | {"cnnlib/py.typed", "cnnlib/lesson/record.schema.json"} <= names
    assert not any(name.startswith(("tests", "workflow", "notebooks", "data")) for name in names)
    (tmp_path / "empty").mkdir()
    path = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})"
    program = f"{path}\n{QUICK}\nimport cnnlib; print(cnnlib.__file__)"
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path / "empty",
        env={**os.environ, "CNNLIB_DATA": str(ROOT / "data"), "PYTHONPATH": ""},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert str(tmp_path / "site") in run.stdout
    assert "top1" in run.stdout

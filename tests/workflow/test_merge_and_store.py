"""Records of two runs in one report, and executed notebooks in a store."""

import json
import shutil
import subprocess
import sys

import pytest

from tests.workflow.tiny_course import write_course
from workflow.lessons import ROOT, UsageError
from workflow.merge import merge_runs
from workflow.store import check_store, store_notebook


def run(folder, *arguments, command="run"):
    return subprocess.run(
        [sys.executable, "-m", "workflow.course", command, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of a tiny course whose notebooks went to a store, too, and beside it one of another seed."""
    folder = tmp_path_factory.mktemp("runs")
    write_course(folder / "lessons")
    where = ("--notebooks", folder / "lessons", "--run", folder / "a", "--store", folder / "store")
    done = run(folder, *where, "--backend", "tensorflow", "--lessons", "01")
    assert done.returncode == 0, done.stderr
    altered(folder, "b", "01_first-seed1", seed=1)
    (folder / "b" / "notebooks").mkdir()
    shutil.copy(
        folder / "a" / "notebooks" / "01_first-seed0.ipynb",
        folder / "b" / "notebooks" / "01_first-seed1.ipynb",
    )
    return folder


def altered(runs, name, job, **changes):
    """A run's folder with the record of run a, changed."""
    folder = runs / name
    folder.mkdir()
    record = json.loads((runs / "a" / "01_first-seed0.json").read_text())
    (folder / f"{job}.json").write_text(json.dumps({**record, **changes}))
    return folder


def test_merged_runs_have_one_report(runs):
    done = run(runs, runs / "a", runs / "b", "--run", runs / "both", command="merge")
    assert done.returncode == 0, done.stderr
    assert "2 records" in done.stdout
    records = sorted(path.stem for path in (runs / "both").glob("0*.json"))
    assert records == ["01_first-seed0", "01_first-seed1"]
    assert (runs / "both" / "notebooks" / "01_first-seed1.ipynb").exists()
    assert "01_first" in (runs / "both" / "report.html").read_text(encoding="utf-8")


def test_equal_results_merge_and_different_ones_are_named(runs, tmp_path):
    assert (
        merge_runs([runs / "a", altered(runs, "slower", "01_first-seed0", seconds=9.0)], tmp_path / "one")
        == 1
    )
    with pytest.raises(UsageError, match=r"01_first-seed0 is in .*, and test_accuracy differs"):
        merge_runs(
            [runs / "a", altered(runs, "other", "01_first-seed0", test_accuracy=0.1)], tmp_path / "two"
        )
    assert not (tmp_path / "two").exists()


def test_a_merge_needs_runs(tmp_path):
    done = run(tmp_path, tmp_path / "no", tmp_path, "--run", tmp_path / "both", command="merge")
    assert done.returncode != 0
    assert "is no folder of a run" in done.stderr


def test_a_merge_names_its_folder(runs):
    done = run(runs, runs / "a", runs / "b", "--run", "", command="merge")
    assert done.returncode != 0
    assert "RUN=runs/both" in done.stderr


def test_notebooks_went_to_the_store(runs):
    stored = sorted(path.name for path in (runs / "store").iterdir())
    assert stored == ["01_first-seed0.ipynb"]
    assert (runs / "store" / stored[0]).read_text() == (runs / "a" / "notebooks" / stored[0]).read_text()


def test_a_store_of_papermills_registry_takes_notebooks(tmp_path, monkeypatch):
    from papermill.iorw import papermill_io

    written = {}

    class Memory:
        def write(self, text, path):
            written[path] = text

    monkeypatch.setattr(papermill_io, "_handlers", [("memory://", Memory()), *papermill_io._handlers])
    notebook = tmp_path / "01.ipynb"
    notebook.write_text("{}")
    check_store("memory://course")
    store_notebook(notebook, "memory://course/")
    assert written == {"memory://course/01.ipynb": "{}"}


@pytest.mark.parametrize(
    ("address", "message"),
    [("ftp://host/x", "knows no store ftp://"), ("s3://bucket/x", r"needs boto3; .*papermill\[s3\]")],
)
def test_a_store_that_cannot_be_is_named_before_anything_runs(tmp_path, address, message):
    with pytest.raises(UsageError, match=message):
        check_store(address)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        check_store(str(tmp_path / "file"))

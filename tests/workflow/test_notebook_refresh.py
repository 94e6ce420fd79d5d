"""Refresh: executes the script, normalises, keeps ids and scripts, and leaves no half of a failed run."""

import json
import sys

import nbformat
import pytest

from tests.workflow.fixtures.copies import LessonCopy
from workflow.notebook_tools import pairs
from workflow.notebook_tools.__main__ import main
from workflow.notebook_tools.normalise import normalise
from workflow.notebook_tools.refresh import CellFailed, refresh


def short_lesson(folder, *cells, name="01_short"):
    """A lesson of a few code cells, as a script without a notebook."""
    copy = LessonCopy(folder, name)
    copy.lesson.notebook.unlink()
    copy.script.write_text("".join(f"# %%\n{cell}\n\n" for cell in cells).rstrip() + "\n", encoding="utf-8")
    return copy


def test_refresh_gives_the_stored_notebook_again(tmp_path):
    copy = LessonCopy(tmp_path)
    script = copy.script.read_text()
    before = copy.lesson.notebook.read_text().splitlines()
    copy.code[3].outputs[0].text = "stale\n"
    copy.save(pair=False)
    refresh(copy.lesson)
    after = copy.lesson.notebook.read_text().splitlines()
    assert copy.script.read_text() == script
    # Only the free cell, which prints a time, may differ.
    assert [a for a, b in zip(after, before, strict=True) if a != b and "s since some start" not in a] == []
    assert copy.faults() == []


def test_new_lesson_runs_in_this_interpreter_with_plain_progress(tmp_path, monkeypatch):
    # A kernel that a user installed as python3 would take precedence, and would fail.
    spec = tmp_path / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    spec.joinpath("kernel.json").write_text(
        json.dumps({"argv": ["/bin/false"], "display_name": "x", "language": "python"})
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("MPLBACKEND", "Agg")
    source = (
        "import os, pathlib, sys\n"
        'print(sys.executable)\nprint(os.environ["CNNLIB_PROGRESS"], os.environ["TF_CPP_MIN_LOG_LEVEL"])\n'
        'print(pathlib.Path.cwd().name, "Agg" in os.environ.get("MPLBACKEND", ""))'
    )
    copy = short_lesson(tmp_path / "lessons", source, "1 + 1")
    refresh(copy.lesson)
    notebook = nbformat.read(copy.lesson.notebook, as_version=4)
    assert notebook.cells[0].outputs[0].text == f"{sys.executable}\nplain 3\nlessons False\n"
    assert [cell.execution_count for cell in notebook.cells] == [1, 2]
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert "version" not in notebook.metadata.language_info
    assert all(not cell.metadata for cell in notebook.cells)


def test_ids_stay_with_their_cells_and_new_ones_are_repeatable(tmp_path):
    copy = LessonCopy(tmp_path)
    before = {cell.source: cell.id for cell in copy.notebook.cells}
    copy.script.write_text(
        copy.script.read_text().replace(
            "# %% [markdown]\n# ## Recap", "# %%\n2 * 3\n\n# %% [markdown]\n# ## Recap"
        )
    )
    made = []
    for _ in range(2):
        script = pairs.read_script(copy.lesson)
        pairs.keep_identifiers(script, copy.notebook, copy.lesson.name)
        assert all(before[cell.source] == cell.id for cell in script.cells if cell.source in before)
        made += [cell.id for cell in script.cells if cell.source not in before]
    assert len(made) == 2
    assert made[0] == made[1]
    assert made[0] not in before.values()


@pytest.mark.parametrize(
    ("cell", "timeout", "message"),
    [
        ('raise ValueError("no such layer")', 60, "ValueError: no such layer"),
        ("import os\nos._exit(1)", 60, "the kernel died"),
        ("import time\ntime.sleep(30)", 1, "longer than 1 s"),
    ],
    ids=["error", "dead kernel", "timeout"],
)
def test_failure_names_lesson_cell_and_error_and_touches_nothing(tmp_path, cell, timeout, message):
    copy = LessonCopy(tmp_path)
    copy.script.write_text(f"# %% [markdown]\n# Text.\n\n# %%\nprint(1)\n\n# %%\n{cell}\n\n# %%\nprint(2)\n")
    script, notebook = copy.script.read_text(), copy.lesson.notebook.read_bytes()
    with pytest.raises(CellFailed) as failure:
        refresh(copy.lesson, cell_timeout=timeout)
    assert str(failure.value).startswith("04_numbers, cell 3 (In [2]): ")
    assert message in str(failure.value)
    assert copy.script.read_text() == script
    assert copy.lesson.notebook.read_bytes() == notebook
    assert sorted(path.name for path in tmp_path.iterdir()) == ["04_numbers.ipynb", "scripts"]


def test_command_goes_on_after_a_failure_and_says_so(tmp_path, capsys):
    short_lesson(tmp_path, "1 / 0", name="01_bad")
    good = short_lesson(tmp_path, 'print("fine")', name="02_good")
    assert main(["refresh", "01-02", "--notebooks", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert "[1/2] 01_bad: FAILED" in printed
    assert "01_bad, cell 1 (In [1]): ZeroDivisionError: division by zero" in printed
    assert "[2/2] 02_good: " in printed
    assert good.lesson.notebook.exists()
    assert not (tmp_path / "01_bad.ipynb").exists()


def test_normalise_removes_traces_and_joins_streams(tmp_path):
    copy = LessonCopy(tmp_path)
    clean = normalise(copy.notebook)
    copy.notebook.metadata["papermill"] = {"duration": 3}
    copy.notebook.metadata.language_info["version"] = "3.11.7"
    for cell in copy.notebook.cells:
        cell.metadata["papermill"] = {"status": "completed"}
    for cell in copy.code:
        cell.execution_count = None
        cell.metadata["execution"] = {"iopub.status.busy": "2026-01-01"}
    first = copy.code[3].outputs[0]
    copy.code[3].outputs = [
        nbformat.v4.new_output("stream", name="stdout", text=first.text[:5]),
        nbformat.v4.new_output("stream", name="stdout", text=first.text[5:]),
    ]
    assert normalise(copy.notebook) == clean


def test_script_layout_is_kept_by_a_formatter_and_by_jupytext():
    text = "# %% [markdown]\n# Text.\n\n\n# %%\ndef square(n):\n    return n * n\n"
    assert pairs.script_layout(text) == text
    assert pairs.script_layout('# %% tags=["a"] x=1\nsquare = 2\n') == '# %% tags=["a"]\nsquare = 2\n'

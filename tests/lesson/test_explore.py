"""Explorers: without a browser a figure and a line of text, with one a control that changes the figure."""

import keras
import numpy as np
import pytest

from cnnlib import lesson
from cnnlib.lesson import explore
from tests.plots.measures import faults

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 12, 12, 1), dtype=np.uint8)
NAMES = ["a", "b", "c"]


def model():
    keras.utils.set_random_seed(0)
    layers = [keras.Input((12, 12, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]
    return keras.Sequential(layers)


EXPLORERS = {
    "convolution": (lambda: lesson.explore_convolution(IMAGES[0] / 255), "padding"),
    "receptive field": (lesson.explore_receptive_field, "kernel"),
    "initialization": (lesson.explore_initialization, "depth"),
    "batch normalization": (lesson.explore_batch_normalization, "gamma"),
    "residual": (lesson.explore_residual, "branch scale"),
    "decision": (lambda: lesson.explore_decision(model(), IMAGES, [0, 1, 2, 0], NAMES), "degrees"),
}


@pytest.fixture
def shown(monkeypatch):
    """What an explorer displays, in a list."""
    import IPython.display

    found = []
    monkeypatch.setattr(IPython.display, "display", found.append)
    return found


@pytest.mark.parametrize(("explorer", "control"), EXPLORERS.values(), ids=EXPLORERS.keys())
def test_without_a_browser_there_is_a_figure_and_the_same_text_each_time(
    explorer, control, shown, monkeypatch, capsys
):
    monkeypatch.delenv("CNNLIB_WIDGETS", raising=False)
    explorer()
    first = capsys.readouterr().out
    explorer()
    assert capsys.readouterr().out == first
    assert first.startswith("to explore in JupyterLab: ")
    assert control in first
    assert shown[0].png() == shown[1].png()
    assert faults(shown[0]) == []


@pytest.mark.parametrize(("explorer", "control"), EXPLORERS.values(), ids=EXPLORERS.keys())
def test_a_moved_slider_changes_the_figure(explorer, control, shown, monkeypatch):
    monkeypatch.setenv("CNNLIB_WIDGETS", "1")
    explorer()
    controls, _, image = shown[0].children
    before = image.value
    assert before[:4] == b"\x89PNG"
    slider = next(widget for widget in controls.children if widget.description == control)
    slider.value = slider.min if slider.value > slider.min else slider.value + (slider.step or 1)
    assert image.value != before


def test_a_setting_that_does_not_fit_is_a_sentence(shown, monkeypatch):
    monkeypatch.setenv("CNNLIB_WIDGETS", "1")
    lesson.explore_receptive_field()
    controls, sentence, image = shown[0].children
    before = image.value
    for widget in controls.children:
        widget.value = widget.max
    assert "at most 61 can be drawn" in sentence.value
    controls.children[0].value = 1
    assert sentence.value == ""
    assert image.value != before


def test_headless_runs_ask_for_no_widgets(monkeypatch):
    from workflow.notebook_tools.kernel import environment

    monkeypatch.setenv("CNNLIB_WIDGETS", "1")
    assert environment()["CNNLIB_WIDGETS"] == "0"


def test_a_kernel_without_a_notebook_is_not_interactive(monkeypatch):
    monkeypatch.delenv("CNNLIB_WIDGETS", raising=False)
    assert not explore.interactive()
    monkeypatch.setenv("JPY_SESSION_NAME", "a.ipynb")
    assert not explore.interactive()  # no kernel
    monkeypatch.setenv("CNNLIB_WIDGETS", "0")
    assert not explore.interactive()


@pytest.mark.parametrize("session", ["", "a.ipynb"])
def test_an_executed_notebook_holds_a_picture_or_a_widget(session, monkeypatch):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    monkeypatch.setenv("CNNLIB_WIDGETS", "")
    if session:
        monkeypatch.setenv("JPY_SESSION_NAME", session)
    else:
        monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    code = "from cnnlib import lesson\nlesson.explore_receptive_field()"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [output for output in notebook.cells[0].outputs if output.get("name") != "stderr"]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert ("application/vnd.jupyter.widget-view+json" in kinds) == bool(session)
    assert ("image/png" in kinds) == (not session)
    if not session:
        assert [o.text for o in outputs if o.output_type == "stream"] == [
            "to explore in JupyterLab: layers 1 to 6; kernel 1 to 5; stride 1 to 3; dilation 1 to 3\n"
        ]

"""A course of two lessons that take no time: each displays a result record without loading any backend."""

import nbformat

from workflow.records import MEDIA_TYPE

METADATA = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}

PARAMETERS = """budget: str = "quick"  # label of the budget
seed: int = 0  # of everything
epochs: int = 1  # passes
width: float = 1.0  # multiplier
train_examples: int | None = 100  # None for all
name: str = "x"  # a text
sizes: list[int] = [1, 2]  # a list"""

RECORD = """
import time

history = {{"epoch": [1], "epoch_seconds": [time.perf_counter()], "images_per_second": [time.perf_counter()],
           "train_loss": [1.0], "validation_loss": [1.0],
           "train_accuracy": [0.5], "validation_accuracy": [0.5]}}
claim = {{"id": "{number}-a", "statement": "It is <so>.", "source": "s", "kind": "training", "measured": "m",
         "difference": 0.1 + seed / 100, "verdict": "not decided"}}
provenance = {{"python": "3", "packages": {{"keras": "3"}}, "cpu": "c", "cores": 1, "data": "d", "data_sha256": "0",
              "lesson_seconds": 0.1, "determinism": {{}}}}
row = {{
    "schema_version": 1, "lesson": "{lesson}", "network": "lenet5", "seed": seed, "budget": budget,
    "backend": "tensorflow", "threads": 1, "precision": "float32", "test_accuracy": 0.5 + epochs / 100, "top5": 0.9,
    "test_loss": 1.0, "params": 10, "macs": 20, "activation_bytes": 30, "seconds": 0.1, "images_per_second": 5.0,
    "digest": "0" * 64, "history": history, "runs": [], "extra": {{}}, "claims": [claim], "provenance": provenance,
}}

class Record:
    def _repr_mimebundle_(self, include=None, exclude=None):
        return {{"{media_type}": row, "text/plain": "record"}}

Record()
"""

CPU_BUDGET = """
01_first:
  parameters: {epochs: 2}
  job: {threads: 1, memory_mb: 500, minutes: 1}
02_second:
  job: {threads: 1, memory_mb: 500, minutes: 1}
"""


def write_course(folder, second="pass", budget=CPU_BUDGET, first="pass", first_parameters=""):
    """Write the notebooks and budgets; `first` and `second` are code of the lessons' third cells."""
    (folder / "budgets").mkdir(parents=True, exist_ok=True)
    for name in ("quick", "gpu"):
        (folder / "budgets" / f"{name}.yaml").write_text("{}\n")
    (folder / "budgets" / "cpu.yaml").write_text(budget)
    for lesson, code, more in (("01_first", first, first_parameters), ("02_second", second, "")):
        cells = [
            nbformat.v4.new_code_cell(f"{PARAMETERS}\n{more}".strip()),
            nbformat.v4.new_markdown_cell("text"),
            nbformat.v4.new_code_cell(code),
        ]
        record = RECORD.format(lesson=lesson, number=lesson[:2], media_type=MEDIA_TYPE)
        cells.append(nbformat.v4.new_code_cell(record))
        cells[0].metadata.tags = ["parameters"]
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=METADATA), folder / f"{lesson}.ipynb")
    return folder

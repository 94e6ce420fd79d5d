"""Pytest plugin beside nbval: a line for each notebook as it ends, and changes grouped by cause before the diffs.

Loaded by `check` with `-p`. The cells run in xdist's workers; what this plugin needs of them travels in the report.
"""

import re
import time
from collections import defaultdict
from pathlib import Path

import nbformat
import pytest

from workflow.notebook_tools.causes import cause_of_error, cause_of_outputs, changed_versions

COLOUR = re.compile(r"\x1b\[[\d;]*m")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """In the process that ran the cell: note why it failed."""
    outcome = yield
    report = outcome.get_result()
    if not report.failed or not hasattr(item, "cell_num"):
        return
    if isinstance(report.longrepr, str):
        report.longrepr = COLOUR.sub("", report.longrepr)  # a kernel colours tracebacks for log files too
    new = item.test_outputs or []
    causes = [cause for cause in [cause_of_error(new)] if cause]
    if not causes and "Cell outputs differ" in str(call.excinfo.value):
        causes = cause_of_outputs(item.sanitize_outputs(item.cell.outputs), item.sanitize_outputs(new))
    report.notebook_causes = causes or [str(call.excinfo.value).splitlines()[0]]


def pytest_configure(config):
    """In the process that prints: follow the notebooks."""
    if not hasattr(config, "workerinput") and config.option.nbval:
        config.pluginmanager.register(NotebookProgress(config), "notebook-progress")


class NotebookProgress:
    """Prints a line for each notebook, then the summary of causes."""

    def __init__(self, config):
        self.config = config
        self.started = time.perf_counter()
        self.notebooks = {}
        self.cells_left = {}
        self.seconds = defaultdict(float)
        self.failures = defaultdict(dict)  # path -> {In [n]: causes}
        for argument in config.args:
            path = str(Path(argument).resolve())
            self.notebooks[path] = nbformat.read(path, as_version=4)
            self.cells_left[path] = sum(cell.cell_type == "code" for cell in self.notebooks[path].cells)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report):
        """No letter for a cell that is well; the lines of the notebooks tell enough."""
        if report.passed:
            return ("passed" if report.when == "call" else "", "", "")
        return ("failed", "", "FAILED") if report.failed and report.when == "call" else None

    def pytest_runtest_logreport(self, report):
        """Count a cell; print the notebook's line with its last."""
        path = str((Path(self.config.rootpath) / report.nodeid.split("::")[0]).resolve())
        if path not in self.notebooks:
            return
        self.seconds[path] += report.duration
        if report.failed:
            number = int(report.nodeid.rsplit(" ", 1)[1]) + 1
            self.failures[path].setdefault(number, getattr(report, "notebook_causes", ["error in nbval"]))
        if report.when == "teardown":
            self.cells_left[path] -= 1
            if self.cells_left[path] == 0:
                self._print_line(path)

    def _print_line(self, path):
        done = sum(left == 0 for left in self.cells_left.values())
        failed = sorted(self.failures[path])
        verdict = f"CHANGED in {', '.join(f'In [{n}]' for n in failed)}" if failed else "as stored"
        self._write(
            f"[{done}/{len(self.notebooks)}] {Path(path).stem}: {verdict}, {self.seconds[path]:.1f} s"
            f" ({time.perf_counter() - self.started:.0f} s since the start)"
        )

    def pytest_sessionfinish(self):
        """Before pytest prints the single diffs: how many outputs changed, where, and for which causes."""
        cells = sum(len(cells) for cells in self.failures.values())
        if not cells:
            return
        self._write("")
        self._write(
            f"{cells} cell{'s' if cells != 1 else ''} changed or failed in"
            f" {sum(1 for found in self.failures.values() if found)} lesson(s), by cause:"
        )
        moved = changed_versions(self.notebooks.values())
        if moved:
            self._write(f"  Versions differ from those of the stored outputs: {'; '.join(moved)}.")
        for cause, places in self._by_cause():
            names = ", ".join(
                f"{name} ({', '.join(f'In [{n}]' for n in numbers)})" for name, numbers in places.items()
            )
            count = sum(len(numbers) for numbers in places.values())
            self._write(f"  {count} x {cause}")
            self._write(f"      in {names}")
        self._write("nbval, below, counts code cells from 0: its Cell 3 is In [4].")
        self._write("If a change is meant, run `make refresh` for these lessons and commit what it writes.")

    def _by_cause(self):
        """`[(cause, {lesson: cells})]`, the most frequent cause first."""
        places = defaultdict(lambda: defaultdict(list))
        for path, cells in self.failures.items():
            for number, causes in sorted(cells.items()):
                for cause in causes:
                    places[cause][Path(path).stem].append(number)
        return sorted(places.items(), key=lambda entry: (-sum(map(len, entry[1].values())), entry[0]))

    def _write(self, line):
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        terminal.write_line(line)

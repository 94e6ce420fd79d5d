"""The leaderboard of a run as `results.json` and `results.csv`, for other programs."""

import io

import pandas as pd

from workflow.files import write_json, write_text


def write_results(folder, rows):
    """Write both files with the rows of the leaderboard; returns their paths."""
    paths = [folder / "results.json", folder / "results.csv"]
    write_json(paths[0], [{name: _plain(value) for name, value in row.items()} for row in rows])
    buffer = io.StringIO()
    pd.DataFrame(rows).to_csv(buffer, index=False)
    write_text(paths[1], buffer.getvalue())
    return paths


def write_grid(folder, rows):
    """Write the rows of a grid, see `watch.result_rows`, as `grid.csv`; returns its path."""
    buffer = io.StringIO()
    pd.DataFrame(rows).to_csv(buffer, index=False)
    write_text(folder / "grid.csv", buffer.getvalue())
    return folder / "grid.csv"


def _plain(value):
    """NumPy's numbers as Python's, which JSON knows."""
    return value.item() if hasattr(value, "item") else value

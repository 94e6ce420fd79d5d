"""What a lesson measured, left in a folder for who compares runs; also that which lay outside its interval.

`CNNLIB_QUANTITIES=<folder>` asks for it: a line of JSON for each quantity in `<folder>/quantities.jsonl`, in the order
in which they were measured. Without the variable nothing is written.
"""

import json
import os
from pathlib import Path

FOLDER = "CNNLIB_QUANTITIES"
FILE = "quantities.jsonl"


def leave_quantity(name, value, low, high):
    """Leave a quantity and its interval, both ends included; `low=None` where only `high` bounds it."""
    if folder := os.environ.get(FOLDER):
        row = {"name": name, "value": float(value), "low": low, "high": high}
        with (Path(folder) / FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

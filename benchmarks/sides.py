"""Each side of a comparison runs in a process of its own, so that no side starts with what another has loaded."""

import json
import subprocess
import sys

from workflow.lessons import ROOT
from workflow.surroundings import environment


def run_side(*arguments, folder=ROOT):
    """Run `python <arguments>` on TensorFlow and return what its last printed line says, as JSON.

    Ends the benchmark with the process' last words where it fails.
    """
    variables = {**environment(), "KERAS_BACKEND": "tensorflow", "MPLBACKEND": "Agg"}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(
            f"error: {' '.join(command[1:])} ended with status {done.returncode}:\n{done.stderr[-2000:]}"
        )
    return json.loads(done.stdout.splitlines()[-1])


def chosen(parser, text, known):
    """The names in "a,b" that are all in `known`; else the parser's error, which lists them."""
    names = text.split(",")
    for name in names:
        if name not in known:
            parser.error(f"--networks: {name!r} must be one of {', '.join(known)}")
    return names

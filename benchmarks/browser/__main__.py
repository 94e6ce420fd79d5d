"""`python -m benchmarks.browser`: open the explorers in JupyterLab in a headless Chromium, move a slider of each.

Needs node with the package playwright-core (found through NODE_PATH) and Chromium (CHROMIUM names it, otherwise
/usr/bin/chromium). Status 1 where a figure does not change.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

CELLS = (
    "import numpy as np, keras\nfrom cnnlib import lesson\nimages = np.random.default_rng(0).random((4, 20, 20, 1))\n"
    "model = keras.Sequential([keras.Input((20, 20, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])",
    "lesson.explore_convolution(images[0])",
    "lesson.explore_receptive_field()",
    "lesson.explore_initialization()",
    "lesson.explore_batch_normalization()",
    "lesson.explore_residual()",
    "lesson.explore_decision(model, images, [0, 1, 2, 0], ['shirt', 'boot', 'bag'])",
)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.browser", description=__doc__)
    parser.add_argument("--screenshots", type=Path, metavar="FOLDER")
    folder = parser.parse_args(arguments).screenshots
    with tempfile.TemporaryDirectory() as home:
        cells = [{"cell_type": "code", "id": f"cell-{i}", "metadata": {}, "outputs": [], "execution_count": None,
                  "source": source} for i, source in enumerate(CELLS)]  # fmt: skip
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        notebook = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
        Path(home, "explorers.ipynb").write_text(json.dumps(notebook))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}", "--ServerApp.root_dir", home,
                   "--IdentityProvider.token=", "--allow-root", "--LabApp.news_url=None"]  # fmt: skip
        log = open(Path(home, "server.log"), "w")  # noqa: SIM115
        root = str(Path(__file__).parents[2])
        server = subprocess.Popen(
            command, stdout=log, stderr=log, env=os.environ | {"PYTHONPATH": root, "JUPYTER_CONFIG_DIR": home}
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(f"{address}/api", server)
            script = Path(__file__).with_name("explorers.mjs")
            place = Path(os.environ.get("NODE_PATH", ".")).resolve().parent
            copy = place / f".{script.name}"  # node looks for modules beside the script
            copy.write_text(script.read_text())
            try:
                call = ["node", str(copy), f"{address}/lab/tree/explorers.ipynb", str(len(CELLS) - 1)]
                return subprocess.run([*call, str(folder)] if folder else call, timeout=400).returncode
            finally:
                copy.unlink()
        finally:
            server.terminate()
            server.wait(30)
            log.close()


def _wait(address, server, seconds=90):
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=2).read()
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise RuntimeError("JupyterLab did not answer; start it by hand to see why.")


if __name__ == "__main__":
    sys.exit(main())

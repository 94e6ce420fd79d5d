"""`python -m workflow.site`: build the site into build/site/html and check it; status 1 on a warning or a fault."""

import argparse
import shutil
import sys
import time
from pathlib import Path

from workflow.lessons import ROOT
from workflow.site.check import check_site
from workflow.site.sources import DOCS, write_sources


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m workflow.site", description=__doc__)
    parser.add_argument("--to", type=Path, default=ROOT / "build" / "site", metavar="FOLDER")
    folder = parser.parse_args(arguments).to.resolve()
    started = time.perf_counter()
    if build(folder):
        print("error: the site was not built without a warning; see the lines above", file=sys.stderr)
        return 1
    html = folder / "html"
    faults = check_site(html)
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    files = [path for path in html.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    pages = sum(path.suffix == ".html" for path in files)
    seconds = time.perf_counter() - started
    print(f"{html / 'index.html'}: {pages} pages, {size:.1f} MB, {seconds:.0f} s, {len(faults)} faults")
    return 1 if faults else 0


def build(folder, write=write_sources, settings=DOCS):
    """Make the sources anew by `write` and run Sphinx on them, warnings as errors; Sphinx's exit status.

    `settings` is the folder of conf.py.
    """
    from sphinx.cmd.build import build_main

    shutil.rmtree(folder, ignore_errors=True)
    notebooks = write(folder / "source")
    paths = [str(folder / part) for part in ("source", "html")]
    options = ["-q", "-W", "--keep-going", "-c", str(settings), "-d", str(folder / "doctrees")]
    status = build_main(["-b", "html", *options, *paths])
    # The theme copies its own templates beside the pages.
    for template in (folder / "html" / "_static").glob("*-macros.html"):
        template.unlink()
    # What a page offers for download is the committed notebook, not the site's copy with its anchors.
    for name, notebook in notebooks.items():
        if (offered := folder / "html" / "_sources" / name).exists():
            shutil.copyfile(notebook, offered)
    return status


if __name__ == "__main__":
    sys.exit(main())

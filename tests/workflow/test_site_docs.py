"""The how-to pages are true: their Python runs, their commands exist, a fault in a page fails the build."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml
from PIL import Image

from workflow.jobs import make_jobs, phases, write_jobs
from workflow.lessons import ROOT, find_lessons
from workflow.site import __main__ as site
from workflow.site.sources import DOCS

PAGES = sorted(DOCS.rglob("*.md"))
# Of the extensions, about the Sphinx after next.
pytestmark = pytest.mark.filterwarnings("ignore:.*Check CHANGES for Sphinx API")

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def blocks(path, *languages):
    return [
        body for language, body in BLOCK.findall(path.read_text(encoding="utf-8")) if language in languages
    ]


def run_page(name):
    """Run the Python of a page, block after block, as a reader would; returns the names it left."""
    names = {}
    for body in blocks(DOCS / "howto" / name, "python"):
        exec(compile(body, name, "exec"), names)
    return names


def test_the_page_on_own_images_runs(tmp_path, monkeypatch):
    random = np.random.default_rng(0)
    for part, count in (("train", 24), ("test", 8)):
        for brightness, kind in ((60, "cat"), (160, "dog")):
            folder = tmp_path / "my_images" / part / kind
            folder.mkdir(parents=True)
            for i in range(count):
                pixels = random.integers(0, brightness, size=(30 + i, 40, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{i}.png")
    monkeypatch.chdir(tmp_path)
    left = run_page("own_images.md")
    assert left["images"].class_names == ("cat", "dog")
    assert left["images"].train.images.shape == (40, 28, 28, 1)
    assert len(left["history"].train_loss) == left["recipe"].epochs


def test_the_job_for_kubernetes_runs_each_lesson_but_the_one_that_compares(tmp_path):
    manifest = yaml.safe_load(blocks(DOCS / "howto" / "cluster.md", "yaml")[0])
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    (tmp_path / "make").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "make").chmod(0o755)
    jobs = {}
    for index in range(manifest["spec"]["completions"]):
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "JOB_COMPLETION_INDEX": str(index)}
        done = subprocess.run(
            [*container["command"], *container["args"]],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        command, *words = done.stdout.split()
        selection = dict(word.split("=") for word in words)
        assert command == "course"
        assert selection["RUN"].endswith(f"/{selection['LESSONS']}")  # a folder each
        jobs |= make_jobs("cpu", selection["LESSONS"], selection["SEEDS"])
    whole = make_jobs("cpu", "all", selection["SEEDS"])
    assert jobs == {name: job for name, job in whole.items() if not job["reads_records"]}


def test_the_page_on_a_new_network_runs():
    left = run_page("new_network.md")
    assert left["network"].output_names == ["scores"]
    assert len(left["history"].validation_accuracy) == 2


def test_parts_put_together_as_the_page_on_clusters_says_are_up_to_date(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs" / "cpu"
    write_jobs(next(phases(make_jobs("cpu", seeds="0-2"), folder)), folder, ROOT / "requirements.lock")
    whole = tmp_path / "runs" / "whole"
    jobs = sorted(path.stem for path in (tmp_path / "runs" / "cpu" / "jobs").glob("*.json"))
    assert f"{find_lessons()[0].name}-seed2" in jobs
    part = tmp_path / "runs" / "parts" / "01"
    shutil.copytree(tmp_path / "runs" / "cpu", part)
    (part / f"{jobs[0]}.json").write_text("{}")  # the record of a job that has run
    whole.mkdir()
    subprocess.run("cp -a runs/parts/*/. runs/whole/", shell=True, check=True)
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(ROOT / "workflow" / "Snakefile"),
        "--summary",
    ]
    command += ["--rerun-triggers", "mtime", "--scheduler", "greedy", "--cores", "1"]
    command += ["--directory", str(whole)]
    summary = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = {line.split("\t")[0]: line for line in summary.splitlines()[1:]}
    assert "no update" in rows[f"{jobs[0]}.json"]
    assert "update pending" in rows[f"{jobs[1]}.json"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_commands_of_the_pages_exist(path):
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.M))
    variables = set(re.findall(r"^([A-Z]+) +\?=", makefile, re.M)) | set(
        re.findall(r"\$\(([A-Z]+)\)", makefile)
    )
    text = path.read_text(encoding="utf-8")
    for line in [line for body in blocks(path, "", "bash") for line in body.splitlines()]:
        line = line.split("#")[0]
        if not line.startswith("make "):
            continue
        for word in shlex.split(line)[1:]:
            name, sign, _ = word.partition("=")
            assert name in (variables if sign else targets), f"{path.name}: {line}"
    for name in re.findall(r"`make (?:[A-Z]+=\S+ )*([a-z]+)", text):
        assert name in targets, f"{path.name}: make {name}"
    for module in re.findall(r"python -m (workflow\.\w+)", text):
        place = ROOT / module.replace(".", "/")
        assert place.with_suffix(".py").exists() or (place / "__main__.py").exists(), f"{path.name}: {module}"
    for file in re.findall(r"`((?:docs|cnnlib|notebooks|tests|workflow|\.github|\.ci)/[\w./]+)`", text):
        assert (ROOT / file).exists(), f"{path.name}: {file}"


def test_the_options_of_standalone_that_pages_name_exist():
    from workflow.standalone import _parser

    for path in PAGES:
        for line in re.findall(
            r"^python -m workflow\.standalone (.+)$", path.read_text(encoding="utf-8"), re.M
        ):
            _parser().parse_args(shlex.split(line))


@pytest.mark.parametrize(
    ("page", "status"),
    [
        ("# A page\n\n[To itself](#a-page) and $x^2$.\n", 0),
        ("# A page\n\n[To nowhere](missing.md)\n", 1),
        ("# A page\n\n![A picture](missing.png)\n", 1),
    ],
    ids=["well", "broken link", "missing picture"],
)
def test_a_fault_in_a_page_fails_the_build(tmp_path, page, status):
    def write(target):
        target.mkdir(parents=True)
        (target / "index.md").write_text(page)
        return {}

    assert bool(site.build(tmp_path, write)) == bool(status)
    if not status:
        shown = (tmp_path / "html" / "index.html").read_text(encoding="utf-8")
        assert "_static/mathjax/tex-chtml.js" in shown


@pytest.mark.parametrize("address", ["", "https://github.com/somebody/course"])
def test_links_to_colab_and_binder_come_from_one_setting(tmp_path, address):
    """A lesson has them where the repository's address is set, and nothing of them where it is not."""
    lesson = find_lessons()[0]

    def write(target):
        (target / "notebooks").mkdir(parents=True)
        (target / "index.md").write_text(f"# Site\n\n```{{toctree}}\nnotebooks/{lesson.name}\n```\n")
        shutil.copy(lesson.notebook, target / "notebooks")
        return {}

    settings = tmp_path / "settings"
    settings.mkdir()
    (settings / "_static").symlink_to(DOCS / "_static")
    text = (DOCS / "conf.py").read_text(encoding="utf-8")
    assert text.count('REPOSITORY = ""') == 1
    (settings / "conf.py").write_text(text.replace('REPOSITORY = ""', f'REPOSITORY = "{address}"'))
    site.build(tmp_path / "built", write, settings)
    shown = (tmp_path / "built" / "html" / "notebooks" / f"{lesson.name}.html").read_text(encoding="utf-8")
    place = f"somebody/course/blob/main/notebooks/{lesson.name}.ipynb"
    assert (f"https://colab.research.google.com/github/{place}" in shown) == bool(address)
    assert ("https://mybinder.org/v2/gh/somebody/course/main" in shown) == bool(address)
    assert ("colab" in shown) == ("mybinder" in shown) == bool(address)

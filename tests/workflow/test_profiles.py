"""Where jobs run: the profiles, and what Snakemake would ask a scheduler for."""

import importlib.util
import re
import subprocess
import sys

import pytest
import yaml

from tests.workflow.test_course import run
from tests.workflow.tiny_course import write_course
from workflow.jobs import make_jobs, write_jobs
from workflow.lessons import ROOT, UsageError
from workflow.options import PROFILES, chosen_profile

SNAKEMAKE = [sys.executable, "-m", "snakemake"]


@pytest.fixture(scope="module")
def known_options():
    """The names of Snakemake's options, without dashes."""
    text = subprocess.run([*SNAKEMAKE, "--help"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"--([a-z][a-z-]+)", text))


@pytest.mark.parametrize("folder", sorted(PROFILES.iterdir()), ids=lambda folder: folder.name)
def test_a_profile_holds_options_of_snakemake(folder, known_options):
    content = yaml.safe_load((folder / "config.yaml").read_text())
    executor = content.get("executor", "local")  # its own options begin with its name
    own = {key for key in content if key.startswith(f"{executor}-")}
    assert set(content) - own <= known_options


@pytest.mark.parametrize("name", ["slrum", "/nowhere", "notebooks"])
def test_an_unknown_profile_is_one_sentence(name):
    with pytest.raises(
        UsageError, match=f"PROFILE='{name}' must be one of local, slurm or a folder"
    ) as caught:
        chosen_profile(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["- executor", "executor: [", ""])
def test_a_profile_that_is_none_is_one_sentence(tmp_path, content):
    (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(UsageError, match=r"its config.yaml must map|is valid YAML") as caught:
        chosen_profile(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_missing_executor_is_named_and_nothing_starts(tmp_path):
    (tmp_path / "profile").mkdir()
    (tmp_path / "profile" / "config.yaml").write_text("executor: nowhere\n")
    course, folder = write_course(tmp_path / "course"), tmp_path / "run"
    code, text = run(course, folder, "--profile", str(tmp_path / "profile"))
    assert code == 1
    assert text.count("\n") == 1
    assert "pip install snakemake-executor-plugin-nowhere" in text
    assert not folder.exists()


def test_the_executor_for_slurm_is_named_with_its_version(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install snakemake-executor-plugin-slurm==\d"):
        chosen_profile("slurm")


def test_a_job_asks_for_what_its_budget_declares(tmp_path):
    budget = "01_first: {job: {threads: 2, memory_mb: 700, minutes: 4, gpu: 1}}\n"
    course, folder = write_course(tmp_path / "course", budget=budget), tmp_path / "run"
    jobs = make_jobs("cpu", lessons="01", notebooks=course)
    write_jobs(jobs, folder, ROOT / "requirements.lock", {"01_first-seed0": 83})
    command = [*SNAKEMAKE, "--snakefile", str(ROOT / "workflow" / "Snakefile"), "--dry-run", "--cores", "2"]
    command += [
        "--profile",
        str(PROFILES / "local"),
        "--scheduler",
        "greedy",
        "--directory",
        str(folder),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    assert "threads: 2" in text
    assert "priority: 83" in text  # the longest first
    for resource in ("mem_mb=700", "runtime=6", "gpu=1"):
        assert resource in text

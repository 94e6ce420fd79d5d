"""The declared dependencies, both lock files, the conda environment and CI's extras say the same."""

import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from workflow.lessons import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = {"requirements.lock": "cpu", "requirements-gpu.lock": "gpu"}
PIN = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[a-z-]+\])?==([^ ;]+)(?: ; (.*?))? \\$", re.M)


def pins(lock):
    """{package: [(version, marker or None)]}"""
    found = {}
    for name, version, marker in PIN.findall((ROOT / lock).read_text()):
        found.setdefault(name.lower().replace("_", "-"), []).append((Version(version), marker or None))
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_declared_dependency_is_pinned_within_its_range(lock):
    extras = PROJECT["optional-dependencies"]
    declared = [
        *PROJECT["dependencies"],
        *extras[LOCKS[lock]],
        *extras["course"],
        *extras["test"],
        *extras["site"],
    ]
    pinned = pins(lock)
    for requirement in map(Requirement, declared):
        assert requirement.name in pinned, f"{requirement.name} is not in {lock}; run make lock"
        for version, _ in pinned[requirement.name]:
            assert version in requirement.specifier, (
                f"{lock}: {requirement.name} {version} is not {requirement.specifier}"
            )


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash_and_no_address(lock):
    text = (ROOT / lock).read_text()
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text[text.index("\n", text.index("make lock")) :].strip())
    for block in blocks:
        assert "--hash=sha256:" in block, block.splitlines()[0]
    assert "://" not in text
    assert "--index-url" not in text


def test_one_environment_holds_one_tensorflow():
    """For each platform exactly one of the packages that install the module `tensorflow`."""
    from packaging.markers import Marker

    platforms = [
        {"sys_platform": "linux", "platform_machine": "x86_64"},
        {"sys_platform": "linux", "platform_machine": "aarch64"},
        {"sys_platform": "darwin", "platform_machine": "arm64"},
        {"sys_platform": "win32", "platform_machine": "AMD64"},
    ]
    for lock in LOCKS:
        pinned = pins(lock)
        for platform in platforms if lock == "requirements.lock" else platforms[:1]:
            here = [
                name
                for name in ("tensorflow", "tensorflow-cpu")
                for _, marker in pinned.get(name, [])
                if marker is None or Marker(marker).evaluate(platform)
            ]
            assert len(here) == 1, (lock, platform, here)


def test_the_two_locks_agree_on_what_they_share():
    cpu, gpu = (pins(lock) for lock in LOCKS)
    for name in (
        "keras",
        "numpy",
        "papermill",
        "nbval",
        "jupytext",
        "snakemake",
        "pandas",
        "scikit-learn",
        "matplotlib",
    ):
        assert cpu[name] == gpu[name], name
    assert cpu["tensorflow"][0][0] == gpu["tensorflow"][0][0]


def test_conda_installs_the_same_pins():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["name"] == "cnnlib"
    pip = next(part["pip"] for part in environment["dependencies"] if isinstance(part, dict))
    assert pip == ["--require-hashes", "-r requirements.lock"]
    python = next(part for part in environment["dependencies"] if str(part).startswith("python="))
    assert Version(python.split("=")[1]) in Requirement(f"x{PROJECT['requires-python']}").specifier


def test_the_other_backends_are_pinned_within_their_range():
    extras = PROJECT["optional-dependencies"]
    for line in (ROOT / "requirements-backends.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            declared = Requirement(extras[pin.name][0])
            assert next(iter(pin.specifier)).operator == "=="
            assert Version(next(iter(pin.specifier)).version) in declared.specifier

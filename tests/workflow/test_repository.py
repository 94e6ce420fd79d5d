"""What the repository says of itself is true: README's table, the house's rules, the licences."""

import ast
import re
import subprocess

import pytest

from workflow.lessons import ROOT, find_lessons

PACKAGE = ROOT / "cnnlib"


def imports_of(path):
    """Modules of cnnlib that a file imports, as (top-level module, whole name)."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            ("cnnlib", "workflow", "notebooks")
        ):
            names = (
                [f"{node.module}.{alias.name}" for alias in node.names]
                if node.module == "cnnlib"
                else [node.module]
            )
            found |= {tuple(name.split(".")[:2]) for name in names}
        if isinstance(node, ast.Import):
            found |= {
                tuple(a.name.split(".")[:2]) for a in node.names if a.name.startswith(("cnnlib", "workflow"))
            }
    return found


# What each part of the library may know of the others.
ALLOWED = {
    "layers": set(),
    "data": set(),
    "plots": set(),
    "backends": set(),
    "inspect": {
        "backends",
        "data",
        "training",
    },  # inspection comes after training and measures losses as it does
    "training": {"backends", "data"},
    "augment": {"layers"},
    "compress": {"training"},
    "networks": {"layers"},
    # on top: explorers are figures with sliders
    "lesson": {"backends", "training", "inspect", "data", "networks", "plots"},
}


@pytest.mark.parametrize("part", ALLOWED)
def test_imports_run_one_way(part):
    paths = (
        [PACKAGE / f"{part}.py"]
        if (PACKAGE / f"{part}.py").exists()
        else sorted((PACKAGE / part).rglob("*.py"))
    )
    for path in paths:
        for name in imports_of(path):
            assert name[0] == "cnnlib", f"{path.name} imports {'.'.join(name)}"
            if len(name) > 1 and name[1] not in (part, "_checks"):
                assert name[1] in ALLOWED[part], f"{path.relative_to(ROOT)} must not import {'.'.join(name)}"


def test_the_ground_floor_imports_nothing_of_ours():
    assert not imports_of(PACKAGE / "_checks.py")


def test_files_of_networks_are_short():
    for path in (PACKAGE / "networks").glob("*.py"):
        assert len(path.read_text().splitlines()) <= 260, path.name


def test_only_the_backends_room_imports_a_backend():
    for path in PACKAGE.rglob("*.py"):
        if re.search(r"^\s*(import|from) (tensorflow|jax|torch)\b", path.read_text(), re.M):
            assert path.parts[len(PACKAGE.parts)] == "backends", path.relative_to(ROOT)


def test_the_readme_lists_every_lesson():
    text = (ROOT / "README.md").read_text()
    table = text[text.index("<!-- lessons -->") : text.index("<!-- /lessons -->")]
    for lesson in find_lessons():
        assert f"(notebooks/{lesson.name}.ipynb)" in table, lesson.name
    for name in re.findall(r"notebooks/(\w+)\.ipynb", table):
        assert (ROOT / "notebooks" / f"{name}.ipynb").exists(), name


def test_links_of_the_readme_lead_somewhere():
    for page in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text()):
            if "://" not in target:
                assert (ROOT / target).exists(), f"{page}: {target}"


def test_every_make_command_of_the_readme_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    for page in ("README.md", "CONTRIBUTING.md", ".ci/run"):
        for target in re.findall(r"\bmake (?:[A-Z]+=\S+ )*([a-z]+)\b", (ROOT / page).read_text()):
            assert target in targets, f"{page}: make {target}"


def test_continuous_integration_calls_the_readmes_commands():
    text = (ROOT / ".ci" / "run").read_text()
    assert re.search(r"^make .*\btest$", text, re.M)
    assert re.search(r"^make .*\bcourse\b", text, re.M)


def test_no_secret_paths_in_tracked_files():
    command = [
        "git",
        "grep",
        "-nIE",
        r"/(home|Users|root)/[a-z]",
        "--",
        ".",
        ":!tests",
        ":!workflow/notebook_tools",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert not done.stdout, done.stdout


def test_no_file_but_data_is_large():
    """Learners clone the whole repository; 1.5 MB is what a notebook with its figures may take."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    paths = [ROOT / name for name in listing.split("\0") if name and not name.startswith("data/")]
    large = {
        path.name: path.stat().st_size for path in paths if path.exists() and path.stat().st_size > 1_500_000
    }
    assert not large

"""What the commands that run lessons have in common: the options of a selection, and the jobs that they choose."""

import errno
import importlib.util
import sys
from pathlib import Path

import yaml

from workflow import machine
from workflow.jobs import make_jobs
from workflow.lessons import NOTEBOOKS, ROOT, UsageError

BACKENDS = ("tensorflow", "jax", "torch")
FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)
PROFILES = ROOT / "workflow" / "profiles"
LOCAL = PROFILES / "local"
# What a profile's executor comes from, at the version that was tried. Not in the lock file: few need one.
EXECUTORS = {"slurm": "snakemake-executor-plugin-slurm==2.8.0"}


def add_selection(parser, *, budget, backend):
    """Add the options that choose lessons; `budget` and `backend` are their defaults."""
    add = parser.add_argument
    add("--budget", default=budget, help="quick, cpu or gpu")
    add("--lessons", default="all", help="for instance 04, 04-11, 04,06 or lenet")
    add("--seeds", default="0", help="for instance 0, 0-2 or 0,3,5-7")
    add("--params", default="", help='parameters for the chosen lessons: "epochs=3 width=0.5"')
    add("--backend", default=backend, help=", ".join(BACKENDS))
    add("--run", type=Path, help="folder of the run; default runs/<budget>")
    add("--notebooks", type=Path, default=NOTEBOOKS, help="folder of lessons and budgets")
    add("--lock", type=Path, default=ROOT / "requirements.lock", help="the lock file installed from")


def add_grid(parser):
    """Add the option that varies parameters."""
    parser.add_argument("--grid", default="", help='values to vary: "width=.25,.5 epochs=1,2"')


def add_profile(parser):
    """Add the option that says where the jobs run."""
    parser.add_argument(
        "--profile", default="local", help="local, slurm or the folder of a Snakemake profile"
    )


def chosen_profile(name):
    """The folder of a profile, whose executor is installed.

    Raises:
        UsageError: a profile that is not there or cannot be read, or an executor that is not installed.
    """
    folder = PROFILES / name if (PROFILES / name).is_dir() else Path(name).resolve()
    try:
        content = read_profile(folder)
    except (OSError, yaml.YAMLError) as error:
        known = ", ".join(sorted(path.name for path in PROFILES.iterdir()))
        raise UsageError(
            f"PROFILE={name!r} must be one of {known} or a folder with a config.yaml that is valid YAML"
        ) from error
    if not isinstance(content, dict):
        raise UsageError(f"PROFILE={name!r}: its config.yaml must map options of Snakemake to values")
    _require_executor(content.get("executor", "local"), name)
    return folder


def read_profile(folder):
    """The content of a profile's config.yaml."""
    return yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))


def _require_executor(executor, profile):
    module = f"snakemake_executor_plugin_{executor.replace('-', '_')}"
    if executor != "local" and importlib.util.find_spec(module) is None:
        package = EXECUTORS.get(executor, f"snakemake-executor-plugin-{executor}")
        raise UsageError(
            f"PROFILE={profile} submits by a package that is not installed here; .venv/bin/pip install {package}"
        )


def chosen_jobs(arguments):
    """The jobs of a selection; see `make_jobs`.

    Raises:
        UsageError: an unknown backend, or anything else in the selection that cannot be.
    """
    if arguments.backend not in BACKENDS:
        raise UsageError(f"BACKEND={arguments.backend!r} must be one of {', '.join(BACKENDS)}")
    chosen = (arguments.budget, arguments.lessons, arguments.seeds, arguments.params, arguments.backend)
    return make_jobs(*chosen, notebooks=arguments.notebooks, grid=getattr(arguments, "grid", ""))


def run_command(arguments, folder):
    """The command that runs a selection as `make course` does, into a folder of its own."""
    command = [sys.executable, "-m", "workflow.course", "run", "--run", str(folder)]
    for name in ("budget", "lessons", "seeds", "params", "backend", "notebooks", "lock", "cores"):
        command += [f"--{name}", str(getattr(arguments, name))]
    return command


def run_folder(arguments):
    """The folder of the run, absolute."""
    return (arguments.run or ROOT / "runs" / arguments.budget).resolve()


def number_of_cores(text):
    """CORES as a number; "all" are those that this process may use.

    Raises:
        UsageError: neither "all" nor a number of at least 1.
    """
    if text == "all":
        return machine.processors()
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"CORES={text!r} must be all or a number of at least 1")
    return int(text)


def require_backend(backend):
    """Raises UsageError where a backend is not installed."""
    if importlib.util.find_spec(backend) is None:
        raise UsageError(
            f"BACKEND={backend} is not installed here; make backends installs jax and torch beside tensorflow"
        )


def sentence_of(error, arguments):
    """One sentence for an OSError such as a full disk or a folder that cannot be written."""
    what_to_do = {
        **dict.fromkeys(FULL, "free some space or choose another folder with RUN=<folder>"),
        **dict.fromkeys(FORBIDDEN, "choose another folder with RUN=<folder>, one that you may write"),
    }.get(error.errno, "see whether it is there and whole")
    return f"error: {error.strerror or error}: {error.filename or arguments.run}; {what_to_do}"

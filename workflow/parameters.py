"""Parameters of a batch run: a lesson's defaults, overlaid by the budget and by what the user typed; all checked.

A budget file maps a lesson's name to two mappings: `parameters`, which papermill hands to the notebook, and `job`,
what the run needs (threads, memory_mb, minutes, gpu). Nothing starts a kernel before all of it was found valid.
"""

import ast
import difflib
import itertools
import math
import re
import shlex
import types

import yaml

from workflow import picture_folder
from workflow.lessons import NOTEBOOKS, UsageError

BUDGETS = ("quick", "cpu", "gpu")
JOB_DEFAULTS = {"threads": 1, "memory_mb": 3500, "minutes": 10, "gpu": 0}
SET_BY_THE_RUN = ("budget", "seed", "threads")  # given by BUDGET=, SEEDS= and the job, not by PARAMS=
# What a parameter may be, by the last word of its name; lists hold such values.
COUNTS = ("epochs", "examples", "validation", "size", "sizes", "steps", "depth", "depths", "starts", "growth", "units",
          "networks", "devices")  # fmt: skip
FACTORS = ("rate", "rates", "width", "widths")
CHOICES = {"precision": ("float32", "mixed_bfloat16", "auto")}
DATASETS = ("fashion_mnist", "fashion_mnist_rgb", "cifar10")
FASHION_MNIST_EXAMPLES = 60_000  # training and validation images together
TYPES = {
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "list": list,
    "tuple": tuple,
    "dict": dict,
    "None": types.NoneType,
}


def load_budget(budget, lessons, folder=NOTEBOOKS / "budgets"):
    """A budget file as `{lesson name: {"parameters": {...}, "job": {...}}}` with every lesson present.

    Raises:
        UsageError: an unknown budget, lesson or key, or a file that is not valid YAML.
    """
    if budget not in BUDGETS:
        raise UsageError(f"BUDGET={budget!r} must be one of {', '.join(BUDGETS)}{_near(budget, BUDGETS)}")
    path = folder / f"{budget}.yaml"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError as error:
        raise UsageError(f"there is no budget file {path.name}; restore it with git checkout") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path.name} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise UsageError(
            f"{path.name} must map lessons to `parameters` and `job`, and it holds a {type(content).__name__}"
        )
    names = [lesson.name for lesson in lessons]
    for name, entry in content.items():
        if name not in names:
            raise UsageError(f"{path.name}: there is no lesson {name!r}{_near(name, names)}")
        if not isinstance(entry, dict) or set(entry) - {"parameters", "job"}:
            raise UsageError(
                f"{path.name}: {name} must hold the mappings `parameters` and `job`, and nothing else"
            )
        _check_job(entry.get("job") or {}, f"{path.name}: {name}")
    return {
        name: {
            "parameters": (content.get(name) or {}).get("parameters") or {},
            "job": {**JOB_DEFAULTS, **((content.get(name) or {}).get("job") or {})},
        }
        for name in names
    }


def parse_overrides(text, variable="PARAMS", example="epochs=3"):
    """`{name: raw text}` of a text such as "epochs=3 width=0.5"; `variable` is where it was typed.

    Quotes hold a value with blanks together, as in a shell: "dataset='folder:my pictures' epochs=3".

    Raises:
        UsageError: a part without `=`, a name given twice, or a quote that is not closed.
    """
    overrides = {}
    try:
        parts = shlex.split(text or "")
    except ValueError as error:
        raise UsageError(
            f"{variable}={text!r} has a quote that is not closed; close it or leave it out"
        ) from error
    for part in parts:
        name, sign, value = part.partition("=")
        if not sign or not name or not value:
            raise UsageError(
                f"{variable}: {part!r} must be like {example} (no blanks around the equals sign, and quotes around "
                "a value with blanks: dataset='folder:my pictures')"
            )
        if name in overrides:
            raise UsageError(f"{variable} gives {name} twice")
        if name in SET_BY_THE_RUN:
            raise UsageError(
                f"{variable}: {name} is set by the run itself; use BUDGET=, SEEDS= or the budget file's `job`"
            )
        overrides[name] = value
    return overrides


def parse_grid(text, overrides):
    """The points of a grid such as "width=.25,.5 epochs=1,2", the product of its values.

    Args:
        overrides: `{name: text}` of PARAMS.

    Returns:
        `{point's name: {name: raw text}}`; the name is that of the point's folder, for instance "width=0.25+epochs=1".
        Without a grid there is one point, which has no name and gives nothing.

    Raises:
        UsageError: a part without values, a value given twice, or a name that PARAMS gives too.
    """
    axes = {}
    for name, values in parse_overrides(text, "GRID", "width=.25,.5").items():
        if name in overrides:
            raise UsageError(f"PARAMS and GRID both give {name}; leave it in one of them")
        axes[name] = _grid_values(name, values)
    points = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    return {
        "+".join(f"{name}={_as_file_name(value)}" for name, value in point.items()): point for point in points
    }


def _grid_values(name, text):
    """The values of "1,2" or "[1,2],[3]", each once: commas within brackets belong to a value."""
    values, depth = [""], 0
    for character in text:
        depth += (character in "[({") - (character in "])}")
        if character == "," and depth == 0:
            values.append("")
        else:
            values[-1] += character
    for position, value in enumerate(values):
        if not value:
            raise UsageError(f"GRID: {name}={text} has an empty value; write it like {name}=1,2")
        same = [_read_literal(value) == _read_literal(other) for other in values[:position]]
        if any(same) or _as_file_name(value) in map(_as_file_name, values[:position]):
            raise UsageError(f"GRID gives {name}={value} twice")
    return values


def _as_file_name(value):
    # No comma: Snakemake hands the name to the jobs that it submits in a list that commas separate.
    return re.sub(r"[^\w.-]+", "_", str(_read_literal(value))).strip("_")


def require_everywhere(grid_names, parameters_by_lesson):
    """Each name of a grid must be a parameter of all chosen lessons, or a lesson would do the same at every point.

    Raises:
        UsageError: a name that a chosen lesson does not have, with the lessons that have all of them.
    """
    names = set(grid_names)
    having = [lesson for lesson, parameters in parameters_by_lesson.items() if names <= set(parameters)]
    for lesson in parameters_by_lesson:
        if lesson not in having:
            choice = (
                f"choose others with LESSONS={','.join(name[:2] for name in having)}"
                if having
                else "none has"
            )
            raise UsageError(f"GRID: {lesson} does not have all of {', '.join(sorted(names))}; {choice}")


def resolve(lesson_name, parameters, budget_values, overrides, *, budget_file, grid=()):
    """The values that differ from a lesson's defaults, checked by name and type.

    Args:
        parameters: `{name: Parameter}` of the lesson.
        budget_values: `{name: value}` of the budget file.
        overrides: `{name: text}` as typed.
        budget_file: its name, for messages.
        grid: the names in `overrides` that GRID gives, for messages.

    Raises:
        UsageError: a name that the lesson does not have, with the nearest that it has, or a value that does not fit
            the annotation.
    """
    resolved = {}
    for name, value in budget_values.items():
        _require_known(name, parameters, f"{budget_file}: {lesson_name}")
        resolved[name] = _conform(value, parameters[name], f"{budget_file}: {lesson_name}")
    for name, text in overrides.items():
        where = f"{'GRID' if name in grid else 'PARAMS'}: {lesson_name}"
        _require_known(name, parameters, where)
        resolved[name] = _conform(_read_literal(text), parameters[name], where, text)
    if picture_folder.is_folder(resolved.get("dataset")):
        resolved["dataset"] = picture_folder.absolute(resolved["dataset"])
    return resolved


def all_values(parameters, values):
    """`{name: value}` of all parameters of a lesson: its defaults, overlaid by `values`."""
    return {name: parameter.default for name, parameter in parameters.items()} | values


def with_defaults(source, values):
    """The text of a parameters cell with other defaults; `values` maps names to them."""
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if node.target.id in values:
            if node.value.lineno != node.value.end_lineno:
                raise UsageError(
                    f"the parameter {node.target.id} must stand in one line of its parameters cell"
                )
            line = lines[node.value.lineno - 1].encode()
            start, end = node.value.col_offset, node.value.end_col_offset
            lines[node.value.lineno - 1] = (
                line[:start] + repr(values[node.target.id]).encode() + line[end:]
            ).decode()
    return "\n".join(lines)


def check_ranges(lesson_name, parameters, values):
    """Check the values that a lesson would run with, where their names say what they may be.

    Raises:
        UsageError: a count below 1, a rate or width of 0 or less, an unknown precision or data set, or more images
            asked for than there are, or a folder of pictures that cannot be one.
    """
    full = all_values(parameters, values)
    for name, value in full.items():
        for item in value if isinstance(value, list | tuple) else [value]:
            fault = _fault_of(name, item)
            if fault:
                raise UsageError(f"{lesson_name}: {name}={value!r} {fault}")
    asked = [full.get(name) for name in ("train_examples", "validation_examples")]
    fashion_mnist = full.get("dataset", DATASETS[0]).startswith("fashion_mnist")
    there_are = FASHION_MNIST_EXAMPLES if fashion_mnist else None
    if picture_folder.is_folder(full.get("dataset")):
        there_are = picture_folder.training_pictures(full["dataset"])
    if there_are is not None and sum(number for number in asked if isinstance(number, int)) > there_are:
        raise UsageError(
            f"{lesson_name}: train_examples={asked[0]} and validation_examples={asked[1]} are more than the "
            f"{there_are:,} images there are to train on; lower one of them"
        )


def _fault_of(name, value):
    word = name.rpartition("_")[2]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and word in COUNTS and value < 1:
        return "must be at least 1"
    if number and word in FACTORS and not 0 < value < math.inf:
        return "must be a finite number above 0"
    if name in CHOICES and value not in CHOICES[name]:
        return f"must be one of {', '.join(CHOICES[name])}{_near(value, CHOICES[name])}"
    if name == "dataset" and value not in DATASETS and not picture_folder.is_folder(value):
        return f"must be one of {', '.join(DATASETS)} or folder:<path>{_near(value, DATASETS)}"
    return None


def require_somewhere(overrides, parameters_by_lesson, variable="PARAMS"):
    """Each overridden name must be a parameter of at least one chosen lesson; others of them go without it.

    Raises:
        UsageError: a name that no chosen lesson has, with the nearest valid name.
    """
    known = sorted({name for parameters in parameters_by_lesson.values() for name in parameters})
    for name in overrides:
        if name not in known:
            near = _near(name, known) or f"; they take {', '.join(known)}"
            raise UsageError(f"{variable}: none of the chosen lessons has a parameter {name!r}{near}")


def _require_known(name, parameters, where):
    if name not in parameters:
        near = _near(name, parameters) or f"; it takes {', '.join(parameters)}"
        raise UsageError(f"{where} has no parameter {name!r}{near}")


def _near(name, names):
    near = difflib.get_close_matches(str(name), list(names), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _read_literal(text):
    words = {"true": True, "false": False, "none": None, "null": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _conform(value, parameter, where, text=None):
    """`value` as the annotation wants it; an integer may stand for a float, a list for a tuple."""
    allowed = allowed_types(parameter.annotation)
    if str in allowed and text is not None and not isinstance(value, tuple(allowed)):
        return text
    if isinstance(value, int) and not isinstance(value, bool) and float in allowed and int not in allowed:
        return float(value)
    if (isinstance(value, list) and tuple in allowed) or (isinstance(value, tuple) and list in allowed):
        return list(value)  # YAML has lists only
    if not isinstance(value, tuple(allowed)) or (isinstance(value, bool) and bool not in allowed):
        shown = value if text is None else text
        hint = " (in YAML write 1.0e-3, not 1e-3)" if isinstance(value, str) and float in allowed else ""
        raise UsageError(f"{where}: {parameter.name}={shown!r} must be of type {parameter.annotation}{hint}")
    return value


def allowed_types(annotation):
    """The Python types of an annotation such as `int`, `float | None` or `list[int]`."""
    names = [part.strip().split("[")[0] for part in annotation.split("|")]
    unknown = [name for name in names if name not in TYPES]
    if unknown:
        raise UsageError(f"a parameter's type must be made of {', '.join(TYPES)}, not {unknown[0]}")
    return [TYPES[name] for name in names]


def _check_job(job, where):
    for key, value in job.items():
        if key not in JOB_DEFAULTS:
            raise UsageError(f"{where}: job has no key {key!r}{_near(key, JOB_DEFAULTS)}")
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if key == "gpu" and not (number and isinstance(value, int) and value >= 0):
            raise UsageError(f"{where}: job: gpu={value!r} must be a whole number, 0 for none")
        if key != "gpu" and not (number and value > 0):
            raise UsageError(f"{where}: job: {key}={value!r} must be a number above 0")

"""The lesson that is running in this process: who it is, how it was started, what it has said so far."""

import time
from dataclasses import dataclass, field

import keras

from cnnlib.lesson.determinism import reproducible
from cnnlib.lesson.environment import describe_environment, stamp

BUDGETS = ("quick", "cpu", "gpu")


@dataclass
class LessonState:
    """One run of one lesson, from `begin` to `record`."""

    lesson: str
    budget: str
    seed: int
    threads: int
    precision: str
    determinism: dict
    started: float = field(default_factory=time.perf_counter)
    claims: list[dict] = field(default_factory=list)
    runs: list[dict] = field(default_factory=list)
    quantities: list[dict] = field(default_factory=list)


_current = None


def begin(lesson, *, budget, seed, threads=2, precision="float32"):
    """Start a lesson: fix seeds, threads and precision, and print the environment stamp.

    Args:
        lesson: name of the notebook without its ending, for instance "04_lenet".
        budget: "quick", "cpu" or "gpu": a label; what it changes are the notebook's parameters.
        seed: of weights, order of images and dropout, at least 0.
        threads: CPU threads of the arithmetic, at least 1; results are equal to the bit for equal threads.
        precision: "float32", "mixed_bfloat16" or "auto".

    Raises:
        ValueError: a value out of range.
    """
    global _current
    from cnnlib.training import choose_precision

    if budget not in BUDGETS:
        raise ValueError(f"budget={budget!r} must be one of {', '.join(BUDGETS)}")
    switches = reproducible(seed, threads=threads)
    # Whatever keras.json or code before this lesson has set: a lesson's results are those of Keras's defaults.
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    chosen = choose_precision(precision)
    _current = LessonState(lesson, budget, seed, threads, chosen, switches)
    print(f"lesson {lesson}, budget {budget}, seed {seed}")
    print(stamp(describe_environment(), threads, chosen))


def keep(entries, key, entry):
    """Put `entry` among `entries`, in the place of the earlier one with the same `entry[key]` where there is one.

    So cells may be run twice: the record holds what was said last, in the order in which it was first said. That no
    two cells say something under one name is held by the notebook lint.
    """
    for position, earlier in enumerate(entries):
        if earlier[key] == entry[key]:
            entries[position] = entry
            return
    entries.append(entry)


def current_or_none():
    """The running lesson, or None where none has begun in this process."""
    return _current


def current():
    """The running lesson.

    Raises:
        RuntimeError: `begin` was not called in this process.
    """
    if _current is None:
        raise RuntimeError('no lesson has begun: call lesson.begin("04_lenet", budget=..., seed=...) first')
    return _current

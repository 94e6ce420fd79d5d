"""The result record of a lesson: one row of plain data, stored inside the executed notebook.

It is displayed under a media type of its own, so that whoever holds the notebook can take the record out of it;
no file name or folder is known here.
"""

import functools
import hashlib
import json
import time
from importlib import resources

import keras
import numpy as np

from cnnlib.lesson.environment import describe_environment
from cnnlib.lesson.state import current, keep

SCHEMA = json.loads(
    resources.files("cnnlib.lesson").joinpath("record.schema.json").read_text(encoding="utf-8")
)
RECORD_MIME = SCHEMA["contentMediaType"]
SCHEMA_VERSION = 1


def add_run(label, model, history, test=None, validation=None):
    """Keep a further training of this lesson for its record, under a label unique in the lesson.

    Args:
        label: what sets this training apart, for instance "tanh, average pooling". A label that was kept before, as
            when a cell is run a second time, is replaced.
        model: the trained network.
        history: its `training.History`.
        test, validation: results of `training.evaluate`, where they were taken.
    """
    state = current()
    row = {"label": label, **_network_row(model, history)}
    for name, result in (("test", test), ("validation", validation)):
        row[f"{name}_accuracy"] = None if result is None else result["top1"]
    keep(state.runs, "label", row)


def record(*, network, history, test, data, name=None, **extra):
    """Make the lesson's result record and store it in the notebook.

    Args:
        network: the trained main network of the lesson.
        history: its `training.History`.
        test: `training.evaluate(network, images.test)`, taken once.
        data: the `data.Dataset` that it was trained on.
        name: network's name in the catalogue; default the model's own.
        extra: further plain values, kept under `extra`.

    Returns:
        An object that notebooks show as one line and that carries the record, validated against
        `record.schema.json`.

    Raises:
        ValueError: the record does not follow the schema.
    """
    state = current()
    row = {
        "schema_version": SCHEMA_VERSION,
        "lesson": state.lesson,
        "seed": state.seed,
        "budget": state.budget,
        "backend": keras.config.backend(),
        "threads": state.threads,
        "precision": state.precision,
        **_network_row(network, history),
        "test_accuracy": test["top1"],
        "top5": test["top5"],
        "test_loss": test["loss"],
        "claims": list(state.claims),
        "runs": list(state.runs),
        "quantities": list(state.quantities),
        "extra": extra,
        "provenance": {
            **describe_environment(),
            "determinism": state.determinism,
            "data": data.name,
            "data_sha256": data.sha256,
            "train_examples": len(data.train.labels),
            "lesson_seconds": time.perf_counter() - state.started,
        },
    }
    if name:
        row["network"] = name
    row = json.loads(json.dumps(row, default=_plain))
    validate_record(row)
    return StoredRecord(row)


class StoredRecord:
    """A record that a notebook keeps: one line for the reader, the whole of it under `RECORD_MIME`."""

    def __init__(self, row):
        self.row = row

    def __repr__(self):
        r = self.row
        return (
            f"{r['lesson']} seed {r['seed']} ({r['budget']}): {r['network']}, test accuracy {r['test_accuracy']:.4f}, "
            f"{r['params']:,} parameters, {r['seconds']:.1f} s of training"
        )

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": repr(self), RECORD_MIME: self.row}


def validate_record(row):
    """Hold a record against the schema.

    Raises:
        ValueError: naming the first field that does not fit, or a schema version that is not known.
    """
    if row.get("schema_version", 0) > SCHEMA_VERSION:
        raise ValueError(
            f"the record has schema version {row['schema_version']}, "
            f"this cnnlib reads up to {SCHEMA_VERSION}: update cnnlib"
        )
    error = next(iter(sorted(_validator().iter_errors(row), key=lambda e: list(map(str, e.path)))), None)
    if error is not None:
        where = ".".join(map(str, error.path)) or "the record"
        raise ValueError(f"record: {where}: {error.message}")


def digest(model):
    """SHA-256 over names, shapes and bytes of all weights: equal digests mean networks equal to the bit."""
    total = hashlib.sha256()
    for variable in model.variables:
        if "seed_generator" in variable.path:
            continue
        # The position, not the path: Keras numbers repeated names by what was built before in the process.
        array = keras.ops.convert_to_numpy(variable)
        total.update(f"{variable.name}{array.shape}{array.dtype}".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def _network_row(model, history):
    from cnnlib import inspect

    table = inspect.layer_table(model)
    return {
        "network": model.name,
        "params": table.total_params,
        "macs": table.total_macs,
        "activation_bytes": table.total_activation_bytes,
        "seconds": history.seconds,
        "images_per_second": history.images_per_second,
        "digest": digest(model),
        "history": history.table().to_dict(orient="list"),
    }


@functools.cache
def _validator():
    import jsonschema

    return jsonschema.Draft202012Validator(SCHEMA)


def _plain(value):
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"record: {value!r} is not plain data (numbers, strings, lists, dicts)")

import json

import keras
import numpy as np
import pytest

from cnnlib import lesson, training
from cnnlib.lesson import state
from cnnlib.lesson.record import SCHEMA, StoredRecord
from tests.training.pictures import CLASSES, corners


@pytest.fixture
def begun(capsys):
    lesson.begin("04_lenet", budget="cpu", seed=1, threads=1)
    capsys.readouterr()
    yield state.current()
    keras.config.set_dtype_policy("float32")


@pytest.fixture
def quick(capsys):
    lesson.begin("04_lenet", budget="quick", seed=1, threads=1)
    capsys.readouterr()


def little(seed=0):
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((12, 12, 1), name="images")
    x = keras.layers.Flatten(name="flatten")(inputs)
    return keras.Model(inputs, keras.layers.Dense(CLASSES, name="scores")(x), name="little")


def claim(**arguments):
    lesson.claim(
        **{
            "identifier": "04-x",
            "statement": "It is so.",
            "source": "a paper, 1998",
            "measured": "7",
            **arguments,
        }
    )


def test_the_stamp_names_lesson_backend_and_threads(capsys):
    lesson.begin("04_lenet", budget="quick", seed=3, threads=1)
    text = capsys.readouterr().out
    for part in ("04_lenet", "quick", "seed 3", keras.config.backend(), "1 CPU thread,", "float32"):
        assert part in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"budget": "cheap"}, "budget='cheap'"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 1.5}, "seed=1.5"),
        ({"seed": True}, "seed=True"),
        ({"threads": 0}, "threads=0"),
        ({"precision": "float16"}, "precision='float16'"),
    ],
)
def test_a_lesson_does_not_begin_with_ill_values(arguments, message):
    with pytest.raises(ValueError, match=message):
        lesson.begin("04_lenet", **{"budget": "quick", "seed": 0, **arguments})


def test_arithmetic_claims_are_decided_and_show_what_was_measured(begun, capsys):
    claim(holds=True)
    claim(identifier="04-y", holds=False)
    text = capsys.readouterr().out
    assert "verdict: holds" in text
    assert "verdict: does not hold" in text
    assert "measured: 7" in text
    assert [c["verdict"] for c in begun.claims] == ["holds", "does not hold"]


def test_training_claims_are_left_to_the_ledger_and_print_no_measurement(begun, capsys):
    claim(difference=0.25, measured="0.25 more")
    text = capsys.readouterr().out
    assert "the ledger decides" in text
    assert "0.25" not in text
    assert begun.claims[0]["difference"] == 0.25
    assert begun.claims[0]["verdict"] == "not decided"


def test_at_quick_no_training_claim_is_decided(quick, capsys):
    claim(difference=1.0)
    assert "verdict: not decided at this budget" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [{}, {"holds": True, "difference": 1.0}, {"difference": float("nan")}, {"difference": float("inf")}],
)
def test_a_claim_is_either_arithmetic_or_about_training(begun, arguments):
    with pytest.raises(ValueError, match="claim '04-x'"):
        claim(**arguments)


def test_a_claim_that_is_stated_again_takes_the_place_of_the_earlier_one(begun):
    claim(holds=True)
    claim(identifier="04-y", holds=True)
    claim(holds=False, measured="8")
    assert [(c["id"], c["measured"], c["verdict"]) for c in begun.claims] == [
        ("04-x", "8", "does not hold"),
        ("04-y", "7", "holds"),
    ]


def test_nothing_is_said_before_a_lesson_begins(monkeypatch):
    monkeypatch.setattr(state, "_current", None)
    with pytest.raises(RuntimeError, match=r"lesson\.begin"):
        claim(holds=True)


def test_an_interval_prints_a_fixed_line_or_fails(capsys):
    lesson.expect_between("accuracy", 0.512345, 0.5, 0.6)
    assert capsys.readouterr().out == "accuracy lies in [0.5, 0.6]\n"
    for value in (0.49, 0.61, float("nan")):
        with pytest.raises(AssertionError, match="outside its declared interval"):
            lesson.expect_between("accuracy", value, 0.5, 0.6)


def test_the_same_function_is_recognised(capsys):
    lesson.expect_same_function(little(0), little(1))
    assert "the same function as little" in capsys.readouterr().out


def test_another_function_is_not(capsys):
    other = keras.Sequential(
        [keras.Input((12, 12, 1)), keras.layers.Flatten(), keras.layers.Dense(CLASSES, activation="relu")]
    )
    with pytest.raises(AssertionError, match="not the same function"):
        lesson.expect_same_function(other, little())
    with pytest.raises(AssertionError, match="differ in shape"):
        lesson.expect_same_function(
            keras.Sequential([keras.Input((12, 12, 1)), keras.layers.Flatten()]), little()
        )


@pytest.fixture(scope="module")
def trained():
    model = little()
    images = corners()
    history = training.train(model, images, training.Recipe(epochs=1, batch_size=64), progress="none")
    return model, images, history, training.evaluate(model, images.test)


def test_a_record_follows_the_schema_and_holds_what_was_said(begun, trained):
    model, images, history, test = trained
    claim(holds=True)
    lesson.add_run("again", model, history, validation=test)
    stored = lesson.record(network=model, history=history, test=test, data=images, note="x")
    row = stored.row
    assert set(SCHEMA["required"]) <= set(row)
    assert (row["lesson"], row["seed"], row["budget"], row["threads"]) == ("04_lenet", 1, "cpu", 1)
    assert row["params"] == 144 * CLASSES + CLASSES
    assert row["macs"] == 144 * CLASSES
    assert row["claims"][0]["id"] == "04-x"
    assert row["runs"][0]["label"] == "again"
    assert row["extra"] == {"note": "x"}
    assert json.loads(json.dumps(row)) == row


def test_a_notebook_shows_one_line_and_stores_the_record(begun, trained):
    model, images, history, test = trained
    bundle = lesson.record(network=model, history=history, test=test, data=images)._repr_mimebundle_()
    assert set(bundle) == {"text/plain", lesson.RECORD_MIME}
    assert "\n" not in bundle["text/plain"]


def test_a_run_that_is_added_again_takes_the_place_of_the_earlier_one(begun, trained):
    model, _, history, test = trained
    lesson.add_run("one", model, history)
    lesson.add_run("two", model, history)
    lesson.add_run("one", model, history, test=test)
    assert [(run["label"], run["test_accuracy"]) for run in begun.runs] == [
        ("one", test["top1"]),
        ("two", None),
    ]


def break_record(row):
    yield "a missing field", {k: v for k, v in row.items() if k != "digest"}
    yield "an accuracy above 1", {**row, "test_accuracy": 88.2}
    yield "a text for a number", {**row, "params": "61706"}
    yield "an unknown budget", {**row, "budget": "big"}
    yield "a digest that is none", {**row, "digest": "abc"}
    yield "a claim without source", {**row, "claims": [{"id": "04-x"}]}
    yield "a later version", {**row, "schema_version": 99}


def test_records_that_do_not_fit_are_refused(begun, trained):
    model, images, history, test = trained
    row = lesson.record(network=model, history=history, test=test, data=images).row
    lesson.validate_record(row)
    for _fault, broken in break_record(row):
        with pytest.raises(ValueError, match="record"):
            lesson.validate_record(broken)


def test_stored_records_say_what_was_reached():
    row = {"lesson": "04_lenet", "seed": 0, "budget": "cpu", "network": "lenet5", "test_accuracy": 0.5, "params": 61706,
           "seconds": 2.0}  # fmt: skip
    assert (
        repr(StoredRecord(row))
        == "04_lenet seed 0 (cpu): lenet5, test accuracy 0.5000, 61,706 parameters, 2.0 s of training"
    )


def test_digests_tell_networks_apart_to_the_last_bit():
    assert lesson.digest(little(0)) == lesson.digest(little(0))
    assert lesson.digest(little(0)) != lesson.digest(little(1))
    nudged = little(0)
    kernel, bias = nudged.get_weights()
    kernel[0, 0] = np.nextafter(kernel[0, 0], 10, dtype=np.float32)
    nudged.set_weights([kernel, bias])
    assert lesson.digest(nudged) != lesson.digest(little(0))

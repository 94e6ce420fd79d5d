"""Exercises of lesson 13, highway networks."""

import numpy as np

from cnnlib.lesson.quiz import exercise


@exercise(
    "13-1",
    hint="a quarter of the work and three quarters of the input",
    wrong_answers=(7, 6, 12, 2),
)
def weighted_mean():
    return 0.25 * 8 + 0.75 * 4


@exercise(
    "13-2",
    hint="the work and the gate have (50 + 1) * 50 each",
    wrong_answers=(2_550, 5_000, 2_600, 7_650),
)
def parameters_of_a_layer():
    return 2 * (50 + 1) * 50


def _judge_bias(answer, right):
    if isinstance(answer, bool) or not isinstance(answer, int | float | np.number):
        return "a number is expected"
    return None if abs(float(answer) - right) <= 0.006 else "sigmoid(b) = 0.25: solve for b"


@exercise(
    "13-3",
    hint="1 / (1 + exp(-b)) = 1/4, so exp(-b) = 3",
    wrong_answers=(-2, 0.25, 1.0986, -1.39),
    judge=_judge_bias,
)
def bias_of_a_quarter():
    return -float(np.log(3))


def _judge_highway(answer, right):
    if not callable(answer):
        return "a function of (x, h, gate_weights, gate_bias) is expected"
    random = np.random.default_rng(0)
    x, h = random.normal(size=(2, 5, 4))
    given = (x, h, random.normal(size=(4, 4)), random.normal(size=4))
    result = np.asarray(answer(*(part.copy() for part in given)))
    if result.shape != x.shape:
        return f"rows of shape {x.shape} should keep it, not become {result.shape}"
    if not np.allclose(result, right(*given)):
        return "the numbers are not right: T h + (1 - T) x, and T is computed from x"
    return None


def _gated(gate_from, mix):
    def highway(x, h, gate_weights, gate_bias):
        gate = 1 / (1 + np.exp(-(gate_from(x, h) @ gate_weights + gate_bias)))
        return mix(gate, x, h)

    return highway


@exercise(
    "13-4",
    hint="gate = 1 / (1 + np.exp(-(x @ gate_weights + gate_bias)))",
    wrong_answers=(
        "a gate",
        _gated(lambda x, h: h, lambda gate, x, h: gate * h + (1 - gate) * x),
        _gated(lambda x, h: x, lambda gate, x, h: gate * x + (1 - gate) * h),
        _gated(lambda x, h: x, lambda gate, x, h: gate * h + x),
    ),
    judge=_judge_highway,
)
def highway_of_rows():
    return _gated(lambda x, h: x, lambda gate, x, h: gate * h + (1 - gate) * x)


def _judge_dense(answer, right):
    if not callable(answer):
        return "a function of (x, units) is expected"
    import keras

    def as_model(block):
        rows = keras.Input((6,))
        return keras.Model(rows, block(rows, 6))

    mine = as_model(answer)
    if tuple(mine.output_shape) != (None, 6):
        return f"(N, 6) should stay (N, 6), not become {mine.output_shape}"
    dense = {
        layer.activation.__name__: layer for layer in mine.layers if isinstance(layer, keras.layers.Dense)
    }
    if set(dense) != {"relu", "sigmoid"}:
        return f"one dense layer with ReLU and one with a sigmoid are expected, not {sorted(dense)}"
    work, gate = (
        [keras.ops.convert_to_numpy(w) for w in dense[name].weights] for name in ("relu", "sigmoid")
    )
    if not np.allclose(gate[1], -2):
        return "the gate's bias should start at -2"
    rows = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")
    opened = 1 / (1 + np.exp(-(rows @ gate[0] + gate[1])))
    wanted = opened * np.maximum(rows @ work[0] + work[1], 0) + (1 - opened) * rows
    if not np.allclose(mine.predict_on_batch(rows), wanted, atol=1e-5):
        return "its outputs are not T h + (1 - T) x"
    return None


def _dense(bias, mix, activation="relu"):
    def highway_dense(x, units):
        import keras

        h = keras.layers.Dense(units, activation=activation)(x)
        start = keras.initializers.Constant(bias)
        gate = keras.layers.Dense(units, activation="sigmoid", bias_initializer=start)(x)
        return mix(gate, h, x)

    return highway_dense


@exercise(
    "13-5",
    hint="the gate: Dense(units, activation='sigmoid', bias_initializer=keras.initializers.Constant(-2.0))",
    wrong_answers=(
        5,
        _dense(0.0, lambda gate, h, x: gate * h + (1 - gate) * x),
        _dense(-2.0, lambda gate, h, x: gate * h + x),
        _dense(-2.0, lambda gate, h, x: gate * x + (1 - gate) * h),
        _dense(-2.0, lambda gate, h, x: gate * h + (1 - gate) * x, activation=None),
    ),
    judge=_judge_dense,
)
def dense_highway_layer():
    return _dense(-2.0, lambda gate, h, x: gate * h + (1 - gate) * x)

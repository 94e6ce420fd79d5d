"""Exercises of lesson 03, activations and gradients."""

import numpy as np

from cnnlib.lesson.quiz import exercise


@exercise(
    "03-1",
    hint="softmax gives 1/4 and 3/4; the gradient is probability minus truth",
    wrong_answers=(0.25, 0.75, -0.25, 1.386),
)
def gradient_of_a_score():
    powers = np.array([1.0, 3.0])
    return (powers / powers.sum())[0] - 1


@exercise(
    "03-2",
    hint="the slope is at most 1/4, so a layer's factor is at most 2 * 1/4",
    wrong_answers=(0.25**10, 0.5, 2**10 * 0.25),
)
def chain_of_ten():
    return (2 * 0.25) ** 10


@exercise(
    "03-3",
    hint="56 * 56 * 64 numbers for a picture, 32 pictures, 4 bytes, a million bytes a megabyte",
    wrong_answers=(0.802816, 6.422528, 24.5),
)
def megabytes_of_maps():
    return 56 * 56 * 64 * 32 * 4 / 1e6


def _judge_momentum_step(answer, right):
    if not callable(answer):
        return "a function is expected"
    random = np.random.default_rng(0)
    weights, velocity, gradient = random.normal(size=(3, 4, 5))
    result = answer(weights.copy(), velocity.copy(), gradient.copy(), 0.1, 0.9, 0.2)
    if not isinstance(result, tuple | list) or len(result) != 2:
        return "it should return two arrays, the new weights and the new velocity"
    for name, got, expected in zip(
        ("weights", "velocity"), result, right(weights, velocity, gradient, 0.1, 0.9, 0.2), strict=True
    ):
        if np.shape(got) != np.shape(expected):
            return f"the new {name} should have the shape {np.shape(expected)}, not {np.shape(got)}"
        if not np.allclose(got, expected):
            return f"the new {name} differ: the decay shrinks the weights and does not enter the velocity"
    return None


def _penalty_step(weights, velocity, gradient, learning_rate, momentum, decay):
    velocity = momentum * velocity - learning_rate * (gradient + decay * weights)
    return weights + velocity, velocity


def _decay_without_rate(weights, velocity, gradient, learning_rate, momentum, decay):
    velocity = momentum * velocity - learning_rate * gradient
    return weights * (1 - decay) + velocity, velocity


def _uphill(weights, velocity, gradient, learning_rate, momentum, decay):
    velocity = momentum * velocity + learning_rate * gradient
    return weights * (1 - learning_rate * decay) + velocity, velocity


@exercise(
    "03-4",
    hint="velocity: momentum times the old one, minus rate times gradient; weights: shrunk by rate times decay",
    wrong_answers=(0.9, _penalty_step, _decay_without_rate, _uphill, lambda *given: given[0]),
    judge=_judge_momentum_step,
)
def step_with_momentum_and_decay():
    def momentum_step(weights, velocity, gradient, learning_rate, momentum, decay):
        velocity = momentum * velocity - learning_rate * gradient
        weights = weights * (1 - learning_rate * decay) + velocity
        return weights, velocity

    return momentum_step


def _judge_prelu(answer, right):
    if not callable(answer):
        return "a function is expected"
    random = np.random.default_rng(0)
    x, error, shares = random.normal(size=(6, 3)), random.normal(size=(6, 3)), np.array([0.1, 0.25, 0.5])
    result = answer(x.copy(), shares.copy(), error.copy())
    if not isinstance(result, tuple | list) or len(result) != 3:
        return "it should return three arrays: output, gradient of x, gradient of the shares"
    names = ("output", "gradient of x", "gradient of the shares")
    for name, got, expected in zip(names, result, right(x, shares, error), strict=True):
        if np.shape(got) != np.shape(expected):
            return f"the {name} should have the shape {np.shape(expected)}, not {np.shape(got)}"
        if not np.allclose(got, expected):
            return f"the {name} is not right yet"
    return None


def _mean_over_pictures(x, shares, error):
    on = x > 0
    return (
        np.where(on, x, shares * x),
        error * np.where(on, 1, shares),
        (error * np.where(on, 0, x)).mean(axis=0),
    )


def _share_of_everything(x, shares, error):
    on = x > 0
    return np.where(on, x, shares * x), error * np.where(on, 1, shares), (error * x).sum(axis=0)


def _relu_backward(x, shares, error):
    on = x > 0
    return np.where(on, x, shares * x), error * on, (error * np.where(on, 0, x)).sum(axis=0)


@exercise(
    "03-5",
    hint="where x is negative, the output is share * x: its slope in x is the share, its slope in the share is x",
    wrong_answers=(
        0.25,
        _mean_over_pictures,
        _share_of_everything,
        _relu_backward,
        lambda x, shares, error: x,
    ),
    judge=_judge_prelu,
)
def prelu_and_its_gradients():
    def prelu(x, shares, error):
        on = x > 0
        output = np.where(on, x, shares * x)
        gradient_of_x = error * np.where(on, 1, shares)
        gradient_of_shares = np.sum(error * np.where(on, 0, x), axis=0)
        return output, gradient_of_x, gradient_of_shares

    return prelu


def _judge_start(answer, right):
    if not callable(answer):
        return "a function is expected"
    for activation in ("relu", "tanh"):
        weights = np.asarray(answer(400, 100, activation, np.random.default_rng(0)))
        expected = right(400, 100, activation, np.random.default_rng(0))
        if weights.shape != expected.shape:
            return f"weights of shape (400, 100) are expected, not {weights.shape}"
        if abs(weights.mean()) > 0.01:
            return f"for {activation!r} the weights should have mean zero"
        ratio = weights.var() / expected.var()
        if not 0.9 < ratio < 1.1:
            return f"for {activation!r} the variance is {ratio:.2f} times what it should be"
    return None


def _glorot_always(fan_in, fan_out, activation, generator):
    return generator.normal(size=(fan_in, fan_out)) * np.sqrt(2 / (fan_in + fan_out))


def _he_always(fan_in, fan_out, activation, generator):
    return generator.normal(size=(fan_in, fan_out)) * np.sqrt(2 / fan_in)


def _variance_for_deviation(fan_in, fan_out, activation, generator):
    variance = 2 / fan_in if activation == "relu" else 2 / (fan_in + fan_out)
    return generator.normal(size=(fan_in, fan_out)) * variance


@exercise(
    "03-6",
    hint="variance 2 / fan_in, or 2 / (fan_in + fan_out); numbers are scaled by its root",
    wrong_answers=("he_normal", _glorot_always, _he_always, _variance_for_deviation),
    judge=_judge_start,
)
def start_of_the_weights():
    def start(fan_in, fan_out, activation, generator):
        variance = 2 / fan_in if activation == "relu" else 2 / (fan_in + fan_out)
        return generator.normal(size=(fan_in, fan_out)) * np.sqrt(variance)

    return start

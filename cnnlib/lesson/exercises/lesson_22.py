"""Exercises of lesson 22, transfer."""

import numpy as np

from cnnlib.lesson.quiz import exercise


@exercise(
    "22-1",
    hint="one weight for each feature and class, one bias for each class",
    wrong_answers=(10_240, 10_752, 532, 513),
)
def weights_of_the_head():
    return (512 + 1) * 20


@exercise(
    "22-2",
    hint="they share 5 x 10 pixels; together they cover 100 + 100 less what they share",
    wrong_answers=(0.5, 0.25, 0.2, 50),
)
def overlap_of_two_boxes():
    both = 5 * 10
    return both / (100 + 100 - both)


def _judge_factor(answer, right):
    if isinstance(answer, bool) or not isinstance(answer, int | float | np.number):
        return "a number is expected"
    return None if abs(float(answer) - right) < 0.06 else "compare 50 times 101 with 100 once and 50 times 1"


@exercise(
    "22-3",
    hint="50 * (100 + 1) against 100 + 50 * 1, for each image",
    wrong_answers=(50, 101, 2, 1.02),
    judge=_judge_factor,
)
def work_saved_by_stored_features():
    return 50 * (100 + 1) / (100 + 50 * 1)


def _judge_nearest_mean(answer, right):
    if not callable(answer):
        return "a function of (few, labels, many) is expected"
    random = np.random.default_rng(0)
    for classes, size in ((3, 4), (5, 2)):
        labels = random.permutation(np.repeat(np.arange(classes), [2 + k for k in range(classes)]))
        few = random.normal(size=(len(labels), size)) + 3 * labels[:, None] * random.normal(size=size)
        many = random.normal(size=(40, size)) * 4
        result, expected = np.asarray(answer(few, labels, many)), right(few, labels, many)
        if result.shape != expected.shape:
            return f"{len(many)} rows should get {len(many)} labels, not {result.shape}"
        if not np.array_equal(result, expected):
            return "some labels are not those of the nearest mean"
    return None


def _by_distance(centres, distance):
    def nearest_mean(few, labels, many):
        points = np.stack([centres(few[labels == k]) for k in range(labels.max() + 1)])
        return distance(many[:, None] - points).argmin(axis=1)

    return nearest_mean


@exercise(
    "22-4",
    hint="means (K, features); the squared distances are ((many[:, None] - means) ** 2).sum(axis=2)",
    wrong_answers=(
        3,
        _by_distance(lambda rows: rows.sum(axis=0), lambda way: (way**2).sum(axis=2)),
        _by_distance(lambda rows: rows[0], lambda way: (way**2).sum(axis=2)),
        _by_distance(lambda rows: rows.mean(axis=0), lambda way: -(way**2).sum(axis=2)),
        _by_distance(lambda rows: rows.mean(axis=0), lambda way: way.sum(axis=2)),
        lambda few, labels, many: labels[((many[:, None] - few) ** 2).sum(axis=2).argmin(axis=1)],
    ),
    judge=_judge_nearest_mean,
)
def label_of_the_nearest_mean():
    def nearest_mean(few, labels, many):
        means = np.stack([few[labels == k].mean(axis=0) for k in range(labels.max() + 1)])
        return ((many[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)

    return nearest_mean


def _judge_cam(answer, right):
    if not callable(answer):
        return "a function of (maps, gradient) is expected"
    random = np.random.default_rng(0)
    for shape in ((3, 4, 5), (6, 2, 3)):
        maps, gradient = random.normal(size=(2, *shape))
        result, expected = np.asarray(answer(maps.copy(), gradient.copy())), right(maps, gradient)
        if result.shape != shape[:2]:
            return f"maps of shape {shape} should give {shape[:2]}, not {result.shape}"
        if not np.allclose(result, expected):
            return "the numbers are not right: mean gradient of each channel, weighted sum of the maps, cut at zero"
    return None


@exercise(
    "22-5",
    hint="channel_weights = gradient.mean(axis=(0, 1)); the maps times these, summed over the last axis; np.maximum",
    wrong_answers=(
        "a map",
        lambda maps, gradient: maps @ gradient.mean(axis=(0, 1)),
        lambda maps, gradient: np.maximum((maps * gradient).sum(axis=2), 0),
        lambda maps, gradient: np.maximum(maps @ gradient.sum(axis=(0, 1)), 0),
        lambda maps, gradient: np.abs(maps @ gradient.mean(axis=(0, 1))),
        lambda maps, gradient: np.maximum(maps * gradient.mean(axis=(0, 1)), 0),
    ),
    judge=_judge_cam,
)
def grad_cam_by_hand():
    def cam(maps, gradient):
        return np.maximum(maps @ gradient.mean(axis=(0, 1)), 0)

    return cam


def _judge_freeze(answer, right):
    if not callable(answer):
        return "a function of (model, count) is expected"
    import keras

    for count in (2, 0, 3):
        model = keras.Sequential(
            [
                keras.Input((8, 8, 1)),
                keras.layers.Conv2D(2, 3),
                keras.layers.ReLU(),
                keras.layers.Conv2D(2, 3),
                keras.layers.Flatten(),
                keras.layers.Dense(4),
                keras.layers.Dense(2),
            ]
        )
        model.layers[-1].trainable = False  # as an earlier call may have left it
        answer(model, count)
        found = [layer.trainable for layer in model.layers if layer.weights]
        if found != [False] * count + [True] * (4 - count):
            return f"with count={count}, the four layers with weights are trained: {found}"
    return None


def _freezing(layers_of, frozen):
    def freeze(model, count):
        for number, layer in enumerate(layers_of(model)):
            layer.trainable = not frozen(number, count)

    return freeze


@exercise(
    "22-6",
    hint="enumerate the layers with layer.weights; layer.trainable = number >= count",
    wrong_answers=(
        2,
        lambda model, count: None,
        _freezing(lambda model: model.layers, lambda number, count: number < count),
        _freezing(lambda m: [e for e in m.layers if e.weights], lambda number, count: number >= count),
        _freezing(lambda m: [e for e in m.layers if e.weights], lambda number, count: number <= count),
    ),
    judge=_judge_freeze,
)
def freeze_the_first_layers():
    def freeze(model, count):
        for number, layer in enumerate([each for each in model.layers if each.weights]):
            layer.trainable = number >= count

    return freeze

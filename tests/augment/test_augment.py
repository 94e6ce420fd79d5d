"""Each transform against what it should do to known images, its draws, and its place in training."""

import keras
import numpy as np
import pytest
from keras import ops

from cnnlib import augment, data, training

# fmt: off
TRANSFORMS = {
    "flip":    lambda **k: augment.RandomFlip(**k),
    "crop":    lambda **k: augment.RandomCrop(2, **k),
    "affine":  lambda **k: augment.RandomAffine(30, (0.8, 1.2), 10, 0.1, **k),
    "elastic": lambda **k: augment.ElasticDistortion(1.0, 2.0, **k),
    "color":   lambda **k: augment.RandomColor(0.3, 0.3, 0.3, **k),
    "pca":     lambda **k: augment.PCAColor.from_images(pictures(50), **k),
    "noise":   lambda **k: augment.GaussianNoise(0.2, **k),
    "erasing": lambda **k: augment.RandomErasing(0.7, **k),
    "chain":   lambda **k: augment.Chain([augment.RandomFlip(**k), augment.RandomCrop(1, **k)]),
}
# fmt: on


def pictures(count, side=8, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype="uint8")


def images(count=6, side=8):
    return data.to_float(pictures(count, side))


def apply(layer, x, training=True):
    return ops.convert_to_numpy(layer(ops.convert_to_tensor(x), training=training))


@pytest.mark.parametrize("name", TRANSFORMS)
def test_images_keep_shape_and_range_change_in_training_only_and_follow_the_seed(name):
    x = images()
    layer = TRANSFORMS[name](seed=3)
    first, second = apply(layer, x), apply(layer, x)
    assert first.shape == x.shape
    assert first.dtype == np.float32
    assert first.min() >= 0
    assert first.max() <= 1 + 1e-6
    assert not np.array_equal(first, x)
    assert not np.array_equal(first, second)  # draws anew
    np.testing.assert_array_equal(apply(layer, x, training=False), x)
    np.testing.assert_array_equal(apply(TRANSFORMS[name](seed=3), x), first)
    same = np.repeat(x[:1], 16, axis=0)
    assert len(np.unique(apply(layer, same), axis=0)) > 1  # each image its own draw


@pytest.mark.parametrize("name", TRANSFORMS)
def test_config_makes_the_same_transform(name):
    layer = TRANSFORMS[name](seed=3)
    again = type(layer).from_config(layer.get_config())
    np.testing.assert_array_equal(apply(layer, images()), apply(again, images()))


def test_a_flip_is_the_mirror_image_of_half_of_them():
    x = np.repeat(images(1), 400, axis=0)
    y = apply(augment.RandomFlip(seed=0), x)
    mirrored = (y == x[:, :, ::-1]).all((1, 2, 3))
    assert (mirrored | (y == x).all((1, 2, 3))).all()
    assert 0.4 < mirrored.mean() < 0.6
    np.testing.assert_array_equal(apply(augment.RandomFlip(1.0), x), x[:, :, ::-1])


def test_a_crop_is_a_window_of_the_padded_image_and_all_are_equally_likely():
    x = np.repeat(images(1), 2000, axis=0)
    y = apply(augment.RandomCrop(2, seed=0), x)
    padded = np.pad(x[0], ((2, 2), (2, 2), (0, 0)))
    windows = {(i, j): padded[i : i + 8, j : j + 8] for i in range(5) for j in range(5)}
    counts = [int((y == window).all((1, 2, 3)).sum()) for window in windows.values()]
    assert sum(counts) == 2000
    assert min(counts) > 40  # 80 expected
    assert max(counts) < 125


def test_turning_by_a_right_angle_turns_the_array():
    x = images(3)
    rows, columns = np.meshgrid(np.arange(8.0), np.arange(8.0), indexing="ij")
    places = [ops.cast(np.repeat(a[None], 3, 0), "float32") for a in (7 - columns, rows)]
    np.testing.assert_allclose(
        ops.convert_to_numpy(augment.sample(ops.convert_to_tensor(x), *places)),
        np.rot90(x, -1, (1, 2)),
        atol=1e-6,
    )


def test_places_between_pixels_are_means_and_outside_is_black():
    x = images(1)

    def at(row, column):
        rows, columns = (ops.full((1, 8, 8), value, dtype="float32") for value in (row, column))
        return ops.convert_to_numpy(augment.sample(ops.convert_to_tensor(x), rows, columns))[0, 0, 0]

    np.testing.assert_allclose(at(2.5, 3.0), (x[0, 2, 3] + x[0, 3, 3]) / 2, atol=1e-6)
    assert (at(-1.0, 3.0) == 0).all()


def test_affine_draws_angles_up_to_the_bound_and_scales_about_the_middle():
    blob = np.zeros((500, 21, 21, 1), "float32")
    blob[:, 9:12, 13:16] = 1  # to the right of the middle
    y = apply(augment.RandomAffine(rotation=40, seed=0), blob)[..., 0]
    rows, columns = np.indices((21, 21)) - 10
    mass = y.sum((1, 2))
    angles = np.degrees(np.arctan2((y * rows).sum((1, 2)) / mass, (y * columns).sum((1, 2)) / mass))
    assert 36 < angles.max() < 41
    assert -41 < angles.min() < -36
    assert abs(angles.mean()) < 5
    larger = apply(augment.RandomAffine(scale=(1.5, 1.5)), blob)[..., 0]
    assert larger.sum((1, 2)) == pytest.approx(9 * 1.5**2, rel=0.1)
    moved = apply(augment.RandomAffine(shift=0.2, seed=0), blob)[..., 0]
    assert moved.sum((1, 2)).min() > 3


def test_elastic_displacements_have_the_strength_and_are_smooth():
    ramp = np.tile(np.arange(32, dtype="float32")[None, None, :, None] / 32, (50, 32, 1, 1))
    moved = (
        apply(augment.ElasticDistortion(1.5, 3.0, seed=0), ramp)[:, 6:-6, 6:-6, 0] - ramp[:, 6:-6, 6:-6, 0]
    )
    displacement = moved * 32
    assert np.sqrt((displacement**2).mean()) == pytest.approx(1.5, rel=0.2)
    neighbours = np.abs(np.diff(displacement, axis=1)).mean()
    assert neighbours < 0.3 * np.abs(displacement).mean()


def test_grey_images_have_no_saturation():
    with pytest.raises(ValueError, match=r"saturation=0\.5 needs RGB"):
        apply(augment.RandomColor(saturation=0.5), images()[..., :1])
    assert apply(augment.RandomColor(0.5, 0.5), images()[..., :1]).shape == (6, 8, 8, 1)


def test_pca_colour_moves_along_the_components_of_the_training_set():
    generator = np.random.default_rng(0)
    axis = np.array([0.6, 0.8, 0.0])
    pixels = 128 + generator.normal(size=(100, 8, 8, 1)) * 30 * axis + generator.normal(size=(100, 8, 8, 3))
    layer = augment.PCAColor.from_images(pixels.clip(0, 255).astype("uint8"), strength=0.5, seed=0)
    grey = np.full((300, 2, 2, 3), 0.5, "float32")
    moves = apply(layer, grey)[:, 0, 0] - 0.5
    along = moves @ axis
    assert np.abs(moves - along[:, None] * axis).max() < 0.02
    assert along.std() == pytest.approx(0.5 * 30 / 255, rel=0.15)


def test_erasing_covers_the_share_that_was_asked_for():
    x = np.zeros((400, 20, 20, 1), "float32")
    y = apply(augment.RandomErasing(1.0, (0.1, 0.1), 0.5, seed=0), x)
    shares = (y > 0).mean((1, 2, 3))
    assert shares.mean() == pytest.approx(0.1, rel=0.1)
    assert (shares > 0).all()
    y = apply(augment.RandomErasing(0.25, (0.1, 0.1), seed=0), x)
    assert 0.15 < (y > 0).any((1, 2, 3)).mean() < 0.35


def test_mixup_mixes_labels_as_it_mixes_images():
    x, labels = np.eye(4, dtype="float32").reshape(4, 2, 2, 1), np.arange(4)
    mixed, targets = (
        ops.convert_to_numpy(a) for a in augment.Mixup(4, 0.5, seed=0)([x, labels], training=True)
    )
    np.testing.assert_allclose(mixed.reshape(4, 4), targets, atol=1e-6)
    np.testing.assert_allclose(targets.sum(1), 1, atol=1e-6)
    assert ((targets > 0).sum(1) <= 2).all()
    weights = ops.convert_to_numpy(augment.Mixup(2, 0.2, seed=0)([np.zeros((4000, 1, 1, 1), "float32"),
                                   np.tile([0, 1], 2000)], training=True)[1])[:, 0]  # fmt: skip
    assert weights.mean() == pytest.approx(0.5, abs=0.03)
    assert (np.abs(weights - 0.5) > 0.45).mean() > 0.5  # Beta(0.2, 0.2) stays near the ends


@pytest.fixture(scope="module")
def few():
    return data.load("fashion_mnist", train_examples=128, validation_examples=32, seed=0)


def small():
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((28, 28, 1))
    return keras.Model(inputs, keras.layers.Dense(10, name="scores")(keras.layers.Flatten()(x)))


def test_a_chain_with_mixup_trains_on_mixed_labels(few):
    chain = augment.Chain([augment.RandomCrop(2, seed=0), augment.Mixup(10, alpha=10.0, seed=0)])
    recipe = training.Recipe(epochs=3, batch_size=32, learning_rate=0.01)
    history = training.train(small(), few, recipe, augmentation=chain, progress="none")
    plain = training.train(small(), few, recipe, augmentation=augment.RandomCrop(2, seed=0), progress="none")
    assert np.isfinite(history.train_loss).all()
    assert history.train_loss[-1] < history.train_loss[0]
    assert history.train_loss[-1] > plain.train_loss[-1] + 0.3  # half of each target is another class
    other = augment.Mixup(7)
    with pytest.raises(ValueError, match="7 classes, the data have 10"):
        training.train(small(), few, recipe, augmentation=other, progress="none")
    with pytest.raises(ValueError, match="does not mix labels"):
        training.train(small(), few, recipe, augmentation=chain, loop="fit", progress="none")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: augment.RandomFlip(1.5), "probability=1.5"),
        (lambda: augment.RandomCrop(-1), "padding=-1"),
        (lambda: augment.RandomCrop(1.5), "padding=1.5"),
        (lambda: augment.RandomAffine(rotation=200), "rotation=200"),
        (lambda: augment.RandomAffine(scale=(1.2, 0.8)), "low at most high"),
        (lambda: augment.RandomAffine(scale=(0.0, 1.0)), "scale=0.0"),
        (lambda: augment.RandomAffine(shear=80), "shear=80"),
        (lambda: augment.RandomAffine(shift=True), "shift=True"),
        (lambda: augment.ElasticDistortion(-1.0), "strength=-1.0"),
        (lambda: augment.ElasticDistortion(1.0, 0.1), "smoothness=0.1"),
        (lambda: augment.RandomColor(2.0), "brightness=2.0"),
        (lambda: augment.PCAColor(np.eye(2), np.ones(2)), r"must be \(3, 3\)"),
        (lambda: augment.PCAColor.from_images(pictures(2)[..., :1]), "three channels"),
        (lambda: augment.GaussianNoise(2), "deviation=2"),
        (lambda: augment.RandomErasing(area=(0.5, 0.2)), "low at most high"),
        (lambda: augment.RandomErasing(aspect=0), "aspect=0"),
        (lambda: augment.Mixup(1), "classes=1"),
        (lambda: augment.Mixup(10, 0.0), "alpha=0.0"),
        (lambda: augment.Chain([augment.Mixup(10), augment.RandomFlip()]), "must come last"),
        (lambda: augment.Chain([]), "at least one transform"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()

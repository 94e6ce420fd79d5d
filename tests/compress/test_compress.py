"""Pruning holds its zeros, sharing its values, Huffman its bound, and a file gives the same predictions back."""

import keras
import numpy as np
import pytest

from cnnlib import compress, data, networks, training

RECIPE = training.Recipe(epochs=1, batch_size=50, optimizer="sgd", learning_rate=0.05)


@pytest.fixture(scope="module")
def images():
    return data.load("fashion_mnist", train_examples=200, validation_examples=50, seed=0)


@pytest.fixture
def network():
    keras.utils.set_random_seed(0)
    return networks.build("lenet_300_100", width=0.1)


def test_masks_remove_the_smallest_weights_to_the_exact_count(network):
    sizes = {path: int(np.prod(v.shape)) for path, v in compress.kernels(network).items()}
    masks = compress.magnitude_masks(network, 0.9)
    assert sum(int((~m).sum()) for m in masks.values()) == round(0.9 * sum(sizes.values()))
    magnitude = {path: np.abs(keras.ops.convert_to_numpy(v)) for path, v in compress.kernels(network).items()}
    smallest_kept = min(magnitude[p][m].min() for p, m in masks.items())
    assert all(magnitude[p][~m].max() <= smallest_kept for p, m in masks.items())
    by_layer = compress.magnitude_masks(network, 0.5, scope="layer")
    assert [int((~m).sum()) for m in by_layer.values()] == [round(0.5 * n) for n in sizes.values()]
    first = next(iter(sizes))
    only_first = compress.magnitude_masks(network, {first: 0.5}, scope="layer")
    assert [m.all() for m in only_first.values()] == [False, True, True]


@pytest.mark.parametrize("loop", ["fused", "fit"])
def test_pruned_weights_stay_zero_while_others_train(network, images, loop):
    masks = compress.magnitude_masks(network, 0.8)
    compress.set_masks(network, masks)
    before = {p: keras.ops.convert_to_numpy(v).copy() for p, v in compress.kernels(network).items()}
    training.train(network, images, RECIPE, loop=loop, progress="none")
    for path, variable in compress.kernels(network).items():
        after = keras.ops.convert_to_numpy(variable)
        assert (after[~masks[path]] == 0).all()
        assert (after[masks[path]] != before[path][masks[path]]).any()
    assert compress.sparsity(network) == pytest.approx(0.8, abs=1e-3)
    compress.set_masks(network, None)
    training.train(network, images, RECIPE, loop=loop, progress="none")
    assert compress.sparsity(network) < 0.7  # set free, they train again


def test_shared_values_stay_shared_and_move_together(network, images):
    compress.set_masks(network, compress.magnitude_masks(network, 0.5))
    shared = compress.share_weights(network, bits=3)
    for path, variable in compress.kernels(network).items():
        assert len(np.unique(keras.ops.convert_to_numpy(variable))) <= 8, path
        assert (keras.ops.convert_to_numpy(variable)[shared[path][1] == 0] == 0).all()
    history = training.train(network, images, RECIPE, progress="none")
    assert np.isfinite(history.train_loss).all()
    for path, variable in compress.kernels(network).items():
        weights, (codebook, indices) = keras.ops.convert_to_numpy(variable), shared[path]
        assert (weights[indices == 0] == 0).all()
        for k in range(1, len(codebook) + 1):
            assert np.ptp(weights[indices == k]) == 0
        assert not np.array_equal(np.unique(weights[indices > 0]), np.unique(codebook))


def test_clusters_are_nearest_values_with_nothing_to_gain():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, use_bias=False)])
    model.set_weights([np.array([[1, 1.1, 0], [5, 5.2, 1.05], [-3, 0, 5.1], [-3.1, 0, 0]])])
    codebook, indices = next(iter(compress.share_weights(model, bits=2).values()))
    assert codebook == pytest.approx([-3.05, 1.05, 5.1], abs=1e-5)
    assert (indices == [[2, 2, 0], [3, 3, 2], [1, 0, 3], [1, 0, 0]]).all()


@pytest.mark.parametrize("counts", [[1, 1], [5, 0, 3, 1], [2**k for k in range(12)], [7] * 16, [1000, 1, 1]])
def test_huffman_keeps_shannons_bound(counts):
    lengths = compress.code_lengths(counts)
    assert sum(2.0 ** -int(n) for n in lengths if n) == 1  # Kraft: no code is wasted
    assert compress.entropy(counts) <= compress.mean_code_length(counts) < compress.entropy(counts) + 1


def test_huffman_gives_back_every_symbol():
    generator = np.random.default_rng(0)
    for symbols in (
        generator.geometric(0.3, 1000).clip(1, 20) - 1,
        np.zeros(5, int),
        np.arange(20),
        np.array([], int),
    ):
        stream, lengths = compress.encode(symbols, 20)
        np.testing.assert_array_equal(compress.decode(stream, lengths, len(symbols)), symbols)
    stream, lengths = compress.encode(np.arange(20), 20)
    with pytest.raises(ValueError, match="ends or is damaged"):
        compress.decode(stream[:5], lengths, 20)
    with pytest.raises(ValueError, match="size=3"):
        compress.encode(np.array([3]), 3)


FORMS = {
    "lenet_300_100": {"width": 0.3},
    "lenet5_caffe": {"width": 0.3},
    # dropout has a random state, batch normalisation moving averages
    "nin": {"width": 0.05, "stem": "small", "normalization": "batch", "input_shape": (28, 28, 1)},
}


@pytest.mark.parametrize("name", FORMS)
def test_a_file_gives_the_same_predictions(name, images, tmp_path):
    keras.utils.set_random_seed(0)
    model = networks.build(name, **FORMS[name])
    compress.set_masks(model, compress.magnitude_masks(model, 0.95))  # gaps above 255 zeros occur
    shared = compress.share_weights(model, bits=4)
    training.train(model, images, RECIPE, progress="none")
    sizes = compress.save_compressed(tmp_path / "small.cnnz", model, shared)
    assert (tmp_path / "small.cnnz").stat().st_size == sum(sizes.values()) + 9
    keras.utils.set_random_seed(1)
    other = networks.build(name, **FORMS[name])
    compress.load_compressed(tmp_path / "small.cnnz", other)
    x = data.to_float(images.validation.images)
    np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(m(x, training=False)) for m in (model, other)))


def test_files_that_do_not_fit_are_named(network, tmp_path):
    path = tmp_path / "small.cnnz"
    shared = compress.share_weights(network, bits=2)
    compress.save_compressed(path, network, shared)
    with pytest.raises(ValueError, match="another form"):
        compress.load_compressed(path, networks.build("lenet_300_100", width=0.2))
    content = path.read_bytes()
    path.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    with pytest.raises(ValueError, match="checksum"):
        compress.load_compressed(path, network)
    path.write_bytes(b"CNNZ1\0")
    with pytest.raises(ValueError, match="checksum"):
        compress.load_compressed(path, network)
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match="does not begin with CNNZ1"):
        compress.load_compressed(path, network)
    kernel = next(iter(compress.kernels(network).values()))
    kernel.assign(keras.ops.convert_to_numpy(kernel) + np.random.default_rng(0).normal(size=kernel.shape))
    with pytest.raises(ValueError, match="share them again"):
        compress.save_compressed(path, network, shared)


def test_a_ticket_is_the_start_under_a_mask(network, images):
    start = [w.copy() for w in network.get_weights()]
    masks, returned = compress.find_ticket(network, images, RECIPE, share=0.75, rounds=2)
    assert all(np.array_equal(a, b) for a, b in zip(start, returned, strict=True))
    assert compress.sparsity(network) == pytest.approx(0.75, abs=1e-3)
    values = dict(zip((v.path for v in network.variables), start, strict=True))
    for path, variable in compress.kernels(network).items():
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable), values[path] * masks[path])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: compress.magnitude_masks(m, 1.0), "share=1.0"),
        (lambda m: compress.magnitude_masks(m, 0.5, "network"), "scope='network'"),
        (lambda m: compress.magnitude_masks(m, {"dense1/kernel": 0.5}), "scope='layer'"),
        (lambda m: compress.magnitude_masks(m, {"dense7/kernel": 0.5}, "layer"), "dense7/kernel"),
        (lambda m: compress.set_masks(m, {}), "dense1/kernel"),
        (lambda m: compress.share_weights(m, 9), "bits=9 for dense1/kernel"),
        (lambda m: compress.share_weights(m, {"dense1/kernel": 4}), "bits=None for dense2/kernel"),
        (lambda m: compress.find_ticket(m, None, None, 0.0, 1), "share=0.0"),
        (lambda m: compress.find_ticket(m, None, None, 0.5, 0), "rounds=0"),
        (lambda m: compress.code_lengths([0, 0]), "above 0"),
    ],
)
def test_bad_arguments_are_named(network, call, message):
    with pytest.raises(ValueError, match=message):
        call(network)

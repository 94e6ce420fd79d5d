"""Embedded data, splits and colours: sizes, shares, repeatability, and one sentence for each error."""

import gzip
import hashlib
import http.server
import io
import os
import shutil
import tarfile
import threading

import keras
import numpy as np
import pytest
from PIL import Image

from cnnlib import data
from cnnlib.data import cifar10, fashion_mnist, files, mnist
from cnnlib.data.files import REPOSITORY_DATA, read_idx
from cnnlib.data.splitting import split_indices, spread_classes

EMBEDDED = REPOSITORY_DATA / "fashion-mnist"
LABELS = "t10k-labels-idx1-ubyte"


@pytest.fixture(scope="module")
def fashion():
    return data.load("fashion_mnist")


def one_sentence(caught):
    text = str(caught.value)
    assert text.endswith((".", "?"))
    assert "\n" not in text
    assert caught.value.__cause__ is None
    assert len(text) <= 300 or "/" in text  # a path may be long
    return text


def test_fashion_mnist_has_its_published_form(fashion):
    assert [len(split) for split in (fashion.train, fashion.validation, fashion.test)] == [55000, 5000, 10000]
    assert fashion.image_shape == (28, 28, 1)
    assert fashion.classes == len(fashion.class_names) == 10
    for split, each in ((fashion.train, 5500), (fashion.validation, 500), (fashion.test, 1000)):
        assert (split.images.dtype, split.labels.dtype) == (np.uint8, np.int32)
        np.testing.assert_array_equal(np.bincount(split.labels), [each] * 10)
    assert fashion.class_names[fashion.test.labels[0]] == "ankle boot"
    assert fashion.sha256 == hashlib.sha256((EMBEDDED / "SHA256SUMS").read_bytes()).hexdigest()
    assert repr(fashion) == (
        "Dataset('fashion_mnist', train=55000, validation=5000, test=10000, image_shape=(28, 28, 1), classes=10, "
        "sha256=d0a13531871a...)"
    )


def test_training_and_validation_images_are_those_of_the_file_each_once():
    everything = data.load("fashion_mnist", validation_examples=0).train
    part = data.load("fashion_mnist", seed=3)
    kept, held_out = split_indices(everything.labels, None, 5000, 3)
    np.testing.assert_array_equal(np.sort(np.concatenate([kept, held_out])), np.arange(60000))
    np.testing.assert_array_equal(part.train.images, everything.images[kept])
    np.testing.assert_array_equal(part.validation.images, everything.images[held_out])
    np.testing.assert_array_equal(part.validation.labels, everything.labels[held_out])


def test_a_split_depends_on_the_seed_and_on_nothing_else():
    labels = np.random.default_rng(1).integers(0, 10, 3000)
    first = split_indices(labels, 500, 300, 7)
    np.testing.assert_array_equal(first[0], split_indices(labels, 500, 300, 7)[0])
    assert not np.array_equal(first[1], split_indices(labels, 500, 300, 8)[1])
    # The stream of random numbers is part of what is promised from one version to the next.
    kept, held_out = split_indices(np.arange(20) % 2, 4, 4, 0)
    assert (kept.tolist(), held_out.tolist()) == ([6, 8, 13, 15], [2, 3, 11, 18])


@pytest.mark.parametrize("size", [1, 7, 100, 999])
def test_every_size_is_exact_stratified_and_nested(size):
    labels = np.random.default_rng(0).choice(4, 2000, p=[0.6, 0.3, 0.09, 0.01])
    kept, held_out = split_indices(labels, size, 400, 0)
    assert (len(kept), len(held_out)) == (size, 400)
    share = np.bincount(labels, minlength=4) / len(labels)
    assert np.abs(np.bincount(labels[held_out], minlength=4) - 400 * share).max() < 1.5
    assert np.abs(np.bincount(labels[kept], minlength=4) - size * share).max() < 2.5
    larger, _ = split_indices(labels, size + 50, 400, 0)
    assert set(kept) <= set(larger)
    assert not set(larger) & set(held_out)


def test_classes_take_turns():
    assert spread_classes(np.array([0, 0, 0, 1, 1, 1])).tolist() == [0, 3, 1, 4, 2, 5]


def test_coloured_garments_keep_labels_and_background(fashion):
    coloured = data.load("fashion_mnist_rgb", train_examples=3000, validation_examples=200)
    grey = data.load("fashion_mnist", train_examples=3000, validation_examples=200)
    for part in ("train", "validation", "test"):
        images, source = getattr(coloured, part).images, getattr(grey, part).images
        assert images.shape == (*source.shape[:3], 3)
        np.testing.assert_array_equal(getattr(coloured, part).labels, getattr(grey, part).labels)
        assert not images[source[..., 0] == 0].any()
        assert (images <= source).all()
    means = coloured.train.images.mean(axis=(1, 2))
    assert (means.max(axis=1) / means.min(axis=1)).mean() > 1.3  # they are colours, not greys


def test_a_colour_belongs_to_its_seed_and_place():
    few = data.load("fashion_mnist_rgb", train_examples=50)
    many = data.load("fashion_mnist_rgb", train_examples=500)
    kept_few, _ = split_indices(fashion_labels(), 50, 5000, 0)
    kept_many, _ = split_indices(fashion_labels(), 500, 5000, 0)
    np.testing.assert_array_equal(few.train.images, many.train.images[np.isin(kept_many, kept_few)])
    other = data.load("fashion_mnist_rgb", train_examples=50, seed=1)
    assert not np.array_equal(few.test.images, other.test.images)
    assert few.sha256 == many.sha256 == hashlib.sha256((EMBEDDED / "SHA256SUMS").read_bytes()).hexdigest()


def fashion_labels():
    return fashion_mnist.read()[0][1]


def test_to_float_scales_to_one_and_keeps_black():
    scaled = data.to_float(np.array([[0, 51, 255]], np.uint8))
    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(scaled, np.array([[0, 0.2, 1]], np.float32))
    np.testing.assert_array_equal(
        data.to_float(np.arange(256, dtype=np.uint8)), np.arange(256, dtype=np.float32) / np.float32(255)
    )
    with pytest.raises(ValueError, match="float32 cannot be scaled") as caught:
        data.to_float(scaled)
    one_sentence(caught)


def test_take(fashion):
    part = fashion.test.take(3)
    assert len(part) == 3
    assert np.shares_memory(part.images, fashion.test.images)
    assert len(fashion.test.take(0)) == 0
    for count in (-1, 10001, 2.5, True):
        with pytest.raises(ValueError, match="count=") as caught:
            fashion.test.take(count)
        one_sentence(caught)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "fashion-mnist"}, "did you mean 'fashion_mnist'"),
        ({"name": "Mnist"}, "did you mean 'mnist'"),
        ({"name": "zzz"}, "it is one of fashion_mnist, fashion_mnist_rgb, mnist, cifar10"),
        ({"name": np.zeros(500)}, "is not a data set"),
        ({"directory": 5}, "directory=5 must be the path"),
        ({"train_examples": np.zeros((500, 500))}, "must be an integer"),
        ({"name": None}, "name=None"),
        ({"name": ["cifar10"]}, "is not a data set"),
        ({"train_examples": 0}, "train_examples=0 must be an integer of at least 1"),
        ({"train_examples": -5}, "train_examples=-5"),
        ({"train_examples": 55001}, "give at most 55000"),
        ({"train_examples": "all"}, "train_examples='all'"),
        ({"validation_examples": -1}, "validation_examples=-1"),
        ({"validation_examples": 60000}, "give at most 59999"),
        ({"validation_examples": True}, "validation_examples=True"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 1.5}, "seed=1.5"),
        ({"image_size": 0}, "image_size=0"),
        ({"image_size": (3,)}, r"image_size=\(3,\)"),
        ({"mode": "grey"}, "mode='grey' is taken with"),
        ({"name": "folder:x", "directory": "y"}, "put the path into name"),
    ],
)
def test_ill_arguments_are_told(arguments, words):
    with pytest.raises(ValueError, match=words) as caught:
        data.load(**{"name": "fashion_mnist", **arguments})
    one_sentence(caught)


@pytest.fixture
def copy(tmp_path):
    """The embedded files as links, of which a test replaces one."""
    for path in EMBEDDED.glob("*.gz"):
        os.link(path, tmp_path / path.name) if same_disk(path, tmp_path) else shutil.copy(path, tmp_path)
    return tmp_path


def same_disk(a, b):
    return os.stat(a).st_dev == os.stat(b).st_dev


def content():
    return gzip.decompress((EMBEDDED / f"{LABELS}.gz").read_bytes())


def flipped(body):
    return body[:-1] + bytes([body[-1] ^ 1])


DAMAGE = {
    "missing": (lambda: None, "is missing"),
    "empty": (lambda: b"", "is empty"),
    "no gzip": (lambda: b"hello" * 100, "not an intact gzip"),
    "truncated gzip": (lambda: gzip.compress(content())[:-20], "truncated|intact"),
    "truncated content": (lambda: gzip.compress(content()[:-1]), "truncated after 10,007 of 10,008"),
    "truncated trailer": (lambda: gzip.compress(content())[:-4], "truncated after 10,008 of 10,008"),
    "only a header": (lambda: gzip.compress(content()[:3]), "truncated after 3"),
    "crc": (lambda: gzip.compress(content())[:-8] + bytes(8), "not an intact gzip"),
    "wrong magic": (lambda: gzip.compress(b"\0\0\x0d\x01" + content()[4:]), "starts with 00000d01"),
    "another count": (
        lambda: gzip.compress(content()[:4] + bytes(4) + content()[8:]),
        "expected 0000080100002710",
    ),
    "altered": (lambda: gzip.compress(flipped(content())), "has been altered: SHA-256"),
    "longer": (lambda: gzip.compress(content() + b"x"), "holds more than"),
    "two members": (lambda: gzip.compress(content()) + gzip.compress(b"x"), "holds more than"),
    "large": (lambda: bytes(2_000_000), "is larger than"),
}


@pytest.mark.parametrize(("make", "words"), DAMAGE.values(), ids=DAMAGE.keys())
def test_damaged_files_are_told(copy, make, words):
    path = copy / f"{LABELS}.gz"
    path.unlink()
    body = make()
    if body is not None:
        path.write_bytes(body)
    with pytest.raises(data.DataError, match=words) as caught:
        data.load("fashion_mnist", directory=copy)
    assert str(path) in one_sentence(caught)


def test_intact_files_load_from_another_directory(copy, fashion):
    other = data.load("fashion_mnist", directory=copy)
    np.testing.assert_array_equal(other.test.images, fashion.test.images)
    assert other.sha256 == fashion.sha256


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """As installed from the wheel: no files beside the package, an empty cache of Keras' own."""
    monkeypatch.setattr(files, "REPOSITORY_DATA", tmp_path / "nowhere")
    (tmp_path / "cache").mkdir()
    monkeypatch.setattr(keras.src.utils.file_utils.config, "keras_home", lambda: str(tmp_path / "cache"))
    monkeypatch.delenv("CNNLIB_DATA", raising=False)
    return tmp_path


@pytest.fixture
def server(tmp_path):
    """(address, folder, requests) of a server on loopback; the folder's files are what it has."""
    folder, requests = tmp_path / "served", []
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=folder)

        def do_GET(self):
            requests.append(self.path)
            super().do_GET()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/", folder, requests
        running.shutdown()


def test_a_folder_named_by_the_environment_is_used(elsewhere, monkeypatch, fashion):
    monkeypatch.setenv("CNNLIB_DATA", str(REPOSITORY_DATA))
    monkeypatch.setattr(fashion_mnist, "URL", "http://127.0.0.1:9/")
    np.testing.assert_array_equal(data.load("fashion_mnist").test.images, fashion.test.images)


def test_fashion_mnist_is_fetched_once_with_progress(elsewhere, monkeypatch, server, fashion, capsys):
    address, folder, requests = server
    for path in EMBEDDED.glob("*.gz"):
        shutil.copy(path, folder)
    monkeypatch.setattr(fashion_mnist, "URL", address)
    for _ in range(2):
        images = data.load("fashion_mnist")
        np.testing.assert_array_equal(images.train.images, fashion.train.images)
        assert images.sha256 == fashion.sha256
    assert sorted(requests) == sorted(f"/{path.name}" for path in EMBEDDED.glob("*.gz"))
    assert "Downloading data from" in capsys.readouterr().out
    assert len(list((elsewhere / "cache" / "datasets" / "fashion-mnist").glob("*.gz"))) == 4


def test_what_was_fetched_is_checked(elsewhere, monkeypatch, server):
    address, folder, _ = server
    for path in EMBEDDED.glob("*.gz"):
        shutil.copy(path, folder)
    (folder / f"{LABELS}.gz").write_bytes(gzip.compress(flipped(content())))
    monkeypatch.setattr(fashion_mnist, "URL", address)
    with pytest.raises(
        data.DataError, match=r"has been altered: SHA-256.*remove it, and it is fetched anew"
    ) as caught:
        data.load("fashion_mnist")
    one_sentence(caught)


def test_without_network_the_ways_out_are_told(elsewhere, monkeypatch):
    for module in (fashion_mnist, mnist, cifar10):
        monkeypatch.setattr(module, "URL", "http://127.0.0.1:9/x")
    for name in ("fashion_mnist", "mnist", "cifar10"):
        with pytest.raises(
            data.DataError, match=r"could not be fetched.*CNNLIB_DATA.*folder:<path>"
        ) as caught:
            data.load(name)
        assert len(one_sentence(caught)) <= 300


def test_mnist_is_fetched_once(elsewhere, monkeypatch, server):
    """A small archive in MNIST's form, for which the module's hash is set."""
    address, folder, requests = server
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 100), ("test", 30)):
        arrays[f"x_{part}"] = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        arrays[f"y_{part}"] = (np.arange(count) % 10).astype(np.uint8)
    np.savez_compressed(folder / "mnist.npz", **arrays)
    monkeypatch.setattr(mnist, "URL", f"{address}mnist.npz")
    monkeypatch.setattr(
        mnist, "ARCHIVE_SHA256", hashlib.sha256((folder / "mnist.npz").read_bytes()).hexdigest()
    )
    for _ in range(2):
        images = data.load("mnist", validation_examples=10)
    assert requests == ["/mnist.npz"]
    assert (images.image_shape, images.classes, len(images.train)) == ((28, 28, 1), 10, 90)
    np.testing.assert_array_equal(images.test.images[..., 0], arrays["x_test"])
    monkeypatch.setattr(mnist, "ARCHIVE_SHA256", "0" * 64)
    with pytest.raises(data.DataError, match="SHA-256"):
        data.load("mnist", directory=folder)
    with pytest.raises(data.DataError, match="is missing"):
        data.load("mnist", directory=elsewhere)


def test_a_gzip_bomb_is_not_unfolded(tmp_path):
    header = bytes([0, 0, 8, 1]) + (100).to_bytes(4, "big")
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(header + bytes(500_000_000), 9))
    import tracemalloc

    tracemalloc.start()
    with pytest.raises(data.DataError, match="holds more than the 108 bytes"):
        read_idx(tmp_path / "bomb.gz", (100,), sha256="", remedy="remove it.")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def cifar_archive(folder, monkeypatch, batches):
    """A small archive in CIFAR-10's form, for which the module's table is set."""
    path = folder / cifar10.ARCHIVE
    with tarfile.open(path, "w:gz") as archive:
        for name, body in batches.items():
            member = tarfile.TarInfo(f"{cifar10.FOLDER}/{name}")
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    monkeypatch.setattr(cifar10, "RECORDS", 20)
    monkeypatch.setattr(cifar10, "ARCHIVE_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    return path


def cifar_batches():
    rng = np.random.default_rng(0)
    batches = {}
    for name in cifar10.TRAIN_FILES + cifar10.TEST_FILES:
        records = rng.integers(0, 256, (20, cifar10.RECORD_BYTES), dtype=np.uint8)
        records[:, 0] = np.arange(20) % 10
        batches[name] = records.tobytes()
    return batches


def test_cifar10_reads_planes_as_channels(tmp_path, monkeypatch):
    batches = cifar_batches()
    cifar_archive(tmp_path, monkeypatch, {"readme.html": b"<html>", **batches})
    images = data.load("cifar10", directory=tmp_path, validation_examples=0)
    assert images.train.images.shape == (100, 32, 32, 3)
    assert len(images.test) == 20
    body = batches["data_batch_2.bin"]
    row, column, channel = 5, 7, 2
    place = 3073 * 3 + 1 + channel * 1024 + row * 32 + column
    assert images.train.images[23, row, column, channel] == body[place]
    assert images.train.labels[23] == 3
    assert images.class_names[0] == "airplane"
    assert len(images.sha256) == 64


def test_cifar10_refuses_what_is_not_the_archive(tmp_path, monkeypatch):
    batches = cifar_batches()
    path = cifar_archive(tmp_path, monkeypatch, {k: v for k, v in batches.items() if k != "data_batch_3.bin"})
    with pytest.raises(data.DataError, match=r"lacks data_batch_3\.bin") as caught:
        data.load("cifar10", directory=tmp_path)
    one_sentence(caught)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(data.DataError, match="has SHA-256") as caught:
        data.load("cifar10", directory=tmp_path)
    one_sentence(caught)
    with pytest.raises(data.DataError, match="is missing") as caught:
        data.load("cifar10", directory=tmp_path / "nowhere")
    one_sentence(caught)


def test_images_are_stretched_as_pillow_does_it():
    original = data.load("fashion_mnist_rgb", train_examples=20, validation_examples=10)
    large = data.load("fashion_mnist_rgb", train_examples=20, validation_examples=10, image_size=(40, 36))
    assert large.image_shape == (40, 36, 3)
    assert large.sha256 == original.sha256
    for part in ("train", "validation", "test"):
        split = getattr(large, part)
        assert split.images.dtype == np.uint8
        np.testing.assert_array_equal(split.labels, getattr(original, part).labels)
    by_hand = Image.fromarray(original.train.images[3]).resize((36, 40), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(large.train.images[3], np.asarray(by_hand))


def test_grey_images_keep_their_channel_and_their_own_size_changes_nothing():
    grey = data.load("fashion_mnist", train_examples=20, validation_examples=10, image_size=56)
    assert grey.image_shape == (56, 56, 1)
    assert grey.train.images.max() > 200
    same = data.load("fashion_mnist", train_examples=20, validation_examples=10, image_size=28)
    original = data.load("fashion_mnist", train_examples=20, validation_examples=10)
    np.testing.assert_array_equal(same.train.images, original.train.images)


def test_stretching_stays_within_memory():
    with pytest.raises(
        data.DataError, match=r"of 5000x5000 pixels of fashion_mnist need .* smaller image_size="
    ):
        data.load("fashion_mnist", train_examples=20, image_size=5000)


IMAGES, LABEL = np.zeros((3, 4, 4, 1), np.uint8), np.zeros(3, np.int32)


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        ([[0]], LABEL, "images must be a NumPy array of uint8"),
        (IMAGES / 255, LABEL, "not float64"),
        (IMAGES, [0, 0, 0], "labels must be a NumPy array of int32"),
        (IMAGES, LABEL[:2], r"not int32 \(2,\)"),
        (IMAGES, LABEL - 1, "from 0 on, and one is -1"),
    ],
)
def test_a_split_of_other_things_is_refused(images, labels, words):
    with pytest.raises(ValueError, match=words) as caught:
        data.Split(images, labels)
    one_sentence(caught)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"test": data.Split(IMAGES, LABEL + 2)}, "test holds the label 2, and class_names has 2"),
        ({"validation": data.Split(IMAGES[:, 1:], LABEL)}, "images of validation are"),
        ({"train": IMAGES}, "train=.* must be a data.Split"),
    ],
)
def test_a_data_set_of_parts_that_do_not_fit_is_refused(changes, words):
    part = data.Split(IMAGES, LABEL)
    parts = {"train": part, "validation": part, "test": part, **changes}
    with pytest.raises(ValueError, match=words) as caught:
        data.Dataset(**parts, class_names=("a", "b"), name="own", sha256="")
    one_sentence(caught)

"""Image folders: what is read, how it is brought to one form, and one sentence for each error."""

import os
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, features

from cnnlib import data
from cnnlib.data import folder, pictures

COLORS = {"cat": (250, 0, 0), "dog": (0, 250, 0), "eel": (0, 0, 250)}


@pytest.fixture
def root(tmp_path):
    """Three classes of plain colours, 4 training and 2 test pictures each, 6x8 pixels, PNG."""
    for part, count in (("train", 4), ("test", 2)):
        for name, color in COLORS.items():
            (tmp_path / part / name).mkdir(parents=True)
            for i in range(count):
                Image.new("RGB", (8, 6), tuple(c and c - i for c in color)).save(
                    tmp_path / part / name / f"{i}.png"
                )
    return tmp_path


def load(root, **arguments):
    return data.load(f"folder:{root}", **{"validation_examples": 3, **arguments})


def refused(root, words, error=data.DataError, **arguments):
    with pytest.raises(error, match=words) as caught:
        load(root, **arguments)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    assert caught.value.__cause__ is None
    return text


def test_pictures_become_arrays_with_classes_in_turn(root):
    images = load(root)
    assert [len(images.train), len(images.validation), len(images.test)] == [9, 3, 6]
    assert images.class_names == ("cat", "dog", "eel")
    assert images.image_shape == (6, 8, 3)
    assert images.test.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert sorted(images.validation.labels) == [0, 1, 2]
    for split in (images.train, images.validation, images.test):
        np.testing.assert_array_equal(split.images[:, 0, 0].argmax(axis=1), split.labels)
    np.testing.assert_array_equal(images.test.images[3], np.full((6, 8, 3), (249, 0, 0)))


def test_the_hash_is_that_of_names_and_contents(root):
    first = load(root).sha256
    assert load(root, seed=5, mode="grey").sha256 == first
    (root / "train/cat/.DS_Store").write_bytes(b"hidden files are passed over")
    assert load(root).sha256 == first
    Image.new("RGB", (8, 6), (1, 2, 3)).save(root / "test/eel/1.png")
    assert load(root).sha256 != first


def test_sizes_and_modes(root):
    assert load(root, image_size=5, mode="grey").image_shape == (5, 5, 1)
    assert load(root, image_size=(4, 9)).image_shape == (4, 9, 3)
    np.testing.assert_array_equal(load(root, image_size=3).test.images[0], np.full((3, 3, 3), (250, 0, 0)))
    Image.new("RGB", (80, 60), (250, 0, 0)).save(root / "test/cat/0.png")
    assert load(root).test.images[0].shape == (6, 8, 3)  # the size of the first training picture


def replace(root, picture, name="0.png", **options):
    (root / "test/cat/0.png").unlink()
    picture.save(root / "test/cat" / name, **options)
    return load(root).test.images[0]


def test_other_kinds_of_pictures_are_brought_to_the_same_form(root):
    grey = Image.fromarray(np.full((6, 8), 40_000, np.uint16))
    assert (replace(root, grey) == 40_000 >> 8).all()
    clear = Image.new("RGBA", (8, 6), (255, 255, 255, 0))
    assert (replace(root, clear) == 0).all()
    turned = Image.new("RGB", (6, 8))
    turned.paste((255, 255, 255), (0, 0, 6, 4))  # its upper half is white
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by 90 degrees
    image = replace(root, turned, exif=exif)
    assert (image[:, 4:] == 255).all()
    assert (image[:, :4] == 0).all()
    jpeg = replace(root, Image.new("L", (8, 6), 77), name="0.jpg")
    assert (jpeg == 77).all()


def put(root, picture, name, **options):
    (root / "test/cat/0.png").unlink(missing_ok=True)
    picture.save(root / "test/cat" / name, **options)


@pytest.mark.parametrize(
    ("pixels", "kind"),
    [
        (np.full((6, 8), 0.5, np.float32), "floating-point numbers"),  # Pillow: all black
        (np.full((6, 8), 40_000, np.int32), "32-bit integers"),  # Pillow: all white
    ],
)
def test_numbers_of_unknown_range_are_refused_with_how_to_convert_them(root, pixels, kind):
    put(root, Image.fromarray(pixels), "0.tiff")
    told = refused(root, rf"0\.tiff holds {kind}")
    assert "np.uint8(255 * values)" in told
    (root / "test/cat/0.tiff").rename(root / "train/cat/0.tiff")
    (root / "test/cat/0.png").write_bytes((root / "train/cat/1.png").read_bytes())
    refused(root, f"holds {kind}")


def test_sixteen_bits_are_read_by_their_high_byte_in_every_format(root):
    pixels = np.full((6, 8), 40_000, np.uint16)
    for name in ("0.png", "0.tiff"):
        (root / "test/cat/0.tiff").unlink(missing_ok=True)
        assert (replace_with(root, Image.fromarray(pixels), name) == 40_000 >> 8).all()
    (root / "test/cat/0.tiff").unlink()
    (root / "test/cat/0.pgm").write_bytes(b"P5 8 6 65535\n" + pixels.byteswap().tobytes())
    assert (load(root).test.images[0] == 40_000 >> 8).all()


def replace_with(root, picture, name, **options):
    put(root, picture, name, **options)
    return load(root).test.images[0]


def test_a_tiff_that_counts_black_upwards_is_turned_round(root):
    pixels = np.full((6, 8), 40_000, np.uint16)
    turned = replace_with(root, Image.fromarray(pixels), "0.tiff", tiffinfo={262: 0})
    assert (turned == 255 - (40_000 >> 8)).all()


def twelve_bit_tiff(width, height, value):
    """A TIFF whose grey values take 12 bits each, two in three bytes."""
    row = bytes([value >> 4, (value & 15) << 4 | value >> 8, value & 255]) * (width // 2)
    entries = [(256, width), (257, height), (258, 12), (259, 1), (262, 1), (273, 8 + 2 + 12 * 9 + 4), (277, 1),
               (278, height), (279, len(row) * height)]  # fmt: skip
    head = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
    return head + b"".join(struct.pack("<HHII", tag, 4, 1, n) for tag, n in entries) + bytes(4) + row * height


def test_twelve_bits_are_brought_to_eight(root):
    (root / "test/cat/0.png").unlink()
    (root / "test/cat/0.tiff").write_bytes(twelve_bit_tiff(8, 6, 3_000))
    assert (load(root).test.images[0] == 3_000 >> 4).all()


def test_pictures_of_phones_are_read_or_the_plugin_is_named(root, monkeypatch):
    heic = b"\0\0\0\x18ftypheic" + bytes(80)
    avif = b"\0\0\0\x18ftypavif" + bytes(80)
    Image.init()
    for name, content, package in (("HEIF", heic, "pillow-heif"), ("AVIF", avif, "pillow-avif-plugin")):
        (root / "test/cat/0.png").write_bytes(content)
        with monkeypatch.context() as without:
            without.delitem(Image.OPEN, name, raising=False)
            without.setitem(sys.modules, package.replace("-plugin", "").replace("-", "_"), None)
            assert f"`pip install {package}`" in refused(root, rf"0\.png is an {name} picture")


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow was built without AVIF")
def test_an_avif_is_read(root):
    read = replace_with(root, Image.new("RGB", (8, 6), (200, 200, 200)), "0.avif")
    assert abs(read.astype(int) - 200).max() <= 2


def test_a_relative_path_starts_from_the_working_directory_and_is_told_in_full(root, monkeypatch):
    monkeypatch.chdir(root.parent)
    assert len(data.load(f"folder:{root.name}", validation_examples=3).train) == 9
    with pytest.raises(data.DataError, match=f"^{root.parent / 'nowhere'} is not a folder"):
        data.load("folder:nowhere")


def test_the_wrong_tree_is_told(root, tmp_path_factory):
    empty = tmp_path_factory.mktemp("empty")
    refused(empty / "nowhere", "is not a folder")
    refused(empty, "train is missing")
    (empty / "train").mkdir()
    (empty / "test").mkdir()
    refused(empty, "holds no class folder")
    (root / "train/loose.png").write_bytes(b"")
    refused(root, r"loose\.png is not a class folder")


def test_classes_must_be_two_filled_and_alike(root):
    (root / "test/fox").mkdir()
    refused(root, "class 'fox' is in test but not in train")
    (root / "train/fox").mkdir()
    refused(root, "fox holds no image")
    for part in ("train", "test"):
        for name in ("fox", "dog", "eel"):
            for path in (root / part / name).iterdir():
                path.unlink()
            (root / part / name).rmdir()
    refused(root, "holds only the class 'cat'")


@pytest.mark.parametrize("content", [b"", b"no image", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"])
def test_what_is_no_image_is_told(root, content):
    (root / "train/dog/x.png").write_bytes(content)
    assert "x.png" in refused(root, "is not a readable image")


def test_only_plain_picture_formats_are_opened(root):
    Image.new("RGB", (8, 6)).save(root / "train/dog/x.png", format="PCX")
    refused(root, "is not a readable image")


def test_a_truncated_image_is_told(root):
    path = root / "train/dog/2.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:5000])
    assert "2.png" in refused(root, "is not a readable image")


def png_header(width, height):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(9)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [7_100, 12_000, 60_000])
def test_a_decompression_bomb_is_told_from_its_header(root, side, recwarn):
    (root / "test/dog/bomb.png").write_bytes(png_header(side, side))
    assert "bomb.png" in refused(root, "the limit is 50,000,000")
    (root / "train/cat/0.png").write_bytes(png_header(side, side))  # the one whose size is taken
    refused(root, "the limit is 50,000,000")
    assert not [w for w in recwarn if "Decompression" in str(w.category)]


def test_a_link_may_not_leave_the_folder(root, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    Image.new("RGB", (8, 6)).save(outside / "secret.png")
    (root / "train/cat/inside.png").symlink_to(root / "train/cat/1.png")
    assert len(load(root).train) == 10
    (root / "train/cat/link.png").symlink_to(outside / "secret.png")
    refused(root, r"link\.png is a link out of")
    (root / "train/cat/link.png").unlink()
    for part in ("train", "test"):
        (root / part / "fox").symlink_to(outside, target_is_directory=True)
    refused(root, "fox is a link out of")


def test_neither_folders_nor_pipes_are_images(root):
    (root / "train/cat/deeper").mkdir()
    refused(root, "deeper is not an image file")
    (root / "train/cat/deeper").rmdir()
    os.mkfifo(root / "train/cat/pipe.png")
    refused(root, r"pipe\.png is not an image file")


def test_limits_on_memory_and_files(root, monkeypatch):
    refused(root, "give a smaller image_size", image_size=20_000)
    monkeypatch.setattr(pictures, "MAX_FILE_BYTES", 10)
    refused(root, "is larger than the 10 bytes")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"image_size": 0}, "image_size=0"),
        ({"image_size": (3,)}, r"image_size=\(3,\)"),
        ({"image_size": 2.5}, "image_size=2.5"),
        ({"mode": "cmyk"}, "mode='cmyk' must be one of 'rgb', 'grey'"),
        ({"validation_examples": 12}, "give at most 11"),
        ({"train_examples": 10}, "give at most 9"),
    ],
)
def test_ill_arguments_are_told(root, arguments, words):
    refused(root, words, error=ValueError, **arguments)


def test_a_long_read_tells_how_far_it_is(root, monkeypatch, capsys):
    load(root)
    assert capsys.readouterr().err == ""
    clock = iter(range(0, 1000, 2))
    monkeypatch.setattr(pictures.time, "monotonic", lambda: next(clock))
    load(root)
    told = capsys.readouterr().err
    assert "\rreading images: 3 of 18" in told
    assert told.endswith("\n")


def test_the_order_does_not_hang_on_the_file_system(root, monkeypatch):
    first = load(root)
    scandir = folder.os.scandir

    class Reversed:
        def __init__(self, path):
            self.entries = list(scandir(path))[::-1]

        def __enter__(self):
            return self.entries

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(folder.os, "scandir", Reversed)
    np.testing.assert_array_equal(load(root).test.images, first.test.images)

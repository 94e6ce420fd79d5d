"""Pictures of any size as one uint8 array, from files or arrays, several at a time, with bounds on what is accepted."""

import contextlib
import hashlib
import importlib
import io
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image, ImageOps

from cnnlib.data.dataset import DataError, as_count
from cnnlib.data.files import read_bytes

MODES = {"rgb": "RGB", "grey": "L"}  # our name: Pillow's; the length of Pillow's is the number of channels
# Pillow knows more, some of which start other programs (EPS) or are containers (PDF).
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "PPM", "TIFF", "WEBP")
# Formats of phones, which Pillow reads where it was built with them or has a plugin: (bytes 8 to 12 of the file,
# Pillow's name, the plugin's package, its module).
PHONE_FORMATS = (
    ((b"avif", b"avis"), "AVIF", "pillow-avif-plugin", "pillow_avif"),
    ((b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"), "HEIF", "pillow-heif", "pillow_heif"),
)
MAX_FILE_BYTES = 256 * 2**20
MAX_ARRAY_BYTES = 8 * 2**30  # of all images of a data set together
MAX_PIXELS = 50_000_000  # read from the header, before a decompression bomb can unfold
_SIXTEEN_BITS_IN_MODE_I = ("PNG", "PPM")  # 16-bit grey, which Pillow keeps in 32 bits, scaled to 0..65535
_BITS_PER_SAMPLE, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0  # of TIFF 6.0
_THREADS = 4
_QUIET_SECONDS = 3.0  # a progress line appears only where loading takes longer


def first_size(path):
    """(height, width) in pixels of a picture as it is to be seen, its orientation tag applied."""
    with _without_size_warnings(), _open(path)[0] as picture:
        return _decoded(path, lambda: ImageOps.exif_transpose(picture)).size[::-1]


def as_size(image_size):
    """(height, width) of a number of pixels or a pair.

    Raises:
        ValueError: anything else, or a side below 1.
    """
    pair = image_size if isinstance(image_size, (tuple, list)) else (image_size, image_size)
    if len(pair) != 2:
        raise ValueError(f"image_size={image_size!r} must be one number of pixels or (height, width).")
    return tuple(as_count("image_size", side, least=1) for side in pair)


def check_memory(count, size, channels, where):
    """Raise DataError where `count` images of (height, width) would need more than MAX_ARRAY_BYTES."""
    needed = count * size[0] * size[1] * channels
    if needed > MAX_ARRAY_BYTES:
        raise DataError(
            f"{count:,} images of {size[0]}x{size[1]} pixels {where} need {needed / 2**30:.1f} GiB; the "
            f"limit is {MAX_ARRAY_BYTES / 2**30:.0f} GiB; give a smaller image_size=."
        )


def stretch(images, size):
    """Images uint8 (N, H, W, C), one or three channels, stretched to `size`, (height, width), as those of folders are.

    Images that have the size are returned as they are.
    """
    if images.shape[1:3] == size:
        return images
    stretched = np.empty((len(images), *size, images.shape[3]), np.uint8)

    def one(index):
        picture = Image.fromarray(images[index].squeeze(-1) if images.shape[3] == 1 else images[index])
        stretched[index] = np.asarray(_resized(picture, size)).reshape(stretched.shape[1:])

    with ThreadPoolExecutor(_THREADS) as pool:
        for _ in _with_progress(pool.map(one, range(len(images))), len(images), "stretching"):
            pass
    return stretched


def decode_all(paths, size, mode):
    """Decode pictures, stretch them to `size` and convert them to `mode`.

    Args:
        paths: the files.
        size: (height, width) in pixels.
        mode: a key of MODES.

    Returns:
        images uint8 (N, H, W, C), and the SHA-256 of each file's content.

    Raises:
        DataError: a file cannot be read, is no picture, or is too large.
    """
    images = np.empty((len(paths), *size, len(MODES[mode])), np.uint8)
    digests = [None] * len(paths)

    def decode(index):
        pixels, digests[index] = _decode(paths[index], size, mode)
        images[index] = pixels.reshape(images.shape[1:])

    with _without_size_warnings(), ThreadPoolExecutor(_THREADS) as pool:
        try:
            for _ in _with_progress(pool.map(decode, range(len(paths))), len(paths)):
                pass
        except BaseException:
            pool.shutdown(cancel_futures=True)  # do not decode the rest before reporting the first bad file
            raise
    return images, digests


@contextlib.contextmanager
def _without_size_warnings():
    """Pillow warns of large pictures; here they are an error, with a bound of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def _with_progress(items, total, doing="reading"):
    """Pass `items` through; from the third second on, tell standard error how far it is."""
    told = start = time.monotonic()
    shown = False
    for count, item in enumerate(items, start=1):
        now = time.monotonic()
        if now - start > _QUIET_SECONDS and now - told > 0.5:
            print(f"\r{doing} images: {count:,} of {total:,}", end="", file=sys.stderr, flush=True)
            told, shown = now, True
        yield item
    if shown:
        print(f"\r{doing} {total:,} images took {time.monotonic() - start:.0f} s{' ' * 20}", file=sys.stderr)


def _open(path):
    """The undecoded picture and its file's SHA-256, its size checked from the header."""
    content = read_bytes(path, limit=MAX_FILE_BYTES, remedy="remove it or replace it by an image file.")
    formats = _phone_format(path, content) or FORMATS
    try:
        picture = Image.open(io.BytesIO(content), formats=formats)
        width, height = picture.size
    except Image.DecompressionBombError:
        width, height = None, None
    except Exception:
        raise _unreadable(path) from None
    if width is None or width * height > MAX_PIXELS:
        found = f"{width * height:,}" if width else f"more than {2 * Image.MAX_IMAGE_PIXELS:,}"
        raise DataError(
            f"{path} unfolds to {found} pixels, the limit is {MAX_PIXELS:,}; make it smaller or remove it."
        )
    return picture, hashlib.sha256(content).hexdigest()


def _phone_format(path, content):
    """(Pillow's name,) of a phone's format, its plugin loaded; None for a file of another format."""
    for brands, name, package, module in PHONE_FORMATS:
        if content[4:8] != b"ftyp" or content[8:12] not in brands:
            continue
        Image.init()
        if name not in Image.OPEN:
            with contextlib.suppress(ImportError):
                plugin = importlib.import_module(module)
                getattr(plugin, "register_heif_opener", lambda: None)()
        if name not in Image.OPEN:
            raise DataError(
                f"{path} is an {name} picture, which Pillow does not read here; `pip install {package}`, or convert "
                "it to JPEG or PNG."
            )
        return (name,)
    return None


def _decode(path, size, mode):
    picture, digest = _open(path)
    with picture:
        _refuse_unknown_range(path, picture)
        return _decoded(path, lambda: np.asarray(_bring_to(picture, size, mode))), digest


def _refuse_unknown_range(path, picture):
    """Refuse numbers of which nobody knows what is white: Pillow would cut them off at 0 and 255."""
    if picture.mode == "F" or (picture.mode == "I" and picture.format not in _SIXTEEN_BITS_IN_MODE_I):
        kind = "floating-point numbers" if picture.mode == "F" else "32-bit integers"
        raise DataError(
            f"{path} holds {kind}, of which it is not known what is black and what is white; scale all pictures alike "
            "to 0..255, for instance by np.uint8(255 * values) where they lie in 0..1, and save them as PNG."
        )


def _decoded(path, action):
    """The result of `action`; damaged pictures make Pillow raise all kinds of errors, here they are one."""
    try:
        return action()
    except Exception:
        raise _unreadable(path) from None


def _unreadable(path):
    kinds = ", ".join(FORMATS)
    return DataError(f"{path} is not a readable image ({kinds}); replace it by an intact image or remove it.")


def _bring_to(picture, size, mode):
    # Each step is skipped where it changes nothing: small pictures are read by the ten thousand.
    tags = getattr(picture, "tag_v2", {})  # of a TIFF; what turns or converts the picture drops them
    if picture.getexif():
        picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):
        picture = _eight_bits(picture, tags)
    elif picture.has_transparency_data:
        opaque = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", opaque.size, (0, 0, 0, 255)), opaque)
    if picture.mode != MODES[mode]:
        picture = picture.convert(MODES[mode])
    return _resized(picture, size)


def _eight_bits(picture, tags):
    """Grey of 16 (or 12) bits by its high bits, where Pillow would clip it at 255: white is the largest number."""
    bits = tags.get(_BITS_PER_SAMPLE, (16,))[0]
    pixels = np.clip(np.asarray(picture).astype(np.int64) >> (bits - 8), 0, 255)
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:  # Pillow heeds it in 8 bits only
        pixels = 255 - pixels
    return Image.fromarray(pixels.astype(np.uint8))


def _resized(picture, size):
    if picture.size == size[::-1]:
        return picture
    return picture.resize(size[::-1], Image.Resampling.BILINEAR, reducing_gap=2.0)

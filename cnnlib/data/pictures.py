"""Decode picture files of any size to one uint8 array, several at a time, with bounds on what is accepted."""

import contextlib
import hashlib
import io
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image, ImageOps

from cnnlib.data.dataset import DataError
from cnnlib.data.files import read_bytes

MODES = {"rgb": "RGB", "grey": "L"}  # our name: Pillow's; the length of Pillow's is the number of channels
# Pillow knows more, some of which start other programs (EPS) or are containers (PDF).
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "PPM", "TIFF", "WEBP")
MAX_FILE_BYTES = 256 * 2**20
MAX_PIXELS = 50_000_000  # read from the header, before a decompression bomb can unfold
_THREADS = 4
_QUIET_SECONDS = 3.0  # a progress line appears only where loading takes longer


def first_size(path):
    """(height, width) in pixels of a picture as it is to be seen, its orientation tag applied."""
    with _without_size_warnings(), _open(path)[0] as picture:
        return _decoded(path, lambda: ImageOps.exif_transpose(picture)).size[::-1]


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


def _with_progress(items, total):
    """Pass `items` through; from the third second on, tell standard error how far it is."""
    told = start = time.monotonic()
    shown = False
    for count, item in enumerate(items, start=1):
        now = time.monotonic()
        if now - start > _QUIET_SECONDS and now - told > 0.5:
            print(f"\rreading images: {count:,} of {total:,}", end="", file=sys.stderr, flush=True)
            told, shown = now, True
        yield item
    if shown:
        print(f"\rread {total:,} images in {time.monotonic() - start:.0f} s{' ' * 20}", file=sys.stderr)


def _open(path):
    """The undecoded picture and its file's SHA-256, its size checked from the header."""
    content = read_bytes(path, limit=MAX_FILE_BYTES, remedy="remove it or replace it by an image file.")
    try:
        picture = Image.open(io.BytesIO(content), formats=FORMATS)
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


def _decode(path, size, mode):
    picture, digest = _open(path)
    with picture:
        return _decoded(path, lambda: np.asarray(_bring_to(picture, size, mode))), digest


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
    if picture.getexif():
        picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I;16"):  # Pillow would clip 16-bit grey at 255, not scale it
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    elif picture.has_transparency_data:
        opaque = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", opaque.size, (0, 0, 0, 255)), opaque)
    if picture.mode != MODES[mode]:
        picture = picture.convert(MODES[mode])
    if picture.size != size[::-1]:
        picture = picture.resize(size[::-1], Image.Resampling.BILINEAR, reducing_gap=2.0)
    return picture

"""Fonts for what DejaVu Sans lacks: class names in Chinese, Japanese, Korean, or in whatever the reader has set."""

import contextlib
import functools
import logging
import unicodedata
import warnings

import matplotlib
from matplotlib import font_manager
from matplotlib.text import Text

BASE = "DejaVu Sans"  # comes with matplotlib, so it is the same everywhere
# Families with Chinese characters, those with the most scripts first, as Linux, macOS and Windows name them.
CJK = (
    "Noto Sans CJK SC", "Noto Sans CJK TC", "Noto Sans CJK JP", "Noto Sans CJK KR", "Noto Sans SC", "Noto Sans TC",
    "Noto Sans JP", "Noto Sans KR", "Source Han Sans SC", "Source Han Sans CN", "Source Han Sans TC",
    "Source Han Sans JP", "Source Han Sans", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback",
    "PingFang SC", "PingFang TC", "PingFang HK", "Hiragino Sans GB", "Hiragino Sans", "Heiti SC", "Heiti TC",
    "STHeiti", "Apple SD Gothic Neo", "Arial Unicode MS", "Microsoft YaHei", "Microsoft JhengHei", "DengXian",
    "SimHei", "SimSun", "Yu Gothic", "MS Gothic", "Malgun Gothic", "AR PL UMing CN", "NanumGothic",
)  # fmt: skip
_REMEDY = (
    "install one and start the kernel anew, for Chinese, Japanese and Korean `apt-get install fonts-noto-cjk` "
    "(Debian, Ubuntu) or `dnf install google-noto-sans-cjk-fonts` (Fedora)"
)


def families():
    """Font families in the order in which a character is looked up: the course's, the reader's own, then CJK ones."""
    own = [*matplotlib.rcParams["font.family"], *matplotlib.rcParams["font.sans-serif"]]
    usual = {*matplotlib.rcParamsDefault["font.family"], *matplotlib.rcParamsDefault["font.sans-serif"]}
    there = _installed()
    wanted = [name for name in own if name not in usual] + list(CJK)
    return [BASE, *(name for name in dict.fromkeys(wanted) if name in there and name != BASE)]


def provide(figure):
    """Make sure that a font has each character of a figure's texts, or warn once of what will be boxes.

    Matplotlib keeps a list of fonts from its first start on; so, where characters are missing, fonts that were
    installed since are looked for before anything is said.
    """
    texts = [text for text in figure.findobj(Text) if not text.get_text().isascii()]
    if not _missing(texts):
        return
    _learn_new_fonts()
    for text in texts:
        text.set_fontfamily(families())
    if missing := _missing(texts):
        _warn(missing)


@contextlib.contextmanager
def quiet():
    """Without matplotlib's warning for each missing character, which `provide` gives once, and of a font's weight."""
    logger = logging.getLogger("matplotlib.font_manager")

    def is_told(record):  # some Chinese fonts have a medium weight only
        return "Failed to find font weight" not in str(record.msg)

    logger.addFilter(is_told)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from font", UserWarning)
            yield
    finally:
        logger.removeFilter(is_told)


def width_of(text):
    """Columns that a text takes: a Chinese character is about as wide as two letters."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _missing(texts):
    """Characters that none of their fonts has, in the order of the texts."""
    found = {}
    for text in texts:
        known = [_characters(family) for family in text.get_fontfamily()]
        for character in text.get_text():
            if character.isprintable() and not any(ord(character) in characters for characters in known):
                found[character] = None
    return "".join(found)


def _warn(missing):
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            f"No installed font has {missing[:5]!r}{' and other characters' if len(missing) > 5 else ''}, which "
            f"figures show as boxes; {_REMEDY}.",
            stacklevel=2,
        )


_warned = False


def _installed():
    return set(font_manager.fontManager.get_font_names())


@functools.cache
def _characters(family):
    """Code points that a family has; none where it is not installed."""
    try:
        path = font_manager.findfont(
            font_manager.FontProperties(family=[family]), fallback_to_default=False, rebuild_if_missing=False
        )
    except ValueError:
        return frozenset()
    return frozenset(font_manager.get_font(path).get_charmap())


@functools.cache
def _learn_new_fonts():
    """Add fonts of the system that matplotlib's list lacks; once in a process, since it takes a moment."""
    known = {font.fname for font in font_manager.fontManager.ttflist}
    for path in font_manager.findSystemFonts():
        if path not in known:
            try:
                font_manager.fontManager.addfont(path)
            except (
                OSError,
                RuntimeError,
                ValueError,
            ):  # a damaged file, or one in a form that matplotlib cannot read
                continue
    _characters.cache_clear()

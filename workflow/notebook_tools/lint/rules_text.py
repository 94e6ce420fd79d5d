"""Rules on the text: no measured value typed by hand, every figure read, the anatomy of a lesson."""

import re

# From this lesson on, in this order. A heading may go on: "The block: four paths".
ANATOMY = (
    "The problem",
    "The block",
    "The network",
    "Training",
    "Looking inside",
    "Experiments",
    "Recap",
    "Exercises",
)
ANATOMY_FROM = 4
BANNED_WORDS = re.compile(r"\b(simply|obviously)\b", re.IGNORECASE)

FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE_OR_MATHS = re.compile(r"`[^`]*`|\$\$.*?\$\$|\$[^$\n]+\$", re.DOTALL)
# A sentence that cites is exempt: a year in parentheses, "(1998)" or "(LeCun et al., 1998, table 1)".
CITATION = re.compile(r"\([^()]*\b(?:1[4-9]|20)\d\d\b[^()]*\)")
PERCENT = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)?\s?(?:%|per\s?cent\b|percentage points?\b)", re.IGNORECASE)
ACCURACY = re.compile(
    r"\b(?:accurac(?:y|ies)|error(?: rate)?s?|top-?[15]|loss(?:es)?)\b[^.\n]{0,40}?(?<![\w.])0?\.\d+"
    r"|(?<![\w.])0?\.\d+\s+(?:\w+\s+)?(?:accuracy|error|loss)\b",
    re.IGNORECASE,
)
# The dot of an abbreviation ends no sentence.
ABBREVIATION = re.compile(r"\b(et al|e\.g|i\.e|vs|cf|Fig|Figs|Sec|Eq|Tab|No|approx)\.", re.IGNORECASE)
SENTENCE = re.compile(r"(?:\w[\w'’-]*[^\w.!?]+){2,}\w[^.!?]*[.!?]")


def measured_values(lesson):
    """NB012: no percentage or accuracy in prose, but in a sentence that cites a year in parentheses, or in `code`."""
    for cell in lesson.texts:
        for sentence in _sentences(_plain(cell.source)):
            if CITATION.search(sentence):
                continue
            found = next((f for f in PERCENT.finditer(sentence) if not f.group().startswith("100")), None)
            found = found or ACCURACY.search(sentence)
            if found:
                yield lesson.fault(
                    "NB012",
                    f"{found.group(0).strip()!r} is typed into prose; let a cell print it, or cite the paper with"
                    " its year in parentheses in the same sentence",
                    cell,
                )


def banned_words(lesson):
    """NB013: no word that tells a learner who is lost that it is easy."""
    for cell in lesson.texts:
        if found := BANNED_WORDS.search(_plain(cell.source)):
            yield lesson.fault("NB013", f"leave out {found.group(0)!r}: say why instead", cell)


def figures_are_read(lesson):
    """NB014: after a figure, before the next figure and the next section, a sentence reads it."""
    waiting = None
    for cell in lesson.cells:
        if cell.is_text and waiting:
            before, *rest = re.split(r"^##?\s", cell.source, maxsplit=1, flags=re.MULTILINE)
            if _has_sentence(before):
                waiting = None
            elif rest:
                yield _unread(lesson, waiting)
                waiting = None
        if cell.is_code and cell.pictures:
            if waiting:
                yield _unread(lesson, waiting)
            waiting = cell
    if waiting:
        yield _unread(lesson, waiting)


def _unread(lesson, cell):
    return lesson.fault(
        "NB014", "no sentence reads the figure; say in the next Markdown cell what it shows", cell
    )


def anatomy(lesson):
    """NB015: the parts of a lesson, in order, from lesson 04 on."""
    if int(lesson.name[:2]) < ANATOMY_FROM:
        return
    headings = [
        (cell, re.sub(r"^[\d.]+\s*", "", line.lstrip("#").strip()))
        for cell in lesson.texts
        for line in FENCED.sub("", cell.source).splitlines()
        if re.match(r"#{1,6}\s", line)
    ]
    at = 0
    for part in ANATOMY:
        places = [i for i, (_, text) in enumerate(headings) if re.match(rf"{part}\b", text, re.IGNORECASE)]
        if not places:
            yield lesson.fault("NB015", f"the heading {part!r} is missing; a lesson has {', '.join(ANATOMY)}")
        elif places[-1] < at:
            yield lesson.fault(
                "NB015", f"the heading {part!r} stands too early; the order is {', '.join(ANATOMY)}",
                headings[places[-1]][0],
            )  # fmt: skip
        else:
            at = next(place for place in places if place >= at)


def _plain(source):
    """Prose of a Markdown cell: without code, formulas and the addresses of links."""
    without_code = CODE_OR_MATHS.sub(" ", FENCED.sub("", source))
    return re.sub(r"\]\([^)\s]*://[^)]*\)|<https?://[^>]*>", "]", without_code)


def _sentences(text):
    """Sentences; a list item, a table row and a heading are one each at least."""
    text = ABBREVIATION.sub(lambda match: match.group(1).replace(".", "") + " ", text)
    blocks = re.split(r"\n\s*\n|\n(?=\s*(?:[-*|#]|\d+\.\s))", text)
    return [s for block in blocks for s in re.split(r"(?<=[.!?])\s+", " ".join(block.split())) if s]


def _has_sentence(source):
    text = "\n".join(line for line in FENCED.sub("", source).splitlines() if not line.startswith("#"))
    return any(SENTENCE.search(sentence) for sentence in _sentences(text))

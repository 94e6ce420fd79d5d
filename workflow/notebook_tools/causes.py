"""What changed in an output, in a form that is equal for changes of one cause."""

import difflib
import importlib.metadata
import re

from workflow.records import displayed_records

VERSION = re.compile(r"(?<![\w.])v?\d+\.\d+(?:\.\d+)+(?:[.+-]?(?:rc|dev|post|a|b)\d*)?(?:\+\w+)?(?![\w.])")
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:[,_]\d+)*(?:\.\d+)?(?:[eE][-+]?\d+)?")


def changed_lines(stored, new):
    """Pairs (stored line, new line) of two texts that differ; None stands for a line that the other lacks."""
    before, after = stored.splitlines(), new.splitlines()
    pairs = []
    matcher = difflib.SequenceMatcher(a=before, b=after, autojunk=False)
    for kind, a1, a2, b1, b2 in matcher.get_opcodes():
        if kind == "equal":
            continue
        gone, come = before[a1:a2], after[b1:b2]
        length = max(len(gone), len(come))
        pairs += zip(gone + [None] * (length - len(gone)), come + [None] * (length - len(come)), strict=True)
    return pairs


def cause_of_lines(stored, new):
    """The cause of a changed line in one phrase: a version, other numbers in the same line, or another text."""
    if stored is None or new is None:
        return f"a line {'more' if stored is None else 'less'}: {_mask(new if stored is None else stored)}"
    versions = list(zip(VERSION.findall(stored), VERSION.findall(new), strict=False))
    moved = sorted({f"{old} -> {now}" for old, now in versions if old != now})
    if moved and VERSION.sub("", stored) == VERSION.sub("", new):
        return f"version {', '.join(moved)}"
    if _mask(stored) == _mask(new):
        return f"other numbers in: {_mask(stored)}"
    return f"other text: {_mask(stored)} -> {_mask(new)}"


def cause_of_outputs(stored, new):
    """The causes, in order and without repetition, why outputs differ from the stored ones."""
    causes = []
    for stored_text, new_text in zip(_texts(stored), _texts(new), strict=True):
        causes += [cause_of_lines(*pair) for pair in changed_lines(stored_text, new_text)]
    return list(dict.fromkeys(causes)) or [
        "other kinds of output (a figure more or less, or another media type)"
    ]


def cause_of_error(outputs):
    """The cause where a cell raised: the error with its numbers masked, or None where none is among the outputs."""
    for output in outputs:
        if output.get("output_type") == "error":
            first = (output.get("evalue") or "").strip().splitlines()
            return f"raises {output.get('ename')}: {_mask(first[0]) if first else ''}".rstrip(": ")
    return None


def changed_versions(notebooks):
    """Packages whose version differs between the stored records and this environment, as "keras 3.15.1 -> 3.16.0"."""
    found = set()
    for notebook in notebooks:
        for package, stored in _recorded_packages(notebook).items():
            try:
                installed = importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:
                installed = "not installed"
            if installed != stored:
                found.add(f"{package} {stored} -> {installed}")
    return sorted(found)


def _recorded_packages(notebook):
    record = next(iter(displayed_records(notebook.cells)), {})
    return record.get("provenance", {}).get("packages", {})


def _mask(line):
    masked = NUMBER.sub("#", line.strip())
    return masked if len(masked) <= 100 else f"{masked[:97]}..."


def _texts(outputs):
    """stdout, stderr and displayed text of outputs, one text each."""
    streams = {"stdout": "", "stderr": ""}
    shown = []
    for output in outputs:
        if output.get("output_type") == "stream":
            streams[output["name"]] += output["text"]
        else:
            shown.append(output.get("data", {}).get("text/plain", ""))
    return [streams["stdout"], streams["stderr"], "\n".join(shown)]

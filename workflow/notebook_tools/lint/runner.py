"""Hold lessons against all rules; print a line for each and then the faults."""

from workflow.lessons import UsageError
from workflow.notebook_tools import pairs
from workflow.notebook_tools.lint import rules_code, rules_outputs, rules_text
from workflow.notebook_tools.lint.stored import Fault, LessonFile

RULES = (
    rules_outputs.execution_counts,
    rules_code.pair,
    rules_outputs.stderr_and_errors,
    rules_outputs.timings,
    rules_outputs.metadata,
    rules_outputs.machine_traces,
    rules_code.parameters,
    rules_code.batch_safety,
    rules_outputs.figures,
    rules_outputs.sizes,
    rules_text.measured_values,
    rules_text.banned_words,
    rules_text.figures_are_read,
    rules_text.anatomy,
    rules_outputs.checked_share,
    rules_code.markers,
    rules_code.parameters_are_read,
    rules_outputs.drawings_are_stored,
    rules_code.names_in_the_record,
)
HEADER = (
    "lesson",
    "cells",
    "code",
    "printing",
    "checked",
    "asserting",
    "free",
    "share",
    "figures",
    "KB",
    "faults",
)


def lint_lessons(lessons):
    """Print the table of the lessons and their faults; returns the number of faults."""
    rows, faults, seen = [HEADER], [], {}
    for lesson in lessons:
        found, row = _lint(lesson, seen)
        faults += found
        rows.append(row)
    _print_table(rows)
    for fault in faults:
        print(fault)
    print(f"{len(faults)} fault{'' if len(faults) == 1 else 's'} in {len(lessons)} lesson(s)")
    return len(faults)


def _lint(lesson, seen):
    try:
        stored = LessonFile(lesson, pairs.read_notebook(lesson))
    except UsageError as error:
        fault = Fault("NB000", lesson.name, "", str(error).removeprefix(f"{lesson.name}: "))
        return [fault], (lesson.name, *"---------", "1")
    found = [fault for rule in RULES for fault in rule(stored)]
    found += rules_code.checks_and_claims(stored, seen)
    found.sort(key=lambda fault: fault.rule)
    free, asserting, checked = (stored.count(kind) for kind in ("free", "asserting", "checked"))
    row = (
        stored.name,
        len(stored.cells),
        len(stored.code),
        free + asserting + checked,
        checked,
        asserting,
        free,
        f"{stored.checked_share:.0%}",
        sum(len(cell.pictures) for cell in stored.code),
        f"{stored.size / 1000:,.0f}",
        len(found),
    )
    return found, row


def _print_table(rows):
    rows = [[str(value) for value in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    for row in rows:
        first, *others = zip(row, widths, strict=True)
        print("  ".join([first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]))
    print()

"""Rules for stored notebooks, held without running them.

Each rule has an id, `NB001` and on. A fault says what is wrong, in which cell, and what to do. `lint_lessons` is the
entry; a rule is a function that takes a `LessonFile` and yields `Fault`s, and stands in `RULES`.
"""

from workflow.notebook_tools.lint.runner import RULES, lint_lessons
from workflow.notebook_tools.lint.stored import Fault, LessonFile

__all__ = ["RULES", "Fault", "LessonFile", "lint_lessons"]

"""Command line of the notebook tools: `python -m workflow.notebook_tools <command>`."""

import argparse
import sys
from pathlib import Path

from workflow.lessons import NOTEBOOKS, UsageError
from workflow.notebook_tools.pairs import choose_lessons


def main(arguments=None):
    """Run a command; returns its exit status: 0 well, 1 faults found, 2 wrongly called."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _refresh(options):
    from workflow.notebook_tools.refresh import refresh_lessons

    lessons = choose_lessons(options.lessons, options.notebooks)
    failed = refresh_lessons(lessons, options.cell_timeout)
    if options.notebooks == NOTEBOOKS:
        _budgets(options)
    return 1 if failed else 0


def _budgets(options):
    from workflow.notebook_tools.budgets import write_budgets

    write_budgets()
    return 0


def _lint(options):
    from workflow.notebook_tools.lint import lint_lessons

    return 1 if lint_lessons(choose_lessons(options.lessons, options.notebooks)) else 0


def _check(options):
    from workflow.notebook_tools.check import check_lessons

    return check_lessons(
        choose_lessons(options.lessons, options.notebooks),
        changed_since=options.changed,
        shard=options.shard,
        workers=options.workers,
        junit=options.junit,
        cell_timeout=options.cell_timeout,
    )


def _parser():
    parser = argparse.ArgumentParser(prog="python -m workflow.notebook_tools", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    refresh = _add(
        commands, "refresh", _refresh, "execute lessons from their scripts and write the notebooks"
    )
    lint = _add(commands, "lint", _lint, "hold stored notebooks against the rules, without running them")
    check = _add(commands, "check", _check, "run notebooks with nbval and compare every checked output")
    _add(
        commands, "budgets", _budgets, "tell the library the parameters of all budgets, after a change of one"
    )
    for command in (refresh, lint, check):
        command.add_argument(
            "lessons", nargs="*", metavar="LESSON", help="04, 04-11, 04,06 or lenet; default all"
        )
        command.add_argument(
            "--notebooks", type=Path, default=NOTEBOOKS, metavar="DIR", help=argparse.SUPPRESS
        )
    for command in (refresh, check):
        command.add_argument(
            "--cell-timeout", type=_positive, default=300, metavar="SECONDS", help="default 300"
        )
    check.add_argument(
        "--changed", metavar="REF", help="only lessons that changes since this commit (or auto) can affect"
    )
    check.add_argument("--shard", type=_shard, metavar="K/N", help="the K-th of N parts of about equal time")
    check.add_argument("--workers", type=int, default=2, metavar="W", help="notebooks at a time, default 2")
    check.add_argument("--junit", type=Path, metavar="FILE", help="also write the results as JUnit XML")
    return parser


def _add(commands, name, run, text):
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    return command


def _positive(text):
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number of at least 1")
    return int(text)


def _shard(text):
    part, _, parts = text.partition("/")
    if not (part.isdigit() and parts.isdigit() and 1 <= int(part) <= int(parts)):
        raise argparse.ArgumentTypeError(f"{text!r} must be like 1/4: part K of N, with K from 1 to N")
    return int(part), int(parts)


if __name__ == "__main__":
    sys.exit(main())

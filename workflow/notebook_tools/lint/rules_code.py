"""Rules on the cells' code: the pair, the parameters, what batch runs cannot bear, and checks and claims."""

import ast
import re

from workflow.lessons import UsageError
from workflow.notebook_tools import pairs
from workflow.notebook_tools.lint.stored import called_name

TAGS = {
    pairs.PARAMETERS,
    pairs.FREE,
    pairs.RAISES,
    "hide-input",
    "hide-output",
    "hide-cell",
    "remove-input",
    "remove-output",
    "remove-cell",
}
MARKER = re.compile(r"^\s*#\s*(?:NBVAL_|PYTEST_VALIDATE_)\w+", re.MULTILINE)
MAGIC = re.compile(r"^\s*([%!].*|.*\bget_ipython\(\).*|[\w.]+\?{1,2})$", re.MULTILINE)
ALLOWED_MAGICS = ("%matplotlib inline",)
BANNED_CALLS = {
    "exit": "it ends the kernel, which papermill takes for success",
    "quit": "it ends the kernel, which papermill takes for success",
    "clear_output": "its output never compares equal",
    "update_display": "its output never compares equal",
    "input": "nobody is there to answer in a batch run",
    "getpass": "nobody is there to answer in a batch run",
}
TYPES = {
    "int": int,
    "float": (int, float),
    "str": str,
    "bool": bool,
    "list": list,
    "tuple": tuple,
    "dict": dict,
}
REPEATING = (
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.FunctionDef,
    ast.Lambda,
)


def pair(lesson):
    """NB002: notebook and script hold the same cells, and the script is in jupytext's own form."""
    try:
        script = pairs.read_script(lesson.lesson)
    except UsageError as error:
        yield lesson.fault("NB002", str(error).removeprefix(f"{lesson.name}: "))
        return
    for position, what in pairs.differing_cells(lesson.notebook, script):
        cell = lesson.cells[position - 1] if position <= len(lesson.cells) else None
        yield lesson.fault(
            "NB002",
            f"the script differs ({what}{'' if cell else f', from its cell {position} on'});"
            " edit the script, then refresh the lesson",
            cell,
        )


def parameters(lesson):
    """NB007: one parameters cell, of lines `name: type = literal  # help`."""
    cells = lesson.parameter_cells
    if len(cells) != 1:
        yield lesson.fault("NB007", f"{len(cells)} cells are tagged `parameters`, expected exactly one")
        return
    (cell,) = cells
    lines = cell.source.splitlines()
    for node in cell.tree.body if cell.tree else []:
        fault = _parameter_fault(node, lines)
        if fault:
            yield lesson.fault(
                "NB007", f"line {node.lineno}: {fault}; write `name: type = literal  # help`", cell
            )


def _parameter_fault(node, lines):
    if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None):
        return "not an annotated assignment"
    try:
        value = ast.literal_eval(node.value)
    except ValueError:
        return f"the value of {node.target.id} is no literal"
    fits = any(_is_of_type(value, name) for name in ast.unparse(node.annotation).split(" | "))
    if not fits:
        return f"{node.target.id} is annotated {ast.unparse(node.annotation)} and holds {value!r}"
    rest = lines[node.end_lineno - 1].encode()[node.end_col_offset :].decode()
    return None if re.match(r"\s*#\s*\w", rest) else f"{node.target.id} has no help comment"


def _is_of_type(value, name):
    """Whether a literal has the named type; names beyond the plain types, such as list[int], are not judged."""
    if name == "None" or name not in TYPES:
        return value is None if name == "None" else True
    return isinstance(value, TYPES[name]) and (name == "bool" or not isinstance(value, bool))


def batch_safety(lesson):
    """NB008: code that parses, and does nothing that a headless run cannot bear."""
    for cell in lesson.code:
        for magic in MAGIC.findall(cell.source):
            if magic.strip() not in ALLOWED_MAGICS:
                yield lesson.fault(
                    "NB008", f"{magic.strip()!r} is no plain Python; use a function call", cell
                )
        if cell.tree is None:
            yield lesson.fault("NB008", "the code does not parse; mend its syntax", cell)
        for call in cell.calls:
            name = called_name(call)
            # A method of another object may have such a name: only bare names, sys.exit and IPython's count.
            bare = isinstance(call.func, ast.Name) or ast.unparse(call.func).startswith(
                ("sys.", "os.", "display.", "IPython.", "getpass.", "builtins.")
            )
            if (bare and name in BANNED_CALLS) or name in ("_exit", "update_display"):
                reason = BANNED_CALLS.get(name, BANNED_CALLS["exit"])
                yield lesson.fault("NB008", f"{name}() must not be called: {reason}; remove it", cell)
            if name == "display" and any(word.arg == "display_id" for word in call.keywords):
                yield lesson.fault(
                    "NB008", "display(display_id=...) never compares equal; show it once", cell
                )


def markers(lesson):
    """NB017: no tag that is unknown (a typing error would turn a rule off), no nbval comment in the code."""
    for cell in lesson.cells:
        for tag in cell.tags:
            if tag not in TAGS:
                yield lesson.fault(
                    "NB017", f"the tag {tag!r} is not known; the course has {', '.join(sorted(TAGS))}", cell
                )
        if cell.is_code and (found := MARKER.search(cell.source)):
            yield lesson.fault(
                "NB017", f"{found.group(0).strip()!r} changes what nbval does; use the tag {pairs.FREE}", cell
            )


def parameters_are_read(lesson):
    """NB018: each parameter is read by a later cell, and no cell gives it another value."""
    for cell in lesson.parameter_cells[:1]:
        names = [node.target.id for node in getattr(cell.tree, "body", []) if _is_parameter(node)]
        later = [other for other in lesson.code if other.position > cell.position and other.tree]
        read = {
            node.id
            for other in later
            for node in ast.walk(other.tree)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        }
        for name in names:
            if name not in read:
                yield lesson.fault(
                    "NB018", f"no later cell reads the parameter {name!r}; use or remove it", cell
                )
        for other in later:
            for name in sorted(_assigned(other.tree) & set(names)):
                yield lesson.fault(
                    "NB018", f"the parameter {name!r} is given another value; use another name", other
                )


def _is_parameter(node):
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)


def _assigned(tree):
    """Names of the notebook that a cell assigns, and not those of its functions and comprehensions."""
    own = (
        ast.FunctionDef,
        ast.ClassDef,
        ast.Lambda,
        ast.ListComp,
        ast.SetComp,
        ast.DictComp,
        ast.GeneratorExp,
    )
    if isinstance(tree, own):
        return set()
    if isinstance(tree, ast.Name) and isinstance(tree.ctx, ast.Store):
        return {tree.id}
    return {name for child in ast.iter_child_nodes(tree) for name in _assigned(child)}


def names_in_the_record(lesson):
    """NB020: no two places of a lesson put something into the record under one name; the later would replace it."""
    seen = {}
    for cell in lesson.code:
        for node, repeated, call in _uses(cell.tree, ("add_run", "expect_between")):
            if call is None or not call.args:
                continue
            kind, name = (
                (node.attr if isinstance(node, ast.Attribute) else node.id),
                ast.unparse(call.args[0]),
            )
            if (kind, name) in seen:
                yield lesson.fault(
                    "NB020", f"{kind} takes the name {name} in {seen[kind, name]} too; use another", cell
                )
            if repeated and isinstance(call.args[0], ast.Constant):
                yield lesson.fault(
                    "NB020", f"{kind} takes the name {name} over and over; let it differ", cell
                )
            seen.setdefault((kind, name), cell.where)


def checks_and_claims(lesson, seen=None):
    """NB009: `lesson.check` and `lesson.claim` are written out once each, with a literal id of this lesson.

    `seen` holds the ids of the lessons before, `{(kind, id): place}`, and takes up this one's.
    """
    seen = {} if seen is None else seen
    for cell in lesson.code:
        for node, repeated, called in _uses(cell.tree):
            kind = node.attr if isinstance(node, ast.Attribute) else node.id
            if called is None:
                yield lesson.fault(
                    "NB009", f"lesson.{kind} is used without a call; write each call out", cell
                )
                continue
            if repeated:
                yield lesson.fault(
                    "NB009", f"lesson.{kind} stands in a loop or a function; write each call out", cell
                )
            identifier = _literal_identifier(called)
            if identifier is None:
                yield lesson.fault("NB009", f"the id of lesson.{kind} must be a literal text", cell)
                continue
            if not identifier.startswith(f"{lesson.name[:2]}-"):
                yield lesson.fault("NB009", f"the id {identifier!r} must begin with {lesson.name[:2]}-", cell)
            if (kind, identifier) in seen:
                yield lesson.fault(
                    "NB009",
                    f"the {kind} id {identifier!r} stands in {seen[kind, identifier]} too; ids are unique",
                    cell,
                )
            seen.setdefault((kind, identifier), f"{lesson.name}, {cell.where}")


def _literal_identifier(call):
    given = (
        call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "identifier"), None)
    )
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else None


def _uses(tree, names=("check", "claim")):
    """`(node, inside a loop, its call or None)` of every use of lesson.check, lesson.claim, or of the bare names."""
    found = []

    def is_use(node):
        if isinstance(node, ast.Attribute):
            return node.attr in names and isinstance(node.value, ast.Name) and node.value.id == "lesson"
        return isinstance(node, ast.Name) and node.id in names and isinstance(node.ctx, ast.Load)

    def visit(node, repeated):
        if isinstance(node, ast.Call) and is_use(node.func):
            found.append((node.func, repeated, node))
            for child in [*node.args, *node.keywords]:
                visit(child, repeated)
            return
        if is_use(node):
            found.append((node, repeated, None))
            return
        inside = repeated or isinstance(node, REPEATING)
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    if tree is not None:
        visit(tree, False)
    return found

"""The library's reference: a page for each part of cnnlib, from its `__all__` and its docstrings."""

import importlib
import inspect
import pkgutil

from workflow.markdown import escape, table


def api_pages():
    """{file name: MyST} of the reference: one page for each part of cnnlib, and one that lists them."""
    import cnnlib

    parts = [name for _, name, _ in pkgutil.iter_modules(cnnlib.__path__) if not name.startswith("_")]
    modules = {part: importlib.import_module(f"cnnlib.{part}") for part in parts}
    pages = {f"{part}.md": _api_page(module) for part, module in modules.items()}
    rows = [
        (f"[cnnlib.{part}]({part}.md)", inspect.getdoc(module).splitlines()[0])
        for part, module in modules.items()
    ]
    tree = ["```{toctree}", ":hidden:", "", *parts, "```"]
    intro = [
        "# The library",
        "",
        "Images are arrays (N, H, W, C): images, rows, columns, channels. Everything runs on the backends TensorFlow,",
        "JAX and PyTorch of Keras.",
        "",
    ]
    pages["index.md"] = "\n".join([*intro, *table(("module", "what it holds"), rows), "", *tree, ""])
    return pages


def _api_page(module):
    names = list(module.__all__)
    lines = [f"# {module.__name__}", "", *_module_text(module), *_summary(module.__name__, names), ""]
    lines += _automodule(module.__name__, names)
    if hasattr(module, "catalogue"):
        lines += ["", "## Catalogue", "", *_catalogue(module.catalogue())]
        for family in _families(module):
            own = [name for name in public_names(family) if name not in names]
            lines += ["", f"## {family.__name__}", "", *_automodule(family.__name__, own)]
    return "\n".join([*lines, ""])


def _module_text(module):
    return ["```{eval-rst}", inspect.getdoc(module), "```", ""]


def _summary(module, names):
    return [
        "```{eval-rst}",
        f".. currentmodule:: {module}",
        "",
        ".. autosummary::",
        "   :nosignatures:",
        "",
        *_indent(names),
        "```",
    ]


def _automodule(module, names):
    objects = []
    for name in names:
        target = getattr(importlib.import_module(module), name)
        if inspect.isclass(target):
            objects += [f".. autoclass:: {name}", "   :members:", ""]
        elif callable(target):
            objects += [f".. autofunction:: {name}", ""]
        else:
            objects += [f".. autodata:: {name}", ""]
    return ["```{eval-rst}", f".. currentmodule:: {module}", "", *objects, "```"]


def _indent(names):
    return [f"   {name}" for name in names]


def _families(module):
    """Submodules that hold more than the package hands on, the families in the catalogue's order first."""
    found = [
        importlib.import_module(f"{module.__name__}.{m.name}") for m in pkgutil.iter_modules(module.__path__)
    ]
    found = [part for part in found if set(public_names(part)) - set(module.__all__)]
    return sorted(found, key=lambda part: module.FAMILIES.index(part) if part in module.FAMILIES else 99)


def public_names(module):
    """Documented functions and classes that a module defines itself, in the order of its source."""
    members = [
        member
        for name, member in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(member) or inspect.isclass(member))
        and member.__module__ == module.__name__
        and member.__doc__
    ]
    return [member.__name__ for member in sorted(members, key=lambda m: inspect.getsourcelines(m)[1])]


def _catalogue(catalogue):
    rows = [
        (
            f"`{name}`",
            " x ".join(map(str, variant.input_shape)),
            f"{variant.params:,}",
            f"{variant.macs:,}",
            escape(variant.paper),
            variant.year,
        )
        for name, variant in catalogue.items()
    ]
    return table(("network", "input", "parameters", "multiply-adds", "paper", "year"), rows)

"""Results of checks that take hours, kept lesson by lesson: an interrupted check goes on where it stopped."""

import json

from workflow.files import hash_files, write_json
from workflow.lessons import ROOT


class Kept:
    """Results of one lesson in `<folder>/<lesson>.json`, by name; of no use once what they depend on has changed."""

    def __init__(self, folder, lesson, **more):
        self.path = folder / f"{lesson.name}.json"
        code = [path for path in (ROOT / "cnnlib").rglob("*") if path.suffix in (".py", ".json")]
        self.depends = {
            "code": hash_files([*code, *ROOT.glob("requirements*.lock")], ROOT),
            "notebook": hash_files([lesson.notebook], lesson.notebook.parent),
            **more,
        }
        self.results = self._read()

    def _read(self):
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content["results"] if content["depends"] == self.depends else {}

    def keep(self, name, result):
        """Add a result to the file."""
        self.results[name] = result
        write_json(self.path, {"depends": self.depends, "results": self.results})

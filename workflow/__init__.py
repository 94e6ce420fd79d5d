"""What runs, checks and publishes the course from the command line; no lesson imports it."""

import sys

# jsonschema, which nbformat loads to read a notebook, looks for this package; to check addresses that no notebook has,
# it would parse a grammar at each import, which takes longer than all else that a job does before it starts its kernel.
sys.modules.setdefault("rfc3987_syntax", None)

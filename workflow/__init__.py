"""What runs, checks and publishes the course from the command line; no lesson imports it."""

import sys

# jsonschema, which nbformat loads to read a notebook, looks for this package; to check addresses that no notebook has,
# it would parse a grammar at each import: two of the two and a half seconds after which a job has its kernel started.
sys.modules.setdefault("rfc3987_syntax", None)

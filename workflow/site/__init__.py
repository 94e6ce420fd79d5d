"""The documentation site: sources made from what the repository holds, a Sphinx build, and a check of the pages."""

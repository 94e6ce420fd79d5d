"""Tools around the committed notebooks: `refresh` makes them, `lint` and `check` are the gates that hold them.

python -m workflow.notebook_tools {refresh,lint,check} --help
"""

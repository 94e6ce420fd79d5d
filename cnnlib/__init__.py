"""cnnlib: the blocks and networks of a course on convolutional networks, on Keras 3.

Images are channels-last everywhere, (N, H, W, C). The modules, in the order in which a lesson
uses them: `data`, `networks`, `inspect`, `training`, `plots`, `lesson`. Importing them sets nothing in the process but
for `lesson`, which owns the process of a notebook.
"""

__version__ = "0.2.0"

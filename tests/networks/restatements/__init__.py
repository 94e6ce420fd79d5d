"""The networks said again in plain torch, with torchvision's module names, as a second opinion for the tests.

Written from the papers' tables and the published names of torchvision's modules; each builds a network at
its full channels unless `width` says otherwise, and maps (N, 3, H, W) to (N, classes) logits.
"""

"""What a lesson says to the outside: how it was run, what it claims, what it measured, and its exercises."""

# ruff: noqa: E402  Keras is started first
from cnnlib.lesson.startup import import_keras

import_keras()

from cnnlib import networks, plots
from cnnlib.lesson.claims import claim
from cnnlib.lesson.determinism import reproducible
from cnnlib.lesson.equality import expect_same_function
from cnnlib.lesson.explore import (
    explore_batch_normalization,
    explore_convolution,
    explore_decision,
    explore_initialization,
    explore_receptive_field,
    explore_residual,
)
from cnnlib.lesson.intervals import expect_between
from cnnlib.lesson.quiz import check, hide_solutions, hint, solution
from cnnlib.lesson.record import RECORD_MIME, add_run, digest, record, validate_record
from cnnlib.lesson.state import begin

plots.use_family_styles(networks.styles())

__all__ = [
    "RECORD_MIME",
    "add_run",
    "begin",
    "check",
    "claim",
    "digest",
    "expect_between",
    "expect_same_function",
    "explore_batch_normalization",
    "explore_convolution",
    "explore_decision",
    "explore_initialization",
    "explore_receptive_field",
    "explore_residual",
    "hide_solutions",
    "hint",
    "record",
    "reproducible",
    "solution",
    "validate_record",
]

"""What differs between TensorFlow, JAX and PyTorch, in one module each, behind one contract.

No other module of the library names a backend: it asks `current()` for what the `Backend` contract offers.
`keras_internals` holds what the library reads of Keras beyond its public interface.
"""

import functools
import importlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, cast

import keras
import numpy as np

__all__ = ["Arrays", "Backend", "Program", "State", "cpu_flags", "current"]

Tensor = Any  # a tensor of the running backend


@dataclass(frozen=True)
class State:
    """The variables that a training changes, in lists: they go into each call of a `Program`.

    Attributes:
        trainable: the network's weights that are trained.
        frozen: its other variables: moving statistics, frozen weights, random states.
        moments: the optimizer's averages, float32, in the order that the update expects.
        noise: random states of the augmentation.
    """

    trainable: list[keras.Variable]
    frozen: list[keras.Variable]
    moments: list[keras.Variable]
    noise: list[keras.Variable]

    def groups(self) -> tuple[list[keras.Variable], ...]:
        """The four lists."""
        return self.trainable, self.frozen, self.moments, self.noise


@dataclass(frozen=True)
class Arrays:
    """What a stretch of steps reads, on the device.

    Attributes:
        images: uint8 (N,H,W,C). labels: int32 (N,). order: int32 (steps, batch), rows of `images`.
        rates: float32, the learning rate of each step of the whole training.
        settings: scalars by name (momentum, weight decay and so on), float32.
    """

    images: Tensor
    labels: Tensor
    order: Tensor
    rates: Tensor
    settings: dict[str, Tensor]


class Program(Protocol):
    """Compiled steps of a training: for any network of the architecture that they were made for."""

    def __call__(
        self, state: State, arrays: Arrays, first: int, start: int, stop: int
    ) -> tuple[float, float]:
        """Train on batches `start` to `stop` of the order; returns (sum of losses, right answers).

        `first` is the number of steps that the training had made before batch 0 of the order.
        """


class Backend(Protocol):
    """What a module of this room offers. Shapes as in `Arrays`; variables are those of Keras."""

    VIRTUAL_CPUS: str  # how to have several devices on a CPU, or why there are none

    def put(self, array: np.ndarray) -> Tensor:
        """The array on the device."""

    def compile_training(self, forward: Callable, update: Callable, state: State, arrays: Arrays) -> Program:
        """Steps of `forward` and `update`, for arrays of these shapes.

        `forward(trainable, frozen, noise, images, labels, settings) -> loss, (right, frozen, noise)` and
        `update(values, gradients, moments, step, rate, settings) -> values, moments` are pure functions in
        operations of `keras.ops`; a gradient is None where the loss does not depend on a value.
        """

    def compile_sums(self, sums: Callable, variables: list, arrays: Sequence[Tensor]) -> Callable:
        """`program(variables, images, labels, order, weights) -> floats`: `sums` over all batches, added up.

        `sums(values, images, labels, weights) -> three scalars` is a pure function of one batch.
        """

    def parallel_training(
        self, forward: Callable, update: Callable, state: State, devices: int, optimizer: Callable
    ) -> tuple[Callable, Program]:
        """(put, program) of a training whose batches are shared by `devices` devices.

        `optimizer()` makes the Keras optimizer of the training, for a backend that adds up the gradients by it.
        """

    def device_names(self) -> list[str]:
        """The devices that a training can use."""

    def device_scope(self, devices: int) -> AbstractContextManager:
        """Within it a network is built for training on several devices."""

    def built_for(self, model: keras.Model) -> int | None:
        """On how many devices the network's weights lie; None where it does not matter."""

    def free_bytes(self) -> int | None:
        """Free memory of the accelerator, or None without one."""

    def make_deterministic(self, threads: int | None) -> dict:
        """Set CPU threads (None: as they are) and deterministic kernels; returns the switches set, by name."""

    def input_gradient(self, function: Callable, array: np.ndarray) -> np.ndarray:
        """d function(array) / d array of a scalar function, of the array's shape."""

    def accelerator(self) -> str | None:
        """Name of the first accelerator in use, or None."""

    def uses_gpus(self) -> bool:
        """Whether the backend was built for GPUs."""

    def gains_from_bfloat16(self) -> bool:
        """Whether mixed bfloat16 is faster than float32 on this device."""


def current() -> Backend:
    """The module of the running backend."""
    return _load(keras.config.backend())


@functools.cache
def _load(name: str) -> Backend:
    return cast(Backend, importlib.import_module(f"cnnlib.backends.{name}"))


def cpu_flags() -> frozenset[str]:
    """Instruction sets of the processor, as Linux names them; empty elsewhere."""
    try:
        with open("/proc/cpuinfo") as lines:
            return frozenset(next((line for line in lines if line.startswith("flags")), "").split())
    except OSError:
        return frozenset()

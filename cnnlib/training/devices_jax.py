"""Several devices on JAX: the compiled loop of one, over arrays that are laid out on a row of devices.

The program stays that of the whole batch, so batch statistics, dropout and augmentation are those of one device; the
compiler divides the work and adds up the gradients.
"""

import contextlib

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from cnnlib.training.loop_jax import Loop

VIRTUAL_CPUS = "set XLA_FLAGS=--xla_force_host_platform_device_count=2 before Python starts"


def names():
    """The backend's devices, by name."""
    return [str(device) for device in jax.devices()]


def scope(devices):
    """Nothing: weights are copied to the devices when the training begins."""
    return contextlib.nullcontext()


def scope_of(model):
    """Nothing, likewise."""
    return contextlib.nullcontext()


def check_network(model, devices):
    """Nothing to check: any network can be trained on any number of devices."""


class ParallelLoop(Loop):
    """`loop_jax.Loop` over the first `devices` devices; data and weights on each, every batch shared out."""

    def __init__(self, model, optimizer, loss, augmentation, devices):
        super().__init__(model, optimizer, loss, augmentation)
        mesh = Mesh(np.array(jax.devices()[:devices]), ("batch",))
        self._everywhere = NamedSharding(mesh, PartitionSpec())
        self._shared_out = NamedSharding(mesh, PartitionSpec("batch"))
        self._train = jax.jit(self._train_steps, donate_argnums=(0,), out_shardings=self._everywhere)

    def put(self, array):
        return jax.device_put(array, self._everywhere)

    def _batch(self, images, labels, index):
        # Each device looks up its part of the rows in its own copy of the data; all that follows is shared out alike.
        share = jax.lax.with_sharding_constraint(index, self._shared_out)
        return jax.lax.with_sharding_constraint(super()._batch(images, labels, share), self._shared_out)

    def _state(self):
        return jax.device_put(super()._state(), self._everywhere)

    def _keep(self, state):
        # By way of the host, which leaves them bound to no device: whatever comes next may use them anywhere.
        super()._keep(jax.tree.map(lambda value: jnp.array(np.asarray(value)), state))

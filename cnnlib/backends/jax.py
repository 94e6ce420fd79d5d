"""JAX: `lax.fori_loop` over the steps of an epoch; weights, moments and random states go in and come out.

The programs are compiled for arrays of definite shapes. On several devices the program stays that of the whole batch,
so batch statistics, dropout and augmentation are those of one device; the compiler divides the work over arrays that
are laid out on a row of devices and adds up the gradients.
"""

import contextlib
import importlib.util
import os

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

VIRTUAL_CPUS = "set XLA_FLAGS=--xla_force_host_platform_device_count=2 before Python starts"
_GPU_FLAG = "--xla_gpu_deterministic_ops=true"


def put(array):
    return jnp.asarray(array)


def compile_training(forward, update, state, arrays):
    steps = jax.jit(_steps(forward, update), donate_argnums=(0,))
    data = (arrays.images, arrays.labels, arrays.order, arrays.rates, arrays.settings)
    compiled = steps.lower(_values(state), *data, 0, 0, 0).compile()
    return _program(compiled, _values, _keep)


def compile_sums(sums, variables, arrays):
    def batches(values, images, labels, order, weights):
        def batch_of(i, totals):
            found = sums(values, images[order[i]], labels[order[i]], weights[i])
            return tuple(total + value for total, value in zip(totals, found, strict=True))

        return jax.lax.fori_loop(0, order.shape[0], batch_of, (jnp.zeros(()),) * 3)

    def values_of(variables):
        return [variable.value for variable in variables]

    compiled = jax.jit(batches).lower(values_of(variables), *arrays).compile()
    return lambda variables, *arrays: tuple(float(v) for v in compiled(values_of(variables), *arrays))


def parallel_training(forward, update, state, devices, optimizer):
    mesh = Mesh(np.array(jax.devices()[:devices]), ("batch",))
    everywhere, shared_out = (NamedSharding(mesh, PartitionSpec(*axis)) for axis in ((), ("batch",)))

    def shares(array):
        # Each device looks up its part of the rows in its own copy of the data; all that follows is shared out alike.
        return jax.lax.with_sharding_constraint(array, shared_out)

    compiled = jax.jit(_steps(forward, update, shares), donate_argnums=(0,), out_shardings=everywhere)

    def values(state):
        return jax.device_put(_values(state), everywhere)

    def keep(state, values):
        # By way of the host, which leaves them bound to no device: whatever comes next may use them anywhere.
        _keep(state, jax.tree.map(lambda value: jnp.array(np.asarray(value)), values))

    return lambda array: jax.device_put(array, everywhere), _program(compiled, values, keep)


def device_names():
    return [str(device) for device in jax.devices()]


def device_scope(devices):
    """Nothing: weights are copied to the devices when the training begins."""
    return contextlib.nullcontext()


def built_for(model):
    return None


def free_bytes():
    statistics = jax.devices()[0].memory_stats()
    if not statistics or "bytes_limit" not in statistics:
        return None
    return statistics["bytes_limit"] - statistics.get("bytes_in_use", 0)


def make_deterministic(threads):
    """Both settings are read from the environment when the first operation starts the device client."""
    switches = {"xla_gpu_deterministic_ops": True}
    if threads is not None:
        os.environ["NPROC"] = str(threads)
        switches["threads"] = threads
    flags = os.environ.get("XLA_FLAGS", "")
    if _GPU_FLAG not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {_GPU_FLAG}".strip()
    return switches


def input_gradient(function, array):
    return np.asarray(jax.grad(function)(jnp.asarray(array)))


def accelerator():
    device = jax.devices()[0]
    return None if device.platform == "cpu" else device.device_kind


def uses_gpus():
    return any(importlib.util.find_spec(f"jax_cuda{version}_plugin") for version in (12, 13))


def gains_from_bfloat16():
    """Not on CPUs, whose bfloat16 kernels were measured slower or equal."""
    return jax.default_backend() != "cpu"


def _steps(forward, update, shares=lambda array: array):
    gradient = jax.grad(_loss_first(forward), has_aux=True)

    def steps(state, images, labels, order, rates, settings, first, start, stop):
        def step(i, carry):
            (trainable, frozen, moments, noise), total, correct = carry
            index, done = shares(order[i]), first + i
            batch = shares(images[index]), shares(labels[index])
            gradients, (value, right, frozen, noise) = gradient(trainable, frozen, noise, *batch, settings)
            trainable, moments = update(trainable, gradients, moments, done + 1, rates[done], settings)
            state = tuple(map(list, (trainable, frozen, moments, noise)))
            return state, total + value, correct + right

        return jax.lax.fori_loop(start, stop, step, (state, jnp.zeros(()), jnp.zeros(())))

    return steps


def _loss_first(forward):
    def loss(*arguments):
        value, rest = forward(*arguments)
        return value, (value, *rest)

    return loss


def _program(compiled, values, keep):
    def program(state, arrays, first, start, stop):
        data = (arrays.images, arrays.labels, arrays.order, arrays.rates, arrays.settings)
        # The state is donated to the compiled call, whose results take its place at once.
        new, total, correct = compiled(values(state), *data, first, start, stop)
        keep(state, new)
        return float(total), float(correct)

    def lowered(state, arrays):
        """The program before its compilation, for whoever wants to read it."""
        data = (arrays.images, arrays.labels, arrays.order, arrays.rates, arrays.settings)
        return compiled.lower(values(state), *data, 0, 0, 1)

    program.lowered = lowered
    return program


def _values(state):
    return tuple([variable.value for variable in group] for group in state.groups())


def _keep(state, values):
    for variables, new in zip(state.groups(), values, strict=True):
        for variable, value in zip(variables, new, strict=True):
            variable.assign(value)

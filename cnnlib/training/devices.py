"""Training on several devices at once: each takes an equal share of every batch, all keep the same weights.

What a backend does for it stands in `devices_jax` and `devices_tensorflow`; PyTorch has no such module.
"""

import contextlib
import importlib

import keras

BACKENDS = ("jax", "tensorflow")


def on_devices(devices):
    """A context in which a network is built for training on `devices` devices.

    TensorFlow decides where a weight lies when it makes it, so a network for several devices is built within;
    on JAX, and for one device on any backend, the context changes nothing.

    Args:
        devices: the first so many devices of the backend, an integer of at least 1, or None for one.

    Returns:
        A context manager.

    Raises:
        ValueError: `devices` is no such number, there are fewer, or the backend is PyTorch.
    """
    check_count(devices)
    return _module().scope(devices) if is_several(devices) else contextlib.nullcontext()


def scope_of(model, devices):
    """The context in which variables are made where those of `model` lie."""
    return _module().scope_of(model) if is_several(devices) else contextlib.nullcontext()


def is_several(devices):
    """Whether a number of devices, or None, means more than one."""
    return devices is not None and devices > 1


def check_count(devices):
    """ValueError unless the backend has `devices` devices; None passes."""
    if devices is None:
        return
    if isinstance(devices, bool) or not isinstance(devices, int) or devices < 1:
        raise ValueError(f"devices={devices!r} must be an integer of at least 1, or None")
    if devices == 1:
        return
    backend = keras.config.backend()
    if backend not in BACKENDS:
        raise ValueError(
            f"devices={devices} is not possible on {backend}, which trains on one device here; set KERAS_BACKEND to "
            "jax or tensorflow"
        )
    present = _module().names()
    if devices > len(present):
        raise ValueError(
            f"devices={devices}, but {backend} has {len(present)} ({', '.join(present[:8])}); take at most so many, "
            f"or, to try it out on a CPU, {_module().VIRTUAL_CPUS}"
        )


def check_devices(devices, model, recipe, loop):
    """ValueError unless `model` can be trained by `recipe` and `loop` on `devices` devices."""
    check_count(devices)
    if keras.config.backend() in BACKENDS:
        _module().check_network(model, devices or 1)
    if not is_several(devices):
        return
    if loop != "fused":
        raise ValueError(f"loop={loop!r} trains on one device; take loop='fused' for devices={devices}")
    if recipe.batch_size % devices:
        raise ValueError(
            f"Recipe: batch_size={recipe.batch_size} cannot be shared equally by devices={devices}; take a multiple, "
            f"{-(-recipe.batch_size // devices) * devices} for instance"
        )


def parallel_loop(model, optimizer, loss, augmentation, devices):
    """The fused loop of the running backend over several devices."""
    return _module().ParallelLoop(model, optimizer, loss, augmentation, devices)


def _module():
    return importlib.import_module(f"cnnlib.training.devices_{keras.config.backend()}")

"""Training on several devices at once: each takes an equal share of every batch, all keep the same weights.

What a backend does for it stands in `backends`.
"""

import contextlib

import keras

from cnnlib import backends


def on_devices(devices: int | None) -> contextlib.AbstractContextManager:
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
    return backends.current().device_scope(devices) if is_several(devices) else contextlib.nullcontext()


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
    backend, present = keras.config.backend(), backends.current().device_names()
    if devices > len(present):
        raise ValueError(
            f"devices={devices}, but {backend} has {len(present)} ({', '.join(present[:8])}); take at most so many, "
            f"or, to try it out on a CPU, {backends.current().VIRTUAL_CPUS}"
        )


def check_devices(devices, model, recipe, loop):
    """ValueError unless `model` can be trained by `recipe` and `loop` on `devices` devices."""
    check_count(devices)
    built_for = backends.current().built_for(model)
    if built_for not in (None, devices or 1):
        raise ValueError(
            f"devices={devices}, but the network {model.name} was built for {built_for}; train it with "
            f"devices={built_for}, or build it under `with training.on_devices({devices}):`"
        )
    if not is_several(devices):
        return
    if loop != "fused":
        raise ValueError(f"loop={loop!r} trains on one device; take loop='fused' for devices={devices}")
    if recipe.batch_size % devices:
        raise ValueError(
            f"Recipe: batch_size={recipe.batch_size} cannot be shared equally by devices={devices}; take a multiple, "
            f"{-(-recipe.batch_size // devices) * devices} for instance"
        )

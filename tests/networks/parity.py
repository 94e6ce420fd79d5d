"""Shared by the parity tests: weights that keep signals alive, and the bound that outputs must keep."""

import keras
import numpy as np

BOUND = 1e-5  # relative: the largest difference over the largest magnitude


def relative_error(ours, theirs):
    return float(np.max(np.abs(ours - theirs)) / np.max(np.abs(theirs)))


def images(side, seed, count=3, dtype="float32"):
    """(N, side, side, 3), standard normal with a different offset for each image."""
    random = np.random.default_rng(seed)
    return (random.normal(size=(count, side, side, 3)) + random.normal(size=(count, 1, 1, 3))).astype(dtype)


def predict(model, x):
    """The model's output as an array, or a dict of arrays."""
    outputs = call(model, x, training=False)
    convert = keras.ops.convert_to_numpy
    return {k: convert(v) for k, v in outputs.items()} if isinstance(outputs, dict) else convert(outputs)


def call(model, x, training):
    """The outputs; on JAX compiled as a whole, since step by step it compiles every operation by itself."""
    if keras.backend.backend() != "jax":
        return model(keras.ops.convert_to_tensor(x), training=training)
    import jax

    def outputs(trainable, others, x):
        return model.stateless_call(trainable, others, x, training=training)

    trainable, others = model.trainable_variables, model.non_trainable_variables
    results, updated = jax.jit(outputs)([v.value for v in trainable], [v.value for v in others], x)
    for variable, value in zip(others, updated, strict=True):
        variable.assign(value)
    return results


def assert_same_function(ours, theirs, xs):
    """`ours` and `theirs` map arrays (N, H, W, 3) to arrays; both must vary over the images of each array."""
    for x in xs:
        a, b = ours(x), theirs(x)
        a, b = (o if isinstance(o, dict) else {"scores": o} for o in (a, b))
        assert a.keys() == b.keys()
        for name in b:
            assert_alive(b[name])
            assert relative_error(a[name], b[name]) <= BOUND, (
                name,
                x.shape,
                relative_error(a[name], b[name]),
            )


def assert_alive(outputs):
    """Outputs of order one that depend on the image: equal constants would prove nothing."""
    assert np.all(np.isfinite(outputs))
    assert 1e-2 < np.max(np.abs(outputs)) < 1e3, np.max(np.abs(outputs))
    for i in range(1, len(outputs)):
        assert relative_error(outputs[i], outputs[0]) > 1e-2


def randomise_keras(model, x, seed=0):
    """He-scaled kernels, random scales and shifts; BatchNorm statistics near those of `x`, but not equal to them."""
    random = np.random.default_rng(seed)
    normalisations = []
    for layer in _leaves(model):
        kernel = getattr(layer, "kernel", None)
        if kernel is not None:
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            fan_in = np.prod(kernel.shape[:2] if depthwise else kernel.shape[:-1])
            kernel.assign(random.normal(size=kernel.shape) * np.sqrt(2 / fan_in))
        for part, centre, spread in (("gamma", 1.0, 0.2), ("beta", 0.0, 0.2), ("bias", 0.0, 0.2)):
            variable = getattr(layer, part, None)
            if variable is not None:
                variable.assign(centre + spread * random.normal(size=variable.shape))
        if isinstance(layer, keras.layers.BatchNormalization):
            normalisations.append((layer, layer.momentum))
            layer.momentum = 0.0
    if normalisations:
        call(model, x, training=True)
    for layer, momentum in normalisations:
        layer.momentum = momentum
        mean, variance = (keras.ops.convert_to_numpy(v) for v in (layer.moving_mean, layer.moving_variance))
        layer.moving_mean.assign(mean + 0.2 * np.sqrt(variance) * random.normal(size=mean.shape))
        layer.moving_variance.assign(variance * random.uniform(0.7, 1.4, size=mean.shape) + 0.1)


def _leaves(model):
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _leaves(layer)
        else:
            yield layer


def randomise_torch(module, x, seed=0):
    """The same for a torch module; `x` (N, H, W, 3) as an array."""
    import torch
    from torch import nn

    random = np.random.default_rng(seed)

    def normal(shape):
        return torch.as_tensor(random.normal(size=tuple(shape)))

    norms = [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]
    with torch.no_grad():
        for name, p in module.named_parameters():
            if p.ndim > 1 and not name.endswith("layer_scale"):
                p.copy_(normal(p.shape) * (2 / p[0].numel()) ** 0.5)
            else:
                p.copy_((0.0 if name.endswith("bias") else 1.0) + 0.2 * normal(p.shape))
        for m in norms:
            m.momentum = 1.0
        module.train()
        if norms:
            module(channels_first(x))
        for m in norms:
            m.running_mean += 0.2 * m.running_var.sqrt() * normal(m.running_mean.shape).to(m.running_mean)
            scale = torch.as_tensor(random.uniform(0.7, 1.4, size=tuple(m.running_var.shape)))
            m.running_var.copy_(m.running_var * scale + 0.1)
    module.eval()
    return module


def channels_first(x):
    import torch

    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))


def predict_torch(module, x):
    import torch

    with torch.no_grad():
        outputs = module(channels_first(x))
    return {k: v.numpy() for k, v in outputs.items()} if isinstance(outputs, dict) else outputs.numpy()

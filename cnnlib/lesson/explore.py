"""Explorers: figures with sliders; where no browser answers, in a batch run or on the site, the figure alone."""

import os
import sys

import numpy as np

from cnnlib import plots

_KERNELS = {
    "vertical edge": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
    "horizontal edge": [[1, 2, 1], [0, 0, 0], [-1, -2, -1]],
    "blur": [[1 / 9] * 3] * 3,
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
}


def interactive():
    """Whether this process is the kernel of a notebook that somebody has open.

    A Jupyter server names the notebook to the kernels of its sessions; papermill and nbval start kernels without one.
    Setting CNNLIB_WIDGETS to 0 or 1 decides otherwise.
    """
    if wish := os.environ.get("CNNLIB_WIDGETS"):
        return wish != "0"
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None or not hasattr(shell, "kernel"):
        return False
    return (
        "JPY_SESSION_NAME" in os.environ
        or "__vsc_ipynb_file__" in shell.user_ns
        or "google.colab" in sys.modules
    )


def _explore(draw, **controls):
    """Show `draw(**values)`, a figure, below a control for each value; without a browser at the first values.

    Args:
        draw: function of the values that returns a Figure; a ValueError is shown as its sentence.
        controls: for each value a tuple (default, low, high) of integers, (default, low, high, step) of floats, or a
            list of choices, the first one the default.
    """
    from IPython.display import display

    first = {name: control[0] for name, control in controls.items()}
    if not interactive():
        display(draw(**first))
        print(
            "to explore in JupyterLab: " + "; ".join(f"{_words(n)} {_range(c)}" for n, c in controls.items())
        )
        return
    import ipywidgets

    image, sentence = ipywidgets.Image(format="png", value=draw(**first).png()), ipywidgets.HTML()
    image.layout.max_width = "100%"
    widgets = {name: _widget(ipywidgets, name, control) for name, control in controls.items()}

    def update(_change):
        try:
            image.value = draw(**{name: widget.value for name, widget in widgets.items()}).png()
            sentence.value = ""
        except ValueError as error:
            import html

            sentence.value = html.escape(str(error))

    for widget in widgets.values():
        widget.observe(update, names="value")
    box = ipywidgets.Box(list(widgets.values()), layout={"flex_flow": "row wrap"})
    display(ipywidgets.VBox([box, sentence, image]))


def _widget(ipywidgets, name, control):
    common = {
        "description": _words(name),
        "style": {"description_width": "initial"},
        "continuous_update": False,
    }
    if isinstance(control, list):
        del common["continuous_update"]
        return ipywidgets.Dropdown(options=control, value=control[0], **common)
    default, low, high, *step = control
    if step:
        return ipywidgets.FloatSlider(value=default, min=low, max=high, step=step[0], **common)
    return ipywidgets.IntSlider(value=default, min=low, max=high, **common)


def _words(name):
    return name.replace("_", " ")


def _range(control):
    if isinstance(control, list):
        return " or ".join(map(str, control))
    return f"{control[1]:g} to {control[2]:g}"


def explore_convolution(image, kernels=None):
    """Convolve an image: choose kernel, padding, stride and dilation, and the place that is shown in numbers.

    Args:
        image: numbers (H, W) or (H, W, 1), at least 12 on a side.
        kernels: `{name: numbers (kh, kw)}`; default edges, blur, sharpen, identity.
    """
    image = np.asarray(image, float)
    image = image[..., 0] if image.ndim == 3 else image
    kernels = {str(k): np.asarray(v, float) for k, v in (kernels or _KERNELS).items()}

    def draw(kernel, padding, stride, dilation, row, column):
        return plots.convolution(image, kernels[kernel], padding=padding, stride=stride, dilation=dilation,
                                 position=(row, column))  # fmt: skip

    middle, last = (np.array(image.shape) // 2, np.array(image.shape) - 1)
    _explore(draw, kernel=list(kernels), padding=(0, 0, 3), stride=(1, 1, 3), dilation=(1, 1, 3),
             row=(int(middle[0]), 0, int(last[0])), column=(int(middle[1]), 0, int(last[1])))  # fmt: skip


def explore_receptive_field():
    """Trace what one unit sees through layers of a kernel, a stride of the last one, and a dilation."""

    def draw(layers, kernel, stride, dilation):
        rows = [(f"layer {i + 1}", kernel, 1, dilation) for i in range(layers)]
        rows[0] = ("layer 1", kernel, stride, 1)
        return plots.receptive_field_cone(rows)

    _explore(draw, layers=(3, 1, 6), kernel=(3, 1, 5), stride=(1, 1, 3), dilation=(1, 1, 3))


def explore_initialization(width=64, seed=0):
    """Norms of the gradient by layer of a dense network as it is initialized: choose scale, activation and depth.

    Args:
        width: units of each layer.
        seed: of the weights and the inputs.
    """
    functions = {
        "relu": (lambda z: np.maximum(z, 0), lambda z: z > 0),
        "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
        "sigmoid": (_sigmoid, lambda z: _sigmoid(z) * (1 - _sigmoid(z))),
    }
    variances = {"He: 2 / inputs": 2.0, "Glorot: 1 / inputs": 1.0}

    def norms(variance, activation, depth):
        rng = np.random.default_rng(seed)
        x, weights, sums = rng.normal(size=(64, width)), [], []
        function, slope = functions[activation]
        for _ in range(depth):
            weights.append(rng.normal(size=(width, width)) * np.sqrt(variance / width))
            sums.append(x @ weights[-1])
            x = function(sums[-1])
        gradient, found = rng.normal(size=x.shape), []
        for weight, total in zip(reversed(weights), reversed(sums), strict=True):
            gradient = gradient * slope(total)
            found.append(np.linalg.norm(gradient) / np.sqrt(gradient.size))
            gradient = gradient @ weight.T
        return np.array(found[::-1])

    def draw(activation, depth, scale):
        series = {name: norms(variance * scale**2, activation, depth) for name, variance in variances.items()}
        return plots.gradient_norms(series, y_label="gradient of a unit, root mean square")

    _explore(draw, activation=list(functions), depth=(20, 2, 50), scale=(1.0, 0.5, 2.0, 0.1))


def _sigmoid(z):
    return 1 / (1 + np.exp(-np.clip(z, -500, 500)))


def explore_batch_normalization(seed=0):
    """Values of one channel before, during and after batch normalization: choose their statistics, gamma and beta."""
    values = np.random.default_rng(seed).normal(size=2000)

    def draw(mean, deviation, gamma, beta, batch_size):
        before = mean + deviation * values
        batch = before[:batch_size]
        normalized = (before - batch.mean()) / np.sqrt(batch.var() + 1e-5)
        return plots.normalization(before, normalized, gamma * normalized + beta)

    _explore(draw, mean=(2.0, -4.0, 4.0, 0.5), deviation=(2.0, 0.1, 4.0, 0.1), gamma=(1.0, 0.0, 3.0, 0.1),
             beta=(0.0, -3.0, 3.0, 0.5), batch_size=(128, 2, 256))  # fmt: skip


def explore_residual(width=64, seed=0):
    """Residual blocks as they are initialized: choose depth and scale of the branch; see its share of each output.

    Args:
        width: units of each layer; a block is dense, ReLU, dense.
        seed: of the weights and the inputs.
    """

    def run(depth, scale, shortcut):
        rng = np.random.default_rng(seed)
        x, blocks = rng.normal(size=(64, width)), []
        signal, shares = [np.linalg.norm(x)], []
        for _ in range(depth):
            first = rng.normal(size=(width, width)) * np.sqrt(2 / width)
            second = rng.normal(size=(width, width)) * np.sqrt(1 / width) * scale
            hidden = x @ first
            change = np.maximum(hidden, 0) @ second
            x = change + x if shortcut else change
            blocks.append((first, second, hidden > 0))
            signal.append(np.linalg.norm(x))
            shares.append(np.linalg.norm(change) / max(signal[-1], 1e-30))
        gradient = rng.normal(size=x.shape)
        found = [np.linalg.norm(gradient)]
        for first, second, active in reversed(blocks):
            gradient = ((gradient @ second.T) * active) @ first.T + (gradient if shortcut else 0)
            found.append(np.linalg.norm(gradient))
        return np.array(shares), np.array(signal), np.array(found[::-1])

    def draw(depth, branch_scale):
        shares, signal, gradient = run(depth, branch_scale, True)
        _, plain, plain_gradient = run(depth, branch_scale, False)
        names = ("with shortcut", "without")
        return plots.residual_growth(shares, dict(zip(names, (signal, plain), strict=True)),
                                     gradients=dict(zip(names, (gradient, plain_gradient), strict=True)))  # fmt: skip

    _explore(draw, depth=(16, 2, 40), branch_scale=(0.5, 0.0, 1.5, 0.1))


def explore_decision(model, images, labels, class_names):
    """What a trained network makes of an image that is shifted, turned, and partly covered.

    Args:
        model: a `keras.Model` on images (N, H, W, C) in [0, 1] whose output, or output `scores`, is logits.
        images: (N, H, W, C), uint8 or floats in [0, 1].
        labels: integers (N,).
        class_names: one name a class.
    """
    from PIL import Image

    images = np.asarray(images)
    images = images / 255 if images.dtype == np.uint8 else images.astype(float)
    side = min(images.shape[1:3])

    def changed(image, right, down, degrees, cover):
        channels = []
        for channel in np.moveaxis(image, -1, 0):
            picture = Image.fromarray(channel.astype(np.float32))
            picture = picture.rotate(degrees, Image.Resampling.BILINEAR, translate=(right, down))
            channels.append(np.asarray(picture))
        result = np.clip(np.stack(channels, -1), 0, 1)
        top, left = ((n - cover) // 2 for n in image.shape[:2])
        result[top : top + cover, left : left + cover] = 0.5
        return result

    def probabilities(batch):
        import keras

        outputs = model(np.asarray(batch, np.float32), training=False)
        outputs = outputs["scores"] if isinstance(outputs, dict) else outputs
        return keras.ops.convert_to_numpy(keras.ops.softmax(outputs))

    def draw(image, right, down, degrees, cover):
        shown = changed(images[image], right, down, degrees, cover)
        before, after = probabilities([images[image], shown])
        return plots.decision(images[image], shown, before, after, class_names, label=int(labels[image]))

    _explore(draw, image=(0, 0, len(images) - 1), right=(0, -side // 3, side // 3), down=(0, -side // 3, side // 3),
             degrees=(30, -90, 90), cover=(0, 0, side))  # fmt: skip

"""Every figure of the course from small examples, for the site, for the tests, and as sheets to look at.

`python -m workflow.site.gallery --to FOLDER` writes a PNG each, and sheets of all: at notebook width, at
400 pixels, in grey.
"""

import argparse
import functools
import time
from pathlib import Path

import numpy as np

from cnnlib import networks, plots

plots.use_family_styles(networks.styles())

IMAGE = np.array([[1, 2, 0, 3, 1], [0, 1, 3, 2, 0], [2, 0, 1, 1, 2], [1, 3, 0, 2, 1], [0, 1, 2, 0, 3]])
KERNEL = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
NETWORKS = (
    "lenet5",
    "alexnet",
    "vgg16",
    "nin",
    "googlenet",
    "resnet18",
    "densenet121",
    "mobilenet_v1",
    "convnext_tiny",
)


def _rng():
    return np.random.default_rng(0)


def _network(name, part=""):
    from cnnlib import inspect

    return plots.architecture(inspect.diagram(networks.outline(name), part))


@functools.cache
def _small_model():
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    x = inputs = keras.Input((32, 32, 3))
    for number in range(1, 7):
        x = layers.Conv2D(8, 3, padding="same", name=f"conv{number}", activation="relu")(x)
        if number in (2, 4):
            x = layers.MaxPooling2D(name=f"pool{number // 2}")(x)
    return keras.Model(inputs, x)


def _fields():
    from cnnlib import inspect

    model = _small_model()
    images = _rng().random((8, 32, 32, 3), np.float32)
    effective = {
        n: inspect.effective_receptive_field(model, n, images) for n in ("conv1", "conv2", "conv4", "conv6")
    }
    return plots.receptive_field_pyramid(
        inspect.receptive_fields(model), image_size=(32, 32), effective=effective
    )


def _paths():
    x, y = np.linspace(-2.2, 2.2, 90), np.linspace(-1.6, 1.6, 70)
    loss = 0.5 * (x[None] ** 2 + 12 * y[:, None] ** 2) + 0.02
    paths = {}
    for name, rate, momentum in (
        ("gradient descent", 0.15, 0),
        ("momentum", 0.04, 0.8),
        ("a smaller rate", 0.05, 0),
    ):
        point, velocity, path = np.array([-2.0, 1.2]), np.zeros(2), []
        for _ in range(25):
            path.append(point.copy())
            velocity = momentum * velocity - rate * np.array([1, 12]) * point
            point = point + velocity
        paths[name] = np.clip(path, [-2.2, -1.6], [2.2, 1.6])
    return plots.descent_paths(x, y, loss, paths, minimum=(0, 0))


def _norms():
    layers = np.arange(30)
    return plots.gradient_norms({"Glorot, ReLU": 1e-2 * 0.72 ** layers[::-1], "He, ReLU": 0.8 * 0.98 ** layers[::-1],
                                 "sigmoid": 1e-1 * 0.3 ** layers[::-1] + 1e-15})  # fmt: skip


def _history(top, rate, noise=0.0, seed=0):
    steps = np.arange(1, 9)
    rest = np.exp(-rate * steps) + noise * np.random.default_rng(seed).normal(size=8)
    return {"train_loss": 0.2 + 2 * rest, "train_accuracy": top + 0.04 - 0.7 * rest,
            "validation_loss": 0.3 + 2 * rest, "validation_accuracy": top - 0.7 * rest}  # fmt: skip


def _curves():
    recorded = {name: [_history(top, rate, 0.03, seed) for seed in range(5)]
                for name, top, rate in (("plain56", 0.8, 0.25), ("resnet56", 0.9, 0.45))}  # fmt: skip
    here = {"plain56": _history(0.8, 0.24), "resnet56": _history(0.9, 0.5)}
    return plots.learning_curves(here, recorded=recorded)


def _forest():
    rng = _rng()
    rows = {"ReLU over sigmoid": rng.normal(0.10, 0.008, 5), "max over average pooling": rng.normal(0.004, 0.006, 5),
            "batch normalization": rng.normal(0.03, 0.01, 5), "dropout": rng.normal(-0.006, 0.004, 5)}  # fmt: skip
    return plots.forest(rows, x_label="difference of test accuracy", margin=0.005, paper={"dropout": 0.015},
                        here={"ReLU over sigmoid": [0.096], "dropout": [-0.002]})  # fmt: skip


def _front():
    names = ["lenet5", "alexnet", "vgg11", "nin", "googlenet", "resnet18", "resnet34", "densenet_cifar", "mobilenet_v1",
             "convnext_tiny", "resnext29", "capsnet", "inception_v3", "highway19"]  # fmt: skip
    rng = _rng()
    cost = 10 ** rng.uniform(5.5, 8.5, len(names))
    accuracy = 0.84 + 0.025 * np.log10(cost / 3e5) + rng.normal(0, 0.01, len(names))
    intervals = {name: (value - 0.006, value + 0.006) for name, value in zip(names, accuracy, strict=True)}
    return plots.accuracy_cost({"network": names, "macs": cost, "accuracy": accuracy}, cost="macs", intervals=intervals,
                               cost_label="multiply-adds for one image")  # fmt: skip


def _panels():
    x = np.arange(1, 9)
    panels = {f"rate {rate:g}": {"SGD": 1 - np.exp(-x * rate * 3), "Adam": 1 - np.exp(-x * rate * 6) * 0.9}
              for rate in (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)}  # fmt: skip
    bands = {"rate 0.1": (1 - np.exp(-x * 0.25) - 0.05, 1 - np.exp(-x * 0.35) + 0.03)}
    return plots.small_multiples(x, panels, x_label="epoch", y_label="accuracy", bands=bands)


def _photo():
    y, x = np.mgrid[:28, :28]
    shirt = ((abs(x - 14) < 6) & (y > 5) & (y < 24)) | ((y > 5) & (y < 10) & (abs(x - 14) < 12))
    return shirt * (0.75 + 0.25 * np.sin(y))


def _normalization():
    values = 2 + 2 * _rng().normal(size=2000)
    normalized = (values - values.mean()) / values.std()
    return plots.normalization(values, normalized, 1.5 * normalized - 1)


def _residual():
    steps = np.arange(17)
    norms = {"with shortcut": 64 * 1.1**steps, "without": 64 * 0.6**steps}
    return plots.residual_growth(
        0.45 - 0.01 * steps[1:], norms, gradients={k: v[::-1] for k, v in norms.items()}
    )


def _decision():
    names = [
        "T-shirt",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    ]
    before, after = (np.exp(_rng().normal(0, 1.2, (2, 10)))[k] for k in (0, 1))
    image = np.clip(_photo(), 0, 1)
    return plots.decision(image, np.rot90(image), before / before.sum(), after / after.sum(), names, label=0)


# name: (heading, what it shows, function)
FIGURES = {
    **{f"network_{name}": (f"{name} as blocks", "drawn from its graph", functools.partial(_network, name))
       for name in NETWORKS},
    "inception_3a": ("A module of GoogLeNet", "four paths in the paper's order",
                     lambda: _network("googlenet", "inception_3a")),
    "residual_block": ("A residual block", "shortcut around two convolutions",
                       lambda: _network("resnet18", "stage2_block1")),
    "dense_block": ("A dense block", "arcs from each layer to all behind",
                    lambda: _network("densenet_cifar", "block1")),
    "sliding_kernel": ("A sliding kernel", "values, products and sum", lambda: plots.sliding_kernel(IMAGE, KERNEL)),
    "stride": ("Stride and padding", "every second place of a padded image",
               lambda: plots.sliding_kernel(IMAGE, KERNEL, stride=2, padding=1)),
    "dilation": ("Dilation", "a kernel with gaps",
                 lambda: plots.sliding_kernel(_rng().integers(0, 4, (7, 7)), KERNEL, dilation=2)),
    "pooling": ("Max pooling", "the largest value of each window",
                lambda: plots.sliding_pool(_rng().integers(0, 10, (4, 4)), 2, steps=[(0, 0), (0, 1), (1, 1)])),
    "padding": ("Kinds of padding", "what stands beyond the edges",
                lambda: plots.padding_kinds(np.arange(1, 17).reshape(4, 4))),
    "settings": ("Stride, padding, dilation", "the first two windows and the size of the output",
                 lambda: plots.window_settings(7, {"valid": {}, "padding 1": {"padding": 1}, "stride 2": {"stride": 2},
                                                   "dilation 2": {"dilation": 2}})),
    "channels": ("Channels", "products of all channels, added",
                 lambda: plots.convolution_channels(_rng().integers(0, 4, (4, 4, 3)), _rng().integers(-1, 2, (3, 3, 3)),
                                                    1)),
    "groups": ("Groups", "which channels see which", lambda: plots.channel_groups(6, 6, (1, 2, 3, 6))),
    "transposed": ("Transposed convolution", "each value lays down the kernel",
                   lambda: plots.transposed_convolution([[1, 2], [3, 4]], [[1, 0, 1], [0, 2, 0], [1, 0, 1]])),
    "im2col": ("im2col", "a convolution as a product of matrices", lambda: plots.im2col(IMAGE[:4, :4], KERNEL, step=1)),
    "backward": ("Backward pass", "the gradient and the rotated kernel",
                 lambda: plots.convolution_backward(IMAGE[:4, :4], KERNEL, [[1, 2], [0, -1]])),
    "convolution": ("A convolution of an image", "one window in numbers",
                    lambda: plots.convolution(_photo(), KERNEL, padding=1)),
    "cone": ("A receptive field", "traced from one unit to the input",
             lambda: plots.receptive_field_cone([("conv1", 3, 1, 1), ("conv2", 3, 1, 1), ("pool", 2, 2, 1),
                                                 ("conv3", 3, 1, 2)])),
    "pyramid": ("Receptive fields", "theoretical and effective", _fields),
    "paths": ("Optimizers", "paths on the contours of a loss", _paths),
    "norms": ("Gradient norms", "by layer", _norms),
    "histograms": ("Histograms of 56 layers", "activations that shrink", lambda: plots.distributions(
        {f"conv{i + 1}": _rng().normal(size=400) * 0.95**i for i in range(56)}, x_label="activation")),
    "forest": ("Paired differences", "trials, interval, margin, paper, this run", _forest),
    "curves": ("Learning curves", "this run over recorded trials", _curves),
    "front": ("Accuracy and cost", "named points with intervals", _front),
    "panels": ("Small multiples", "a panel for each learning rate", _panels),
    "dots": ("Dots", "trials and their mean, not from zero", lambda: plots.dots(
        {n: _rng().normal(m, 0.004, 5) for n, m in (("lenet5", 0.871), ("vgg11", 0.902), ("resnet18", 0.911))},
        x_label="test accuracy", y_label="network", reference=("paper", 0.9))),
    "normalization": ("Batch normalization", "one channel before, during and after", _normalization),
    "residual_growth": ("Residual blocks", "share of the change, norms with and without shortcuts", _residual),
    "decision": ("A decision", "probabilities of an image and of its changed form", _decision),
    "slope": ("Slope", "before and after", lambda: plots.slope(
        {"lenet5": 0.87, "vgg11": 0.90, "plain20": 0.897, "resnet18": 0.91},
        {"lenet5": 0.88, "vgg11": 0.915, "plain20": 0.92, "resnet18": 0.918},
        labels=("without", "with batch norm"), y_label="test accuracy", number_format="{:.3f}")),
}  # fmt: skip


def gallery_page(folder):
    """Draw all figures into `folder`; the page that shows them, in MyST."""
    folder.mkdir(parents=True, exist_ok=True)
    about = (
        "Every kind of figure of `cnnlib.plots`, made by a script from a network or small example data. The numbers "
        "of the evidence figures here are examples, not results."
    )
    lines = ["# Gallery of figures", "", about, ""]
    for name, (heading, shows, _) in FIGURES.items():
        (folder / f"{name}.png").write_bytes(_png(name))
        lines += [
            f"## {heading}",
            "",
            f"![{heading}: {shows}](gallery/{name}.png)",
            "",
            f"{shows[0].upper()}{shows[1:]}.",
            "",
        ]
    return "\n".join(lines)


@functools.cache
def _png(name):
    return FIGURES[name][2]().png()


def write_sheets(folder, columns=3):
    """All figures on one sheet: at notebook width, at 400 pixels each, and in grey."""
    from PIL import Image

    images = [Image.open(folder / f"{name}.png").convert("RGB") for name in FIGURES]
    small = [
        image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS) for image in images
    ]
    for title, shown in (
        ("sheet", images),
        ("sheet-400", small),
        ("sheet-grey", [i.convert("L").convert("RGB") for i in images]),
    ):
        width, heights = max(image.width for image in shown) + 10, [0] * columns
        places = []
        for image in shown:
            column = heights.index(min(heights))
            places.append((column * width, heights[column]))
            heights[column] += image.height + 10
        sheet = Image.new("RGB", (columns * width, max(heights)), "#808080")
        for image, place in zip(shown, places, strict=True):
            sheet.paste(image, place)
        sheet.save(folder / f"{title}.png")


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m workflow.site.gallery", description=__doc__)
    parser.add_argument("--to", type=Path, required=True, metavar="FOLDER")
    folder = parser.parse_args(arguments).to
    folder.mkdir(parents=True, exist_ok=True)
    for name, (*_, make) in FIGURES.items():
        started = time.perf_counter()
        (folder / f"{name}.png").write_bytes(make().png())
        print(f"{name}: {time.perf_counter() - started:.2f} s")
    write_sheets(folder)


if __name__ == "__main__":
    main()

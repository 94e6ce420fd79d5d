"""The eight networks that have a peer: their small-image forms, and the recipes that the lessons' budgets give them."""

from dataclasses import dataclass, field

from workflow.jobs import make_jobs
from workflow.lessons import find_lessons, read_parameters
from workflow.parameters import all_values


@dataclass(frozen=True)
class SmallForm:
    """How a lesson builds and trains its main network.

    `taken` names the lesson's parameters that go into the network; `recipe` is what no parameter decides.
    """

    lesson: str
    options: dict
    recipe: dict
    taken: tuple = ()
    input_shape: tuple = field(default=(28, 28, 1))


ADAMW = {"optimizer": "adamw", "schedule": "one_cycle"}
NESTEROV = {"optimizer": "sgd", "nesterov": True, "schedule": "one_cycle"}
SMALL_FORMS = {
    "lenet5": SmallForm("04_lenet", {}, {**ADAMW, "weight_decay": 0.01}),
    "alexnet": SmallForm(
        "05_alexnet",
        {"stem": "small", "stem_stride": 2, "groups": 1, "normalization": "batch"},
        {**ADAMW, "weight_decay": 0.02},
        ("width",),
    ),
    "vgg11": SmallForm(
        "06_vgg",
        {"width": 0.25, "stem": "small", "normalization": "batch", "dropout": 0.2},
        {**ADAMW, "weight_decay": 0.05, "label_smoothing": 0.05},
    ),
    "nin": SmallForm(
        "07_nin",
        {"width": 0.5, "stem": "small", "normalization": "batch", "dropout": 0.25},
        {**ADAMW, "weight_decay": 0.02},
    ),
    "googlenet": SmallForm(
        "08_googlenet",
        {"stem": "small", "stem_stride": 2, "normalization": "batch", "dropout": 0.1},
        {**NESTEROV, "weight_decay": 0.0005},
        ("width",),
    ),
    "lenet5_bn": SmallForm("09_batch_normalization", {}, {**ADAMW, "weight_decay": 0.02}),
    "resnet18": SmallForm(
        "10_resnet", {"stem": "small", "stem_stride": 2}, {**NESTEROV, "weight_decay": 0.0005}, ("width",)
    ),
    "densenet_cifar": SmallForm(
        "11_densenet",
        {"stem_stride": 2, "compression": 0.5},
        {**ADAMW, "weight_decay": 0.02},
        ("depth", "growth"),
    ),
}


def parameters_of(network, budget, params=""):
    """`{name: value}` with which the network's lesson runs at `budget`; `params` as typed, "epochs=3"."""
    name = SMALL_FORMS[network].lesson
    lesson = next(lesson for lesson in find_lessons() if lesson.name == name)
    (job,) = make_jobs(budget, lessons=name, params=params).values()
    return all_values(read_parameters(lesson), job["parameters"])


def build(network, parameters):
    """The network as its lesson builds it; the seed is the caller's."""
    from cnnlib import networks

    form = SMALL_FORMS[network]
    taken = {name: parameters[name] for name in form.taken}
    return networks.build(network, input_shape=form.input_shape, classes=10, **form.options, **taken)


def recipe_of(network, parameters):
    """The lesson's recipe."""
    from cnnlib import training

    numbers = {name: parameters[name] for name in ("epochs", "batch_size", "learning_rate")}
    return training.Recipe(**numbers, **SMALL_FORMS[network].recipe)


def images_of(parameters):
    """Fashion-MNIST, as many images as the lesson takes."""
    from cnnlib import data

    sizes = {
        name: parameters[name] for name in ("train_examples", "validation_examples") if name in parameters
    }
    return data.load("fashion_mnist", seed=0, **sizes)


def augmentation_of(parameters, seed):
    """The mirror that some lessons train with, or None."""
    import keras

    return keras.layers.RandomFlip("horizontal", seed=seed) if parameters.get("mirror") else None


def train(network, parameters, seed, images, progress="none"):
    """(network, history) of one training from `seed`."""
    import keras

    from cnnlib import training

    keras.utils.set_random_seed(seed)
    model = build(network, parameters)
    history = training.train(
        model,
        images,
        recipe_of(network, parameters),
        seed=seed,
        augmentation=augmentation_of(parameters, seed),
        progress=progress,
    )
    return model, history

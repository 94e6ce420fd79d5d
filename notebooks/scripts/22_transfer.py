# %% [markdown]
# # 22 Transfer: what one task teaches another
#
# Nobody learns to see for each task anew. The first layers of a trained network answer to edges and blobs, and these serve any picture; only the last ones know the classes. So one copies the layers of a network that had many images, puts a new end on them, and trains
# on the few images that the new task has.
#
# *Papers:* J. Yosinski, J. Clune, Y. Bengio, H. Lipson, "How transferable are features in deep neural networks?" (2014); K. Simonyan, A. Zisserman, "Very deep convolutional networks" (2015), whose appendix A turns classifiers into localisers;
# R. R. Selvaraju and others, "Grad-CAM" (2017).
#
# **What you will learn**
# - to cut a network, keep its body, and freeze layers
# - when frozen layers are better and when one should tune them all
# - how the gain depends on the number of images, and which layers carry it
# - to ask a network where it looks (Grad-CAM)
# - to make a classifier say where a thing is: boxes
#
# **You need** lesson 04, or: what a convolutional network for classes is and how it is trained.
# **Time:** under a minute of computing at budget `quick`, two minutes at `cpu`; 45 minutes to read.

# %% tags=["parameters"]
budget: str = "quick"  # label of the budget: quick, cpu or gpu
seed: int = 0  # of weights and order of images
threads: int = 2  # CPU threads of the arithmetic
precision: str = "float32"  # float32, mixed_bfloat16 or auto
train_examples: int | None = 6000  # training images of all ten classes, half for each task; None for all
validation_examples: int = 3000  # images to compare choices with, half for each task
epochs: int = 3  # passes over the training images
batch_size: int = 32  # images a step
learning_rate: float = 0.002  # peak of the one-cycle schedules
head_learning_rate: float = 0.05  # the same where only the last layer is trained, which bears more
width: float = 1.5  # share of LeNet-5's channels and units
sizes: list = [25, 100, 1500]  # images of the new task that are compared, multiples of 5, rising
experiment_steps: int = 100  # steps of each training of an experiment, whatever its number of images
box_examples: int = 400  # training images with boxes, one item on a canvas each
box_epochs: int = 8  # passes over them
imagenet_weights: bool = False  # True fetches ResNet-50's weights, about 100 MB, from the site of Keras

# %% tags=["nbval-ignore-output"]
from cnnlib import lesson, data, inspect, networks, plots, training

import dataclasses

import keras
import numpy as np

lesson.begin("22_transfer", budget=budget, seed=seed, threads=threads, precision=precision)

# %% [markdown]
# ## The problem: five images of each class
#
# We cut Fashion-MNIST in two. The *source* task is to tell the classes 0 to 4 apart, all of them clothes for the body, and it has plenty of images. The *target* task is the other five: sandals, shirts, sneakers, bags, boots. Of these we pretend to have few.

# %%
loaded = data.load(
    "fashion_mnist", train_examples=train_examples, validation_examples=validation_examples, seed=0
)


def half(first):
    """The images of the five classes from `first` on, with labels from 0 to 4."""

    def part(split):
        rows = (split.labels >= first) & (split.labels < first + 5)
        return data.Split(split.images[rows], split.labels[rows] - np.int32(first))

    return data.Dataset(
        *map(part, (loaded.train, loaded.validation, loaded.test)),
        class_names=loaded.class_names[first : first + 5],
        name=f"{loaded.name}, classes {first} to {first + 4}",
        sha256=loaded.sha256,
    )


source, target = half(0), half(5)
for task in (source, target):
    print(f"{len(task.train.labels):,} training images of {', '.join(task.class_names)}")

# %% [markdown]
# How far does one get with five images of each class, and no learning at all? Take the mean of the five, and give each new image the class whose mean is nearest, in the space of its pixels. We draw the five anew twenty times.


# %%
def nearest_mean_accuracy(few, few_labels, many, many_labels):
    """Share of `many` (N, features) whose nearest mean of `few` is that of their class."""
    means = np.stack([few[few_labels == k].mean(axis=0) for k in range(5)])
    squared = (means**2).sum(axis=1) - 2 * many @ means.T  # the distances squared, but for what all share
    return float(np.mean(squared.argmin(axis=1) == many_labels))


def draws_of(count):
    """Twenty choices of `count` training rows of each class of the target."""
    by_class = [np.flatnonzero(target.train.labels == k) for k in range(5)]
    for draw in range(20):
        random = np.random.default_rng((0, count, draw))
        yield np.concatenate([random.choice(rows, count, replace=False) for rows in by_class])


def few_shot(train_features, validation_features, counts):
    """Nearest-mean accuracy for each count of images a class: {count: accuracies of twenty draws}."""
    return {
        count: [
            nearest_mean_accuracy(
                train_features[rows], target.train.labels[rows], validation_features, target.validation.labels
            )
            for rows in draws_of(count)
        ]
        for count in counts
    }


shots = [1, 2, 5, 10, 20]
pixels = [
    data.to_float(split.images).reshape(len(split.labels), -1) for split in (target.train, target.validation)
]
by_pixels = few_shot(*pixels, shots)
for count, accuracies in by_pixels.items():
    print(
        f"{count:2} images a class: accuracy {np.mean(accuracies):.3f}, of single draws {min(accuracies):.3f} to {max(accuracies):.3f}"
    )

# %% [markdown]
# Not bad for so little, but far from done; and look at the range of the single draws: with one or two images it is luck. A sandal may be nearer to a sneaker in the same place than to another sandal. What is missing is a better space than that of the pixels.
#
# ## The block: cut, copy, freeze
#
# A trained network *is* a way into such a space: cut it before its last layer, and what comes out are *features*, the numbers from which it told its own classes apart. A transferred network is the body of one network with a new head. From plain Keras layers:

# %%
keras.utils.set_random_seed(seed)
base = networks.build(
    "lenet5", input_shape=(28, 28, 1), classes=5, activation="relu", pooling="max", width=width
)
features = base.get_layer("dense2_activation").output
by_hand = keras.Model(base.input, keras.layers.Dense(5, name="scores")(features))
lesson.expect_same_function(by_hand, base)

# %% [markdown]
# The cut network with its new head is of the same form as the whole. So we can as well build a fresh network and copy the weights of the layers that we want to keep. A *frozen* layer keeps its weights through the training: `trainable = False`.

# %%
LAYERS = ("stage1_conv", "stage2_conv", "dense1", "dense2")  # from the image to the features


def fresh():
    """LeNet-5 with ReLU and max pooling for five classes, always from the lesson's seed."""
    keras.utils.set_random_seed(seed)
    return networks.build(
        "lenet5", input_shape=(28, 28, 1), classes=5, activation="relu", pooling="max", width=width
    )


def transplanted(origin, copied, frozen):
    """A fresh network with the weights of the first `copied` layers of `origin`, the first `frozen` of them fixed."""
    model = fresh()
    for number, name in enumerate(LAYERS[:copied]):
        model.get_layer(name).set_weights(origin.get_layer(name).get_weights())
        model.get_layer(name).trainable = number >= frozen
    return model


for frozen in range(5):
    model = transplanted(base, 4, frozen)
    count = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    print(f"{frozen} layers frozen: {count:7,} of {model.count_params():,} weights are trained")

# %% [markdown]
# Does a frozen layer really stay as it was? And what does the head see? If nothing below it moves, an image has the same features in each epoch, so that they can be computed once and for all, which saves most of the work.

# %%
model = transplanted(base, 4, 4)
one_step = training.Recipe(epochs=1, batch_size=32, optimizer="sgd", learning_rate=0.1)
handful = data.Dataset(
    target.train.take(64),
    target.validation.take(50),
    target.test.take(50),
    target.class_names,
    target.name,
    target.sha256,
)
training.train(model, handful, one_step, seed=seed, progress="none")
stayed = [
    all(
        np.array_equal(a, b)
        for a, b in zip(model.get_layer(n).get_weights(), base.get_layer(n).get_weights(), strict=True)
    )
    for n in LAYERS
]
moved = not np.array_equal(
    model.get_layer("scores").get_weights()[0], fresh().get_layer("scores").get_weights()[0]
)
lesson.claim(
    "22-frozen",
    "A frozen layer keeps its weights to the bit while the head is trained.",
    source="the definition of freezing",
    measured=f"{sum(stayed)} of {len(stayed)} frozen layers unchanged, the head changed: {moved}",
    holds=all(stayed) and moved,
)
once = inspect.feature_maps(base, handful.train.images, "dense2_activation")["dense2_activation"]
kernel, bias = model.get_layer("scores").get_weights()
whole = inspect.predict(model, handful.train.images)
apart = float(np.abs(once.astype("float32") @ kernel + bias - whole).max() / np.abs(whole).max())
lesson.expect_between(
    "difference of the head on stored features and the whole network, relative", apart, 0, 0.03
)

# %% [markdown]
# ## The network
#
# LeNet-5 in its modern form, as in lesson 04, with ReLU, max pooling and half as many channels more.

# %%
print(inspect.layer_table(base).weighted())

# %% [markdown]
# | | paper (Yosinski et al., 2014) | here |
# |---|---|---|
# | network | AlexNet, 8 layers | LeNet-5, 5 layers |
# | images | ImageNet, 645,000 for each half of 500 classes | Fashion-MNIST, halves of five classes |
# | halves | at random; also natural against man-made things | for the body against the rest, shirts excepted |
# | layers copied | 1 to 7, frozen or tuned, from the other half and from the same one | 1 to 4, frozen or tuned, from the other half |
# | boxes | VGG: ImageNet, one object's box (2015) | one garment on a noisy canvas |
#
# ## Training
#
# First the source network, on the clothes.

# %%
recipe = training.Recipe(
    epochs=epochs, batch_size=batch_size, optimizer="adamw", learning_rate=learning_rate, schedule="one_cycle"
)
recipe.table()

# %% tags=["nbval-ignore-output"]
source_network = fresh()
source_history = training.train(source_network, source, recipe, seed=seed)
lesson.add_run("source task", source_network, source_history)

# %% [markdown]
# Then the target with all the images that there are, once from scratch and once from the source network's body, all layers tuned. The second is the lesson's network.

# %% tags=["nbval-ignore-output"]
network, scratch = transplanted(source_network, 4, 0), fresh()
history = training.train(network, target, recipe, seed=seed)
scratch_history = training.train(scratch, target, recipe, seed=seed)
lesson.add_run("target from scratch, all images", scratch, scratch_history)
plots.learning_curves(
    {"source task": source_history, "target, transferred": history, "target, scratch": scratch_history}
)

# %% [markdown]
# The two tasks are not equally hard, so leave the source's line aside and compare the other two. Look at the first epoch and at the last: with thousands of images a good start saves time more than it raises the end.

# %% tags=["nbval-ignore-output"]
test = training.evaluate(network, target.test)
print(f"test accuracy on the five classes of the target {test['top1']:.4f}")

# %%
lesson.expect_between("test accuracy of the transferred network", test["top1"], 0.85, 1)

# %% [markdown]
# ## Looking inside
#
# ### Which layers moved?
#
# The distance between a layer's weights before and after tuning, as a share of their size at the start: for the transferred network, and for the one from scratch.

# %% tags=["nbval-ignore-output"]


def way(before, after):
    """Distance of each layer's kernel before and after, over its norm before."""
    kernels = [(before.get_layer(n).get_weights()[0], after.get_layer(n).get_weights()[0]) for n in LAYERS]
    return [float(np.linalg.norm(b - a) / np.linalg.norm(a)) for a, b in kernels]


plots.heatmap(
    np.array([way(source_network, network), way(fresh(), scratch)]),
    row_names=["transferred", "from scratch"],
    column_names=["conv 1", "conv 2", "dense 1", "dense 2"],
    x_label="layer",
    y_label="start of the network",
    value_label="way, share of the norm",
)

# %% [markdown]
# Compare the rows: where the transferred network went a shorter way, its layers were nearly right for the new task already. Then read along the upper row. A layer that hardly moved might as well have been frozen.
#
# ### Where does it look? Grad-CAM
#
# Which places of an image speak for its class? Take the maps $A_k$ of the last convolution and the gradient of the class's score by them. The mean of that gradient over all places, $\alpha_k$, says how much channel $k$ counts for the class; the weighted sum of the maps, cut at zero, says *where*:
#
# $$L = \max\Big(0, \sum_k \alpha_k A_k\Big).$$
#
# `inspect.grad_cam` computes it for any layer of any network. It is not the whole truth, but a fair first question to a network. The second convolution is not padded, so that its 10 x 10 places lie in the middle of the image, two places, that is four pixels, from each border; we put them there. Red is where the answer comes from:

# %% tags=["nbval-ignore-output"]
shown = np.array([np.flatnonzero(target.validation.labels == k)[0] for k in range(5)])
shown_images, shown_labels = target.validation.images[shown], target.validation.labels[shown]
looks = inspect.grad_cam(network, shown_images, "stage2_activation", shown_labels, upsample=False)
looks /= np.maximum(looks.max(axis=(1, 2), keepdims=True), 1e-9)
looks = np.kron(np.pad(looks, [(0, 0), (2, 2), (2, 2)]), np.ones((1, 2, 2)))  # (5, 10, 10) -> (5, 28, 28)
grey = data.to_float(shown_images)[..., 0]
overlay = np.stack([np.maximum(grey * 0.7, looks), grey * 0.7, grey * 0.7], axis=-1)
plots.image_grid(
    np.concatenate([np.repeat(grey[..., None], 3, axis=-1), overlay]),
    titles=list(target.class_names) * 2,
    columns=5,
)

# %% [markdown]
# Look for the parts that set a class apart: the open heel of a sandal, the handle of a bag, the shaft of a boot. Much of the red may lie on black ground. That is no error as such: that there is *nothing* at a place, no sleeve, no shaft, is information too.
#
# The worst mistakes of the transferred network:

# %% tags=["nbval-ignore-output"]
logits = inspect.predict(network, target.validation.images)
probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
plots.worst_mistakes(
    target.validation.images, target.validation.labels, probabilities, target.class_names, count=12
)

# %% [markdown]
# Look for pairs: shoes for other shoes, and bags that stand upright like shirts. Of the clothes only the shirts are left, so that the classes which lesson 04 mixed up most are apart.
#
# ## Experiments
#
# ### A few examples, and no training
#
# The nearest mean again, now in the space of features. The source network never saw a shoe. We take its features twice, behind the convolutions and behind all of its hidden layers; and, to be fair, those behind the convolutions of the same network with *random* weights. **Predict:** which of the four spaces is best for sandals and bags?


# %% tags=["nbval-ignore-output"]
def features_of(model, name):
    """The outputs of a layer as rows, for training and validation images of the target."""
    maps = [
        inspect.feature_maps(model, split.images, name)[name] for split in (target.train, target.validation)
    ]
    return [part.reshape(len(part), -1) for part in maps]


series = {
    "source, convolutions": few_shot(*features_of(source_network, "stage2_pool"), shots),
    "source, all layers": few_shot(*features_of(source_network, "dense2_activation"), shots),
    "random, convolutions": few_shot(*features_of(fresh(), "stage2_pool"), shots),
    "pixels": by_pixels,
}
plots.lines(
    shots,
    {name: [np.mean(v) for v in found.values()] for name, found in series.items()},
    bands={name: ([min(v) for v in f.values()], [max(v) for v in f.values()]) for name, f in series.items()},
    x_label="images of each class",
    y_label="accuracy of the nearest mean",
    x_log=True,
    chance=0.2,
)

# %%
at_five = {name: float(np.mean(found[5])) for name, found in series.items()}
lesson.claim(
    "22-other-half",
    "Features learnt on one half of the classes serve the other half better than random features do.",
    source="Yosinski et al., 2014, figure 2; Donahue et al., 2014",
    measured=", ".join(f"{name} {value:.4f}" for name, value in at_five.items()),
    difference=at_five["source, convolutions"] - at_five["random, convolutions"],
)
lesson.claim(
    "22-few-examples",
    "With five images of each class, nearest means are better in the space of transferred features than in that of pixels.",
    source="Donahue et al., 2014, for features of ImageNet",
    measured=", ".join(f"{name} {value:.4f}" for name, value in at_five.items()),
    difference=at_five["source, convolutions"] - at_five["pixels"],
)

# %% [markdown]
# The shaded bands reach from the unluckiest draw to the luckiest. Compare first the two lines of convolutions: their distance is what the *source task* taught, for the form of the network is the same. Then the two lines of the source network. Its last layers were made for five other classes, and had to throw away what did not matter to
# *them*; what a shoe needs may be among it. And the pixels, on pictures as small and tidy as these, are a strong rival to all of them.
#
# ### Frozen, tuned or from scratch: the number of images
#
# Now with training, each time for the same number of steps (a last layer alone gets a higher learning rate, for at that of the whole network it would hardly move): from scratch; with the source's body frozen, so that only a new last layer learns; and with all layers tuned. **Predict:** which one wins with few images, which one with many?

# %%
experiment_recipe = training.Recipe(
    epochs=1, batch_size=batch_size, optimizer="adamw", learning_rate=learning_rate, schedule="one_cycle"
)


head_recipe = dataclasses.replace(experiment_recipe, learning_rate=head_learning_rate)


def first_images(count):
    """The first `count` target images, classes in turn, repeated so that one epoch is `experiment_steps` steps."""
    by_class = [np.flatnonzero(target.train.labels == k)[: count // 5] for k in range(5)]
    rows = np.resize(np.stack(by_class, axis=1).ravel(), experiment_steps * batch_size)
    repeated = data.Split(target.train.images[rows], target.train.labels[rows])
    return data.Dataset(
        repeated, target.validation, target.test, target.class_names, target.name, target.sha256
    )


def accuracy_after(label, model, count):
    """Train on the first `count` images, keep the run, and return the validation accuracy."""
    only_head = len(model.trainable_variables) == 2
    its_recipe = head_recipe if only_head else experiment_recipe
    run = training.train(model, first_images(count), its_recipe, seed=seed, progress="none")
    lesson.add_run(f"{label}, {count} images", model, run)
    return run.validation_accuracy[-1]


# %% tags=["nbval-ignore-output"]
by_size = {"scratch": {}, "frozen": {}, "tuned": {}}
for count in sizes:
    by_size["scratch"][count] = accuracy_after("scratch", fresh(), count)
    by_size["frozen"][count] = accuracy_after("frozen", transplanted(source_network, 4, 4), count)
    by_size["tuned"][count] = accuracy_after("tuned", transplanted(source_network, 4, 0), count)
plots.lines(
    sizes,
    {name: list(found.values()) for name, found in by_size.items()},
    x_label="target images",
    y_label="validation accuracy",
    x_log=True,
    chance=0.2,
)

# %%
few, many = sizes[0], sizes[-1]
gain = {count: by_size["tuned"][count] - by_size["scratch"][count] for count in sizes}
gains = ", ".join(f"{value:+.4f} with {count} images" for count, value in gain.items())
lesson.claim(
    "22-gain-with-few",
    "With five images of each class a transferred network beats one from scratch.",
    source="Yosinski et al., 2014; Donahue et al., 2014",
    measured=f"gain of tuning over scratch {gains}",
    difference=gain[few],
)
lesson.claim(
    "22-gain-shrinks",
    "The gain of transfer shrinks as the training set of the new task grows.",
    source="He, Girshick, Dollar, 2019, on ImageNet and detection",
    measured=f"gain of tuning over scratch {gains}",
    difference=gain[few] - gain[many],
)
frozen_gain = {count: by_size["frozen"][count] - by_size["tuned"][count] for count in sizes}
frozen_gains = ", ".join(f"{value:+.4f} with {count} images" for count, value in frozen_gain.items())
lesson.claim(
    "22-frozen-with-few",
    "With five images of each class a frozen body is better than one that is tuned.",
    source="a common rule; Yosinski et al., 2014, section 1, for small target sets",
    measured=f"frozen over tuned {frozen_gains}",
    difference=frozen_gain[few],
)
lesson.claim(
    "22-tuned-with-many",
    "With many images a tuned body is better than a frozen one.",
    source="Yosinski et al., 2014, figure 2",
    measured=f"frozen over tuned {frozen_gains}",
    difference=-frozen_gain[many],
)

# %% [markdown]
# Read the lines from left to right. The distance of "tuned" and "scratch" is the gain of the transfer; see where it closes. Then find the place, if there is one, where "frozen" and "tuned" cross: a frozen body cannot overfit, and cannot learn either.
#
# ### Early layers and late ones
#
# Which layers carry the gain? The first $k$ layers of the source network are copied and frozen, the others start from random weights, and all is trained on the largest of the three sets. At $k = 0$ nothing is transferred, at four all but the scores. **Predict:** from which layer on does freezing hurt?

# %% tags=["nbval-ignore-output"]
by_depth = {0: by_size["scratch"][many]}
for k in (1, 2, 3):
    by_depth[k] = accuracy_after(f"first {k} layers frozen", transplanted(source_network, k, k), many)
by_depth[4] = by_size["frozen"][many]
plots.lines(
    list(by_depth),
    {
        "first layers copied and frozen": list(by_depth.values()),
        "from scratch": [by_depth[0]] * 5,
        "all copied and tuned": [by_size["tuned"][many]] * 5,
    },
    x_label="layers copied and frozen, of 4",
    y_label="validation accuracy",
)

# %%
lesson.claim(
    "22-early-layers",
    "Early layers transfer, late ones less: freezing the first layer costs less than freezing all but the last.",
    source="Yosinski et al., 2014, figure 2",
    measured=", ".join(f"{k} frozen {value:.4f}" for k, value in by_depth.items()),
    difference=by_depth[1] - by_depth[4],
)

# %% [markdown]
# See where the line leaves that of the network from scratch. The convolutions look at small windows, and edges are edges; the dense layers put together what made a *coat*. The paper found two reasons for the fall: the late layers are specific to their classes, and neighbouring layers that had learnt together are torn
# apart in the middle (2014). Our curve cannot tell these two apart; theirs could, by a control in which source and target were the same half.
#
# ### Where is it? From classes to boxes
#
# A network that knows *what* can be taught *where*. We put one garment of the target, in a random size, at a random place of a noisy canvas. Wanted is its *box*: row and column of the centre, height and width, in shares of the canvas. That is a *regression*: four numbers instead of a class, the squared error instead of the cross-entropy.

# %%
CANVAS = 40


def scenes(split, count, its_seed):
    """`count` canvases (N, 40, 40, 1) in [0, 1], the boxes of their items (N, 4), and the items' classes (N,)."""
    random = np.random.default_rng(its_seed)
    canvases = random.random((count, CANVAS, CANVAS)).astype("float32") * 0.4
    boxes = np.zeros((count, 4), "float32")
    pictures = data.to_float(split.images[:count])[..., 0]
    for i, picture in enumerate(pictures):
        side = random.integers(14, 29)
        chosen = np.arange(side) * 28 // side  # the nearest row of the picture for each row of the item
        item = picture[np.ix_(chosen, chosen)]
        top, left = random.integers(0, CANVAS - side + 1, size=2)
        place = canvases[i, top : top + side, left : left + side]
        np.maximum(place, item, out=place)
        rows, columns = (np.flatnonzero((item > 0.4).any(axis=axis)) for axis in (1, 0))
        height, width_of_item = np.ptp(rows) + 1, np.ptp(columns) + 1
        centre = top + rows[0] + height / 2, left + columns[0] + width_of_item / 2
        boxes[i] = np.array([*centre, height, width_of_item]) / CANVAS
    return canvases[..., None], boxes, split.labels[:count]


box_train, box_validation = scenes(target.train, box_examples, 1), scenes(target.validation, 500, 2)
print("canvases:", box_train[0].shape, "boxes:", box_train[1].shape)
print("mean box:", box_train[1].mean(axis=0).round(2))

# %% [markdown]
# Two boxes are compared by their *intersection over union*: the area that both cover over the area that either covers. One is a perfect match, and from a half on a box counts as found. What would the mean box get, if it were given each time?


# %%
def overlap(a, b):
    """Intersection over union of boxes a and b (N, 4): centre row, centre column, height, width."""
    low = np.maximum(a[:, :2] - a[:, 2:] / 2, b[:, :2] - b[:, 2:] / 2)
    high = np.minimum(a[:, :2] + a[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2)
    both = np.clip(high - low, 0, None).prod(axis=1)
    return both / (a[:, 2:].prod(axis=1) + b[:, 2:].prod(axis=1) - both)


one = np.array([[0.5, 0.5, 0.4, 0.4]])
print("a box with itself:", overlap(one, one))
print("moved by half of its width:", overlap(one, one + np.array([0, 0.2, 0, 0])).round(3))
always_the_mean = overlap(np.tile(box_train[1].mean(axis=0), (500, 1)), box_validation[1]).mean()
lesson.expect_between("overlap of the mean box", float(always_the_mean), 0.1, 0.5)

# %% [markdown]
# The body are the convolutions of the transferred network, which take a canvas as well as an image; behind them come a dense layer and the boxes. Two questions of VGG's appendix (2015): should there be *one* box for all classes, shared, or one *for each class*, of which the one of the right class is read? And should only the new layers be trained or
# *all* of them?
#
# `training.train` knows labels that are classes only, and reports accuracies; so for once we use Keras' own `fit`. The right class is given, as in the paper's test of these choices.


# %%
def box_network(per_class, tuned):
    """Canvas (40, 40, 1) -> boxes (boxes, 4), one or one for each class; the convolutions tuned or frozen."""
    keras.utils.set_random_seed(seed)
    x = inputs = keras.Input((CANVAS, CANVAS, 1))
    for stage in ("stage1", "stage2"):
        copied = network.get_layer(f"{stage}_conv")
        convolution = keras.layers.Conv2D.from_config(copied.get_config())
        x = keras.layers.MaxPooling2D(2)(keras.layers.ReLU()(convolution(x)))
        convolution.set_weights(copied.get_weights())
        convolution.trainable = tuned
    x = keras.layers.Dense(64, activation="relu")(keras.layers.Flatten()(x))
    count = 5 if per_class else 1
    boxes = keras.layers.Dense(4 * count, dtype="float32")(x)
    return keras.Model(inputs, keras.layers.Reshape((count, 4))(boxes))


def squared_error(chosen_and_box, boxes):
    """Of the box of the right class. `chosen_and_box` (N, boxes, 5): 1 for that box and 0 for others, then the truth."""
    chosen, truth = chosen_and_box[..., :1], chosen_and_box[..., 1:]
    return keras.ops.sum(chosen * (boxes - truth) ** 2, axis=(1, 2))


def answers_for(boxes, classes, per_class):
    """What `squared_error` compares with: (N, boxes, 5)."""
    chosen = np.eye(5, dtype="float32")[classes] if per_class else np.ones((len(classes), 1), "float32")
    return np.concatenate([chosen[..., None], np.repeat(boxes[:, None], chosen.shape[1], axis=1)], axis=-1)


def boxes_of(model, canvases, classes):
    """The box of the right class for each canvas, (N, 4)."""
    boxes = inspect.predict(model, canvases)
    return boxes[np.arange(len(classes)), classes if boxes.shape[1] > 1 else 0]


# %% tags=["nbval-ignore-output"]
found_boxes, overlaps = {}, {}
for label, per_class, tuned in (
    ("shared box, all layers", False, True),
    ("box for each class, all layers", True, True),
    ("box for each class, head only", True, False),
):
    localiser = box_network(per_class, tuned)
    localiser.compile(
        keras.optimizers.Adam(0.002), squared_error, jit_compile=keras.backend.backend() == "jax"
    )  # elsewhere compiling would take longer than these few steps
    canvases, truth, classes = box_train
    localiser.fit(canvases, answers_for(truth, classes, per_class), batch_size, box_epochs, verbose=0)
    found_boxes[label] = boxes_of(localiser, box_validation[0], box_validation[2])
    overlaps[label] = overlap(found_boxes[label], box_validation[1])
plots.bars(
    {label: float(values.mean()) for label, values in overlaps.items()}
    | {"always the mean box": float(always_the_mean)},
    x_label="mean intersection over union, validation canvases",
    y_label="localiser",
)

# %%
mean_overlap = {label: float(values.mean()) for label, values in overlaps.items()}
share_found = {label: float((values > 0.5).mean()) for label, values in overlaps.items()}
lesson.expect_between("mean overlap of the best localiser", max(mean_overlap.values()), 0.3, 1)
lesson.claim(
    "22-boxes-by-class",
    "A box for each class is better than one box shared by all.",
    source="Simonyan and Zisserman, 2015, table 8: error 34.3 against 36.4 percent",
    measured=f"mean overlap {mean_overlap['box for each class, all layers']:.4f} against {mean_overlap['shared box, all layers']:.4f}",
    difference=mean_overlap["box for each class, all layers"] - mean_overlap["shared box, all layers"],
)
lesson.claim(
    "22-boxes-all-layers",
    "For boxes, tuning all layers is better than training the head only.",
    source="Simonyan and Zisserman, 2015, table 8: error 33.1 against 34.3 percent",
    measured=f"mean overlap {mean_overlap['box for each class, all layers']:.4f} against {mean_overlap['box for each class, head only']:.4f}",
    difference=mean_overlap["box for each class, all layers"] - mean_overlap["box for each class, head only"],
)

# %% [markdown]
# Compare the upper three bars with the last one: what the mean box gets is no achievement. A box for each class has five times as many last weights and a fifth of the images for each of them. On ImageNet, with a thousand images a class, that paid off; does it with as few as here? The eight last validation canvases, the true boxes white, those of the
# second localiser in colour:


# %% tags=["nbval-ignore-output"]
def with_boxes(canvas, boxes_and_colours):
    """The canvas (40, 40, 1) in colour, four times as large, with the outline of each box."""
    picture = np.repeat(np.kron(canvas[..., 0], np.ones((4, 4)))[..., None], 3, axis=-1) * 0.8
    for box, colour in boxes_and_colours:
        low, high = box[:2] - box[2:] / 2, box[:2] + box[2:] / 2
        (top, left), (bottom, right) = (
            np.clip((p * 4 * CANVAS).astype(int), 0, 4 * CANVAS - 1) for p in (low, high)
        )
        picture[[top, bottom], left : right + 1] = colour
        picture[top : bottom + 1, [left, right]] = colour
    return picture


second = "box for each class, all layers"
orange = (0.9, 0.6, 0.0)
pictures = [
    with_boxes(
        box_validation[0][i], [(box_validation[1][i], (1.0, 1.0, 1.0)), (found_boxes[second][i], orange)]
    )
    for i in range(-8, 0)
]
titles = [f"overlap {overlaps[second][i]:.2f}" for i in range(-8, 0)]
plots.image_grid(np.stack(pictures), titles=titles, columns=4)

# %% [markdown]
# Look at the small overlaps: is it the place that is wrong or the size? A flat sneaker and a tall boot have different boxes at the same place, and that is what a box for each class could know beforehand.
#
# ### With the network at hand: ImageNet
#
# In practice the source is ImageNet, and somebody else has paid for the training. This part needs the internet and about 100 MB, and is left out unless the parameter `imagenet_weights` is set. It fetches ResNet-50 as Keras publishes it, copies its weights into the course's own network, and asks for nearest means in *its* features.


# %%
def resnet_features(pictures, weights):
    """Features (N, 2048) of the course's ResNet-50 with published weights, of grey images at 96 x 96 pixels."""
    theirs = keras.applications.ResNet50(weights=weights)
    ours = networks.build("resnet50", input_shape=(96, 96, 3))
    networks.load_keras_weights(ours, theirs)
    colour = np.repeat(pictures, 3, axis=-1).astype("float32")
    large = keras.ops.convert_to_numpy(keras.ops.image.resize(colour, (96, 96), "bilinear"))
    last = ours.layers[-2].name  # global average pooling, in front of the scores
    return inspect.feature_maps(ours, keras.applications.resnet.preprocess_input(large), last, 64)[last]


if imagenet_weights:
    used = [
        data.Split(split.images[:1000], split.labels[:1000]) for split in (target.train, target.validation)
    ]
    found = [resnet_features(split.images, "imagenet") for split in used]
    few_rows = np.concatenate([np.flatnonzero(used[0].labels == k)[:5] for k in range(5)])
    accuracy = nearest_mean_accuracy(found[0][few_rows], used[0].labels[few_rows], found[1], used[1].labels)
    print(f"nearest means of five images a class, features of ImageNet: accuracy {accuracy:.3f}")
else:
    print("left out: set imagenet_weights to True")

# %% [markdown]
# The same cut works for each network of the catalogue that Keras or torchvision has weights for (`networks.load_keras_weights`, `networks.load_torch_weights`). Two things go wrong most often: the pixels must be prepared as they were in the *source* training, and a frozen body with batch normalisation must stay at its moving averages.
#
# ## Recap
#
# - A trained network without its last layer turns images into features; a new head makes a new classifier of it.
# - Whether a copied body helps depends on how near the two tasks are and on how many images the new one has. Train from scratch as well, for the same number of steps, before you believe in a gain.
# - Early layers serve other classes; late ones less, for they know their own.
# - Grad-CAM weighs a layer's maps by the gradient of a score and shows where the answer comes from.
# - The same body can be taught boxes; a regression takes the place of the classes.
# - What the last lesson does: all networks of the course side by side.

# %% tags=["nbval-ignore-output"]
lesson.record(
    network=network,
    history=history,
    test=test,
    data=target,
    name="lenet5_transferred",
    accuracy_by_images=by_size,
    accuracy_by_frozen_layers=by_depth,
    few_shot={name: {k: float(np.mean(v)) for k, v in found.items()} for name, found in series.items()},
    mean_overlap=mean_overlap,
    share_of_boxes_found=share_found,
)

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. `lesson.hint("22-1")` helps, `lesson.solution("22-1")` shows a way.
#
# **22-1.** A frozen body gives 512 features, and a new last layer tells 20 classes apart. How many weights are trained, biases included?

# %%
answer = None
lesson.check("22-1", answer)

# %% [markdown]
# **22-2.** Two boxes of 10 x 10 pixels; the second lies 5 pixels to the right of the first. What is their intersection over union?

# %%
answer = None
lesson.check("22-2", answer)

# %% [markdown]
# **22-3.** A body costs 100 million multiplications an image, its head one million. 1,000 images are shown for 50 epochs, forward passes only. By what factor is the work smaller if the frozen body's features are computed once and stored? (One decimal.)

# %%
answer = None
lesson.check("22-3", answer)

# %% [markdown]
# **22-4 (code).** Write `nearest_mean(few, labels, many)`: `few` (N, features) with `labels` from 0 to K - 1, each of them present; for each row of `many` the label of the nearest class mean.

# %%
nearest_mean = None
lesson.check("22-4", nearest_mean)

# %% [markdown]
# **22-5 (code).** Write `cam(maps, gradient)` in NumPy: Grad-CAM for one image from a layer's maps (h, w, c) and the gradient of the score by them (h, w, c): an array (h, w).

# %%
cam = None
lesson.check("22-5", cam)

# %% [markdown]
# **22-6 (code).** Write `freeze(model, count)`: of the layers of a Keras model that have weights, the first `count` are frozen and the others trained; nothing is returned.

# %%
freeze = None
lesson.check("22-6", freeze)

# %% [markdown]
# # 07 NiN: a network in every window, and no dense layers
#
# A convolution weighs the pixels of a window and adds them up: one linear step. Network in network lets a small network of
# its own look at each window, which costs two convolutions of 1x1 more. At the end it has one map for each class, and
# the average of a map is the score: the dense layers, and nine tenths of VGG's weights, are gone.
#
# *Paper:* M. Lin, Q. Chen, S. Yan, "Network in network" (2014).
#
# **What you will learn**
# - what a single linear filter cannot see, and what a 1x1 convolution behind it changes
# - that a convolution and two 1x1s are a dense network moved over the image
# - global average pooling: scores without weights, and class maps that you can look at
# - how often a plain NiN does not start to learn at all, and what a better start of its weights does
# - what the 1x1s cost, in multiply-adds and in time
#
# **You need** lessons 04 and 06, or: what convolution, pooling and a dense layer are, and what they cost.
# **Time:** under a minute of computing at budget `quick`, two minutes at `cpu`; 40 minutes to read.

# %% tags=["parameters"]
budget: str = "quick"  # label of the budget: quick, cpu or gpu
seed: int = 0  # of weights and order of images
threads: int = 2  # CPU threads of the arithmetic
precision: str = "float32"  # float32, mixed_bfloat16 or auto
train_examples: int | None = 2500  # training images of the main network; None for all
validation_examples: int = 2000  # images to compare choices with
experiment_examples: int | None = 2000  # training images of each network of an experiment
start_examples: int = 900  # training images of each of the trials at the start
epochs: int = 3  # passes over the training images, main network
experiment_epochs: int = 2  # the same for each network of an experiment
starts: int = 3  # trials with each way to start the weights
batch_size: int = 64  # images a step
learning_rate: float = 0.005  # peak of the one-cycle schedule
full_image_size: int | None = None  # pixels; trains the paper's form on stretched images; None leaves it out
full_epochs: int = 10  # passes over the training images, the paper's own form
devices: int = 1  # accelerators that share each batch of the full-size training

# %% tags=["nbval-ignore-output"]
import dataclasses
import time

from cnnlib import lesson, data, inspect, networks, plots, training

import keras
import numpy as np

lesson.begin("07_nin", budget=budget, seed=seed, threads=threads, precision=precision)

# %% [markdown]
# ## The problem: a filter is linear, and dense layers are dear
#
# Two things in VGG ask for a remedy. The first is what one filter can tell. Think of two maps, one that answers to
# vertical strokes and one that answers to horizontal strokes, and of the wish "one of the two, but not both": a stroke, but no crossing. There
# are four cases. The best linear filter on the two maps, found by least squares:

# %%
cases = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)  # vertical, horizontal
wanted = np.array([0, 1, 1, 0], dtype=float)
with_bias = np.column_stack([cases, np.ones(4)])
best_weights = np.linalg.lstsq(with_bias, wanted, rcond=None)[0]
for case, target, answer_of_filter in zip(cases, wanted, with_bias @ best_weights, strict=True):
    print(
        f"vertical {case[0]:.0f}, horizontal {case[1]:.0f}: wanted {target:.0f}, linear filter {answer_of_filter:.2f}"
    )

# %% [markdown]
# The same answer in all four cases: a linear filter knows nothing about this. Now two steps at the same place,
# each a weighing of channels, with a ReLU behind the first:

# %%
bent = np.maximum(cases @ np.array([[1, -1], [-1, 1]]), 0)  # "vertical only" and "horizontal only"
for case, target, value in zip(cases, wanted, bent @ np.array([1, 1]), strict=True):
    print(f"vertical {case[0]:.0f}, horizontal {case[1]:.0f}: wanted {target:.0f}, two steps {value:.0f}")

# %% [markdown]
# Exact. Nothing had to look at a neighbouring pixel for that: both steps weigh the *channels of one place*, and this is what a
# convolution with a kernel of 1x1 does.
#
# The second trouble is the end of the network:

# %%
vgg = inspect.layer_table(networks.outline("vgg16")).frame
dense_params = vgg.params[vgg.type == "Dense"].sum()
print(f"VGG-16: {dense_params:,} of {vgg.params.sum():,} parameters are in three dense layers")

# %% [markdown]
# They tie what was found to the place where it was found, they fix the size of the image, and they are so many that dropout is needed to
# keep them from learning the training images by heart. NiN asks whether one needs them.
#
# The pictures are those of the lessons before:

# %%
images = data.load(
    "fashion_mnist", train_examples=train_examples, validation_examples=validation_examples, seed=0
)
few_images = data.load(
    "fashion_mnist", train_examples=experiment_examples, validation_examples=validation_examples, seed=0
)
first_of_each = [int(np.argmax(images.train.labels == k)) for k in range(10)]
plots.image_grid(images.train.images[first_of_each], titles=images.class_names, columns=5)

# %% [markdown]
# Ten classes, one garment each in the middle of the picture. Later in this lesson we put four of them into one picture,
# a thing that no network with dense layers on 28 x 28 pixels could read.

# %% [markdown]
# ## The block: a small network in every window
#
# The block is called *mlpconv*: a convolution, then two convolutions of 1x1, a ReLU after each. MLP stands for multilayer
# perceptron, a network of dense layers. Is it one? Cut the image into all its windows, feed each window through three dense
# layers, and compare with the three convolutions with the same weights.

# %%
random = np.random.default_rng(0)
maps = random.normal(size=(2, 9, 9, 3)).astype("float32")
kernels = [random.normal(size=size).astype("float32") for size in [(5, 5, 3, 8), (1, 1, 8, 6), (1, 1, 6, 4)]]

by_convolution = maps
for kernel in kernels:
    by_convolution = keras.ops.relu(keras.ops.conv(by_convolution, kernel, padding="valid"))

windows = np.lib.stride_tricks.sliding_window_view(maps, (5, 5), axis=(1, 2))  # 2, 5, 5, 3, 5, 5
by_dense = np.moveaxis(windows, 3, 5).reshape(2, 5, 5, 5 * 5 * 3)  # each window as a list of 75 numbers
for kernel in kernels:
    by_dense = np.maximum(by_dense @ kernel.reshape(-1, kernel.shape[-1]), 0)

difference = np.abs(keras.ops.convert_to_numpy(by_convolution) - by_dense).max() / by_dense.max()
lesson.claim(
    "07-mlpconv",
    "A convolution and two 1x1 convolutions are a dense network of three layers, moved over all windows.",
    source="Lin et al., 2014, section 3.1",
    measured=f"relative difference below 1e-5: {difference < 1e-5}",
    holds=bool(difference < 1e-5),
)

# %% [markdown]
# So the name is meant literally. Here is the whole network from plain Keras layers, in the form for our pictures: half of the paper's
# channels, a first convolution that moves by two pixels, and *batch normalisation* before each ReLU (each channel is brought to
# mean zero and variance one; lesson 09 explains it).


# %%
def mlpconv(x, channels, kernel_size, stride=1, padding="same"):
    """A convolution and two 1x1 convolutions, each with normalisation and ReLU."""
    for filters, side in zip(channels, (kernel_size, 1, 1), strict=False):
        step = stride if side > 1 else 1
        x = keras.layers.Conv2D(filters, side, strides=step, padding=padding, use_bias=False)(x)
        x = keras.layers.BatchNormalization(epsilon=1e-5)(x)
        x = keras.layers.ReLU()(x)
    return x


inputs = keras.Input((28, 28, 1))
x = keras.layers.ZeroPadding2D(2)(inputs)  # 32, 32, 1
x = mlpconv(x, (96, 80, 48), 5, stride=2, padding="valid")  # 14, 14, 48
x = keras.layers.MaxPooling2D(3, 2, padding="same")(x)  # 7, 7, 48
x = keras.layers.Dropout(0.25)(x)
x = mlpconv(x, (96, 96, 96), 5)  # 7, 7, 96
x = keras.layers.AveragePooling2D(3, 2, padding="same")(x)  # 4, 4, 96
x = keras.layers.Dropout(0.25)(x)
x = mlpconv(x, (96, 96), 3)  # 4, 4, 96
x = keras.layers.Conv2D(10, 1)(x)  # 4, 4, 10: one map for each class
by_hand = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))  # 10
trained_numbers = sum(int(np.prod(v.shape)) for v in by_hand.trainable_variables)
print(f"{trained_numbers:,} parameters")

# %% [markdown]
# The last line but one is the second idea, *global average pooling*: the score of a class is the mean of its map. It has no weights. The
# library's `nin` is the same function:

# %%
network = networks.build(
    "nin",
    input_shape=(28, 28, 1),
    classes=10,
    width=0.5,
    stem="small",
    normalization="batch",
    dropout=0.25,
)
lesson.expect_same_function(by_hand, network)

# %% [markdown]
# ## The network
#
# The paper's network for CIFAR-10 has three such blocks with pooling and dropout in between. The widths are those of the
# authors' published configuration.

# %%
nin_cifar = inspect.layer_table(networks.outline("nin"))
print(nin_cifar.weighted())

# %%
lesson.claim(
    "07-parameters",
    "NiN for CIFAR-10 has 966,986 parameters.",
    source="arithmetic over the authors' published configuration of Lin et al., 2014",
    measured=f"{nin_cifar.total_params:,}",
    holds=nin_cifar.total_params == 966_986,
)

# %% [markdown]
# A million parameters, and the paper's error on CIFAR-10 was 10.41 percent (2014, table 1). Where does a NiN put its work?

# %%
pointwise = nin_cifar.frame[
    nin_cifar.frame.layer.str.endswith(("conv2", "conv3"))
]  # the two 1x1 convolutions of each block
print(f"1x1 convolutions: {pointwise.params.sum() / nin_cifar.total_params:.1%} of the parameters")
print(f"                  {pointwise.macs.sum() / nin_cifar.total_macs:.1%} of the multiply-adds")

# %% [markdown]
# And the larger one, for photographs and 1,000 classes:

# %%
nin_imagenet = inspect.layer_table(networks.outline("nin_imagenet"))
print(nin_imagenet.weighted())

# %%
alexnet = inspect.layer_table(networks.outline("alexnet"))
plots.bars(
    {
        "nin": nin_imagenet.total_params / 1e6,
        "alexnet": alexnet.total_params / 1e6,
        "vgg16": vgg.params.sum() / 1e6,
    },
    x_label="parameters of the ImageNet form, millions",
    number_format="{:.1f}",
)

# %% [markdown]
# NiN's bar is the short one. All of its weights are in convolutions; compare what a dense layer on the flattened class maps alone would cost:

# %%
with_dense_head = inspect.layer_table(networks.outline("nin_imagenet", head="dense"))
added = with_dense_head.total_params - nin_imagenet.total_params
lesson.claim(
    "07-weights-of-the-head",
    "Averaging the class maps saves more weights than the rest of NiN has.",
    source="Lin et al., 2014, section 3.2 (no parameters in the average); the ImageNet form, 6x6 maps",
    measured=f"a dense head adds {added:,} to {nin_imagenet.total_params:,}",
    holds=bool(added == (6 * 6 * 1000 + 1) * 1000 and added > nin_imagenet.total_params),
)

# %% [markdown]
# | | paper | here |
# |---|---|---|
# | data | CIFAR-10, 32x32x3 | Fashion-MNIST, 28x28x1 |
# | channels | 192-160-96, 192-192-192, 192-192-10 | half of them; a quarter in the experiments |
# | first convolution | 5x5, one pixel a step | 5x5, two pixels a step |
# | normalisation | none | batch normalisation in the main network |
# | dropout | one half | a quarter, for our training is short |
# | ReLU on the class maps | yes (equation 2) | no: a class whose map is negative everywhere would learn no more |
# | preprocessing | whitening, contrast normalisation | none |
# | training | SGD, momentum .9, rate divided by ten twice | AdamW, one-cycle |

# %% [markdown]
# ## Training

# %%
recipe = training.Recipe(
    epochs=epochs,
    batch_size=batch_size,
    optimizer="adamw",
    learning_rate=learning_rate,
    schedule="one_cycle",
    weight_decay=0.02,
)
recipe.table()

# %% tags=["nbval-ignore-output"]
history = training.train(network, images, recipe, seed=seed)

# %% tags=["nbval-ignore-output"]
plots.learning_curves({"nin": history})

# %% [markdown]
# A quarter of the values behind each pooling is dropped in training and none in validation, so the dashed curve is handicapped. Look at
# the end of both: does training go on to improve where validation does not? With few weights and dropout, NiN is slow to memorise.

# %% tags=["nbval-ignore-output"]
test = training.evaluate(network, images.test)
print(f"test accuracy {test['top1']:.4f}, among the five best {test['top5']:.4f}")

# %%
lesson.expect_between("test accuracy of NiN", test["top1"], 0.55, 0.97)

# %% [markdown]
# ## Looking inside
#
# The last convolution's ten maps are named by the classes. Here is what each of them says about an ankle boot. The maps are drawn
# on one scale: each place shows the class probabilities at that place, black for zero and white for one.


# %%
def class_maps(model, pictures):
    """Scores of each class at each place: (N, h, w, classes)."""
    return inspect.feature_maps(model, pictures, "stage3_conv3")["stage3_conv3"]


def as_probabilities(maps):
    """Softmax over the classes at each place."""
    return keras.ops.convert_to_numpy(keras.ops.softmax(maps))


# %% tags=["nbval-ignore-output"]
boot = images.validation.images[images.validation.labels == 9][:1]
maps_of_boot = class_maps(network, boot)
plots.image_grid(as_probabilities(maps_of_boot)[0].transpose(2, 0, 1), titles=images.class_names, columns=5)

# %% [markdown]
# Sixteen places for each class. Look where shoes of different kinds light up: the shaft speaks for the ankle boot; around the sole,
# other shoes may be ahead. The score is the mean over all places, and it is nothing else:

# %%
scores = inspect.predict(network, boot)
largest = float(np.abs(scores - maps_of_boot.mean(axis=(1, 2))).max() / np.abs(scores).max())
lesson.expect_between("difference of scores and means of maps, relative", largest, 0.0, 0.02)

# %% [markdown]
# ### Four garments in one picture
#
# An average does not ask how many values it averages, so the network takes images of any size. We build it for 56 x 56, copy the
# weights, and put four garments into one picture. Nobody told it during training that there could be four. **Predict:** what will
# the class maps look like?

# %%
wide = networks.build(
    "nin", input_shape=(56, 56, 1), classes=10, width=0.5, stem="small", normalization="batch"
)
wide.set_weights(network.get_weights())
wanted_classes = (1, 9, 8, 0)  # trouser, ankle boot, bag, T-shirt
garments = [images.validation.images[images.validation.labels == k][1] for k in wanted_classes]
canvas = np.vstack([np.hstack(garments[:2]), np.hstack(garments[2:])])[None]
print("canvas", canvas.shape, "-> class maps", wide.get_layer("stage3_conv3").output.shape[1:])

# %%
plots.image_grid(canvas, titles=["four garments"])

# %% [markdown]
# Trouser and ankle boot above, bag and T-shirt below, without a line between them.

# %% tags=["nbval-ignore-output"]
found = as_probabilities(class_maps(wide, canvas))[0]
plots.image_grid(found.transpose(2, 0, 1), titles=images.class_names, columns=5)

# %% [markdown]
# Compare the bright parts with the picture: each class should be bright in its own quarter and dark in the others, blurred
# along the borders, where windows see two garments. We trained a classifier and got a rough detector with it. That
# is what the paper means when it calls the maps *confidence maps* of the classes; lesson 22 uses maps like these to find the place of an item.
# The worst mistakes:

# %% tags=["nbval-ignore-output"]
logits = inspect.predict(network, images.validation.images)
probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
plots.worst_mistakes(
    images.validation.images, images.validation.labels, probabilities, images.class_names, count=12
)

# %% [markdown]
# Look for a pattern among the pairs of names: how many are between garments of one outline? In a mean over all places
# a small thing at one place, a row of buttons, has to raise its voice against all the others.

# %% [markdown]
# ## Experiments
#
# ### The average against a dense head
#
# Same blocks, same class maps, same start; one network averages the maps, the other one puts a dense layer on them. A quarter of the
# width, without normalisation.


# %%
experiment_recipe = training.Recipe(
    epochs=experiment_epochs,
    batch_size=batch_size,
    optimizer="adamw",
    learning_rate=0.003,
    schedule="one_cycle",
)


def small_nin(**options):
    """A quarter of the paper's width for our pictures, without dropout, from the lesson's seed."""
    keras.utils.set_random_seed(seed)
    return networks.build(
        "nin", input_shape=(28, 28, 1), classes=10, width=0.25, stem="small", dropout=0.0, **options
    )


def trained(label, candidate):
    """Train a network of the experiments, keep it for the record, and give its history."""
    candidate_history = training.train(candidate, few_images, experiment_recipe, seed=seed, progress="none")
    lesson.add_run(label, candidate, candidate_history)
    return candidate_history


experiment_recipe.table()

# %% tags=["nbval-ignore-output"]
heads = {"average of the maps": small_nin(head="gap"), "dense head": small_nin(head="dense")}
head_histories = {name: trained(name, candidate) for name, candidate in heads.items()}
final = {name: h.validation_accuracy[-1] for name, h in head_histories.items()}
print({name: round(accuracy, 4) for name, accuracy in final.items()})

# %%
head_gain = final["average of the maps"] - final["dense head"]
lesson.claim(
    "07-average-accuracy",
    "Averaging the class maps is more accurate than a dense layer on them.",
    source="Lin et al., 2014, section 4.6 and table 5: CIFAR-10 errors 10.41 against 11.59 (10.88 with dropout)",
    measured=f"validation accuracy {head_gain:+.4f}",
    difference=head_gain,
)

# %% [markdown]
# The dense head can do whatever the average does, it need only learn equal weights; and it has to learn them. The average, in turn, is
# slower at the start: a place gets a sixteenth of the gradient of its class. What the dense head can do besides, to
# weigh the places differently, ties it to places. Lesson 04 moved images to the right and watched the accuracy fall. **Predict:**
# which of the two heads suffers more?


# %%
def moved_right(pictures, pixels):
    """Pictures (N, H, W, C) moved to the right; black comes in from the left."""
    moved = np.zeros_like(pictures)
    moved[:, :, pixels:] = pictures[:, :, : pictures.shape[2] - pixels]
    return moved


def accuracy_when_moved(model, shifts, count=1000):
    """Accuracy on the first `count` validation images for each shift in pixels."""
    pictures, labels = images.validation.images[:count], images.validation.labels[:count]
    return [
        float(np.mean(inspect.predict(model, moved_right(pictures, shift)).argmax(axis=1) == labels))
        for shift in shifts
    ]


# %% tags=["nbval-ignore-output"]
shifts = [0, 2, 4, 6]
plots.lines(
    shifts,
    {name: accuracy_when_moved(candidate, shifts) for name, candidate in heads.items()},
    x_label="shift to the right, pixels",
    y_label="validation accuracy",
    chance=0.1,
)

# %% [markdown]
# Compare how steeply the two lines fall, not where they start. The average treats all places alike, so one expects it to be the flatter one as long
# as the garment stays in the picture; what is left of its fall comes from the steps of two pixels, from padding, and from what leaves the picture.
#
# ### Some starts do not start
#
# A plain NiN, with a ReLU on the class maps as in the paper and without normalisation, is a gamble: of runs of the same program with other
# seeds, some learn and some stay at chance for good. Nine convolutions in a row, many of them with fan-in and fan-out that differ: the
# signal shrinks from layer to layer if the weights start too small, and a class whose map is negative everywhere gets a gradient of zero
# through the ReLU. Glorot's start (2010) was made for units that are linear around zero, He's start (2015) allows for the half that a ReLU throws away:
# where a layer has as many channels out as in, with twice the variance. First, how large is the signal at the start?


# %%
def plain_nin(initializer, start):
    """A plain NiN of a quarter of the width; `start` counts the trials of this seed."""
    keras.utils.set_random_seed(1000 * seed + start)
    return networks.build(
        "nin",
        input_shape=(28, 28, 1),
        classes=10,
        width=0.25,
        stem="small",
        dropout=0.0,
        relu_scores=True,
        initializer=initializer,
    )


initializers = {"Glorot": "glorot_uniform", "He": "he_normal"}
convolutions = [f"stage{i}_conv{j}" for i in (1, 2, 3) for j in (1, 2, 3)]
sizes = {}
for name, initializer in initializers.items():
    signals = inspect.feature_maps(plain_nin(initializer, 0), images.validation.images[:64], convolutions)
    sizes[name] = [float(np.std(signals[layer])) for layer in convolutions]
plots.lines(
    range(1, 10),
    sizes,
    x_label="convolution, from the image to the class maps",
    y_label="standard deviation of its outputs",
    y_log=True,
)

# %%
shrinking = {name: values[-1] / values[0] for name, values in sizes.items()}
lesson.expect_between(
    "signal of the last layer over the first, Glorot's start", shrinking["Glorot"], 1e-4, 0.3
)
lesson.expect_between(
    "how many times more of it is left with He's start", shrinking["He"] / shrinking["Glorot"], 1.0, 1e4
)

# %% [markdown]
# On the logarithmic axis Glorot's line falls, layer by layer; He's stays closer to level. Gradients take the same way back.
#
# Now the trials: for each kind of start some networks, each from random numbers of its own, trained by SGD with momentum on a few images.
# We build one network, compile it once, and put each start's weights into it, for compiling costs more than these short trainings. A trial
# *collapsed* if it ends below an accuracy of one in five; chance is one in ten. **Predict:** how many of each kind?

# %% tags=["nbval-ignore-output"]
trial_epochs = 3
trial = plain_nin("he_normal", 0)
trial.compile(
    optimizer=keras.optimizers.SGD(0.02, momentum=0.9),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
trial.optimizer.build(trial.trainable_variables)
fresh_optimizer = [keras.ops.convert_to_numpy(v) for v in trial.optimizer.variables]
trial_images, trial_labels = (
    data.to_float(images.train.images[:start_examples]),
    images.train.labels[:start_examples],
)
held_out = (data.to_float(images.validation.images[:500]), images.validation.labels[:500])


def tried(initializer, start):
    """Train one start; returns its `training.History`."""
    trial.set_weights(plain_nin(initializer, start).get_weights())
    for variable, value in zip(trial.optimizer.variables, fresh_optimizer, strict=True):
        variable.assign(value)
    began = time.perf_counter()
    rows = trial.fit(
        trial_images, trial_labels, batch_size=32, epochs=trial_epochs, validation_data=held_out, verbose=0
    ).history
    seconds = (time.perf_counter() - began) / trial_epochs
    result = training.History(images_per_epoch=start_examples)
    for loss, accuracy, held_out_loss, held_out_accuracy in zip(
        rows["loss"], rows["accuracy"], rows["val_loss"], rows["val_accuracy"], strict=True
    ):
        result.append(
            train_loss=loss,
            train_accuracy=accuracy,
            validation_loss=held_out_loss,
            validation_accuracy=held_out_accuracy,
            learning_rate=0.02,
            epoch_seconds=seconds,
            train_seconds=seconds,
        )
    return result


ends = {name: [] for name in initializers}
for name, initializer in initializers.items():
    for start in range(starts):
        trial_history = tried(initializer, start)
        lesson.add_run(f"plain, {name}, start {start}", trial, trial_history)
        ends[name].append(trial_history.validation_accuracy[-1])
plots.bars(
    {f"{name}, start {i}": end for name, values in ends.items() for i, end in enumerate(values)},
    x_label="accuracy on held-out images after the trial",
    y_label="start of the weights",
)

# %%
collapsed = {name: float(np.mean(np.array(values) < 0.2)) for name, values in ends.items()}
lesson.claim(
    "07-collapse",
    "Plain NiN, started after Glorot, does not get away from chance at some seeds.",
    source="textbook runs with other seeds: 7 of 74 ended at chance",
    measured=f"collapsed: {collapsed['Glorot']:.2f} of {starts} starts",
    difference=collapsed["Glorot"],
)
lesson.claim(
    "07-better-start",
    "Started after He, fewer plain NiNs collapse than started after Glorot.",
    source="He et al., 2015, section 2.2, applied to NiN",
    measured=f"share collapsed, Glorot {collapsed['Glorot']:.2f}, He {collapsed['He']:.2f}, of {starts} starts each",
    difference=collapsed["Glorot"] - collapsed["He"],
)

# %% [markdown]
# Bars at one in ten are collapsed trials. Count them in both groups. The trials are short: some collapsed ones would wake up later, as the gradient is small and
# not zero, and some would not. Batch normalisation, which the main network has, makes the question go away; lesson 09 says more.
#
# ### What the 1x1s cost
#
# We take the 1x1s out, all but the last one, which makes the class maps, and train what is left: three convolutions, which
# hand on as many channels as the blocks did, and an average.

# %%
keras.utils.set_random_seed(seed)
inputs = x = keras.Input((28, 28, 1))
x = keras.layers.ZeroPadding2D(2)(x)
x = keras.layers.Conv2D(24, 5, strides=2, activation="relu", kernel_initializer="he_normal")(x)  # 14, 14, 24
x = keras.layers.MaxPooling2D(3, 2, padding="same")(x)  # 7, 7, 24
x = keras.layers.Conv2D(48, 5, padding="same", activation="relu", kernel_initializer="he_normal")(x)
x = keras.layers.AveragePooling2D(3, 2, padding="same")(x)  # 4, 4, 48
x = keras.layers.Conv2D(48, 3, padding="same", activation="relu", kernel_initializer="he_normal")(x)
x = keras.layers.Conv2D(10, 1)(x)  # 4, 4, 10
without_pointwise = keras.Model(
    inputs, keras.layers.GlobalAveragePooling2D(name="scores")(x), name="nin_without_1x1"
)
costs = {
    "with 1x1s": inspect.layer_table(heads["average of the maps"]),
    "without": inspect.layer_table(without_pointwise),
}
for name, table in costs.items():
    print(f"{name:10} {table.total_params:7,} parameters, {table.total_macs:10,} multiply-adds")

# %% [markdown]
# **Predict:** the 1x1s do a minor part of the multiply-adds. Will they take a minor part of the time?

# %% tags=["nbval-ignore-output"]
without_history = trained("without 1x1s", without_pointwise)
with_history = head_histories["average of the maps"]
milliseconds = {
    "with 1x1s": 1000 / with_history.images_per_second,
    "without": 1000 / without_history.images_per_second,
}
plots.bars(milliseconds, x_label="training time for one image, milliseconds", y_label="variant")

# %%
extra_time = milliseconds["with 1x1s"] / milliseconds["without"] - 1
extra_work = costs["with 1x1s"].total_macs / costs["without"].total_macs - 1
lesson.claim(
    "07-time-of-1x1",
    "NiN's 1x1 convolutions make training take longer.",
    source="textbook remark; measured in the fastest epoch of each network",
    measured=f"time {extra_time:+.0%}, multiply-adds {extra_work:+.0%}, "
    f"validation accuracy {final['average of the maps'] - without_history.validation_accuracy[-1]:+.4f}",
    difference=extra_time,
)

# %% [markdown]
# The two bars tell what the 1x1s cost on this machine. Compare their ratio with the ratio of the multiply-adds above. Time is not
# only multiplying: each further layer writes its maps to memory and reads them again, back and forth, and a 1x1
# does little work for each number that it moves. Lesson 17 measures this for all networks.

# %% [markdown]
# ### At the paper's size
#
# NiN's authors published a second network, for the photographs of ImageNet: four blocks with up to 1,024 channels, the first with AlexNet's kernels of 11x11 at
# stride 4. It needs larger images. Ours can be stretched to any size, which adds pixels and no detail. Batch normalisation stays in, as in our network, so that it starts.
#
# **Predict:** how many times the multiply-adds of our network does one image take?

# %%
full_side = full_image_size or 224
full_form = {"input_shape": (full_side, full_side, 1), "classes": 10, "normalization": "batch"}
full_table = inspect.layer_table(networks.outline("nin_imagenet", **full_form))
times = full_table.total_macs / inspect.layer_table(network).total_macs
print(f"NiN for ImageNet on {full_side} x {full_side} pixels: {full_table.total_params:,} parameters")
print(f"{full_table.total_macs:,} multiply-adds for an image, {times:,.0f} times as many as ours")

# %% [markdown]
# So it is trained only where the parameter `full_image_size` names a size, as budget `gpu` does. Where `devices` is above one, so many accelerators
# share each batch.

# %%
if full_image_size is None:
    print("The full form is left out here; full_image_size=224 trains it.")

# %% tags=["nbval-ignore-output"]
if full_image_size is not None:
    full_images = data.load(
        "fashion_mnist",
        train_examples=train_examples,
        validation_examples=validation_examples,
        seed=0,
        image_size=full_image_size,
    )
    keras.utils.set_random_seed(seed)
    with training.on_devices(devices):
        full_network = networks.build("nin_imagenet", **full_form)
    full_recipe = dataclasses.replace(recipe, epochs=full_epochs)
    full_history = training.train(full_network, full_images, full_recipe, seed=seed, devices=devices)

# %% tags=["nbval-ignore-output"]
if full_image_size is not None:
    full_test = training.evaluate(full_network, full_images.test)
    lesson.add_run(
        f"NiN for ImageNet at {full_image_size} pixels", full_network, full_history, test=full_test
    )
    print(f"test accuracy {full_test['top1']:.4f}, ours {test['top1']:.4f}")

# %% tags=["nbval-ignore-output"]
plots.learning_curves({"ours": history, "NiN for ImageNet, full": full_history}) if full_image_size else None

# %% [markdown]
# Where both were trained, compare their validation curves, and how often each saw the images: `epochs` and `full_epochs` may differ. A stretched image holds no detail
# that the small one lacks. So what the full form gains comes from its channels and its computing and not from sharper eyes.

# %% [markdown]
# ## Recap
#
# - A convolution is linear in its window; a 1x1 convolution with a ReLU behind it mixes channels and bends.
# - A convolution and two 1x1s are a small dense network at every place.
# - Global average pooling turns class maps into scores without a weight; the maps say where, and images may have any size.
# - Plain deep stacks depend on their start: too small a start, and nothing is learnt. He's start or normalisation helps.
# - The 1x1s cost multiply-adds and time; the two need not grow alike.
# - What the next network changes: 1x1 convolutions *save* work when they come first, and windows of several sizes stand side by side. That is
#   GoogLeNet.

# %% tags=["nbval-ignore-output"]
lesson.record(network=network, history=history, test=test, data=images, collapsed=collapsed, starts=starts)

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. `lesson.hint("07-1")` helps, `lesson.solution("07-1")` shows a way.
#
# **07-1.** The first block of the paper's network ends with 1x1 convolutions from 192 to 160 and from 160 to 96 channels. How many
# parameters have these two together, biases included?

# %%
answer = None
lesson.check("07-1", answer)

# %% [markdown]
# **07-2.** The ImageNet form ends in 1,000 class maps of 6 x 6. How many parameters would a dense layer from the flattened maps to 1,000 scores have?

# %%
answer = None
lesson.check("07-2", answer)

# %% [markdown]
# **07-3.** A class map of 7 x 7 is 9.8 at two places and zero elsewhere. What is the score of this class?

# %%
answer = None
lesson.check("07-3", answer)

# %% [markdown]
# **07-4 (code).** Write the paper's block, `block(x, channels, kernel_size)`: three channels' counts, the first convolution of `kernel_size`, the others 1x1, all
# padded to keep the size, a ReLU after each, no normalisation. It takes and returns a Keras tensor.

# %%
block = None
lesson.check("07-4", block)

# %% [markdown]
# **07-5 (code).** Write `pointwise_by_hand(maps, weights, bias)` in NumPy: a 1x1 convolution of maps (H, W, C) with weights (C, D) and bias (D,), without ReLU.

# %%
pointwise_by_hand = None
lesson.check("07-5", pointwise_by_hand)

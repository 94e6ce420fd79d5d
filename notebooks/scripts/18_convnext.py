# %% [markdown]
# # 18 ConvNeXt: a residual network brought up to date, one change at a time
#
# Around 2020 networks without convolutions, vision transformers, overtook the residual networks. Was it attention that made them better, or the many small choices that came with it?
# The authors of ConvNeXt took a ResNet, gave it the transformers' choices one after the other, kept its convolutions, and caught up.
#
# *Paper:* Z. Liu, H. Mao, C.-Y. Wu, C. Feichtenhofer, T. Darrell, S. Xie, "A ConvNet for the 2020s" (2022).
#
# **What you will learn**
# - patches, layer normalisation, GELU, inverted bottlenecks, layer scale: what they are, each in a few lines
# - why a window of 7x7 became affordable
# - ConvNeXt, block by block, with every parameter accounted for
# - a ladder of seven networks from ResNet to ConvNeXt, and which step pays here
# - how much further a unit sees at the last rung
#
# **You need** lessons 09, 10 and 17, or: what batch normalisation, a residual bottleneck and a depthwise convolution are.
# **Time:** under a minute of computing at budget `quick`, two minutes at `cpu`; 40 minutes to read.

# %% tags=["parameters"]
budget: str = "quick"  # label of the budget: quick, cpu or gpu
seed: int = 0  # of weights and order of images
threads: int = 2  # CPU threads of the arithmetic
precision: str = "float32"  # float32, mixed_bfloat16 or auto
train_examples: int | None = 2000  # training images of ConvNeXt; None for all
validation_examples: int = 2000  # images to compare choices with
experiment_examples: int | None = 1500  # training images of each network of the ladder
epochs: int = 4  # passes over the training images, ConvNeXt
experiment_epochs: int = 2  # the same for each network of the ladder
batch_size: int = 32  # images a step
learning_rate: float = 0.004  # peak of the one-cycle schedule
weight_decay: float = 0.05  # of AdamW
width: float = 0.25  # share of the paper's channels
depths: list = [1, 1]  # blocks of each stage of ConvNeXt
ladder_depths: list = [1, 1]  # the same for the networks of the ladder

# %% tags=["nbval-ignore-output"]
from cnnlib import lesson, data, inspect, layers, networks, plots, training

import itertools
import math

import keras
import numpy as np

lesson.begin("18_convnext", budget=budget, seed=seed, threads=threads, precision=precision)

# %% [markdown]
# ## The problem: small windows, and habits
#
# Since VGG all windows are 3x3. Each such layer lets a unit see two pixels more of the maps it works on; a 7x7 lets it see six more. But a full 7x7 is dear:

# %%
channels = 96
weights = {
    "full 3x3": 3 * 3 * channels**2,
    "full 7x7": 7 * 7 * channels**2,
    "depthwise 3x3": 3 * 3 * channels,
    "depthwise 7x7": 7 * 7 * channels,
    "pointwise to 4 times the channels": 4 * channels**2,
}
for kind, count in weights.items():
    print(f"{kind:34} {count:7,} weights for {channels} channels")
lesson.claim(
    "18-large-window",
    "A depthwise 7x7 has fewer weights than a full 3x3 wherever there are more than five channels.",
    source="Liu et al., 2022, section 2.5; by count",
    measured="from 6 channels on, in every case up to 1024",
    holds=[c for c in range(1, 1025) if 49 * c < 9 * c * c] == list(range(6, 1025)),
)

# %%
blocks = np.arange(0, 13)
plots.lines(
    blocks,
    {"3x3": 1 + 2 * blocks, "7x7": 1 + 6 * blocks},
    x_label="layers at one resolution",
    y_label="window seen, units of the maps",
)

# %% [markdown]
# Three times the slope: with 7x7 windows a stage of a few blocks sees the whole of a small map. Depthwise, as lesson 17 had it, the large window is cheap: next to the pointwise layers beside it, its weights hardly count.
#
# That is one choice of a ResNet that was made in 2015 and then copied. There are more: how the image enters, where the block is wide, how often it is normalised, and by what, and which activation. Each looks harmless. Are they?

# %%
images = data.load(
    "fashion_mnist", train_examples=train_examples, validation_examples=validation_examples, seed=0
)
few_images = data.load(
    "fashion_mnist", train_examples=experiment_examples, validation_examples=validation_examples, seed=0
)
print(f"{len(images.train.labels):,} training images, {len(few_images.train.labels):,} on the ladder")

# %% [markdown]
# ## The block: five pieces
#
# ### Patches
#
# A transformer cuts the image into patches that do not overlap, and puts one dense layer on each. With windows as large as their stride, a convolution does just that. By hand, for patches of 2x2:

# %%
random = np.random.default_rng(0)
pictures = random.normal(size=(2, 8, 8, 3)).astype("float32")
patchify = keras.layers.Conv2D(5, 2, strides=2, use_bias=False, dtype="float32")
from_keras = keras.ops.convert_to_numpy(patchify(pictures))
kernel = keras.ops.convert_to_numpy(patchify.kernel)
patches = pictures.reshape(2, 4, 2, 4, 2, 3).swapaxes(2, 3).reshape(2, 4, 4, 12)  # each 2x2x3 patch a row
print(
    "patches:",
    patches.shape,
    "equal to the convolution:",
    np.allclose(patches @ kernel.reshape(12, 5), from_keras, atol=1e-5),
)

# %% [markdown]
# And a pointwise convolution is a dense layer on the channels of each place, as lesson 01 showed; ConvNeXt's code uses the latter.
#
# ### Layer normalisation
#
# Batch normalisation takes mean and variance of a channel over the batch and all places. *Layer normalisation*, in ConvNeXt's form, takes them over the channels of one place, for each image by itself. Then scale and shift, a number for each channel, as before.


# %%
def layer_norm(x, epsilon=1e-6):
    """Mean 0 and variance 1 over the channels of each place: (N, H, W, C) -> the same."""
    mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon)


norms = {
    "layer": keras.layers.LayerNormalization(epsilon=1e-6, dtype="float32"),
    "batch": keras.layers.BatchNormalization(dtype="float32"),
}
maps = random.normal(size=(4, 6, 6, 8)).astype("float32")
from_keras = keras.ops.convert_to_numpy(norms["layer"](maps))
print("equal to Keras' layer:", np.allclose(layer_norm(maps), from_keras, atol=1e-4))

# %% [markdown]
# **Predict:** an image is normalised in a batch with three others, and then with three that are ten times as bright. With which of the two normalisations does its result change?

# %%
others_brighter = np.concatenate([maps[:1], 10 * maps[1:]])
changes = {}
for name, norm in norms.items():
    one, other = (
        keras.ops.convert_to_numpy(norm(batch, training=True))[0] for batch in (maps, others_brighter)
    )
    changes[name] = float(np.abs(one - other).max())
    print(f"{name} normalisation: the first image's result changes: {changes[name] > 1e-4}")
lesson.claim(
    "18-batch-independent",
    "Layer normalisation treats an image alike whatever else is in its batch; batch normalisation, in training, does not.",
    source="Ba, Kiros, Hinton, 2016",
    measured=f"change below 1e-4 with layer normalisation: {changes['layer'] < 1e-4}, with batch normalisation: {changes['batch'] < 1e-4}",
    holds=changes["layer"] < 1e-4 < changes["batch"],
)

# %% [markdown]
# ### GELU
#
# The *Gaussian error linear unit* is $x \cdot \Phi(x)$, where $\Phi(x)$ is the probability that a normal random number is below $x$. Where ReLU switches (times 0 or times 1), GELU fades.

# %%
x = np.linspace(-4, 4, 81)
phi = np.array([0.5 * (1 + math.erf(value / math.sqrt(2))) for value in x])
from_keras = keras.ops.convert_to_numpy(keras.ops.gelu(x.astype("float32"), approximate=False))
print("equal to Keras' gelu:", np.allclose(x * phi, from_keras, atol=1e-5))
print(f"lowest value {np.min(x * phi):.3f} at {x[np.argmin(x * phi)]:.1f}")
plots.lines(x, {"GELU": x * phi, "ReLU": np.maximum(x, 0)}, x_label="x", y_label="activation")

# %% [markdown]
# Far from zero the two lines are one. Around it GELU is smooth, and dips below zero, so that a unit which is slightly negative still has a gradient.
#
# ### Upside down
#
# ResNet's bottleneck is wide, narrow, wide: the 3x3 works on a quarter of the channels, for it is dear. A depthwise layer is not, and an *inverted bottleneck* is narrow, wide, narrow: the shortcut carries few channels, and the
# activation acts on many. ConvNeXt's order is: 7x7 depthwise on the narrow side, then to four times the channels, GELU, and back.

# %%
for c in (96, 192, 384, 768):
    parts = {"depthwise 7x7": 49 * c, "pointwise up": 4 * c * c, "pointwise down": 4 * c * c}
    total = sum(parts.values())
    print(f"{c:3} channels: " + ", ".join(f"{name} {count / total:6.1%}" for name, count in parts.items()))

# %% [markdown]
# ### Layer scale
#
# The block's result is multiplied by a learnt number for each channel before it is added to the shortcut; all of them start at a millionth. So at first every block passes on its input, and takes part as far as training wants it to. Lesson 13's gates started almost shut for the same reason. All pieces together:


# %%
def convnext_block(x, initial_scale=1e-6):
    """x + scale * (7x7 depthwise, layer norm, to four times the channels, GELU, back): the shape stays."""
    channels = x.shape[-1]
    y = keras.layers.DepthwiseConv2D(7, padding="same")(x)
    y = keras.layers.LayerNormalization(epsilon=1e-6)(y)
    y = keras.layers.Dense(4 * channels, activation="gelu")(y)
    y = keras.layers.Dense(channels)(y)
    y = layers.LayerScale(initial_scale)(y)
    return keras.layers.Add()([x, y])


inputs = keras.Input((6, 6, 8))
shut = keras.Model(inputs, convnext_block(inputs, initial_scale=0.0))
fresh = keras.Model(inputs, convnext_block(inputs))
passed, nearly = (inspect.predict(model, maps) for model in (shut, fresh))
exact = inspect.predict(keras.Model(inputs, keras.layers.Identity()(inputs)), maps)
print("a new block changes its input by less than a thousandth:", bool(np.abs(nearly - exact).max() < 1e-3))
lesson.claim(
    "18-identity",
    "With its layer scale at zero a ConvNeXt block is the identity.",
    source="Touvron et al., 2021; by its formula",
    measured=f"equal to the bit: {np.array_equal(passed, exact)}",
    holds=np.array_equal(passed, exact),
)

# %% [markdown]
# The network: patches, stages of blocks, and between the stages a layer of its own for making the maps smaller, normalisation and then patches of 2x2. For small images we take patches of 2x2 at the entrance, too, and two stages. To compare our network with
# the library's we give all blocks a layer scale of one: at a millionth they would hardly be heard, and a mistake in them neither.


# %%
def convnext_by_hand(channels_of_stages, depths):
    """ConvNeXt with patches of 2x2 pixels for images of 28 x 28."""
    inputs = keras.Input((28, 28, 1))
    x = keras.layers.Conv2D(channels_of_stages[0], 2, strides=2)(inputs)  # 14, 14
    x = keras.layers.LayerNormalization(epsilon=1e-6)(x)
    for i, (channels, depth) in enumerate(zip(channels_of_stages, depths, strict=True)):
        if i:
            x = keras.layers.LayerNormalization(epsilon=1e-6)(x)
            x = keras.layers.Conv2D(channels, 2, strides=2)(x)  # 7, 7
        for _ in range(depth):
            x = convnext_block(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.LayerNormalization(epsilon=1e-6)(x)
    return keras.Model(inputs, keras.layers.Dense(10)(x))


stage_channels = [round(width * channels) for channels in (96, 192, 384, 768)[: len(depths)]]
small_form = {
    "input_shape": images.image_shape,
    "classes": 10,
    "width": width,
    "depths": tuple(depths),
    "stem": "small",
    "stem_stride": 2,
}
wide_open = networks.build("convnext_tiny", layer_scale=1.0, **small_form)
lesson.expect_same_function(convnext_by_hand(stage_channels, depths), wide_open)
keras.utils.set_random_seed(seed)
network = networks.build("convnext_tiny", **small_form)

# %% [markdown]
# ## The network
#
# The faithful form, ConvNeXt-T, has stages of 3, 3, 9 and 3 blocks with 96, 192, 384 and 768 channels, and starts with patches of 4x4. It was made to be as large as ResNet-50:

# %%
tables = {name: inspect.layer_table(networks.outline(name)) for name in ("resnet50_v15", "convnext_tiny")}
for name, table in tables.items():
    print(f"{name:13} {table.total_params:10,} parameters, {table.total_macs:13,} multiply-adds")
tiny = tables["convnext_tiny"]
lesson.claim(
    "18-parameters",
    "ConvNeXt-T has 28,589,128 parameters and does 4.456 G multiply-adds.",
    source="Liu et al., 2022, table 1 (29 million, 4.5 billion)",
    measured=f"{tiny.total_params:,} parameters, {tiny.total_macs:,} multiply-adds",
    holds=tiny.total_params == 28_589_128 and round(tiny.total_macs / 1e9, 3) == 4.456,
)

# %%
rows = tiny.frame
by_type = rows.groupby("type")[["params", "macs"]].sum()
for kind in ("Conv2D", "DepthwiseConv2D", "Dense", "LayerNormalization", "LayerScale"):
    print(
        f"{kind:18} {by_type.params[kind] / tiny.total_params:7.2%} of the parameters,"
        f" {by_type.macs[kind] / tiny.total_macs:7.2%} of the multiply-adds"
    )

# %% [markdown]
# The windows of 7x7, the only layers of the blocks that look around at all, do a small share of the work. The dense layers, on the channels of one place, do nearly all of it.
#
# | | paper | here |
# |---|---|---|
# | images | ImageNet, 224x224x3, 1000 classes | Fashion-MNIST, 28x28x1, 10 classes |
# | stages | four, of 3, 3, 9, 3 blocks | two, of one or a few blocks, a quarter of the channels |
# | patches at the entrance | 4x4 | 2x2 |
# | training | AdamW, 300 epochs; mixup, cutmix, random erasing, smoothed labels, stochastic depth | AdamW, one-cycle, few epochs, none of the rest |
# | the ladder | from a ResNet-50, a dozen steps, seeds averaged | from a tiny bottleneck network, six steps, one seed a run |
#
# In the paper the training alone lifts ResNet-50 from 76.1 to 78.8 percent (Liu et al., 2022, section 2.1), more than any step of the ladder. A comparison of networks from different years that leaves out how each was trained compares recipes.
#
# ## Training

# %%
recipe = training.Recipe(
    epochs=epochs,
    batch_size=batch_size,
    optimizer="adamw",
    learning_rate=learning_rate,
    weight_decay=weight_decay,
    schedule="one_cycle",
)
recipe.table()

# %% tags=["nbval-ignore-output"]
history = training.train(network, images, recipe, seed=seed)

# %% tags=["nbval-ignore-output"]
plots.learning_curves({"convnext": history})

# %% [markdown]
# Without batch normalisation there are no moving averages that lag behind: compare the dashed and the solid line of the first epoch, and think of MobileNet's in lesson 17.

# %% tags=["nbval-ignore-output"]
test = training.evaluate(network, images.test)
print(f"test accuracy {test['top1']:.4f}, among the five best {test['top5']:.4f}")

# %%
lesson.expect_between("test accuracy of ConvNeXt", test["top1"], 0.4, 0.96)

# %% [markdown]
# ## Looking inside
#
# ### The large windows
#
# The 7x7 kernels of the first block, one for each channel:

# %% tags=["nbval-ignore-output"]
windows = keras.ops.convert_to_numpy(network.get_layer("stage1_block1_depthwise").kernel)
plots.filters(windows.transpose(0, 1, 3, 2), columns=8)

# %% [markdown]
# Does a kernel use all of its window, or only the middle? Look for stripes and edges that run through the whole square, for spots in the centre (a window that would have been content with 3x3), and for grey noise, which is the random start.
#
# ### How far the blocks have come
#
# Layer scale started at a millionth in every channel. Its size now, the mean of the channels of each block:

# %% tags=["nbval-ignore-output"]
scales = {
    layer.name.removesuffix("_scale").replace("_", " "): float(
        np.abs(keras.ops.convert_to_numpy(layer.gamma)).mean()
    )
    for layer in network.layers
    if isinstance(layer, layers.LayerScale)
}
plots.bars(
    scales, x_label="mean size of the layer scale after training", y_label="block", number_format="{:.3f}"
)

# %%
lesson.expect_between("smallest layer scale of a block, trained", min(scales.values()), 1e-4, 10)

# %% [markdown]
# All have grown far beyond their start; the longest bar is the block that training has drawn on most. In a deep network the first ones usually are the largest.
#
# The worst mistakes:

# %% tags=["nbval-ignore-output"]
logits = inspect.predict(network, images.validation.images)
probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
plots.worst_mistakes(
    images.validation.images, images.validation.labels, probabilities, images.class_names, count=12
)

# %% [markdown]
# Look how sure the network is of them, and whether they are the usual pairs, shirt and coat, sneaker and sandal. A network whose blocks are still half shut may make stranger ones, too, such as a sandal taken for a bag: it has seen the stripes and the straps, and not yet the whole.
#
# ## Experiments
#
# ### The ladder
#
# Seven networks. The first is a residual network of bottlenecks; each next one changes one thing, and keeps all changes before; the last is ConvNeXt. Everything that differs stands in this table:

# %%
STEPS = {
    "resnet": {
        "stem": "convolution and pool",
        "block": "bottleneck",
        "depthwise": False,
        "channels": 16,
        "thrifty": False,
        "norm": "batch",
        "separate": False,
    },
    "patches": {"stem": "patches"},
    "depthwise, wider": {"depthwise": True, "channels": 20},
    "inverted, 7x7": {"block": "inverted", "channels": 24},
    "GELU, fewer norms": {"thrifty": True},
    "layer norm": {"norm": "layer"},
    "convnext": {"separate": True},
}
rungs, choices = {}, {}
for name, changes in STEPS.items():
    choices = {**choices, **changes}
    rungs[name] = choices
    print(f"{name:18}", ", ".join(f"{key}: {value}" for key, value in changes.items()))

# %% [markdown]
# - *patches*: a 2x2 convolution of stride two in place of a 3x3 and a max pooling.
# - *depthwise, wider*: the 3x3 of the bottleneck becomes depthwise; the channels grow by a quarter, to spend what is saved.
# - *inverted, 7x7*: narrow, wide, narrow; the depthwise layer moves to the front and gets its large window. The shortcut carries `channels` and no longer four times as many; the inside is four times `channels` wide.
# - *GELU, fewer norms*: one activation and one normalisation a block instead of three each, and none after the addition; GELU instead of ReLU; biases where no normalisation follows.
# - *layer norm* in place of batch normalisation.
# - *convnext*: the maps are made smaller by layers of their own, with a normalisation in front; one more behind the global average; layer scale.
#
# The functions that turn a row of choices into a network, from plain Keras layers:


# %%
def norm(x, choice):
    """The normalisation of a rung."""
    if choice["norm"] == "layer":
        return keras.layers.LayerNormalization(epsilon=1e-6)(x)
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)


def norm_relu(x, choice):
    """Normalisation and ReLU."""
    return keras.layers.ReLU()(norm(x, choice))


def pointwise(x, channels, choice):
    """A dense layer on the channels of each place; a bias only where no normalisation follows."""
    return keras.layers.Dense(channels, use_bias=choice["thrifty"], kernel_initializer="he_normal")(x)


def depthwise(x, size, stride, choice):
    """A depthwise convolution, zeros around."""
    x = keras.layers.ZeroPadding2D(size // 2)(x)
    return keras.layers.DepthwiseConv2D(size, strides=stride, use_bias=choice["thrifty"])(x)


def bottleneck(x, channels, stride, choice):
    """Wide, narrow, wide: to `channels`, a 3x3, to four times the channels."""
    x = norm_relu(pointwise(x, channels, choice), choice)
    if choice["depthwise"]:
        x = depthwise(x, 3, stride, choice)
    else:
        x = keras.layers.ZeroPadding2D(1)(x)
        x = keras.layers.Conv2D(channels, 3, strides=stride, use_bias=False)(x)
    return norm(pointwise(norm_relu(x, choice), 4 * channels, choice), choice)


def inverted(x, channels, stride, choice):
    """Narrow, wide, narrow: a 7x7, to four times the channels, back."""
    x = norm(depthwise(x, 7, stride, choice), choice)
    if not choice["thrifty"]:
        x = norm_relu(pointwise(keras.layers.ReLU()(x), 4 * channels, choice), choice)
        return norm(pointwise(x, channels, choice), choice)
    x = keras.layers.Activation("gelu")(pointwise(x, 4 * channels, choice))
    return pointwise(x, channels, choice)


# %%
def rung(choice):
    """The network of a rung, for images of 28 x 28; from the lesson's seed."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((28, 28, 1))
    channels = choice["channels"]
    if choice["stem"] == "patches":
        x = keras.layers.Conv2D(channels, 2, strides=2, use_bias=choice["thrifty"])(inputs)  # 14, 14
        x = norm(x, choice) if choice["thrifty"] else norm_relu(x, choice)
    else:
        x = keras.layers.Conv2D(channels, 3, padding="same", use_bias=False)(inputs)
        x = keras.layers.MaxPooling2D(3, strides=2, padding="same")(norm_relu(x, choice))  # 14, 14
    for stage, depth in enumerate(ladder_depths):
        channels = choice["channels"] * 2**stage
        if stage and choice["separate"]:
            x = keras.layers.Conv2D(channels, 2, strides=2)(norm(x, choice))  # 7, 7
        for i in range(depth):
            stride = 2 if stage and i == 0 and not choice["separate"] else 1
            x = residual(x, channels, stride, choice)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = norm(x, choice) if choice["separate"] else x
    return keras.Model(inputs, keras.layers.Dense(10, name="scores")(x), name="rung")


def residual(x, channels, stride, choice):
    """Shortcut plus block; a projection where the shapes differ."""
    block = inverted if choice["block"] == "inverted" else bottleneck
    y = block(x, channels, stride, choice)
    if choice["separate"]:
        y = layers.LayerScale(1e-6)(y)
    if y.shape != x.shape:
        x = keras.layers.Conv2D(y.shape[-1], 1, strides=stride, use_bias=False)(x)
        x = norm(x, choice)
    y = keras.layers.Add()([x, y])
    return y if choice["thrifty"] else keras.layers.ReLU()(y)


# %%
ladder = {name: rung(choice) for name, choice in rungs.items()}
for name, member in ladder.items():
    counted = inspect.layer_table(member)
    print(f"{name:18} {counted.total_params:7,} parameters, {counted.total_macs:10,} multiply-adds")

# %% [markdown]
# The channels were chosen so that the first and the last rung do nearly the same number of multiply-adds. In between the counts vary, as they do in the paper (2022, figure 2): keep that in mind when you compare. Is the last rung ConvNeXt?

# %%
ladder_form = {**small_form, "width": 0.25, "depths": tuple(ladder_depths)}
from_library = networks.build("convnext_tiny", layer_scale=1.0, **ladder_form)
lesson.expect_same_function(rung(rungs["convnext"]), from_library)

# %% [markdown]
# **Predict:** which step gains most, and does any lose?

# %% tags=["nbval-ignore-output"]
ladder_recipe = training.Recipe(
    epochs=experiment_epochs,
    batch_size=batch_size,
    optimizer="adamw",
    learning_rate=learning_rate,
    weight_decay=weight_decay,
    schedule="one_cycle",
)
ladder_histories = {}
for name, member in ladder.items():
    ladder_histories[name] = training.train(member, few_images, ladder_recipe, seed=seed, progress="none")
    lesson.add_run(name, member, ladder_histories[name])
accuracy = {name: h.validation_accuracy[-1] for name, h in ladder_histories.items()}
plots.bars(accuracy, x_label="validation accuracy", y_label="rung, from the top", number_format="{:.4f}")

# %% [markdown]
# Read it from the top: each bar has everything of the bars above it. Where is the longest step, and where does a bar get shorter again? Then look at the claims, one for each step, with the paper's gain behind it.

# %%
names = list(accuracy)
gains = {name: accuracy[name] - accuracy[before] for before, name in itertools.pairwise(names)}
lesson.claim(
    "18-patches",
    "Patches at the entrance are at least as good as a convolution and a pooling.",
    source="Liu et al., 2022, section 2.2: from 79.4 to 79.5 percent",
    measured=f"validation accuracy {gains['patches']:+.4f}",
    difference=gains["patches"],
)
lesson.claim(
    "18-depthwise",
    "A depthwise 3x3 in a wider network is better than a full one.",
    source="Liu et al., 2022, section 2.3: from 79.5 to 80.5 percent, at more multiply-adds",
    measured=f"validation accuracy {gains['depthwise, wider']:+.4f}",
    difference=gains["depthwise, wider"],
)
lesson.claim(
    "18-inverted",
    "An inverted bottleneck with a window of 7x7 is better than a bottleneck with one of 3x3.",
    source="Liu et al., 2022, sections 2.4 and 2.5: from 80.5 to 80.6 percent",
    measured=f"validation accuracy {gains['inverted, 7x7']:+.4f}",
    difference=gains["inverted, 7x7"],
)
lesson.claim(
    "18-fewer",
    "GELU with fewer activations and normalisations is better than ReLU with many.",
    source="Liu et al., 2022, section 2.6: from 80.6 to 81.4 percent",
    measured=f"validation accuracy {gains['GELU, fewer norms']:+.4f}",
    difference=gains["GELU, fewer norms"],
)
lesson.claim(
    "18-layer-norm",
    "Layer normalisation is better than batch normalisation in this network.",
    source="Liu et al., 2022, section 2.6: from 81.4 to 81.5 percent",
    measured=f"validation accuracy {gains['layer norm']:+.4f}",
    difference=gains["layer norm"],
)
lesson.claim(
    "18-separate",
    "Separate layers for making the maps smaller, with layer scale, are better than strided blocks.",
    source="Liu et al., 2022, section 2.6: from 81.5 to 82.0 percent",
    measured=f"validation accuracy {gains['convnext']:+.4f}",
    difference=gains["convnext"],
)
lesson.claim(
    "18-whole-ladder",
    "All steps together, from ResNet to ConvNeXt, raise the accuracy.",
    source="Liu et al., 2022, figure 2: from 78.8 to 82.0 percent",
    measured=f"validation accuracy {accuracy['convnext'] - accuracy['resnet']:+.4f}",
    difference=accuracy["convnext"] - accuracy["resnet"],
)

# %% tags=["nbval-ignore-output"]
plots.bars(gains, x_label="gain of the step in validation accuracy", y_label="step", number_format="{:+.4f}")

# %% [markdown]
# Bars to the left are steps that lost. Be slow to conclude: one run of one seed moves by chance, often by as much as a step of the paper; the report of a run over several seeds says which of them stand. And what pays on a million photographs in 300 epochs need not pay on a few thousand
# small grey ones in a few: a network that begins as the identity and normalises little starts slowly.
#
# How slowly, the curves show:

# %% tags=["nbval-ignore-output"]
plots.learning_curves(ladder_histories)

# %% [markdown]
# Compare the validation lines after the first epoch. The rungs with batch normalisation may lag behind their own training lines there (moving averages), those with layer normalisation do not.
#
# ### What a rung costs
#
# The time of a training step, measured in each network's fastest epoch:

# %% tags=["nbval-ignore-output"]
plots.bars(
    {name: 1000 / h.images_per_second for name, h in ladder_histories.items()},
    x_label="training time for one image, milliseconds",
    y_label="rung",
    number_format="{:.2f}",
)

# %% [markdown]
# Compare with the multiply-adds above, which differ far less than the bars may. Lesson 17's warning holds on the ladder, too: depthwise windows and normalisations cost time that no count of multiply-adds shows. (A single bar far out of line is a sign that the machine was busy with something else.)
#
# ### How far a unit sees
#
# The receptive field of the last layer before the global average: first by theory, in pixels of the image.

# %%
for name in ("resnet", "depthwise, wider", "inverted, 7x7", "convnext"):
    member = ladder[name]
    last = [layer.name for layer in member.layers if len(layer.output.shape) == 4][-1]
    print(f"{name:18} sees {inspect.receptive_field(member, last)} pixels in each direction")

# %% [markdown]
# Compare with the 28 pixels of the image: which of these rungs could see all of it? And what do they use? The gradient tells: how strongly each pixel moves the unit at the centre of the last maps, in the mean of some images. Of the first rung and of the last:


# %%
def field_of(name):
    """Mean gradient of a rung's centre unit by the pixels, as a share of the largest (H, W)."""
    member = ladder[name]
    last = [layer.name for layer in member.layers if len(layer.output.shape) == 4][-1]
    field = inspect.effective_receptive_field(member, last, images.validation.images[:64])
    return field / field.max()


# %% tags=["nbval-ignore-output"]
fields = {name: field_of(name) for name in ("resnet", "convnext")}
plots.image_grid(np.array(list(fields.values())), titles=list(fields), columns=2)

# %% [markdown]
# White pixels move the unit most. Look how far the light reaches. The windows of 7x7 can give ConvNeXt a wider field, but only as far as the layer scale has let its blocks in: while they are nearly shut, a unit sees little more than the 4x4 pixels that its patches hand it directly. What a network *can* see by theory and what it uses are two things, as in lesson 02.

# %%
shares = {name: float((field > 0.1).mean()) for name, field in fields.items()}
lesson.claim(
    "18-field",
    "The last units of ConvNeXt use a larger part of the image than those of the residual network.",
    source="the reason given for large windows, Liu et al., 2022, section 2.5; pixels with more than a tenth of the largest gradient",
    measured=f"{shares['convnext']:.1%} of the pixels, {shares['resnet']:.1%} in the residual network",
    difference=shares["convnext"] - shares["resnet"],
)

# %% [markdown]
# ## Recap
#
# - Patches, layer normalisation, GELU, inverted bottlenecks, layer scale: each is a few lines, and none is attention.
# - A depthwise 7x7 is cheaper than a full 3x3; nearly all work of ConvNeXt is in dense layers on single places.
# - With its layer scale at zero a block is the identity: ConvNeXt starts as a stem and a mean.
# - The gains of the ladder are small steps, and the recipe of the training is worth more than any of them.
# - What pays on ImageNet need not pay on few small images: measure, with several seeds.
# - What the next lesson changes: not the network but its size on the disk. Compression.

# %% tags=["nbval-ignore-output"]
lesson.record(
    network=network,
    history=history,
    test=test,
    data=images,
    ladder_accuracy=accuracy,
    layer_scales=scales,
    share_of_pixels_used=shares,
)

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. `lesson.hint("18-1")` helps, `lesson.solution("18-1")` shows a way.
#
# **18-1.** How many weights and biases has a ConvNeXt block of 96 channels, with its normalisation and its layer scale?

# %%
answer = None
lesson.check("18-1", answer)

# %% [markdown]
# **18-2.** What is GELU(1), to three decimals? (A normal random number is below 1 with a probability of 0.8413.)

# %%
answer = None
lesson.check("18-2", answer)

# %% [markdown]
# **18-3.** ConvNeXt-T takes an image of 224 x 224. How many pixels high are the maps of its last stage?

# %%
answer = None
lesson.check("18-3", answer)

# %% [markdown]
# **18-4 (code).** Write `layer_normalised(x, epsilon)` in NumPy for x (N, H, W, C): mean 0 and variance 1 over the channels of each place, with epsilon added to the variance.

# %%
layer_normalised = None
lesson.check("18-4", layer_normalised)

# %% [markdown]
# **18-5 (code).** Write `inverted_bottleneck(x)` on a Keras tensor (N, H, W, C), from `keras.layers` only: a 7x7 depthwise convolution with "same" padding, layer normalisation with an epsilon of 1e-6, a dense layer to 4 C with GELU, a dense layer back to C, and the sum with x.

# %%
inverted_bottleneck = None
lesson.check("18-5", inverted_bottleneck)

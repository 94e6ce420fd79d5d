# %% [markdown]
# # 02 Pooling and receptive fields: seeing more with less
#
# Pooling replaces each small window of a map by one number. It has nothing to learn, it makes everything behind it cheaper, and it
# lets a unit see more of the picture. This lesson builds it, computes what any unit of any network sees, in theory and in effect, and
# measures a thing that is often said and seldom checked: that pooling makes a network invariant to shifts.
#
# *Papers:* W. Luo and others, "Understanding the effective receptive field in deep convolutional neural networks" (2016);
# R. Zhang, "Making convolutional networks shift-invariant again" (2019).
#
# **What you will learn**
# - maximum, average, overlapping and global pooling, plain subsampling, and their backward passes
# - the receptive field, by a recurrence, by gradients, and on graphs with branches
# - why three 3x3 layers are preferred to one 7x7, and what dilation buys
# - how often a trained network changes its mind when a picture moves, turns or grows a little
#
# **You need** lesson 01, or: what a convolution, a kernel and a channel are.
# **Time:** under a minute of computing at each budget; 45 minutes to read.

# %% tags=["parameters"]
budget: str = "quick"  # label of the budget: quick, cpu or gpu
seed: int = 0  # of weights and order of images
threads: int = 2  # CPU threads of the arithmetic
precision: str = "float32"  # float32, mixed_bfloat16 or auto
train_examples: int | None = 6000  # training images that are used; None for all
epochs: int = 4  # passes over the training images, main network
experiment_epochs: int = 4  # the same for each network that it is compared with
experiment_examples: int = 4000  # training images of each of these, at most train_examples
judged_examples: int = 1500  # validation images that are moved, turned and scaled
batch_size: int = 64  # images a step
learning_rate: float = 0.006  # peak of the one-cycle schedule

# %% tags=["nbval-ignore-output"]
from cnnlib import lesson, data, inspect, plots, training

import keras
import numpy as np
from keras import layers, ops

lesson.begin(
    "02_pooling_and_receptive_fields", budget=budget, seed=seed, threads=threads, precision=precision
)

# %% [markdown]
# ## The problem: small windows, large maps
#
# A unit of a 3x3 layer sees nine pixels, a sleeve is larger. Stacking helps slowly: each further 3x3 layer adds one pixel on each side. And
# as the maps stay as large as the picture, every layer costs the same memory and work again. Count how many layers it takes until one unit
# sees a whole picture of 28 pixels:

# %%
side, number = 1, 0
while side < 28:
    side, number = side + 2, number + 1
print(f"{number} layers of 3x3; a unit of the last sees {side}x{side} pixels")
print(f"with 64 channels they hold {number * 64 * 28 * 28:,} numbers for one picture")

# %%
loaded = data.load("fashion_mnist", train_examples=train_examples, seed=0)
MARGIN = 4


def on_canvas(split):
    """The same pictures with a black margin of 4 pixels: 36x36, so that they can move and lose nothing."""
    margins = [(0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)]
    return data.Split(np.pad(split.images, margins), split.labels)


images = data.Dataset(
    *map(on_canvas, (loaded.train, loaded.validation, loaded.test)),
    class_names=loaded.class_names,
    name=loaded.name,
    sha256=loaded.sha256,
)
boot = images.train.images[images.train.labels == 9][0]
seen = []
for side in (3, 5, 9, 17, 33):
    window = np.zeros_like(boot)
    low, high = 18 - side // 2, 18 + side // 2 + 1
    window[low:high, low:high] = boot[low:high, low:high]
    seen.append(window)
plots.image_grid(np.stack(seen), titles=["3x3", "5x5", "9x9", "17x17", "33x33"], columns=5)

# %% [markdown]
# An ankle boot, as units with windows of different sizes see it (the pictures of this lesson lie on a canvas of 36x36 pixels, with a black margin, so that they can be
# moved later without losing anything). With 3x3 or 5x5 pixels nobody could say what it is; at 17x17 one begins to guess. The
# window of input pixels that can change a unit is its *receptive field*. It must grow, and faster than one pixel a layer.

# %% [markdown]
# ## The block: pooling
#
# *Pooling* lays a window on the map, as a convolution does, but takes a fixed summary instead of a weighted sum, for each channel
# by itself. It moves on by a *stride*, mostly the window's size. The maximum asks "was the pattern anywhere in here?", the average "how much of it?".


# %%
def pool(maps, size, stride, summary):
    """Pooling of maps (H,W,C): `summary` (np.max, np.mean, ...) of each size x size window."""
    rows, columns = ((side - size) // stride + 1 for side in maps.shape[:2])
    result = np.zeros((rows, columns, maps.shape[2]))
    for i in range(rows):
        for j in range(columns):
            window = maps[i * stride : i * stride + size, j * stride : j * stride + size]
            result[i, j] = summary(window, axis=(0, 1))
    return result


def first(window, axis):
    """The upper left number of a window: plain subsampling throws the others away."""
    return window[0, 0]


little = np.array([[1, 3, 2, 0], [4, 2, 1, 1], [0, 0, 5, 6], [0, 8, 7, 6]])[:, :, None]
print("maximum:")
print(pool(little, 2, 2, np.max)[:, :, 0])
print("average:")
print(pool(little, 2, 2, np.mean)[:, :, 0])
print("subsampling:")
print(pool(little, 2, 2, first)[:, :, 0])

# %% [markdown]
# Check one window by hand: the upper left one holds 1, 3, 4, 2. *Subsampling* is what a convolution of stride 2 does, too: it computes
# only every second place. *Overlapping* pooling has a window larger than its stride, 3 at stride 2. *Global* pooling
# makes one number of a whole map. All of them against Keras:


# %%
def difference_to_keras(layer, ours, maps):
    """Largest difference between a Keras layer and our result, on maps (H,W,C)."""
    return float(np.abs(ops.convert_to_numpy(layer(maps[None].astype("float32")))[0] - ours).max())


maps = np.random.default_rng(0).normal(size=(9, 8, 3))
whole = {"max": maps.max(axis=(0, 1)), "average": maps.mean(axis=(0, 1))}
comparisons = {
    "maximum, 2 at stride 2": (layers.MaxPooling2D(2), pool(maps, 2, 2, np.max)),
    "average, 2 at stride 2": (layers.AveragePooling2D(2), pool(maps, 2, 2, np.mean)),
    "overlapping maximum, 3 at stride 2": (layers.MaxPooling2D(3, strides=2), pool(maps, 3, 2, np.max)),
    "subsampling, 1 at stride 2": (layers.MaxPooling2D(1, strides=2), maps[::2, ::2]),
    "global maximum": (layers.GlobalMaxPooling2D(), whole["max"]),
    "global average": (layers.GlobalAveragePooling2D(), whole["average"]),
}
for name, (layer, ours) in comparisons.items():
    lesson.expect_between(name, difference_to_keras(layer, ours, maps), 0, 1e-6)

# %%
weights = sum(layer.count_params() for layer, _ in comparisons.values())
sides = {n: (n - 3) // 2 + 1 for n in (55, 27, 13)}
print("overlapping pooling, side before and after:", sides)
print(
    "average pooling of ones, padded 'same':",
    np.unique(
        ops.convert_to_numpy(layers.AveragePooling2D(3, 1, padding="same")(np.ones((1, 5, 5, 1), "float32")))
    ),
)
lesson.claim(
    "02-no-parameters",
    "Pooling layers have no parameters.",
    source="counted over the six layers above",
    measured=f"{weights} parameters in {len(comparisons)} layers",
    holds=weights == 0,
)

# %% [markdown]
# The size follows lesson 01's formula for a narrow convolution. A trap in the middle line: with `padding="same"` Keras leaves the padding *out* of the average (zeros counted
# in would give less than one at the border), and of the maximum as well. Other libraries count the zeros.
#
# ### The backward pass
#
# The maximum passes the error on to the winner of each window, the others could have been anything less; the average gives each
# number of the window an equal share. **Predict** both gradients for the little map above, if the error is 1 at each output.

# %%
gradients = {
    name: inspect.input_gradient(lambda x, layer=layer: ops.sum(layer(x)), little[None].astype("float32"))[
        0, :, :, 0
    ]
    for name, layer in {"maximum": layers.MaxPooling2D(2), "average": layers.AveragePooling2D(2)}.items()
}
print("maximum:")
print(gradients["maximum"])
print("average:")
print(gradients["average"])
winners = little[:, :, 0] == np.kron(pool(little, 2, 2, np.max)[:, :, 0], np.ones((2, 2)))
print("the ones stand at the winners:", np.array_equal(gradients["maximum"], winners))

# %% [markdown]
# So behind a maximum of 2x2 three of four units learn nothing from this picture; behind an average all learn a little. (These gradients come from the backend's
# automatic differentiation, by `inspect.input_gradient`.)

# %% [markdown]
# ## The receptive field
#
# ### By recurrence
#
# Stand at one unit of the last layer: it sees $r = 1$ unit of itself. Go back through a layer with kernel $k$ and stride $s$: $r$ neighbouring units see
# $(r - 1) \cdot s + k$ units of the layer below, for the first sees $k$ and each further one adds $s$. So, *from the output to the input*,
#
# $$ r_{i} = (r_{i+1} - 1) \cdot s_i + k_i . $$
#
# Pooling counts like a convolution of its window and stride.


# %%
def field_from_output(stack):
    """Receptive field of the last layer of a stack of (kernel, stride), first layer first."""
    field = 1
    for kernel, stride in reversed(stack):
        field = (field - 1) * stride + kernel
    return field


def field_from_input(stack):
    """The same from the input: each layer adds kernel - 1 steps of the distance between neighbouring units."""
    field, jump = 1, 1
    for kernel, stride in stack:
        field += (kernel - 1) * jump
        jump *= stride
    return field


def same_recurrence_in_the_wrong_direction(stack):
    field = 1
    for kernel, stride in stack:
        field = (field - 1) * stride + kernel
    return field


stack = [(5, 1), (2, 2), (5, 1), (2, 2), (3, 1)]  # LeNet's convolutions and poolings, and one more layer
print("from the output:", field_from_output(stack))
print("from the input, with the jump:", field_from_input(stack))
print("the recurrence, run in the wrong direction:", same_recurrence_in_the_wrong_direction(stack))

# %% [markdown]
# A common note has the recurrence run from the input to the output, which the last line does: another number, and a wrong one. From the input one
# needs the *jump* as well, the distance in pixels between neighbouring units, which strides multiply.
#
# How do we know which is right? Ask the gradient.
#
# ### By gradient
#
# A pixel belongs to the receptive field if it can change the unit, that is, if the unit's gradient with respect to it is not zero. We build the
# stack with positive weights (so that nothing cancels), take the unit in the middle and count the pixels that it reacts to.


# %%
def build(stack, size=64, dilations=None):
    """A network of one channel from (kernel, stride) pairs, all weights 1: convolutions, or poolings where the stride is above 1."""
    inputs = x = keras.Input((size, size, 1))
    for i, (kernel, stride) in enumerate(stack):
        if stride > 1:
            x = layers.AveragePooling2D(kernel, strides=stride, name=f"layer{i}")(x)
        else:
            dilation = dilations[i] if dilations else 1
            x = layers.Conv2D(1, kernel, dilation_rate=dilation, kernel_initializer="ones", name=f"layer{i}")(
                x
            )
    return keras.Model(inputs, x)


def pixels_that_count(model, layer=None):
    """Boolean (H,W): which pixels change the middle unit of the last (or the named) layer."""
    layer = layer or model.layers[-1].name
    noise = np.random.default_rng(0).random((1, *model.input_shape[1:]))
    return inspect.effective_receptive_field(model, layer, noise) > 0


model = build(stack)
reached = pixels_that_count(model)
rows_reached = int(reached.any(axis=1).sum())
print("pixels by gradient:", rows_reached, "x", int(reached.any(axis=0).sum()))
print("cnnlib's inspect.receptive_field:", inspect.receptive_field(model, "layer4").size)
lesson.claim(
    "02-recurrence",
    "The receptive-field recurrence runs from the output to the input: r_i = (r_(i+1) - 1) * s_i + k_i.",
    source="arithmetic; checked by gradients",
    measured=f"recurrence {field_from_output(stack)}, gradients {rows_reached}, "
    f"the other direction {same_recurrence_in_the_wrong_direction(stack)}",
    holds=field_from_output(stack) == rows_reached != same_recurrence_in_the_wrong_direction(stack),
)

# %% [markdown]
# The gradient confirms the recurrence. `inspect.receptive_field` does the same for whole networks, and its column stands in every layer table of the course. Let us
# watch the field grow, with and without pooling:

# %%
without_pooling = [field_from_input([(3, 1)] * depth) for depth in range(1, 9)]
pooled_stack = [(3, 1), (3, 1), (2, 2), (3, 1), (3, 1), (2, 2), (3, 1), (3, 1)]
with_pooling = [field_from_input(pooled_stack[:depth]) for depth in range(1, 9)]
print("3x3 layers only:           ", without_pooling)
print("every third is a pooling:  ", with_pooling)
plots.lines(
    range(1, 9),
    {"3x3 layers only": without_pooling, "every third layer a 2x2 pooling": with_pooling},
    x_label="layers",
    y_label="receptive field, pixels a side",
)

# %% [markdown]
# A straight line against one that bends upward: behind each pooling every layer takes steps twice as long. That is what a network of
# a few layers needs to see a whole boot.
#
# ### On graphs with branches
#
# Modern networks split and join (lessons 08, 10 and 11). A unit behind a join sees the *union* of what its branches see, so its field is that of the widest
# branch. Here is a block with four of them:

# %%
inputs = keras.Input((32, 32, 1))
ones = {"padding": "same", "kernel_initializer": "ones"}
point = layers.Conv2D(1, 1, name="branch1_1x1", **ones)(inputs)
three = layers.Conv2D(1, 3, name="branch2_3x3", **ones)(inputs)
twice = layers.Conv2D(1, 3, name="branch3_3x3a", **ones)(inputs)
twice = layers.Conv2D(1, 3, name="branch3_3x3b", **ones)(twice)
wide = layers.AveragePooling2D(2, strides=1, padding="same", name="branch4_pool")(inputs)
wide = layers.Conv2D(1, 3, dilation_rate=3, name="branch4_dilated", **ones)(wide)
joined = layers.Concatenate(name="joined")([point, three, twice, wide])
out = layers.Conv2D(1, 3, name="after", **ones)(joined)
branching = keras.Model(inputs, out, name="branching")
print(f"{'layer':16} theory  hull by gradient  rows read")
for name in ("branch1_1x1", "branch2_3x3", "branch3_3x3b", "branch4_dilated", "joined", "after"):
    field = inspect.receptive_field(branching, name)
    rows = np.flatnonzero(pixels_that_count(branching, name).any(axis=1))
    print(f"{name:16} {field!s:>6}  {rows[-1] - rows[0] + 1:>16}  {len(rows):>9}")

# %% [markdown]
# Theory and gradient agree on where each field begins and ends (its *hull*). The union is as wide as the fourth branch, a pooling followed by a
# dilated layer, which reads only some of the rows in between: a field may have holes, and the theory gives its hull. Behind the join the other branches fill them.
#
# ### Three small layers or a large one
#
# **Predict:** which sees more, three 3x3 layers or one of 7x7? Which has more weights, with $C$ channels everywhere?

# %%
channels = 16
three_small = keras.Sequential(
    [keras.Input((33, 33, channels))]
    + [layers.Conv2D(channels, 3, use_bias=False, name=f"small{i}") for i in range(3)]
)
one_large = keras.Sequential(
    [keras.Input((33, 33, channels)), layers.Conv2D(channels, 7, use_bias=False, name="large")]
)
fields = [inspect.receptive_field(three_small, "small2"), inspect.receptive_field(one_large, "large")]
counts = [three_small.count_params(), one_large.count_params()]
lesson.claim(
    "02-three-3x3",
    "Three 3x3 layers see what one 7x7 layer sees, with 27 C^2 weights against 49 C^2.",
    source="Simonyan and Zisserman, 2014, section 2.3",
    measured=f"fields {fields[0]} and {fields[1]}; {counts[0]:,} and {counts[1]:,} weights at C = {channels}",
    holds=fields[0].size == fields[1].size == (7, 7) and counts == [27 * channels**2, 49 * channels**2],
)

# %% [markdown]
# The same view for little more than half of the weights, and room for two more activations between. This is the idea of VGG, lesson 06.
#
# ### Dilation
#
# A kernel whose cells are $d$ pixels apart reaches over $d(k-1)+1$ pixels with the same weights (lesson 01).

# %%
plain = build([(3, 1)] * 3, size=33)
dilated = build([(3, 1)] * 3, size=33, dilations=[1, 2, 4])
holed = build([(3, 1)] * 3, size=33, dilations=[2, 2, 2])
plain_field, dilated_field, holed_field = (
    inspect.receptive_field(m, "layer2").size[0] for m in (plain, dilated, holed)
)
lesson.claim(
    "02-dilation",
    "Dilation enlarges the receptive field at no cost in parameters.",
    source="Yu and Koltun, 2015",
    measured=f"three 3x3 layers, dilations 1, 1, 1 and 1, 2, 4: fields {plain_field} and {dilated_field}, "
    f"parameters {plain.count_params()} and {dilated.count_params()}",
    holds=dilated_field > plain_field and dilated.count_params() == plain.count_params(),
)
for name, model in {"1, 1, 1": plain, "1, 2, 4": dilated, "2, 2, 2": holed}.items():
    side = inspect.receptive_field(model, "layer2").size[0]
    print(f"dilations {name}: {pixels_that_count(model).sum()} of {side}x{side} = {side**2} pixels are read")

# %%
windows = [pixels_that_count(m)[6:27, 6:27] for m in (plain, dilated, holed)]
plots.image_grid(
    np.stack(windows).astype("float32"),
    titles=["dilations 1, 1, 1", "dilations 1, 2, 4", "dilations 2, 2, 2"],
    columns=3,
)

# %% [markdown]
# White pixels are read by the unit in the middle. Doubling dilations (1, 2, 4) fill their square; equal ones (2, 2, 2) leave holes, a lattice that never sees
# the pixels between. So the field's size is not the whole story. What goes on inside of it?
#
# ### The effective receptive field
#
# All pixels of the field *can* change the unit. Do they change it equally? The central pixels reach it by many paths, a corner pixel by one. We measure how strongly
# each pixel acts: the mean magnitude of the gradient, over pictures of noise, in a network of ten 3x3 layers with random weights and ReLU.

# %%
keras.utils.set_random_seed(0)
deep = keras.Sequential(
    [keras.Input((25, 25, 1))]
    + [
        layers.Conv2D(
            12, 3, padding="same", activation="relu", kernel_initializer="he_normal", name=f"conv{i}"
        )
        for i in range(10)
    ]
)
noise = np.random.default_rng(0).normal(size=(96, 25, 25, 1))
strength = {depth: inspect.effective_receptive_field(deep, f"conv{depth - 1}", noise) for depth in (2, 5, 10)}
theory = {depth: inspect.receptive_field(deep, f"conv{depth - 1}").size[0] for depth in strength}
print("theoretical field by number of layers:", theory)
plots.feature_maps(
    np.stack(list(strength.values()), axis=-1), titles=[f"{depth} layers" for depth in strength], columns=3
)

# %% [markdown]
# The pictures are 25x25 pixels, so the theoretical field of ten layers, 21x21, nearly fills the one on the right. Yet the gradient is a hill in the middle, and towards the corners
# it is dark: much of the field hardly counts. How wide is the hill? Find the smallest square around the centre that holds most of the gradient's energy (its square).

# %%
energy = strength[10] ** 2


def energy_within(side):
    """Energy in the side x side square around the middle pixel."""
    square = slice(12 - side // 2, 13 + side // 2)
    return energy[square, square].sum()


side = next(side for side in range(1, 26, 2) if energy_within(side) >= 0.95 * energy.sum())
ratio = side / theory[10]
lesson.expect_between("side that holds 0.95 of the energy, by side of the field", ratio, 0.2, 0.8)
lesson.claim(
    "02-effective-field",
    "The effective receptive field is smaller than the theoretical one.",
    source="Luo et al., 2016; ten 3x3 layers with random weights",
    measured=f"0.95 of the gradient's energy lies in {'less' if ratio < 0.8 else 'more'} than 0.8 of the field's side",
    holds=ratio < 0.8,
)

# %% [markdown]
# The number of paths from a pixel to the unit is a convolution of the kernels with each other, and repeated convolution approaches a bell. So the effective width grows
# with the *root* of the number of layers, the theoretical one in proportion to it: another reason for pooling.

# %% [markdown]
# ## The network
#
# A small network on the canvas: twice (convolution, ReLU, pooling), then a dense layer. Its pooling is a choice that we shall vary.

# %%
POOLINGS = {
    "maximum": lambda name: layers.MaxPooling2D(2, name=name),
    "average": lambda name: layers.AveragePooling2D(2, name=name),
    "subsampling": lambda name: layers.MaxPooling2D(1, strides=2, name=name),
}


def pooling_network(pooling="maximum"):
    """Two 3x3 convolutions, each followed by a pooling of the given kind: (36,36,1) -> 10 scores."""
    inputs = x = keras.Input(images.image_shape)
    for stage, filters in ((1, 8), (2, 16)):
        x = layers.Conv2D(
            filters,
            3,
            padding="same",
            activation="relu",
            kernel_initializer="he_normal",
            name=f"stage{stage}_conv",
        )(x)
        x = POOLINGS[pooling](f"stage{stage}_pool")(x)
    x = layers.Flatten(name="flatten")(x)
    return keras.Model(inputs, layers.Dense(10, name="scores")(x), name="small_pooling")


keras.utils.set_random_seed(seed)
network = pooling_network()
print(inspect.layer_table(network))

# %% [markdown]
# Follow three columns. The receptive field grows by pooling, too. The *MACs* (multiply-adds) of the second convolution would be four times as many without the first
# pooling. And the memory of the maps shrinks by four at each pooling.

# %% [markdown]
# ## Training

# %%
recipe = training.Recipe(
    epochs=epochs,
    batch_size=batch_size,
    learning_rate=learning_rate,
    schedule="one_cycle",
    weight_decay=0.01,
)
recipe.table()

# %% tags=["nbval-ignore-output"]
before = inspect.effective_receptive_field(network, "stage2_pool", images.validation.images[:64])
history = training.train(network, images, recipe, seed=seed)
plots.learning_curves({"maximum": history})

# %% [markdown]
# Training is dashed, validation solid; the losses should fall and the accuracies rise together. The test set, once:

# %%
test = training.evaluate(network, images.test)
lesson.expect_between("test accuracy of the network with max pooling", test["top1"], 0.76, 0.93)

# %% [markdown]
# ## Looking inside
#
# The boot in the eight maps of the first stage, before pooling and after:

# %% tags=["nbval-ignore-output"]
stages = inspect.feature_maps(network, boot[None], ["stage1_conv", "stage1_pool"])
enlarged = np.kron(stages["stage1_pool"][0], np.ones((2, 2, 1)))
titles = [f"map {i}" for i in range(8)] + [f"pooled {i}" for i in range(8)]
plots.feature_maps(np.concatenate([stages["stage1_conv"][0], enlarged], axis=-1), titles=titles, columns=8)

# %% [markdown]
# The lower row has a quarter of the numbers (drawn twice as large). Shapes and outlines are still there, a little thicker, since the maximum keeps what is bright; exact places
# are gone. For telling a boot from a sandal this is a good bargain.
#
# And the effective receptive field of the last pooling layer, before training and after:

# %% tags=["nbval-ignore-output"]
after = inspect.effective_receptive_field(network, "stage2_pool", images.validation.images[:64])
crop = slice(11, 25)
plots.feature_maps(
    np.stack([before, after], axis=-1)[crop, crop], titles=["before training", "after training"], columns=2
)

# %% [markdown]
# Bright pixels move the unit most. Compare the two squares: training shifts weight between the pixels of the field, but it cannot reach outside of it.

# %% [markdown]
# ## Experiments
#
# ### Is max pooling invariant to shifts?
#
# It is often said that pooling makes a network invariant to small shifts: as long as the brightest pixel stays within its window, nothing changes. **Predict** what happens
# to this signal when it moves by one sample:

# %%
signal = np.array([0, 0, 1, 1, 0, 0, 1, 1])
print("pooled:       ", signal.reshape(-1, 2).max(axis=1))
print("moved, pooled:", np.roll(signal, 1).reshape(-1, 2).max(axis=1))

# %% [markdown]
# The pattern vanishes (the example is Zhang's). The windows do not move along with the signal; what was within one window is now split over two. How common is that
# in pictures? We move all validation pictures by one pixel, pool, and count how many numbers changed. Pictures are whole numbers, so that the count is exact.


# %%
def moved(pictures, down, right):
    """Pictures (N,H,W,C) moved down and to the right; what they lose on one side is margin, and black, as what comes in."""
    return np.roll(pictures, (down, right), axis=(1, 2))


def pooled(pictures, kind):
    """Pictures (N,H,W,1), even sides, pooled by 2x2 windows."""
    n, height, width, _ = pictures.shape
    windows = pictures.reshape(n, height // 2, 2, width // 2, 2).astype("float64")
    summaries = {
        "maximum": windows.max(axis=(2, 4)),
        "average": windows.mean(axis=(2, 4)),
        "subsampling": windows[:, :, 0, :, 0],
    }
    return summaries[kind]


still = images.validation.images
busy = pooled(still, "maximum") + pooled(moved(still, 0, 1), "maximum") > 0  # black stays black
changed = (pooled(still, "maximum") != pooled(moved(still, 0, 1), "maximum"))[busy]
lesson.claim(
    "02-max-pooling-invariant",
    "Max pooling is invariant to a shift by one pixel.",
    source="said in many notes; Zhang, 2019, says otherwise",
    measured=f"{changed.sum():,} of {changed.size:,} pooled numbers that are not black change",
    holds=not changed.any(),
)
by_two = np.array_equal(pooled(moved(still, 0, 2), "maximum")[:, :, 1:], pooled(still, "maximum")[:, :, :-1])
print("a shift by two pixels moves the pooled map by one:", by_two)

# %% [markdown]
# Most numbers change. What does hold is *equi*variance, for shifts by multiples of the stride, as the last line shows. "Changed" is a strict word, however; perhaps they change by little?
# We measure the mean change, relative to the mean value, for our three ways to make a map smaller.

# %%
relative_change = {
    kind: float(
        np.abs(pooled(still, kind) - pooled(moved(still, 0, 1), kind)).mean() / pooled(still, kind).mean()
    )
    for kind in POOLINGS
}
lesson.expect_between(
    "maximum, change by subsampling's", relative_change["maximum"] / relative_change["subsampling"], 0.5, 0.99
)
lesson.expect_between(
    "average, change by subsampling's", relative_change["average"] / relative_change["subsampling"], 0.3, 0.99
)
plots.bars(
    relative_change, x_label="mean change by a shift of one pixel, relative to the mean", y_label="pooling"
)

# %% [markdown]
# Both poolings change less than plain subsampling: a *little* invariance, no more. The average is a low-pass filter (lesson 01), which removes what
# changes fastest; lesson 15 makes a cure of that.
#
# Global pooling is another matter: it has a single window, nothing can leave it.

# %%
print(
    "global maximum unchanged: ", np.array_equal(still.max(axis=(1, 2)), moved(still, 3, 2).max(axis=(1, 2)))
)
print(
    "global average unchanged: ", np.array_equal(still.sum(axis=(1, 2)), moved(still, 3, 2).sum(axis=(1, 2)))
)

# %% [markdown]
# ### What the trained network makes of it
#
# The measure is *consistency*: the share of pictures for which the network gives the same answer, right or wrong, before and after. It is 1 for an invariant network. We
# move pictures by 1 to 4 pixels (to the right, and down), turn them and scale them by small amounts. Nothing leaves the canvas when they are moved.


# %%
judged = images.validation.images[:judged_examples]


def consistency(network, changed_pictures, answers):
    """Share of pictures whose answer is the same as in `answers`."""
    return float(np.mean(inspect.predict(network, changed_pictures).argmax(axis=1) == answers))


def transformed(pictures, degrees=0.0, scale=1.0):
    """Float pictures (N,H,W,1) in [0, 1], turned counter-clockwise and enlarged about the middle of the canvas, bilinear."""
    angle, middle = np.deg2rad(degrees), (pictures.shape[1] - 1) / 2
    a, b = (
        np.cos(angle) / scale,
        -np.sin(angle) / scale,
    )  # the map goes from the result's pixels to the picture's
    transform = [a, b, middle - a * middle - b * middle, -b, a, middle + b * middle - a * middle, 0, 0]
    result = ops.image.affine_transform(
        data.to_float(pictures),
        np.array(transform, "float32"),
        interpolation="bilinear",
        fill_mode="constant",
    )
    return ops.convert_to_numpy(result)


data_scaled = judged[:50] / np.float32(255)
quarter = np.abs(transformed(judged[:50], degrees=90) - np.rot90(data_scaled, axes=(1, 2))).max()
lesson.expect_between("a quarter turn, against NumPy's", quarter, 0, 1e-3)

# %%
sample = np.concatenate(
    [
        moved(boot[None], 0, 2) / 255,
        *[transformed(boot[None], d) for d in (10, 20)],
        *[transformed(boot[None], 0, s) for s in (0.8, 1.2)],
    ]
)
plots.image_grid(
    np.clip(sample, 0, 1),
    titles=["right by 2", "turned by 10", "turned by 20", "scaled by 0.8", "scaled by 1.2"],
    columns=5,
)

# %% [markdown]
# All five are boots to everybody. **Predict:** for how many pictures in a hundred does the network keep its answer under each of them?

# %%
shifts, angles, scales = [0, 1, 2, 3, 4], [-20, -10, -5, 0, 5, 10, 20], [0.8, 0.9, 1.0, 1.1, 1.2]
answers = inspect.predict(network, judged).argmax(axis=1)
by_shift = inspect.shift_consistency(network, judged, shifts)
by_angle = [consistency(network, transformed(judged, degrees=d), answers) for d in angles]
by_scale = [consistency(network, transformed(judged, scale=s), answers) for s in scales]
lesson.expect_between("consistency of unmoved pictures", by_shift[0], 1, 1)
lesson.expect_between("consistency at 4 pixels", by_shift[4], 0.1, 0.9)

# %% tags=["nbval-ignore-output"]
names = (
    [f"moved by {s}" for s in shifts[1:]]
    + [f"turned by {d}" for d in angles if d]
    + [f"scaled by {s}" for s in scales if s != 1]
)
values = by_shift[1:] + [v for d, v in zip(angles, by_angle, strict=True) if d]
values += [v for s, v in zip(scales, by_scale, strict=True) if s != 1]
plots.bars(
    dict(zip(names, values, strict=True)),
    x_label="consistency: share of equal answers",
    y_label="change of the picture",
)

# %% [markdown]
# A full bar would be invariance. Read each group from small changes to large ones: the answers drift away from the first pixel and the first degrees on, and how far a few pixels carry is
# what people tend to guess wrong. (Turned by negative angles is clockwise.)

# %%
mean_shift = float(np.mean(by_shift[1:]))
lesson.claim(
    "02-consistency-shift",
    "A network with max pooling is not shift-invariant: under shifts of 1 to 4 pixels its mean consistency is below 0.9.",
    source="Zhang, 2019, for ImageNet; measured here on a canvas where nothing is lost",
    measured="by pixels: "
    + ", ".join(f"{s}: {v:.3f}" for s, v in zip(shifts[1:], by_shift[1:], strict=True)),
    difference=0.9 - mean_shift,
)

# %%
mean_angle = float(np.mean([v for d, v in zip(angles, by_angle, strict=True) if abs(d) in (10, 20)]))
lesson.claim(
    "02-consistency-rotation",
    "A network with max pooling is not invariant to small rotations: at 10 and 20 degrees its mean consistency is below 0.9.",
    source="measured",
    measured="by degrees: " + ", ".join(f"{d}: {v:.3f}" for d, v in zip(angles, by_angle, strict=True)),
    difference=0.9 - mean_angle,
)

# %%
mean_scale = float(np.mean([v for s, v in zip(scales, by_scale, strict=True) if s != 1]))
lesson.claim(
    "02-consistency-scaling",
    "A network with max pooling is not invariant to small scalings: from 0.8 to 1.2 its mean consistency is below 0.9.",
    source="measured",
    measured="by factor: " + ", ".join(f"{s}: {v:.3f}" for s, v in zip(scales, by_scale, strict=True)),
    difference=0.9 - mean_scale,
)

# %% [markdown]
# ### Does pooling help at all?
#
# Three networks, equal but for the pooling, same seed, same pictures. **Predict:** which has the highest consistency under shifts, and which the highest accuracy?

# %% tags=["nbval-ignore-output"]
few = data.Dataset(
    images.train.take(experiment_examples),
    images.validation,
    images.test,
    class_names=images.class_names,
    name=images.name,
    sha256=images.sha256,
)
experiment_recipe = training.Recipe(
    epochs=experiment_epochs,
    batch_size=batch_size,
    learning_rate=learning_rate,
    schedule="one_cycle",
    weight_decay=0.01,
)
consistencies, accuracies = {}, {}
for kind in POOLINGS:
    keras.utils.set_random_seed(seed)
    candidate = pooling_network(kind)
    candidate_history = training.train(candidate, few, experiment_recipe, seed=seed, progress="none")
    lesson.add_run(f"{kind} pooling", candidate, candidate_history)
    accuracies[kind] = candidate_history.validation_accuracy[-1]
    consistencies[kind] = inspect.shift_consistency(candidate, judged, shifts)
    print(f"{kind:12} validation accuracy {accuracies[kind]:.4f}")
plots.lines(
    shifts,
    consistencies,
    x_label="shift, pixels",
    y_label="consistency",
)

# %% [markdown]
# All curves begin at 1, as nothing has moved there, and all fall. What matters is the distance between them: how much later do the poolings fall than subsampling? The dense layer behind them ties the maps to places
# whatever the pooling; for more, a network needs global pooling (lesson 07), blur before subsampling (lesson 15) or moved pictures in training (lesson 14).

# %%
gain = float(np.mean(consistencies["maximum"][1:]) - np.mean(consistencies["subsampling"][1:]))
lesson.claim(
    "02-pooling-helps",
    "Max pooling gives a higher consistency under shifts of 1 to 4 pixels than plain subsampling.",
    source="LeCun et al., 1998, for subsampling by averages; measured here for the maximum",
    measured=f"mean consistency {gain:+.4f}",
    difference=gain,
)

# %% [markdown]
# ## Recap
#
# - Pooling summarises windows: maximum, average, global; it has no parameters; subsampling keeps one number and drops the rest.
# - Receptive field, from the output to the input: $r_i = (r_{i+1} - 1) s_i + k_i$; with branches the union; in effect a hill, smaller than the theory.
# - Three 3x3 layers see as much as one 7x7 with 27 $C^2$ against 49 $C^2$ weights; dilation widens at no cost in parameters, but may leave holes.
# - Max pooling is not shift-invariant. It is equivariant to shifts by its stride, and forgives a little.
# - Next: what stands between the layers, the activations, and how the gradient gets through them.

# %% tags=["nbval-ignore-output"]
lesson.record(
    network=network,
    history=history,
    test=test,
    data=images,
    consistency_by_shift=dict(zip(map(str, shifts), by_shift, strict=True)),
    consistency_by_angle=dict(zip(map(str, angles), by_angle, strict=True)),
    consistency_by_scale=dict(zip(map(str, scales), by_scale, strict=True)),
)

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. `lesson.hint("02-1")` helps, `lesson.solution("02-1")` shows a way.
#
# **02-1.** A network begins with a 7x7 convolution at stride 2, a 3x3 pooling at stride 2 and a 3x3 convolution. How many pixels a side does a unit
# of the last layer see?

# %%
answer = None
lesson.check("02-1", answer)

# %% [markdown]
# **02-2.** A map of 112 x 112 goes unpadded through overlapping pooling, 3 at stride 2. How many rows are left?

# %%
answer = None
lesson.check("02-2", answer)

# %% [markdown]
# **02-3 (code).** Write `max_pool_gradient(maps, error)`: for maps (H,W), H and W even, that go through max pooling of 2x2, and the error (H/2,W/2)
# of its output, the gradient (H,W). No two numbers of a window are equal.

# %%
max_pool_gradient = None
lesson.check("02-3", max_pool_gradient)

# %% [markdown]
# **02-4 (code).** Write `field(stack)` for a list of `(kernel, stride, dilation)`, first layer first: the receptive field of the last layer.

# %%
field = None
lesson.check("02-4", field)

# %% [markdown]
# **02-5 (code).** Write `wide_view(channels)`, which returns a Keras model from (40, 40, channels) to (10, 10, channels) that sees 31x31 pixels in its last layer with 27
# `channels`² weights: unpadded 3x3 layers without bias, dilation, no pooling.

# %%
wide_view = None
lesson.check("02-5", wide_view)

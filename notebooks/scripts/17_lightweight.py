# %% [markdown]
# # 17 Lightweight networks: fewer multiplications, and what they are worth
#
# A convolution does two jobs at once: it looks around in the image, and it mixes the channels. Take the jobs apart, or let groups of channels keep to themselves, and most of the
# multiplications are gone; networks for telephones are made in this way. But what is saved on paper is not what is saved on the clock, and this lesson measures both.
#
# *Papers:* A. G. Howard and others, "MobileNets: efficient convolutional neural networks for mobile vision applications" (2017); S. Xie, R. Girshick, P. Dollár, Z. Tu, K. He, "Aggregated residual transformations
# for deep neural networks" (2017), the paper of ResNeXt; X. Zhang, X. Zhou, M. Lin, J. Sun, "ShuffleNet" (2018).
#
# **What you will learn**
# - four relatives of the convolution: grouped, depthwise, pointwise, separable
# - what each costs, and why a separable 3x3 costs nearly nine times less
# - MobileNet and ResNeXt, and how many parameters and multiply-adds they have
# - why groups need an exchange, and how a shuffle gives it to them for nothing
# - that a multiply-add is not a second: how many of them a second each network gets done on your machine
#
# **You need** lessons 01, 06 and 10, or: what a convolution, VGG and a residual block are.
# **Time:** under a minute of computing at budget `quick`, two minutes at `cpu`; 40 minutes to read.

# %% tags=["parameters"]
budget: str = "quick"  # label of the budget: quick, cpu or gpu
seed: int = 0  # of weights and order of images
threads: int = 2  # CPU threads of the arithmetic
precision: str = "float32"  # float32, mixed_bfloat16 or auto
train_examples: int | None = 2000  # training images of MobileNet; None for all
validation_examples: int = 2000  # images to compare choices with
experiment_examples: int | None = 1500  # training images of each network of the experiment with groups
epochs: int = 3  # passes over the training images, MobileNet
experiment_epochs: int = 2  # the same for each network of the experiment
batch_size: int = 64  # images a step
learning_rate: float = 0.01  # peak of the one-cycle schedule
width: float = 0.25  # share of the paper's channels, MobileNet
groups: int = 8  # groups in the experiments; they must divide 48 and 64
separable_layers: int = 4  # layers of each network of the experiment, at least 2
timed_images: int = 250  # images of each measurement of time

# %% tags=["nbval-ignore-output"]
from cnnlib import lesson, data, inspect, layers, networks, plots, training

import time

import keras
import numpy as np

lesson.begin("17_lightweight", budget=budget, seed=seed, threads=threads, precision=precision)

# %% [markdown]
# ## The problem: one layer dearer than three networks
#
# The ninth convolution of VGG-16 has kernels of 3x3, 512 channels in and 512 out, on maps of 28 x 28. What does it cost, and what does a whole MobileNet cost?

# %%
catalogue = networks.catalogue()
one_layer = 3 * 3 * 512 * 512 * 28 * 28
print(f"one layer of VGG-16: {one_layer:14,} multiply-adds")
print(f"all of MobileNet:    {catalogue['mobilenet_v1'].macs:14,} multiply-adds")
print()
for name in ("vgg16", "resnet50", "mobilenet_v1"):
    facts = catalogue[name]
    print(
        f"{name:13} {facts.params:12,} parameters, {facts.params * 4 / 1e6:5.0f} MB, {facts.macs / 1e9:6.2f} G multiply-adds"
    )

# %% [markdown]
# That one layer costs more than three whole MobileNets, and in the paper MobileNet makes 29.4 percent errors on ImageNet where VGG-16 makes 28.5 (Howard et al., 2017, table 8). A telephone runs on a battery, and has room for neither 550 MB
# nor 15 billion multiplications an image. Where are the multiplications of a full convolution, and which of them can be spared?
#
# The pictures of this lesson:

# %%
images = data.load(
    "fashion_mnist", train_examples=train_examples, validation_examples=validation_examples, seed=0
)
few_images = data.load(
    "fashion_mnist", train_examples=experiment_examples, validation_examples=validation_examples, seed=0
)
print(f"{len(images.train.labels):,} training images, {len(few_images.train.labels):,} in the experiment")

# %% [markdown]
# ## The block: a convolution taken apart
#
# ### Groups
#
# In a *grouped* convolution the channels are divided into g groups; each output channel sees the inputs of its own group only. AlexNet had two groups because it had two graphics cards (lesson 05). Here is a convolution of eight channels in four groups, by hand: four small
# convolutions side by side.

# %%
random = np.random.default_rng(0)
maps = random.normal(size=(1, 8, 8, 8)).astype("float32")


def convolved(x, kernel):
    """The plain convolution of maps x (N, H, W, C), zeros around, as an array."""
    return keras.ops.convert_to_numpy(keras.ops.conv(x, kernel, padding="same"))


layer = keras.layers.Conv2D(8, 3, padding="same", groups=4, use_bias=False, dtype="float32")
from_keras = keras.ops.convert_to_numpy(layer(maps))
kernel = keras.ops.convert_to_numpy(layer.kernel)
side_by_side = np.concatenate(
    [convolved(maps[..., first : first + 2], kernel[..., first : first + 2]) for first in range(0, 8, 2)],
    axis=-1,
)
print("kernel of the grouped convolution:", kernel.shape, "rows, columns, channels of a group, channels out")
print("equal to four small convolutions:", np.allclose(side_by_side, from_keras, atol=1e-5))

# %% [markdown]
# **Predict:** a convolution from 64 to 64 channels with kernels of 3x3 has 36,864 weights. How many are left with 2, 8, 64 groups?


# %%
def kernel_size_of(layer, channels):
    """Number of weights of a convolution's kernel on maps of `channels` channels."""
    layer.build((None, 8, 8, channels))
    return int(np.prod(layer.kernel.shape))


weights = {
    g: kernel_size_of(keras.layers.Conv2D(64, 3, groups=g, use_bias=False), 64)
    for g in (1, 2, 4, 8, 16, 32, 64)
}
for g, count in weights.items():
    print(f"{g:2} groups: {count:6,} weights, {count * 14 * 14:9,} multiply-adds on maps of 14 x 14")
lesson.claim(
    "17-groups",
    "A convolution in g groups has a g-th of the weights and of the multiply-adds.",
    source="Krizhevsky et al., 2012; Xie et al., 2017, section 3",
    measured=", ".join(f"{count:,} with {g}" for g, count in weights.items()),
    holds=all(count * g == weights[1] for g, count in weights.items()),
)

# %% [markdown]
# ### Shuffle: groups that talk to each other
#
# The price stands in the definition: a group never hears of the others. Two grouped layers in a row do not help, as each group only hears itself again. ShuffleNet deals the channels out anew between the two, like cards: the first channel of each group, then the second of each, and so on.
# This *channel shuffle* is a reshape and a transpose; it has no weights and multiplies nothing.


# %%
def shuffled(x, groups):
    """The channels (the last axis of x) of each group dealt out over all groups."""
    apart = x.reshape(*x.shape[:-1], groups, -1)
    return apart.swapaxes(-1, -2).reshape(x.shape)


print("before:", np.arange(16))
print("after: ", shuffled(np.arange(16), 4))
from_library = keras.ops.convert_to_numpy(layers.ChannelShuffle(4)(maps))
print("the library's layer does the same:", np.array_equal(from_library, shuffled(maps, 4)))

# %% [markdown]
# Who hears whom? Write a one where an input channel (column) reaches an output channel (row). Two layers in a row multiply these matrices.

# %%
full = np.ones((16, 16))
blocks = np.kron(np.eye(4), np.ones((4, 4)))
one_each = np.eye(16)
deal = shuffled(np.eye(16), 4).T  # row i has its one at the channel that comes to place i
reach = {
    "full": full,
    "4 groups": blocks,
    "16 groups": one_each,
    "4 groups twice": np.minimum(blocks @ blocks, 1),
    "4 groups, shuffle,\n4 groups": np.minimum(blocks @ deal @ blocks, 1),
}
for name, matrix in reach.items():
    print(f"{name.replace(chr(10), ' '):29} each output hears {matrix.sum(axis=1).min():2.0f} of 16 channels")
plots.image_grid(1 - 0.7 * np.array(list(reach.values())), titles=list(reach), columns=5)

# %% [markdown]
# Dark squares are connections. The fourth picture is the second again: two grouped layers reach no further than one. With a shuffle in between, the fifth, everybody hears everybody, as in the first.

# %%
lesson.claim(
    "17-exchange",
    "Two grouped convolutions reach all channels with a shuffle between them, and only their own group without.",
    source="Zhang et al., 2018, figure 1",
    measured=f"{reach['4 groups twice'].sum(axis=1).max():.0f} of 16 channels without, 16 of 16 with the shuffle",
    holds=bool(
        (reach["4 groups, shuffle,\n4 groups"] == 1).all() and (reach["4 groups twice"] == blocks).all()
    ),
)

# %% [markdown]
# ### Depthwise and pointwise
#
# Drive it to the end: as many groups as channels. Each channel then has a kernel of its own, and nobody is mixed: a *depthwise* convolution. Keras has a layer for it, whose kernel has its axes in another order. Are they the same?

# %%
depthwise = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False, dtype="float32")
from_depthwise = keras.ops.convert_to_numpy(depthwise(maps))
depth_kernel = keras.ops.convert_to_numpy(depthwise.kernel)  # 3, 3, 8, 1
as_groups = convolved(maps, depth_kernel.transpose(0, 1, 3, 2))  # 3, 3, 1, 8: eight groups
print("depthwise is a convolution in 8 groups:", np.allclose(as_groups, from_depthwise, atol=1e-5))

# %% [markdown]
# What it leaves out, the mixing of channels, is the job of a *pointwise* convolution, the 1x1 of lesson 07. Both in a row are a *depthwise separable* convolution: look around first, mix afterwards. It can do less than a full convolution: its full kernel, were it written out, is for each pair of channels the same
# window of the input channel, times one number. Is it?

# %%
point_kernel = random.normal(size=(1, 1, 8, 6)).astype("float32")
in_two_steps = convolved(from_depthwise, point_kernel)
written_out = depth_kernel * point_kernel  # 3, 3, 8, 1 times 1, 1, 8, 6: 3, 3, 8, 6
at_once = convolved(maps, written_out)
print(
    "the full kernel written out:",
    written_out.shape,
    "gives the same:",
    np.allclose(at_once, in_two_steps, atol=1e-4),
)
print(f"weights: {written_out.size} written out, {depth_kernel.size + point_kernel.size} in two steps")

# %% [markdown]
# What does it cost? With C channels in, D channels out and windows of k x k, a place takes $k^2 C D$ multiplications in a full convolution and $k^2 C + C D$ in a separable one. The ratio is $1/D + 1/k^2$. Counted in Keras' layers:

# %%
ratios_agree = []
for k in (3, 5, 7):
    for c in (16, 64):
        for d in (32, 128, 512):
            separable_weights = kernel_size_of(
                keras.layers.DepthwiseConv2D(k, use_bias=False), c
            ) + kernel_size_of(keras.layers.Conv2D(d, 1, use_bias=False), c)
            full_weights = kernel_size_of(keras.layers.Conv2D(d, k, use_bias=False), c)
            ratios_agree.append(np.isclose(separable_weights / full_weights, 1 / d + 1 / k**2, rtol=1e-12))
lesson.claim(
    "17-ratio",
    "A depthwise separable convolution costs 1/D + 1/k^2 of the full one, for D channels out and windows of k x k.",
    source="Howard et al., 2017, section 3.1",
    measured=f"equal in {sum(ratios_agree)} of {len(ratios_agree)} combinations of k, C and D",
    holds=all(ratios_agree),
)

# %%
channels_out = np.array([8, 16, 32, 64, 128, 256, 512, 1024])
plots.lines(
    channels_out,
    {f"{k}x{k}": 1 / channels_out + 1 / k**2 for k in (3, 5, 7)},
    x_label="D, channels that leave the layer",
    y_label="cost, as a share of the full convolution's",
    x_log=True,
)

# %% [markdown]
# Each line falls to a floor of $1/k^2$: from a hundred channels on, nearly all of the work is in the pointwise half, and a 3x3 costs a ninth. A larger window saves more, or put another way, costs little more: ConvNeXt will make use of that.
#
# MobileNet's block puts batch normalisation and ReLU behind both halves. The whole network is a stem and thirteen of these blocks. From plain Keras layers, at a quarter of the width, for our small images:

# %%
PLAN = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]


def normalised(x):
    """Batch normalisation and ReLU."""
    return keras.layers.ReLU()(keras.layers.BatchNormalization(epsilon=1e-3)(x))


def separable_block(x, filters, stride):
    """Depthwise 3x3, then pointwise: (N, H, W, C) -> (N, H / stride, W / stride, filters), sides rounded up."""
    x = keras.layers.ZeroPadding2D(1)(x)
    x = normalised(keras.layers.DepthwiseConv2D(3, strides=stride, use_bias=False)(x))
    return normalised(keras.layers.Conv2D(filters, 1, use_bias=False)(x))


inputs = keras.Input((28, 28, 1))
x = normalised(keras.layers.Conv2D(round(32 * width), 3, padding="same", use_bias=False)(inputs))  # 28, 28
for filters, stride in PLAN:  # 28, 28; 14, 14; 14, 14; 7, 7; 7, 7; 4, 4; ... 2, 2
    x = separable_block(x, round(filters * width), stride)
by_hand = keras.Model(inputs, keras.layers.Dense(10)(keras.layers.GlobalAveragePooling2D()(x)))
keras.utils.set_random_seed(seed)
network = networks.build(
    "mobilenet_v1", input_shape=images.image_shape, classes=10, width=width, stem_stride=1
)
lesson.expect_same_function(by_hand, network)

# %% [markdown]
# ## The network
#
# The faithful MobileNet, for images of 224 x 224 pixels. Where are its weights, and where its multiply-adds?

# %%
table = inspect.layer_table(networks.outline("mobilenet_v1"))
frame = table.frame
parts = {
    "stem, full 3x3": frame.layer.str.startswith("stem"),
    "depthwise 3x3": frame.type == "DepthwiseConv2D",
    "pointwise 1x1": frame.layer.str.endswith("pointwise"),
    "dense": frame.type == "Dense",
}
print("                 multiply-adds            weights")
for part, rows in parts.items():
    macs, params = frame[rows].macs.sum(), frame[rows].params.sum()
    print(
        f"{part:14} {macs:12,} {macs / table.total_macs:7.2%}  {params:10,} {params / table.total_params:7.2%}"
    )
lesson.claim(
    "17-mobilenet",
    "MobileNet has 4,231,976 parameters and does 0.569 G multiply-adds.",
    source="Howard et al., 2017, table 4 (4.2 million, 569 million)",
    measured=f"{table.total_params:,} parameters, {table.total_macs:,} multiply-adds",
    holds=table.total_params == 4_231_976 and round(table.total_macs / 1e9, 3) == 0.569,
)

# %% [markdown]
# Looking around costs next to nothing; nearly all of the work is mixing. The paper has two knobs to make the network smaller still: a width that multiplies all channels, and the size of the image. Pointwise work goes with the square of the width:

# %%
for share in (1.0, 0.75, 0.5, 0.25):
    small = inspect.layer_table(networks.outline("mobilenet_v1", width=share))
    print(f"width {share:4}: {small.total_params:9,} parameters, {small.total_macs:11,} multiply-adds")

# %% [markdown]
# ### ResNeXt: groups in a residual network
#
# ResNeXt splits a residual bottleneck into 32 narrow paths, each with a 1x1, a 3x3 on four channels and a 1x1 of its own, and adds them up. Written with groups it is one bottleneck whose 3x3 has 32 groups of four. Are four small paths and a grouped bottleneck the same function?

# %%
into, between, out_of = (
    random.normal(size=shape).astype("float32") for shape in ((1, 1, 8, 8), (3, 3, 2, 8), (1, 1, 8, 8))
)
paths = 0
for first in range(0, 8, 2):
    own = slice(first, first + 2)
    paths = paths + convolved(
        convolved(convolved(maps, into[..., own]), between[..., own]), out_of[:, :, own]
    )
with_groups = convolved(convolved(convolved(maps, into), between), out_of)
print(
    "four paths, added up, equal one bottleneck in four groups:",
    np.allclose(paths, with_groups, rtol=1e-3, atol=1e-3),
)

# %%
tables = {name: inspect.layer_table(networks.outline(name)) for name in ("resnet50_v15", "resnext50_32x4d")}
for name, counted in tables.items():
    print(f"{name:15} {counted.total_params:10,} parameters, {counted.total_macs:13,} multiply-adds")
resnext = tables["resnext50_32x4d"]
lesson.claim(
    "17-resnext",
    "ResNeXt-50 with 32 groups of 4 has 25,028,904 parameters and does 4.230 G multiply-adds.",
    source="Xie et al., 2017, table 1 (25.0 million, 4.2 billion)",
    measured=f"{resnext.total_params:,} parameters, {resnext.total_macs:,} multiply-adds",
    holds=resnext.total_params == 25_028_904 and round(resnext.total_macs / 1e9, 3) == 4.230,
)

# %% [markdown]
# The saving of the groups is spent on channels: the 3x3s of ResNeXt-50 are twice as wide as those of ResNet-50, at the same cost. (Both halve the maps in a 3x3, as has become usual; the first paper's `resnet50` does it in the 1x1 before, for 6 percent less work.) In the paper the error falls from 23.9 to 22.2 percent (Xie et al., 2017, table 3).
#
# | | papers | here |
# |---|---|---|
# | MobileNet | 224x224x3, 1000 classes, stem of stride two | 28x28x1, 10 classes, stem of stride one, a quarter of the channels |
# | training of MobileNet | RMSprop, many workers | AdamW, one-cycle, few epochs |
# | ResNeXt | 50 layers, ImageNet | counted; a small form is timed, not trained |
# | groups with and without shuffle | ShuffleNet on ImageNet, groups of 1x1s | a few separable layers on Fashion-MNIST, groups of 1x1s |
# | seconds | a telephone (ShuffleNet), not given (MobileNet) | the machine that you sit at |
#
# ## Training

# %%
recipe = training.Recipe(
    epochs=epochs, batch_size=batch_size, optimizer="adamw", learning_rate=learning_rate, schedule="one_cycle"
)
recipe.table()

# %% tags=["nbval-ignore-output"]
history = training.train(network, images, recipe, seed=seed)

# %% tags=["nbval-ignore-output"]
plots.learning_curves({"mobilenet": history})

# %% [markdown]
# Twenty-seven layers without a single shortcut: look how slowly the first epoch starts. The validation line may lie far from the training line there, for it uses the moving averages of all the batch normalisations, which lag behind weights that move fast; both should come together as the learning rate falls.

# %% tags=["nbval-ignore-output"]
test = training.evaluate(network, images.test)
print(f"test accuracy {test['top1']:.4f}, among the five best {test['top5']:.4f}")

# %%
lesson.expect_between("test accuracy of MobileNet", test["top1"], 0.3, 0.96)

# %% [markdown]
# ## Looking inside
#
# A depthwise kernel is one window for one channel, so that it can be looked at, in every layer. The third block's:

# %% tags=["nbval-ignore-output"]
windows = keras.ops.convert_to_numpy(network.get_layer("block3_depthwise").kernel)
plots.filters(windows.transpose(0, 1, 3, 2), columns=8)

# %% [markdown]
# Red is positive, blue negative, each window on its own scale. Look for the few things that nine numbers can do: a dark centre in a pale window hands the channel on, a row or column of red beside one of blue is an edge, an even red is a blur, and a single dark square beside the centre moves the
# channel by a pixel. After a short training many are still the noise that they began as.
#
# The worst mistakes:

# %% tags=["nbval-ignore-output"]
logits = inspect.predict(network, images.validation.images)
probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
plots.worst_mistakes(
    images.validation.images, images.validation.labels, probabilities, images.class_names, count=12
)

# %% [markdown]
# The classes that are mixed up are those of every lesson; a light network is not wrong about other things, only somewhat more often.
#
# ## Experiments
#
# ### Groups with and without exchange
#
# Three networks from the same seed, alike but for the pointwise halves of their few separable layers: full; in groups; in groups with a shuffle before each. Without the shuffle a group hears of the others in the stem and in the last, dense layer only. **Predict:** which is second best?
#
# A pointwise convolution in groups is a product of matrices, one for each group. We write it so, because TensorFlow is slow to train its own grouped convolutions on a CPU.


# %%
def grouped_pointwise(x, channels, groups):
    """A 1x1 convolution in groups, without bias: (N, H, W, C) -> (N, H, W, channels)."""
    rows, columns, incoming = x.shape[1:]
    x = keras.layers.Reshape((rows, columns, groups, incoming // groups))(x)
    shape = (rows, columns, groups, channels // groups)
    x = keras.layers.EinsumDense("bhwgc,gcd->bhwgd", output_shape=shape)(x)
    return keras.layers.Reshape((rows, columns, channels))(x)


x = keras.Input((8, 8, 8))
as_product = keras.Model(x, grouped_pointwise(x, 8, 4))
as_convolution = keras.layers.Conv2D(8, 1, groups=4, use_bias=False, dtype="float32")
from_convolution = keras.ops.convert_to_numpy(as_convolution(maps))
kernel = keras.ops.convert_to_numpy(as_convolution.kernel)[
    0, 0
]  # 2, 8: channels of a group, all channels out
as_product.set_weights([kernel.reshape(2, 4, 2).transpose(1, 0, 2)])
tolerance = 1e-5 if keras.config.dtype_policy().name == "float32" else 0.1
difference = np.abs(inspect.predict(as_product, maps) - from_convolution).max()
print("the product is Keras' grouped convolution:", bool(difference < tolerance))


# %%
def separable_net(groups, exchange, channels=48):
    """A stem and `separable_layers` of them, pooled once; from the lesson's seed."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((28, 28, 1))
    x = keras.layers.Conv2D(channels, 3, strides=2, padding="same", use_bias=False)(inputs)  # 14, 14
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    for i in range(separable_layers):
        if i == separable_layers // 2:
            x = keras.layers.MaxPooling2D(2)(x)  # 7, 7
        x = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False)(keras.layers.ReLU()(x))
        if exchange:
            x = layers.ChannelShuffle(groups)(x)
        x = grouped_pointwise(x, channels, groups)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(x))
    return keras.Model(inputs, keras.layers.Dense(10, name="scores")(x), name="separable_net")


trio = {
    "full": separable_net(1, False),
    "groups": separable_net(groups, False),
    "groups, shuffle": separable_net(groups, True),
}
for name, member in trio.items():
    counted = inspect.layer_table(member)
    print(f"{name:16} {counted.total_params:7,} parameters, {counted.total_macs:11,} multiply-adds")

# %% tags=["nbval-ignore-output"]
experiment_recipe = training.Recipe(
    epochs=experiment_epochs, batch_size=batch_size, learning_rate=learning_rate, schedule="one_cycle"
)
trio_histories = {}
for name, member in trio.items():
    trio_histories[name] = training.train(member, few_images, experiment_recipe, seed=seed, progress="none")
    lesson.add_run(name, member, trio_histories[name])
plots.learning_curves(trio_histories)

# %%
ends = {name: h.validation_accuracy[-1] for name, h in trio_histories.items()}
lesson.claim(
    "17-shuffle",
    "Groups without an exchange lose accuracy against the same groups with a shuffle.",
    source="Zhang et al., 2018, table 3",
    measured=f"validation accuracy {ends['groups']:.4f} without, {ends['groups, shuffle']:.4f} with the shuffle",
    difference=ends["groups, shuffle"] - ends["groups"],
)
lesson.claim(
    "17-groups-cost",
    "At equal width, groups with a shuffle are less accurate than full pointwise convolutions, which have several times the weights.",
    source="the price of fewer weights; not isolated in the papers",
    measured=f"validation accuracy {ends['groups, shuffle']:.4f} in groups, {ends['full']:.4f} full",
    difference=ends["full"] - ends["groups, shuffle"],
)

# %% [markdown]
# The two grouped networks have the same weights to the last one, and cost the same; only the order of the channels differs. Compare their solid lines, and the distance of both to the full one. A network of groups that never talk is a set of small networks whose scores are added up.
#
# ### A multiply-add is not a second: one layer
#
# Towers of four layers of one kind, 64 channels each, on maps of 14 x 14. First what they should cost, by count:


# %%
def tower(kind, channels=64, depth=4):
    """Patches of 2x2 pixels, `depth` layers of one kind, a global average and scores."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((28, 28, 1))
    x = keras.layers.Conv2D(channels, 2, strides=2)(inputs)  # 14, 14
    for _ in range(depth):
        if kind in ("depthwise", "separable"):
            x = keras.layers.DepthwiseConv2D(3, padding="same")(x)
        if kind in ("pointwise", "separable"):
            x = keras.layers.Conv2D(channels, 1)(x)
        if kind in ("full", "grouped"):
            x = keras.layers.Conv2D(channels, 3, padding="same", groups=groups if kind == "grouped" else 1)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(10, name="scores")(x), name=f"{kind}_tower")


towers = {kind: tower(kind) for kind in ("full", "grouped", "separable", "pointwise", "depthwise")}
tower_macs = {kind: inspect.layer_table(member).total_macs for kind, member in towers.items()}
for kind, macs in tower_macs.items():
    print(f"{kind:10} {macs:11,} multiply-adds, {macs / tower_macs['full']:6.1%} of the full tower's")

# %% [markdown]
# Now the clock: the forward pass for a batch of images, compiled, the best of several measurements.


# %%
timed = data.Split(images.validation.images[:timed_images], images.validation.labels[:timed_images])


def seconds_for_an_image(model, repeats=5):
    """Seconds of the forward pass for one image, in the fastest of `repeats` measurements."""
    best = np.inf
    training.evaluate(model, timed, batch_size=timed_images)  # the first pass compiles
    for _ in range(repeats):
        started = time.perf_counter()
        training.evaluate(model, timed, batch_size=timed_images)
        best = min(best, time.perf_counter() - started)
    return best / timed_images


tower_seconds = {kind: seconds_for_an_image(member) for kind, member in towers.items()}
lesson.expect_between(
    "fastest tower's share of the slowest one's time",
    min(tower_seconds.values()) / max(tower_seconds.values()),
    0,
    0.9,
)

# %% tags=["nbval-ignore-output"]
plots.bars(
    {kind: tower_macs[kind] / seconds / 1e9 for kind, seconds in tower_seconds.items()},
    x_label="multiply-adds done a second, in billions",
    y_label="tower of",
    number_format="{:.1f}",
)

# %% [markdown]
# If a multiply-add were worth the same everywhere, all bars would be equally long. They are not, by a wide margin. Two things decide. The first is arithmetic: how many multiplications there are for each number that must be fetched from memory or written to it.

# %%
values = {"in and out": 2 * 64 * 14 * 14}
per_value = {
    "full": 9 * 64 * 64 * 14 * 14 / values["in and out"],
    "pointwise": 64 * 64 * 14 * 14 / values["in and out"],
    "depthwise": 9 * 64 * 14 * 14 / values["in and out"],
}
for kind, count in per_value.items():
    print(f"{kind:10} {count:6.1f} multiplications for each value of the maps that is read or written")

# %% [markdown]
# A processor multiplies far faster than it fetches. The full layer has much to do for each value, the depthwise one nearly nothing: it waits for memory. The second thing is workmanship: full and pointwise convolutions have been tuned for decades as products of matrices; depthwise and grouped ones have code paths of their own,
# and on some machines and libraries these are slow. On TensorFlow and a CPU, for one, Keras must have each grouped convolution compiled apart, and what comes out is no match for the plain one. Your backend may do better: the bars tell.

# %%
saved_work = tower_macs["full"] / tower_macs["separable"]
saved_time = tower_seconds["full"] / tower_seconds["separable"]
lesson.claim(
    "17-separable-time",
    "A separable convolution saves less time than multiply-adds.",
    source="measured on the machine of this run; Howard et al., 2017, give multiply-adds only",
    measured=f"{saved_work:.1f} times fewer multiply-adds, {saved_time:.1f} times less time",
    difference=float(np.log(saved_work / saved_time)),
)
grouped_time = tower_seconds["full"] / tower_seconds["grouped"]
lesson.claim(
    "17-grouped-time",
    "A convolution in eight groups takes less time than a full one.",
    source="what its count of multiply-adds promises; measured on the machine of this run",
    measured=f"{tower_macs['full'] / tower_macs['grouped']:.1f} times fewer multiply-adds, {grouped_time:.2f} times less time",
    difference=float(np.log(grouped_time)),
)

# %% [markdown]
# ### A multiply-add is not a second: whole networks
#
# Small forms of five networks, none of them trained: for time it does not matter what the weights are. VGG and ResNet are *regular*, a chain of full convolutions; GoogLeNet branches; MobileNet and ResNeXt are made of the layers of this lesson.

# %%
small_forms = {
    "vgg11": {"width": 0.25, "stem": "small"},
    "resnet18": {"width": 0.25, "stem": "small", "stem_stride": 2},
    "googlenet": {"width": 0.25, "stem": "small"},
    "resnext50_32x4d": {
        "width": 0.5,
        "stem": "small",
        "stem_stride": 2,
        "depths": (1, 1, 1),
        "groups": groups,
    },
    "mobilenet_v1": {"width": 0.5, "stem_stride": 1},
}
forms = {
    name: networks.build(name, input_shape=images.image_shape, classes=10, **options)
    for name, options in small_forms.items()
}
form_macs = {name: inspect.layer_table(form).total_macs for name, form in forms.items()}
for name, macs in sorted(form_macs.items(), key=lambda item: item[1]):
    print(f"{name:15} {macs:11,} multiply-adds")

# %% [markdown]
# **Predict:** from the top, this is the order by work. What will be the order by time?

# %%
form_seconds = {name: seconds_for_an_image(form) for name, form in forms.items()}
speed = {name: form_macs[name] / seconds for name, seconds in form_seconds.items()}
regular, light = ("vgg11", "resnet18"), ("resnext50_32x4d", "mobilenet_v1")
lesson.claim(
    "17-macs-are-not-seconds",
    "Regular networks (VGG, ResNet) get more multiply-adds done a second than light ones (MobileNet, ResNeXt).",
    source="measured on the machine of this run",
    measured=", ".join(f"{name} {value / 1e9:.1f} G/s" for name, value in speed.items()),
    difference=float(np.log(min(speed[name] for name in regular) / max(speed[name] for name in light))),
)

# %% tags=["nbval-ignore-output"]
plots.bars(
    {name: value / 1e9 for name, value in speed.items()},
    x_label="multiply-adds done a second, in billions",
    number_format="{:.1f}",
)

# %% [markdown]
# These are the achieved rates. A network's time is its multiply-adds over its bar: a light network with a tenth of the work and a tenth of the rate is no faster. And the times themselves:

# %% tags=["nbval-ignore-output"]
plots.bars(
    {name: 1000 * form_seconds[name] for name in sorted(form_macs, key=form_macs.get)},
    x_label="forward pass for one image, milliseconds; networks by rising multiply-adds",
    number_format="{:.3f}",
)

# %% [markdown]
# If multiply-adds were seconds, the bars would grow from the top to the bottom. Look for those that break the order. A telephone's library has good depthwise code, and there MobileNet's promise is kept better than here: time must be measured where the network shall run.
#
# ## Recap
#
# - Groups divide weights and multiply-adds by their number; a depthwise convolution has as many groups as channels.
# - Depthwise and pointwise in a row do a full convolution's two jobs one after the other, for 1/D + 1/k² of its cost.
# - Groups that do not talk are separate networks; a shuffle lets them talk and costs nothing by count.
# - ResNeXt spends what groups save on more channels; MobileNet keeps it.
# - Multiply-adds are not seconds: what little work there is waits for memory, and for somebody to write good code for it.
# - What the next lesson changes: a ResNet takes up all of this, depthwise windows of 7x7 among it, one step at a time. ConvNeXt.

# %% tags=["nbval-ignore-output"]
lesson.record(
    network=network,
    history=history,
    test=test,
    data=images,
    tower_macs=tower_macs,
    tower_seconds=tower_seconds,
    small_form_macs=form_macs,
    small_form_seconds=form_seconds,
)

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. `lesson.hint("17-1")` helps, `lesson.solution("17-1")` shows a way.
#
# **17-1.** A 5x5 convolution from 32 to 64 channels, without bias, in 4 groups: how many weights has it?

# %%
answer = None
lesson.check("17-1", answer)

# %% [markdown]
# **17-2.** By what factor is a separable 3x3 convolution to 72 channels cheaper than the full one?

# %%
answer = None
lesson.check("17-2", answer)

# %% [markdown]
# **17-3.** Twelve channels, numbered from 0, are shuffled in 3 groups. Which channel comes to place 4?

# %%
answer = None
lesson.check("17-3", answer)

# %% [markdown]
# **17-4.** Network A does 600 million multiply-adds at 30 billion a second, network B 100 million at 4 billion a second. How many milliseconds does the faster one need?

# %%
answer = None
lesson.check("17-4", answer)

# %% [markdown]
# **17-5 (code).** Write `shuffle(x, groups)` for an array x (N, H, W, C): channel j of group g comes to place j * groups + g.

# %%
shuffle = None
lesson.check("17-5", shuffle)

# %% [markdown]
# **17-6 (code).** Write `separable(x, filters, stride)` on a Keras tensor, from `keras.layers` only: a 3x3 depthwise convolution with zeros around ("same" at stride one) and the given stride, then a pointwise one to `filters` channels, both without bias, and nothing else.

# %%
separable = None
lesson.check("17-6", separable)

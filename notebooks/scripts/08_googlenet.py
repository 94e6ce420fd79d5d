# %% [markdown]
# # 08 GoogLeNet: four windows side by side
#
# Which kernel is right, 1x1, 3x3 or 5x5? GoogLeNet does not choose. Its block, the *inception module*, looks through all
# of them at once and stacks what they found. This would be far too dear, were it not for 1x1 convolutions that thin out the
# channels first: nine such modules have a twentieth of VGG's weights and a tenth of its work.
#
# *Paper:* C. Szegedy, W. Liu, Y. Jia, P. Sermanet, S. Reed, D. Anguelov, D. Erhan, V. Vanhoucke, A. Rabinovich, "Going deeper
# with convolutions" (2015).
#
# **What you will learn**
# - why one would want windows of several sizes at the same place, and what they cost
# - how a 1x1 convolution that comes *first* saves work, and a well-known figure about it that is wrong
# - the module with its four paths, and the network of nine, counted from one table of channels
# - what each path is worth: taken out before training, and silenced after it
# - what the two auxiliary heads do to the gradient, and to the accuracy
#
# **You need** lessons 06 and 07, or: what a stack of convolutions, a 1x1 convolution and global average pooling are.
# **Time:** under a minute of computing at budget `quick`, two and a half minutes at `cpu`; 45 minutes to read.

# %% tags=["parameters"]
budget: str = "quick"  # label of the budget: quick, cpu or gpu
seed: int = 0  # of weights and order of images
threads: int = 2  # CPU threads of the arithmetic
precision: str = "float32"  # float32, mixed_bfloat16 or auto
train_examples: int | None = 2000  # training images of the main network; None for all
validation_examples: int = 1500  # images to compare choices with
experiment_examples: int | None = 1200  # training images of each network of an experiment
epochs: int = 3  # passes over the training images, main network
experiment_epochs: int = 2  # the same for each network of an experiment
batch_size: int = 32  # images a step, main network
experiment_batch_size: int = 32  # the same for each network of an experiment
learning_rate: float = 0.05  # peak of the one-cycle schedule
experiment_learning_rate: float = 0.05  # the same for the experiments
width: float = 0.125  # share of the paper's channels, main network
auxiliary_modules: list = ["3a", "4a", "4d", "5b"]  # modules of the networks with and without auxiliary heads
full_image_size: int | None = None  # pixels; trains the paper's form on stretched images; None leaves it out
full_epochs: int = 10  # passes over the training images, the paper's own form
devices: int = 1  # accelerators that share each batch of the full-size training

# %% tags=["nbval-ignore-output"]
import dataclasses

from cnnlib import lesson, data, inspect, networks, plots, training

import keras
import numpy as np

lesson.begin("08_googlenet", budget=budget, seed=seed, threads=threads, precision=precision)

# %% [markdown]
# ## The problem: things come in several sizes
#
# VGG looks through one window, 3x3, and waits for depth to make it larger. But a stitch, a sole and a sleeve are there at the same time, in
# three sizes. Here are two garments of our data, and what a *centre against surround* detector makes of them: the pixel minus the mean of a
# window around it. It answers to whatever is a little smaller than its window.

# %%
images = data.load(
    "fashion_mnist", train_examples=train_examples, validation_examples=validation_examples, seed=0
)
few_images = data.load(
    "fashion_mnist", train_examples=experiment_examples, validation_examples=validation_examples, seed=0
)


def against_surround(picture, side):
    """A picture (H, W) in [0, 1] minus the mean of the side x side window of each pixel; 0.5 is "no difference"."""
    padded = np.pad(picture, side // 2, mode="edge")
    means = np.lib.stride_tricks.sliding_window_view(padded, (side, side)).mean(axis=(2, 3))
    difference = picture - means
    return 0.5 + 0.5 * difference / np.abs(difference).max()


tiles, titles = [], []
for label in (9, 6):
    picture = images.train.images[images.train.labels == label][0, :, :, 0] / 255
    tiles += [picture] + [against_surround(picture, side) for side in (3, 7, 15)]
    titles += [images.class_names[label]] + [f"{side}x{side}" for side in (3, 7, 15)]
plots.image_grid(np.stack(tiles), titles=titles, columns=4)

# %% [markdown]
# The small window finds edges and texture, the large one finds whole parts: a shaft, a body, a sleeve. Neither replaces the other. So
# let a layer have several windows at once and put their maps on top of each other as channels. That is the naive module.
#
# **Predict:** a layer reads maps of 28 x 28 with 256 channels. It makes 128 maps by 1x1, 192 by 3x3, 96 by 5x5 kernels, and passes on the 256 maps
# through a 3x3 max pooling. How many multiplications is that, and how many channels come out?

# %%
places, channels = 28 * 28, 256
naive = {
    "1x1, 128 maps": places * channels * 128,
    "3x3, 192 maps": places * channels * 192 * 3 * 3,
    "5x5,  96 maps": places * channels * 96 * 5 * 5,
}
for what, multiplies in naive.items():
    print(f"{what}: {multiplies:12,} multiplications")
print(f"together:      {sum(naive.values()):12,}, and {128 + 192 + 96 + channels} channels come out")

# %% [markdown]
# More than half of them are for the 5x5 window; and the pooling path, which cannot make fewer channels than it gets, lets the channels
# grow from module to module. After four of them:

# %%
growing = [256]
for _ in range(4):
    growing.append(growing[-1] + 128 + 192 + 96)
print("channels, module by module:", ", ".join(map(str, growing)))

# %% [markdown]
# The remedy comes from lesson 07: a 1x1 convolution turns 256 channels into fewer. Put one with 64 maps before the 3x3, one before the 5x5,
# and one behind the pooling. These are the *reductions*, or bottlenecks. They cost multiplications of their own; do they pay?

# %%
reduced = {
    "1x1, 128 maps": places * 256 * 128,
    "3x3, 192 maps": places * (256 * 64 + 64 * 192 * 3 * 3),
    "5x5,  96 maps": places * (256 * 64 + 64 * 96 * 5 * 5),
    "pool, 64 maps": places * 256 * 64,
}
for what, multiplies in reduced.items():
    print(f"{what}: {naive.get(what, 0):12,} -> {multiplies:12,}")
before, after = sum(naive.values()), sum(reduced.values())
print(f"together:      {before:12,} -> {after:12,}, and {128 + 192 + 96 + 64} channels come out")

# %%
lesson.claim(
    "08-reductions",
    "Reductions to 64 channels bring this module from 854 to 271 million multiplications.",
    source="arithmetic; the example of a well-known lecture, after Szegedy et al., 2015, section 4",
    measured=f"{before:,} without, {after:,} with, {before / after:.2f} times fewer",
    holds=before == 854_196_224 and after == 271_351_808,
)

# %% [markdown]
# In notes on this example you will meet another figure, 358 million. Where does it come from? Let us look for a term that makes up the difference.

# %%
circulating = 358_055_936
largest_convolution = places * 64 * 192 * 3 * 3
print(f"358,055,936 - 271,351,808 = {circulating - after:,}")
print(f"the 3x3 convolution behind its reduction: {largest_convolution:,}")
lesson.claim(
    "08-358-million",
    "Reductions to 64 channels bring this module from 854 to 358 million multiplications.",
    source="slides and notes that repeat one another",
    measured=f"{after:,}; 358 million counts the 3x3 convolution of {largest_convolution:,} twice",
    holds=after == circulating,
)

# %% [markdown]
# One convolution was counted twice. And the input of the example has 256 channels: with the 192 channels that GoogLeNet's first module really
# gets, the naive sum would not be 854 million either.

# %%
for depth in (192, 256):
    total = places * depth * (128 + 192 * 3 * 3 + 96 * 5 * 5)
    print(f"naive module on {depth} channels: {total:,} multiplications")

# %%
bar_names = ("1x1, 128 maps", "3x3, 192 maps", "5x5,  96 maps", "pool, 64 maps")
plots.bars(
    {f"{kind}: {name}": table.get(name, 0) / 1e6
     for name in bar_names for kind, table in (("naive", naive), ("reduced", reduced))},
    x_label="multiplications, millions",
    y_label="path",
    number_format="{:.0f}",
)  # fmt: skip

# %% [markdown]
# Compare the bars in pairs: the 5x5 path gains most, the 1x1 path nothing, and the pooling path now costs a little where it had been free.
#
# ## The block: four paths and a concatenation
#
# Here is the module from plain Keras layers, with *batch normalisation* before each ReLU as in lessons 06 and 07 (lesson 09 takes
# it apart; the paper came a year before it). All four paths keep height and width, so that their maps can be put on top of each other.


# %%
def unit(x, filters, side, stride=1):
    """Convolution, normalisation, ReLU."""
    if stride == 1:
        x = keras.layers.Conv2D(filters, side, padding="same", use_bias=False)(x)
    else:
        x = keras.layers.ZeroPadding2D(side // 2)(x)  # as many zeros on each side
        x = keras.layers.Conv2D(filters, side, strides=stride, use_bias=False)(x)
    x = keras.layers.BatchNormalization(epsilon=1e-3)(x)
    return keras.layers.ReLU()(x)


def inception(x, one, reduce3, three, reduce5, five, pooled):
    """Four paths side by side; channels out: one + three + five + pooled."""
    path1 = unit(x, one, 1)
    path2 = unit(unit(x, reduce3, 1), three, 3)
    path3 = unit(unit(x, reduce5, 1), five, 5)
    path4 = unit(keras.layers.MaxPooling2D(3, strides=1, padding="same")(x), pooled, 1)
    return keras.layers.Concatenate()([path1, path2, path3, path4])


# %%
maps = keras.Input((28, 28, 192))
module = keras.Model(maps, inception(maps, *networks.googlenet.MODULES["3a"]))
plots.architecture(inspect.diagram(module))

# %% [markdown]
# The first module of the paper's GoogLeNet: one input, four paths beside each other, one concatenation. Read the last line of each box, height x width x channels: the windows differ, height and width stay, and the channels
# of the four ends add up to those of the concatenation. The reductions are the 1x1 convolutions before the 5x5 and the 3x3 one, and the one behind the pooling.

# %% [markdown]
# The network is a short start, the *stem*, then nine modules, named 3a to 5b, with a pooling before 4a and before 5a, and an average at the end. One table
# holds all the channels:

# %%
print("      1x1  3x3 reduced  3x3  5x5 reduced  5x5  pool   channels out")
for name, (one, reduce3, three, reduce5, five, pooled) in networks.googlenet.MODULES.items():
    out = one + three + five + pooled
    print(f"{name}  {one:5}  {reduce3:11}  {three:3}  {reduce5:11}  {five:3}  {pooled:4}  {out:13}")

# %% [markdown]
# With this table, the whole network is a loop. We give it a share of the channels only (parameter `width`).


# %%
def share(channels):
    """The channels at our width."""
    return max(1, round(channels * width))


inputs = keras.Input((28, 28, 1))
x = unit(inputs, share(64), 3, stride=2)  # 14, 14
x = unit(x, share(64), 1)
x = unit(x, share(192), 3)
for name, row in networks.googlenet.MODULES.items():
    if name in ("4a", "5a"):  # to 7, 7 and to 3, 3
        x = keras.layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
        x = keras.layers.MaxPooling2D(3, strides=2)(x)
    x = inception(x, *map(share, row))
x = keras.layers.GlobalAveragePooling2D()(x)  # one number for each channel
x = keras.layers.Dropout(0.1)(x)
by_hand = keras.Model(inputs, keras.layers.Dense(10)(x))
print("convolutions:", sum(isinstance(layer, keras.layers.Conv2D) for layer in by_hand.layers))
print("maps before the average:", by_hand.layers[-4].output.shape[1:3])

# %% [markdown]
# Three convolutions and nine times six. The library's `googlenet` with the small stem is the same function:

# %%
keras.utils.set_random_seed(seed)
network = networks.build(
    "googlenet",
    input_shape=(28, 28, 1),
    classes=10,
    width=width,
    stem="small",
    stem_stride=2,
    normalization="batch",
    dropout=0.1,
)
lesson.expect_same_function(by_hand, network)

# %% [markdown]
# What does a unit of the first module see of the image? For each path its own window:

# %%
for path in ("1x1", "3x3", "5x5", "pool_1x1"):
    print(f"inception_3a_{path}: sees {inspect.receptive_field(network, f'inception_3a_{path}')}")

# %% [markdown]
# ## The network: the faithful form
#
# Now the paper's network, for photographs of 224 x 224 and 1,000 classes, without normalisation and with biases. Does the table of channels give its
# number of parameters? A convolution from $c$ to $d$ channels with a $k \times k$ kernel has $(k^2 c + 1)\,d$ of them.


# %%
def convolution_parameters(side, channels_in, channels_out):
    """Weights and biases of one convolution."""
    return (side * side * channels_in + 1) * channels_out


def module_parameters(channels_in, row):
    """Parameters of one inception module; `row` is a line of the table."""
    one, reduce3, three, reduce5, five, pooled = row
    return (
        convolution_parameters(1, channels_in, one)
        + convolution_parameters(1, channels_in, reduce3)
        + convolution_parameters(3, reduce3, three)
        + convolution_parameters(1, channels_in, reduce5)
        + convolution_parameters(5, reduce5, five)
        + convolution_parameters(1, channels_in, pooled)
    )


from_table = {"stem": convolution_parameters(7, 3, 64) + convolution_parameters(1, 64, 64)}
from_table["stem"] += convolution_parameters(3, 64, 192)
channels = 192
for name, row in networks.googlenet.MODULES.items():
    from_table[name] = module_parameters(channels, row)
    channels = row[0] + row[2] + row[4] + row[5]
from_table["scores"] = (channels + 1) * 1000
for name, count in from_table.items():
    print(f"{name:6} {count:9,}")
print(f"sum    {sum(from_table.values()):9,}")

# %%
paper_form = inspect.layer_table(networks.outline("googlenet"))
with_heads = inspect.layer_table(networks.outline("googlenet", auxiliary_heads=True))
lesson.claim(
    "08-parameters",
    "The table of channels gives GoogLeNet 6,998,552 parameters.",
    source="Szegedy et al., 2015, table 1, with a bias for each map",
    measured=f"{sum(from_table.values()):,} by the formula, {paper_form.total_params:,} in the network built",
    holds=sum(from_table.values()) == paper_form.total_params == 6_998_552,
)
print(f"with both auxiliary heads: {with_heads.total_params:,}")

# %% [markdown]
# Where is the work? Here are the modules of the faithful form, and the networks of the lessons before beside the whole.

# %%
frame = paper_form.frame
work = {"stem": frame.macs[frame.layer.str.startswith("stem")].sum() / 1e6}
for name in networks.googlenet.MODULES:
    work[name] = frame.macs[frame.layer.str.startswith(f"inception_{name}")].sum() / 1e6
plots.bars(
    work, x_label="multiply-adds for one image, millions", y_label="part of GoogLeNet", number_format="{:.0f}"
)

# %% [markdown]
# The stem, three layers, does more than any module, for its maps are large. Inside a stage the modules grow; each pooling makes them
# cheap again.

# %%
others = {name: inspect.layer_table(networks.outline(name)) for name in ("alexnet", "vgg16")}
others["googlenet"] = paper_form
for name, table in others.items():
    print(
        f"{name:10} {table.total_params:12,} parameters  {table.total_macs / 1e9:6.2f} billion multiply-adds"
    )
fewer = others["alexnet"].total_params / paper_form.total_params
without_scores = others["alexnet"].total_params / (paper_form.total_params - from_table["scores"])
lesson.claim(
    "08-twelve-times",
    "GoogLeNet uses twelve times fewer parameters than AlexNet.",
    source="Szegedy et al., 2015, section 1",
    measured=f"{fewer:.1f} times; {without_scores:.1f} times if GoogLeNet's last layer is left out of its count",
    holds=round(fewer) >= 12,
)

# %% [markdown]
# The sentence of the introduction does not follow from the table of the same paper; the order of magnitude is right. Of that network's descendants,
# lesson 12 follows Inception v2 and v3.
#
# | | paper | here |
# |---|---|---|
# | data | ImageNet, 1.2 million photographs | Fashion-MNIST, clothes |
# | input | 224x224x3 | 28x28x1 |
# | stem | 7x7 at two pixels a step, 1x1, 3x3, two poolings, LRN | 3x3 at two pixels a step, 1x1, 3x3, no pooling, no LRN |
# | channels | the table above | an eighth of them at `quick`, at `cpu` and in the experiments |
# | modules | nine | nine in the main network; three in the experiment on paths, four (`cpu`: six) in the one on heads |
# | normalisation | none | batch normalisation in the main network, none in the experiments |
# | auxiliary heads | in training, behind 4a and 4d, on 5x5 means at three pixels a step | in one experiment, on means that make 4x4 places |
# | dropout | two fifths | a tenth, for our training is short; none in the experiments |
# | training | asynchronous SGD, momentum .9, rate down by four hundredths every 8 epochs | SGD, Nesterov momentum, one-cycle |
# | test | seven networks, 144 crops an image | one network, one look |

# %% [markdown]
# ## Training
#
# The recipe is SGD with *Nesterov momentum*: the step goes on in the direction of the last ones, and the gradient is taken a little ahead.

# %%
recipe = training.Recipe(
    epochs=epochs,
    batch_size=batch_size,
    optimizer="sgd",
    nesterov=True,
    learning_rate=learning_rate,
    schedule="one_cycle",
    weight_decay=0.0005,
)
recipe.table()

# %% tags=["nbval-ignore-output"]
history = training.train(network, images, recipe, seed=seed)

# %% tags=["nbval-ignore-output"]
plots.learning_curves({"googlenet": history})

# %% [markdown]
# The dashed lines are taken while the weights move and with dropout, the solid ones at the end of each epoch without it. A solid line that lags behind in the first
# epochs and catches up comes from batch normalisation: its averages need some steps until they fit. Look at whether both still rise.
#
# The test set, once:

# %% tags=["nbval-ignore-output"]
test = training.evaluate(network, images.test)
print(f"test accuracy {test['top1']:.4f}, among the five best {test['top5']:.4f}")

# %%
lesson.expect_between("test accuracy of GoogLeNet", test["top1"], 0.45, 0.97)

# %% [markdown]
# ## Looking inside
#
# Module 3a stacks four groups of maps. Here they are for one ankle boot, each map named by its path.

# %% tags=["nbval-ignore-output"]
boot = images.validation.images[images.validation.labels == 9][:1]
maps = inspect.feature_maps(network, boot, "inception_3a_concat")["inception_3a_concat"][0]
counts = [share(networks.googlenet.MODULES["3a"][i]) for i in (0, 2, 4, 5)]
names = [name for name, n in zip(("1x1", "3x3", "5x5", "pool"), counts, strict=True) for _ in range(n)]
plots.feature_maps(maps, titles=names, columns=8)

# %% [markdown]
# The 1x1 maps mix what the stem found, place by place, so look for the finest lines among them. The 3x3 and 5x5 maps gather from around, and pooling
# lets each bright spot grow to a square of 3x3 before it is mixed. The next module reads all of them side by side.
#
# ### Silencing a path
#
# What does the trained network listen to? We silence one path in all modules of a stage: the scale and the shift of its last normalisation are set to zero, so that
# its maps are zero everywhere. Nothing is trained again. **Predict:** which of the four will be missed most, and in which stage?

# %% tags=["nbval-ignore-output"]
judged = data.Split(images.validation.images[:500], images.validation.labels[:500])
path_names = {"1x1": "1x1", "3x3": "3x3", "5x5": "5x5", "pool": "pool_1x1"}
stages = {
    "stage 3": ["3a", "3b"],
    "stage 4": ["4a", "4b", "4c", "4d", "4e"],
    "stage 5": ["5a", "5b"],
}


def accuracy_without(path, modules):
    """Accuracy with one path of these modules silenced; the weights are put back afterwards."""
    silenced = [network.get_layer(f"inception_{module}_{path}_bn") for module in modules]
    kept = [layer.get_weights() for layer in silenced]
    for layer, (gamma, beta, mean, variance) in zip(silenced, kept, strict=True):
        layer.set_weights([0 * gamma, 0 * beta, mean, variance])
    accuracy = training.evaluate(network, judged)["top1"]
    for layer, weights in zip(silenced, kept, strict=True):
        layer.set_weights(weights)
    return accuracy


whole = training.evaluate(network, judged)["top1"]
lost = np.array(
    [[whole - accuracy_without(path, modules) for path in path_names.values()] for modules in stages.values()]
)
plots.heatmap(
    100 * lost,
    x_label="silenced path",
    y_label="in all modules of",
    value_label="accuracy lost, points",
    row_names=list(stages),
    column_names=list(path_names),
    number_format="{:.0f}",
)

# %%
print("the weights are back:", training.evaluate(network, judged)["top1"] == whole)
lesson.expect_between("largest loss by silencing one path of one stage", float(lost.max()), 0.02, 1.0)

# %% [markdown]
# Read the rows, then the columns: a large number is a path that later modules rely on. A path with many maps weighs more than one with few, so compare with the table of
# channels before you call a window important. And a network that was trained *with* a path and loses it is not the network that was trained without it. That comparison comes below.
#
# The worst mistakes:

# %% tags=["nbval-ignore-output"]
logits = inspect.predict(network, images.validation.images)
probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
plots.worst_mistakes(
    images.validation.images, images.validation.labels, probabilities, images.class_names, count=12
)

# %% [markdown]
# Look for the pairs that every network of this course confuses, shirt and T-shirt, coat and pullover. The last average forgets where something
# was; a collar counts as much at the hem as at the neck.

# %% [markdown]
# ## Experiments
#
# ### Each path removed in turn
#
# Now the comparison that silencing is not: networks that are *trained* without one of the paths. They have three modules, 3a, 4a and 5b, an eighth of the
# channels and no normalisation; all start from the lesson's seed.


# %%
experiment_recipe = training.Recipe(
    epochs=experiment_epochs,
    batch_size=experiment_batch_size,
    optimizer="sgd",
    learning_rate=experiment_learning_rate,
    schedule="one_cycle",
    weight_decay=0.0005,
    clip_norm=1.0,
)


def small_googlenet(modules, **options):
    """GoogLeNet of some modules, an eighth as wide, without normalisation and dropout, from the lesson's seed."""
    keras.utils.set_random_seed(seed)
    return networks.build(
        "googlenet",
        input_shape=(28, 28, 1),
        classes=10,
        width=0.125,
        stem="small",
        stem_stride=2,
        modules=tuple(modules),
        normalization="none",
        dropout=0.0,
        **options,
    )


def trained(label, candidate):
    """Train a network of the experiments, keep it for the record, and give its history."""
    candidate_history = training.train(candidate, few_images, experiment_recipe, seed=seed, progress="none")
    lesson.add_run(label, candidate, candidate_history)
    return candidate_history


variants = {"all four": small_googlenet(["3a", "4a", "5b"])}
for i, path in enumerate(path_names):
    flags = tuple(j != i for j in range(4))
    variants[f"without {path}"] = small_googlenet(["3a", "4a", "5b"], paths=flags)
for name, variant in variants.items():
    table = inspect.layer_table(variant)
    print(f"{name:13} {table.total_params:7,} parameters {table.total_macs:10,} multiply-adds")

# %% [markdown]
# A path that is removed takes its weights with it, and thins out what the next module reads. The 3x3 path holds most of both. **Predict:** which
# network will do worst? Which removal could even help in a short training?

# %% tags=["nbval-ignore-output"]
path_histories = {name: trained(name, variant) for name, variant in variants.items()}
final = {name: h.validation_accuracy[-1] for name, h in path_histories.items()}
plots.bars(final, x_label="validation accuracy", y_label="paths of the modules", number_format="{:.4f}")

# %%
path_gain = {path: final["all four"] - final[f"without {path}"] for path in path_names}
lesson.claim(
    "08-path-1x1",
    "A network of inception modules is more accurate with the 1x1 path than without it.",
    source="Szegedy et al., 2015, section 4, gives all four paths; ablation of our own",
    measured=f"validation accuracy {path_gain['1x1']:+.4f}",
    difference=path_gain["1x1"],
)
lesson.claim(
    "08-path-3x3",
    "A network of inception modules is more accurate with the 3x3 path than without it.",
    source="Szegedy et al., 2015, section 4, gives all four paths; ablation of our own",
    measured=f"validation accuracy {path_gain['3x3']:+.4f}",
    difference=path_gain["3x3"],
)
lesson.claim(
    "08-path-5x5",
    "A network of inception modules is more accurate with the 5x5 path than without it.",
    source="Szegedy et al., 2015, section 4, gives all four paths; ablation of our own",
    measured=f"validation accuracy {path_gain['5x5']:+.4f}",
    difference=path_gain["5x5"],
)
lesson.claim(
    "08-path-pool",
    "A network of inception modules is more accurate with the pooling path than without it.",
    source="Szegedy et al., 2015, section 4, gives all four paths; ablation of our own",
    measured=f"validation accuracy {path_gain['pool']:+.4f}",
    difference=path_gain["pool"],
)

# %% [markdown]
# Compare each bar with the first. On one seed and few images, bars that lie within a point or two of each other say nothing; a run over several seeds decides. Keep in mind
# what such a removal mixes up: the window, and the number of channels.
#
# ### Auxiliary heads: what arrives at module 3a
#
# In 2014 there was neither batch normalisation nor the skip of lesson 10, and the authors feared that too little gradient would reach the first modules. So they
# put two more classifiers into the middle, behind 4a and 4d: average, 1x1 convolution, dense layer, scores. In training their losses are added with
# the weight 0.3 (2015, section 5), and in use they are thrown away.
#
# First the gradient. We take a plain network of all nine modules with its heads at the start of training, and compute the gradient of the loss with respect to all weights twice: for
# the last classifier alone, and with the heads. The *norm* of a module's gradient, the root of its summed squares, says how strongly the module is pulled.

# %%
policy = keras.config.dtype_policy()
keras.config.set_dtype_policy("float32")
plain = small_googlenet(networks.googlenet.MODULES, auxiliary_heads=True, auxiliary_pool="adaptive")
keras.config.set_dtype_policy(policy)
print("outputs:", ", ".join(sorted(plain.output)))

# %%
pictures = data.to_float(images.train.images[:64])
labels = images.train.labels[:64]


def loss_of(weights, auxiliary_weight):
    """The training loss of `plain`, as a function of all its weights in one long vector."""
    arrays, begin = [], 0
    for variable in plain.trainable_variables:
        size = int(np.prod(variable.shape))
        arrays.append(keras.ops.reshape(weights[begin : begin + size], variable.shape))
        begin += size
    outputs, _ = plain.stateless_call(arrays, [v.value for v in plain.non_trainable_variables], pictures)
    losses = {
        name: keras.ops.mean(keras.losses.sparse_categorical_crossentropy(labels, scores, from_logits=True))
        for name, scores in outputs.items()
    }
    heads = sum(value for name, value in losses.items() if name != "scores")
    return losses["scores"] + auxiliary_weight * heads


def gradient_norms(auxiliary_weight):
    """Norm of the gradient for each module: `{"3a": norm, ...}`."""
    weights = np.concatenate([keras.ops.convert_to_numpy(v).ravel() for v in plain.trainable_variables])
    gradient = inspect.input_gradient(lambda w: loss_of(w, auxiliary_weight), weights)
    squares, begin = dict.fromkeys(networks.googlenet.MODULES, 0.0), 0
    for variable in plain.trainable_variables:
        size = int(np.prod(variable.shape))
        if variable.path.startswith("inception_"):
            squares[variable.path.split("_")[1]] += float(np.sum(gradient[begin : begin + size] ** 2))
        begin += size
    return {name: square**0.5 for name, square in squares.items()}


norms = {"last classifier alone": gradient_norms(0.0), "with auxiliary heads": gradient_norms(0.3)}
plots.bars(
    {f"{module}, {kind}": norms[kind][module] for module in ("3a", "4a", "4d", "5b") for kind in norms},
    x_label="norm of the gradient at the start",
    y_label="module",
)

# %%
gradient_ratio = norms["with auxiliary heads"]["3a"] / norms["last classifier alone"]["3a"]
lesson.expect_between(
    "gradient of 5b with the heads over that without",
    norms["with auxiliary heads"]["5b"] / norms["last classifier alone"]["5b"],
    0.999,
    1.001,
)
lesson.claim(
    "08-auxiliary-gradient",
    "Auxiliary heads enlarge the gradient that arrives at module 3a.",
    source="Szegedy et al., 2015, section 5",
    measured=f"norm at the start {gradient_ratio:.2f} times as large",
    difference=float(np.log(gradient_ratio)),
)

# %% [markdown]
# Above the heads, in 5b, nothing changes, and this is asserted: a head sends no gradient upwards. Below them the pairs of bars differ, and how much tells what a shorter way to a
# loss brings. Note also how the first bars compare with the last: with a start of the right scale, which He and others published a year after the
# network (lesson 03), the gradient that arrives at 3a need not be small at all.
#
# ### Auxiliary heads: what arrives in the accuracy
#
# Now we train the network with and without the heads (parameter `auxiliary_modules` says with which modules), and compare the last classifier.

# %%
candidates = {
    "without heads": small_googlenet(auxiliary_modules),
    "with heads": small_googlenet(auxiliary_modules, auxiliary_heads=True, auxiliary_pool="adaptive"),
}
extra = inspect.layer_table(candidates["with heads"]).total_params
extra /= inspect.layer_table(candidates["without heads"]).total_params
lesson.expect_between("parameters with the heads over those without", extra, 1.5, 5.0)

# %% [markdown]
# The heads hold more weights than one would think, for their dense layer reads 4 x 4 places; in the faithful form they nearly double the count. They are thrown away after training.

# %% tags=["nbval-ignore-output"]
head_histories = {name: trained(name, candidate) for name, candidate in candidates.items()}
plots.lines(
    range(1, experiment_epochs + 1),
    {name: h.validation_accuracy for name, h in head_histories.items()},
    x_label="epoch",
    y_label="validation accuracy",
    chance=0.1,
)

# %%
head_gain = (
    head_histories["with heads"].validation_accuracy[-1]
    - head_histories["without heads"].validation_accuracy[-1]
)
lesson.claim(
    "08-auxiliary-accuracy",
    "GoogLeNet trained with auxiliary heads is more accurate than without.",
    source="Szegedy et al., 2015, section 5; Szegedy et al., 2016, section 4, sees the effect only late in training",
    measured=f"validation accuracy of the last classifier {head_gain:+.4f}",
    difference=head_gain,
)

# %% [markdown]
# Compare the two lines at the first epoch and at the last. If the heads help the gradient, the line with heads should *start* earlier. The authors' own second paper found no
# difference early in training and a small one at its end, and explains the heads as regularisers; so a gradient that is larger is one thing, and a network that is better another.

# %% [markdown]
# ### The paper's own form
#
# Our network halves the image once in its stem and reads 28 pixels a side. The paper's stem halves it three times, so its nine modules need larger images. Ours can be stretched
# to any size, which adds pixels and no detail; 96 pixels leave the modules enough to look at and take about a fifth of the work of 224. Batch normalisation stays in, as in
# our network, and the auxiliary heads stay out.
#
# **Predict:** how many times the multiply-adds of our network does one image take?

# %%
full_side = full_image_size or 96
full_form = {"input_shape": (full_side, full_side, 1), "classes": 10, "normalization": "batch"}
full_table = inspect.layer_table(networks.outline("googlenet", **full_form))
times = full_table.total_macs / inspect.layer_table(network).total_macs
print(f"GoogLeNet on {full_side} x {full_side} pixels: {full_table.total_params:,} parameters")
print(f"{full_table.total_macs:,} multiply-adds for an image, {times:,.0f} times as many as ours")

# %% [markdown]
# So it is trained only where the parameter `full_image_size` names a size, as budget `gpu` does. Where `devices` is above one, so many accelerators
# share each batch.

# %%
if full_image_size is None:
    print("The full form is left out here; full_image_size=96 trains it.")

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
        full_network = networks.build("googlenet", **full_form)
    full_recipe = dataclasses.replace(recipe, epochs=full_epochs)
    full_history = training.train(full_network, full_images, full_recipe, seed=seed, devices=devices)

# %% tags=["nbval-ignore-output"]
if full_image_size is not None:
    full_test = training.evaluate(full_network, full_images.test)
    lesson.add_run(f"GoogLeNet at {full_image_size} pixels", full_network, full_history, test=full_test)
    print(f"test accuracy {full_test['top1']:.4f}, ours {test['top1']:.4f}")

# %% tags=["nbval-ignore-output"]
plots.learning_curves({"ours": history, "GoogLeNet, full": full_history}) if full_image_size else None

# %% [markdown]
# Where both were trained, compare their validation curves, and how often each saw the images: `epochs` and `full_epochs` may differ. A stretched image holds no detail
# that the small one lacks. So what the full form gains comes from its channels and its computing and not from sharper eyes.

# %% [markdown]
# ## Recap
#
# - An inception module looks through windows of several sizes at once and stacks the maps as channels.
# - 1x1 convolutions before the large windows and behind the pooling make that affordable: 854 million multiplications become 271 million, not 358.
# - The table of channels gives 6,998,552 parameters; the whole is a twentieth of VGG-16, with a tenth of its work.
# - Silencing a path after training and training without it are two different questions.
# - Auxiliary heads shorten the way of the gradient to the first modules; whether accuracy follows is for several seeds to say.
# - What the next network changes: nothing in the paths; it normalises what flows through them. That is batch normalisation, and it makes auxiliary heads
#   as a help against starving gradients unnecessary.

# %% tags=["nbval-ignore-output"]
lesson.record(
    network=network,
    history=history,
    test=test,
    data=images,
    lost_by_silencing=lost,
    gradient_norms=norms,
)

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. `lesson.hint("08-1")` helps, `lesson.solution("08-1")` shows a way.
#
# **08-1.** How many channels leave module 4a, whose line in the table reads 192, 96, 208, 16, 48, 64?

# %%
answer = None
lesson.check("08-1", answer)

# %% [markdown]
# **08-2.** The 5x5 path of module 3a reads 28 x 28 maps with 192 channels, reduces them to 16 and makes 32 maps. How many times fewer multiplications are that than
# 5x5 kernels on all 192 channels would need? A number, biases left out.

# %%
answer = None
lesson.check("08-2", answer)

# %% [markdown]
# **08-3.** With how many channels after the reduction would the 5x5 path of 08-2 cost as much as without a reduction? A number, not necessarily whole.

# %%
answer = None
lesson.check("08-3", answer)

# %% [markdown]
# **08-4 (code).** Write `parameters_by_hand(channels_in, row)`: the number of parameters, biases included, of an inception module that reads `channels_in` channels. `row` holds
# the six numbers of its line in the table.

# %%
parameters_by_hand = None
lesson.check("08-4", parameters_by_hand)

# %% [markdown]
# **08-5 (code).** Write the naive module `naive_module(x, one, three, five)`: convolutions of 1x1, 3x3 and 5x5 with ReLU and a 3x3 max pooling at one pixel a step, side by
# side, without reductions, stacked in this order. It takes and returns a Keras tensor.

# %%
naive_module = None
lesson.check("08-5", naive_module)

# %% [markdown]
# # 12 Factorised Inception: the same window for less
#
# GoogLeNet's dearest path is its 5x5 window. The next two Inceptions keep what it sees and take the window apart: a 5x5 becomes two 3x3 in a row,
# and a 7x7 becomes a 1x7 and a 7x1. Fewer weights, fewer multiplications, one more nonlinearity; the price is that not every
# large kernel can be had this way.
#
# *Papers:* S. Ioffe, C. Szegedy (2015), whose network is called Inception v2; C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna, "Rethinking the
# Inception architecture for computer vision" (2016), Inception v3.
#
# **What you will learn**
# - what two stacked 3x3 windows save against a 5x5, and n x 1 with 1 x n against n x n
# - that they see exactly as far
# - which kernels a factorised window cannot make
# - how to halve maps without losing what they say
# - what the saving costs in accuracy, and whether fewer multiplications are less time
#
# **You need** lessons 08 and 09, or: what an inception module, a 1x1 reduction and batch normalisation are.
# **Time:** under a minute of computing at budget `quick`, two minutes at `cpu`; 35 minutes to read.

# %% tags=["parameters"]
budget: str = "quick"  # label of the budget: quick, cpu or gpu
seed: int = 0  # of weights and order of images
threads: int = 2  # CPU threads of the arithmetic
precision: str = "float32"  # float32, mixed_bfloat16 or auto
train_examples: int | None = 3000  # training images of the main network; None for all
validation_examples: int = 2000  # images to compare choices with
experiment_examples: int | None = 3000  # training images of each network of an experiment
epochs: int = 3  # passes over the training images, main network
experiment_epochs: int = 2  # the same for each network of an experiment
batch_size: int = 64  # images a step
learning_rate: float = 0.2  # peak of the one-cycle schedule
width: float = 0.125  # share of the paper's channels, main network

# %% tags=["nbval-ignore-output"]
from cnnlib import lesson, data, inspect, networks, plots, training

import keras
import numpy as np

lesson.begin("12_inception_factorized", budget=budget, seed=seed, threads=threads, precision=precision)

# %% [markdown]
# ## The problem: a large window is dear
#
# A window of n x n has n squared weights for each pair of channels. Lesson 08 put a 1x1 reduction in front of the 5x5, and still, for one output, the 5x5 path works harder than
# any other. What does an output of each window cost?

# %%
for side in (1, 3, 5, 7):
    print(f"{side}x{side}: {side * side:2} multiplications for each pair of channels")

# %% [markdown]
# From 3x3 to 5x5 it is nearly three times as much, to see one pixel further on each side. VGG's answer (lesson 06) was never to use a window larger than 3x3, and to stack two of them instead.
# Does a unit behind two stacked 3x3 windows see what a unit behind one 5x5 sees? We ask `inspect.receptive_field`, which follows the paths through a network.


# %%
def chain_of(kernels):
    """A network of convolutions in a row, with these kernel sizes, on maps of 17 x 17."""
    inputs = x = keras.Input((17, 17, 8))
    for kernel in kernels:
        x = keras.layers.Conv2D(8, kernel, padding="same", activation="relu")(x)
    return keras.Model(inputs, x)


forms = {
    "5x5": [5],
    "3x3, 3x3": [3, 3],
    "1x5, 5x1": [(1, 5), (5, 1)],
    "7x7": [7],
    "3x3, 3x3, 3x3": [3, 3, 3],
    "1x7, 7x1": [(1, 7), (7, 1)],
}
seen, weights = {}, {}
for name, kernels in forms.items():
    model = chain_of(kernels)
    seen[name] = inspect.receptive_field(model, model.layers[-1].name)
    weights[name] = sum(int(np.prod(v.shape)) for v in model.trainable_variables if len(v.shape) > 1)
    print(f"{name:14} sees {seen[name]}, {weights[name]:5,} weights")

# %%
lesson.claim(
    "12-same-field",
    "Two 3x3 windows, or a 1x5 and a 5x1, see as far as one 5x5; three 3x3, or a 1x7 and a 7x1, as far as one 7x7.",
    source="Szegedy et al., 2016, sections 3.1 and 3.2",
    measured=f"receptive fields {seen['5x5']}, {seen['3x3, 3x3']}, {seen['1x5, 5x1']} and "
    f"{seen['7x7']}, {seen['3x3, 3x3, 3x3']}, {seen['1x7, 7x1']}",
    holds=seen["5x5"] == seen["3x3, 3x3"] == seen["1x5, 5x1"]
    and seen["7x7"] == seen["3x3, 3x3, 3x3"] == seen["1x7, 7x1"],
)

# %% [markdown]
# They see equally far and differ in cost. **Predict** from the table: what share of the 5x5's weights do two 3x3 save? And the 1x7 with the 7x1?

# %%
saved = 1 - weights["3x3, 3x3"] / weights["5x5"]
lesson.claim(
    "12-two-3x3",
    "Two 3x3 convolutions in place of a 5x5 save 28 percent of weights and multiplications.",
    source="Szegedy et al., 2016, section 3.1: (9 + 9) / 25",
    measured=f"{saved:.2%}",
    holds=abs(saved - 0.28) < 1e-12,
)

# %%
sides = [2, 3, 5, 7, 9, 11]
saved_by_side = [1 - 2 * side / side**2 for side in sides]
for side, share in zip(sides, saved_by_side, strict=True):
    print(f"n = {side:2}: 1 x n and n x 1 save {share:.0%} of n x n")
lesson.claim(
    "12-asymmetric",
    "A 1 x n and an n x 1 convolution in place of an n x n one save a share of 1 - 2/n.",
    source="Szegedy et al., 2016, section 3.2: 33 percent for n = 3",
    measured=f"counted in networks, n = 5: {1 - weights['1x5, 5x1'] / weights['5x5']:.4f}, "
    f"n = 7: {1 - weights['1x7, 7x1'] / weights['7x7']:.4f}",
    holds=abs(weights["1x5, 5x1"] / weights["5x5"] - 2 / 5) < 1e-12
    and abs(weights["1x7, 7x1"] / weights["7x7"] - 2 / 7) < 1e-12,
)

# %%
plots.lines(
    sides,
    {"1 x n and n x 1": saved_by_side},
    x_label="side n of the window",
    y_label="share of weights saved",
)

# %% [markdown]
# The curve starts at nothing for n = 2 and rises fast: the larger the window, the more it pays. All of this counts equal channels throughout; with another number of channels between the two, the shares shift.
#
# ### What is lost
#
# Nothing is free: a factorised window is a *special* large window. Without a ReLU in between, and with one channel, a 1x5 followed by a 5x1 multiplies a column by a row, so the 5x5 kernel that they make together
# has rank one. How near does that come to a kernel that we choose? The best product of column and row is given by the largest singular value.

# %%
random = np.random.default_rng(0)
positions = np.arange(5) - 2
wanted_kernels = {
    "mean": np.full((5, 5), 1 / 25),
    "Gaussian": np.exp(-(positions[:, None] ** 2 + positions**2) / 2),
    "edge": np.outer(np.ones(5), positions),
    "diagonal": np.eye(5),
    "ring": (
        (positions[:, None] ** 2 + positions**2 > 1) & (positions[:, None] ** 2 + positions**2 < 6)
    ).astype(float),
    "random": random.normal(size=(5, 5)),
}
rank_one, left_over = {}, {}
for name, kernel in wanted_kernels.items():
    columns, values, rows = np.linalg.svd(kernel)
    rank_one[name] = values[0] * np.outer(columns[:, 0], rows[0])
    left_over[name] = float(np.linalg.norm(kernel - rank_one[name]) / np.linalg.norm(kernel))
    print(f"{name:9} share of the kernel that no column times row can give: {left_over[name]:.2f}")

# %%
plots.image_grid(
    np.stack(
        [
            k / np.abs(k).max() / 2 + 0.5
            for pair in zip(wanted_kernels.values(), rank_one.values(), strict=True)
            for k in pair
        ]
    ),
    titles=[t for name in wanted_kernels for t in (name, "column times row")],
    columns=4,
)

# %% [markdown]
# Blurs and straight edges are products of a column and a row already: nothing is lost. A diagonal is the worst case. With many channels in between, sums of products
# can be had, so a layer is freer than one kernel; and with a ReLU in between it can do things that a single 5x5 cannot. What comes of it in the end has to be measured, below.
#
# ## The block: a module as a table of paths
#
# Inception v3's first kind of module, A, is GoogLeNet's with the 5x5 path kept and a path of two 3x3 beside it. Here it is from plain Keras layers,
# each convolution with batch normalisation and ReLU.


# %%
def unit(x, filters, kernel, stride=1, padding="same", name=None):
    """Convolution, batch normalisation, ReLU."""
    x = keras.layers.Conv2D(filters, kernel, strides=stride, padding=padding, use_bias=False, name=name)(x)
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-3, name=name and f"{name}_bn")(x)
    return keras.layers.ReLU()(x)


def module_a(x, pooled):
    """1x1; 1x1, 5x5; 1x1, 3x3, 3x3; mean, 1x1: (N, H, W, C) -> (N, H, W, 224 + pooled)."""
    one = unit(x, 64, 1)
    five = unit(unit(x, 48, 1), 64, 5)
    double = unit(unit(unit(x, 64, 1), 96, 3), 96, 3)
    mean = keras.layers.ZeroPadding2D(1)(x)
    mean = unit(keras.layers.AveragePooling2D(3, 1)(mean), pooled, 1)
    return keras.layers.Concatenate()([one, five, double, mean])


maps = keras.Input((14, 14, 32))
by_hand = keras.Model(maps, module_a(maps, 32))
library_module = networks.inception_v3.inception_module(
    maps, networks.inception_v3.module_a(32), name="module_a"
)
lesson.expect_same_function(by_hand, keras.Model(maps, library_module, name="inception_module"))

# %% [markdown]
# The library writes a module as a table: each path a list of (name, channels, kernel). Here are the tables of the kinds A and C; C is the one with the long thin windows.

# %%
for kind, paths in {
    "A": networks.inception_v3.module_a(32),
    "C": networks.inception_v3.module_c(128),
}.items():
    print(f"module {kind}")
    for name, chain in paths.items():
        steps = [
            f"{link[1]} by {link[2]}x{link[2]}"
            if isinstance(link[2], int)
            else f"{link[1]} by {link[2][0]}x{link[2][1]}"
            for link in chain
        ]
        print(f"  {name:8} {' -> '.join(steps)}")

# %% [markdown]
# In module C one path has four thin windows in a row. How far does a unit at its end see?

# %%
maps = keras.Input((17, 17, 32))
module_c = keras.Model(
    maps,
    networks.inception_v3.inception_module(maps, networks.inception_v3.module_c(128), name="c", width=0.25),
)
for layer in ("c_1x1", "c_7x7_3", "c_double_5"):
    print(f"{layer:10} sees {inspect.receptive_field(module_c, layer)} of 17 pixels")

# %% [markdown]
# ### To halve the maps
#
# Pooling first and convolving afterwards is cheap and throws information away before anybody has read it; convolving first and pooling afterwards reads everything and is dear. The paper does both at half the
# channels, side by side: a pooling, and a convolution that moves by two. Multiplications to get from 320 maps of 34 x 34 to 640 of 17 x 17:

# %%
ways = {
    "pool, then 1x1 to 640": 17 * 17 * 320 * 640,
    "1x1 to 640, then pool": 34 * 34 * 320 * 640,
    "pool beside a strided 1x1": 17 * 17 * 320 * 320,
}
for way, multiplies in ways.items():
    print(f"{way:26} {multiplies:12,} multiplications")
lesson.claim(
    "12-halving",
    "A pooling beside a strided convolution halves the maps for a quarter or less of what widening before pooling costs.",
    source="Szegedy et al., 2016, section 5, figures 9 and 10",
    measured=f"{ways['pool beside a strided 1x1'] / ways['1x1 to 640, then pool']:.3f} of it",
    holds=ways["pool beside a strided 1x1"] * 4 <= ways["1x1 to 640, then pool"],
)

# %% [markdown]
# ## The network: Inception v3
#
# Eleven modules of five kinds, on photographs of 299 x 299 pixels. Its parameters, module by module:

# %%
inception_v3 = inspect.layer_table(networks.outline("inception_v3"))
frame = inception_v3.frame
params_of_modules = {"stem": int(frame.params[frame.layer.str.startswith("stem")].sum())}
for name in networks.inception_v3.MODULES:
    params_of_modules[name] = int(frame.params[frame.layer.str.startswith(f"inception_{name}")].sum())
params_of_modules["scores"] = int(frame.params[frame.layer == "scores"].sum())
for name, count in params_of_modules.items():
    print(f"{name:6} {count:10,}")
print(f"sum    {sum(params_of_modules.values()):10,}")

# %%
lesson.claim(
    "12-parameters",
    "Inception v3 has 23,834,568 trained parameters without its auxiliary head.",
    source="counts of independent implementations of Szegedy et al., 2016",
    measured=f"{inception_v3.total_params:,}",
    holds=inception_v3.total_params == sum(params_of_modules.values()) == 23_834_568,
)

# %%
family = {
    name: inspect.layer_table(networks.outline(name))
    for name in ("googlenet", "bn_inception", "inception_v3")
}
print("                parameters   multiply-adds   top-1 error in the paper (2015, 2015, 2016)")
for name, table in family.items():
    error = networks.catalogue()[name].top1_error
    print(
        f"{name:13} {table.total_params:12,}  {table.total_macs:14,}   {error or 'of one network: not told'}"
    )

# %%
plots.bars(
    {name: table.total_macs / 1e9 for name, table in family.items()},
    x_label="multiply-adds for one image, billions",
    number_format="{:.2f}",
)

# %% [markdown]
# The factorised networks are not small: what was saved was spent on more channels, more modules and larger images. (GoogLeNet's error was measured with seven networks and many crops in the paper; a single one gave more.)
#
# For our pictures we make a small one of the same parts: a stem, one module A, one B to halve the maps, one C, and a global average.


# %%
def small_inception():
    """Stem, modules A, B and C of Inception v3 at our width, for 28 x 28 pixels."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((28, 28, 1))
    x = unit(inputs, 16, 3, stride=2, name="stem_conv1")  # 14, 14
    x = unit(x, 24, 3, name="stem_conv2")
    for name, paths in {
        "a": networks.inception_v3.module_a(32),  # 14, 14
        "b": networks.inception_v3.module_b(),  # 6, 6
        "c": networks.inception_v3.module_c(128),  # 6, 6
    }.items():
        x = networks.inception_v3.inception_module(x, paths, name=name, width=width)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(10, name="scores")(x), name="inception_small")


network = small_inception()
print(inspect.layer_table(network).weighted())

# %% [markdown]
# | | paper | here |
# |---|---|---|
# | images | photographs, 299x299x3, 1,000 classes | Fashion-MNIST, 28x28x1, ten classes |
# | modules | 3 A, B, 4 C, D, 2 E | A, B, C |
# | channels | 256 to 2,048 behind a module (released network) | an eighth of them at `quick` |
# | stem | five convolutions and two poolings (released network), to an eighth of the side | two convolutions, to half of it |
# | auxiliary head, dropout | yes | no |
# | label smoothing | 0.1 | 0.1 |
# | training | RMSProp on fifty machines | SGD with momentum, one-cycle |
#
# ## Training
#
# *Label smoothing* came with Inception v3: the target is not "boot, for certain" but 0.9 on boot and the rest spread over all classes, so that scores need not grow without end.

# %%
recipe = training.Recipe(
    epochs=epochs,
    batch_size=batch_size,
    optimizer="sgd",
    learning_rate=learning_rate,
    schedule="one_cycle",
    weight_decay=0.0002,
    label_smoothing=0.1,
)
recipe.table()

# %% tags=["nbval-ignore-output"]
images = data.load(
    "fashion_mnist", train_examples=train_examples, validation_examples=validation_examples, seed=0
)
few_images = data.load(
    "fashion_mnist", train_examples=experiment_examples, validation_examples=validation_examples, seed=0
)
history = training.train(network, images, recipe, seed=seed)

# %% tags=["nbval-ignore-output"]
plots.learning_curves({"inception": history})

# %% [markdown]
# The dashed curve of the loss includes the smoothing and cannot come near zero; the solid one is measured without it. Compare the accuracies instead.

# %% tags=["nbval-ignore-output"]
test = training.evaluate(network, images.test)
print(f"test accuracy {test['top1']:.4f}, among the five best {test['top5']:.4f}")

# %%
lesson.expect_between("test accuracy of the small Inception", test["top1"], 0.5, 0.97)

# %% [markdown]
# ## Looking inside
#
# What do a 1x7 and a 7x1 window look at? The mean size of the weights at each of the seven places, over all pairs of channels, in module C's path with both: which places have weight?

# %% tags=["nbval-ignore-output"]
places = {}
for layer in ("c_7x7_2", "c_7x7_3"):
    kernel = keras.ops.convert_to_numpy(network.get_layer(layer).kernel)
    places[f"{kernel.shape[0]}x{kernel.shape[1]}"] = np.abs(kernel).mean(axis=(2, 3)).ravel()
plots.lines(
    range(-3, 4), places, x_label="place in the window, 0 is its middle", y_label="mean size of the weights"
)

# %% [markdown]
# On maps of 6 x 6 a window of seven hangs over the border wherever it stands: its outer places read zeros most of the time and get little gradient. Look whether they have less weight than the middle.
# The paper found that thin windows do not work well early in a network, where maps are large, and very well on maps of 12 to 20 pixels.
#
# The worst mistakes:

# %% tags=["nbval-ignore-output"]
logits = inspect.predict(network, images.validation.images)
probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
plots.worst_mistakes(
    images.validation.images, images.validation.labels, probabilities, images.class_names, count=12
)

# %% [markdown]
# With smoothed labels the network is told not to be certain. Compare the percentages above the pictures with those of the other lessons' mistakes.
#
# ## Experiments
#
# ### The same window in four forms
#
# A small network with one large window, in two modules; only the window's form differs: a 5x5; two 3x3 with a ReLU in between; the same without that ReLU; and a 1x5 with a 5x1.
# **Predict:** which one is the most accurate, which the fastest?


# %%
def large_window(x, form, filters):
    """A 5x5 window in one of four forms, with batch normalisation and a ReLU at its end."""
    if form == "5x5":
        return unit(x, filters, 5)
    if form == "1x5, 5x1":
        return unit(unit(x, filters, (1, 5)), filters, (5, 1))
    if form == "3x3, 3x3":
        return unit(unit(x, filters, 3), filters, 3)
    x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-3)(x)
    return unit(x, filters, 3)


def net_of(form):
    """A stem and two modules of a 1x1 path and a large window."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((28, 28, 1))
    x = unit(inputs, 16, 3, stride=2)  # 14, 14
    for filters in (16, 32):
        x = keras.layers.Concatenate()([unit(x, filters, 1), large_window(x, form, filters)])
        x = keras.layers.MaxPooling2D(2)(x)  # 7, 7; 3, 3
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(10, name="scores")(x), name="window")


forms_of_window = ("5x5", "3x3, 3x3", "3x3, 3x3, linear", "1x5, 5x1")
candidates = {form: net_of(form) for form in forms_of_window}
for form, candidate in candidates.items():
    table = inspect.layer_table(candidate)
    print(f"{form:17} {table.total_params:7,} parameters, {table.total_macs:10,} multiply-adds")

# %% tags=["nbval-ignore-output"]
experiment_recipe = training.Recipe(
    epochs=experiment_epochs, batch_size=batch_size, optimizer="sgd", learning_rate=0.2, schedule="one_cycle"
)
ends, times = {}, {}
for form, candidate in candidates.items():
    candidate_history = training.train(candidate, few_images, experiment_recipe, seed=seed, progress="none")
    lesson.add_run(form, candidate, candidate_history)
    ends[form] = candidate_history.validation_accuracy[-1]
    times[form] = 1000 / candidate_history.images_per_second
plots.bars(ends, x_label="validation accuracy", y_label="form of the window", number_format="{:.4f}")

# %%
lesson.claim(
    "12-two-3x3-accuracy",
    "Two 3x3 windows with a ReLU in between are at least as accurate as one 5x5.",
    source="Szegedy et al., 2016, section 3.1",
    measured=f"validation accuracy {ends['3x3, 3x3'] - ends['5x5']:+.4f}",
    difference=ends["3x3, 3x3"] - ends["5x5"],
)
lesson.claim(
    "12-relu-between",
    "A ReLU between the two 3x3 windows is better than none.",
    source="Szegedy et al., 2016, section 3.1, figure 2: .772 against .762",
    measured=f"validation accuracy {ends['3x3, 3x3'] - ends['3x3, 3x3, linear']:+.4f}",
    difference=ends["3x3, 3x3"] - ends["3x3, 3x3, linear"],
)
lesson.claim(
    "12-asymmetric-accuracy",
    "A 1x5 and a 5x1 window are at least as accurate as one 5x5.",
    source="Szegedy et al., 2016, section 3.2, for maps of 12 to 20 pixels",
    measured=f"validation accuracy {ends['1x5, 5x1'] - ends['5x5']:+.4f}",
    difference=ends["1x5, 5x1"] - ends["5x5"],
)

# %% [markdown]
# Look at the differences beside the noise: another seed moves each bar. The report of a run over several seeds says which differences stay.
#
# ### Fewer multiplications, less time?

# %% tags=["nbval-ignore-output"]
plots.bars(
    times,
    x_label="training time for one image, milliseconds",
    y_label="form of the window",
    number_format="{:.2f}",
)

# %%
macs = {form: inspect.layer_table(candidate).total_macs for form, candidate in candidates.items()}
lesson.claim(
    "12-time",
    "The form with the fewest multiply-adds trains faster than the 5x5.",
    source="the reason that the paper gives for factorising; measured in the fastest epoch of each network",
    measured=f"multiply-adds {macs['1x5, 5x1'] / macs['5x5']:.2f} of the 5x5's, time {times['1x5, 5x1'] / times['5x5']:.2f} of its",
    difference=float(np.log(times["5x5"] / times["1x5, 5x1"])),
)

# %% [markdown]
# Compare the bars with the multiply-adds printed above. Two layers in place of one also mean two normalisations, two ReLUs and twice the maps to write and read, and on small maps that can take what the multiplications
# gave. Lesson 17 measures this for all networks.
#
# ## Recap
#
# - Two 3x3 windows see as far as a 5x5 and save more than a quarter; a 1 x n with an n x 1 saves a share of 1 - 2/n.
# - One factorised kernel is a column times a row: edges and blurs pass, diagonals do not.
# - Modules are tables of paths; maps are halved by a pooling and a strided convolution side by side.
# - Inception v3 spends what it saves: it is larger than GoogLeNet, and more accurate.
# - Whether fewer multiplications are less time has to be measured.
# - What the next network changes: gates that decide how much of a layer's input passes by it. Highway networks.

# %% tags=["nbval-ignore-output"]
lesson.record(network=network, history=history, test=test, data=images, milliseconds=times)

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. `lesson.hint("12-1")` helps, `lesson.solution("12-1")` shows a way.
#
# **12-1.** What share of the weights of a 7x7 window do three 3x3 windows save, at equal channels? (Between 0 and 1.)

# %%
answer = None
lesson.check("12-1", answer)

# %% [markdown]
# **12-2.** A path goes from 192 channels by a 1x1 to 64, by a 3x3 to 96 and by another 3x3 to 96. How many weights has it, without biases?

# %%
answer = None
lesson.check("12-2", answer)

# %% [markdown]
# **12-3.** How many pixels of a row does a unit see behind a 1x7, a 7x1, a 1x7 and a 7x1 in a row, all at stride one?

# %%
answer = None
lesson.check("12-3", answer)

# %% [markdown]
# **12-4 (code).** Write `separable(kernel)`: for a 2-D array, the column (n,) and the row (m,) whose product comes nearest to it (least sum of squares).

# %%
separable = None
lesson.check("12-4", separable)

# %% [markdown]
# **12-5 (code).** Write `factorised(x, filters, n)`: a 1 x n and an n x 1 convolution on a Keras tensor, each with `filters` channels, padded to keep the size, without bias, a ReLU behind each.

# %%
factorised = None
lesson.check("12-5", factorised)

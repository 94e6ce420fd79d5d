# %% [markdown]
# # 21 Any size: a pyramid of bins in front of the dense layers
#
# Convolutions take images of any size; the dense layers behind them do not, and so all images have to be cropped or squeezed to one size. Pooling the last maps into a fixed number of
# bins, whatever their size, takes the restriction away. One set of weights then serves every size, in training and in use.
#
# *Paper:* K. He, X. Zhang, S. Ren, J. Sun, "Spatial pyramid pooling in deep convolutional networks for visual recognition" (2014).
#
# **What you will learn**
# - which layer it is that fixes the size of the image
# - spatial pyramid pooling: bins instead of windows, and two rules to cut them, of which one fails at the paper's own second size
# - how to train one set of weights at several sizes, and to test at several
# - dense evaluation: compute the maps once, and read many windows out of them
#
# **You need** lessons 05 and 06, or: what max pooling and a dense layer are.
# **Time:** under a minute of computing at budget `quick`, about a minute at `cpu`; 35 minutes to read.

# %% tags=["parameters"]
budget: str = "quick"  # label of the budget: quick, cpu or gpu
seed: int = 0  # of weights and order of images
threads: int = 2  # CPU threads of the arithmetic
precision: str = "float32"  # float32, mixed_bfloat16 or auto
train_examples: int | None = 4000  # training images of all networks; None for all
validation_examples: int = 2000  # images to compare choices with
epochs: int = 3  # passes over the training images, a multiple of 3
batch_size: int = 32  # images a step
learning_rate: float = 0.003  # of the first epoch; it falls to a third or less by the last
channels: int = 16  # of the first convolution; the second and third have two and four times as many

# %% tags=["nbval-ignore-output"]
from cnnlib import lesson, data, inspect, layers, networks, plots, training

import keras
import numpy as np
from PIL import Image

lesson.begin("21_any_size", budget=budget, seed=seed, threads=threads, precision=precision)

# %% [markdown]
# ## The problem: one layer fixes the size
#
# Take LeNet-5 and give it images of other sizes. Where do the weights change?

# %%
SIDES = (24, 28, 36)
tables = {
    side: inspect.layer_table(networks.outline("lenet5", input_shape=(side, side, 1))) for side in SIDES
}
for side, table in tables.items():
    by_layer = dict(zip(table.frame.layer, table.frame.params, strict=True))
    counts = ", ".join(f"{count:,}" for count in by_layer.values() if count)
    print(f"{side} x {side} pixels: {counts}")

# %% [markdown]
# Two convolutions and three dense layers each, and only one of the five has another count: the first dense layer. A convolution has as many weights as its kernel, wherever it is used. The first dense layer has a weight for each number that it reads, and a larger
# image makes more of them. So there are three networks here, none of which can take over the weights of another.
#
# What does one do with a photograph of another size? Cut out a piece, and lose the rest; or squeeze it, and lose its proportions. Lessons 06 and 07 had two remedies: dense layers written as convolutions, which give a *map* of scores for a larger image, and
# global average pooling, which forgets where everything was. Today's stands between them.
#
# Our pictures come in three sizes, made from the same 28 x 28 pixels by interpolation:

# %%
loaded = data.load(
    "fashion_mnist", train_examples=train_examples, validation_examples=validation_examples, seed=0
)


def resized(split, side):
    """The pictures of a split at `side` x `side` pixels."""
    if side == split.images.shape[1]:
        return split
    pictures = [
        Image.fromarray(p).resize((side, side), Image.Resampling.BILINEAR) for p in split.images[..., 0]
    ]
    return data.Split(np.stack([np.asarray(p) for p in pictures])[..., None], split.labels)


images_at = {
    side: data.Dataset(
        resized(loaded.train, side),
        resized(loaded.validation, side),
        loaded.test if side == 28 else resized(loaded.test.take(10), side),  # the test is taken at 28 only
        class_names=loaded.class_names,
        name=loaded.name,
        sha256=loaded.sha256,
    )
    for side in SIDES
}
shown = np.zeros((6, 36, 36, 1), "uint8")
for i, side in enumerate(SIDES * 2):
    picture = images_at[side].train.images[i // 3]
    shown[i, :side, :side] = picture
plots.image_grid(shown, titles=[f"{side} x {side}" for side in SIDES * 2], columns=6)

# %% [markdown]
# Two garments at three sizes. To a person they are the same pictures; to LeNet two of the three are of the wrong shape.
#
# ## The block: spatial pyramid pooling
#
# Ordinary pooling fixes the *window* and lets the number of results follow from the size of the map. Turn it around: fix the number of results. Cut the map into $n \times n$ *bins* and keep the maximum of each, for every channel by itself. Do that for several $n$, coarse and fine, and put all results in a row: a *pyramid*.
# Its length is the sum of all $n^2$ times the number of channels, whatever the map's size.
#
# ### The rule of the paper
#
# For a map of side $a$ the paper takes windows of $\lceil a/n \rceil$ at a stride of $\lfloor a/n \rfloor$ (2014, section 2.3; its maps have 13 x 13 places for images of 224 pixels). How many windows fit?


# %%
def windows_of(side, n):
    """(window, stride, how many fit) of the paper's rule along one side."""
    window, stride = -(-side // n), side // n
    return window, stride, (side - window) // stride + 1


for n in (6, 3, 2, 1):
    window, stride, fit = windows_of(13, n)
    print(f"level {n}: windows of {window:2} at stride {stride:2}: {fit} along each side, {fit * fit:2} bins")

# %% [markdown]
# By hand on random maps, and by the library's layer:

# %%
random = np.random.default_rng(0)
maps = random.normal(size=(2, 13, 13, 8)).astype("float32")
by_hand = []
for n in (6, 3, 2, 1):
    window, stride, _ = windows_of(13, n)
    for row in range(n):
        for column in range(n):
            top, left = row * stride, column * stride
            by_hand.append(maps[:, top : top + window, left : left + window].max(axis=(1, 2)))
by_hand = np.concatenate(by_hand, axis=-1)
pyramid = layers.SpatialPyramidPooling2D((6, 3, 2, 1), dtype="float32")
pooled = keras.ops.convert_to_numpy(pyramid(maps))
bins = pooled.shape[1] // maps.shape[-1]
lesson.claim(
    "21-bins",
    "A pyramid of levels 6, 3, 2 and 1 has 50 bins, and on maps of 13 x 13 the paper's windows cut them.",
    source="He et al., 2014, section 2.3",
    measured=f"{bins} bins; equal to a pooling by hand: {np.array_equal(by_hand, pooled)}",
    holds=bins == 50 and np.array_equal(by_hand, pooled),
)

# %% [markdown]
# With the paper's 256 channels that is 12,800 numbers for the first dense layer. One hears that the layer "pools over channels". Does it? Change one of our eight channels, and see which of the results move:

# %%
changed = maps.copy()
changed[..., 3] += 1
moved = np.flatnonzero((keras.ops.convert_to_numpy(pyramid(changed)) != pooled).any(axis=0))
print("results that moved:", len(moved), "of", pooled.shape[1])
lesson.claim(
    "21-over-channels",
    "Spatial pyramid pooling pools over channels.",
    source="a common note; He et al., 2014, pool over places",
    measured=f"one channel of 8 moves {len(moved)} results of {pooled.shape[1]}, all of them its own: {set(moved % 8) == {3}}",
    holds=len(moved) != 50,
)

# %% [markdown]
# Each result belongs to one channel and one bin. Here is a picture as the pyramid sees it, its brightness as the only channel, each level enlarged:

# %%
boot = int(np.flatnonzero(images_at[36].validation.labels == 9)[0])
picture = images_at[36].validation.images[boot : boot + 1]
levels = [data.to_float(picture)[0]]
for n in (6, 3, 2, 1):
    level = layers.SpatialPyramidPooling2D((n,), bins="adaptive", dtype="float32")(data.to_float(picture))
    level = keras.ops.convert_to_numpy(level).reshape(n, n, 1)
    levels.append(level.repeat(36 // n, axis=0).repeat(36 // n, axis=1))
plots.image_grid(
    np.stack(levels), titles=["36 x 36 pixels", "36 bins", "9 bins", "4 bins", "1 bin"], columns=5
)

# %% [markdown]
# In the fine level one can still make out which way the boot points; the coarse ones forget where things were, and the last one keeps a single number. The dense layers get all four.
#
# ### Where the rule fails
#
# The paper trains at 224 and at 180 pixels, where its maps have 13 x 13 and 10 x 10 places, and says that the same rule is used for both. **Predict:** how many windows of $\lceil 10/6 \rceil$ at stride $\lfloor 10/6 \rfloor$ fit into 10?

# %%
windows_at_ten = {n: windows_of(10, n) for n in (6, 3, 2, 1)}
for n, (window, stride, fit) in windows_at_ten.items():
    print(f"level {n}: windows of {window:2} at stride {stride:2}: {fit} along each side")
total = sum(fit**2 for _, _, fit in windows_at_ten.values())
lesson.claim(
    "21-bins-at-ten",
    "The same windows cut maps of 10 x 10, the paper's second size, into 50 bins, too.",
    source="He et al., 2014, section 2.3, read as it is written",
    measured=f"{total} bins",
    holds=total == 50,
)

# %%
sides_of_maps = np.arange(6, 31)
plots.lines(
    sides_of_maps,
    {f"{n} wanted": [windows_of(int(side), n)[2] for side in sides_of_maps] for n in (6, 3, 2)},
    x_label="side of the map, places",
    y_label="windows that fit along it",
)

# %% [markdown]
# A level line would be a rule that works. The coarse levels keep theirs here; at the fine one the rounding of the stride adds up. Too many windows are no harm for one fixed size, but then the length is not fixed any more, which was the point.
#
# The appendix of the paper, on windows inside a photograph, has a rule without this flaw: bin $i$ reaches from $\lfloor i\,a/n \rfloor$ to $\lceil (i+1)\,a/n \rceil$. It gives $n$ bins for every size by construction; neighbours overlap where the division leaves a rest. The library has both.


# %%
def bins_of(side, n):
    """(first place, first place beyond) of each bin by the rule of the appendix."""
    return [(i * side // n, -(-(i + 1) * side // n)) for i in range(n)]


def covered(side, n):
    """Whether the bins leave no place out."""
    return set().union(*(range(a, b) for a, b in bins_of(side, n))) == set(range(side))


print("13 places in 6 bins:", bins_of(13, 6))
print("10 places in 6 bins:", bins_of(10, 6))
adaptive = layers.SpatialPyramidPooling2D((6, 3, 2, 1), bins="adaptive", dtype="float32")
equal_on_13 = np.array_equal(keras.ops.convert_to_numpy(adaptive(maps)), pooled)
every_side = all(covered(side, n) for side in range(1, 101) for n in (6, 3, 2, 1))
fixed_length = {adaptive(maps[:, :side, :side]).shape[1] for side in range(6, 14)} == {50 * 8}
lesson.claim(
    "21-bins-of-the-appendix",
    "The rule of the paper's appendix gives 50 bins on maps of every size, and the windows of section 2.3 on 13 x 13.",
    source="He et al., 2014, appendix A",
    measured=f"all places covered for sides 1 to 100: {every_side}; length fixed: {fixed_length}; equal on 13: {equal_on_13}",
    holds=every_side and fixed_length and equal_on_13,
)

# %% [markdown]
# ## The network: three inputs, one set of weights
#
# Our network is small: three convolutions, two poolings between them, a pyramid of levels 3, 2 and 1 (14 bins), two dense layers. Images of 24, 28 and 36 pixels arrive at the pyramid as maps of 6, 7 and 9 places. The layers are made once, and put behind an input of each size.


# %%
def make_layers(head):
    """The layers of a network from the lesson's seed; `head` is what stands between maps and dense layers."""
    keras.utils.set_random_seed(seed)
    start = {"activation": "relu", "kernel_initializer": "he_normal"}
    convolution = {"kernel_size": 3, "padding": "same", **start}
    return [
        keras.layers.Conv2D(channels, **convolution, name="conv1"),
        keras.layers.MaxPooling2D(2, name="pool1"),
        keras.layers.Conv2D(2 * channels, **convolution, name="conv2"),
        keras.layers.MaxPooling2D(2, name="pool2"),
        keras.layers.Conv2D(4 * channels, **convolution, name="conv3"),
        head,
        keras.layers.Dense(128, **start, name="dense1"),
        keras.layers.Dense(10, name="scores"),
    ]


def behind_an_input(made, side, name):
    """A model of these very layers for images of `side` x `side` pixels; None leaves the size free."""
    x = inputs = keras.Input((side, side, 1), name="images")
    for layer in made:
        x = layer(x)
    return keras.Model(inputs, x, name=name)


def pyramid_head():
    return layers.SpatialPyramidPooling2D((3, 2, 1), bins="adaptive", name="pyramid")


shared = make_layers(pyramid_head())
network_at = {side: behind_an_input(shared, side, "spp_net") for side in SIDES}
network = network_at[28]
print(inspect.layer_table(network).weighted())

# %% [markdown]
# Is it one set of weights? Count the arrays behind all three, and compare with a fourth model that leaves the size free:

# %%
any_size = behind_an_input(shared, None, "spp_net_any_size")
maps_only = behind_an_input(shared[:5], None, "up_to_the_pyramid")
arrays = {id(variable) for model in network_at.values() for variable in model.variables}
answers_agree = True
for side, model in network_at.items():
    pictures = images_at[side].validation.images[:16]
    fixed, free = inspect.predict(model, pictures), inspect.predict(any_size, pictures)
    answers_agree &= bool(np.allclose(fixed, free, rtol=1e-4, atol=1e-4))
    maps_of_side = inspect.predict(maps_only, pictures).shape[1:3]
    print(f"{side} x {side} pixels -> maps {maps_of_side} -> scores {fixed.shape}")
lesson.claim(
    "21-three-sizes",
    "One set of weights serves images of 24, 28 and 36 pixels.",
    source="He et al., 2014, section 2.3",
    measured=f"{len(arrays)} arrays in one network, {len(network.variables)} in all three; free size agrees: {answers_agree}",
    holds=len(arrays) == len(network.variables) and answers_agree,
)

# %% [markdown]
# Two more networks to compare with: the same with the pyramid, which will see 28 pixels only; and one that flattens its maps, as LeNet does.

# %%
single = behind_an_input(make_layers(pyramid_head()), 28, "spp_net_one_size")
flat = behind_an_input(make_layers(keras.layers.Flatten(name="flatten")), 28, "flat_net")
for model in (network, single, flat):
    print(f"{model.name:17} {inspect.layer_table(model).total_params:8,} parameters")

# %% [markdown]
# | | paper | here |
# |---|---|---|
# | networks | ZF-5, Convnet*-5, Overfeat-5 and -7 | three convolutions |
# | images | ImageNet, 224 and 180 pixels (180 by shrinking) | Fashion-MNIST, 24, 28 and 36 pixels, by interpolation |
# | levels | 6, 3, 2, 1: 50 bins | 3, 2, 1: 14 bins |
# | bins | windows of section 2.3 | the rule of the appendix; the same bins on 6, 7 and 9 places |
# | sizes in training | one size an epoch, in turn | the same |
# | momentum when the size changes | not told | starts anew |
#
# ## Training
#
# A compiled network likes one size. So the paper trains a whole epoch at one size, and hands the weights on to the network of the next. We do the same. The network of one size is trained in the very same
# pieces, with the same images in the same order, at the same falling learning rate.

# %%
ORDER = (24, 36, 28)  # ends with the size of the test


def recipe_of(epoch):
    """One epoch of the training; the learning rate falls in a straight line."""
    return training.Recipe(
        epochs=1,
        batch_size=batch_size,
        optimizer="adamw",
        learning_rate=learning_rate * (1 - epoch / epochs),
        weight_decay=0.01,
    )


def train_in_turn(models, sides):
    """Train an epoch at each of `sides`, each in the model of that size; one History of all."""
    whole = training.History(images_per_epoch=len(loaded.train) // batch_size * batch_size)
    for epoch, side in enumerate(sides):
        part = training.train(
            models[side],
            images_at[side],
            recipe_of(epoch),
            seed=1000 * seed + epoch,
            progress="none",
        )
        rows = part.table().drop(columns=["epoch", "images_per_second"])
        whole.append(**rows.iloc[0].to_dict())
    return whole


print("sizes by epoch:", [ORDER[epoch % 3] for epoch in range(epochs)])
recipe_of(0).table()

# %% tags=["nbval-ignore-output"]
history = train_in_turn(network_at, [ORDER[epoch % 3] for epoch in range(epochs)])
single_history = train_in_turn({28: single}, [28] * epochs)
flat_history = train_in_turn({28: flat}, [28] * epochs)
lesson.add_run("pyramid, one size", single, single_history)
lesson.add_run("flattened, one size", flat, flat_history)

# %% tags=["nbval-ignore-output"]
plots.learning_curves(
    {"pyramid, three sizes": history, "pyramid, one size": single_history, "flattened": flat_history}
)

# %% [markdown]
# The points of the network of three sizes were taken at the size of each epoch. Look whether it stumbles where the size changes, and compare the last points, which are all at 28 pixels.

# %% tags=["nbval-ignore-output"]
test = training.evaluate(network, images_at[28].test)
print(f"test accuracy {test['top1']:.4f}, among the five best {test['top5']:.4f}")

# %%
lesson.expect_between("test accuracy at 28 pixels", test["top1"], 0.6, 0.95)

# %% [markdown]
# ## Looking inside
#
# How do the two networks with a pyramid fare at sizes that they have, and have not, been trained at? The pyramid lets them take any. **Predict:** where will the curve of the network of one size have its peak, and how will it fall?

# %%
judged = data.Split(loaded.validation.images[:1000], loaded.validation.labels[:1000])
single_any_size = behind_an_input(
    [layer for layer in single.layers if not isinstance(layer, keras.layers.InputLayer)], None, "one_size"
)


def probabilities_at(model, side, split=judged):
    """Class probabilities (N, 10) of a split's images at `side` pixels."""
    logits = inspect.predict(model, resized(split, side).images)
    return keras.ops.convert_to_numpy(keras.ops.softmax(logits))


def accuracy(probabilities, split=judged):
    return float((probabilities.argmax(axis=1) == split.labels).mean())


test_sides = [20, 24, 28, 32, 36, 40, 44]
by_side = {
    name: [accuracy(probabilities_at(model, side)) for side in test_sides]
    for name, model in (("trained at 24, 28, 36", any_size), ("trained at 28", single_any_size))
}
lesson.expect_between("accuracy at 28 pixels of the network of one size", by_side["trained at 28"][2], 0.6, 1)

# %% tags=["nbval-ignore-output"]
plots.lines(
    test_sides,
    by_side,
    x_label="side of the images, pixels",
    y_label="validation accuracy",
)

# %% [markdown]
# A network that *takes* every size is not yet one that *knows* every size. Look at the curve of the network of one size on both sides of 28: its kernels know garments of one scale. The other one has met three scales, and should hold a wider stretch.

# %%
gain_elsewhere = np.mean([by_side["trained at 24, 28, 36"][i] - by_side["trained at 28"][i] for i in (1, 4)])
lesson.claim(
    "21-other-sizes",
    "A network trained at three sizes is more accurate at 24 and 36 pixels than one trained at 28.",
    source="the aim of He et al., 2014, section 2.3; mean of the two sizes",
    measured=f"validation accuracy {gain_elsewhere:+.4f}",
    difference=float(gain_elsewhere),
)

# %% [markdown]
# The worst mistakes at 28 pixels:

# %% tags=["nbval-ignore-output"]
plots.worst_mistakes(
    judged.images, judged.labels, probabilities_at(network, 28), loaded.class_names, count=12
)

# %% [markdown]
# The usual suspects: nothing about them is a matter of size.
#
# ## Experiments
#
# ### What the pyramid is worth
#
# The paper first trains at one size only, so that the pyramid is the one change: the top-1 error of ZF-5 fell from 35.99 to 34.98 and the top-5 error from 14.76 to 14.14 (2014, table 2).

# %%
spp_gain = single_history.validation_accuracy[-1] - flat_history.validation_accuracy[-1]
lesson.claim(
    "21-pyramid",
    "A network with a pyramid is more accurate than one that flattens its maps, both trained at one size.",
    source="He et al., 2014, table 2: top-1 error 34.98 against 35.99, top-5 error 14.14 against 14.76",
    measured=f"validation accuracy {spp_gain:+.4f}",
    difference=spp_gain,
)

# %% [markdown]
# Two things change at once: the dense layer reads fewer numbers and has fewer weights, and coarse bins forgive small moves. The authors see the gain with a pyramid of 30 bins, too, fewer than the 36 places of their flattened maps; so it does not come from more weights. Our garments all lie in the middle
# of the picture and hardly move; there may be less to forgive.
#
# ### Training at several sizes
#
# Now the second change: three sizes in training, tested at 28 as before. **Predict:** two thirds of its training were at the wrong size. Does that cost accuracy at 28, or pay?

# %%
size_gain = history.validation_accuracy[-1] - single_history.validation_accuracy[-1]
lesson.claim(
    "21-several-sizes",
    "Training at several sizes is more accurate at one of them than training at that size alone, in as many epochs.",
    source="He et al., 2014, table 2: a further gain over the pyramid at one size, for all four networks",
    measured=f"validation accuracy at 28 pixels {size_gain:+.4f}",
    difference=size_gain,
)

# %% tags=["nbval-ignore-output"]
plots.bars(
    {
        "flattened, trained at 28": flat_history.validation_accuracy[-1],
        "pyramid, trained at 28": single_history.validation_accuracy[-1],
        "pyramid, trained at 24, 28, 36": history.validation_accuracy[-1],
    },
    x_label="validation accuracy at 28 pixels",
    y_label="network",
    number_format="{:.4f}",
)

# %% [markdown]
# Several sizes are augmentation by scale (lesson 14): more to learn from, and more to learn. In a long training that pays; in a short one the epochs at other sizes may be missed. Here both networks have the same number of epochs, which is the stricter comparison.
#
# ### Testing at several sizes
#
# The same weights can look at one picture in three sizes, and the probabilities can be averaged. The network of three sizes has learnt all three.

# %%
by_scale = {f"{side} pixels": probabilities_at(any_size, side, loaded.validation) for side in SIDES}
by_scale["mean of the three"] = np.mean(list(by_scale.values()), axis=0)
accuracy_by_scale = {name: accuracy(p, loaded.validation) for name, p in by_scale.items()}
scale_gain = accuracy_by_scale["mean of the three"] - accuracy_by_scale["28 pixels"]
lesson.claim(
    "21-test-sizes",
    "Averaging the answers at three sizes is more accurate than the answer at 28 pixels alone.",
    source="He et al., 2014, section 3.1, who test at six sizes",
    measured=f"validation accuracy {scale_gain:+.4f}",
    difference=scale_gain,
)

# %% tags=["nbval-ignore-output"]
plots.bars(
    accuracy_by_scale, x_label="validation accuracy", y_label="size of the images", number_format="{:.4f}"
)

# %% [markdown]
# Compare the last bar with the one of 28 pixels. An average helps where the three answers go wrong at different pictures; lesson 06 asked the same of a network that knew one size only.
#
# ### Dense evaluation: compute once, read many windows
#
# The paper's greatest success was elsewhere. To *find* things in a photograph one asks about many windows of it. R-CNN cut out about 2,000 windows and computed all convolutions for each. But a window of the photograph is a window of the maps; so compute the maps once and pool a
# pyramid out of each window of *them*.
#
# Is that the same answer? For convolutions without padding it is, exactly. A small network on random weights, a picture of 40 x 40, and all windows of 16 x 16 whose corner is a multiple of the stride:

# %%
policy = keras.config.dtype_policy()
keras.config.set_dtype_policy("float32")
keras.utils.set_random_seed(0)
trunk = keras.Sequential(
    [
        keras.Input((None, None, 1)),
        keras.layers.Conv2D(6, 3, activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Conv2D(8, 3, activation="relu"),
    ]
)
head = keras.Sequential(
    [
        keras.Input((5, 5, 8)),
        layers.SpatialPyramidPooling2D((2, 1), bins="adaptive"),
        keras.layers.Dense(10),
    ]
)
keras.config.set_dtype_policy(policy)
photograph = random.random((1, 40, 40, 1), dtype="float32")
corners = [(row, column) for row in range(0, 25, 2) for column in range(0, 25, 2)]
crops = np.concatenate([photograph[:, r : r + 16, c : c + 16] for r, c in corners])
crop_scores = inspect.predict(head, inspect.predict(trunk, crops))
maps_once = inspect.predict(trunk, photograph)
windows = np.concatenate([maps_once[:, r // 2 : r // 2 + 5, c // 2 : c // 2 + 5] for r, c in corners])
window_scores = inspect.predict(head, windows)
gap = float(np.abs(crop_scores - window_scores).max() / np.abs(crop_scores).max())
lesson.claim(
    "21-dense-evaluation",
    "Without padding, windows of the maps give the scores of the same windows of the picture.",
    source="He et al., 2014, section 4; Sermanet et al., 2014",
    measured=f"relative difference below 1e-5 over {len(corners)} windows: {gap < 1e-5}",
    holds=gap < 1e-5,
)

# %% [markdown]
# And the work? Count the multiplications of our own convolutions for a canvas of 84 x 84 pixels: once for the canvas, or once for each window of 28 x 28 at a stride of 4.


# %%
def convolution_macs(side):
    """Multiply-adds of the three convolutions for one image of `side` x `side` pixels."""
    frame = inspect.layer_table(behind_an_input(make_layers(pyramid_head()), side, "counted")).frame
    return int(frame.macs[frame.type == "Conv2D"].sum())


count = ((84 - 28) // 4 + 1) ** 2
once, each = convolution_macs(84), count * convolution_macs(28)
print(f"{count} windows; once {once:,}, window by window {each:,}")
lesson.claim(
    "21-dense-cost",
    "Computing the maps once for 225 windows saves more than nine tenths of the convolutions' work.",
    source="He et al., 2014, section 4: 24 to 102 times faster than R-CNN, all in all",
    measured=f"{each / once:.1f} times less work for {count} windows",
    holds=count == 225 and once < 0.1 * each,
)

# %% [markdown]
# Now with the trained network. On a dark canvas lie four garments; we compute the maps of the canvas once, and let the pyramid and the dense layers read every window of 7 x 7 places.

# %%
canvas = np.zeros((1, 84, 84, 1), "uint8")
placed = {0: (4, 8), 1: (4, 52), 7: (52, 4), 9: (48, 48)}  # class: corner of its picture
for label, (row, column) in placed.items():
    chosen = int(np.flatnonzero(loaded.validation.labels == label)[0])
    canvas[0, row : row + 28, column : column + 28] = loaded.validation.images[chosen]
canvas_maps = inspect.predict(maps_only, canvas)
x = window = keras.Input((7, 7, 4 * channels))
for layer in shared[5:]:
    x = layer(x)
read_window = keras.Model(window, x)
places = range(canvas_maps.shape[1] - 6)
windows = np.concatenate([canvas_maps[:, i : i + 7, j : j + 7] for i in places for j in places])
scores = keras.ops.convert_to_numpy(keras.ops.softmax(inspect.predict(read_window, windows)))
scores = scores.reshape(len(places), len(places), 10)
print("canvas", canvas.shape[1:3], "-> maps", canvas_maps.shape[1:3], "-> windows", scores.shape[:2])

# %%
plots.image_grid(canvas, titles=["84 x 84"], columns=1)

# %% [markdown]
# A T-shirt and trousers above, a sneaker and a boot below. At which windows does the network see a boot?

# %% tags=["nbval-ignore-output"]
plots.heatmap(
    scores[..., 9],
    x_label="window, in steps of 4 pixels",
    y_label="window, in steps of 4 pixels",
    value_label=f"probability of {loaded.class_names[9]}",
    number_format=None,
)

# %% [markdown]
# The boot lies at the lower right; its window is the one at row 12, column 12. Look whether the map is bright there, and where else. The network was never shown an empty window or half a garment, and has no answer for them but the ten classes, so do not be surprised by bright cells where a window cuts a garment in two. Detectors therefore learn "background" as a class.

# %%
found = {label: scores[row // 4, column // 4] for label, (row, column) in placed.items()}
right = sum(int(p.argmax()) == label for label, p in found.items())
lesson.expect_between("garments named rightly in their own windows", right, 1, 4)

# %% [markdown]
# Our network pads its convolutions, so that a window of the maps is not exactly the crop: the crop has zeros around it, and the window has its neighbours. On a dark canvas the difference is small.
#
# ## Recap
#
# - Only the first dense layer fixes the size of the image.
# - Spatial pyramid pooling fixes the number of bins and lets their size follow. It pools over places, each channel by itself.
# - Windows of $\lceil a/n \rceil$ at stride $\lfloor a/n \rfloor$ give $n$ bins for some sizes only; the appendix's rule gives them for all.
# - One set of weights takes every size; it *knows* the sizes that it was trained at.
# - The maps of a large picture need computing once; windows are read out of them.
# - What the next lesson changes: not the size but the task. Features learnt for some classes are used for others.

# %% tags=["nbval-ignore-output"]
lesson.record(
    network=network,
    history=history,
    test=test,
    data=images_at[28],
    name="spp_net",
    accuracy_by_side={
        name: dict(zip(map(str, test_sides), values, strict=True)) for name, values in by_side.items()
    },
    accuracy_by_test_sizes=accuracy_by_scale,
)

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. `lesson.hint("21-1")` helps, `lesson.solution("21-1")` shows a way.
#
# **21-1.** How many bins has a pyramid of levels 4, 3, 2 and 1?

# %%
answer = None
lesson.check("21-1", answer)

# %% [markdown]
# **21-2.** A map has 11 x 11 places. Window and stride of the paper's rule for three bins along a side: give them as a tuple.

# %%
answer = None
lesson.check("21-2", answer)

# %% [markdown]
# **21-3.** Levels 6, 3, 2, 1 on 256 channels, then a dense layer of 4,096 units with biases. How many parameters has that layer?

# %%
answer = None
lesson.check("21-3", answer)

# %% [markdown]
# **21-4 (code).** Write `bins_of(side, n)`: the list of the $n$ pairs (first place, first place beyond) by the rule of the appendix, floor and ceiling.

# %%
bins_of_a_side = None
lesson.check("21-4", bins_of_a_side)

# %% [markdown]
# **21-5 (code).** Write `pyramid(maps, levels)` for a map of shape (H, W, C): the maxima of all bins of all levels, row by row, each with its C channels, as one vector. Cut the bins as in 21-4.

# %%
pyramid_of = None
lesson.check("21-5", pyramid_of)

# %% [markdown]
# **21-6.** The maps of a canvas have 16 x 16 places. How many windows of 7 x 7 places, moved by one place at a time, can be read out of them?

# %%
answer = None
lesson.check("21-6", answer)

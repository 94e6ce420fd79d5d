# %% [markdown]
# # 05 AlexNet: the same plan, a thousand times the size
#
# In 2012 a convolutional network nearly halved the errors of all its rivals on a million photographs. Its plan was LeNet's;
# what was new made a far larger network *trainable*: an activation that does not saturate, regularisation by chance, more
# pictures from the same pictures, and two graphics cards. This lesson takes it apart and measures each piece.
#
# *Paper:* A. Krizhevsky, I. Sutskever, G. E. Hinton, "ImageNet classification with deep convolutional neural networks" (2012).
#
# **What you will learn**
# - AlexNet's pieces, each built by hand: ReLU, response normalisation, overlapping pooling, two towers, dropout
# - where its sixty million weights and its multiply-adds are, and what that means for memory
# - what dropout averages, exactly and nearly
# - how crops, mirror images and colour shifts make more of the same data, and what ten views do at test time
# - which pieces still pay in a small network, measured in pairs; and what ZFNet changed a year later
#
# **You need** lessons 01 to 04, or: what a convolution, max pooling and a recipe are.
# **Time:** under a minute of computing at budget `quick`, about two minutes at `cpu`; 60 minutes to read.

# %% tags=["parameters"]
budget: str = "quick"  # label of the budget: quick, cpu or gpu
seed: int = 0  # of weights and order of images
threads: int = 2  # CPU threads of the arithmetic
precision: str = "float32"  # float32, mixed_bfloat16 or auto
train_examples: int | None = 5000  # training images of the main network; None for all
experiment_examples: int = 3000  # training images of each network of an experiment
experiment_validation: int = 1000  # validation images of the same
epochs: int = 3  # passes over the training images, main network
experiment_epochs: int = 2  # the same for each network of an experiment
batch_size: int = 64  # images a step, main network
experiment_batch_size: int = 64  # the same for the networks of the experiments
learning_rate: float = 0.003  # peak of the one-cycle schedule, main network
experiment_learning_rate: float = 0.002  # the same for the networks of the experiments
width: float = 0.125  # share of the paper's channels, main network
removed_convolutions: list = [3]  # each is left out once, out of 2, 3, 4 and 5
sampled_networks: int = 30  # networks that dropout draws, for their average
full_image_size: int | None = None  # pixels; trains the paper's form on stretched images; None leaves it out
full_epochs: int = 10  # passes over the training images, the paper's own form
devices: int = 1  # accelerators that share each batch of the full-size training

# %% tags=["nbval-ignore-output"]
from dataclasses import replace

from cnnlib import lesson, data, inspect, layers, networks, plots, training

import keras
import numpy as np

lesson.begin("05_alexnet", budget=budget, seed=seed, threads=threads, precision=precision)

# %% [markdown]
# ## The problem: LeNet does not scale by itself
#
# Photographs of ImageNet, 1.2 million of them in a thousand classes, are cut to about 224 pixels a side. What happens when
# LeNet gets such an image? `networks.outline` builds a network without allocating its weights, so we can look at any size.
# The *receptive field* is the square of input pixels that a unit can see.
#
# **Predict:** which part of a 224-pixel image does a unit of LeNet's last feature map see?

# %%
print("side of image   weights   dense layers' share   the last map sees")
for side in (28, 56, 112, 224):
    table = inspect.layer_table(networks.outline("lenet5", input_shape=(side, side, 1)))
    rows = table.frame.set_index("layer")
    dense_share = rows[rows.type == "Dense"].params.sum() / table.total_params
    seen = int(rows.receptive_field["stage2_pool"])
    print(f"{side:>13} {table.total_params:>9,} {dense_share:>21.2%} {seen:>8} of {side} pixels")

# %% [markdown]
# The weights explode, all of them in the first dense layer, and the features stay as small as they were: a window of 16 pixels,
# enough for a stroke of a digit, is a patch of fur in a photograph. To see a whole object one needs more layers and larger
# strides; and more layers of tanh or sigmoid under plain gradient descent did not train (lesson 04). AlexNet, in contrast:

# %%
alexnet_rows = inspect.layer_table(networks.outline("alexnet")).frame.set_index("layer")
for name in ("pool1", "pool2", "pool3"):
    print(f"{name}: a unit sees {alexnet_rows.receptive_field[name]} of 227 pixels")

# %% [markdown]
# After the third pooling a unit sees nearly the whole image, so a class can be read off its features.

# %% [markdown]
# ## The block, piece by piece
#
# ### 1. ReLU
#
# The *rectified linear unit* is $\max(0, x)$. What counts is its derivative, because the learning signal is multiplied by it
# at every layer on the way back.

# %%
x = np.linspace(-4, 4, 161)
plots.lines(
    x,
    {"ReLU": (x > 0).astype(float), "tanh": 1 - np.tanh(x) ** 2},
    x_label="input of the unit",
    y_label="derivative of its output",
)

# %% [markdown]
# The derivative of tanh vanishes on both sides: the unit is *saturated*. ReLU's is one for every positive input, however large.
# Through the eight layers of AlexNet, for a unit whose input is 2:

# %%
for name, derivative in (("ReLU", 1.0), ("tanh", 1 - np.tanh(2) ** 2)):
    print(f"{name}: {derivative:.4f} in one layer, {derivative**8:.2g} through eight")

# %% [markdown]
# The paper's four-layer network reached a training error of 25 percent on CIFAR-10 six times sooner with ReLU than with tanh (2012).
# Lesson 03 repeats that race.
#
# ### 2. Local response normalisation
#
# *Local response normalisation* (LRN) lets neighbouring channels compete at each pixel: a value is *divided* by a power of the energy around it,
#
# $$b_i = a_i \Big/ \Big(k + \alpha \sum_{j=\max(0,\,i-n/2)}^{\min(N-1,\,i+n/2)} a_j^2\Big)^{\beta}, \qquad k=2,\ n=5,\ \alpha=10^{-4},\ \beta=0.75.$$
#
# Notes in circulation have it otherwise: *multiplied* by the bracket, with $\min(0, i-n/2)$ as the lower bound. Let us write both.


# %%
def lrn_of_the_paper(a, k=2.0, n=5, alpha=1e-4, beta=0.75):
    """LRN over the last axis, one channel after the other, as the paper writes it."""
    channels, b = a.shape[-1], np.empty_like(a)
    for i in range(channels):
        low, high = max(0, i - n // 2), min(channels - 1, i + n // 2)
        b[..., i] = a[..., i] / (k + alpha * (a[..., low : high + 1] ** 2).sum(axis=-1)) ** beta
    return b


def lrn_of_the_notes(a, k=2.0, n=5, alpha=1e-4, beta=0.75):
    """The same with both errors; an index below zero is taken as zero."""
    channels, b = a.shape[-1], np.empty_like(a)
    for i in range(channels):
        low, high = max(0, min(0, i - n // 2)), min(channels - 1, i + n // 2)
        b[..., i] = a[..., i] * (k + alpha * (a[..., low : high + 1] ** 2).sum(axis=-1)) ** beta
    return b


# %%
activations = np.full((1, 16), 10.0, dtype="float32")
activations[0, 6] = 500.0  # one channel is very active
library = keras.ops.convert_to_numpy(layers.LocalResponseNormalization(dtype="float32")(activations))
paper, notes = lrn_of_the_paper(activations), lrn_of_the_notes(activations)
print("the paper's formula is the library's layer:", np.allclose(paper, library, rtol=1e-5))
print(f"channel 6 of 500 becomes {paper[0, 6]:.1f} by the paper, {notes[0, 6]:,.0f} by the notes")
print(f"its neighbour, 10 before, becomes {paper[0, 5]:.2f}; far away 10 becomes {paper[0, 15]:.2f}")

# %%
lesson.claim(
    "05-lrn-multiplied",
    "LRN multiplies by the bracket, and its sum begins at min(0, i - n/2).",
    source="lecture notes in circulation; the paper, section 3.3, divides and has max",
    measured=f"500 among tens becomes {notes[0, 6]:,.0f}, in the paper's formula {paper[0, 6]:.1f}",
    holds=bool(np.allclose(notes, library, rtol=1e-3)),
)

# %%
plots.lines(
    range(16),
    {
        "no normalisation": activations[0],
        "the paper's formula": paper[0],
        "the notes' formula": notes[0],
    },
    x_label="channel",
    y_label="activation",
    y_log=True,
)

# %% [markdown]
# Under the paper's formula the strong channel is tamed and its two neighbours on each side dip: who stands beside a loud voice
# is heard less. Multiplied, the loud one gets louder, and with the wrong bound even channels far to the right are lifted by it. A
# second look at the constants shows why LRN is easy to overrate:

# %%
for size in (0.1, 1.0, 10.0, 100.0):
    even = np.full((1, 16), size, dtype="float32")
    print(f"activations of {size:>5}: multiplied by {lrn_of_the_paper(even)[0, 8] / size:.4f}")

# %% [markdown]
# For activations around one, which is what images scaled to [0, 1] give, the sum is nothing beside $k=2$, and LRN is the constant
# factor $2^{-0.75}$. The paper fed pixels up to 255, and its activations were accordingly larger.
#
# The same notes give LRN's gain in the paper as 0.4 and 0.3 points. The paper has (top-1 and top-5 error, in points):

# %%
gains_of_the_paper = {
    "local response normalisation": (1.4, 1.2),
    "overlapping pooling": (0.4, 0.3),
    "two towers": (1.7, 1.2),
}
for piece, (top1, top5) in gains_of_the_paper.items():
    print(f"{piece:<30} {top1} and {top5}")
lesson.claim(
    "05-lrn-gain-noted",
    "The paper reports a gain of 0.4 and 0.3 points for LRN.",
    source="lecture notes in circulation; the paper, sections 3.2 to 3.4",
    measured="1.4 and 1.2 points for LRN; 0.4 and 0.3 are those of overlapping pooling",
    holds=gains_of_the_paper["local response normalisation"] == (0.4, 0.3),
)

# %% [markdown]
# ### 3. Overlapping pooling
#
# A pooling window of 3 at stride 2 overlaps its neighbour by one pixel; LeNet's windows of 2 at stride 2 do not. In one dimension:

# %%
signal = np.array([0, 0, 9, 0, 0, 4, 0, 0, 0], dtype="float32").reshape(1, 9, 1)
for window in (2, 3):
    pooled = keras.ops.convert_to_numpy(keras.layers.MaxPooling1D(window, strides=2, dtype="float32")(signal))
    print(f"window {window}, stride 2: {pooled.ravel().astype(int).tolist()}")

# %% [markdown]
# Both halve the signal. Without overlap each peak lands in exactly one window; with overlap a peak on the seam is passed on by two
# windows, so the output changes less abruptly when the peak moves by a pixel. It has no weights, either way.
#
# ### 4. Two towers
#
# AlexNet did not fit into the 3 GB of one graphics card of its time, so each card held half of the channels. In convolutions 2, 4 and
# 5 a kernel sees only its own card's half: a *grouped convolution*. Is it really two convolutions side by side?

# %%
maps = np.random.default_rng(0).random((1, 6, 6, 8), dtype=np.float32)
grouped = keras.layers.Conv2D(8, 3, padding="same", groups=2, dtype="float32")
together = keras.ops.convert_to_numpy(grouped(maps))
kernel, bias = grouped.get_weights()
towers = []
for card in range(2):
    half = slice(4 * card, 4 * card + 4)
    tower = keras.layers.Conv2D(4, 3, padding="same", dtype="float32")
    tower.build((None, 6, 6, 4))
    tower.set_weights([kernel[..., half], bias[half]])
    towers.append(keras.ops.convert_to_numpy(tower(maps[..., half])))
apart = np.concatenate(towers, axis=-1)
print("kernel of the grouped convolution:", kernel.shape, "instead of (3, 3, 8, 8)")
print("equal to two towers side by side:", np.allclose(together, apart, atol=1e-5))

# %% [markdown]
# Half of the weights and half of the multiply-adds: each of the 8 kernels has 4 input channels, not 8.
#
# ### 5. Dropout
#
# During training *dropout* sets each unit of a dense layer to zero with probability one half, anew for each image. No unit can
# rely on another being there. At test time all units work, which is twice as many as the next layer is used to, so the paper
# halves their outputs. Keras does the same differently: it *doubles* the survivors in training and leaves the test alone.

# %%
keras.utils.set_random_seed(seed)
ones = np.ones((1, 10_000), dtype="float32")
dropout = keras.layers.Dropout(0.5, dtype="float32")
in_training = keras.ops.convert_to_numpy(dropout(ones, training=True))
in_test = keras.ops.convert_to_numpy(dropout(ones, training=False))
print("values in training:", np.unique(in_training).tolist(), "in test:", np.unique(in_test).tolist())
lesson.expect_between("mean of 10,000 ones after dropout", float(in_training.mean()), 0.95, 1.05)

# %% [markdown]
# ### The whole, by hand
#
# Now all pieces in the paper's order: convolution, ReLU, LRN, pooling; then dense layers with dropout. To keep it light it has an eighth of
# the channels and a small image, but strides, padding and groups are the paper's. Is the library's `alexnet` the same function?

# %%
by_hand = keras.Sequential(
    [
        keras.Input((67, 67, 3)),
        keras.layers.Conv2D(12, 11, strides=4, activation="relu"),  # 15, 15, 12
        layers.LocalResponseNormalization(),
        keras.layers.MaxPooling2D(3, strides=2),  # 7, 7, 12
        keras.layers.Conv2D(32, 5, padding="same", groups=2, activation="relu"),  # 7, 7, 32
        layers.LocalResponseNormalization(),
        keras.layers.MaxPooling2D(3, strides=2),  # 3, 3, 32
        keras.layers.Conv2D(48, 3, padding="same", activation="relu"),  # 3, 3, 48
        keras.layers.Conv2D(48, 3, padding="same", groups=2, activation="relu"),
        keras.layers.Conv2D(32, 3, padding="same", groups=2, activation="relu"),  # 3, 3, 32
        keras.layers.MaxPooling2D(3, strides=2),  # 1, 1, 32
        keras.layers.Flatten(),
        keras.layers.Dense(512, activation="relu"),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(512, activation="relu"),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(10),  # scores
    ]
)
lesson.expect_same_function(
    by_hand, networks.build("alexnet", input_shape=(67, 67, 3), classes=10, width=1 / 8)
)

# %% [markdown]
# ## The network
#
# The faithful form, as published: images of 227 pixels, two towers, a thousand classes.

# %%
towers_table = inspect.layer_table(networks.outline("alexnet"))
print(towers_table.weighted())

# %% [markdown]
# (The paper writes 224, which does not give the 55x55 units that it counts; exercise 05-1.) And the same without the
# two towers, every kernel seeing all channels:

# %%
ungrouped_table = inspect.layer_table(networks.outline("alexnet_ungrouped"))
lesson.claim(
    "05-parameters-towers",
    "AlexNet with its two towers has 60,965,224 parameters (the paper: 60 million).",
    source="Krizhevsky et al., 2012, abstract and figure 2",
    measured=f"{towers_table.total_params:,}",
    holds=towers_table.total_params == 60_965_224,
)
lesson.claim(
    "05-parameters-ungrouped",
    "Without the towers it has 62,378,344 parameters.",
    source="arithmetic over the layers",
    measured=f"{ungrouped_table.total_params:,}",
    holds=ungrouped_table.total_params == 62_378_344,
)

# %% [markdown]
# ### Weights in one place, work in another
#
# **Predict:** which share of the weights is in the three dense layers, which share of the multiply-adds in the convolutions?


# %%
def shares(table):
    """(dense layers' share of the weights, convolutions' share of the multiply-adds)."""
    dense = table.frame[table.frame.type == "Dense"]
    convolutions = table.frame[table.frame.type == "Conv2D"]
    return dense.params.sum() / table.total_params, convolutions.macs.sum() / table.total_macs


towers_dense, towers_work = shares(towers_table)
ungrouped_dense, ungrouped_work = shares(ungrouped_table)
lesson.claim(
    "05-dense-weights",
    "The dense layers hold 96.2% of the weights with towers, 93.99% without.",
    source="arithmetic over the layers",
    measured=f"{towers_dense:.2%} and {ungrouped_dense:.2%}",
    holds=round(towers_dense, 3) == 0.962 and round(ungrouped_dense, 4) == 0.9399,
)
lesson.claim(
    "05-convolution-work",
    "The convolutions do 91.9% of the multiply-adds with towers, 94.8% without.",
    source="arithmetic over the layers",
    measured=f"{towers_work:.2%} and {ungrouped_work:.2%}",
    holds=round(towers_work, 3) == 0.919 and round(ungrouped_work, 3) == 0.948,
)

# %%
frame = ungrouped_table.weighted().frame
plots.heatmap(
    100
    * np.stack(
        [
            frame.params / frame.params.sum(),
            frame.macs / frame.macs.sum(),
        ]
    ),
    x_label="layer",
    y_label="share",
    value_label="% of the network",
    row_names=["weights", "multiply-adds"],
    column_names=list(frame.layer),
    number_format="{:.1f}",
)

# %% [markdown]
# Read each row from left to right: the weights gather at the right end, in the first dense layer above all; the work is done at the left. The
# pattern has a practical side: dense layers can be made small, or dropped, at little loss (lesson 07 does so), while time is
# saved in the convolutions.
#
# ### "Nearly 1 GB of dense parameters"
#
# So it is said in well-known course notes. Let us multiply.

# %%
dense_weights = int(towers_table.frame[towers_table.frame.type == "Dense"].params.sum())
megabytes = dense_weights * 4 / 1e6
print(f"{dense_weights:,} weights of 4 bytes: {megabytes:.1f} MB")
print(f"with their gradients and momentum, in training: {3 * megabytes:.1f} MB")
print(f"with gradients and the two averages of Adam:     {4 * megabytes:.1f} MB")
lesson.claim(
    "05-dense-gigabyte",
    "AlexNet's dense layers have nearly 1 GB of parameters.",
    source="course notes in circulation",
    measured=f"{megabytes:.1f} MB in float32",
    holds=megabytes > 900,
)

# %% [markdown]
# The parameters themselves take a quarter of that. Only what *training with Adam* keeps beside them comes near a gigabyte, and Adam
# appeared two years after AlexNet (2014).
#
# The paper also says of its convolutions that each holds no more than a hundredth of the parameters:

# %%
share_of_each = {
    row.layer: row.params / towers_table.total_params
    for row in towers_table.frame.itertuples()
    if row.type == "Conv2D"
}
print({name: f"{share:.2%}" for name, share in share_of_each.items()})
lesson.claim(
    "05-one-percent",
    "No convolution holds more than 1% of AlexNet's parameters.",
    source="Krizhevsky et al., 2012, section 1",
    measured=f"{max(share_of_each, key=share_of_each.get)} holds {max(share_of_each.values()):.2%}",
    holds=max(share_of_each.values()) <= 0.01,
)

# %% [markdown]
# A small slip of a careful paper, and its point stands: few weights, yet (so it says) none of these layers can be spared. We test
# that below.
#
# | | paper | here |
# |---|---|---|
# | data | ImageNet, 1.2 million photographs, 1000 classes | Fashion-MNIST, grey, 10 classes |
# | input | crops of 227x227x3 | 28x28x1 |
# | first convolution | 11x11, stride 4 | 5x5, stride 2 (`stem="small"`) |
# | channels and dense units | 96-256-384-384-256, 4096-4096 | an eighth of each at `quick` and in the experiments, three sixteenths at `cpu` |
# | towers | convolutions 2, 4, 5 on two cards | none: we have one device |
# | normalisation | LRN | BatchNorm in the main network (lesson 09), none in the experiments but one |
# | augmentation | crops, mirror images, PCA colour | in its experiment only |
# | training | SGD with momentum, 90 passes, five to six days | AdamW, one-cycle, a few passes |
# | first weights | normal, deviation 0.01; biases 1 in some layers | He's normal, biases 0 |

# %%
images = data.load("fashion_mnist", train_examples=train_examples, seed=0)
small_form = {"input_shape": (28, 28, 1), "classes": 10, "stem": "small", "stem_stride": 2, "groups": 1}
keras.utils.set_random_seed(seed)
network = networks.build("alexnet", width=width, normalization="batch", **small_form)
print(inspect.layer_table(network).weighted())

# %% [markdown]
# ## Training
#
# *BatchNorm*, which lesson 09 explains, keeps the activations of each channel centred and of size one; it does what LRN was
# hoped to do, and lets us train in a few passes.

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
plots.learning_curves({"alexnet": history})

# %% [markdown]
# Do not wonder if training accuracy lies *below* validation accuracy. It is measured during training, with half of the
# dense units dropped, and averaged over the epoch while the network was still learning; validation sees the whole network at the epoch's end.
#
# Now the test set, once:

# %% tags=["nbval-ignore-output"]
test = training.evaluate(network, images.test)
print(f"test accuracy {test['top1']:.4f}, among the five best {test['top5']:.4f}")

# %%
lesson.expect_between("test accuracy of AlexNet", test["top1"], 0.74, 0.945)

# %% [markdown]
# ## Looking inside
#
# The kernels of the first layer, as in the paper's figure 3. Red is positive, blue is negative.

# %% tags=["nbval-ignore-output"]
plots.filters(network.get_layer("conv1").get_weights()[0])

# %% [markdown]
# After a few passes many are still close to their random start. Look for those that are not: edges, stripes, and centres that differ from their
# surroundings; the longer run of budget `cpu` has more of them. The paper's kernels had 11 pixels a side and
# three colours; on one of its two cards they became colour blobs, on the other grey gratings, in every run (2012).
#
# The paper's figure 4 asks something else: are two images alike when the last hidden layer answers alike? For four images, the
# nearest others by the distance between those answers:

# %% tags=["nbval-ignore-output"]
pool = images.validation.take(1000)
answers = inspect.feature_maps(network, pool.images, ["dense2_activation"])["dense2_activation"]
queries = [int(np.flatnonzero(pool.labels == k)[0]) for k in (0, 2, 5, 8)]
distance = np.linalg.norm(answers[queries][:, None] - answers[None], axis=-1)
nearest = np.argsort(distance, axis=1)[:, :8]
names = [images.class_names[k] for k in pool.labels[nearest.ravel()]]
plots.image_grid(pool.images[nearest.ravel()], titles=names, columns=8)

# %% [markdown]
# The first column is the query, the others its neighbours. They share the kind and the cut of a garment more than its pixels: compare brightness and
# pattern along a row.

# %% tags=["nbval-ignore-output"]
logits = inspect.predict(network, pool.images)
probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
plots.worst_mistakes(pool.images, pool.labels, probabilities, images.class_names, count=6)

# %% [markdown]
# The mistakes that it was surest of. Ask of each whether you would have got it right.

# %% [markdown]
# ## Experiments
#
# ### Crops and mirror images
#
# A network with millions of weights learns its training images by heart. The paper's first remedy is to show each image
# differently every time: another *crop*, and a *mirror image* half of the time. Both keep the label. Keras has layers for it, which act on a batch and
# draw anew for each image; `fill_mode="constant"` brings black in from the side.

# %%
augmentation = keras.Sequential(
    [
        keras.layers.RandomFlip("horizontal", seed=seed, dtype="float32"),
        keras.layers.RandomTranslation(
            2 / 28, 2 / 28, fill_mode="constant", interpolation="nearest", seed=seed, dtype="float32"
        ),
    ]
)
boot = images.validation.images[images.validation.labels == 9][:1]
copies = np.repeat(data.to_float(boot), 16, axis=0)
shown = keras.ops.convert_to_numpy(augmentation(copies, training=True))
plots.image_grid(shown, columns=8)

# %% [markdown]
# Sixteen draws from one ankle boot. Look for toes to the right: in the data set nearly all shoes point to the left, so mirror images
# are something new. Whether new is useful is another question.
#
# At test time the paper takes *ten views* of each image, the four corner crops, the middle one and the mirror images of all five, and
# averages the ten predictions. Our crops of 28 pixels come from the image with two black pixels on each side.


# %%
def ten_views(pictures, border=2):
    """(N,H,W,C) -> (10,N,H,W,C): corners and middle of the bordered pictures, then their mirror images."""
    height, width = pictures.shape[1:3]
    wide = np.pad(pictures, [(0, 0), (border, border), (border, border), (0, 0)])
    corners = [(0, 0), (0, 2 * border), (2 * border, 0), (2 * border, 2 * border), (border, border)]
    crops = np.stack([wide[:, top : top + height, left : left + width] for top, left in corners])
    return np.concatenate([crops, crops[:, :, :, ::-1]])


plots.image_grid(ten_views(boot)[:, 0], titles=["crop"] * 4 + ["middle"] + ["mirrored"] * 5, columns=5)

# %% [markdown]
# The upper row holds the crops, the lower their mirror images.
#
# ### PCA colour
#
# The paper's second remedy needs colour. Take all pixels of the training images as points (red, green, blue), find their *principal components* (the
# directions of largest spread, with variances $\lambda_i$ along them), and add to every pixel of an image the same random multiple of them:
# $\sum_i \alpha_i \lambda_i p_i$, with $\alpha_i$ drawn for each image from a normal distribution of deviation 0.1. It imitates a change of the light's colour and
# strength. `fashion_mnist_rgb` has garments in seeded colours.

# %%
coloured = data.load("fashion_mnist_rgb", train_examples=2000, validation_examples=1000, seed=0)
pixels = coloured.train.images.reshape(-1, 3) / 255
variances, directions = np.linalg.eigh(np.cov(pixels.T))
variances, directions = variances[::-1], directions[:, ::-1]
directions = directions * np.sign(directions[np.abs(directions).argmax(axis=0), range(3)])
for variance, direction in zip(variances, directions.T, strict=True):
    print(f"variance {variance:.4f} along (red, green, blue) = {np.round(direction, 2).tolist()}")

# %% [markdown]
# The first direction has three numbers of one sign and about one size: brightness. The other two, far weaker, trade one colour for another.


# %%
def pca_colour(pictures, strength, random):
    """Pictures (N,H,W,3) in [0, 1], each moved along the principal components of the training pixels."""
    alpha = random.normal(scale=strength, size=(len(pictures), 3))
    shift = (alpha * variances) @ directions.T  # (N, 3): one colour for each picture
    return np.clip(pictures + shift[:, None, None, :], 0, 1)


five = coloured.train.images[:5] / 255
random = np.random.default_rng(seed)
rows = [five, pca_colour(five, 0.1, random), pca_colour(five, 2.0, random), pca_colour(five, 2.0, random)]
plots.image_grid(np.concatenate(rows), titles=["original"] * 5 + ["paper"] * 5 + ["20 times"] * 10, columns=5)

# %% [markdown]
# At the paper's strength you will hardly see a difference in the second row: variances of pixels in [0, 1] are small numbers, and a tenth of them is
# smaller. The last rows exaggerate twentyfold: the light changes, edges and shapes stay. The black background changes too, for every pixel
# is moved alike. That is easily verified, where nothing was clipped:

# %%
grey = np.full((1, 28, 28, 3), 0.5) + 0.1 * five[:1]
moved = pca_colour(grey, 0.1, np.random.default_rng(seed)) - grey
print("every pixel got the same shift:", np.allclose(moved, moved[:, :1, :1]))

# %% [markdown]
# The paper credits it with more than one point of top-1 error (2012). Our grey images have no colour to vary, so we do not train with it here;
# lesson 14 does.
#
# ### One piece at a time
#
# Now the pieces that can be switched. The *base* network has ReLU, overlapping pooling, dropout and no normalisation; each
# rival differs from it in one thing, starts from the same seed and sees the same images in the same order.
#
# **Predict:** order the rivals by what they gain or lose.

# %%
experiment_images = replace(
    images,
    train=images.train.take(experiment_examples),
    validation=images.validation.take(experiment_validation),
)
experiment_recipe = training.Recipe(
    epochs=experiment_epochs,
    batch_size=experiment_batch_size,
    learning_rate=experiment_learning_rate,
    schedule="one_cycle",
    weight_decay=0.02,
)
rivals = {
    "base": {},
    "LRN": {"normalization": "lrn"},
    "2x2 pooling": {"overlapping_pooling": False},
    "no dropout": {"dropout": 0.0},
    "wider conv 3-5": {"form": "zfnet_wide"},
    "crops and mirror images": {},
}
rivals |= {f"without conv {i}": {"skip_convolutions": (i,)} for i in removed_convolutions}


# %% tags=["nbval-ignore-output"]
trained, histories = {}, {}
for label, options in rivals.items():
    keras.utils.set_random_seed(seed)
    candidate = networks.build("alexnet", width=0.125, **small_form, **{"normalization": "none", **options})
    histories[label] = training.train(
        candidate,
        experiment_images,
        experiment_recipe,
        seed=seed,
        augmentation=augmentation if label == "crops and mirror images" else None,
        progress="none",
    )
    lesson.add_run(label, candidate, histories[label])
    trained[label] = candidate
accuracy = {label: history.validation_accuracy[-1] for label, history in histories.items()}
plots.bars(
    accuracy, x_label="validation accuracy", y_label="what differs from the base", number_format="{:.4f}"
)

# %% [markdown]
# Compare every bar with the uppermost. One seed shows one draw of each, and differences of a point can be luck; the report of a run over several
# seeds decides the claims that follow.

# %%
lesson.claim(
    "05-lrn",
    "LRN raises the accuracy.",
    source="Krizhevsky et al., 2012, section 3.3 (1.4 and 1.2 points)",
    measured=f"validation accuracy {accuracy['LRN'] - accuracy['base']:+.4f}",
    difference=accuracy["LRN"] - accuracy["base"],
)
lesson.claim(
    "05-overlapping-pooling",
    "Overlapping pooling raises the accuracy.",
    source="Krizhevsky et al., 2012, section 3.4 (0.4 and 0.3 points)",
    measured=f"validation accuracy {accuracy['base'] - accuracy['2x2 pooling']:+.4f}",
    difference=accuracy["base"] - accuracy["2x2 pooling"],
)

# %% [markdown]
# LRN went out of use within a few years, and the constants printed above suggest why: at our scale of activations it can
# do next to nothing. VGG's paper found no gain from it (2014); lesson 06 tests that.
#
# ### A convolution less
#
# The paper took out one convolution at a time, and its errors rose; for a middle one by about two points (2012). Whether one takes out the third or the fourth
# makes no difference here: without towers, both leave the same network.

# %%
without = np.mean([accuracy[f"without conv {i}"] for i in removed_convolutions])
lesson.claim(
    "05-removed-convolution",
    "Taking out one convolution costs accuracy.",
    source="Krizhevsky et al., 2012, sections 1 and 7 (about 2 points)",
    measured=f"validation accuracy {accuracy['base'] - without:+.4f} for the layer, mean over {removed_convolutions}",
    difference=accuracy["base"] - float(without),
)

# %% [markdown]
# Depth is paid for by data. Where images are small and the training is short, a shallower network may well be ahead; keep the result in mind for lesson
# 06, whose subject is depth.
#
# ### Dropout: slower, and then?
#
# Each step trains another half of the units, so every unit gets half of the lessons. The paper says that dropout about doubles the steps that it needs (2012).
# Compare the two after the *first* epoch, and at the end:

# %% tags=["nbval-ignore-output"]
plots.learning_curves({"dropout": histories["base"], "no dropout": histories["no dropout"]})

# %% [markdown]
# Look at the distance between training and validation loss of each: dropout should keep it small, or even turn it round. Then at which validation
# loss is lower at the left, and which at the right.

# %%
first = {label: histories[label].validation_loss[0] for label in ("base", "no dropout")}
lesson.claim(
    "05-dropout-slows",
    "After one epoch a network with dropout has the higher validation loss.",
    source="Krizhevsky et al., 2012, section 4.2 (about twice the steps)",
    measured=f"validation loss {first['base'] - first['no dropout']:+.4f} with dropout, after one epoch",
    difference=first["base"] - first["no dropout"],
)
lesson.claim(
    "05-dropout",
    "Dropout raises the accuracy.",
    source="Krizhevsky et al., 2012, section 4.2",
    measured=f"validation accuracy {accuracy['base'] - accuracy['no dropout']:+.4f}",
    difference=accuracy["base"] - accuracy["no dropout"],
)

# %% [markdown]
# Dropout is a remedy against learning by heart, which takes many passes over few images. In few passes there is little to remedy.
#
# ### What halving averages
#
# Dropout trains, in a way, $2^n$ networks, one for each choice of units, all sharing their weights. Halving at test time is said to
# average them. For *one* layer in front of a softmax that is a theorem, if the mean is the geometric one. With ten units we can try
# all 1,024 networks:

# %%
random = np.random.default_rng(seed)
hidden, weights = random.random(10), random.normal(size=(10, 3))


def softmax(z):
    """Probabilities of logits, over the last axis."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


masks = np.array([[(number >> unit) & 1 for unit in range(10)] for number in range(1024)])
all_networks = softmax((masks * hidden) @ weights)
geometric = np.exp(np.log(all_networks).mean(axis=0))
geometric /= geometric.sum()
halved = softmax((hidden / 2) @ weights)
print("geometric mean of all: ", np.round(geometric, 6).tolist())
print("halved network:        ", np.round(halved, 6).tolist())
print("arithmetic mean of all:", np.round(all_networks.mean(axis=0), 6).tolist())
lesson.claim(
    "05-dropout-geometric",
    "With one layer and a softmax, the halved network is the geometric mean of all the networks that dropout can draw.",
    source="Hinton et al., 2012 (Improving neural networks by preventing co-adaptation)",
    measured=f"largest difference below {1e-12:g}: {bool(np.abs(geometric - halved).max() < 1e-12)}",
    holds=bool(np.abs(geometric - halved).max() < 1e-12),
)

# %% [markdown]
# Equal to the last digit, and close to the ordinary mean. AlexNet has *two* dropped layers with ReLUs between, for which nothing is proved. So we draw networks
# from our trained one, average their predictions, and see what one halving gives. The convolutions are the same for all of them, thus the dense part in
# NumPy will do.


# %%
def dense_part(features, random=None):
    """Class probabilities from the flattened features; each hidden unit is dropped with 1/2 if `random` is given."""
    h = features
    for name in ("dense1", "dense2"):
        kernel, bias = network.get_layer(name).get_weights()
        h = np.maximum(h @ kernel + bias, 0)
        if random is not None:
            h = 2 * h * random.integers(0, 2, size=h.shape)  # doubled in training, as Keras does
    kernel, bias = network.get_layer("scores").get_weights()
    return softmax(h @ kernel + bias)


judged = images.validation.take(500)
features = inspect.feature_maps(network, judged.images, ["flatten"])["flatten"]
whole = dense_part(features)
random = np.random.default_rng(seed)
samples = np.stack([dense_part(features, random) for _ in range(sampled_networks)])
averages = np.cumsum(samples, axis=0) / np.arange(1, sampled_networks + 1)[:, None, None]

# %%
to_average = np.abs(whole - averages[-1]).mean()
single_to_average = np.abs(samples - averages[-1]).mean()
agreement = float((whole.argmax(axis=1) == averages[-1].argmax(axis=1)).mean())
lesson.expect_between("share of images where halving and averaging agree on the class", agreement, 0.93, 1)
lesson.claim(
    "05-dropout-average",
    "Halving is nearer to the average of the sampled networks than a sampled network is.",
    source="Krizhevsky et al., 2012, section 4.2",
    measured=f"mean distance of probabilities {to_average:.4f}, of a sampled network {single_to_average:.4f}",
    difference=float(single_to_average - to_average),
)

# %% tags=["nbval-ignore-output"]
plots.lines(
    range(1, sampled_networks + 1),
    {"distance": np.abs(averages - whole).mean(axis=(1, 2))},
    x_label="sampled networks in the average",
    y_label="mean distance to the halved network",
)

# %% [markdown]
# At the left stands one drawn network, to the right the averages of more and more of them. The curve should fall steeply, then level off above zero: what remains is
# the error of the approximation. The average costs one pass for each network, halving costs one pass in all. That is
# the bargain: an average over many networks at the price of one.
#
# ### Did augmentation pay, and do ten views?
#
# Two networks, with and without crops and mirror images in training; two ways of testing. **Predict:** for which of the two are ten views better than one?

# %%
judged = images.validation.take(1000)
views = ten_views(judged.images)
tested = {}
for label, short in (("base", "base"), ("crops and mirror images", "augmented")):
    answers = np.stack([softmax(inspect.predict(trained[label], view, batch_size=1000)) for view in views])
    tested[f"{short}, one view"] = float((answers[4].argmax(axis=1) == judged.labels).mean())
    tested[f"{short}, ten views"] = float((answers.mean(axis=0).argmax(axis=1) == judged.labels).mean())
ten_gain = tested["augmented, ten views"] - tested["augmented, one view"]
augmentation_gain = accuracy["crops and mirror images"] - accuracy["base"]
lesson.claim(
    "05-augmentation",
    "Random crops and mirror images in training raise the accuracy.",
    source="Krizhevsky et al., 2012, section 4.1",
    measured=f"validation accuracy {augmentation_gain:+.4f}",
    difference=augmentation_gain,
)
lesson.claim(
    "05-ten-views",
    "Ten views are better than one, for a network trained on crops and mirror images.",
    source="Krizhevsky et al., 2012, section 6 and table 1 (39.0 against 37.5 on ILSVRC-2010)",
    measured=f"validation accuracy {ten_gain:+.4f}",
    difference=ten_gain,
)

# %% tags=["nbval-ignore-output"]
plots.bars(
    tested, x_label="accuracy on 1,000 validation images", y_label="training, test", number_format="{:.4f}"
)

# %% [markdown]
# Read the bars in pairs. A network that has hardly ever seen a shoe that points to the right is now asked to vote on five of them per
# shoe. The one that has seen them should lose less by it, or gain.
# Augmentation slows learning as dropout does: a gain needs more passes than a quick run has.
#
# ### ZFNet: a smaller stem
#
# A year later Zeiler and Fergus looked into a trained AlexNet and found in its second layer patterns that were not in the images (2014). They
# blamed the stride of 4: between two samples there may be more than half a period of a fine pattern, and then it comes out as a coarse one (*aliasing*).
# Their ZFNet has a stem of 7x7 at stride 2. Stripes with a period of 5 pixels, filtered, then sampled at both strides:

# %%
columns = np.arange(200)
stripes = np.cos(2 * np.pi * columns / 5)


def response(kernel_size, stride):
    """A kernel tuned to the stripes, moved over them at a stride: (places, values)."""
    offsets = np.arange(kernel_size) - kernel_size // 2
    kernel = np.cos(2 * np.pi * offsets / 5) / kernel_size
    starts = np.arange(0, len(stripes) - kernel_size + 1, stride)
    values = np.array([kernel @ stripes[s : s + kernel_size] for s in starts])
    return starts + kernel_size // 2, values


def apparent_period(values, stride):
    """Period in pixels of the strongest frequency in the samples."""
    values = values[: len(values) // 20 * 20]  # whole periods of either pattern
    spectrum = np.abs(np.fft.rfft(values - values.mean()))
    return stride * len(values) / int(spectrum.argmax())


periods = {stride: apparent_period(response(k, stride)[1], stride) for k, stride in ((11, 4), (7, 2))}
print(f"seen at stride 4: a period of {periods[4]:.0f} pixels; at stride 2: {periods[2]:.0f}")
lesson.claim(
    "05-zfnet-aliasing",
    "At stride 4 stripes of 5 pixels look like stripes of 20; at stride 2 they do not.",
    source="Zeiler and Fergus, 2014, section 4.1 (aliasing by the stride of 4)",
    measured=f"periods of {periods[4]:.0f} and {periods[2]:.0f} pixels",
    holds=round(periods[4]) == 20 and round(periods[2]) == 5,
)

# %%
fine = response(7, 2)
coarse = response(11, 4)
grid = np.arange(10, 90)
plots.lines(
    grid,
    {
        "7x7 at stride 2": np.interp(grid, *fine),
        "11x11 at stride 4": np.interp(grid, *coarse),
    },
    x_label="place, pixels",
    y_label="response of the kernel",
)

# %% [markdown]
# The same stripes, two stems. At stride 2 high and low hills take turns, but there are as many as there are stripes; at stride 4 the samples make up a slow wave that is not there. Lesson 15
# returns to it. The price of the finer stem, and of the variant that also widens convolutions 3 to 5 to 512, 1024 and 512 channels:

# %%
print("                weights  multiply-adds  top-1 error in the paper")
for name in ("alexnet_ungrouped", "zfnet", "zfnet_wide"):
    table = inspect.layer_table(networks.outline(name))
    error = networks.catalogue()[name].top1_error
    print(f"{name:<18}{table.total_params:>12,} {table.total_macs:>14,}  {error or ''}")

# %%
zfnet_count = inspect.layer_table(networks.outline("zfnet")).total_params
wide_count = inspect.layer_table(networks.outline("zfnet_wide")).total_params
lesson.claim(
    "05-zfnet-parameters",
    "ZFNet has 62,357,608 parameters, fewer than the AlexNet without towers.",
    source="arithmetic over the layers; Zeiler and Fergus, 2014, figure 3",
    measured=f"{zfnet_count:,} against {ungrouped_table.total_params:,}",
    holds=zfnet_count == 62_357_608 < ungrouped_table.total_params,
)
lesson.claim(
    "05-zfnet-wide-parameters",
    "With convolutions 3 to 5 widened it has 107,627,624.",
    source="arithmetic over the layers; Zeiler and Fergus, 2014, table 2",
    measured=f"{wide_count:,}",
    holds=wide_count == 107_627_624,
)
lesson.claim(
    "05-zfnet-wide",
    "Wider convolutions 3 to 5 raise the accuracy.",
    source="Zeiler and Fergus, 2014, table 2 (38.4 to 37.5 top-1 error)",
    measured=f"validation accuracy {accuracy['wider conv 3-5'] - accuracy['base']:+.4f}",
    difference=accuracy["wider conv 3-5"] - accuracy["base"],
)

# %% [markdown]
# The smaller kernels save a few weights in the stem, but the second convolution now works on larger maps. And most of what the
# wide variant adds is again in the first dense layer, which reads twice as many channels.

# %% [markdown]
# ### At the paper's size
#
# Our AlexNet reads 28 pixels a side. The paper's own form, with its 11x11 kernels at stride 4, its two towers and twice 4,096 dense units, needs larger
# images. Ours can be stretched to any size, which adds pixels and no detail. We take 224, which the paper writes, and not 227. Only LRN
# gives way to batch normalisation, as in our network, so that few passes suffice.
#
# **Predict:** how many times the multiply-adds of our network does one image take?

# %%
full_side = full_image_size or 224
full_form = {"input_shape": (full_side, full_side, 1), "classes": 10, "normalization": "batch"}
full_table = inspect.layer_table(networks.outline("alexnet", **full_form))
times = full_table.total_macs / inspect.layer_table(network).total_macs
print(f"AlexNet on {full_side} x {full_side} pixels: {full_table.total_params:,} parameters")
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
        seed=0,
        image_size=full_image_size,
    )
    keras.utils.set_random_seed(seed)
    with training.on_devices(devices):
        full_network = networks.build("alexnet", **full_form)
    full_recipe = replace(recipe, epochs=full_epochs)
    full_history = training.train(full_network, full_images, full_recipe, seed=seed, devices=devices)

# %% tags=["nbval-ignore-output"]
if full_image_size is not None:
    full_test = training.evaluate(full_network, full_images.test)
    lesson.add_run(f"AlexNet at {full_image_size} pixels", full_network, full_history, test=full_test)
    print(f"test accuracy {full_test['top1']:.4f}, ours {test['top1']:.4f}")

# %% tags=["nbval-ignore-output"]
plots.learning_curves({"ours": history, "AlexNet, full": full_history}) if full_image_size else None

# %% [markdown]
# Where both were trained, compare their validation curves, and how often each saw the images: `epochs` and `full_epochs` may differ. A stretched image holds no detail
# that the small one lacks. So what the full form gains comes from its channels and its computing and not from sharper eyes.

# %% [markdown]
# ## Recap
#
# - AlexNet is LeNet's plan with five convolutions, ReLU, and dense layers that hold nearly all of its sixty million weights; the
#   convolutions do nearly all of the work.
# - LRN divides, and hardly acts on activations of size one. Overlapping pooling gained little in the paper; the two towers halve the
#   weights of three convolutions.
# - Dropout trains many networks at once; halving gives their geometric mean exactly for one layer, and nearly for two.
# - Crops, mirror images and colour shifts keep the label and vary the rest; ten views at test time fit a network that was trained on such views.
# - ZFNet's finer stem avoids false patterns that a stride of 4 makes up.
# - What the next network changes: no more 11x11 and 5x5, but small kernels, and twice as many layers of them. That is VGG.

# %% tags=["nbval-ignore-output"]
lesson.record(network=network, history=history, test=test, data=images)

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. `lesson.hint("05-1")` helps, `lesson.solution("05-1")` shows a way.
#
# **05-1.** The paper speaks of images of 224x224 and of maps of 55x55 after the first convolution (11x11, stride 4, no padding). Which side do the maps
# really have with 224?

# %%
answer = None
lesson.check("05-1", answer)

# %% [markdown]
# **05-2.** How many weights has the fourth convolution (3x3, 384 channels to 384, two towers), biases included?

# %%
answer = None
lesson.check("05-2", answer)

# %% [markdown]
# **05-3 (code).** Write LRN with the paper's constants without a loop over channels: `local_response_normalization(x)` for x of shape (N, H, W, C).

# %%
local_response_normalization = None
lesson.check("05-3", local_response_normalization)

# %% [markdown]
# **05-4 (code).** Write the ten views for images that are larger than the crop: `views_of(images, size)` for images (N, H, W, C) gives (10, N, size, size, C), in any
# order. The middle crop begins at half of the remainder, rounded down.

# %%
views_of = None
lesson.check("05-4", views_of)

# %% [markdown]
# **05-5 (code).** Write `zfnet_stem()`, which returns a Keras model from (224, 224, 3) to (55, 55, 96): one pixel of zeros around the image, 96 kernels of 7x7 at stride 2, ReLU,
# and max pooling of 3x3 at stride 2 that keeps the odd pixel.

# %%
zfnet_stem = None
lesson.check("05-5", zfnet_stem)

# %% [markdown]
# **05-6.** Training with momentum keeps, for each parameter, the weight, its gradient and its momentum. How many megabytes (of a million bytes) is that for the
# AlexNet without towers, in float32?

# %%
answer = None
lesson.check("05-6", answer)

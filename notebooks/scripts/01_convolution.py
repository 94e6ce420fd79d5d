# %% [markdown]
# # 01 Convolution: one small pattern, looked for everywhere
#
# A convolution lays the same few weights on every window of a picture and writes down how well each window fits them.
# It needs few weights, it treats all places alike, and its backward pass is a convolution again. This lesson builds it
# from loops, checks every step against Keras, and ends with a network that beats a dense one with a fraction of the weights.
#
# *Papers:* Y. LeCun, "Generalization and network design strategies" (1989), which compares dense, locally connected and
# convolutional networks; V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning" (2016).
#
# **What you will learn**
# - convolution and correlation, in one dimension and in two, by hand, as a matrix product, and in Keras
# - channels, padding, stride, dilation, groups and the transposed convolution, each with its size and its weights
# - what a kernel detects, and why a convolution is translation-*equi*variant, not invariant
# - the backward pass, derived, and compared with automatic differentiation
# - why not a dense network: weights, and accuracy on original, shifted and scrambled pictures
#
# **You need** Python, NumPy's arrays, and an idea of what a gradient is.
# **Time:** under a minute of computing at each budget; 60 minutes to read.

# %% tags=["parameters"]
budget: str = "quick"  # label of the budget: quick, cpu or gpu
seed: int = 0  # of weights and order of images
threads: int = 2  # CPU threads of the arithmetic
precision: str = "float32"  # float32, mixed_bfloat16 or auto
train_examples: int | None = 4000  # training images that are used; None for all
epochs: int = 4  # passes over the training images, main network
experiment_examples: int = 3000  # training images of each network of the comparison, at most train_examples
experiment_epochs: int = 5  # the same for each network that it is compared with
batch_size: int = 64  # images a step
learning_rate: float = 0.01  # peak of the one-cycle schedule

# %% tags=["nbval-ignore-output"]
from cnnlib import lesson, data, inspect, plots, training

import keras
import numpy as np
from keras import ops

lesson.begin("01_convolution", budget=budget, seed=seed, threads=threads, precision=precision)

# %% [markdown]
# ## The problem: a dense network does not know which pixels are neighbours
#
# Our pictures are Fashion-MNIST: grey photographs of clothes, 28 pixels high and wide, in ten classes. *Training* images are
# learnt from, *validation* images compare choices, *test* images are looked at once, at the end.

# %%
images = data.load("fashion_mnist", train_examples=train_examples, seed=0)
scramble = np.random.default_rng(0).permutation(28 * 28)


def scrambled(pictures):
    """Pictures (N,28,28,1) whose pixels were all moved by one fixed permutation, the same for each picture."""
    return np.ascontiguousarray(pictures.reshape(-1, 28 * 28)[:, scramble].reshape(pictures.shape))


shown = images.train.images[:5]
names = [images.class_names[label] for label in images.train.labels[:5]]
plots.image_grid(np.concatenate([shown, scrambled(shown)]), titles=names + ["scrambled"] * 5, columns=5)

# %% [markdown]
# Above, five pictures; below, the same five with their pixels scrambled, all by one and the same permutation. To us
# the lower row is noise, because we see by neighbourhoods: edges, outlines, textures.
#
# A *dense layer* gives each of its units a weight for each pixel. It starts by flattening the picture to a list, and a list
# knows nothing of neighbours.
#
# **Predict:** does a dense layer lose anything by the scrambling? Scramble its weights in the same way and compare.

# %%
random = np.random.default_rng(0)
weights = random.integers(-3, 4, size=(28 * 28, 100))
on_pictures = shown.reshape(5, -1).astype(int) @ weights
on_scrambled = scrambled(shown).reshape(5, -1).astype(int) @ weights[scramble]
print("equal outputs:", np.array_equal(on_pictures, on_scrambled))
print(f"weights of a dense layer from 28x28 pixels to a map of 28x28 units: {(28 * 28) ** 2:,}")

# %% [markdown]
# Nothing is lost, to the last digit. Whatever a dense layer can learn from pictures it can learn from noise like
# the lower row; that pixels have neighbours is of no use to it. And it is dear: a weight for each pair of pixel and unit.
# We want a layer that uses the neighbourhood, and pays less.

# %% [markdown]
# ## The block: convolution
#
# ### One dimension: delay and accumulate
#
# Clap your hands in a hall: the ear gets the clap, then a weaker echo, then a weaker one still. If each sample of
# a signal $x$ makes echoes of the strengths $h_0, h_1, h_2$, what arrives is a sum of delayed copies,
#
# $$ y[n] = \sum_k h[k]\, x[n - k] . $$
#
# This is the *convolution* of $x$ with the *kernel* $h$.


# %%
def delay_and_accumulate(signal, kernel):
    """Convolution (N + K - 1,) of a signal (N,) with a kernel (K,): a sum of delayed, weighted copies."""
    result = np.zeros(len(signal) + len(kernel) - 1)
    for delay, weight in enumerate(kernel):
        result[delay : delay + len(signal)] += weight * np.asarray(signal)
    return result


claps = np.array([1, 0, 0, 2, 1, 0])
echo = np.array([1, 0.5, 0.25])
heard = delay_and_accumulate(claps, echo)
print("heard:           ", heard)
print("NumPy's convolve:", np.convolve(claps, echo))
plots.stem(
    {
        "signal, delayed by 0, times 1": (0, claps * echo[0]),
        "signal, delayed by 1, times 0.5": (1, claps * echo[1]),
        "signal, delayed by 2, times 0.25": (2, claps * echo[2]),
        "their sum: the convolution": heard,
    }
)

# %% [markdown]
# Read the figure by columns: each sample of the sum is what stands above it. The result is longer than the signal by the
# kernel's length less one, because the last echo comes late.
#
# ### Kernels as filters: low-pass and high-pass
#
# A kernel that averages neighbours lets slow changes pass and removes fast ones: a *low-pass*. A kernel that
# takes the difference of neighbours does the opposite: a *high-pass*. We mix a slow wave with the fastest there is,
# plus, minus, plus, minus.

# %%
time = np.arange(36)
slow, fast = np.cos(2 * np.pi * time / 18), 0.5 * (-1.0) ** time
low_pass, high_pass = np.array([0.5, 0.5]), np.array([0.5, -0.5])
inside = slice(1, len(time))  # where the kernel lies on the signal wholly
print("fast wave after the low-pass, largest value:", abs(np.convolve(fast, low_pass)[inside]).max())
print("fast wave after the high-pass, smallest value:", abs(np.convolve(fast, high_pass)[inside]).min())
plots.stem(
    {
        "slow and fast wave together": slow + fast,
        "after the low-pass (1/2, 1/2)": (1, np.convolve(slow + fast, low_pass)[inside]),
        "after the high-pass (1/2, -1/2)": (1, np.convolve(slow + fast, high_pass)[inside]),
    }
)

# %% [markdown]
# The low-pass gives the slow wave back without the trembling, the high-pass gives the trembling without the slow wave. To
# see what happens between the extremes, take waves of all frequencies and look how much of each comes through.

# %%
frequencies = np.linspace(0, 0.5, 51)
waves = np.exp(-2j * np.pi * frequencies[:, None] * np.arange(2))
through_low, through_high = abs(waves @ low_pass), abs(waves @ high_pass)
print("squares add up to one:", np.allclose(through_low**2 + through_high**2, 1))
plots.lines(
    frequencies,
    {"low-pass (1/2, 1/2)": through_low, "high-pass (1/2, -1/2)": through_high},
    x_label="frequency, cycles a sample",
    y_label="share that passes",
)

# %% [markdown]
# At frequency 0, a constant signal, everything passes the low-pass and nothing the high-pass; at one half, the fastest wave,
# it is the other way round. In pictures a low-pass blurs and a high-pass finds edges. A network learns which it needs.
#
# ### Convolution and correlation: who flips the kernel?
#
# There is a second way to compute: lay the kernel on the signal, multiply, add, move on. Written like that without turning
# the kernel it is the *correlation* $\sum_k h[k]\, x[n + k]$. The convolution meets the kernel backwards,
# because the latest sample takes the first echo.


# %%
def correlate(signal, kernel):
    """Correlation (N - K + 1,): the kernel is laid on each window as it is."""
    places = len(signal) - len(kernel) + 1
    return np.array([np.dot(signal[i : i + len(kernel)], kernel) for i in range(places)])


signal, kernel = np.array([0, 0, 1, 0, 0, 2, 3]), np.array([1, 2, 3])
keras_answer = ops.conv(
    signal.reshape(1, -1, 1).astype("float32"), kernel.reshape(-1, 1, 1).astype("float32"), padding="valid"
)
print("correlation:              ", correlate(signal, kernel))
print("convolution (inner part): ", np.convolve(signal, kernel, mode="valid"))
print("correlation, kernel turned:", correlate(signal, kernel[::-1]))
print("Keras' convolution layer: ", ops.convert_to_numpy(keras_answer)[0, :, 0].astype(int))

# %% [markdown]
# Two things to remember. A convolution is a correlation with the kernel turned round; look at the lonely 1 of the signal: the
# convolution answers with the kernel, 1 2 3, the correlation with its mirror image. And what every deep-learning
# library calls a convolution is a correlation. For learning it makes no difference, as the weights can come out
# mirrored; for reading a formula, or a kernel, it does. It will matter in the backward pass.
#
# Mathematicians prefer the flipped form because it can be exchanged: signal and kernel may swap their roles.

# %%
print("convolution commutes:", np.array_equal(np.convolve(signal, kernel), np.convolve(kernel, signal)))
print(
    "correlation commutes:",
    np.array_equal(np.correlate(signal, kernel, "full"), np.correlate(kernel, signal, "full")),
)

# %% [markdown]
# ### Two dimensions, by hand
#
# The window is now a small rectangle. At each place: multiply window and kernel number by number, add up.


# %%
def correlate_2d(picture, kernel):
    """Correlation of a picture (H,W) with a kernel (k,l): the map (H - k + 1, W - l + 1)."""
    rows, columns = (p - k + 1 for p, k in zip(picture.shape, kernel.shape, strict=True))
    result = np.zeros((rows, columns), np.result_type(picture, kernel))
    for i in range(rows):
        for j in range(columns):
            window = picture[i : i + kernel.shape[0], j : j + kernel.shape[1]]
            result[i, j] = np.sum(window * kernel)
    return result


corner = np.array([[0, 0, 0, 0, 0], [0, 1, 1, 1, 1], [0, 1, 1, 1, 1], [0, 1, 1, 1, 1], [0, 1, 1, 1, 1]])
edge = np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]])
print("window at (0, 0) times kernel:")
print(corner[:3, :3] * edge)
print("the whole map:")
print(correlate_2d(corner, edge))

# %% [markdown]
# The kernel subtracts what is at its left from what is at its right. The picture is a bright square in a corner: the first
# column of the map is positive, for there the kernel straddles the square's left edge; in the other columns
# left and right are alike and cancel. The same in Keras:

# %%
in_keras = ops.conv(
    corner.reshape(1, 5, 5, 1).astype("float32"), edge.reshape(3, 3, 1, 1).astype("float32"), padding="valid"
)
print(
    "equal to Keras:", np.array_equal(ops.convert_to_numpy(in_keras)[0, :, :, 0], correlate_2d(corner, edge))
)

# %% [markdown]
# Shapes in Keras: pictures are (N, H, W, C): number, height, width, channels; kernels are (height, width, channels in,
# channels out).
#
# ### As a matrix product
#
# Computers are best at matrix products, and a convolution is one, in two ways. First way: write every window
# as a row (in the trade: *im2col*); then one product with the kernel as a column gives all places at once.


# %%
def windows_as_rows(picture, k):
    """Every k x k window of a picture (H,W) as a row: (places, k * k)."""
    height, width = picture.shape
    places = [(i, j) for i in range(height - k + 1) for j in range(width - k + 1)]
    return np.array([picture[i : i + k, j : j + k].ravel() for i, j in places])


rows = windows_as_rows(corner, 3)
print("windows", rows.shape, "times kernel", edge.ravel().shape)
print((rows @ edge.ravel()).reshape(3, 3))

# %% [markdown]
# Second way: leave the picture as a list of its pixels and write the *kernel* into a large matrix, one row for each place. This
# shows what a convolution is compared with a dense layer, whose matrix has a weight of its own in every cell.

# %%
counting = np.arange(1, 10).reshape(3, 3)
little = corner[:4, :4]
matrix = np.zeros((4, 16), int)
for place in range(4):
    one_row = np.zeros((4, 4), int)
    i, j = divmod(place, 2)
    one_row[i : i + 3, j : j + 3] = counting
    matrix[place] = one_row.ravel()
print("equal:", np.array_equal(matrix @ little.ravel(), correlate_2d(little, counting).ravel()))
print(
    f"{matrix.size} cells, {np.count_nonzero(matrix)} are not zero, {len(np.unique(matrix)) - 1} are different"
)
plots.heatmap(
    matrix,
    x_label="pixel of the 4x4 picture",
    y_label="place of the 2x2 map",
    value_label="weight",
    row_names=[str(place) for place in range(4)],
    column_names=[str(pixel) for pixel in range(16)],
    number_format="{:.0f}",
)

# %% [markdown]
# The kernel's numbers 1 to 9 come back in every row, shifted along with the window. Two properties make the difference to a dense layer:
# many cells are zero (*local connections*: a unit sees its neighbourhood only) and the others repeat (*weight sharing*: every
# place uses the same nine). At the end of the lesson a network with the first property only will show what each is worth.
#
# ### Channels
#
# Pictures have channels (red, green, blue), and maps have many. A kernel for $c$ input channels is $k \times k \times c$:
# it sums over the channels, too. And a layer has $d$ such kernels, each with a *bias*, a number that is added to its map. So the
# layer has $(k \cdot k \cdot c + 1) \cdot d$ parameters, however large the picture is.
#
# The general form with everything that the next sections need:


# %%
def convolution(x, kernel, bias=0.0, *, padding=0, stride=1, dilation=1, groups=1):
    """A convolution layer in NumPy: x (N,H,W,C), kernel (k,k,C/groups,D), bias (D,) -> (N,H',W',D)."""
    x = np.pad(x, [(0, 0), (padding, padding), (padding, padding), (0, 0)])
    k, _, channels, filters = kernel.shape
    reach = dilation * (k - 1) + 1  # pixels from the kernel's first to its last
    rows, columns = ((side - reach) // stride + 1 for side in x.shape[1:3])
    result = np.zeros((len(x), rows, columns, filters))
    per_group = filters // groups
    for group in range(groups):
        seen = x[..., group * channels : (group + 1) * channels]
        made = slice(group * per_group, (group + 1) * per_group)
        for a in range(k):
            for b in range(k):
                top, left = a * dilation, b * dilation
                pixels = seen[:, top : top + stride * rows : stride, left : left + stride * columns : stride]
                result[..., made] += pixels[:, :rows, :columns] @ kernel[a, b, :, made]
    return result + bias


x = random.normal(size=(2, 9, 9, 4))
kernel, bias = random.normal(size=(3, 3, 4, 6)), random.normal(size=6)
print("channels in 4, channels out 6:", convolution(x, kernel, bias).shape)

# %% [markdown]
# It loops over the kernel instead of over the places: for each of the $k \cdot k$ kernel cells, one matrix product adds its
# part to all places. That is delay and accumulate, in two dimensions. Is it Keras' layer? We compare outputs, for
# plain, strided, dilated and grouped layers:


# %%
def difference_to_keras(padding=0, **options):
    """Largest difference between our layer and Keras', with equal weights, on random numbers."""
    layer = keras.layers.Conv2D(
        6,
        3,
        strides=options.get("stride", 1),
        dilation_rate=options.get("dilation", 1),
        groups=options.get("groups", 1),
    )
    grouped_kernel = kernel[:, :, : 4 // options.get("groups", 1)]
    padded = np.pad(x, [(0, 0), (padding, padding), (padding, padding), (0, 0)]).astype("float32")
    layer.build(padded.shape)
    layer.set_weights([grouped_kernel, bias])
    ours = convolution(x, grouped_kernel, bias, padding=padding, **options)
    return float(np.abs(ops.convert_to_numpy(layer(padded)) - ours).max())


lesson.expect_between("plain: largest difference to Keras", difference_to_keras(), 0, 1e-5)
lesson.expect_between("padding 1: largest difference", difference_to_keras(padding=1), 0, 1e-5)
lesson.expect_between("stride 2: largest difference", difference_to_keras(stride=2), 0, 1e-5)
lesson.expect_between("dilation 2: largest difference", difference_to_keras(dilation=2), 0, 1e-5)
lesson.expect_between("2 groups: largest difference", difference_to_keras(groups=2), 0, 1e-5)

# %%
cases = [(k, c, d) for k in (1, 3, 5, 7) for c in (1, 3, 16) for d in (1, 8, 32)]
counted = []
for k, c, d in cases:
    layer = keras.layers.Conv2D(d, k)
    layer.build((None, 28, 28, c))
    counted.append(layer.count_params())
lesson.claim(
    "01-parameters",
    "A convolution of k x k on c channels with d kernels has (k*k*c + 1) * d parameters, whatever the picture's size.",
    source="arithmetic: k*k*c weights and a bias for each kernel",
    measured=f"{len(cases)} Keras layers counted, from {min(counted):,} to {max(counted):,} parameters",
    holds=counted == [(k * k * c + 1) * d for k, c, d in cases],
)

# %% [markdown]
# ### Padding: narrow, same, wide
#
# The window must lie inside the picture, so the map is smaller than the picture by $k - 1$: a *narrow* convolution (Keras:
# `"valid"`). With $p$ zeros around the picture it gets larger. $p = (k-1)/2$ keeps the size: *same*. $p = k - 1$ lets every window
# that touches the picture count: *wide* (or *full*).

# %%
for name, padding in (("narrow", 0), ("same", 1), ("wide", 2)):
    side = convolution(np.ones((1, 6, 6, 1)), np.ones((3, 3, 1, 1)), padding=padding).shape[1]
    print(f"{name:6}  padding {padding}: a side of 6 becomes {side}")
ones = np.ones((1, 6, 6, 1))
print(convolution(ones, np.ones((3, 3, 1, 1)), padding=1)[0, :, :, 0].astype(int))

# %% [markdown]
# The map at the end is a picture of ones under a kernel of ones, padded to the same size: inside, nine ones are summed; at the edge six, in
# the corner four. The zeros are no part of the world, and a network can tell from them where the border is.
#
# ### Stride, dilation, groups
#
# *Stride* $s$: move the window $s$ pixels at a time. *Dilation* $d$: leave $d - 1$ pixels out between the kernel's cells, so that it reaches
# further with the same weights. *Groups* $g$: cut the channels into $g$ parts that do not see each other.
# Each can be said in terms of the plain layer. **Predict** the three equalities before you read the code.

# %%
plain = convolution(x, kernel, bias)
print(
    "stride 2 = every second place:", np.allclose(convolution(x, kernel, bias, stride=2), plain[:, ::2, ::2])
)

spread = np.zeros((5, 5, 4, 6))
spread[::2, ::2] = kernel
print(
    "dilation 2 = a 5x5 kernel with zeros between:",
    np.allclose(convolution(x, kernel, bias, dilation=2), convolution(x, spread, bias)),
)

grouped = kernel[:, :, :2]  # each of the 6 kernels sees 2 of the 4 channels
halves = [convolution(x[..., :2], grouped[..., :3]), convolution(x[..., 2:], grouped[..., 3:])]
print(
    "2 groups = two layers side by side:",
    np.allclose(convolution(x, grouped, groups=2), np.concatenate(halves, axis=-1)),
)
print(
    f"weights: plain {kernel.size}, stride 2 {kernel.size}, dilation 2 {kernel.size}, 2 groups {grouped.size}"
)

# %% [markdown]
# Stride saves work, dilation buys reach, neither changes the weights; $g$ groups divide weights and work by $g$. Stride throws
# places away, so it is plain *subsampling*, and lesson 02 asks what gets lost.
#
# All sizes together in one formula. A window reaches over $d(k-1)+1$ pixels; it fits into $n + 2p$ pixels
# at $n + 2p - d(k-1)$ places; of these every $s$-th is used, beginning with the first:

# %%
size_cases = [
    (n, k, p, s, d)
    for n in (5, 6, 7, 8, 11, 28)
    for k in (1, 2, 3, 5)
    for p in (0, 1, 2)
    for s in (1, 2, 3)
    for d in (1, 2)
    if n + 2 * p >= d * (k - 1) + 1
]


def counted_size(n, k, p, s, d):
    """Side of the map, made: by Keras, or in NumPy where Keras does not allow stride and dilation at once."""
    if s > 1 and d > 1:
        return convolution(
            np.zeros((1, n, n, 1)), np.zeros((k, k, 1, 1)), padding=p, stride=s, dilation=d
        ).shape[1]
    padded = np.zeros((1, n + 2 * p, n + 2 * p, 1), "float32")
    weights = np.zeros((k, k, 1, 1), "float32")
    return ops.conv(padded, weights, strides=s, padding="valid", dilation_rate=d).shape[1]


wrong = [c for c in size_cases if counted_size(*c) != (c[0] + 2 * c[2] - c[4] * (c[1] - 1) - 1) // c[3] + 1]
lesson.claim(
    "01-output-size",
    "A map has floor((n + 2p - d(k - 1) - 1) / s) + 1 places a side.",
    source="Dumoulin and Visin, 2016, relationship 15 extended by dilation",
    measured=f"{len(size_cases)} cases made, {len(wrong)} differ from the formula",
    holds=not wrong,
)

# %% [markdown]
# ### Transposed convolution: from few places to many
#
# A convolution collects a window into one number. Its counterpart *spreads* each number over a window: stamp the kernel, weighted
# by the number, onto the output, and let the stamps add up where they overlap. It enlarges: $n$ places become
# $(n - 1)s + k$.


# %%
def transposed_convolution(x, kernel, stride):
    """Stamp a kernel (k,k) for each number of a map (H,W): ((H-1)*stride + k, (W-1)*stride + k)."""
    k = len(kernel)
    result = np.zeros([(side - 1) * stride + k for side in x.shape])
    for (i, j), value in np.ndenumerate(x):
        result[i * stride : i * stride + k, j * stride : j * stride + k] += value * kernel
    return result


small_map = np.array([[1, 2], [3, 4]])
stamped = transposed_convolution(small_map, counting, stride=2)
layer_answer = ops.conv_transpose(
    small_map.reshape(1, 2, 2, 1).astype("float32"),
    counting.reshape(3, 3, 1, 1).astype("float32"),
    strides=2,
    padding="valid",
)
print(stamped.astype(int))
print("equal to Keras:", np.array_equal(ops.convert_to_numpy(layer_answer)[0, :, :, 0], stamped))

# %% [markdown]
# Find the stamps: the upper left corner shows the kernel 1 to 9 times 1, and where two stamps meet they add up. The name comes from
# the large matrix that we drew above: the convolution multiplies by it, this one by its transpose.

# %%
error_map = random.integers(-5, 6, size=(2, 2))
print(
    "the matrix, transposed, is the transposed convolution:",
    np.array_equal(
        (matrix.T @ error_map.ravel()).reshape(4, 4), transposed_convolution(error_map, counting, 1)
    ),
)
print("stamps on each pixel, stride 2, kernel 3:")
print(transposed_convolution(np.ones((3, 3)), np.ones((3, 3)), 2).astype(int))

# %% [markdown]
# It is *not* the inverse: it restores the shape, not the numbers. The last print counts stamps: where the stride does not divide the kernel, some
# pixels get four stamps and others one, which shows as a checkerboard in generated pictures.
#
# ### Hand-made filters are feature detectors
#
# Before networks learnt their kernels, people designed them. Five classics:

# %%
detectors = {
    "blur": np.ones((3, 3)) / 9,
    "vertical edge": np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
    "horizontal edge": np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
    "diagonal edge": np.array([[-2, -1, 0], [-1, 0, 1], [0, 1, 2]]),
    "spot": np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
}
bank = np.stack(list(detectors.values()), axis=-1)[:, :, None, :]
print("a layer's kernel:", bank.shape)
plots.filters(bank, columns=5)

# %% [markdown]
# Red is positive, blue negative, white zero, in the order of the list. The blur is a low-pass, the others are high-passes: their numbers sum
# to zero, so that on an even surface they are silent. The edge kernels with the 2 in the middle are Sobel's.
#
# What do they see on a sneaker and on a shirt?

# %%
two = np.stack([images.train.images[images.train.labels == k][0] for k in (7, 6)]) / 255
responses = convolution(two, bank, padding=1)
side_by_side = np.concatenate(
    [
        np.concatenate([picture, np.abs(response)], axis=-1)
        for picture, response in zip(two, responses, strict=True)
    ],
    axis=-1,
)
plots.feature_maps(side_by_side, titles=["picture", *detectors] * 2, columns=6)

# %% [markdown]
# Bright is a strong answer of either sign. Follow the sneaker's sole: the horizontal detector lights up along it, the vertical one
# does not. The shirt's sides are vertical edges. The spot detector answers to fine texture, which the blur wipes out.
#
# Why does a sum of products detect anything? Because it is the scalar product of window and kernel: among windows of
# equal strength it is largest for the one that looks like the kernel. So any pattern can be made a detector: cut it out, subtract its mean,
# and look for the highest answer, relative to the window's own strength (else a bright window could shout the right one down).

# %%
picture = two[0, :, :, 0]
row, column = 13, 17
pattern = picture[row : row + 7, column : column + 7]
pattern = pattern - pattern.mean()
windows = windows_as_rows(picture, 7)
strengths = np.linalg.norm(windows - windows.mean(axis=1, keepdims=True), axis=1)
answer = correlate_2d(picture, pattern) / np.maximum(strengths, 1e-6).reshape(22, 22)
found = tuple(int(i) for i in np.unravel_index(answer.argmax(), answer.shape))
print(f"cut out at {(row, column)}, highest answer at {found}")

# %% [markdown]
# ### The backward pass
#
# To learn, the layer gets the *error* $G = \partial L / \partial Y$, how the loss $L$ changes with each number of its output, and must
# say how the loss changes with its input, its kernel and its bias. Take a narrow layer with stride 1, one channel:
#
# $$ Y_{ij} = b + \sum_{a,c} X_{i+a,\,j+c}\; K_{ac} . $$
#
# **Bias.** $b$ stands in each output once: $\;\partial L/\partial b = \sum_{ij} G_{ij}$, the sum of the error.
#
# **Kernel.** $K_{ac}$ meets $X_{i+a, j+c}$ in output $(i, j)$: $\;\partial L/\partial K_{ac} = \sum_{ij} X_{i+a,\,j+c}\, G_{ij}$. That is
# the formula of the layer itself with $G$ in the place of the kernel: the *correlation of input and error*.
#
# **Input.** Pixel $(m, n)$ stands in output $(m - a, n - c)$ with weight $K_{ac}$:
# $\;\partial L/\partial X_{mn} = \sum_{a,c} G_{m-a,\,n-c}\, K_{ac}$. The minus signs make it a true convolution: the correlation with the
# kernel *rotated by 180 degrees*, wide, since errors from all places that touch the pixel arrive. (It is also the transposed convolution of the last section.)
#
# With channels, each input channel collects from all output channels, so the rotated kernel also swaps its two channel axes.


# %%
def backward(x, kernel, error):
    """Gradients of a narrow layer with stride 1: of x (N,H,W,C), kernel (k,k,C,D) and bias (D,), for error (N,H',W',D)."""
    k = len(kernel)
    rotated = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    input_gradient = convolution(error, rotated, padding=k - 1)
    # Images and channels change places: the error is the kernel, and the sum over channels is one over images.
    kernel_gradient = convolution(x.transpose(3, 1, 2, 0), error.transpose(1, 2, 0, 3)).transpose(1, 2, 0, 3)
    return input_gradient, kernel_gradient, error.sum(axis=(0, 1, 2))


error = random.normal(size=convolution(x, kernel, bias).shape)
input_gradient, kernel_gradient, bias_gradient = backward(x, kernel, error)
print("input", input_gradient.shape, "kernel", kernel_gradient.shape, "bias", bias_gradient.shape)

# %% [markdown]
# Now the judge: *automatic differentiation*. `inspect.input_gradient` asks the running backend for the gradient of a scalar with respect
# to an array. Our scalar is $\sum Y \cdot G$, whose gradient with respect to $Y$ is $G$.


# %%
def loss(x, kernel, bias):
    """A scalar whose derivative with respect to the layer's output is `error`."""
    output = ops.add(ops.conv(x, kernel, padding="valid"), bias)
    return ops.sum(ops.multiply(output, error.astype("float32")))


x32, kernel32, bias32 = (array.astype("float32") for array in (x, kernel, bias))
automatic = [
    inspect.input_gradient(lambda value: loss(value, kernel32, bias32), x32),
    inspect.input_gradient(lambda value: loss(x32, value, bias32), kernel32),
    inspect.input_gradient(lambda value: loss(x32, kernel32, value), bias32),
]


def relative_difference(ours, theirs):
    """Largest difference, relative to the largest number."""
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


differences = [
    relative_difference(ours, theirs)
    for ours, theirs in zip((input_gradient, kernel_gradient, bias_gradient), automatic, strict=True)
]
lesson.claim(
    "01-backward",
    "The input gradient is the full correlation of the error with the kernel rotated by 180 degrees, "
    "the kernel gradient the correlation of input and error, the bias gradient the sum of the error.",
    source="derived above; compared with automatic differentiation",
    measured="all three agree to 1e-5"
    if max(differences) < 1e-5
    else f"they differ by {max(differences):.1e}",
    holds=max(differences) < 1e-5,
)

# %% [markdown]
# Would we have noticed a mistake? Leave out the rotation:

# %%
not_rotated = convolution(error, kernel.transpose(0, 1, 3, 2), padding=2)
lesson.expect_between(
    "difference without the rotation, relative", relative_difference(not_rotated, automatic[0]), 0.1, 10
)

# %% [markdown]
# So the test can fail, and the rotation matters. Keep the picture: forward, each output *collects* from a window; backward, each output
# *gives back* to the same window with the same weights.

# %% [markdown]
# ## The network: the same units, connected in three ways
#
# The large matrix of a convolution differs from a dense layer's in two respects: it is local, and it is shared. To see which of them does what, we
# need the thing between: a *locally connected* layer, in which every place has a kernel of its own. Keras 3 has none, so here it
# is: windows side by side, as in `windows_as_rows`, and then a matrix product for each place.


# %%
class LocallyConnected2D(keras.layers.Layer):
    """A k x k window at each place, with weights of its own: (N,H,W,C) -> (N,H-k+1,W-k+1,filters)."""

    def __init__(self, filters, kernel_size, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.kernel_size = filters, kernel_size

    def build(self, input_shape):
        self.rows, self.columns = (side - self.kernel_size + 1 for side in input_shape[1:3])
        self.inputs = self.kernel_size**2 * input_shape[3]
        places = (self.rows, self.columns)
        spread = keras.initializers.RandomNormal(
            stddev=(2 / self.inputs) ** 0.5
        )  # as he_normal for one place
        self.kernel = self.add_weight(
            shape=(*places, self.inputs, self.filters), initializer=spread, name="kernel"
        )
        self.bias = self.add_weight(shape=(*places, self.filters), initializer="zeros", name="bias")

    def call(self, x):
        offsets = [(a, b) for a in range(self.kernel_size) for b in range(self.kernel_size)]
        x = ops.transpose(x, (1, 2, 0, 3))  # places first, so that matmul runs over them
        windows = ops.concatenate([x[a : a + self.rows, b : b + self.columns] for a, b in offsets], axis=-1)
        return ops.transpose(ops.matmul(windows, self.kernel), (2, 0, 1, 3)) + self.bias

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.rows, self.columns, self.filters)

    def multiply_adds(self, input_shape, output_shape):
        """For the layer table: each weight is used once for an image."""
        return int(np.prod(self.kernel.shape))

    def spatial_window(self, input_shape):
        """For the layer table: (kernel, stride, padding) down and across."""
        return ((self.kernel_size, 1, 0),) * 2


# %% [markdown]
# With one kernel copied to every place, it must be the convolution:

# %%
local_layer, shared_layer = LocallyConnected2D(6, 3), keras.layers.Conv2D(6, 3)
local_layer.build(x.shape)
shared_layer.build(x.shape)
shared_kernel, _ = shared_layer.get_weights()
copies = np.broadcast_to(shared_kernel.reshape(-1, 6), local_layer.kernel.shape)
local_layer.set_weights([copies, np.zeros(local_layer.bias.shape)])
outputs = [ops.convert_to_numpy(layer(x32)) for layer in (local_layer, shared_layer)]
lesson.expect_between(
    "shared by copying: difference to the convolution", np.abs(outputs[0] - outputs[1]).max(), 0, 1e-5
)

# %% [markdown]
# Now three networks. All end in 512 numbers from which a dense layer makes ten *scores*, the highest of which is the answer. The convolutional and
# the local one have the same maps of the same sizes; they differ in sharing only. Between their two layers stands *max pooling*: it keeps
# the largest number of each 4x4 window, and has no weights. Lesson 02 is about it. ReLU turns negative numbers into zero; lesson 03 is about that.


# %%
def convolutional_network():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(16, 5, activation="relu", kernel_initializer="he_normal", name="conv1"),
            keras.layers.MaxPooling2D(4, name="pool"),  # 6, 6, 16
            keras.layers.Conv2D(32, 3, activation="relu", kernel_initializer="he_normal", name="conv2"),
            keras.layers.Flatten(name="flatten"),  # 4 * 4 * 32 = 512
            keras.layers.Dense(10, name="scores"),
        ],
        name="small_convolutional",
    )


def local_network():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            LocallyConnected2D(16, 5, name="local1"),
            keras.layers.ReLU(name="local1_relu"),
            keras.layers.MaxPooling2D(4, name="pool"),  # 6, 6, 16
            LocallyConnected2D(32, 3, name="local2"),
            keras.layers.ReLU(name="local2_relu"),
            keras.layers.Flatten(name="flatten"),  # 512
            keras.layers.Dense(10, name="scores"),
        ],
        name="small_local",
    )


def dense_network():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(512, activation="relu", kernel_initializer="he_normal", name="dense1"),
            keras.layers.Dense(10, name="scores"),
        ],
        name="small_dense",
    )


makers = {"dense": dense_network, "local": local_network, "convolutional": convolutional_network}
keras.utils.set_random_seed(seed)
network = convolutional_network()
print(inspect.layer_table(network))

# %% [markdown]
# A layer table lists each layer's output shape, weights (params), *MACs* (multiply-adds for one image), *receptive field* (how many input pixels
# a unit can see, lesson 02), and the memory of its output. Check `conv1` with the formula: $(5 \cdot 5 \cdot 1 + 1) \cdot 16$.

# %%
tables = {name: inspect.layer_table(make()) for name, make in makers.items()}
for name, table in tables.items():
    print(f"{name:14} {table.total_params:>8,} weights, {table.total_macs:>8,} multiply-adds")
lesson.claim(
    "01-weights",
    "Local connections and sharing do different things: with equal maps, the local layer has as many "
    "multiply-adds as the convolution, and sharing divides the weights by the number of places.",
    source="arithmetic: 24 * 24 and 4 * 4 places",
    measured=f"{tables['local'].total_macs:,} multiply-adds in both; weights "
    f"{24 * 24 * 416 + 4 * 4 * 4640 + 5130:,} against {416 + 4640 + 5130:,}",
    holds=tables["local"].total_macs == tables["convolutional"].total_macs
    and tables["local"].total_params == 24 * 24 * 416 + 4 * 4 * 4640 + 5130
    and tables["convolutional"].total_params == 416 + 4640 + 5130,
)

# %% [markdown]
# The convolution works as much as the local layer and stores a small part of it. Sharing saves memory, and, what counts more,
# things to learn: each weight is taught by every place of every picture.

# %% [markdown]
# ## Training
#
# A *recipe* says how a network is trained; lesson 03 opens it. Here it must only be the same for all.

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
history = training.train(network, images, recipe, seed=seed)
plots.learning_curves({"convolutional": history})

# %% [markdown]
# Training (dashed) and validation (solid) should go the same way: losses down, accuracies up. Now the test set, once:

# %%
test = training.evaluate(network, images.test)
lesson.expect_between("test accuracy of the convolutional network", test["top1"], 0.76, 0.92)

# %% [markdown]
# ## Looking inside
#
# The sixteen kernels that the first layer has learnt, from random numbers:

# %% tags=["nbval-ignore-output"]
plots.filters(network.get_layer("conv1").get_weights()[0], columns=8)

# %% [markdown]
# Look for relatives of the hand-made ones: red beside blue is an edge detector of that direction, a red middle in blue a spot detector,
# red all over a blur. With little training much of the initial noise is still in them.

# %% tags=["nbval-ignore-output"]
maps = inspect.feature_maps(network, images.validation.images[:1], ["conv1"])["conv1"]
plots.feature_maps(maps[0], columns=8)

# %% [markdown]
# One validation picture through the sixteen kernels: every map is the picture, seen with another eye. Some keep an outline of one side,
# some the surface, and one that is dark all over found nothing here.

# %% [markdown]
# ## Experiments
#
# ### Equivariance: what goes in moved comes out moved
#
# Move a picture, then convolve; or convolve, then move the map. **Predict:** are the two equal? Exactly, or nearly? Everywhere? We use pictures in
# whole numbers, 0 to 255, and a kernel of whole numbers, so that no rounding can hide anything.


# %%
def moved(pictures, down, right):
    """Pictures or maps (N,H,W,C) moved down and to the right by 0 or more pixels; zeros come in."""
    height, width = pictures.shape[1:3]
    return np.pad(pictures, [(0, 0), (down, 0), (right, 0), (0, 0)])[:, :height, :width]


whole = images.validation.images[:200].astype("float32")
whole_kernel = np.random.default_rng(1).integers(-3, 4, size=(5, 5, 1, 8)).astype("float32")


def convolve_same(pictures):
    """Keras' convolution with `whole_kernel`, padded to the same size."""
    return ops.convert_to_numpy(ops.conv(pictures, whole_kernel, padding="same"))


down, right = 2, 3
moved_then_convolved = convolve_same(moved(whole, down, right))
convolved_then_moved = moved(convolve_same(whole), down, right)
interior = (slice(None), slice(down + 2, -2), slice(right + 2, -2))  # two pixels are half the kernel
different = int(np.count_nonzero(moved_then_convolved[interior] != convolved_then_moved[interior]))
lesson.claim(
    "01-equivariance",
    "A convolution is translation-equivariant: away from the border, moving the picture moves the map, exactly.",
    source="arithmetic; often called invariance, which is something else",
    measured=f"{different} of {moved_then_convolved[interior].size:,} numbers differ",
    holds=different == 0,
)

# %%
at_border = int(np.count_nonzero(moved_then_convolved != convolved_then_moved))
unmoved = convolve_same(whole)
print("numbers that differ somewhere, border included:", at_border > 0)
print(
    "the map of the moved picture equals that of the picture:", np.array_equal(moved_then_convolved, unmoved)
)

# %% [markdown]
# Inside, the two are equal to the last digit. At the border they are not: what left the picture cannot be seen, and what is
# near the border meets padding. And the last line is the difference between two words. *Invariant* would mean that the map stays as it was;
# *equivariant* means that it moves along. A convolution is equivariant. Many notes say invariant, and they are wrong.
#
# ### A 1x1 convolution is a dense layer for each pixel
#
# **Predict:** what does a kernel of one pixel do? It cannot see neighbours, but it sees all channels.

# %%
pixels = np.random.default_rng(2).integers(-9, 10, size=(2, 7, 7, 12)).astype("float32")
point_kernel = np.random.default_rng(3).integers(-9, 10, size=(12, 5)).astype("float32")
one_by_one, dense_layer = keras.layers.Conv2D(5, 1), keras.layers.Dense(5)
for layer in (one_by_one, dense_layer):
    layer.build(pixels.shape)
one_by_one.set_weights([point_kernel[None, None], np.arange(5)])
dense_layer.set_weights([point_kernel, np.arange(5)])
by_convolution = ops.convert_to_numpy(one_by_one(pixels))
by_dense = ops.convert_to_numpy(dense_layer(pixels.reshape(-1, 12))).reshape(2, 7, 7, 5)
lesson.claim(
    "01-pointwise",
    "A 1x1 convolution is a dense layer applied to the channels of each pixel.",
    source="Lin, Chen and Yan, Network in network, 2013",
    measured=f"{np.count_nonzero(by_convolution != by_dense)} of {by_dense.size} outputs differ",
    holds=np.array_equal(by_convolution, by_dense),
)

# %% [markdown]
# Same weights, same outputs. So a 1x1 layer mixes channels and leaves places alone: the cheapest way to change the number of channels, which
# lessons 07, 08, 10 and 17 build on.
#
# ### Unpadded convolutions read the border less
#
# How many windows read each pixel? Count: every place of an unpadded 5x5 layer puts one mark on each pixel that it reads. **Predict:** how many
# marks get the corner and the centre?

# %%
reads = transposed_convolution(np.ones((24, 24)), np.ones((5, 5)), stride=1).astype(int)
twice = transposed_convolution(
    transposed_convolution(np.ones((20, 20)), np.ones((5, 5)), 1), np.ones((5, 5)), 1
).astype(int)
padded_reads = transposed_convolution(np.ones((28, 28)), np.ones((5, 5)), 1)[2:-2, 2:-2].astype(int)
lesson.claim(
    "01-border",
    "Unpadded convolutions read the border less than the centre.",
    source="counted: windows of a 5x5 layer on 28x28 pixels that hold a pixel",
    measured=f"corner {reads[0, 0]}, middle of an edge {reads[0, 14]}, centre {reads[14, 14]}; "
    f"after two such layers {twice[0, 0]}, {twice[0, 14]} and {twice[14, 14]} ways",
    holds=reads[0, 0] < reads[0, 14] < reads[14, 14],
)
print(f"padded to the same size: corner {padded_reads[0, 0]}, centre {padded_reads[14, 14]}")

# %%
plots.heatmap(
    reads[:10, :10],
    x_label="column of the picture",
    y_label="row of the picture",
    value_label="windows that read the pixel",
    number_format="{:.0f}",
)

# %% [markdown]
# This is the upper left corner of the picture. The outermost pixels are dark: few windows read them, and the number grows until the window fits on all sides. With every further unpadded
# layer the neglect multiplies. Padding softens it, at the price of made-up zeros. For clothes that fill the picture to
# the edge that matters; for digits in the middle it hardly would.
#
# ### Why not a dense net?
#
# Now the comparison that this lesson has prepared: dense, local, convolutional; each trained on the pictures, and each trained anew on the scrambled ones.
# All start from the same seed and see the same pictures in the same order. They are few, because what an architecture
# knows beforehand counts most where there is little to learn from, and because the local network is slow.
#
# **Predict** for each: how good is it (1) on validation pictures, (2) on validation pictures moved by two pixels, which it has not been taught,
# (3) when trained and judged on scrambled pictures?

# %%
few = data.Dataset(
    images.train.take(experiment_examples),
    images.validation,
    images.test,
    class_names=images.class_names,
    name=images.name,
    sha256=images.sha256,
)
scrambled_few = data.Dataset(
    *(data.Split(scrambled(split.images), split.labels) for split in (few.train, few.validation, few.test)),
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


def trained(name, dataset, label):
    """A network of `makers`, trained on a dataset and kept for the record; with its validation accuracy."""
    keras.utils.set_random_seed(seed)
    candidate = makers[name]()
    candidate_history = training.train(candidate, dataset, experiment_recipe, seed=seed, progress="none")
    lesson.add_run(label, candidate, candidate_history)
    return candidate, candidate_history.validation_accuracy[-1]


# %% tags=["nbval-ignore-output"]
original, on_noise, trained_networks = {}, {}, {}
for name in makers:
    trained_networks[name], original[name] = trained(name, few, f"{name}, original pictures")
    _, on_noise[name] = trained(name, scrambled_few, f"{name}, scrambled pixels")
    print(f"{name:14} original {original[name]:.4f}, scrambled {on_noise[name]:.4f}")

# %%
shifts = [0, 1, 2, 3, 4]
when_moved = {}
for name, candidate in trained_networks.items():
    when_moved[name] = []
    for shift in shifts:
        moved_split = data.Split(moved(images.validation.images, 0, shift), images.validation.labels)
        when_moved[name].append(training.evaluate(candidate, moved_split)["top1"])
lesson.expect_between("convolutional network, original pictures", when_moved["convolutional"][0], 0.76, 0.92)
lesson.expect_between("dense network, scrambled pictures", on_noise["dense"], 0.72, 0.92)

# %% tags=["nbval-ignore-output"]
plots.lines(
    shifts,
    when_moved,
    x_label="shift to the right, pixels",
    y_label="validation accuracy",
    chance=0.1,
)

# %% [markdown]
# All three fall, as none was shown moved pictures. Compare how early. The dense network's weights are tied to single pixels; the local one
# forgives a little, thanks to its pooling; the convolution, whose detectors are the same at every place, should fall last. It falls nevertheless: its
# last layer ties the maps to places again.

# %%
best_other = max(original["dense"], original["local"])
lesson.claim(
    "01-fewest-weights",
    "With the fewest weights, the convolutional network has the highest validation accuracy of the three.",
    source="LeCun, 1989, repeated in miniature",
    measured=f"{original['convolutional']:.4f} against {best_other:.4f} of the better of the two others",
    difference=original["convolutional"] - best_other,
)

# %%
advantage = when_moved["convolutional"][2] - max(when_moved["dense"][2], when_moved["local"][2])
lesson.claim(
    "01-shift",
    "On pictures moved by two pixels the convolutional network keeps more accuracy than the dense and the local one.",
    source="weight sharing and pooling; LeCun, 1989",
    measured=f"validation accuracy {advantage:+.4f} above the better of the two",
    difference=advantage,
)

# %%
losses = {name: original[name] - on_noise[name] for name in makers}
lesson.claim(
    "01-scrambled",
    "Scrambling the pixels costs the convolutional network more than the dense one.",
    source="a dense layer does not know neighbours; a convolution is built on them",
    measured=f"loss of validation accuracy: convolutional {losses['convolutional']:+.4f}, dense {losses['dense']:+.4f}, "
    f"local {losses['local']:+.4f}",
    difference=losses["convolutional"] - losses["dense"],
)

# %% tags=["nbval-ignore-output"]
bars = {}
for name in makers:
    bars[f"{name}, original"] = original[name]
    bars[f"{name}, moved by 2"] = when_moved[name][2]
    bars[f"{name}, scrambled"] = on_noise[name]
plots.bars(bars, x_label="validation accuracy", y_label="network, pictures")

# %% [markdown]
# Read the bars in threes. The dense network should do as well on scrambled pictures as on the originals: we saw that nothing is lost for it. The
# convolutional one should lose: neighbours in a scrambled picture have nothing to do with each other. This is what *inductive bias* means: the
# architecture assumes something about the world, that near pixels belong together and that a thing is the same thing elsewhere. Where it is true, the network learns more from less;
# where it is false, it pays.
#
# One last look at what sharing does. The local network had to learn a detector at each place anew; here is its first map's kernel
# at sixteen neighbouring places along a row:

# %% tags=["nbval-ignore-output"]
local_kernels = trained_networks["local"].get_layer("local1").get_weights()[0]
plots.filters(local_kernels[12, 4:20, :, 0].T.reshape(5, 5, 1, 16), columns=8)

# %% [markdown]
# Neighbours should want the same detector, as they see nearly the same pixels. With sharing all sixteen would be one picture. How much they differ here
# shows how little each of them was taught: a place sees one window of each picture, a shared kernel sees hundreds.

# %% [markdown]
# ## Recap
#
# - A convolution is a sum of delayed, weighted copies; libraries compute the correlation, without the flip.
# - It is a matrix product whose matrix is mostly zero and whose weights repeat: local and shared.
# - Size: floor((n + 2p - d(k-1) - 1)/s) + 1. Parameters: (k·k·c + 1)·d, whatever the picture's size.
# - It is equivariant to shifts, exactly, away from the border; it is not invariant.
# - Backward: the error, convolved with the kernel rotated by 180 degrees; input and error, correlated; the error, summed.
# - Next: pooling makes maps smaller and forgives small shifts. How small, and what does a unit of a deep layer see?

# %% tags=["nbval-ignore-output"]
lesson.record(
    network=network,
    history=history,
    test=test,
    data=images,
    original=original,
    moved_by_two={name: values[2] for name, values in when_moved.items()},
    scrambled=on_noise,
)

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. `lesson.hint("01-1")` helps, `lesson.solution("01-1")` shows a way.
#
# **01-1.** A layer of 5x5 kernels with stride 2 and padding 2 gets a picture of 31 x 31. How many rows has its map?

# %%
answer = None
lesson.check("01-1", answer)

# %% [markdown]
# **01-2.** How many parameters has a 3x3 layer from 64 to 128 channels with 4 groups, biases included?

# %%
answer = None
lesson.check("01-2", answer)

# %% [markdown]
# **01-3.** Which 3x3 kernel, given to Keras' convolution layer with padding "same", moves a picture one pixel to the *right*? Answer with a list of three lists.

# %%
answer = None
lesson.check("01-3", answer)

# %% [markdown]
# **01-4 (code).** Write `dilated(signal, kernel, dilation)`: the narrow correlation of a signal (N,) with a kernel (K,) whose cells are
# `dilation` samples apart.

# %%
dilated = None
lesson.check("01-4", dilated)

# %% [markdown]
# **01-5 (code).** Write `gradients(picture, kernel, error)` for one channel, narrow, stride 1: returns the input gradient (H,W) and the kernel
# gradient (k,k), for a picture (H,W), a kernel (k,k) and the error (H-k+1, W-k+1).

# %%
gradients = None
lesson.check("01-5", gradients)

# %% [markdown]
# **01-6 (code).** Write a function `two_layers()` that returns a Keras model without any dense layer: from (28, 28, 1) to (14, 14, 10), by a 5x5 layer of 8
# kernels with stride 2, ReLU, and a 1x1 layer. Take care that Keras' "same" at stride 2 is not symmetrical: pad with `ZeroPadding2D(2)`.

# %%
two_layers = None
lesson.check("01-6", two_layers)

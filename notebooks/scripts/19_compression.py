# %% [markdown]
# # 19 Compression: fewer weights, fewer values, shorter codes
#
# Most weights of a trained network can be set to zero, if the others may train on. The values that are left can be rounded to a few dozen, and the frequent ones among these get the short codes. Together that makes a file that is
# thirty or forty times smaller than the weights were, holds the same network, and errs about as often.
#
# *Papers:* S. Han, H. Mao, W. J. Dally, "Deep compression: compressing deep neural networks with pruning, trained quantization and Huffman coding" (2016);
# J. Frankle, M. Carbin, "The lottery ticket hypothesis: finding sparse, trainable neural networks" (2019).
#
# **What you will learn**
# - to prune by magnitude, and why retraining is half of it
# - to let thousands of weights share a few values, and to train these values
# - Huffman's code, its bound, and how to write down where the zeros are
# - to count honestly: bytes of a file, tables and all, and predictions after it was read again
# - what a winning ticket is, and whether ours wins
#
# **You need** lesson 04, or: what a dense layer, an epoch and a validation set are.
# **Time:** a minute of computing at budget `quick`, two minutes at `cpu`; 45 minutes to read.

# %% tags=["parameters"]
budget: str = "quick"  # label of the budget: quick, cpu or gpu
seed: int = 0  # of weights and order of images
threads: int = 2  # CPU threads of the arithmetic
precision: str = "float32"  # float32, mixed_bfloat16 or auto
train_examples: int | None = 6000  # training images of LeNet-300-100; None for all
caffe_examples: int | None = 3000  # the same for Caffe's LeNet-5, whose convolutions take longer
experiment_examples: int = 3000  # training images of the lottery
validation_examples: int = 2000  # images to compare choices with
epochs: int = 4  # passes over the training images before anything is removed
retrain_epochs: int = 2  # the same after each pruning
codebook_epochs: int = 1  # the same for the shared values
ticket_epochs: int = 3  # the same for each training of the lottery
batch_size: int = 64  # images a step
learning_rate: float = 0.002  # peak of the one-cycle schedules
codebook_learning_rate: float = 0.02  # of the shared values, plain SGD
prune_shares: list = [0.75, 0.9]  # shares of LeNet-300-100's weights removed, step by step
caffe_shares: list = [0.8, 0.9]  # the same for Caffe's LeNet-5
further_shares: list = [0.98]  # further steps, to see where it ends
dense_bits: int = 4  # bits for a weight of a dense layer: 2 ** bits - 1 values
convolution_bits: int = 5  # the same for a convolution
tried_bits: list = [1, 2, 3, 4, 5]  # bits that are compared; 2, 3 and 4 must be there
ticket_share: float = 0.9  # share of weights that the ticket leaves out
ticket_rounds: int = 2  # trainings before the ticket is drawn

# %% tags=["nbval-ignore-output"]
from cnnlib import lesson, compress, data, inspect, networks, plots, training

import itertools
import tempfile
import zlib
from pathlib import Path

import keras
import numpy as np

lesson.begin("19_compression", budget=budget, seed=seed, threads=threads, precision=precision)

# %% [markdown]
# ## The problem: a megabyte for ten garments
#
# Two old and small networks, the ones that the paper begins with: LeNet-300-100, dense layers only, and the LeNet-5 that came with the library Caffe, with wider layers than the one of 1998. How many bytes do their weights take, at four bytes each?

# %%
for name in ("lenet_300_100", "lenet5_caffe"):
    table = inspect.layer_table(networks.outline(name))
    dense = table.frame[table.frame.type == "Dense"].params.sum()
    print(f"{name:13} {table.total_params:8,} parameters, {4 * table.total_params:9,} bytes,", end=" ")
    print(f"{dense / table.total_params:.1%} of them in dense layers")
counts = [
    inspect.layer_table(networks.outline(name)).total_params for name in ("lenet_300_100", "lenet5_caffe")
]
lesson.claim(
    "19-parameters",
    "LeNet-300-100 has 266,610 parameters and Caffe's LeNet-5 has 431,080.",
    source="Han et al., 2016, tables 2 and 3: 267 thousand and 431 thousand",
    measured=f"{counts[0]:,} and {counts[1]:,}",
    holds=counts == [266_610, 431_080],
)

# %% [markdown]
# A megabyte was nothing for the computer that trained them, and much for the chip in a watch, which spends more energy on fetching a weight than on multiplying with it. Can the file not be packed like any other? Let `zlib`, which is behind zip files, try it on the untrained weights.

# %%
keras.utils.set_random_seed(seed)
network = networks.build("lenet_300_100", input_shape=(28, 28, 1), classes=10)
plain_bytes = b"".join(weights.astype("<f4").tobytes() for weights in network.get_weights())
lesson.expect_between(
    "share of the bytes that zlib leaves", len(zlib.compress(plain_bytes)) / len(plain_bytes), 0.8, 1
)

# %% [markdown]
# Next to nothing is won: a packer lives on repetitions, and no two weights are alike. Trained ones are no better. To make the file smaller one has to make the *network* repeat itself: the same value, zero above all, again and again. The question is what that costs.
#
# ## The block: prune, share, code
#
# ### Prune
#
# *Magnitude pruning* sets the weights of smallest magnitude to zero. It is the crudest rule that one can think of: it asks neither the data nor the loss. Here it takes half of twelve weights:

# %%
random = np.random.default_rng(0)
twelve = random.normal(size=(3, 4)).round(1).astype("float32")
limit = np.sort(np.abs(twelve), axis=None)[twelve.size // 2]
kept_by_hand = np.abs(twelve) >= limit
print(twelve)
print(np.where(kept_by_hand, twelve, 0))

# %% [markdown]
# The library's `magnitude_masks` does this for a whole network and ranks the kernels of all layers together, so that each layer keeps what it needs; biases, which are few, are left alone. `set_masks` then zeroes the rest and holds it at zero after every step of a training:

# %%
toy = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, name="toy")])
toy.set_weights([twelve, np.zeros(4)])
masks = compress.magnitude_masks(toy, 0.5)
compress.set_masks(toy, masks)
print("the same as by hand:", np.array_equal(next(iter(masks.values())), kept_by_hand))
print("share of zeros:", compress.sparsity(toy))

# %% [markdown]
# ### Share
#
# Next, each kernel may have only a few different values, its *codebook*: 15 of them and the zero make 16, and a weight is then an index of four bits instead of a number of 32. Which values? Those of *k-means*: begin with values spread evenly from the smallest weight to the largest, give each weight to the
# nearest value, move each value to the mean of its weights, and repeat until nothing moves.


# %%
def k_means(weights, count):
    """`count` values, each the mean of the weights that are nearest to it."""
    values = np.linspace(weights.min(), weights.max(), count)
    while True:
        nearest = np.abs(weights[:, None] - values).argmin(axis=1)
        means = np.array(
            [weights[nearest == k].mean() if (nearest == k).any() else values[k] for k in range(count)]
        )
        if np.allclose(means, values):
            return values
        values = means


forty = random.normal(size=(5, 8)).astype("float32")
toy = keras.Sequential([keras.Input((5,)), keras.layers.Dense(8, name="toy")])
toy.set_weights([forty, np.zeros(8)])
codebook, indices = next(iter(compress.share_weights(toy, bits=3).values()))
by_hand = k_means(forty.ravel(), 7)
print("by hand:        ", by_hand.round(3))
print("by the library: ", codebook.round(3))
print("largest change of a weight:", np.abs(toy.get_weights()[0] - forty).max().round(3))
print(indices)

# %% [markdown]
# Forty numbers have become seven, at three bits each. Index 0, which does not occur here, is the zero of a pruned weight. The values can be trained: the gradient of a shared value is the sum of the gradients of all the weights that have it, for it moves them all. (The library lets each weight take its own step and then sets a cluster to its mean, which is a step along the same direction.) So the network can adapt to its few values.
#
# ### Code
#
# The indices are not equally frequent; values near zero have many weights, large ones few. *Huffman's* code gives frequent symbols the short codes: take the two rarest symbols, make them the two branches of one new symbol, put 0 and 1 on the branches, and go on until one symbol is left. No code is the beginning of another one, so that
# a stream of bits can be read without commas.
#
# What is the best that any code could do? The *entropy* of the frequencies, $-\sum p \log_2 p$ bits for a symbol on average. Huffman's code is never below it and never a whole bit above.

# %%
counts = np.array([40, 25, 12, 10, 8, 5])
lengths = compress.code_lengths(counts)
print("how often:    ", counts)
print("bits of a code:", lengths)
print(
    f"entropy {compress.entropy(counts):.3f}, Huffman {compress.mean_code_length(counts):.3f}, plain index 3 bits"
)

# %%
within = []
for _ in range(500):
    some_counts = random.integers(1, 1000, size=random.integers(2, 64)) ** random.integers(1, 4)
    low = compress.entropy(some_counts)
    within.append(low - 1e-9 <= compress.mean_code_length(some_counts) < low + 1)
lesson.claim(
    "19-huffman-bound",
    "Huffman's mean code length is at least the entropy and less than one bit above it.",
    source="Huffman, 1952; Shannon, 1948",
    measured=f"{sum(within)} of {len(within)} random tables of frequencies",
    holds=all(within),
)
symbols = np.minimum(random.geometric(0.2, size=20_000), 32) - 1
stream, lengths = compress.encode(symbols, 32)
decoded = compress.decode(stream, lengths, len(symbols))
lesson.claim(
    "19-exact-decoding",
    "Huffman's code is decoded without any loss.",
    source="Huffman, 1952",
    measured=f"{int((decoded == symbols).sum()):,} of {len(symbols):,} symbols, from {len(stream):,} bytes",
    holds=np.array_equal(decoded, symbols),
)

# %% [markdown]
# ### Where are the zeros?
#
# One thing is missing: the file must say *which* weights are left. Written as distances, "two zeros, then a weight; three zeros, then a weight", these are small numbers, and Huffman's code serves them as well.

# %%
row = np.array([0, 0, 0.7, 0, 0, 0, -0.2, 0.5, 0])
places = np.flatnonzero(row)
print("zeros in front of each weight:", np.diff(places, prepend=-1) - 1)

# %% [markdown]
# The fewer weights are left, the longer the distances, and the more bits each of them takes. If the zeros lie at random, with a share $p$ of the weights left, a place takes $H(p) / p$ bits, where $H(p)$ is the entropy of a coin that falls on its head with probability $p$. That tells beforehand what a plan is worth:


# %%
def bits_of_a_place(left_over):
    """Entropy of the place of one weight where a share `left_over` of them is left, at random places."""
    return abs(compress.entropy([left_over, 1 - left_over])) / left_over


def expected_ratio(left_over, index_bits):
    """Four bytes for each weight, over what pruning to `left_over` and an index of so many bits leave."""
    return 32 / (left_over * (index_bits + bits_of_a_place(left_over)))


print("left over   place, bits   times smaller at 2, 3, 4, 5 and 6 bits for the value")
for left_over in (1.0, 0.5, 0.2, 0.1, 0.05):
    ratios = "  ".join(f"{expected_ratio(left_over, bits):5.1f}" for bits in (2, 3, 4, 5, 6))
    print(f"{left_over:9.0%}   {bits_of_a_place(left_over):11.2f}   {ratios}")

# %% [markdown]
# Read along the rows: neither step does it alone. Sharing without pruning gives a factor of six or so, pruning to a tenth with full floats less than that of the last columns; thirty times needs about a tenth of the weights *and* about five bits. The codebooks, the code tables and the biases come on top.
#
# ## The network
#
# Both networks in the catalogue's form. Look where the weights are: it is there that pruning pays.

# %%
print(inspect.layer_table(network).weighted())

# %%
keras.utils.set_random_seed(seed)
caffe = networks.build("lenet5_caffe", input_shape=(28, 28, 1), classes=10)
print(inspect.layer_table(caffe).weighted())

# %% [markdown]
# | | paper | here |
# |---|---|---|
# | networks | LeNet-300-100, LeNet-5 (Caffe's), AlexNet, VGG-16 | the first two |
# | images | MNIST, ImageNet | Fashion-MNIST; at budget `cpu` all of it for the first network, a part for the second |
# | pruning | a threshold for each layer, times its standard deviation | one share for all layers together |
# | dropout while retraining | less than before | none |
# | places | distances of five bits in dense layers, eight in convolutions, coded | distances of any length, coded |
# | values | 5 to 8 bits (2016, tables 2 and 3), trained | 4 and 5 bits, trained |
# | result | 40 and 39 times (2016, table 1) | measured below, in bytes on disk |
#
# ## Training
#
# First both networks as they are, dense.

# %%
recipe = training.Recipe(
    epochs=epochs, batch_size=batch_size, optimizer="adamw", learning_rate=learning_rate, schedule="one_cycle"
)
recipe.table()

# %% tags=["nbval-ignore-output"]
images, caffe_images, few_images = (
    data.load("fashion_mnist", train_examples=count, validation_examples=validation_examples, seed=0)
    for count in (train_examples, caffe_examples, experiment_examples)
)
history = training.train(network, images, recipe, seed=seed)
caffe_history = training.train(caffe, caffe_images, recipe, seed=seed)

# %% tags=["nbval-ignore-output"]
plots.learning_curves({"LeNet-300-100": history, "LeNet-5, Caffe's": caffe_history})

# %% [markdown]
# The solid lines are what must not be lost. Look at the gap to the dashed ones: where it is wide, the network knows more about its training images than it needs, and can be expected to give up weights cheaply.
#
# ### Prune, retrain, share, code
#
# Now the whole chain, on copies: prune in steps and train on after each, share and train the values, write the file.

# %%
retrain_recipe = training.Recipe(
    epochs=retrain_epochs,
    batch_size=batch_size,
    optimizer="adamw",
    learning_rate=learning_rate,
    schedule="cosine",
)
codebook_recipe = training.Recipe(
    epochs=codebook_epochs,
    batch_size=batch_size,
    optimizer="sgd",
    learning_rate=codebook_learning_rate,
    schedule="cosine",
)
folder = tempfile.TemporaryDirectory()


def copy_of(model):
    """A network of its own with the same weights."""
    twin = networks.build(model.name, input_shape=(28, 28, 1), classes=10)
    twin.set_weights(model.get_weights())
    return twin


def bits_of(model):
    """`{path: bits}` for each kernel: convolutions have few weights, and may be finer."""
    return {
        path: convolution_bits if len(kernel.shape) == 4 else dense_bits
        for path, kernel in compress.kernels(model).items()
    }


def compressed(model, pictures, shares):
    """Prune, retrain, share and write `model`; what was found on the way, as a dict."""
    small = copy_of(model)
    steps = compress.prune_and_retrain(small, pictures, retrain_recipe, shares, seed=seed)
    pruned_weights = small.get_weights()
    lesson.add_run(f"{model.name}, pruned", small, steps[-1][1])
    codebooks = compress.share_weights(small, bits_of(small))
    trained = training.train(small, pictures, codebook_recipe, seed=seed, progress="none")
    path = Path(folder.name) / f"{model.name}.cnnz"
    parts = compress.save_compressed(path, small, codebooks)
    return {
        "network": small,
        "masks": steps[-1][0],
        "pruned": pruned_weights,
        "pruned accuracy": [step.validation_accuracy[-1] for _, step in steps],
        "codebooks": codebooks,
        "history": trained,
        "path": path,
        "parts": parts,
    }


# %% tags=["nbval-ignore-output"]
small_lenet = compressed(network, images, prune_shares)
small_caffe = compressed(caffe, caffe_images, caffe_shares)
for dense, result, dense_history in (
    (network, small_lenet, history),
    (caffe, small_caffe, caffe_history),
):
    chain = [dense_history.validation_accuracy[-1], *result["pruned accuracy"]]
    chain.append(result["history"].validation_accuracy[-1])
    print(f"{dense.name:13} validation accuracy " + " -> ".join(f"{value:.4f}" for value in chain))

# %% [markdown]
# The first number is that of the dense network, then follow those after each pruning with its retraining, and last that of the network with shared values.
#
# Now the file. It is read into a network that was built from another seed. Its predictions must be those of the network that was written, to the bit; else the file would lack something.


# %%
def read_again(result):
    """A fresh network with the weights of the result's file."""
    keras.utils.set_random_seed(seed + 1)
    fresh = networks.build(result["network"].name, input_shape=(28, 28, 1), classes=10)
    compress.load_compressed(result["path"], fresh)
    return fresh


from_file = {result["network"].name: read_again(result) for result in (small_lenet, small_caffe)}
identical = [
    np.array_equal(
        inspect.predict(from_file[result["network"].name], images.validation.images),
        inspect.predict(result["network"], images.validation.images),
    )
    for result in (small_lenet, small_caffe)
]
assert all(identical), "a file that was read again gives other predictions"
lesson.claim(
    "19-reload",
    "A compressed file, read again, gives identical predictions.",
    source="the file's format: codebooks, distances and indices, all exact",
    measured=f"equal to the bit on {len(images.validation.labels):,} images for both networks: {all(identical)}",
    holds=all(identical),
)

# %% [markdown]
# The test set is touched now, once: by both dense networks and by both that came out of their files. The ratio is four bytes a parameter over the bytes of the file on disk, codebooks, code tables, biases and checksum included.

# %% tags=["nbval-ignore-output"]
tests = {
    "dense": {model.name: training.evaluate(model, images.test) for model in (network, caffe)},
    "file": {name: training.evaluate(model, images.test) for name, model in from_file.items()},
}
test = tests["dense"]["lenet_300_100"]
lesson.add_run("lenet5_caffe, dense", caffe, caffe_history, test=tests["dense"]["lenet5_caffe"])
file_bytes, ratio, lost = {}, {}, {}
for result in (small_lenet, small_caffe):
    name = result["network"].name
    lesson.add_run(f"{name}, from its file", from_file[name], result["history"], test=tests["file"][name])
    file_bytes[name] = result["path"].stat().st_size
    ratio[name] = 4 * result["network"].count_params() / file_bytes[name]
    before, after = (tests[form][name]["top1"] for form in ("dense", "file"))
    lost[name] = before - after
    print(
        f"{name:13} {4 * result['network'].count_params():9,} -> {file_bytes[name]:6,} bytes, {ratio[name]:.1f} times"
    )
    print(f"{'':13} test accuracy {before:.4f} -> {after:.4f}, lost {lost[name]:+.4f}")

# %%
lesson.expect_between("test accuracy of LeNet-300-100", test["top1"], 0.7, 0.95)
for name in ratio:
    lesson.expect_between(f"{name}: how many times smaller the file is", ratio[name], 30, 60)
    lesson.expect_between(f"{name}: test accuracy lost", lost[name], -0.05, 0.05)

# %%
lesson.claim(
    "19-ratio-lenet-300-100",
    "LeNet-300-100 fits into less than a thirtieth of its bytes.",
    source="Han et al., 2016, table 1: 40 times, on MNIST",
    measured=f"{file_bytes['lenet_300_100']:,} bytes, {ratio['lenet_300_100']:.2f} times",
    difference=ratio["lenet_300_100"] / 30 - 1,
)
lesson.claim(
    "19-loss-lenet-300-100",
    "Compressed so far, LeNet-300-100 loses at most half a point of test accuracy.",
    source="Han et al., 2016, table 1: none on MNIST, error from 1.64 to 1.58 percent",
    measured=f"{lost['lenet_300_100']:+.4f}",
    difference=0.005 - lost["lenet_300_100"],
)
lesson.claim(
    "19-ratio-lenet5-caffe",
    "Caffe's LeNet-5 fits into less than a thirtieth of its bytes.",
    source="Han et al., 2016, table 1: 39 times, on MNIST",
    measured=f"{file_bytes['lenet5_caffe']:,} bytes, {ratio['lenet5_caffe']:.2f} times",
    difference=ratio["lenet5_caffe"] / 30 - 1,
)
lesson.claim(
    "19-loss-lenet5-caffe",
    "Compressed so far, Caffe's LeNet-5 loses at most half a point of test accuracy.",
    source="Han et al., 2016, table 1: none on MNIST, error from 0.80 to 0.74 percent",
    measured=f"{lost['lenet5_caffe']:+.4f}",
    difference=0.005 - lost["lenet5_caffe"],
)

# %% [markdown]
# ## Looking inside
#
# ### The weights, before and after
#
# The first dense layer of LeNet-300-100 in three states; exact zeros are left out of the drawing, their share stands beside the name.

# %% tags=["nbval-ignore-output"]
plots.distributions(
    {
        "dense": network.get_weights()[0],
        "pruned, retrained": small_lenet["pruned"][0],
        "shared, trained": small_lenet["network"].get_weights()[0],
    },
    x_label="weight of the first layer",
)

# %% [markdown]
# The top row is a hill around zero. Pruning cuts its middle out, and retraining moves what is left: look whether some weights have come back towards zero. In the last row there is only a comb: the values of the codebook.
#
# ### Which pixels matter
#
# Each weight of the first layer belongs to a pixel. How many of its 300 weights has each pixel kept? Beside it the mean training image, and the share of images in which the pixel is not black. **Predict:** which pixels keep most?

# %% tags=["nbval-ignore-output"]
kept_of_pixel = small_lenet["masks"]["dense1/kernel"].sum(axis=1).reshape(28, 28)
pictures = images.train.images[..., 0]
plots.feature_maps(
    np.stack([kept_of_pixel, pictures.mean(axis=0), (pictures > 0).mean(axis=0)], axis=-1),
    titles=["weights kept", "mean image", "share not black"],
)

# %% [markdown]
# One would think, the middle, where the garments are. But compare the border of the first picture with that of the last. A pixel that is black in nearly all images multiplies its weights by zero: they hardly get a gradient and stay where they were drawn at random. Magnitude pruning does not
# see that. It asks how large a weight is, not what it is for, and so it keeps idle weights, while it removes useful ones from the middle that training had brought near zero. Weight decay, which draws idle weights to zero, helps such a rule (try it: `weight_decay` of the recipes).
#
# ### Where the bytes go

# %% tags=["nbval-ignore-output"]
plots.bars(
    small_lenet["parts"] | {"magic, checksum": 9},
    x_label="bytes in the file",
    y_label="part",
    number_format="{:,.0f}",
)

# %% [markdown]
# The first layer still takes most, but look at the others: `dense2` has an eighth of the first one's weights and far more than an eighth of its bytes. It kept a larger share, since all layers were ranked together. The biases are plain floats and no longer nothing.
#
# How near to the entropy does Huffman's code come, on the indices of each layer?

# %%
shortfall = {}
for path, (_, indices) in small_lenet["codebooks"].items():
    used = np.bincount(indices[indices > 0].astype(int))[1:]
    shortfall[path] = compress.mean_code_length(used) - compress.entropy(used)
for path, bits_above in shortfall.items():
    lesson.expect_between(f"{path}: mean code length above the entropy, bits", bits_above, 0, 0.2)

# %% [markdown]
# A few hundredths of a bit: there is next to nothing left for a cleverer code of single symbols. The worst mistakes of the network from the file:

# %% tags=["nbval-ignore-output"]
logits = inspect.predict(from_file["lenet_300_100"], images.validation.images)
probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
plots.worst_mistakes(
    images.validation.images, images.validation.labels, probabilities, images.class_names, count=12
)

# %% [markdown]
# Garments that every network of this course mixes up. Equal accuracy does not mean equal answers, though. In how many images do the dense network and its file differ, and who is right then?

# %% tags=["nbval-ignore-output"]
labels = images.validation.labels
answers = {
    "dense": inspect.predict(network, images.validation.images).argmax(axis=1),
    "file": logits.argmax(axis=1),
}
differ = answers["dense"] != answers["file"]
print(f"different answers: {differ.mean():.2%} of the validation images, of these")
for name, given in answers.items():
    print(f"  right by {name}: {np.mean(given[differ] == labels[differ]):.0%}")

# %% [markdown]
# The first number is at least the accuracy that was lost on these images, and as a rule a multiple of it. Compression changes answers in both directions, and the loss is only what is left after both have been set off. Who relies on single answers has to test the network that he ships.
#
# ## Experiments
#
# ### Pruning, without retraining and with it
#
# The dense network, pruned at once to several shares and only measured; against the chain from above, and the same chain driven further. **Predict:** up to which share does pruning cost nothing without retraining?

# %% tags=["nbval-ignore-output"]
at_once = copy_of(network)


def accuracy_at_once(share):
    """Validation accuracy of the dense network without the smallest `share` of its weights."""
    compress.set_masks(at_once, None)
    at_once.set_weights(network.get_weights())
    compress.set_masks(at_once, compress.magnitude_masks(at_once, share))
    return training.evaluate(at_once, images.validation)["top1"]


further = copy_of(network)
further.set_weights(small_lenet["pruned"])
further_steps = compress.prune_and_retrain(further, images, retrain_recipe, further_shares, seed=seed)
lesson.add_run(f"lenet_300_100, pruned to {1 - further_shares[-1]:.0%}", further, further_steps[-1][1])
retrained = dict(zip(prune_shares, small_lenet["pruned accuracy"], strict=True))
retrained |= {
    s: step.validation_accuracy[-1] for s, (_, step) in zip(further_shares, further_steps, strict=True)
}
grid = sorted({0.3, 0.5, 0.6, 0.8, *retrained})
pruned_at_once = {share: accuracy_at_once(share) for share in grid}
plots.lines(
    grid,
    {
        "at once, not retrained": list(pruned_at_once.values()),
        "in steps, retrained": np.interp(grid, list(retrained), list(retrained.values()), left=np.nan),
        "dense": [history.validation_accuracy[-1]] * len(grid),
    },
    x_label="share of weights removed",
    y_label="validation accuracy",
    chance=0.1,
)

# %%
last_share = prune_shares[-1]
lesson.claim(
    "19-retraining",
    "At the share of the compressed network, retraining wins back most of what pruning costs.",
    source="Han et al., 2015, figure 5",
    measured=f"at {last_share:.0%} removed: {pruned_at_once[last_share]:.4f} at once, {retrained[last_share]:.4f} retrained, "
    f"{history.validation_accuracy[-1]:.4f} dense",
    difference=retrained[last_share] - (pruned_at_once[last_share] + history.validation_accuracy[-1]) / 2,
)
lesson.claim(
    "19-half-is-free",
    "Half of the weights can be removed at once, without retraining, at a loss of at most one point.",
    source="Han et al., 2015, figure 5: the curve without retraining leaves its level at about a half",
    measured=f"{pruned_at_once[0.5]:.4f} of {history.validation_accuracy[-1]:.4f}",
    difference=0.01 - (history.validation_accuracy[-1] - pruned_at_once[0.5]),
)

# %% [markdown]
# Follow the line without retraining: first level, then a cliff. The line with retraining has its cliff much further to the right. The weights that are left take over what the removed ones did. (Between its points that line is drawn straight.)
#
# ### Bits against accuracy
#
# From the pruned and retrained network: fewer and fewer bits for all kernels, measured at once; and at two and three bits again after the shared values were trained. **Predict:** with how many bits does the network stop working?

# %% tags=["nbval-ignore-output"]
coarse = copy_of(network)


def shared_to(bits):
    """The pruned network with so many bits for each kernel; its codebooks' training is still to come."""
    compress.set_masks(coarse, None)
    coarse.set_weights(small_lenet["pruned"])
    compress.share_weights(coarse, bits)


by_bits, by_bits_trained = {}, {}
for bits in tried_bits:
    shared_to(bits)
    by_bits[bits] = training.evaluate(coarse, images.validation)["top1"]
for bits in (2, 3):
    shared_to(bits)
    coarse_history = training.train(coarse, images, codebook_recipe, seed=seed, progress="none")
    lesson.add_run(f"lenet_300_100, {bits} bits", coarse, coarse_history)
    by_bits_trained[bits] = coarse_history.validation_accuracy[-1]
plots.lines(
    tried_bits,
    {
        "shared": [by_bits[bits] for bits in tried_bits],
        "shared, values trained": [by_bits_trained.get(bits, np.nan) for bits in tried_bits],
        "pruned, not shared": [small_lenet["pruned accuracy"][-1]] * len(tried_bits),
    },
    x_label="bits for a weight",
    y_label="validation accuracy",
)

# %%
lesson.claim(
    "19-four-bits",
    "Four bits for a weight cost at most one point of accuracy, before the shared values are trained.",
    source="Han et al., 2016, figure 7: dense layers hold their accuracy down to a few bits",
    measured=f"{by_bits[4]:.4f} of {small_lenet['pruned accuracy'][-1]:.4f}",
    difference=0.01 - (small_lenet["pruned accuracy"][-1] - by_bits[4]),
)
lesson.claim(
    "19-trained-values",
    "At two bits, training the shared values raises the accuracy.",
    source="Han et al., 2016, section 3.3",
    measured=f"{by_bits[2]:.4f} before, {by_bits_trained[2]:.4f} after",
    difference=by_bits_trained[2] - by_bits[2],
)

# %% [markdown]
# One bit leaves each layer a single value besides the zero, the mean of its positive and its negative weights alike: the signs are lost, and with them the network. Two bits are three values, enough for both signs. Look what training these three values does, and from how many bits on the line lies on that of
# the unshared network.
#
# ### A large network, pruned, or a small one?
#
# Would it not be easier to train a small network from the start? Take LeNet-300-100 with fewer units, so few that its weights, at the same number of bits each and four bytes for each bias, take as many bytes as the file. It needs no places; we even give it the codebooks for nothing. It is trained as long as the large one with
# all its retrainings, and its values are shared and trained like those of the large one.


# %%
def bytes_without_pruning(width):
    """What the thinner network's weights and biases take, counted in its favour."""
    units = [max(1, round(width * full)) for full in (300, 100)]
    sides = [784, *units, 10]
    weights = sum(a * b for a, b in itertools.pairwise(sides))
    return weights * dense_bits / 8 + 4 * sum(sides[1:])


width = next(w / 300 for w in range(1, 300) if bytes_without_pruning(w / 300) >= file_bytes["lenet_300_100"])
lesson.expect_between(
    "bytes of the small network over those of the file",
    bytes_without_pruning(width) / file_bytes["lenet_300_100"],
    1,
    1.05,
)

# %% tags=["nbval-ignore-output"]
keras.utils.set_random_seed(seed)
thin = networks.build("lenet_300_100", input_shape=(28, 28, 1), classes=10, width=width)
long_recipe = training.Recipe(
    epochs=epochs + retrain_epochs * len(prune_shares),
    batch_size=batch_size,
    optimizer="adamw",
    learning_rate=learning_rate,
    schedule="one_cycle",
)
thin_history = training.train(thin, images, long_recipe, seed=seed, progress="none")
keras.utils.set_random_seed(seed)
patient = networks.build("lenet_300_100", input_shape=(28, 28, 1), classes=10)
patient_history = training.train(patient, images, long_recipe, seed=seed, progress="none")
lesson.add_run("dense, trained as long", patient, patient_history)
lesson.add_run("small from the start", thin, thin_history)
compress.share_weights(thin, dense_bits)
thin_shared_history = training.train(thin, images, codebook_recipe, seed=seed, progress="none")
lesson.add_run("small from the start, shared", thin, thin_shared_history)
at_equal_bytes = {
    "large, pruned, shared": small_lenet["history"].validation_accuracy[-1],
    "small, shared": thin_shared_history.validation_accuracy[-1],
    "small, in floats": thin_history.validation_accuracy[-1],
    "large, dense, trained as long": patient_history.validation_accuracy[-1],
}
plots.bars(at_equal_bytes, x_label="validation accuracy", y_label="network", number_format="{:.4f}")

# %%
lesson.claim(
    "19-large-and-pruned",
    "A pruned large network beats a small one trained from scratch at equal bytes.",
    source="Zhu and Gupta, 2018, for image and language models",
    measured=", ".join(f"{name} {value:.4f}" for name, value in at_equal_bytes.items()),
    difference=at_equal_bytes["large, pruned, shared"] - at_equal_bytes["small, shared"],
)

# %% [markdown]
# Compare the first two bars, which have equal bytes; the third has several times as many. The last one is a check on ourselves: the compressed network had more epochs than the dense one that it came from, so a dense network with all of these epochs is the harder
# yardstick. What the compressed network lacks to *this* bar is the price of forty times fewer bytes.
#
# ### The lottery
#
# Pruned networks work well; why not train *them* from the start? Tried with new random weights they mostly end lower. Frankle and Carbin found an exception: put the weights that survive back to the values that *they* had before the training. Such a subnet, a *winning ticket*, learns alone as well as the whole. The idea: a large network
# is a heap of lottery tickets, and among so many small nets one has drawn a good start.
#
# We draw a ticket in rounds: train, prune, put the first weights back, and again. Then the ticket is trained; and beside it a net with the same mask and new random weights, and the dense one.

# %%
ticket_recipe = training.Recipe(
    epochs=ticket_epochs, batch_size=batch_size, optimizer="adam", learning_rate=0.0012, schedule="constant"
)
ticket_recipe.table()


# %% tags=["nbval-ignore-output"]
def fresh_lenet(its_seed):
    """A new LeNet-300-100 from a seed."""
    keras.utils.set_random_seed(its_seed)
    return networks.build("lenet_300_100", input_shape=(28, 28, 1), classes=10)


ticket, newcomer, whole = fresh_lenet(seed), fresh_lenet(seed + 1000), fresh_lenet(seed)
ticket_masks, start = compress.find_ticket(
    ticket, few_images, ticket_recipe, ticket_share, ticket_rounds, seed=seed
)
compress.set_masks(newcomer, ticket_masks)
lottery = {}
for label, player in (("winning ticket", ticket), ("same mask, new weights", newcomer), ("dense", whole)):
    lottery[label] = training.train(player, few_images, ticket_recipe, seed=seed, progress="none")
    lesson.add_run(label, player, lottery[label])
plots.learning_curves(lottery)

# %%
lesson.expect_between(
    "share of zeros in the trained ticket",
    compress.sparsity(ticket),
    ticket_share - 0.001,
    ticket_share + 0.001,
)
ends = {label: played.validation_accuracy[-1] for label, played in lottery.items()}
lesson.claim(
    "19-winning-ticket",
    "A winning ticket reaches a higher accuracy than the same mask with new random weights.",
    source="Frankle and Carbin, 2019, figure 3: LeNet-300-100 on MNIST",
    measured=", ".join(f"{label} {value:.4f}" for label, value in ends.items()),
    difference=ends["winning ticket"] - ends["same mask, new weights"],
)

# %% [markdown]
# Compare the ticket's solid line with that of the newcomer, from the first epoch on, and then with the dense one. A ticket costs several trainings of the dense network, so it saves nothing; what it shows is that a net of a tenth of the weights can be *trained*, not only left over.
#
# ## Recap
#
# - Weights of small magnitude can go; with retraining, nine of ten. Without it the accuracy falls off a cliff.
# - What is left can share a few dozen values; the values can be trained.
# - Huffman's code brings indices and distances to within a fraction of a bit of their entropy, and loses nothing.
# - The honest measure is the file: bytes on disk, read again, the same predictions.
# - Whether a large pruned network beats a small one has to be asked at equal bytes.
# - A winning ticket is a mask together with the first weights.
# - What the next lesson looks at: not the weights themselves but the landscape of the loss around them.

# %% tags=["nbval-ignore-output"]
lesson.record(
    network=network,
    history=history,
    test=test,
    data=images,
    name="lenet_300_100",
    file_bytes=file_bytes,
    ratio=ratio,
    test_accuracy_lost=lost,
    parts=small_lenet["parts"],
    accuracy_by_share={"at once": pruned_at_once, "retrained": retrained},
    accuracy_by_bits={"shared": by_bits, "trained": by_bits_trained},
    accuracy_at_equal_bytes=at_equal_bytes,
)

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. `lesson.hint("19-1")` helps, `lesson.solution("19-1")` shows a way.
#
# **19-1.** Four symbols have the probabilities 1/2, 1/4, 1/8 and 1/8. What is their entropy in bits?

# %%
answer = None
lesson.check("19-1", answer)

# %% [markdown]
# **19-2.** A layer of a million float32 weights keeps a tenth of them. Each one kept takes 5 bits for its value and 5 for its place. How many times smaller is it, tables aside?

# %%
answer = None
lesson.check("19-2", answer)

# %% [markdown]
# **19-3.** Six symbols occur 40, 25, 12, 10, 8 and 5 times. How many bits does Huffman's code need for all 100 of them?

# %%
answer = None
lesson.check("19-3", answer)

# %% [markdown]
# **19-4 (code).** Write `prune(weights, share)` in NumPy: a copy of the array in which the `share` of smallest magnitude is zero (round `share` times the number of weights to a whole number; no two magnitudes are equal).

# %%
prune = None
lesson.check("19-4", prune)

# %% [markdown]
# **19-5 (code).** Write `gaps(row)`: for each weight of a 1-D array that is not zero, the number of zeros since the one before it (or since the beginning).

# %%
gaps = None
lesson.check("19-5", gaps)

# %% [markdown]
# **19-6 (code).** Write `mean_length(counts)`: the mean number of bits of Huffman's code for symbols that occur so often (all counts above zero, two symbols or more). Every time that two branches join, all symbols below them get one bit longer: so it is enough to add up the joined counts.

# %%
mean_length = None
lesson.check("19-6", mean_length)

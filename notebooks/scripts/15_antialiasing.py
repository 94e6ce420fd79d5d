# %% [markdown]
# # 15 Anti-aliasing: blur before you subsample
#
# A strided layer keeps every second pixel and throws the others away. Anybody who scales a photograph knows that one has to blur first, or fine patterns come
# out as something else. Convolutional networks do not blur, and so an image that moves by a single pixel can get another answer; a small fixed blur in front of each subsampling mends
# a good part of it.
#
# *Paper:* R. Zhang, "Making convolutional networks shift-invariant again" (2019).
#
# **What you will learn**
# - what aliasing is, in one dimension and in numbers
# - that max pooling is a maximum everywhere and then a subsampling, and where the blur belongs
# - which frequencies a blur lets through
# - how much more consistent the answers become, what happens to the accuracy, and what it costs in time
#
# **You need** lessons 02 and 10, or: what pooling, stride and a residual network are.
# **Time:** under a minute of computing at budget `quick`, two minutes at `cpu`; 30 minutes to read.

# %% tags=["parameters"]
budget: str = "quick"  # label of the budget: quick, cpu or gpu
seed: int = 0  # of weights and order of images
threads: int = 2  # CPU threads of the arithmetic
precision: str = "float32"  # float32, mixed_bfloat16 or auto
train_examples: int | None = 2000  # training images of both networks; None for all
validation_examples: int = 2000  # images to compare choices with
judged_examples: int = 500  # validation images that are moved
epochs: int = 5  # passes over the training images
batch_size: int = 32  # images a step
learning_rate: float = 0.1  # peak of the one-cycle schedule
width: float = 0.5  # share of the paper's channels
depth: int = 8  # layers of the residual networks: 8, 14, 20, ...

# %% tags=["nbval-ignore-output"]
from cnnlib import lesson, data, inspect, layers, networks, plots, training

import keras
import numpy as np

lesson.begin("15_antialiasing", budget=budget, seed=seed, threads=threads, precision=precision)

# %% [markdown]
# ## The problem: one pixel, another answer
#
# Take the finest pattern there is, black and white in turn, and keep every second sample. Then move the pattern by one and do it again:

# %%
pattern = np.array([0, 1] * 6)
print("every second of", pattern, "->", pattern[::2])
print("moved by one:  ", np.roll(pattern, 1), "->", np.roll(pattern, 1)[::2])

# %% [markdown]
# Black, or white, depending on where one starts. The pattern has become something that was not there: a level. This is *aliasing*: a frequency too high for the new
# sampling shows up as a low one. A frequency of 0.45 cycles a sample, taken at every second sample:

# %%
samples = np.arange(41)
fast = np.cos(2 * np.pi * 0.45 * samples)
alias = np.cos(2 * np.pi * 0.05 * samples)
print("equal at every second sample:", np.allclose(fast[::2], alias[::2]))
plots.lines(
    samples,
    {
        "0.45 cycles a sample": fast,
        "0.05 cycles a sample": alias,
        "every second sample": np.where(samples % 2 == 0, fast, np.nan),
    },
    x_label="sample",
    y_label="value",
)

# %% [markdown]
# Both curves pass through the kept samples: after the subsampling nobody can tell them apart. Max pooling does not help. The paper's example is a step pattern, pooled in windows of two:

# %%
steps = np.array([0, 0, 1, 1, 0, 0, 1, 1])
print("pooled:             ", steps.reshape(-1, 2).max(axis=1))
print("moved by one, pooled:", np.roll(steps, 1).reshape(-1, 2).max(axis=1))

# %% [markdown]
# The remedy is as old as sampling: take out what the new sampling cannot hold, *then* sample. Here with the weights 1, 3, 3, 1 over eight, and the border continued around:


# %%
def blurred(signal, weights=(1, 3, 3, 1)):
    """The signal, each sample a weighted mean of its neighbours; it goes around at its ends."""
    return sum(w * np.roll(signal, shift) for shift, w in enumerate(weights)) / sum(weights)


print("pattern, blurred, sampled:             ", blurred(pattern)[::2])
print("pattern, moved by one, blurred, sampled:", blurred(np.roll(pattern, 1))[::2])
lesson.claim(
    "15-pattern",
    "Blurred before it is sampled, the finest pattern gives the same samples wherever it starts.",
    source="the sampling theorem; Zhang, 2019, section 3",
    measured=f"all samples {blurred(pattern)[0]:g}, from both starts",
    holds=bool(np.allclose(blurred(pattern)[::2], blurred(np.roll(pattern, 1))[::2])),
)

# %% [markdown]
# The pictures of this lesson are Fashion-MNIST on a canvas of 36 x 36 pixels, so that they can move by four and lose nothing.

# %%
loaded = data.load(
    "fashion_mnist", train_examples=train_examples, validation_examples=validation_examples, seed=0
)
MARGIN = 4


def on_canvas(split):
    """The same pictures with a black margin of 4 pixels."""
    margins = [(0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)]
    return data.Split(np.pad(split.images, margins), split.labels)


images = data.Dataset(
    *map(on_canvas, (loaded.train, loaded.validation, loaded.test)),
    class_names=loaded.class_names,
    name=loaded.name,
    sha256=loaded.sha256,
)
print("canvas:", images.image_shape)

# %% [markdown]
# ## The block: BlurPool
#
# ### Where the blur belongs
#
# Max pooling with a stride of two does two things. It takes the maximum of each window, at every place; and then it keeps every second of these maxima. Only the second step aliases. Are the two steps the whole of it?

# %%
random = np.random.default_rng(0)
maps = random.normal(size=(2, 8, 8, 3)).astype("float32")
strided = keras.ops.convert_to_numpy(keras.ops.max_pool(maps, 2, strides=2))
everywhere = keras.ops.convert_to_numpy(keras.ops.max_pool(maps, 2, strides=1, padding="valid"))
lesson.claim(
    "15-two-steps",
    "Max pooling of stride two is a maximum at every place and then a subsampling.",
    source="Zhang, 2019, section 3.2",
    measured=f"equal to the bit: {np.array_equal(everywhere[:, ::2, ::2], strided)}",
    holds=np.array_equal(everywhere[:, ::2, ::2], strided),
)

# %% [markdown]
# So the blur goes in between: maximum, blur, subsample. A strided convolution is taken apart likewise: convolve at every place, then blur and subsample. The library's layer for the
# last two steps is `BlurPool2D`; it has no weights. Is it what we say, the outer product of 1, 3, 3, 1 with itself, over 64, on a mirrored border, every second place?

# %%
weights = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64
bordered = np.pad(maps, [(0, 0), (1, 2), (1, 2), (0, 0)], mode="reflect")
windows = np.lib.stride_tricks.sliding_window_view(bordered, (4, 4), axis=(1, 2))
by_hand = np.einsum("nhwcij,ij->nhwc", windows, weights)[:, ::2, ::2]
layer = layers.BlurPool2D(dtype="float32")
from_library = keras.ops.convert_to_numpy(layer(maps))
difference = float(np.abs(by_hand - from_library).max())
lesson.claim(
    "15-blur-pool",
    "BlurPool is a fixed convolution of 1, 3, 3, 1 in both directions, kept at every second place.",
    source="Zhang, 2019, section 3.3",
    measured=f"difference below 1e-6: {difference < 1e-6}; weights to learn: {len(layer.weights)}",
    holds=difference < 1e-6 and not layer.weights,
)

# %% [markdown]
# ### What a blur lets through
#
# Blurs of other sizes have the numbers of Pascal's triangle: 1 1; 1 2 1; 1 3 3 1; ... Each passes some frequencies and damps others. Here is by how much, from level (0) to the finest pattern (0.5 cycles a sample). After subsampling by
# two, everything beyond 0.25 is an alias.

# %%
frequencies = np.linspace(0, 0.5, 51)
passed = {}
for coefficients in ([1], [1, 1], [1, 2, 1], [1, 3, 3, 1], [1, 6, 15, 20, 15, 6, 1]):
    waves = np.exp(-2j * np.pi * np.outer(frequencies, np.arange(len(coefficients))))
    passed[" ".join(map(str, coefficients))] = np.abs(waves @ coefficients) / sum(coefficients)
plots.lines(
    frequencies,
    passed,
    x_label="frequency, cycles a sample; from 0.25 on an alias",
    y_label="share that passes",
)

# %%
for name, shares in passed.items():
    print(f"{name:17} passes {shares[0]:.2f} at 0, {shares[25]:.2f} at 0.25, {shares[50]:.2f} at 0.5")

# %% [markdown]
# Without a blur (1) all passes, the aliases too. The longer the blur, the less of the aliases is left, and the less of the details worth keeping. 1 3 3 1 is the middle way, from the author's later code (2020).
#
# ## The network
#
# A residual network for small images in which every subsampling behind the first convolution is blurred. In the faithful ResNet-18, what does that cost?

# %%
faithful = {
    name: inspect.layer_table(networks.outline("resnet18", antialias=antialias))
    for name, antialias in (("resnet18", False), ("resnet18, anti-aliased", True))
}
for name, table in faithful.items():
    print(f"{name:23} {table.total_params:11,} parameters, {table.total_macs:14,} multiply-adds")
plain_table, blurred_table = faithful.values()
lesson.claim(
    "15-no-weights",
    "Anti-aliasing adds no weights to ResNet-18.",
    source="Zhang, 2019, section 4",
    measured=f"{plain_table.total_params:,} and {blurred_table.total_params:,}",
    holds=plain_table.total_params == blurred_table.total_params == 11_689_512,
)

# %% [markdown]
# No weights; but convolutions that moved by two now run at every place, which is four times the work for each of them. That is where the multiply-adds come from.
#
# Our own pair, for the canvas:


# %%
def residual_net(antialias):
    """A small residual network from the lesson's seed; both forms start from the same weights."""
    keras.utils.set_random_seed(seed)
    return networks.build(
        "resnet20_cifar",
        input_shape=images.image_shape,
        classes=10,
        width=width,
        depth=depth,
        antialias=antialias,
    )


network, plain = residual_net(True), residual_net(False)
print(inspect.layer_table(network).weighted())
same_start = all(
    np.array_equal(a, b) for a, b in zip(network.get_weights(), plain.get_weights(), strict=True)
)
print("the plain network starts from the same weights:", same_start)

# %% [markdown]
# | | paper | here |
# |---|---|---|
# | networks | AlexNet, VGG-16, ResNet-18 to -50, DenseNet-121, MobileNet v2 | a residual network of 8 layers |
# | images | ImageNet, 224x224x3; CIFAR-10 | Fashion-MNIST on a canvas of 36x36 |
# | blur | of sizes 2, 3, 5; this course's default is 4 | 4 |
# | consistency | pairs of random crops | moves of 1 to 4 pixels, to the right and down |
# | training | 90 epochs | one-cycle, few epochs |
#
# ## Training
#
# Both networks are trained in the same way; the anti-aliased one is the lesson's network.

# %%
recipe = training.Recipe(
    epochs=epochs,
    batch_size=batch_size,
    optimizer="sgd",
    learning_rate=learning_rate,
    schedule="one_cycle",
    weight_decay=0.0002,
)
recipe.table()

# %% tags=["nbval-ignore-output"]
history = training.train(network, images, recipe, seed=seed)
plain_history = training.train(plain, images, recipe, seed=seed)
lesson.add_run("without blur", plain, plain_history)

# %% tags=["nbval-ignore-output"]
plots.learning_curves({"blurred": history, "without blur": plain_history})

# %% [markdown]
# Compare the two solid lines at the end. A blur throws details away, so one might expect it to cost accuracy; the paper found the opposite. What is it here?

# %% tags=["nbval-ignore-output"]
test = training.evaluate(network, images.test)
print(f"test accuracy {test['top1']:.4f}, among the five best {test['top5']:.4f}")

# %%
lesson.expect_between("test accuracy of the anti-aliased network", test["top1"], 0.68, 0.86)

# %% [markdown]
# ## Looking inside
#
# Move one picture to the right, pixel by pixel, and look at the probability that each network gives to its right class. A network that does not care where the garment is would draw a level line.


# %%
def moved(pictures, down, right):
    """Pictures (N,H,W,C) moved; what they lose on one side is margin, and black, as what comes in."""
    return np.roll(pictures, (down, right), axis=(1, 2))


def probability_of(model, picture, label):
    """Probability of the right class for each move to the right, from -4 to 4 pixels."""
    places = np.concatenate([moved(picture, 0, right) for right in range(-MARGIN, MARGIN + 1)])
    return keras.ops.convert_to_numpy(keras.ops.softmax(inspect.predict(model, places)))[:, label]


# %% tags=["nbval-ignore-output"]
shirt = int(np.flatnonzero(images.validation.labels == 6)[0])
picture, label = images.validation.images[shirt : shirt + 1], int(images.validation.labels[shirt])
plots.lines(
    range(-MARGIN, MARGIN + 1),
    {
        name: probability_of(model, picture, label)
        for name, model in (("blurred", network), ("without blur", plain))
    },
    x_label="moved to the right, pixels",
    y_label="probability of the right class",
)

# %% [markdown]
# Look for a zigzag: a network that samples every second pixel answers alike for moves of even length and differently for those in between. The line with blur should be the smoother one, at least within a pixel or two.
#
# The worst mistakes of the anti-aliased network:

# %% tags=["nbval-ignore-output"]
logits = inspect.predict(network, images.validation.images)
probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
plots.worst_mistakes(
    images.validation.images, images.validation.labels, probabilities, images.class_names, count=12
)

# %% [markdown]
# They are the classes that every network of this course mixes up; a blur does not make a shirt a T-shirt.
#
# ## Experiments
#
# ### Consistency under shifts
#
# *Consistency* is the share of pictures that get the same answer, right or wrong, before and after a move; `inspect.shift_consistency` takes the mean of moves to the right and down. **Predict:** at which moves is the difference of the two networks largest, the odd ones or the even ones?

# %%
judged = images.validation.images[:judged_examples]
shifts = [0, 1, 2, 3, 4]
consistency = {
    name: inspect.shift_consistency(model, judged, shifts)
    for name, model in (("blurred", network), ("without blur", plain))
}
lesson.expect_between("consistency of unmoved pictures", min(v[0] for v in consistency.values()), 1, 1)

# %% tags=["nbval-ignore-output"]
plots.lines(shifts, consistency, x_label="moved by, pixels", y_label="consistency: share of equal answers")

# %%
mean_consistency = {name: float(np.mean(values[1:])) for name, values in consistency.items()}
lesson.claim(
    "15-consistency",
    "Blurring before subsampling raises the consistency under shifts of 1 to 4 pixels.",
    source="Zhang, 2019, and four taps in the code of 2020: ResNet-18 from 85.11 to 88.36 percent on ImageNet",
    measured=f"mean consistency {mean_consistency['blurred']:.4f} with, {mean_consistency['without blur']:.4f} without",
    difference=mean_consistency["blurred"] - mean_consistency["without blur"],
)
accuracy_gain = history.validation_accuracy[-1] - plain_history.validation_accuracy[-1]
lesson.claim(
    "15-accuracy",
    "Blurring before subsampling does not lower the accuracy.",
    source="Zhang, 2019, table 2: it rises by up to two points",
    measured=f"validation accuracy {accuracy_gain:+.4f}",
    difference=accuracy_gain,
)

# %% [markdown]
# Neither line is level: the border of the maps, padding and the ReLUs bring differences of their own, and a network that was never shown moved garments has learnt where they lie. The blur takes
# out one cause of several. Lesson 14's remedy, moved copies in training, takes out others; the two can be had together.
#
# ### What it costs

# %%
pair = {"blurred": inspect.layer_table(network), "without blur": inspect.layer_table(plain)}
for name, table in pair.items():
    print(f"{name:13} {table.total_params:7,} parameters, {table.total_macs:11,} multiply-adds")

# %% tags=["nbval-ignore-output"]
milliseconds = {
    "blurred": 1000 / history.images_per_second,
    "without blur": 1000 / plain_history.images_per_second,
}
plots.bars(
    milliseconds,
    x_label="training time for one image, milliseconds",
    y_label="network",
    number_format="{:.2f}",
)

# %%
extra_time = milliseconds["blurred"] / milliseconds["without blur"]
extra_work = pair["blurred"].total_macs / pair["without blur"].total_macs
lesson.claim(
    "15-time",
    "Anti-aliasing makes training slower.",
    source="measured in the fastest epoch of each network",
    measured=f"{extra_time:.2f} times the time, {extra_work:.2f} times the multiply-adds",
    difference=float(np.log(extra_time)),
)

# %% [markdown]
# Compare the ratio of the bars with that of the multiply-adds. The blur itself is a convolution with one kernel for each channel, little to compute and much to read and write; and the convolutions in front of it run at full size.
#
# ## Recap
#
# - Keeping every second sample turns fine patterns into coarse ones that were not there.
# - Max pooling and strided convolutions do just that; the blur belongs between the maximum (or the convolution) and the subsampling.
# - BlurPool has no weights; its cost is work and time.
# - It makes answers depend less on single pixels; other causes of the dependence stay.
# - What the next lesson changes: units that say not only *whether* a thing is there but *how* it lies. Capsules.

# %% tags=["nbval-ignore-output"]
lesson.record(
    network=network,
    history=history,
    test=test,
    data=images,
    name="resnet_antialiased",
    consistency_by_shift={
        name: dict(zip(map(str, shifts), values, strict=True)) for name, values in consistency.items()
    },
)

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. `lesson.hint("15-1")` helps, `lesson.solution("15-1")` shows a way.
#
# **15-1.** The signal 0, 8, 0, 0 is blurred with 1, 2, 1 over 4 (zeros beyond its ends). What is its largest value then?

# %%
answer = None
lesson.check("15-1", answer)

# %% [markdown]
# **15-2.** A wave of 0.4 cycles a sample is taken at every second sample. Which slowest wave, in cycles a sample of the *original* sampling, has the same samples?

# %%
answer = None
lesson.check("15-2", answer)

# %% [markdown]
# **15-3.** A 3x3 convolution of stride two makes maps of 14 x 14. By what factor do its multiplications grow if it runs at stride one and a blur subsamples behind it?

# %%
answer = None
lesson.check("15-3", answer)

# %% [markdown]
# **15-4 (code).** Write `blur_pool(signal, weights)` for a 1-D array: the weighted mean of each window of `len(weights)` neighbours (only windows that fit), divided by the sum of the weights, and every second of the results.

# %%
blur_pool = None
lesson.check("15-4", blur_pool)

# %% [markdown]
# **15-5 (code).** Write `consistency_of(answers, answers_moved)`: the share of equal entries of two arrays of class numbers.

# %%
consistency_of = None
lesson.check("15-5", consistency_of)

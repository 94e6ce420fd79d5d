# %% [markdown]
# # 09 Batch normalisation: keep every channel in range
#
# While a network learns, the size of the numbers in it drifts, and a layer deep inside has to chase what the layers before it hand on. Batch
# normalisation brings every channel back to mean zero and variance one, computed from the images of the present batch, and then lets the network
# choose its own mean and scale. Networks with it train with larger steps, care less about how they start, and can be deeper.
#
# *Paper:* S. Ioffe, C. Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate shift" (2015).
#
# **What you will learn**
# - batch normalisation from scratch, for dense layers and for images, and why it has two modes
# - which axes the mean is taken over, and two mistakes that circulate about it
# - what it buys: larger learning rates, fewer steps, deep sigmoid networks, freedom from the scale of the start
# - what it costs: noise, and trouble with small batches
# - what is known about why it works, and what is not
#
# **You need** lesson 04, or: what a convolution, a sigmoid, a learning rate and a batch are.
# **Time:** under a minute of computing at budget `quick`, two minutes at `cpu`; 50 minutes to read.

# %% tags=["parameters"]
budget: str = "quick"  # label of the budget: quick, cpu or gpu
seed: int = 0  # of weights and order of images
threads: int = 2  # CPU threads of the arithmetic
precision: str = "float32"  # float32, mixed_bfloat16 or auto
train_examples: int | None = 8000  # training images of the main network; None for all
validation_examples: int = 2000  # images to compare choices with
experiment_examples: int = 2000  # training images of each network of an experiment
epochs: int = 3  # passes over the training images, main network
batch_size: int = 128  # images a step
learning_rate: float = 0.01  # peak of the one-cycle schedule
trial_steps: int = 60  # steps of each trial of a learning rate or of a start
deep_steps: int = 100  # steps of each deep sigmoid network
dropout_epochs: int = 3  # passes of the networks with and without dropout

# %% tags=["nbval-ignore-output"]
from cnnlib import lesson, data, inspect, layers, networks, plots, training

import keras
import numpy as np

lesson.begin("09_batch_normalization", budget=budget, seed=seed, threads=threads, precision=precision)

# %% [markdown]
# ## The problem: numbers that fade or burst
#
# A layer multiplies and adds. If its weights are a little small, its outputs are a little small, and after ten layers little is left; if
# they are large, the numbers burst. The training moves the weights all the time, so a start that was well chosen does not stay so. Watch the signal
# pass through ten dense layers with ReLU, whose weights are drawn with a standard deviation that is right, and 0.6 and 1.6 times that:

# %%
random = np.random.default_rng(0)
start = random.normal(size=(512, 100))
signal_sizes = {}
for factor in (0.6, 1.0, 1.6):
    signal = start
    signal_sizes[f"{factor} times"] = []
    for _ in range(10):
        weights = random.normal(size=(100, 100)) * factor * np.sqrt(2 / 100)  # He's start for factor 1
        signal = np.maximum(signal @ weights, 0)
        signal_sizes[f"{factor} times"].append(float(signal.std()))
for name, sizes in signal_sizes.items():
    print(f"weights {name:9}: standard deviation {sizes[0]:.3f} after one layer, {sizes[-1]:.3g} after ten")

# %%
plots.lines(
    range(1, 11), signal_sizes, x_label="layer", y_label="standard deviation of the outputs", y_log=True
)

# %% [markdown]
# The middle line is level, the others run away from it by the same factor at each layer: straight lines on a logarithmic axis. A factor of 1.6 in
# the weights is a factor of a hundred after ten layers. Lesson 03 chose a good start to stay level. Batch normalisation does not
# rely on the start: it measures, and divides.
#
# The pictures of this lesson:

# %%
images = data.load(
    "fashion_mnist", train_examples=train_examples, validation_examples=validation_examples, seed=0
)
few_images = data.load(
    "fashion_mnist", train_examples=experiment_examples, validation_examples=validation_examples, seed=0
)
print(f"{len(images.train.labels):,} training images, {len(few_images.train.labels):,} for the experiments")

# %% [markdown]
# ## The block: normalise, then scale and shift
#
# ### Dense layers
#
# A dense layer hands on a table: one row for an image of the batch, one column for a unit (a *channel*). Take the mean and the variance of each
# **column**, subtract the mean, divide by the *root* of the variance, and then apply a scale $\gamma$ and a shift $\beta$, two numbers for each channel, which
# are learnt like weights:
#
# $$\hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}}, \qquad y = \gamma \hat x + \beta.$$
#
# The small $\epsilon$ keeps the division from failing where a channel is constant.


# %%
def batch_norm(x, gamma, beta, axes, epsilon=1e-3):
    """Normalise `x` over `axes` with the batch's own mean and variance, then scale and shift."""
    mean = x.mean(axis=axes, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=axes, keepdims=True)
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


table = random.normal(size=(64, 3)) * [0.1, 1, 10] + [5, 0, -20]
normalised = batch_norm(table, gamma=1.0, beta=0.0, axes=0)
for channel in range(3):
    before, after = table[:, channel], normalised[:, channel]
    print(
        f"channel {channel}: mean {before.mean():6.2f} -> {abs(after.mean()):.2f},"
        f" standard deviation {before.std():5.2f} -> {after.std():.2f}"
    )

# %% [markdown]
# Three channels of very different size come out alike (the first a little below one: its variance is small enough for $\epsilon$ to count). Is that
# not a loss? What a channel said by its size is gone, and that is what $\gamma$ and $\beta$ are for: with $\gamma = \sigma$ and $\beta = \mu$ the
# layer undoes its own normalisation.

# %%
undone = batch_norm(table, gamma=np.sqrt(table.var(axis=0) + 1e-3), beta=table.mean(axis=0), axes=0)
print("gamma = sigma and beta = mu give the input back:", np.allclose(undone, table))

# %% [markdown]
# ### Images: which axes?
#
# For images, a batch is (N, H, W, C): images, rows, columns, channels. The same kernel made all values of a channel, at every place of every image, so they
# share one mean: over N, H **and** W. There are two wrong versions in circulation: taking the mean over channels, rows and columns, and dividing
# by the variance instead of its root. **Predict:** how can you tell from the outputs that they are wrong?

# %%
batch = random.normal(size=(16, 5, 5, 4)) * [0.5, 1, 2, 4] + [0, 3, -1, 2]
versions = {
    "over N, H, W": batch_norm(batch, 1.0, 0.0, axes=(0, 1, 2)),
    "over C, H, W": batch_norm(batch, 1.0, 0.0, axes=(1, 2, 3)),
    "divided by the variance": (batch - batch.mean((0, 1, 2))) / (batch.var((0, 1, 2)) + 1e-3),
}
for name, outputs in versions.items():
    print(f"{name:24} standard deviation of the channels: {np.round(outputs.std(axis=(0, 1, 2)), 2)}")

# %% [markdown]
# Only the first version brings every channel to one. Over C, H, W each *image* is brought to one as a whole, and a large channel stays large beside a small one: that is
# layer normalisation (2016), a different and useful thing, which needs no batch. Divided by the variance, large channels become small and small ones large.
#
# What does Keras do? And the paper's layer in `cnnlib`, twenty lines that you can read with `layers.BatchNormFromScratch??`?

# %%
keras_layer = keras.layers.BatchNormalization(dtype="float32")
from_keras = keras.ops.convert_to_numpy(keras_layer(batch.astype("float32"), training=True))
differences = {name: float(np.abs(outputs - from_keras).max()) for name, outputs in versions.items()}
lesson.claim(
    "09-axes",
    "Batch normalisation of images takes one mean for each channel over N, H, W, and divides by the root of the variance.",
    source="Ioffe and Szegedy, 2015, section 3.2; a common note says C, H, W and the variance",
    measured="equal to Keras: "
    + ", ".join(f"{name} {difference < 1e-5}" for name, difference in differences.items()),
    holds=[difference < 1e-5 for difference in differences.values()] == [True, False, False],
)

# %% [markdown]
# ### Two modes
#
# In training, the mean of the batch is at hand. For one image at a time there is no batch, and the answer for an image should not depend on its
# neighbours. So the layer keeps *moving averages* while it trains, which take a small step towards each batch's mean and variance,
#
# $$\text{average} \leftarrow m \cdot \text{average} + (1 - m) \cdot \text{batch},$$
#
# and uses them for inference. The *momentum* $m$ says how slowly. The averages start at 0 and 1. After some steps, how far have they come?

# %%
for momentum in (0.9, 0.99):
    shares = [1 - momentum**steps for steps in (10, 30, 100, 500)]
    print(f"momentum {momentum}: after 10, 30, 100, 500 steps", [f"{share:.1%}" for share in shares])

# %% [markdown]
# With momentum 0.99, a network of thirty steps still normalises by averages that are three quarters made up. A training that looks well and a validation at
# chance, early on, is most often this. Our short trainings use 0.9.
#
# Now the two modes side by side: three batches of training, then inference, our layer against that of Keras.

# %%
largest = {"training": 0.0, "inference": 0.0}
for shape in [(64, 5), (16, 6, 7, 3)]:  # a dense layer's outputs, an image
    ours = layers.BatchNormFromScratch(momentum=0.9, epsilon=1e-3, dtype="float32")
    theirs = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-3, dtype="float32")
    for mode in ("training", "training", "training", "inference"):
        x = (3 + 2 * random.normal(size=shape)).astype("float32")
        pair = [keras.ops.convert_to_numpy(layer(x, training=mode == "training")) for layer in (ours, theirs)]
        largest[mode] = max(largest[mode], float(np.abs(pair[0] - pair[1]).max()))
lesson.claim(
    "09-from-scratch",
    "Twenty lines of batch normalisation equal that of Keras, in training and at inference.",
    source="Ioffe and Szegedy, 2015, algorithms 1 and 2",
    measured=", ".join(f"{mode}: difference below 1e-5 {value < 1e-5}" for mode, value in largest.items()),
    holds=max(largest.values()) < 1e-5,
)

# %% [markdown]
# ### The bias in front is dead weight
#
# A layer in front of batch normalisation adds a bias to each channel, and the normalisation subtracts the mean, the bias with it. Whatever the bias is, the
# output is the same, and so its gradient is zero. Convolutions in front of batch normalisation leave it out (`use_bias=False`).

# %%
shifted = batch_norm(batch + np.array([1.0, -20.0, 300.0, 0.5]), 1.0, 0.0, axes=(0, 1, 2))
print("equal outputs, whatever the bias:", np.allclose(shifted, versions["over N, H, W"]))

# %% [markdown]
# Likewise for the *scale* of the weights: ten times the kernel gives ten times the outputs, ten times their standard deviation, and after the
# division nothing has changed. This is the seed of much of what follows.

# %%
pixels = random.normal(size=(256, 20)).astype("float32")
kernel = keras.Variable(random.normal(size=(20, 8)), dtype="float32")
outputs = {}
for factor in (1, 10):
    products = pixels @ keras.ops.convert_to_numpy(kernel) * factor
    outputs[factor] = batch_norm(products, 1.0, 0.0, axes=0, epsilon=1e-9)
lesson.claim(
    "09-scale",
    "Batch normalisation takes out the scale of the weights in front of it.",
    source="Ioffe and Szegedy, 2015, section 3.3: BN(Wu) = BN((aW)u)",
    measured=f"ten times the kernel, equal outputs to 1e-4: {np.allclose(outputs[1], outputs[10], atol=1e-4)}",
    holds=bool(np.allclose(outputs[1], outputs[10], atol=1e-4)),
)

# %% [markdown]
# Here is LeNet with batch normalisation in front of each sigmoid, from plain Keras layers:

# %%
inputs = x = keras.Input((28, 28, 1))
for filters in (6, 16):
    x = keras.layers.Conv2D(filters, 5)(x)  # 24, 24, 6 and 8, 8, 16
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    x = keras.layers.Activation("sigmoid")(x)
    x = keras.layers.AveragePooling2D(2)(x)  # 12, 12, 6 and 4, 4, 16
x = keras.layers.Flatten()(x)  # 256
for units in (120, 84):
    x = keras.layers.Dense(units)(x)
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    x = keras.layers.Activation("sigmoid")(x)
by_hand = keras.Model(inputs, keras.layers.Dense(10)(x))
keras.utils.set_random_seed(seed)
network = networks.build("lenet5_bn", input_shape=(28, 28, 1), classes=10)
lesson.expect_same_function(by_hand, network)

# %% [markdown]
# ## The network
#
# It keeps the biases that we called dead, for this is the form in which textbooks train it and publish its counts; exercise 09-1 counts them.

# %%
table_of_network = inspect.layer_table(network)
print(table_of_network.weighted())

# %%
normalisations = table_of_network.frame[table_of_network.frame.type == "BatchNormalization"]
print(
    f"batch normalisation: {normalisations.params.sum()} of {table_of_network.total_params:,} trained parameters"
)
lesson.claim(
    "09-parameters",
    "LeNet with batch normalisation has 44,878 trained parameters.",
    source="arithmetic over the textbook form: unpadded 5x5 convolutions, 28x28 images",
    measured=f"{table_of_network.total_params:,}",
    holds=table_of_network.total_params == 44_878,
)

# %% [markdown]
# One parameter in a hundred, and next to no multiplications. The paper itself put batch normalisation into GoogLeNet, behind each of its convolutions:

# %%
bn_inception = inspect.layer_table(networks.outline("bn_inception"))
counts = bn_inception.frame.groupby("type").params.agg(["count", "sum"])
for kind in ("Conv2D", "BatchNormalization", "Dense"):
    print(f"{kind:19} {counts.loc[kind, 'count']:3} layers, {counts.loc[kind, 'sum']:10,} parameters")

# %% [markdown]
# And this is the figure that made it famous, from the paper's table: training steps, in millions, until a validation accuracy of 72.2 percent on
# ImageNet (2015). It is often quoted as "batch normalisation makes training 14 times faster". Compute what the table says:

# %%
steps_in_millions = {"Inception": 31.0, "with batch normalisation": 13.3, "and seven changes more": 2.1}
ratios = {name: steps_in_millions["Inception"] / steps for name, steps in steps_in_millions.items()}
for name, ratio in ratios.items():
    print(f"{name:25} {steps_in_millions[name]:5.1f} million steps, {ratio:5.1f} times fewer")
lesson.claim(
    "09-fourteen-times",
    "Batch normalisation by itself makes training 14 times faster.",
    source="often said of Ioffe and Szegedy, 2015, figure 3",
    measured=f"alone {ratios['with batch normalisation']:.1f} times fewer steps",
    holds=ratios["with batch normalisation"] >= 14,
)

# %% [markdown]
# Batch normalisation alone: a good factor of two. The rest came with seven further changes, among them a five times larger learning rate, no dropout, less weight
# decay, and better shuffling; batch normalisation *allowed* some of them. The claim fails, and the truth is still remarkable.
#
# | | paper | here |
# |---|---|---|
# | network | Inception with batch normalisation, 224x224x3 | LeNet with batch normalisation, 28x28x1 |
# | data | ImageNet | Fashion-MNIST |
# | place | between convolution and activation | the same |
# | bias in front | left out | kept, as in the textbooks' form |
# | inference | means over the training set | moving averages, momentum 0.9 |
# | epsilon | not told | 1e-5 |
# | training | SGD, momentum, on several machines | AdamW, one-cycle |

# %% [markdown]
# ## Training

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
plots.learning_curves({"lenet_bn": history})

# %% [markdown]
# Compare the first epoch with that of the sigmoid LeNet in lesson 04: that one spends its first steps at chance. The validation
# curve is the better check here than usual: the training curve is measured with the batch's own statistics, the validation curve with the moving averages.

# %% tags=["nbval-ignore-output"]
test = training.evaluate(network, images.test)
print(f"test accuracy {test['top1']:.4f}, among the five best {test['top5']:.4f}")

# %%
lesson.expect_between("test accuracy of LeNet with batch normalisation", test["top1"], 0.7, 0.95)

# %% [markdown]
# ## Looking inside
#
# What did the normalisations learn? The scales $\gamma$ started at one, the shifts $\beta$ at zero.

# %% tags=["nbval-ignore-output"]
learnt = {
    f"{name}, {part}": keras.ops.convert_to_numpy(getattr(network.get_layer(name), part))
    for part in ("gamma", "beta")
    for name in ("stage1_bn", "stage2_bn", "dense1_bn", "dense2_bn")
}
plots.distributions(learnt, x_label="value after training")

# %% [markdown]
# Read the upper four rows against one, the lower four against zero. A scale above one pushes a unit into the flat ends of its sigmoid,
# towards yes or no; a scale below one keeps it in the middle part, which is nearly a straight line. The network chooses for each channel, which it could not if all
# stayed at one.
#
# ### The batch as a source of noise
#
# In training mode the answer for an image depends on its batch. How much that matters, we see by classifying the validation images in training mode, in
# batches of different size. **Predict:** what happens with two images in a batch? With one?


# %%
def accuracy_by_batches(model, split, size, count=512):
    """Accuracy on `count` images in training mode, `size` at a time; the moving averages are put back."""
    kept = model.get_weights()
    pictures, labels = data.to_float(split.images[:count]), split.labels[:count]
    right = [
        keras.ops.convert_to_numpy(model(pictures[i : i + size], training=True)).argmax(axis=1)
        == labels[i : i + size]
        for i in range(0, count, size)
    ]
    model.set_weights(kept)
    return float(np.mean(np.concatenate(right)))


# %% tags=["nbval-ignore-output"]
sizes = [2, 4, 8, 16, 64, 256]
by_own_statistics = [accuracy_by_batches(network, images.validation, size) for size in sizes]
by_averages = float(
    np.mean(
        inspect.predict(network, images.validation.images[:512]).argmax(1) == images.validation.labels[:512]
    )
)
plots.lines(
    sizes,
    {"statistics of the batch": by_own_statistics, "moving averages": [by_averages] * len(sizes)},
    x_label="images in the batch",
    y_label="validation accuracy",
    x_log=True,
    chance=0.1,
)

# %%
lesson.expect_between(
    "accuracy lost by normalising two images at a time", by_averages - by_own_statistics[0], 0.05, 0.9
)

# %% [markdown]
# The line of the batch's own statistics climbs to that of the averages as the batch grows. With few images a mean is a poor estimate, and two images
# are told apart by which is the brighter: in each dense unit one of them becomes $+1$, the other one $-1$. With one image there is nothing left at all: it *is* the mean.

# %%
one_image = batch_norm(random.normal(size=(1, 6)), gamma=1.0, beta=0.25, axes=0)
print("a batch of one, after a dense layer:", one_image[0])

# %% [markdown]
# Every unit gives its $\beta$, whatever the image was. Group normalisation (2018) and layer normalisation, which do not look at the batch, were made for the cases
# where memory leaves room for only a few images.
#
# The worst mistakes of the trained network:

# %% tags=["nbval-ignore-output"]
logits = inspect.predict(network, images.validation.images)
probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
plots.worst_mistakes(
    images.validation.images, images.validation.labels, probabilities, images.class_names, count=12
)

# %% [markdown]
# They are the mistakes of the other lessons' networks: shirts, coats and pullovers. Normalisation changes how fast a LeNet gets here, not what a LeNet can see.
#
# ## Experiments
#
# ### Larger steps
#
# Two LeNets with ReLU, equal but for the normalisation, each trained for a few steps of plain SGD from the same start, with learning rates from small to absurd. We
# compile each network once and put the start's weights back before each trial.


# %%
def small_lenet(batch_norm, dropout=0.0):
    """LeNet with ReLU; normalisation behind each layer, or dropout behind the dense ones, or both."""
    keras.utils.set_random_seed(seed)
    inputs = x = keras.Input((28, 28, 1))

    def activate(x):
        x = keras.layers.BatchNormalization(momentum=0.9)(x) if batch_norm else x
        return keras.layers.ReLU()(x)

    for filters in (6, 16):
        x = activate(keras.layers.Conv2D(filters, 5, kernel_initializer="he_normal")(x))
        x = keras.layers.MaxPooling2D(2)(x)
    x = keras.layers.Flatten()(x)
    for units in (120, 84):
        x = activate(keras.layers.Dense(units, kernel_initializer="he_normal")(x))
        x = keras.layers.Dropout(dropout)(x) if dropout else x
    name = "lenet" + ("_bn" if batch_norm else "") + ("_dropout" if dropout else "")
    return keras.Model(inputs, keras.layers.Dense(10, name="scores")(x), name=name)


# %%
trial_pictures = data.to_float(few_images.train.images)
trial_labels = few_images.train.labels
held_out_pictures = data.to_float(few_images.validation.images[:500])
held_out_labels = few_images.validation.labels[:500]


def compiled(model):
    """Ready for trials by plain SGD; the weights of the start go with it."""
    model.compile(
        optimizer=keras.optimizers.SGD(0.1),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.start = model.get_weights()
    return model


def trial(model, rate, weights=None, size=64):
    """The loss at each step of a trial from `weights` (default: the model's start), and the accuracy at its end.

    A trial whose loss is no longer a number ends there."""
    model.set_weights(model.start if weights is None else weights)
    model.optimizer.learning_rate.assign(rate)
    order = np.random.default_rng(seed)
    losses = []
    while len(losses) < trial_steps and np.isfinite(losses).all():
        chosen = order.choice(len(trial_labels), size, replace=False)
        model.reset_metrics()
        losses.append(float(model.train_on_batch(trial_pictures[chosen], trial_labels[chosen])[0]))
    accuracy = model.evaluate(held_out_pictures, held_out_labels, batch_size=500, verbose=0)[1]
    return losses, float(accuracy)


# %% tags=["nbval-ignore-output"]
rates = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]
pair = {"lenet": compiled(small_lenet(False)), "lenet_bn": compiled(small_lenet(True))}
trials = {name: {rate: trial(model, rate) for rate in rates} for name, model in pair.items()}
plots.lines(
    rates,
    {name: [accuracy for _, accuracy in of_rate.values()] for name, of_rate in trials.items()},
    x_label="learning rate",
    y_label="validation accuracy after the trial",
    x_log=True,
    chance=0.1,
)

# %% [markdown]
# Follow each line to the right until it falls to chance. Where does each of the two have its best rate, and how wide is the range in which it works?
# A trial counts as learning if it ends above an accuracy of three in ten.

# %%
largest_rate = {
    name: max((rate for rate, (_, accuracy) in of_rate.items() if accuracy > 0.3), default=rates[0] / 3)
    for name, of_rate in trials.items()
}
factor_of_rates = largest_rate["lenet_bn"] / largest_rate["lenet"]
lesson.claim(
    "09-learning-rate",
    "With batch normalisation a network learns at learning rates at which it does not without.",
    source="Ioffe and Szegedy, 2015, section 3.3",
    measured=f"largest rate that learns: {largest_rate['lenet']:g} without, {largest_rate['lenet_bn']:g} with",
    difference=float(np.log10(factor_of_rates)),
)

# %% [markdown]
# A reason was computed above: the function does not depend on the scale of the weights. A step that is too large makes the weights large, large
# weights make the gradient *small* (ten times the weights, a tenth of the gradient, for the same outputs), and the steps tame themselves. The last layer
# has no normalisation behind it, so there is a limit still.
#
# ### Fewer steps to the same loss
#
# How many steps does each network need until its loss has fallen below one, at the same rate and each at its best rate? Losses of single batches jump, so we look at the mean of
# ten steps. **Predict:** nearer to 2, or nearer to 14 times fewer?


# %%
def smoothed(losses):
    """Mean over the last ten steps, from the tenth step on."""
    return np.convolve(losses, np.ones(10) / 10, mode="valid")


def steps_to(losses, goal=1.0):
    """Steps until the smoothed loss is below `goal`; twice the length of the trial if it never is."""
    below = np.flatnonzero(smoothed(losses) < goal) if len(losses) == trial_steps else []
    return int(below[0]) + 10 if len(below) else 2 * trial_steps


steps_needed = {
    name: {rate: steps_to(losses) for rate, (losses, _) in of_rate.items()}
    for name, of_rate in trials.items()
}
best_rate = {name: min(of_rate, key=of_rate.get) for name, of_rate in steps_needed.items()}

# %% tags=["nbval-ignore-output"]
shown = {
    "lenet": smoothed(trials["lenet"][best_rate["lenet"]][0]),
    "lenet_bn": smoothed(trials["lenet_bn"][best_rate["lenet_bn"]][0]),
    "lenet_bn, same rate": smoothed(trials["lenet_bn"][best_rate["lenet"]][0]),
}
plots.lines(range(10, trial_steps + 1), shown, x_label="step", y_label="training loss, mean of ten steps")

# %% tags=["nbval-ignore-output"]
for name, of_rate in steps_needed.items():
    print(name, {f"rate {rate:g}": steps for rate, steps in of_rate.items()})

# %%
ratio_best = steps_needed["lenet"][best_rate["lenet"]] / steps_needed["lenet_bn"][best_rate["lenet_bn"]]
ratio_same = steps_needed["lenet"][best_rate["lenet"]] / steps_needed["lenet_bn"][best_rate["lenet"]]
lesson.claim(
    "09-steps",
    "Batch normalisation reaches a given training loss in fewer steps, each network at its best learning rate.",
    source="Ioffe and Szegedy, 2015, figure 3: alone 2.3 times fewer",
    measured=f"{ratio_best:.1f} times fewer steps at the best rates, {ratio_same:.1f} at the same rate",
    difference=float(np.log2(ratio_best)),
)

# %% [markdown]
# A count of `2 * trial_steps` in the table means: never. Compare the ratio with the paper's 2.3, not with 14. A shallow network that starts well has
# less to win than a deep one: see the deep sigmoid network below. And count seconds, not steps, before you call it faster: on a processor, the
# normalisation of large maps takes a good part of the time of the convolution in front of it.
#
# ### The start stops mattering
#
# The same two networks from the same start, with all kernels multiplied by a factor. **Predict:** two lines over four powers of ten.

# %% tags=["nbval-ignore-output"]
factors = [0.01, 0.1, 1.0, 10.0, 100.0]


def scaled_start(model, factor):
    """The start's weights with each kernel in front of the last layer multiplied."""
    return [
        value * factor if variable.path.endswith("kernel") and "scores" not in variable.path else value
        for variable, value in zip(model.weights, model.start, strict=True)
    ]


by_start = {
    name: [trial(model, 0.1, scaled_start(model, factor))[1] for factor in factors]
    for name, model in pair.items()
}
plots.lines(
    factors,
    by_start,
    x_label="factor on the kernels of the start",
    y_label="validation accuracy after the trial",
    x_log=True,
    chance=0.1,
)

# %%
spread = {name: max(values) - min(values) for name, values in by_start.items()}
lesson.claim(
    "09-start",
    "With batch normalisation the scale of the first weights matters less.",
    source="Ioffe and Szegedy, 2015, section 3.3",
    measured=f"spread of the accuracy over the starts: {spread['lenet']:.3f} without, {spread['lenet_bn']:.3f} with",
    difference=spread["lenet"] - spread["lenet_bn"],
)

# %% [markdown]
# The outputs of the normalised network do not depend on the factor, but its *steps* do: kernels a hundred times as large get gradients a hundred times as small, and
# hardly turn in so few steps. Kernels that are much too small turn by too much at first. So the line with normalisation is not level at its ends, but compare the other one.
#
# ### A deep sigmoid network
#
# Lesson 03 showed why nobody trains twenty layers of sigmoids: each multiplies the gradient by a quarter at most. The paper trained its Inception with sigmoids all the same (2015, section 4.2.2). Ours has nine
# convolutions of sixteen channels.


# %%
def deep_sigmoid(batch_norm, depth=9, channels=16):
    """`depth` convolutions with sigmoids, the first one at stride 3; the name tells about the normalisation."""
    keras.utils.set_random_seed(seed)
    inputs = x = keras.Input((28, 28, 1))
    for i in range(1, depth + 1):
        x = keras.layers.Conv2D(channels, 3, strides=3 if i == 1 else 1, padding="same", name=f"conv{i}")(
            x
        )  # 10, 10
        x = keras.layers.BatchNormalization(momentum=0.9)(x) if batch_norm else x
        x = keras.layers.Activation("sigmoid", name=f"sigmoid{i}")(x)
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D(2)(x))  # 5, 5, 16
    return keras.Model(
        inputs, keras.layers.Dense(10, name="scores")(x), name=f"deep_{'with' if batch_norm else 'without'}"
    )


deep_batch = 50
deep_recipe = training.Recipe(
    epochs=max(1, deep_steps * deep_batch // len(few_images.train.labels)),
    batch_size=deep_batch,
    optimizer="sgd",
    momentum=0.9,
    learning_rate=0.1,
)
deep_recipe.table()

# %% tags=["nbval-ignore-output"]
deep_histories = {}
for with_norm in (False, True):
    candidate = deep_sigmoid(with_norm)
    label = "with batch normalisation" if with_norm else "without"
    deep_histories[label] = training.train(candidate, few_images, deep_recipe, seed=seed, progress="none")
    lesson.add_run(f"deep sigmoid, {label}", candidate, deep_histories[label])
plots.learning_curves(deep_histories)

# %%
deep_ends = {label: h.validation_accuracy[-1] for label, h in deep_histories.items()}
deep_gain = deep_ends["with batch normalisation"] - deep_ends["without"]
lesson.claim(
    "09-deep-sigmoid",
    "A deep network of sigmoids trains with batch normalisation and stays at chance without.",
    source="Ioffe and Szegedy, 2015, section 4.2.2: at chance without, 69.8 percent with (ImageNet)",
    measured="validation accuracy " + ", ".join(f"{label} {end:.3f}" for label, end in deep_ends.items()),
    difference=deep_gain,
)

# %%
lesson.expect_between(
    "accuracy of the deep sigmoid network without normalisation", deep_ends["without"], 0.0, 0.3
)

# %% [markdown]
# The line without normalisation lies on chance. The input of each sigmoid is brought to variance one by the normalisation, so a good part of it falls where the
# sigmoid is steep, in each layer and at each step; without, each layer's outputs vary less than the layer's before, until nothing about the image is left.
# We can watch that at the start, as the spread of each layer's outputs over the images:

# %%
spreads = {}
for with_norm in (False, True):
    fresh = deep_sigmoid(with_norm)
    taps = keras.Model(fresh.input, [fresh.get_layer(f"sigmoid{i}").output for i in range(1, 10)])
    outputs = taps(trial_pictures[:64], training=True)
    label = "with batch normalisation" if with_norm else "without"
    spreads[label] = [float(keras.ops.convert_to_numpy(y).std(axis=0).mean()) for y in outputs]
plots.lines(
    range(1, 10),
    spreads,
    x_label="layer",
    y_label="spread of the outputs over the images",
    y_log=True,
)

# %%
lesson.expect_between(
    "spread of the last layer over the first, without",
    spreads["without"][-1] / spreads["without"][0],
    0.0,
    0.05,
)
lesson.expect_between(
    "spread of the last layer over the first, with",
    spreads["with batch normalisation"][-1] / spreads["with batch normalisation"][0],
    0.3,
    3.0,
)

# %% [markdown]
# One line falls by powers of ten, the other one keeps its height. An image's trace that is lost on the way forward is lost on the way back, too.
#
# ### Batch normalisation against dropout
#
# The paper left dropout out and found that normalisation regularises by itself: an image sees other companions in each epoch, and their statistics
# are a noise. Does it replace dropout? Four networks, a small training set, where regularisation should count.

# %%
dropout_recipe = training.Recipe(
    epochs=dropout_epochs, batch_size=50, optimizer="adamw", learning_rate=0.004, schedule="one_cycle"
)
dropout_recipe.table()

# %% tags=["nbval-ignore-output"]
regularised = {}
for label, options in {
    "neither": (False, 0.0),
    "dropout": (False, 0.5),
    "batch normalisation": (True, 0.0),
    "both": (True, 0.5),
}.items():
    candidate = small_lenet(*options)
    regularised[label] = training.train(candidate, few_images, dropout_recipe, seed=seed, progress="none")
    lesson.add_run(f"regularised by {label}", candidate, regularised[label])
ends = {label: h.validation_accuracy[-1] for label, h in regularised.items()}
plots.bars(ends, x_label="validation accuracy", y_label="regularised by", number_format="{:.3f}")

# %%
lesson.claim(
    "09-dropout",
    "Batch normalisation instead of dropout gives the better accuracy.",
    source="Ioffe and Szegedy, 2015, section 4.2.1: Inception with normalisation needs no dropout",
    measured="validation accuracy " + ", ".join(f"{label} {end:.4f}" for label, end in ends.items()),
    difference=ends["batch normalisation"] - ends["dropout"],
)

# %% [markdown]
# Two comparisons are in these bars: normalisation against dropout, and both against one of them. In so short a training, dropout also costs speed: half of the dense units rest
# at each step, so the network without it is further along. A longer training is the fairer test for dropout; run the lesson with `dropout_epochs=20` to see it.
#
# ### Small batches
#
# Batches of two in *training*, from the same start, with the same number of images seen. The rate goes down with the batch.


# %% tags=["nbval-ignore-output"]
def trial_of_images(model, size, rate, count):
    """Accuracy after `count` images in batches of `size`."""
    model.set_weights(model.start)
    model.optimizer.learning_rate.assign(rate)
    order = np.random.default_rng(seed).permutation(len(trial_labels))[:count]
    for i in range(0, count, size):
        model.train_on_batch(trial_pictures[order[i : i + size]], trial_labels[order[i : i + size]])
    return float(model.evaluate(held_out_pictures, held_out_labels, batch_size=500, verbose=0)[1])


seen = min(1000, len(trial_labels))
batch_sizes = {2: 0.01, 8: 0.03, 32: 0.1}  # and their rates
by_size = {
    name: [trial_of_images(model, size, rate, seen) for size, rate in batch_sizes.items()]
    for name, model in pair.items()
}
plots.lines(
    list(batch_sizes),
    by_size,
    x_label="images in a batch of the training",
    y_label="validation accuracy",
    chance=0.1,
)

# %%
gains = [
    with_norm - without for with_norm, without in zip(by_size["lenet_bn"], by_size["lenet"], strict=True)
]
lesson.claim(
    "09-small-batches",
    "What batch normalisation gains is lost when the batches are very small.",
    source="Ioffe, Batch renormalization, 2017; Wu and He, Group normalization, 2018",
    measured="gain in batches of 2, 8, 32: " + ", ".join(f"{gain:+.3f}" for gain in gains),
    difference=gains[-1] - gains[0],
)

# %% [markdown]
# Look at the distance of the lines from right to left. Where the normalised network falls behind the plain one, its means come from two images.
#
# ## Why does it work?
#
# *What is known.* It takes out the scale of the weights (computed above), so that the network sets its own effective step; it allows larger learning rates (measured above, if your run agrees); it keeps signals alive through
# deep stacks (measured above); and its noise regularises.
#
# *What is not.* The paper's explanation was that it reduces "internal covariate shift", the drift of each layer's inputs during training. Experiments of 2018 (Santurkar and
# others, "How does batch normalization help optimization?") added random shifts *behind* the normalisation, so that the drift was larger than without, and the networks trained as well as before; their explanation is
# a smoother loss. Others hold that the larger steps themselves are the point, or the effective learning rate. There is no agreed proof.
#
# You may read that batch normalisation won the Test of Time award of NeurIPS 2017. It did not: the award went to Rahimi and Recht's paper of 2007 on random features, and the
# talk of the winners named batch normalisation as an example of a method in wide use whose explanation had never been established.
#
# ## Recap
#
# - Batch normalisation gives each channel mean zero and variance one over N, H and W, then a learnt scale and shift.
# - It has two modes: the batch's statistics in training, moving averages at inference. Early on, a high momentum makes the two disagree.
# - It takes out the bias and the scale of the weights in front of it.
# - It allows larger steps, deep sigmoid networks and careless starts; by itself it was worth a factor of two in steps in the paper, not fourteen.
# - An answer in training depends on the batch, and very small batches spoil it.
# - What the next network changes: with normalisation, twenty layers train. With fifty, even the *training* error becomes worse than with twenty. Residual networks mend that.

# %% tags=["nbval-ignore-output"]
lesson.record(
    network=network,
    history=history,
    test=test,
    data=images,
    accuracy_by_learning_rate={
        name: {f"{rate:g}": accuracy for rate, (_, accuracy) in of_rate.items()}
        for name, of_rate in trials.items()
    },
    accuracy_by_start=by_start,
    accuracy_by_batch_size=by_size,
)

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. `lesson.hint("09-1")` helps, `lesson.solution("09-1")` shows a way.
#
# **09-1.** How many of the parameters of our network are biases that stand in front of a batch normalisation, and do nothing?

# %%
answer = None
lesson.check("09-1", answer)

# %% [markdown]
# **09-2.** A channel has the values 1, 3, 5 and 7 in a batch. With $\gamma = 2$, $\beta = 10$ and $\epsilon = 0$, what does batch normalisation in training mode make of the 7?

# %%
answer = None
lesson.check("09-2", answer)

# %% [markdown]
# **09-3.** A moving average starts at 0, each batch has the mean 4, and the momentum is 0.9. What is the average after three steps?

# %%
answer = None
lesson.check("09-3", answer)

# %% [markdown]
# **09-4 (code).** Write `normalise(images, gamma, beta, epsilon)` in NumPy for images (N, H, W, C), in training mode.

# %%
normalise = None
lesson.check("09-4", normalise)

# %% [markdown]
# **09-5 (code).** At inference a normalisation behind a convolution is a fixed scale and shift for each channel, which can be folded into the convolution. Write
# `fold(kernel, bias, gamma, beta, mean, variance, epsilon)`, which gives the kernel (k, k, C, D) and bias (D,) of one convolution that does the work of both.

# %%
fold = None
lesson.check("09-5", fold)

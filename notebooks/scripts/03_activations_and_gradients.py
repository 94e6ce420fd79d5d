# %% [markdown]
# # 03 Activations and gradients: how the error finds its way back
#
# A network learns from gradients, and a gradient reaches the first layer by a product with one factor for each layer above.
# Factors a little below one make it vanish, factors a little above one make it explode. This lesson measures that product:
# what activations, initial weights, normalisation and skips do to it, and which steps the gradient is then used for.
#
# *Papers:* X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010);
# K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers" (2015).
#
# **What you will learn**
# - softmax and cross-entropy, and why a regression ends in a linear layer
# - eight activations with their slopes, what saturation is, and when a unit dies
# - why the start of the weights decides whether a deep network learns at all
# - the gradient of every layer of a network of twenty, for 24 ways to build it
# - SGD, momentum, weight decay and clipping, and what the memory of a training is spent on
#
# **You need** lessons 01 and 02, or: what a convolution, pooling and a gradient are.
# **Time:** under a minute of computing at budget `quick`, about a minute at `cpu`; 60 minutes to read.

# %% tags=["parameters"]
budget: str = "quick"  # label of the budget: quick, cpu or gpu
seed: int = 0  # of weights and order of images
threads: int = 2  # CPU threads of the arithmetic
precision: str = "float32"  # float32, mixed_bfloat16 or auto
train_examples: int | None = 2500  # training images of the deep network; None for all
validation_examples: int = 2000  # images to compare choices with
experiment_examples: int = 1500  # training images of each network of an experiment, at most train_examples
epochs: int = 4  # passes over the training images, deep network
experiment_epochs: int = 10  # most passes of the race between ReLU and tanh
clip_epochs: int = 2  # passes of the training that is clipped
race_learning_rates: list = [0.02, 0.05]  # what each activation may choose from
batch_size: int = 32  # images a step, deep network
learning_rate: float = 0.006  # peak of the one-cycle schedule

# %% tags=["nbval-ignore-output"]
from cnnlib import lesson, data, inspect, layers, networks, plots, training

import keras
import numpy as np
from keras import ops

lesson.begin("03_activations_and_gradients", budget=budget, seed=seed, threads=threads, precision=precision)

# %% [markdown]
# ## The problem: a product of many factors
#
# Do a little less than yesterday, each day for a year; or a little more:

# %%
print(f"0.99 ** 365 = {0.99**365:.4f}")
print(f"1.01 ** 365 = {1.01**365:.4f}")
days = np.arange(0, 366, 5)
plots.lines(
    days,
    {f"factor {factor}": factor**days for factor in (1.1, 1.01, 1.0, 0.99, 0.9)},
    x_label="number of factors",
    y_label="their product",
    y_log=True,
)

# %% [markdown]
# The axis is logarithmic, so that each product is a straight line. Only the factor one stays where it is; everything else goes, sooner
# or later, to zero or beyond all bounds.
#
# A network is such a product. Take the smallest deep network there is: one unit a layer, $x_{i+1} = f(w\,x_i)$. By the *chain rule* its gradient is
#
# $$ \frac{\partial x_n}{\partial x_0} = \prod_i w\, f'(w\,x_i), $$
#
# one factor for each layer. **Predict:** with the sigmoid $f(z) = 1/(1+e^{-z})$ and $w = 1$, how much of the gradient is left after 20 layers?

# %%
value, factors = 0.5, []
for _ in range(20):
    value = 1 / (1 + np.exp(-value))
    factors.append(value * (1 - value))  # the slope of the sigmoid, by its own value


def chain_of_sigmoids(x, depth=20):
    for _ in range(depth):
        x = ops.sigmoid(x)
    return ops.sum(x)


by_backend = float(inspect.input_gradient(chain_of_sigmoids, np.array([0.5], "float32"))[0])
print(f"the first factors: {factors[0]:.3f}, {factors[1]:.3f}, {factors[2]:.3f}")
print(f"their product:     {np.prod(factors):.2e}")
lesson.expect_between(
    "automatic differentiation, by this product", by_backend / np.prod(factors), 0.999, 1.001
)

# %% [markdown]
# A step along such a gradient changes nothing. The first layers of a network are those that look at the picture, and they are the last to hear what was
# wrong. Whether they hear anything depends on three things that we can choose: the slope $f'$, the size of the weights $w$, and the plan of the network.

# %% [markdown]
# ## The block: an activation and its slope
#
# ### Where gradients begin: softmax and cross-entropy
#
# A classifier's last layer gives *scores*, one number for each class, of any size. *Softmax* makes probabilities of them: raise $e$ to each score, divide by the sum. The loss
# is the *cross-entropy*: minus the logarithm of the probability that the true class got.


# %%
def softmax(scores):
    """Probabilities (N, classes) of scores (N, classes)."""
    powers = np.exp(
        scores - scores.max(axis=-1, keepdims=True)
    )  # the largest power is 1: nothing can overflow
    return powers / powers.sum(axis=-1, keepdims=True)


def cross_entropy(scores, labels):
    """Loss (N,) in nats."""
    return -np.log(softmax(scores)[np.arange(len(labels)), labels])


scores = np.array([[2.0, 1.0, -1.0]])
for label in range(3):
    loss = cross_entropy(scores, np.array([label]))[0]
    print(
        f"probability of class {label}: {softmax(scores)[0, label]:.3f}, loss if it is the true one: {loss:.3f}"
    )
print("all scores raised by 1000, same probabilities:", np.allclose(softmax(scores), softmax(scores + 1000)))
print(f"loss of a network that knows nothing about ten classes: {np.log(10):.3f}")

# %% [markdown]
# Only differences of scores matter. Keep the last number in mind: a training whose loss stays at it has not begun.
#
# The gradient is the nicest in this course: *probability minus truth*, $p - y$, with $y$ one at the true class and zero elsewhere. **Predict** its three
# numbers for the scores above if the true class is 1.

# %%
truth = np.array([[0.0, 1.0, 0.0]])
by_formula = softmax(scores) - truth


def keras_loss(x):
    return ops.sum(ops.categorical_crossentropy(truth.astype("float32"), x, from_logits=True))


print("probability minus truth:", by_formula.round(3)[0], "sum", abs(by_formula.sum().round(6)))
difference = np.abs(inspect.input_gradient(keras_loss, scores.astype("float32")) - by_formula).max()
lesson.expect_between("automatic differentiation, difference", difference, 0, 1e-5)

# %% [markdown]
# The network is pushed to raise the true class by as much as it lacks, and to lower the others by as much as they have. A wrong answer always makes a large gradient.
#
# ### Regression: a linear output
#
# If the answer is a number, not a class (*regression*), the usual loss is the squared error, and the last layer gets *no* activation. Two reasons. A sigmoid
# can say nothing below 0 or above 1. And its slope stands in the gradient: here is what arrives at the score $z$ if the target is 1, divided by two for the squares.

# %%
z = np.linspace(-8, 8, 81)
sigmoid = 1 / (1 + np.exp(-z))
arriving = {
    "sigmoid, squared error": (sigmoid - 1) * sigmoid * (1 - sigmoid),
    "sigmoid, cross-entropy": sigmoid - 1,
    "linear, squared error": np.clip(z - 1, -2, 2),
}
print(f"at z = -8, wrong and sure of it: {', '.join(f'{g[0]:.5f}' for g in arriving.values())}")
plots.lines(z, arriving, x_label="score z, target 1", y_label="gradient (linear: cut off at 2)")

# %% [markdown]
# Start at the left, where the answer is most wrong. The sigmoid with squared error gets next to no gradient there: it is *saturated*, sure and wrong, and cannot leave. With the cross-entropy
# the gradient is full; with a linear output it even grows with the error. A best fit of the line $y = 3x - 1$ shows the other reason:

# %%
x_line = np.linspace(0, 1, 50)
y_line = 3 * x_line - 1
slope_and_shift = np.linalg.lstsq(np.column_stack([x_line, np.ones(50)]), y_line, rcond=None)[0]
best_linear = np.mean((np.column_stack([x_line, np.ones(50)]) @ slope_and_shift - y_line) ** 2)
best_of_sigmoid = np.mean((np.clip(y_line, 0, 1) - y_line) ** 2)
print(f"squared error of a linear output:                      {best_linear:.3f}")
print(f"what no output between 0 and 1 can go below, whatever:  {best_of_sigmoid:.3f}")

# %% [markdown]
# ### Squashing functions, and saturation
#
# Inside of the network an activation is needed: without it two layers would be one linear map. The oldest are the sigmoid, from 0 to 1, and the
# *tanh*, from -1 to 1. **Predict:** where are they steepest, and how steep?


# %%
def slope(activation, x):
    """Slope of an activation at the numbers x (N,), by automatic differentiation."""
    return inspect.input_gradient(lambda t: ops.sum(activation(t)), np.asarray(x, "float32"))


squashing = {"sigmoid": ops.sigmoid, "tanh": ops.tanh}
curves = {}
for name, activation in squashing.items():
    curves[name] = ops.convert_to_numpy(activation(z.astype("float32")))
    curves[f"slope of {name}"] = slope(activation, z)
plots.lines(z, curves, x_label="input of the unit", y_label="output, slope")

# %%
steepest = {name: float(slope(activation, z).max()) for name, activation in squashing.items()}
lesson.claim(
    "03-sigmoid-quarter",
    "The slope of the sigmoid is at most 1/4; that of tanh is at most 1.",
    source="arithmetic: s (1 - s) has its maximum at s = 1/2",
    measured=f"sigmoid {steepest['sigmoid']:.4f}, tanh {steepest['tanh']:.4f}, both at 0",
    holds=abs(steepest["sigmoid"] - 0.25) < 1e-6 and abs(steepest["tanh"] - 1) < 1e-6,
)
for point in (0, 2, 4, 8):
    print(
        f"input {point}: slope of sigmoid {slope(ops.sigmoid, [point])[0]:.5f}, of tanh {slope(ops.tanh, [point])[0]:.5f}"
    )

# %% [markdown]
# Both bells are high in the middle only. A unit whose input is far from zero is *saturated*: its output hardly changes, whatever comes, and its slope lets nothing through. And the sigmoid loses three quarters
# even at its best. Its outputs are never negative, too, so that the next layer gets inputs of one sign.
#
# ### Rectifiers
#
# The *rectified linear unit* (ReLU) is $\max(x, 0)$: slope one or zero, no saturation on the right. Its relatives let something through on the left:
#
# | name | for negative x | |
# |---|---|---|
# | ReLU | 0 | |
# | leaky | a small fixed share of x, here a tenth | Maas and others (2013) |
# | PReLU | a share of x that is *learnt*, one for each channel | He and others (2015) |
# | RReLU | a share drawn *at random*, uniform between two bounds, in training; its mean afterwards | Xu and others (2015) |
# | ELU | $e^x - 1$: smooth, and never below -1 | Clevert and others (2016) |
# | maxout | the largest of several linear maps | Goodfellow and others (2013) |
#
# We write each with NumPy and hold it against the layer of Keras, or of this course where Keras has none.

# %%
by_hand = {
    "ReLU": lambda x: np.maximum(x, 0),
    "leaky": lambda x: np.where(x > 0, x, 0.1 * x),
    "PReLU": lambda x: np.where(x > 0, x, 0.25 * x),
    "RReLU": lambda x: np.where(x > 0, x, (1 / 8 + 1 / 3) / 2 * x),
    "ELU": lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1),
}
rectifiers = {
    "ReLU": keras.layers.ReLU(),
    "leaky": keras.layers.LeakyReLU(negative_slope=0.1),
    "PReLU": keras.layers.PReLU(alpha_initializer=keras.initializers.Constant(0.25)),
    "RReLU": layers.RReLU(),
    "ELU": keras.layers.ELU(),
}
x = np.linspace(-4, 4, 80).astype("float32")
values = {name: ops.convert_to_numpy(layer(x[:, None]))[:, 0] for name, layer in rectifiers.items()}
largest = max(np.abs(values[name] - formula(x)).max() for name, formula in by_hand.items())
lesson.expect_between("layers and formulas, largest difference", largest, 0, 1e-6)

# %%
plots.lines(x, values, x_label="input of the unit", y_label="output of the unit")

# %% [markdown]
# On the right all are one line, the identity. On the left they differ by how much they let through: nothing, a share, or, with the ELU, less and less.

# %%
slopes = {
    name: slope(lambda t, layer=layer: layer(t[:, None])[:, 0], x) for name, layer in rectifiers.items()
}
plots.lines(x, slopes, x_label="input of the unit", y_label="slope")

# %% [markdown]
# Only the ReLU's slope is zero on the whole left half; the ELU's falls towards zero and gets there in the end as well: it saturates, on one side.
#
# Two of them learn or draw something. How many weights does a PReLU have on maps of 16 channels, and which slopes does a randomised ReLU draw? The
# sources of many notes say "random", the paper says how: uniform.

# %%
maps = np.full((1, 100, 100, 1), -1, "float32")
one_for_a_channel = keras.layers.PReLU(shared_axes=[1, 2])
one_for_a_channel.build((None, 14, 14, 16))
print(
    "weights of a PReLU on 14x14 maps of 16 channels, shared over places:", one_for_a_channel.count_params()
)

keras.utils.set_random_seed(0)
drawn = np.sort(-ops.convert_to_numpy(layers.RReLU()(maps, training=True)).ravel())
afterwards = -float(ops.convert_to_numpy(layers.RReLU()(maps, training=False)).mean())
expected = np.linspace(1 / 8, 1 / 3, len(drawn))  # sorted uniform numbers would lie on this line
off = float(np.abs(drawn - expected).max() / (1 / 3 - 1 / 8))
lesson.claim(
    "03-rrelu-uniform",
    "The randomised ReLU draws its slope from a uniform distribution, and uses the mean slope afterwards.",
    source="Xu et al., 2015, who divide by a number drawn uniformly from 3 to 8; here the slope itself is uniform",
    measured=f"10,000 slopes between 1/8 and 1/3; off the straight line by less than 0.03 of the range: {off < 0.03}; "
    f"afterwards {afterwards:.4f}",
    holds=drawn[0] >= 1 / 8 and drawn[-1] <= 1 / 3 and off < 0.03 and abs(afterwards - 11 / 48) < 1e-6,
)

# %% [markdown]
# *Maxout* has no formula of its own: it takes the maximum of linear maps that are learnt, twice the weights for two pieces, and becomes what it needs. With the maps $x$ and $0$ it is
# the ReLU; with $x$ and $-x$ the magnitude, which no rectifier can be.

# %%
maxout = layers.Maxout(pieces=2)
for name, (first, second) in {"x and 0": (1, 0), "x and 0.1 x": (1, 0.1), "x and -x": (1, -1)}.items():
    pieces = np.array([[-2.0], [-1.0], [1.0], [3.0]], "float32") * np.array([[first, second]], "float32")
    print(f"maxout of {name:12}", ops.convert_to_numpy(maxout(pieces)).ravel())

# %% [markdown]
# ### The start of the weights: Glorot and He
#
# The other factor is the weight. A unit adds up $n$ inputs (its *fan-in*) times weights of variance $v$; its variance is $n\,v$ times that of an input. To keep the signal's size from layer to layer, $n\,v$ should be
# one. *Glorot's* start (2010) does this: $v = 2 / (n_\text{in} + n_\text{out})$, the mean of what forward and backward pass would like, derived for units that are linear near zero.
# A ReLU throws away the negative half, and with it half of the mean square. *He's* start (2015) makes up for that: $v = 2 / n_\text{in}$.
#
# **Predict:** after 20 layers of ReLU with Glorot's start, how much of the mean square is left?

# %%
WIDTH, DEPTH = 800, 20
random = np.random.default_rng(0)
unit_weights = [random.normal(size=(WIDTH, WIDTH)) for _ in range(DEPTH)]  # of variance 1, to be scaled
signal_in = random.normal(size=(64, WIDTH))


def sizes_by_layer(activation, variance):
    """Mean square of the signal before the first and after each layer, (DEPTH + 1,), for weights of the given variance."""
    signal, sizes = signal_in, [np.mean(signal_in**2)]
    for weights in unit_weights:
        signal = activation(signal @ weights * np.sqrt(variance))
        sizes.append(np.mean(signal**2))
    return np.array(sizes)


def relu(x):
    return np.maximum(x, 0)


glorot, he = 2 / (WIDTH + WIDTH), 2 / WIDTH
sizes = {
    "ReLU, He": sizes_by_layer(relu, he),
    "ReLU, Glorot": sizes_by_layer(relu, glorot),
    "ReLU, 0.01": sizes_by_layer(relu, 0.01**2),
    "ReLU, twice He": sizes_by_layer(relu, 2 * he),
    "tanh, Glorot": sizes_by_layer(np.tanh, glorot),
}
plots.lines(range(DEPTH + 1), sizes, x_label="layer", y_label="mean square of the signal", y_log=True)

# %%
kept = {name: values[-1] / values[1] for name, values in sizes.items()}
lesson.claim(
    "03-he-start",
    "He's start keeps the mean square of a ReLU network's signal from layer to layer; Glorot's start halves it in each.",
    source="He et al., 2015, section 2.2; here 20 dense layers of 800 units",
    measured=f"after 19 layers He keeps it within a factor of 5: {0.2 < kept['ReLU, He'] < 5}; "
    f"Glorot leaves 2^-19 of it within a factor of 8: {abs(np.log2(kept['ReLU, Glorot']) + 19) < 3}",
    holds=0.2 < kept["ReLU, He"] < 5 and abs(np.log2(kept["ReLU, Glorot"]) + 19) < 3,
)

# %% [markdown]
# He's line is level. Glorot's falls by one half a layer with ReLU, yet it serves tanh well, for which it was made. A fixed standard deviation of 0.01, as networks of 2012 had it, fits one width only; and twice too much variance doubles
# the signal in every layer. With the squashing functions too large a start does not explode, it saturates. Look at the outputs of tanh layers for three starts:

# %%
outputs = {}
for name, variance in {"small": glorot / 4, "Glorot": glorot, "large": 9 * glorot}.items():
    signal = signal_in
    for number, weights in enumerate(unit_weights[:10], start=1):
        signal = np.tanh(signal @ weights * np.sqrt(variance))
        if number in (1, 5, 10):
            outputs[f"{name}, layer {number}"] = signal
saturated = {name: np.mean(np.abs(signal) > 0.95) for name, signal in outputs.items()}
for name in ("small", "Glorot", "large"):
    print(
        f"{name:7} share of saturated units (beyond 0.95) in layer 10: {saturated[f'{name}, layer 10']:.2f}"
    )
plots.distributions(outputs, x_label="output of tanh units")

# %% [markdown]
# Small weights: the outputs shrink to nothing, and gradients with them. Large ones: the outputs crowd at -1 and 1, where the slope is next to zero. Glorot's keep a spread. One can lose the gradient on both sides.

# %% [markdown]
# ## The network: twenty layers, built in 24 ways
#
# Now a convolutional network that is deep enough to show all this: nineteen 3x3 convolutions of 12 channels and a dense layer. The first convolution moves by two pixels, so that the rest works on 14 x 14. *Plain*
# means: one layer after the other. Two options belong to later lessons, and here we only want to see what they do to gradients: *batch normalisation* (lesson 09) brings each channel to mean zero and variance one
# before the activation; a *skip* (lesson 10) adds the input of each pair of layers to its output.

# %%
START = {"Glorot": "glorot_normal", "He": "he_normal"}


def deep_network(activation="relu", start="He", batch_norm=False, skip=False):
    """Nineteen convolutions and a dense layer: (28,28,1) -> 10 scores."""

    def unit(x, name, stride=1):
        if stride > 1:
            x = keras.layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
        x = keras.layers.Conv2D(
            12,
            3,
            strides=stride,
            padding="valid" if stride > 1 else "same",
            kernel_initializer=START[start],
            name=name,
        )(x)
        if batch_norm:
            x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
        return keras.layers.Activation(activation, name=f"{name}_{activation}")(x)

    inputs = keras.Input((28, 28, 1))
    x = unit(inputs, "conv01", stride=2)  # 14, 14, 12, and so on up to the last
    for number in range(2, 20, 2):
        before = x
        x = unit(unit(x, f"conv{number:02}"), f"conv{number + 1:02}")
        if skip:
            x = keras.layers.Add(name=f"add{number + 1:02}")([x, before])
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    scores = keras.layers.Dense(10, kernel_initializer=START[start], name="scores")(x)
    return keras.Model(inputs, scores, name=f"deep_{activation}")


keras.utils.set_random_seed(seed)
network = deep_network()
table_of_layers = inspect.layer_table(network)
print(table_of_layers.weighted())

# %% [markdown]
# Every layer but the first and the last has the same shape, so that their gradients can be compared. There is no paper behind this network; the paper behind the measurement has dense ones (Glorot and Bengio, 2010).
#
# ### The gradient of every layer
#
# We take a batch of pictures, the network at its start, and the gradient of the loss with respect to all weights. Its *norm*, layer by layer, is the root of the sum of squares. First the tool, and a test of it: change
# one weight by a little and see whether the loss changes as its gradient says.

# %%
images = data.load(
    "fashion_mnist", train_examples=train_examples, validation_examples=validation_examples, seed=0
)
few_images = data.Dataset(
    images.train.take(experiment_examples),
    images.validation,
    images.test,
    class_names=images.class_names,
    name=images.name,
    sha256=images.sha256,
)
batch = data.to_float(images.train.images[:32])
batch_labels = images.train.labels[:32]


def loss_of_weights(model, pictures, labels):
    """The mean loss as a function of all trainable weights, laid out in one long array; and that array."""
    shapes = [tuple(v.shape) for v in model.trainable_variables]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    begins = [0, *ends[:-1]]

    def loss(flat):
        variables = [
            ops.reshape(flat[int(b) : int(e)], shape)
            for b, e, shape in zip(begins, ends, shapes, strict=True)
        ]
        # Batch normalisation uses the statistics of this batch, as in training; the network itself is not changed.
        scores, _ = model.stateless_call(variables, model.non_trainable_variables, pictures, training=True)
        return ops.mean(keras.losses.sparse_categorical_crossentropy(labels, scores, from_logits=True))

    flat = np.concatenate([ops.convert_to_numpy(v).ravel() for v in model.trainable_variables])
    return loss, flat, list(zip(model.trainable_variables, begins, ends, strict=True))


def gradient_norms(model, pictures=batch, labels=batch_labels):
    """Norm of the gradient of each kernel, first layer first: (20,)."""
    loss, flat, places = loss_of_weights(model, pictures, labels)
    gradient = inspect.input_gradient(loss, flat)
    return np.array([np.linalg.norm(gradient[b:e]) for variable, b, e in places if variable.name == "kernel"])


loss, flat, places = loss_of_weights(network, batch, batch_labels)
gradient = inspect.input_gradient(loss, flat)
strongest, step = int(np.abs(gradient).argmax()), 0.002
moved = [flat.copy(), flat.copy()]
moved[0][strongest] -= step
moved[1][strongest] += step
low, high = (float(ops.convert_to_numpy(loss(weights))) for weights in moved)
lesson.expect_between(
    "gradient by the change of the loss", gradient[strongest] / ((high - low) / (2 * step)), 0.9, 1.1
)

# %% [markdown]
# Now all combinations: three activations, two starts, with and without normalisation, with and without skips; all from the same seed. **Predict:** in which of them will the first layer get the
# smallest gradient, and in which the largest?

# %%
norms = {}
for activation in ("sigmoid", "tanh", "relu"):
    for start in START:
        for batch_norm in (False, True):
            for skip in (False, True):
                keras.utils.set_random_seed(seed)
                candidate = deep_network(activation, start, batch_norm, skip)
                name = f"{activation} {start}{' BN' if batch_norm else ''}{' skip' if skip else ''}"
                norms[name] = gradient_norms(candidate)
print(f"{len(norms)} networks, {len(norms['relu He'])} gradient norms each")

# %% tags=["nbval-ignore-output"]
floor = 1e-14  # what float32 can still show
plots.heatmap(
    np.log10(np.maximum(np.stack(list(norms.values())), floor)),
    x_label="layer, from the picture to the scores",
    y_label="network",
    value_label="log10 of the gradient's norm",
    row_names=list(norms),
    column_names=[str(layer) for layer in range(1, 21)],
    number_format=None,
    diverging=True,
)

# %% [markdown]
# Each row is a network, read it from the right, where the gradient starts, to the left, where the picture is. White is a norm of one, each step of one in the colour's scale a factor of ten. Find the rows that turn dark blue on the
# way: plain sigmoid networks. The plain ReLU network with Glorot's start is pale blue all over: its signal has shrunk before the gradient even starts. And one row is red: skips without normalisation let the signal grow from sum to sum. Rows
# with BN are level, whatever the activation and the start.

# %%
plots.lines(
    range(1, 21),
    {
        name: np.maximum(norms[name], floor)
        for name in ("sigmoid Glorot", "sigmoid He", "tanh Glorot", "relu Glorot", "relu He", "relu He skip")
    },
    x_label="layer, from the picture to the scores",
    y_label="norm of the gradient",
    y_log=True,
)

# %% [markdown]
# Six of the rows as lines. Those of the sigmoid are steep and straight: a factor for each layer, as in the first figure of this lesson.

# %%
plain_sigmoid = [norms[name][0] / norms[name][18] for name in ("sigmoid Glorot", "sigmoid He")]
lesson.claim(
    "03-sigmoid-shrinks",
    "As the sigmoid's slope is at most 1/4, gradients shrink from layer to layer on their way back.",
    source="Glorot and Bengio, 2010, section 4; here 19 convolutions at their start",
    measured=f"first layer below 1e-6 of the last convolution: {max(plain_sigmoid) < 1e-6} for both starts",
    holds=max(plain_sigmoid) < 1e-6,
)

# %%
mended = [norms[name][0] / norms[name][18] for name in ("sigmoid Glorot BN", "sigmoid Glorot skip")]
lesson.expect_between("sigmoid with BN, first layer by last convolution", mended[0], 1e-3, 1e2)
lesson.expect_between("sigmoid with skips, the same", mended[1], 1e-3, 1e2)
lesson.expect_between("ReLU with He's start, the same", norms["relu He"][0] / norms["relu He"][18], 1e-2, 1e2)
lesson.expect_between(
    "ReLU, He: last convolution's norm by that with Glorot",
    norms["relu He"][18] / norms["relu Glorot"][18],
    30,
    1e6,
)
lesson.expect_between("ReLU, He, skips, no BN: norm of the middle layer", norms["relu He skip"][9], 5, 1e5)

# %% [markdown]
# So there is no law that sigmoids cannot be deep, and none that ReLU always can: slope, start, normalisation and plan work together. Large weights could even out the quarter, if the units did not saturate then.
#
# ### What the memory of a training is spent on
#
# The backward pass needs what the forward pass computed: the kernel's gradient of a convolution is a correlation of its error and its *input* (lesson 01). So all maps of all pictures of the batch are kept until the gradient has passed.
# Besides, there is each weight, its gradient, and its velocity (below). **Predict:** what takes more, with 128 pictures a step?

# %%
memory, share_of_maps = [], {}
for name in ("lenet5", "alexnet", "vgg16", "googlenet", "resnet50"):
    table = inspect.layer_table(networks.outline(name))
    rewritten = table.frame.type.isin(
        ["ReLU", "Activation", "Dropout", "Flatten", "ZeroPadding2D", "InputLayer"]
    )
    maps_mb = 128 * table.frame.activation_bytes[~rewritten].sum() / 1e6  # what a lean program would keep
    weights_mb = 3 * 4 * table.total_params / 1e6  # weights, gradients, velocities in float32
    share_of_maps[name] = maps_mb / (maps_mb + weights_mb)
    print(f"{name:10} weights, gradients, velocities {weights_mb:7,.0f} MB, feature maps {maps_mb:8,.0f} MB")
lesson.claim(
    "03-memory",
    "At 128 images a step most of the memory of a training goes to feature maps, in all of these networks but AlexNet.",
    source="counted over the layer tables; activations in place, nothing kept twice",
    measured=", ".join(f"{name} {share:.2f}" for name, share in share_of_maps.items()),
    holds=all((share > 0.5) == (name != "alexnet") for name, share in share_of_maps.items()),
)

# %%
plots.bars(share_of_maps, x_label="share of feature maps in the memory of a training")

# %% [markdown]
# Bars longer than one half: mostly maps. That is why a smaller batch is the first cure for a full memory, and why a program that only predicts needs so little: it can forget each map at once. AlexNet's exception are its dense layers, 58 million weights
# that make hardly any maps.

# %% [markdown]
# ## Training
#
# ### From gradients to steps: SGD, momentum, weight decay
#
# *Stochastic gradient descent* (SGD) takes the gradient of a small batch and goes a step against it, $w \leftarrow w - \eta\, g$, with the *learning rate* $\eta$. With *momentum* $\mu$ the steps keep a velocity,
# $v \leftarrow \mu\, v - \eta\, g$ and $w \leftarrow w + v$: what all steps have in common adds up, what goes to and fro cancels. *Weight decay* $\lambda$ takes a share $\eta\lambda$ off each weight at each step.
#
# The classical test is a long valley, $\frac12 (w_1^2 + 30\, w_2^2)$, thirty times as steep across as along. **Predict:** which learning rate is too high for plain SGD?


# %%
def valley(w):
    """Height of the valley at the places w (..., 2)."""
    return 0.5 * (w[..., 0] ** 2 + 30 * w[..., 1] ** 2)


def valley_gradient(w):
    return w * np.array([1.0, 30.0])


def descend(steps, learning_rate, momentum=0.0, decay=0.0, w=(8.0, 1.0)):
    """The places (steps + 1, 2) that SGD visits, with momentum and decoupled weight decay."""
    w, velocity = np.array(w), np.zeros(2)
    path = [w]
    for _ in range(steps):
        velocity = momentum * velocity - learning_rate * valley_gradient(w)
        w = w * (1 - learning_rate * decay) + velocity
        path.append(w)
    return np.array(path)


paths = {
    "SGD, 0.03": descend(60, 0.03),
    "SGD, 0.06": descend(60, 0.06),
    "SGD, 0.07": descend(60, 0.07),
    "momentum 0.9, 0.03": descend(60, 0.03, momentum=0.9),
}
for name, path in paths.items():
    print(f"{name:19} height after 60 steps {valley(path[-1]):.4g}")
plots.lines(
    range(61),
    {name: valley(path) for name, path in paths.items()},
    x_label="step",
    y_label="height in the valley",
    y_log=True,
)

# %% [markdown]
# The step across multiplies $w_2$ by $1 - 30\eta$: beyond $\eta = 2/30$ that is below $-1$, and the walk swings ever higher, the line that climbs. Below it, plain SGD creeps along the floor, the slower the
# smaller the rate. With momentum and the same small rate the walk swings, uphill at times, and gets further in the same number of steps. The steepest direction sets the limit of the rate, the flattest one the time that it takes: lesson 09 comes back to this.
#
# Is it what Keras does? We give Keras' optimiser the same gradients.

# %%
place = keras.Variable(np.array([8.0, 1.0], "float32"))
optimizer = keras.optimizers.SGD(0.03, momentum=0.9, weight_decay=0.1)
for _ in range(20):
    optimizer.apply(
        [ops.convert_to_tensor(valley_gradient(ops.convert_to_numpy(place)).astype("float32"))], [place]
    )
ours = descend(20, 0.03, momentum=0.9, decay=0.1)[-1]
difference = np.abs(ops.convert_to_numpy(place) - ours).max()
lesson.expect_between("our descent and Keras' after 20 steps, difference", difference, 0, 1e-4)

# %% [markdown]
# An older way to the same end adds $\frac{\lambda}{2} \lVert w \rVert^2$ to the loss (*L2 penalty*), so that the gradient grows by $\lambda w$. **Predict:** is that the same thing?


# %%
def descend_with_penalty(steps, learning_rate, momentum, penalty, w=(8.0, 1.0)):
    """As `descend`, with the penalty in the gradient instead of the decay; the last place (2,)."""
    w, velocity = np.array(w), np.zeros(2)
    for _ in range(steps):
        velocity = momentum * velocity - learning_rate * (valley_gradient(w) + penalty * w)
        w = w + velocity
    return w


for momentum in (0.0, 0.9):
    decayed = descend(20, 0.03, momentum, decay=0.1)[-1]
    penalised = descend_with_penalty(20, 0.03, momentum, penalty=0.1)
    print(
        f"momentum {momentum}: weight decay and L2 penalty give the same weights: {np.allclose(decayed, penalised)}"
    )

# %% [markdown]
# For plain SGD the two are one. With momentum the penalty enters the velocity and the decay does not, and with optimisers that scale each weight's step they differ even more (Loshchilov and Hutter, 2019). This course decays, and only kernels.
#
# ### Twenty layers learn, or not
#
# AdamW is SGD with momentum in which each weight's step is divided by the usual size of its own gradient: a cure for gradients that differ in size from layer to layer. Does it save the sigmoid network? We train the plain ReLU network with He's start, and the plain sigmoid network
# with Glorot's, by one recipe. **Predict** with the heatmap.

# %%
recipe = training.Recipe(
    epochs=epochs,
    batch_size=batch_size,
    optimizer="adamw",
    learning_rate=learning_rate,
    schedule="one_cycle",
    weight_decay=0.01,
)
recipe.table()

# %% tags=["nbval-ignore-output"]
norms_before = gradient_norms(network)
history = training.train(network, images, recipe, seed=seed)

# %% tags=["nbval-ignore-output"]
keras.utils.set_random_seed(seed)
deep_sigmoid = deep_network("sigmoid", "Glorot")
sigmoid_history = training.train(deep_sigmoid, images, recipe, seed=seed, progress="none")
lesson.add_run("deep, sigmoid, Glorot", deep_sigmoid, sigmoid_history)
plots.learning_curves({"ReLU, He": history, "sigmoid, Glorot": sigmoid_history})

# %% [markdown]
# Look at the sigmoid's loss and remember the number of a network that knows nothing. Its accuracy on the right is that of a guess. Dividing each step by the gradient's size does not help a layer that gets no signal, only the noise of rounding.

# %%
lesson.expect_between(
    "validation accuracy of the deep sigmoid network", sigmoid_history.validation_accuracy[-1], 0.05, 0.3
)
ahead = history.validation_accuracy[-1] - sigmoid_history.validation_accuracy[-1]
lesson.claim(
    "03-deep-relu-learns",
    "A plain network of twenty layers learns with ReLU and He's start, and not with sigmoids.",
    source="Glorot and Bengio, 2010; He et al., 2015",
    measured=f"validation accuracy {history.validation_accuracy[-1]:.4f} against {sigmoid_history.validation_accuracy[-1]:.4f}",
    difference=ahead,
)

# %% tags=["nbval-ignore-output"]
test = training.evaluate(network, images.test)
print(f"test accuracy {test['top1']:.4f}, among the five best {test['top5']:.4f}")

# %%
lesson.expect_between("test accuracy of the deep ReLU network", test["top1"], 0.25, 0.95)

# %% [markdown]
# ## Looking inside
#
# What became of the gradients during training? The same measurement as before, with the same batch:

# %% tags=["nbval-ignore-output"]
plots.lines(
    range(1, 21),
    {
        "ReLU, start": norms_before,
        "ReLU, trained": gradient_norms(network),
        "sigmoid, start": np.maximum(norms["sigmoid Glorot"], floor),
        "sigmoid, trained": np.maximum(gradient_norms(deep_sigmoid), floor),
    },
    x_label="layer, from the picture to the scores",
    y_label="norm of the gradient",
    y_log=True,
)

# %% [markdown]
# Compare the slopes of the lines, not their heights: the heights follow the loss. The upper pair should be about level, before and after. For the lower pair ask whether training has changed anything in front of the last layers.
#
# What the layers say to a few hundred pictures:

# %% tags=["nbval-ignore-output"]
inside = inspect.feature_maps(
    network, images.validation.images[:200], [f"conv{number:02}_relu" for number in (1, 4, 7, 10, 13, 16, 19)]
)
plots.distributions(inside, x_label="output of ReLU units", log=True)

# %% [markdown]
# The axis is logarithmic. Beside each layer's name stands the share of exact zeros, which it cannot show: places where the unit is off and hands no gradient on. About one half is what a random start gives; look how training has shifted it. A zero here and there is no harm, as
# long as other pictures or places switch the unit on.

# %% tags=["nbval-ignore-output"]
boot = images.validation.images[images.validation.labels == 9][:1]
deep_maps = inspect.feature_maps(network, boot, ["conv01_relu", "conv07_relu", "conv13_relu", "conv19_relu"])
rows = np.concatenate([maps[0, :, :, :6] / max(maps.max(), 1e-6) for maps in deep_maps.values()], axis=-1)
plots.feature_maps(
    rows, titles=[f"layer {number}, map {i}" for number in (1, 7, 13, 19) for i in range(6)], columns=6
)

# %% [markdown]
# One ankle boot on its way, six maps of each of four layers, each layer scaled by its largest value. From row to row the outline gets lost and blots take its place. A map that is black for this boot may
# be bright for a shirt; one that is black for all pictures is a dead unit, the subject of the next experiment but one.

# %% [markdown]
# ## Experiments
#
# ### Is ReLU faster than tanh?
#
# The network that started the deep years was shown with one curve: a network of four layers with ReLU reaches a training error of 25 percent on CIFAR-10 six times sooner than the same with tanh, without regularisation, each with a learning rate of its own
# (Krizhevsky and others, 2012, figure 1). We repeat it in miniature. Each activation gets the start that was made for it, the same images in the same order, and each of the learning rates; its best counts.
#
# | | paper | here |
# |---|---|---|
# | data | CIFAR-10 | Fashion-MNIST, few images |
# | network | convolutional, four layers | three convolutions and a dense layer |
# | start | normal, one standard deviation for all | He for ReLU, Glorot for tanh |
# | goal | 25 of 100 training images wrong (2012) | 10 of 100 |
#
# **Predict:** who is first, and by which factor?


# %%
def race_network(activation, start):
    """Three convolutions with max pooling and a dense layer: (28,28,1) -> 10 scores."""
    inputs = x = keras.Input((28, 28, 1))
    for number, (filters, side) in enumerate(((8, 5), (16, 3), (32, 3)), start=1):
        x = keras.layers.Conv2D(
            filters,
            side,
            padding="same",
            activation=activation,
            kernel_initializer=START[start],
            name=f"conv{number}",
        )(x)
        x = keras.layers.MaxPooling2D(2, name=f"pool{number}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    return keras.Model(inputs, keras.layers.Dense(10, name="scores")(x), name=f"race_{activation}")


GOAL = 0.1


def epochs_to_goal(errors):
    """Epochs until the training error is at GOAL, between two epochs in proportion; all of them if it never is."""
    for epoch, error in enumerate(errors):
        if error <= GOAL:
            before = errors[epoch - 1] if epoch else 0.9
            return epoch + (before - GOAL) / (before - error)
    return float(len(errors))


race = {}
for activation, start in (("relu", "He"), ("tanh", "Glorot")):
    keras.utils.set_random_seed(seed)
    print(f"{activation}: {race_network(activation, start).count_params():,} parameters")

# %% tags=["nbval-ignore-output"]
for activation, start in (("relu", "He"), ("tanh", "Glorot")):
    for rate in race_learning_rates:
        keras.utils.set_random_seed(seed)
        runner = race_network(activation, start)
        race_recipe = training.Recipe(
            epochs=experiment_epochs, batch_size=32, optimizer="sgd", momentum=0.9, learning_rate=rate
        )
        run = training.train(runner, few_images, race_recipe, seed=seed, progress="none")
        lesson.add_run(f"race, {activation}, rate {rate}", runner, run)
        race[f"{activation}, rate {rate}"] = [1 - accuracy for accuracy in run.train_accuracy]
plots.lines(
    range(1, experiment_epochs + 1),
    race,
    x_label="epoch",
    y_label="training error",
)

# %%
needed = {
    activation: min(epochs_to_goal(errors) for name, errors in race.items() if name.startswith(activation))
    for activation in ("relu", "tanh")
}
lesson.claim(
    "03-relu-faster",
    "A network with ReLU reaches a training error of 0.1 sooner than the same with tanh, each at its best learning rate.",
    source="Krizhevsky et al., 2012, figure 1: an error of 0.25 on CIFAR-10 six times sooner",
    measured=f"epochs needed: ReLU {needed['relu']:.2f}, tanh {needed['tanh']:.2f} (at most {experiment_epochs} were run)",
    difference=needed["tanh"] - needed["relu"],
)

# %% [markdown]
# Draw a line at one tenth and see which curve meets it first. Then ask what the answer rests on: a network this shallow passes its gradient through three slopes only, tanh starts with a slope near one, and both got a start that suits them,
# which in 2012 neither had. One step of tanh is as good as one of ReLU there, or better, as nothing is thrown away. A factor of six is no law of nature; what ReLU spares, for certain, is saturation in depth and the time to compute an exponential.
#
# ### Dying units
#
# A ReLU that is negative for *every* picture gives zero for every picture, and its slope is zero for every picture. So its weights get no gradient, and it stays negative: the unit is *dead*. A step that was too large can do this
# to it. To see every number we write a network with one hidden layer ourselves, backward pass and all.


# %%
few_train = data.to_float(few_images.train.images).reshape(-1, 784).astype(float)
few_validation = data.to_float(few_images.validation.images).reshape(-1, 784).astype(float)
hidden = {  # activation and its slope
    "ReLU": (by_hand["ReLU"], lambda z: (z > 0) * 1.0),
    "leaky": (by_hand["leaky"], lambda z: np.where(z > 0, 1.0, 0.1)),
    "ELU": (by_hand["ELU"], lambda z: np.exp(np.minimum(z, 0))),
}


def backward(pictures, labels, weights, name):
    """Gradients of the mean loss with respect to the weights of 784 -> units -> 10; the forward pass comes first."""
    activation, slope_of = hidden[name]
    w1, b1, w2, b2 = weights
    z = pictures @ w1 + b1
    h = activation(z)
    error = softmax(h @ w2 + b2)
    error[np.arange(len(labels)), labels] -= 1  # probability minus truth
    error /= len(labels)
    error_z = error @ w2.T * slope_of(z)  # back through the weights, times the slope
    return [pictures.T @ error_z, error_z.sum(axis=0), h.T @ error, error.sum(axis=0)]


def start_weights(bias=0.0, units=100):
    draw = np.random.default_rng(seed)
    return [
        draw.normal(size=(784, units)) * np.sqrt(2 / 784),
        np.full(units, bias),
        draw.normal(size=(units, 10)) * np.sqrt(2 / units),
        np.zeros(10),
    ]


def train_by_hand(name, weights, learning_rate, passes=2, batch=50):
    """Plain SGD; returns new weights."""
    weights, draw = [w.copy() for w in weights], np.random.default_rng(seed)
    for _ in range(passes):
        order = draw.permutation(len(few_train))[: len(few_train) // batch * batch]
        for rows in order.reshape(-1, batch):
            gradients = backward(few_train[rows], few_images.train.labels[rows], weights, name)
            for w, g in zip(weights, gradients, strict=True):
                w -= learning_rate * g
    return weights


def without_gradient(name, weights):
    """Number of hidden units whose slope is exactly zero for each validation picture."""
    slopes_seen = hidden[name][1](few_validation @ weights[0] + weights[1])
    return int(np.sum(~(slopes_seen > 0).any(axis=0)))


weights = start_weights()
rows = slice(0, 8)
ours = backward(few_train[rows], few_images.train.labels[rows], weights, "ELU")[0]


def loss_of_first_weights(w1):
    hidden_units = ops.elu(ops.matmul(few_train[rows].astype("float32"), w1))
    scores = ops.matmul(hidden_units, weights[2].astype("float32"))
    return ops.mean(
        keras.losses.sparse_categorical_crossentropy(few_images.train.labels[rows], scores, from_logits=True)
    )


difference = np.abs(inspect.input_gradient(loss_of_first_weights, weights[0].astype("float32")) - ours).max()
lesson.expect_between("backward pass by hand and automatic, largest difference", difference, 0, 1e-5)

# %% [markdown]
# Now the accident, staged: all hidden units get a bias of -5, as one much too large step could leave them. Then we train on, calmly. **Predict** how many of the 100 units have no gradient, before and after.

# %%
fallen = start_weights(bias=-5.0)
recovered = {name: train_by_hand(name, fallen, 0.1) for name in hidden}
before_after = {
    name: (without_gradient(name, fallen), without_gradient(name, recovered[name])) for name in hidden
}
for name, (before, after) in before_after.items():
    print(f"{name:6} units without gradient: {before:3} before, {after:3} after")
unchanged = np.array_equal(recovered["ReLU"][0], fallen[0])
lesson.claim(
    "03-leaky-alive",
    "A ReLU that is negative for every picture is dead: it gets no gradient and never changes. Leaky units do not die.",
    source="Maas et al., 2013; here 100 units after a staged accident",
    measured=f"ReLU: {before_after['ReLU'][1]} of 100 without gradient, weights unchanged to the last bit: {unchanged}; "
    f"leaky: {before_after['leaky'][1]}",
    holds=before_after["ReLU"] == (100, 100) and unchanged and before_after["leaky"] == (0, 0),
)

# %% [markdown]
# Step after step of training, and the weights of the hidden ReLUs are equal to the bit to what they were; only the biases of the ten scores could learn, how often each class occurs. Leaky and ELU units, pushed just as far, get a gradient, small as it is. But "not dead" is a modest thing to be. Which accuracy do the three reach, and what happens
# without a staged accident, when the learning rate is too high?


# %% tags=["nbval-ignore-output"]
def accuracy_by_hand(name, weights):
    h = hidden[name][0](few_validation @ weights[0] + weights[1])
    return float(np.mean((h @ weights[2] + weights[3]).argmax(axis=1) == few_images.validation.labels))


for name, weights in recovered.items():
    print(
        f"{name:6} validation accuracy after the accident and two passes: {accuracy_by_hand(name, weights):.3f}"
    )
rates = [0.03, 0.1, 0.2, 0.4, 0.8, 1.6]
dead, accuracy_at_rate = {}, {}
for name in ("ReLU", "leaky"):
    ends = [train_by_hand(name, start_weights(), rate) for rate in rates]
    dead[f"{name}: share of dead units"] = [without_gradient(name, weights) / 100 for weights in ends]
    accuracy_at_rate[f"{name}: validation accuracy"] = [accuracy_by_hand(name, weights) for weights in ends]
plots.lines(
    rates, {**dead, **accuracy_at_rate}, x_label="learning rate", y_label="share", x_log=True, chance=0.1
)

# %% [markdown]
# Follow the dead ReLUs from left to right, then look at the two accuracies. Leaky units stay at zero dead by construction. Does that rescue the network when the steps are far too large? Compare the accuracies at the right end: dying is one symptom of
# steps that are too large, not the disease.
#
# ### Clipping
#
# The heatmap had a red row: skips without normalisation, gradients that explode. *Clipping* leaves the direction of a gradient and limits its length: if the norm over all weights is above a bound, the gradient is scaled down to it
# (Pascanu and others, 2013). **Predict:** plain SGD with momentum on that network, once without and once with a bound of 1.


# %%
def clipped(gradients, bound):
    """Arrays scaled by one factor, so that their joint norm is at most `bound`."""
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    return [g * min(1.0, bound / norm) for g in gradients]


three_four = [np.array([3.0, 0.0]), np.array([[4.0]])]
print("norm 5, bound 1:", [g.round(3).tolist() for g in clipped(three_four, 1.0)])
print("norm 5, bound 9:", [g.round(3).tolist() for g in clipped(three_four, 9.0)])

# %%
outcome = {}
for name, bound in {"without clipping": None, "clipped at 1": 1.0}.items():
    keras.utils.set_random_seed(seed)
    exploding = deep_network("relu", "He", skip=True)
    clip_recipe = training.Recipe(
        epochs=clip_epochs,
        batch_size=32,
        optimizer="sgd",
        momentum=0.9,
        learning_rate=0.05,
        clip_norm=bound,
    )
    try:
        run = training.train(exploding, few_images, clip_recipe, seed=seed, progress="none")
    except training.TrainingDiverged:
        print(f"{name}: the loss became infinite or no number")
        outcome[name] = 0.1  # what is left is a guess
    else:
        print(f"{name}: the training ended with a finite loss")
        lesson.add_run(f"skips, no BN, {name}", exploding, run)
        outcome[name] = run.validation_accuracy[-1]
lesson.expect_between("validation accuracy with clipping", outcome["clipped at 1"], 0.2, 0.95)

# %%
lesson.claim(
    "03-clipping",
    "Clipping the gradient turns a diverging training into one that learns.",
    source="Pascanu et al., 2013; a network of twenty layers with skips and no normalisation",
    measured=f"validation accuracy {outcome['clipped at 1']:.4f} with, {outcome['without clipping']:.4f} without (a guess where it diverged)",
    difference=outcome["clipped at 1"] - outcome["without clipping"],
)

# %% [markdown]
# Same network, same start, same pictures. Without a bound the first steps are so long that the next gradients are longer still. With it no step can do harm, and the network walks out of the steep region. Clipping does not heal the cause, a signal
# that grows from sum to sum; lessons 09 and 10 do.

# %% [markdown]
# ## Recap
#
# - A gradient is a product over layers: of slopes, of weights. A sigmoid's slope is at most a quarter; products of small factors vanish, of large ones explode.
# - Softmax with cross-entropy hands back probability minus truth; regression ends in a linear layer.
# - ReLU has slope one where it is on; a unit that is never on is dead. Leaky, PReLU, RReLU, ELU and maxout let something through.
# - Glorot's start keeps the signal for units that are linear near zero, He's for ReLU. Normalisation and skips make networks less dependent on it.
# - SGD follows the gradient, momentum adds up what steps have in common, weight decay shrinks weights, clipping limits steps.
# - The memory of a training goes to feature maps, mostly.
# - Next: the parts are complete. Lesson 04 puts them together as it was done in 1998.

# %% tags=["nbval-ignore-output"]
lesson.record(
    network=network,
    history=history,
    test=test,
    data=images,
    gradient_norms={name: values.tolist() for name, values in norms.items()},
    epochs_to_goal=needed,
    dead_by_rate=dict(zip(map(str, rates), dead["ReLU: share of dead units"], strict=True)),
)

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. `lesson.hint("03-1")` helps, `lesson.solution("03-1")` shows a way.
#
# **03-1.** Two classes with the scores 0 and ln 3; the first one is true. What is the gradient of the cross-entropy with respect to the *first* score?

# %%
answer = None
lesson.check("03-1", answer)

# %% [markdown]
# **03-2.** A chain of ten sigmoid units with the weight 2 each. Which share of the gradient can reach the first input at most? (The factor of a layer is the weight times the slope.)

# %%
answer = None
lesson.check("03-2", answer)

# %% [markdown]
# **03-3.** A layer's output is 56 x 56 with 64 channels in float32 (four bytes a number). How many megabytes (of a million bytes) does it take in a training with 32 pictures a step?

# %%
answer = None
lesson.check("03-3", answer)

# %% [markdown]
# **03-4 (code).** Write `momentum_step(weights, velocity, gradient, learning_rate, momentum, decay)` for arrays of one shape: returns the new weights and the new velocity, with decoupled
# weight decay as in this lesson.

# %%
momentum_step = None
lesson.check("03-4", momentum_step)

# %% [markdown]
# **03-5 (code).** Write `prelu(x, shares, error)`: for x (N, C), one share for each channel (C,), and the error (N, C) that arrives from above, return the output (N, C), the gradient of x (N, C) and the gradient of the shares (C,).

# %%
prelu = None
lesson.check("03-5", prelu)

# %% [markdown]
# **03-6 (code).** Write `start(fan_in, fan_out, activation, generator)`: weights (fan_in, fan_out), normal numbers from a NumPy generator, with the variance of He's start for `"relu"` and of Glorot's for `"tanh"`.

# %%
start = None
lesson.check("03-6", start)

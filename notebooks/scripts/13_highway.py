# %% [markdown]
# # 13 Highway networks: let the input pass
#
# Before residual networks there was another way to train fifty layers: give each layer a gate, which it learns, and which says how much of its work to
# take and how much of its input to hand on as it came. At the start nearly all is handed on, so that the gradient reaches every layer; the gates open
# where a layer has something to say.
#
# *Paper:* R. K. Srivastava, K. Greff, J. Schmidhuber, "Training very deep networks" (2015).
#
# **What you will learn**
# - the gate: a weighted mean of a layer's work and its input
# - why its bias starts below zero
# - how far a plain stack of fifty dense layers gets, and the same stack with gates
# - which gates open, and what happens if you shut one for good
# - what a residual block is in these terms
#
# **You need** lessons 03 and 10, or: what a sigmoid, a vanishing gradient and a residual block are.
# **Time:** a minute of computing at budget `quick`, two minutes at `cpu`; 30 minutes to read.

# %% tags=["parameters"]
budget: str = "quick"  # label of the budget: quick, cpu or gpu
seed: int = 0  # of weights and order of images
threads: int = 2  # CPU threads of the arithmetic
precision: str = "float32"  # float32, mixed_bfloat16 or auto
train_examples: int | None = 3000  # training images of the main network; None for all
validation_examples: int = 2000  # images to compare choices with
experiment_examples: int | None = 2000  # training images of each network of an experiment
epochs: int = 3  # passes over the training images, main network
experiment_epochs: int = 3  # the same for each deep stack
batch_size: int = 64  # images a step
learning_rate: float = 0.005  # peak of the one-cycle schedule
units: int = 32  # of each layer of a deep stack
depth: int = 50  # layers of the deep stacks
gate_biases: list = [-4.0, 0.0]  # starts of the gates' biases that are compared; -4 and 0 must be there

# %% tags=["nbval-ignore-output"]
from cnnlib import lesson, data, inspect, layers, networks, plots, training

import keras
import numpy as np

lesson.begin("13_highway", budget=budget, seed=seed, threads=threads, precision=precision)

# %% [markdown]
# ## The problem: fifty layers deaf to the image
#
# A dense layer of tanh units, well started, keeps the size of a signal for a while. But fifty of them in a row bend and mix it fifty times. How much of the difference between two images is left at the end? Take a random
# stack and two inputs that differ by a little, and watch their distance, as a share of the distance at the start. Then let each layer take a small share of its own work only, and the rest of its input.

# %%
random = np.random.default_rng(0)
near, far = random.normal(size=(2, 64))
distances = {}
for share in (1.0, 0.02):
    one, two = near.copy(), near + 0.1 * far
    distances[f"share {share}"] = [1.0]
    for _ in range(50):
        weights = random.normal(size=(64, 64)) * 0.9 / 8
        one = share * np.tanh(one @ weights) + (1 - share) * one
        two = share * np.tanh(two @ weights) + (1 - share) * two
        distances[f"share {share}"].append(float(np.linalg.norm(one - two) / np.linalg.norm(0.1 * far)))
for name, values in distances.items():
    print(f"{name}: after 50 layers {values[-1]:.1e} of the distance is left")

# %%
plots.lines(
    range(51), distances, x_label="layers passed", y_label="distance of the two signals, share", y_log=True
)

# %% [markdown]
# The line of the full stack falls, layer by layer; that of the stack whose layers take a fiftieth stays near the top. What cannot be told apart at the end cannot be learnt either: the gradient, on its way back, is
# multiplied by the same matrices.
#
# The pictures of this lesson:

# %%
images = data.load(
    "fashion_mnist", train_examples=train_examples, validation_examples=validation_examples, seed=0
)
few_images = data.load(
    "fashion_mnist", train_examples=experiment_examples, validation_examples=validation_examples, seed=0
)
print(f"{len(images.train.labels):,} training images, {len(few_images.train.labels):,} for the deep stacks")

# %% [markdown]
# ## The block: a gate for each unit
#
# Let $h$ be what a layer makes of its input $x$. A highway layer gives
#
# $$y = T \cdot h + (1 - T) \cdot x, \qquad T = \mathrm{sigmoid}(W x + b).$$
#
# The gate $T$ is between zero and one, for each unit and each input, computed by weights of its own. At $T = 0$ the layer is not there: it *carries* its input. At $T = 1$ it is a plain layer. Here it is in NumPy:


# %%
def sigmoid(z):
    """1 / (1 + exp(-z))."""
    return 1 / (1 + np.exp(-z))


def highway_layer(x, h, gate_weights, gate_bias):
    """T h + (1 - T) x for rows x (N, C), with T = sigmoid(x W + b)."""
    gate = sigmoid(x @ gate_weights + gate_bias)
    return gate * h + (1 - gate) * x


x, h = random.normal(size=(2, 4, 6))
gate_weights = random.normal(size=(6, 6)) * 0.1
for gate_bias in (-100.0, -2.0, 0.0, 100.0):
    y = highway_layer(x, h, gate_weights, gate_bias)
    gate = sigmoid(x @ gate_weights + gate_bias).mean()
    print(
        f"bias {gate_bias:6.1f}: mean gate {gate:.2f}, equals x: {np.allclose(y, x)}, equals h: {np.allclose(y, h)}"
    )

# %% [markdown]
# With a bias of -2 about an eighth of the layer's work is taken, and the rest carried: a good start for ten layers. Deeper stacks want it lower, as we shall see. The library's `HighwayGate` is this function, for rows and for images:

# %%
gate_layer = layers.HighwayGate(dtype="float32")
x32, h32 = x.astype("float32"), h.astype("float32")
from_library = keras.ops.convert_to_numpy(gate_layer([x32, h32]))
kernel, bias = (keras.ops.convert_to_numpy(weight) for weight in gate_layer.weights)
print("equal to NumPy:", np.allclose(from_library, highway_layer(x, h, kernel, bias), atol=1e-5))
print("its bias starts at", bias[0])
gate_layer.set_weights([0 * kernel, 0 * bias - 100])
carried = keras.ops.convert_to_numpy(gate_layer([x32, h32]))
lesson.claim(
    "13-identity",
    "With its gate at zero a highway layer is the identity.",
    source="Srivastava et al., 2015, equation 4",
    measured=f"equal to the bit: {np.array_equal(carried, x32)}",
    holds=np.array_equal(carried, x32),
)

# %% [markdown]
# A *convolutional* highway layer computes $h$ and $T$ each by a 3x3 convolution. Here is one from plain Keras layers, and the network of them that we train: a first convolution, two stages of highway layers with a pooling in between,
# and a global average.


# %%
def highway_convolution(x, channels):
    """A 3x3 highway layer: (N, H, W, C) with C = channels -> the same."""
    h = keras.layers.Conv2D(channels, 3, padding="same", activation="relu")(x)
    bias = keras.initializers.Constant(-2.0)
    gate = keras.layers.Conv2D(channels, 3, padding="same", activation="sigmoid", bias_initializer=bias)(x)
    change = keras.layers.Subtract()([h, x])
    return keras.layers.Add()([x, keras.layers.Multiply()([gate, change])])  # x + T (h - x) = T h + (1 - T) x


inputs = keras.Input((28, 28, 1))
x = keras.layers.ZeroPadding2D(1)(inputs)
x = keras.layers.Conv2D(16, 3, strides=2, activation="relu")(x)  # 14, 14
for _ in range(4):
    x = highway_convolution(x, 16)
x = keras.layers.MaxPooling2D(2)(x)  # 7, 7
for _ in range(5):
    x = highway_convolution(x, 16)
x = keras.layers.GlobalAveragePooling2D()(x)
by_hand = keras.Model(inputs, keras.layers.Dense(10)(x))
keras.utils.set_random_seed(seed)
network = networks.build("highway", input_shape=(28, 28, 1), classes=10, stem_stride=2)
lesson.expect_same_function(by_hand, network)

# %% [markdown]
# ## The network
#
# Eleven layers with weights, the gates not counted; each gate has as many weights as the layer that it guards.

# %%
table = inspect.layer_table(network)
print(table.weighted())

# %%
gates = table.frame[table.frame.type == "HighwayGate"]
guarded = table.frame[(table.frame.type == "Conv2D") & (table.frame.layer != "stem_conv")]
lesson.claim(
    "13-twice-the-weights",
    "Gates double the weights of the layers that they guard.",
    source="Srivastava et al., 2015, section 2; counted in our network",
    measured=f"{gates.params.sum():,} in the gates, {guarded.params.sum():,} in the layers",
    holds=int(gates.params.sum()) == int(guarded.params.sum()),
)

# %%
print("                parameters   multiply-adds   error on CIFAR-10 in the paper (2015)")
for name in ("highway19", "highway32"):
    facts, big = networks.catalogue()[name], inspect.layer_table(networks.outline(name))
    print(f"{name:13} {big.total_params:12,}  {big.total_macs:14,}   {facts.top1_error}")

# %% [markdown]
# The paper gives depth and totals of its two networks for CIFAR-10, about 2.3 and 1.25 million parameters (2015), and not every width; the widths here are a choice that comes near.
#
# | | paper | here |
# |---|---|---|
# | deep stacks | 10 to 100 dense layers of 50 units, MNIST | 50 dense layers of 32 units, Fashion-MNIST |
# | convolutional form | 19 and 32 layers, CIFAR-10 | 11 layers, Fashion-MNIST, images halved at once |
# | gates | bias from -10 to -1, chosen for each depth | -2 for 11 layers; -4 and 0 compared for 50 |
# | training | SGD with momentum, best of 40 settings | AdamW, one-cycle; deep stacks SGD with momentum, clipped |
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
plots.learning_curves({"highway": history})

# %% [markdown]
# There is no normalisation in this network: gates alone keep its gradients alive. Look whether the first epoch makes headway.

# %% tags=["nbval-ignore-output"]
test = training.evaluate(network, images.test)
print(f"test accuracy {test['top1']:.4f}, among the five best {test['top5']:.4f}")

# %%
lesson.expect_between("test accuracy of the highway network", test["top1"], 0.4, 0.95)

# %% [markdown]
# ## Looking inside
#
# ### Which gates open?
#
# The mean gate of each layer, over all units, places and images, for four classes. At the start they all stood at about an eighth.


# %%
def gate_layers(model):
    """Names of the model's gates, from the image to the scores."""
    return [layer.name for layer in model.layers if isinstance(layer, layers.HighwayGate)]


def mean_gates(model, pictures):
    """How far each gate is open on average: a number from 0 to 1 for each gate of the model."""
    names = gate_layers(model)
    taps = keras.Model(model.input, [model.get_layer(name).input[0] for name in names])
    inputs_of_gates = taps(data.to_float(pictures))
    return [
        float(keras.ops.convert_to_numpy(keras.ops.cast(model.get_layer(name).gate(x), "float32")).mean())
        for name, x in zip(names, inputs_of_gates, strict=True)
    ]


# %% tags=["nbval-ignore-output"]
shown_classes = (1, 5, 6, 9)  # trouser, sandal, shirt, ankle boot
of_class = {
    images.class_names[k]: mean_gates(network, images.validation.images[images.validation.labels == k][:64])
    for k in shown_classes
}
plots.heatmap(
    np.array(list(of_class.values())),
    row_names=list(of_class),
    column_names=[str(i) for i in range(1, len(gate_layers(network)) + 1)],
    x_label="highway layer, from the image to the scores",
    y_label="class",
    value_label="mean gate",
)

# %% [markdown]
# Read along a row: some layers work, others carry. Read down a column: are the gates the same for all classes, or does a class take its own way through the network? The paper saw both on MNIST
# and CIFAR-100 (2015, figure 2).
#
# ### Shut one layer
#
# A layer that carries can be taken out. We shut the gates of one layer at a time and look at the accuracy. **Predict:** which layers can be spared?


# %%
def accuracy_with_shut(model, name, split, count=500):
    """Accuracy with the gate called `name` closed for good; the weights are put back."""
    gate = model.get_layer(name)
    kept = gate.get_weights()
    gate.set_weights([0 * kept[0], 0 * kept[1] - 100])
    guess = inspect.predict(model, split.images[:count]).argmax(axis=1)
    gate.set_weights(kept)
    return float(np.mean(guess == split.labels[:count]))


# %% tags=["nbval-ignore-output"]
whole = float(
    np.mean(
        inspect.predict(network, images.validation.images[:500]).argmax(1) == images.validation.labels[:500]
    )
)
shut = [accuracy_with_shut(network, name, images.validation) for name in gate_layers(network)]
plots.lines(
    range(1, len(shut) + 1),
    {"one layer shut": shut, "whole network": [whole] * len(shut)},
    x_label="highway layer that is shut",
    y_label="validation accuracy",
    chance=0.1,
)

# %%
lesson.expect_between("accuracy lost with the layer shut that matters least", whole - max(shut), -0.1, 0.15)

# %% [markdown]
# Where the line touches that of the whole network, the layer is not needed. In a plain network no layer can be taken out at all: what it hands on is all there is.
#
# The worst mistakes of the whole network:

# %% tags=["nbval-ignore-output"]
logits = inspect.predict(network, images.validation.images)
probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
plots.worst_mistakes(
    images.validation.images, images.validation.labels, probabilities, images.class_names, count=12
)

# %% [markdown]
# Look for pairs that differ in one detail, a collar, a heel. A closed gate hands such a detail on unchanged; the pooling and the average at the end do not.
#
# ## Experiments
#
# ### Fifty layers, with gates and without
#
# Stacks of dense layers, of the same width and depth, from the same seed: plain, with gates, and residual ($y = h + x$).


# %%
def deep_stack(kind, gate_bias=-2.0):
    """`depth` dense layers of tanh units behind a first one; `kind` is "plain", "highway" or "residual"."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((28, 28, 1))
    x = keras.layers.AveragePooling2D(2)(inputs)  # 14, 14: fewer weights in the first layer
    x = keras.layers.Dense(units, activation="tanh")(keras.layers.Flatten()(x))
    for _ in range(depth - 1):
        h = keras.layers.Dense(units, activation="tanh")(x)
        if kind == "highway":
            x = layers.HighwayGate(initial_bias=gate_bias)([x, h])
        else:
            x = keras.layers.Add()([x, h]) if kind == "residual" else h
    return keras.Model(inputs, keras.layers.Dense(10, name="scores")(x), name=f"{kind}_stack")


stack_recipe = training.Recipe(
    epochs=experiment_epochs,
    batch_size=batch_size,
    optimizer="sgd",
    learning_rate=0.05,
    schedule="one_cycle",
    clip_norm=1.0,
)
stack_recipe.table()

# %% tags=["nbval-ignore-output"]
stack_histories = {}


def train_stack(label, stack):
    """Train a stack, keep it for the record; its history goes to `stack_histories`."""
    stack_histories[label] = training.train(stack, few_images, stack_recipe, seed=seed, progress="none")
    lesson.add_run(label, stack, stack_histories[label])
    return stack


stacks = {kind: train_stack(kind, deep_stack(kind)) for kind in ("plain", "residual")}
for gate_bias in gate_biases:
    label = f"highway, bias {gate_bias:g}"
    stacks[label] = train_stack(label, deep_stack("highway", gate_bias))
plots.learning_curves(stack_histories)

# %%
ends = {label: h.validation_accuracy[-1] for label, h in stack_histories.items()}
lesson.claim(
    "13-fifty-layers",
    "A highway network of fifty layers learns more in the same epochs than a plain one of the same depth.",
    source="Srivastava et al., 2015, figure 1",
    measured=f"validation accuracy {ends['highway, bias -4']:.3f} with gates, {ends['plain']:.3f} without",
    difference=ends["highway, bias -4"] - ends["plain"],
)
lesson.claim(
    "13-bias",
    "At fifty layers a gate bias well below zero at the start trains better than one of zero.",
    source="Srivastava et al., 2015, section 2.2",
    measured="validation accuracy "
    + ", ".join(f"{ends[f'highway, bias {b:g}']:.3f} from {b:g}" for b in gate_biases),
    difference=ends["highway, bias -4"] - ends["highway, bias 0"],
)
lesson.claim(
    "13-against-residual",
    "At fifty layers learnt gates are better than plain addition.",
    source="compared in He et al., 2016, section 2, without a test at equal depth",
    measured=f"validation accuracy {ends['highway, bias -4']:.3f} with gates, {ends['residual']:.3f} with addition",
    difference=ends["highway, bias -4"] - ends["residual"],
)

# %% [markdown]
# Find the plain stack's line: how far has it come? Then compare the biases. With a bias of zero each layer takes half of its own work, and after fifty layers next to nothing of the image has come through on the direct way. Even
# -2 is too much for fifty layers:

# %%
for gate_bias in (-4, -2, -1, 0):
    carried_share = (1 - sigmoid(np.array(gate_bias))) ** (depth - 1)
    print(f"bias {gate_bias:2}: {carried_share:.1e} of the input comes through {depth - 1} layers untouched")

# %% [markdown]
# A residual layer is the case in which all of the work is taken *and* all of the input is carried: nothing to learn, nothing to shut. It needs half of the weights, but its sums grow with
# depth, and something has to keep them in bounds; the ResNets of lesson 10 have batch normalisation for that, and here the gradient is clipped.
#
# ### Do the gates move?
#
# The gates of the deep stack before and after training, layer by layer.

# %% tags=["nbval-ignore-output"]
pictures = images.validation.images[:256]
gates_of_stack = {
    "at the start": mean_gates(deep_stack("highway", -4.0), pictures),
    "trained": mean_gates(stacks["highway, bias -4"], pictures),
}
plots.lines(range(2, depth + 1), gates_of_stack, x_label="layer", y_label="mean gate")

# %% [markdown]
# The line of the start stays around the sigmoid of minus four; it wavers a little, for the inputs differ. Look where the trained line has left it, and in which direction: layers above it have opened, layers below it have shut further. In a short training few move far: most of the fifty
# layers are still handing on what they get, and that is just why the stack could be trained at all.
#
# ## Recap
#
# - A highway layer is a weighted mean of its work and its input; the weights are learnt, for each unit and each input.
# - Closed, it is the identity; with a bias below zero a deep stack starts nearly closed, and the gradient passes.
# - Deep plain stacks of dense layers learn late or not at all; with gates that start nearly shut the same stack starts at once, with gates half open it does not.
# - Some layers can be shut after training at little loss.
# - Gates double the weights. A residual block does without, and needs something else to keep its sums in bounds.
# - What the next lesson changes: not the network but the data. Augmentation.

# %% tags=["nbval-ignore-output"]
lesson.record(
    network=network,
    history=history,
    test=test,
    data=images,
    gates=mean_gates(network, pictures),
    gates_of_stack=gates_of_stack,
    accuracy_with_one_layer_shut=shut,
)

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. `lesson.hint("13-1")` helps, `lesson.solution("13-1")` shows a way.
#
# **13-1.** A gate stands at 0.25, the layer's work is 8 and its input 4. What does the highway layer give?

# %%
answer = None
lesson.check("13-1", answer)

# %% [markdown]
# **13-2.** How many parameters, biases included, has a dense highway layer of 50 units, gate and all?

# %%
answer = None
lesson.check("13-2", answer)

# %% [markdown]
# **13-3.** At which bias does a gate with weights of zero stand at 0.25? (To two decimals.)

# %%
answer = None
lesson.check("13-3", answer)

# %% [markdown]
# **13-4 (code).** Write `highway(x, h, gate_weights, gate_bias)` in NumPy for rows x and h (N, C), gate_weights (C, C) and gate_bias (C,).

# %%
highway = None
lesson.check("13-4", highway)

# %% [markdown]
# **13-5 (code).** Write `highway_dense(x, units)`: a dense highway layer on a Keras tensor (N, units), from `keras.layers` only: ReLU for the work, made first, and a sigmoid gate whose bias starts at -2.

# %%
highway_dense = None
lesson.check("13-5", highway_dense)

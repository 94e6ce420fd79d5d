# %% [markdown]
# # 11 DenseNet: keep everything, add a little
#
# ResNet adds what a block has found to what was there before; DenseNet puts it beside it. Every layer of a block reads the maps
# of *all* layers before it, contributes a few maps of its own, and nothing is ever overwritten. So a layer can be
# narrow, the whole needs few weights, and pays for them with memory.
#
# *Paper:* G. Huang, Z. Liu, L. van der Maaten, K. Weinberger, "Densely connected convolutional networks" (2017).
#
# **What you will learn**
# - what concatenation can do that addition cannot, first with a series, then with layers
# - growth rate, transition, bottleneck and compression, each with its count
# - the ImageNet networks from 121 to 201 layers, counted to the last weight
# - why the memory of a block grows with the square of its depth
# - whether late layers use what early layers found, by looking at weights and by cutting connections
#
# **You need** lessons 09 and 10, or: what batch normalisation and a residual block are.
# **Time:** under a minute of computing at budget `quick`, three minutes at `cpu`; 45 minutes to read.

# %% tags=["parameters"]
budget: str = "quick"  # label of the budget: quick, cpu or gpu
seed: int = 0  # of weights and order of images
threads: int = 2  # CPU threads of the arithmetic
precision: str = "float32"  # float32, mixed_bfloat16 or auto
train_examples: int | None = 3000  # training images that are used; None for all
validation_examples: int = 2000  # images to compare choices with
epochs: int = 3  # passes over the training images, both networks
batch_size: int = 64  # images a step
learning_rate: float = 0.01  # peak of the one-cycle schedule
depth: int = 13  # layers with weights: 3n + 4, with n layers in each of three blocks
growth: int = 12  # maps that each layer adds
resnet_depth: int = 14  # layers of the ResNet that it is compared with: 6n + 2
full_image_size: int | None = None  # pixels; trains the paper's form on stretched images; None leaves it out
full_epochs: int = 10  # passes over the training images, the paper's own form
devices: int = 1  # accelerators that share each batch of the full-size training

# %% tags=["nbval-ignore-output"]
import dataclasses

from cnnlib import lesson, data, inspect, networks, plots, training

import keras
import numpy as np

lesson.begin("11_densenet", budget=budget, seed=seed, threads=threads, precision=precision)

# %% [markdown]
# ## The problem: a sum cannot be taken apart
#
# A residual block hands on $a + z$: its input plus what it computed. Whoever comes later gets the sum. **Predict:** the sum of
# two maps is 5 at a place. What were the two?

# %%
for first, second in [(2, 3), (5, 0), (-4, 9)]:
    print(f"sum: {first} + {second} = {first + second}    beside each other: ({first}, {second})")

# %% [markdown]
# Three different things were found, and the sum is the same. A layer that needs the first map alone must hope that the blocks in between left it readable. And ResNets are redundant: many of
# their layers add little, so that one can leave out some at random during training (stochastic depth, by the same first author in 2016).
#
# ### A series, term by term
#
# The two ways have a counterpart that is older than networks: writing a function as a series, $\ln(1+x) = x - \frac{x^2}{2} + \frac{x^3}{3} - \dots$ Each step finds a further term. One can keep the *running sum*; or
# keep the *terms* $x, x^2, x^3, \dots$ side by side, and let the reader weigh them. **Predict:** which is nearer to the logarithm between 0 and 2? The series does not converge beyond 1.

# %%
x = np.linspace(0, 2, 201)
target = np.log1p(x)
running_sum, kept_terms = [], []
for terms in range(1, 9):
    powers = np.stack([x**k for k in range(1, terms + 1)], axis=1)
    coefficients = np.array([(-1) ** (k + 1) / k for k in range(1, terms + 1)])
    running_sum.append(np.sqrt(np.mean((powers @ coefficients - target) ** 2)))
    weighed = powers @ np.linalg.lstsq(powers, target, rcond=None)[0]
    kept_terms.append(np.sqrt(np.mean((weighed - target) ** 2)))
print(
    f"error with 6 terms: running sum {running_sum[5]:.3f}, terms kept and weighed anew {kept_terms[5]:.6f}"
)
plots.lines(
    range(1, 9),
    {"running sum": running_sum, "terms kept, weighed anew": kept_terms},
    x_label="terms",
    y_label="error of the approximation",
    y_log=True,
)

# %% [markdown]
# The running sum gets worse with each term; with the same terms at hand, weighed anew, the error falls by a steady factor. Later knowledge can revise what earlier terms are good for, if they are still there. This is what
# *concatenation*, putting channels beside each other, does for layers.
#
# Does one lose anything? A 1x1 convolution behind a concatenation can weigh both parts by one, and that is the sum:

# %%
random = np.random.default_rng(0)
a, z = random.integers(-9, 10, size=(2, 3, 7, 7, 8)).astype("float32")
sum_kernel = np.concatenate([np.eye(8), np.eye(8)]).astype("float32")[None, None]  # 1, 1, 16, 8
together = keras.ops.conv(np.concatenate([a, z], axis=-1), sum_kernel, padding="valid")
largest = float(np.abs(keras.ops.convert_to_numpy(together) - (a + z)).max())
lesson.claim(
    "11-sum-is-a-case",
    "Addition is a special case: concatenation and a 1x1 convolution can compute the sum.",
    source="arithmetic; the weights are two identity matrices",
    measured=f"largest difference {largest:.1f}",
    holds=largest == 0,
)

# %% [markdown]
# The pictures are those of the lessons before:

# %%
images = data.load(
    "fashion_mnist", train_examples=train_examples, validation_examples=validation_examples, seed=0
)
first_of_each = [int(np.argmax(images.train.labels == k)) for k in range(10)]
plots.image_grid(images.train.images[first_of_each], titles=images.class_names, columns=5)

# %% [markdown]
# Ten classes, and the upper-body garments among them are the hard ones: telling shirt from coat needs a small early detail, a collar or a row of buttons, late in the network.

# %% [markdown]
# ## The block: every layer reads all before it
#
# Layer $l$ of a *dense block* computes $x_l = H_l([x_0, x_1, \dots, x_{l-1}])$ from all maps so far, where $H$ is batch normalisation, ReLU and a 3x3 convolution, in this order. It adds $k$ maps, the
# *growth rate*. A block that gets $k_0$ channels hands on $k_0 + L\,k$ after $L$ layers.
#
# **Predict:** with 64 channels at the start and a growth rate of 32, how many channels has the block after six layers?

# %%
channels = [64 + 32 * layer for layer in range(7)]
print("channels before the first and after each of six layers:", channels)
print("direct connections in a block of six layers:", sum(range(1, 7)), "; in a plain stack:", 6)

# %% [markdown]
# If nothing ever shrank, channels would only grow. Between two blocks stands a *transition*: a 1x1 convolution, which may keep a part of the channels only (*compression*, mostly one half), and an average pooling that halves the
# picture. Dense connections exist within blocks only, where all maps have one size.
#
# Here is a small DenseNet from plain Keras layers: three blocks, in between two transitions, global average pooling (lesson 07) at the end.


# %%
def normalised_relu(x):
    x = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    return keras.layers.ReLU()(x)


def dense_layer(x, growth):
    """Add `growth` maps to x (N,H,W,C): the result has C + growth channels, those of x first."""
    new = keras.layers.Conv2D(growth, 3, padding="same", use_bias=False)(normalised_relu(x))
    return keras.layers.Concatenate()([x, new])


def transition(x, compression=0.5):
    """A 1x1 convolution to a share of the channels, and half the height and width."""
    kept = int(x.shape[-1] * compression)
    x = keras.layers.Conv2D(kept, 1, use_bias=False)(normalised_relu(x))
    return keras.layers.AveragePooling2D(2)(x)


# %%
maps = keras.Input((14, 14, 16))
three_layers = keras.Model(maps, dense_layer(dense_layer(dense_layer(maps, growth), growth), growth))
plots.architecture(inspect.diagram(three_layers))

# %% [markdown]
# Three layers of a dense block, one below the other. Each coloured line carries all maps so far past a ReLU and a convolution, to the concatenation that puts the new maps behind them. Read the last
# number of each box: every convolution gives as many channels as the one before it, and the concatenations grow by that many. Nothing stands on the coloured lines, so that the first maps reach the end as they were.
#
# The whole network:

# %%
layers_in_block = (depth - 4) // 3
inputs = keras.Input((28, 28, 1))
x = keras.layers.ZeroPadding2D(1)(inputs)
x = keras.layers.Conv2D(16, 3, strides=2, use_bias=False)(x)  # 14, 14, 16
for block in (1, 2, 3):  # 14, 14; then 7, 7; then 3, 3
    for _ in range(layers_in_block):
        x = dense_layer(x, growth)
    if block < 3:
        x = transition(x)
x = keras.layers.GlobalAveragePooling2D()(normalised_relu(x))
by_hand = keras.Model(inputs, keras.layers.Dense(10)(x))
print("channels at the end:", x.shape[-1])

# %%
FORM = {"input_shape": (28, 28, 1), "classes": 10, "stem_stride": 2}
network = networks.build("densenet_cifar", depth=depth, growth=growth, compression=0.5, **FORM)
lesson.expect_same_function(by_hand, network)

# %% [markdown]
# Note the order inside of a layer: normalisation and ReLU *before* the convolution. Each reader normalises what it reads with a scale and shift of its own; two layers may thus see the same old map at different strengths, and with different parts of it cut off by the ReLU.
#
# ### The bottleneck, and when it pays
#
# Deep in a block a layer reads hundreds of channels to make a few dozen. DenseNet-B puts a 1x1 convolution to $4k$ channels in front of the 3x3 one. Without it a layer on $c$ channels has $9\,c\,k$ weights, with it $4\,c\,k + 36\,k^2$.
# **Predict:** does it always save?

# %%
k = 32
print("channels   without      with")
for c in (64, 128, 224, 232, 512, 1024):
    print(f"{c:8,} {9 * c * k:9,} {4 * c * k + 36 * k * k:9,}")
pays_from = next(c for c in range(1, 10_000) if 9 * c * k > 4 * c * k + 36 * k * k)
lesson.claim(
    "11-bottleneck-pays",
    "The bottleneck saves weights from 7.2 times the growth rate of input channels on, and costs weights below.",
    source="arithmetic over Huang et al., 2017, section 3: 9ck against 4ck + 36k²",
    measured=f"with a growth rate of 32 from {pays_from} channels on; 7.2 * 32 = {7.2 * 32:.1f}",
    holds=pays_from == int(7.2 * 32) + 1,
)

# %% [markdown]
# Not always: in a small network like ours, where blocks have tens of channels, it would cost. For the large ones it is what makes them possible:

# %%
for name, options in {
    "DenseNet-121": {},
    "without bottleneck": {"bottleneck": False},
    "without compression": {"compression": 1.0},
    "without both": {"bottleneck": False, "compression": 1.0},
}.items():
    table = inspect.layer_table(networks.outline("densenet121", **options))
    print(f"{name:20} {table.total_params:11,} parameters, {table.total_macs / 1e9:6.2f} G multiply-adds")

# %% [markdown]
# G is a thousand million; multiply-adds are called *MACs* below. DenseNet-BC, with both, is what "DenseNet" means today.

# %% [markdown]
# ## The network
#
# The paper's ImageNet networks have four blocks. The layer table of DenseNet-121 has hundreds of rows, so we sum it up by parts: for each part of the network the size at its end, weights and multiply-adds.

# %%
IMAGENET = ("densenet121", "densenet169", "densenet201", "densenet161")
tables = {name: inspect.layer_table(networks.outline(name)) for name in IMAGENET}
rows = tables["densenet121"].frame
part = rows.layer.str.extract(r"^(stem|block\d|transition\d|end|pool|scores)")[0]
print(f"{'part':12} {'output':14} {'params':>9} {'MACs':>13}")
for name, group in rows.groupby(part, sort=False):
    shape = "x".join(map(str, group.output_shape.iloc[-1][0]))
    print(f"{name:12} {shape:14} {group.params.sum():9,} {group.macs.sum():13,}")

# %%
counted = {name: table.total_params for name, table in tables.items()}
lesson.claim(
    "11-parameters-imagenet",
    "DenseNet-121, 169, 201 and 161 have 7,978,856, 14,149,480, 20,013,928 and 28,681,000 parameters.",
    source="arithmetic over Huang et al., 2017, table 1",
    measured=", ".join(f"{count:,}" for count in counted.values()),
    holds=list(counted.values()) == [7_978_856, 14_149_480, 20_013_928, 28_681_000],
)

# %%
cifar = {
    name: inspect.layer_table(networks.outline(name)).total_params
    for name in ("densenet_cifar", "densenet100_k12_cifar", "densenet_bc100_k12_cifar")
}
lesson.claim(
    "11-parameters-cifar",
    "On CIFAR-10, DenseNet-40 and DenseNet-100 of growth 12 have 1.0 and 7.0 million parameters; BC brings 100 layers down to 0.8 million.",
    source="Huang et al., 2017, table 2",
    measured=", ".join(f"{count:,}" for count in cifar.values()),
    holds=list(cifar.values()) == [1_019_722, 6_979_642, 769_162],
)

# %%
resnets = {
    name: inspect.layer_table(networks.outline(name)) for name in ("resnet50", "resnet101", "resnet152")
}
plots.bars(
    {name: table.total_params / 1e6 for name, table in {**tables, **resnets}.items()},
    x_label="parameters of the ImageNet form, millions",
    number_format="{:.1f}",
)

# %% [markdown]
# Read the bars in pairs: the paper reports about the same error for DenseNet-201 and ResNet-101 (2017, figure 3), with less than half of the weights. Our form is far smaller; here is its table, without the rows that have neither weights nor multiply-adds.

# %%
own_table = inspect.layer_table(network)
print(own_table.weighted())

# %% [markdown]
# Follow the normalisations down a block: they grow with what is read, the convolutions always make the same few maps.
#
# | | paper | here |
# |---|---|---|
# | data | CIFAR-10, 32x32x3 | Fashion-MNIST, 28x28x1 |
# | first convolution | one pixel a step | two pixels a step |
# | layers and growth | 40 layers, 12 maps each; or BC with 100 | as in the parameters cell |
# | bottleneck | in BC | none: it would cost here |
# | compression | one half, in BC | one half |
# | dropout | 0.2 without augmentation | none: training is short |
# | training | SGD, momentum .9, 300 passes | AdamW, one-cycle, few passes |
#
# ### The price: memory
#
# What do feature maps take in a training? Every layer reads a concatenation, and in a straightforward program each concatenation is a new copy, normalised into another copy. **Predict:** a block gets twice as many layers. By how much does the memory grow?

# %%
layer_counts = np.array([2, 4, 8, 16, 32])


def block_bytes(layers):
    """Bytes of all outputs for one picture, in a network of one dense block on 32x32 with growth 12."""
    outline = networks.outline(
        "densenet121",
        input_shape=(32, 32, 3),
        classes=10,
        depths=(layers,),
        growth=12,
        bottleneck=False,
        stem="small",
        stem_stride=1,
    )
    return inspect.layer_table(outline).total_activation_bytes


dense_bytes = [block_bytes(int(count)) for count in layer_counts]
second_differences = {
    block_bytes(count + 2) - 2 * block_bytes(count + 1) + block_bytes(count) for count in (3, 7, 12)
}
lesson.claim(
    "11-memory-quadratic",
    "The memory of a dense block's feature maps grows with the square of its depth.",
    source="Huang et al., 2017, section 5, and Pleiss et al., 2017; counted over layer tables",
    measured=f"second difference the same at 3, 7 and 12 layers and above 0: {len(second_differences) == 1}; "
    + ", ".join(f"{n} layers {b / 1e6:.1f} MB" for n, b in zip(layer_counts, dense_bytes, strict=True)),
    holds=len(second_differences) == 1 and second_differences.pop() > 0,
)

# %%
new_maps = [32 * 32 * 12 * 4 * count / 1e6 for count in layer_counts]
plots.lines(
    layer_counts,
    {"all outputs, copies included": np.array(dense_bytes) / 1e6, "only the new maps": new_maps},
    x_label="layers in the block",
    y_label="megabytes for one picture",
    x_log=True,
    y_log=True,
)

# %% [markdown]
# Both axes are logarithmic, so that a power is a straight line and its slope the exponent. The lower line is what has been *found*: each layer adds the same. The upper one bends until it is twice as steep: that is what the copies take. They hold nothing new, so a careful program keeps the
# new maps only and makes the copies again when the backward pass needs them, which costs time instead (Pleiss and others, 2017).

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
keras.utils.set_random_seed(seed)
network = networks.build("densenet_cifar", depth=depth, growth=growth, compression=0.5, **FORM)
history = training.train(network, images, recipe, seed=seed)
plots.learning_curves({"densenet": history})

# %% [markdown]
# Look at the distance of the dashed and the solid curve at the end, and at whether validation wavers in the first passes: its normalisation uses moving averages, which lag behind while the learning rate is high.

# %% tags=["nbval-ignore-output"]
test = training.evaluate(network, images.test)
print(f"test accuracy {test['top1']:.4f}, among the five best {test['top5']:.4f}")

# %%
lesson.expect_between("test accuracy of DenseNet", test["top1"], 0.50, 0.97)

# %% [markdown]
# ## Looking inside
#
# The end of the first block, for one shirt: four maps of the stem, and four that each layer added. They all reach the transition.

# %% tags=["nbval-ignore-output"]
shirt = images.validation.images[images.validation.labels == 6][:1]
last_concatenation = f"block1_layer{layers_in_block}_concat"
maps = inspect.feature_maps(network, shirt, [last_concatenation])[last_concatenation][0]
begins = [0] + [16 + growth * layer for layer in range(layers_in_block)]
chosen = [begin + i for begin in begins for i in range(4)]
titles = [f"{'stem' if s == 0 else f'layer {s}'}, {i}" for s in range(len(begins)) for i in range(4)]
plots.feature_maps(maps[..., chosen], titles=titles, columns=4)

# %% [markdown]
# Each row is one source: compare how much of the shirt itself is left in the first row and in the last. In a ResNet the rows would have been added into one.

# %% tags=["nbval-ignore-output"]
logits = inspect.predict(network, images.validation.images)
probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
plots.worst_mistakes(
    images.validation.images, images.validation.labels, probabilities, images.class_names, count=10
)

# %% [markdown]
# The wrong answers that it was most sure of. Count how many of the pairs are garments of one outline that differ by a detail.

# %% [markdown]
# ## Experiments
#
# ### Do late layers use early maps?
#
# The paper's answer is a picture: for each layer the mean magnitude of its weights on the maps of each source (2017, figure 5). We draw it for the first and the last block. 1 is the mean over all sources of a layer.
# **Predict:** will the newest maps get most of the weight?


# %%
def source_slices(block, layer, model):
    """Channel ranges that `layer` (from 1) of `block` reads, one a source: the block's input, then layers 1, 2, ..."""
    first = model.get_layer(f"block{block}_layer1_conv1").kernel.shape[2]
    ends = [first + growth * earlier for earlier in range(layer)]
    return [slice(begin, end) for begin, end in zip([0, *ends], ends, strict=False)]


def weight_by_source(block, model):
    """Mean magnitude of each layer's weights on each source, by the mean of the layer: (layers, sources), NaN above."""
    result = np.full((layers_in_block, layers_in_block), np.nan)
    for layer in range(1, layers_in_block + 1):
        kernel = np.abs(
            keras.ops.convert_to_numpy(model.get_layer(f"block{block}_layer{layer}_conv1").kernel)
        )
        strengths = [kernel[:, :, part].mean() for part in source_slices(block, layer, model)]
        result[layer - 1, :layer] = np.array(strengths) / np.mean(strengths)
    return result


keras.utils.set_random_seed(seed)
untrained = networks.build("densenet_cifar", depth=depth, growth=growth, compression=0.5, **FORM)
at_start = np.concatenate([weight_by_source(block, untrained) for block in (1, 2, 3)])
lesson.expect_between("smallest value at the start", np.nanmin(at_start), 0.8, 1.0)
lesson.expect_between("largest value at the start", np.nanmax(at_start), 1.0, 1.2)

# %% tags=["nbval-ignore-output"]
trained = {block: weight_by_source(block, network) for block in (1, 2, 3)}
sources = ["input"] + [f"layer {layer}" for layer in range(1, layers_in_block)]
readers = [f"block {block}, layer {layer}" for block in trained for layer in range(1, layers_in_block + 1)]
plots.heatmap(
    np.nan_to_num(np.concatenate(list(trained.values()))),
    x_label="source",
    y_label="reader",
    value_label="mean weight, by the mean over sources",
    row_names=readers,
    column_names=sources,
)

# %% [markdown]
# Zeros are sources that do not exist for that reader. Look along the rows: is the rightmost number, the newest source, far above the leftmost, the oldest? And keep the cell before in mind: at the start all numbers are near 1. A number that is still near 1 can mean that
# the source is used, or that training was too short to unlearn it. Weights alone cannot tell.

# %%
oldest_by_newest = float(np.mean([trained[block][-1, 0] / trained[block][-1, -1] for block in (1, 2, 3)]))
smallest = float(np.nanmin(np.concatenate(list(trained.values()))))
lesson.claim(
    "11-reuse-weights",
    "Layers spread their weights over all earlier layers of their block: no source gets less than a third of the mean.",
    source="Huang et al., 2017, section 5 and figure 5",
    measured=f"smallest share {smallest:.3f} of the mean; last layers, oldest by newest source {oldest_by_newest:.3f}",
    difference=smallest - 1 / 3,
)

# %% [markdown]
# So we cut. *Distance 1* means the newest maps that a layer reads, distance 2 those of the layer before, and so on; the block's input is a source, too. We set the weights of one distance to zero, in all blocks of the trained
# network, and measure what is left. (A cut is crude: nothing is retrained, and the maps' mean goes with them.) **Predict:** which cut hurts most?


# %%
whole_weights = network.get_weights()


def accuracy_without(is_cut):
    """Validation accuracy with all connections cut for which is_cut(distance); the network is whole again afterwards."""
    for block in (1, 2, 3):
        for layer in range(1, layers_in_block + 1):
            kernel = network.get_layer(f"block{block}_layer{layer}_conv1").kernel
            values = keras.ops.convert_to_numpy(kernel).copy()
            for source, part in enumerate(source_slices(block, layer, network)):
                if is_cut(layer - source):
                    values[:, :, part] = 0
            kernel.assign(values)
    accuracy = training.evaluate(network, images.validation)["top1"]
    network.set_weights(whole_weights)
    return accuracy


whole = accuracy_without(lambda distance: False)
lesson.expect_between(
    "whole again: difference to the end of training", abs(whole - history.validation_accuracy[-1]), 0, 0.002
)

# %% tags=["nbval-ignore-output"]
cuts = {"nothing": whole}
for cut in range(1, layers_in_block + 1):
    cuts[f"distance {cut}"] = accuracy_without(lambda distance, cut=cut: distance == cut)
cuts["all but distance 1"] = accuracy_without(lambda distance: distance > 1)
plots.bars(cuts, x_label="validation accuracy", y_label="connections that are cut")

# %% [markdown]
# The first bar is the whole network. Without distance 1 the first layer of each block reads nothing at all. "All but distance 1" leaves plain stacks, in which each layer reads the layer before only; transitions and scores still read everything. A bar well below the first shows that maps
# were read at that distance, and this is the evidence that weights could not give.

# %%
lost = cuts["nothing"] - cuts["all but distance 1"]
lesson.claim(
    "11-reuse-needed",
    "A trained DenseNet uses maps from far back: cutting all connections but those to the newest maps costs accuracy.",
    source="Huang et al., 2017, on feature reuse; tested here by cutting",
    measured="validation accuracy "
    + ", ".join(f"without {name} {value:.4f}" for name, value in cuts.items()),
    difference=lost,
)

# %% [markdown]
# ### Against a ResNet of equal multiply-adds
#
# Fewer weights for the same error, says the paper. For a fair match we look for the ResNet, by its width, whose multiply-adds come nearest, and train it by the same recipe on the same pictures in the same order.

# %%
candidates = {
    width: inspect.layer_table(networks.outline("resnet20_cifar", depth=resnet_depth, width=width, **FORM))
    for width in np.arange(0.5, 1.3, 1 / 32).tolist()
}
width = min(candidates, key=lambda w: abs(candidates[w].total_macs - own_table.total_macs))
resnet_table = candidates[width]
print(f"densenet, {depth} layers: {own_table.total_params:9,} parameters, {own_table.total_macs:11,} MACs")
print(
    f"resnet, {resnet_depth} layers:   {resnet_table.total_params:9,} parameters, {resnet_table.total_macs:11,} MACs"
)
lesson.expect_between(
    "multiply-adds, ResNet by DenseNet", resnet_table.total_macs / own_table.total_macs, 0.93, 1.07
)
lesson.claim(
    "11-fewer-weights",
    "At equal multiply-adds a DenseNet has fewer parameters than a ResNet.",
    source="Huang et al., 2017, figure 3; this pair",
    measured=f"{own_table.total_params:,} against {resnet_table.total_params:,}",
    holds=own_table.total_params < resnet_table.total_params,
)

# %% [markdown]
# Where does the difference come from? Three blocks at three sizes: a ResNet doubles its channels each time the picture halves, so that most of its weights are in the last stage; a DenseNet's layers make the same few maps everywhere.
#
# **Predict:** who has the higher validation accuracy?

# %% tags=["nbval-ignore-output"]
keras.utils.set_random_seed(seed)
resnet = networks.build("resnet20_cifar", depth=resnet_depth, width=width, **FORM)
resnet_history = training.train(resnet, images, recipe, seed=seed, progress="none")
lesson.add_run("ResNet of equal MACs", resnet, resnet_history)
plots.learning_curves({"densenet": history, "resnet": resnet_history})

# %% [markdown]
# Compare the solid lines for the answer, and the dashed ones for who fits the training images faster: with more weights the ResNet has more room to do so.

# %%
dense_accuracy, resnet_accuracy = history.validation_accuracy[-1], resnet_history.validation_accuracy[-1]
lesson.claim(
    "11-equal-macs",
    "At equal multiply-adds a DenseNet is more accurate than a ResNet.",
    source="Huang et al., 2017, figure 3, right",
    measured=f"validation accuracy {dense_accuracy:.4f} against {resnet_accuracy:.4f}",
    difference=dense_accuracy - resnet_accuracy,
)

# %%
dense_error, resnet_error = 1 - dense_accuracy, 1 - resnet_accuracy
per_weight = np.log(resnet_table.total_params * resnet_error) - np.log(own_table.total_params * dense_error)
lesson.claim(
    "11-accuracy-per-parameter",
    "A DenseNet makes more of its parameters than a ResNet of equal multiply-adds: parameters times error is smaller.",
    source="Huang et al., 2017, figure 3, left, put into one number",
    measured=f"logarithm of the ratio {per_weight:+.3f}; errors {dense_error:.4f} and {resnet_error:.4f}",
    difference=float(per_weight),
)

# %% tags=["nbval-ignore-output"]
plots.bars(
    {
        "densenet, parameters": own_table.total_params / resnet_table.total_params,
        "densenet, multiply-adds": own_table.total_macs / resnet_table.total_macs,
        "densenet, feature maps in memory": own_table.total_activation_bytes
        / resnet_table.total_activation_bytes,
        "densenet, validation error": dense_error / resnet_error,
        "densenet, seconds for an image": resnet_history.images_per_second / history.images_per_second,
    },
    x_label="by the ResNet's",
    y_label="quantity",
)

# %% [markdown]
# (Parameters times error is a generous currency: half of the weights count as much as half of the error. So look at both.) 1 is the ResNet. The first two bars were set by construction and arithmetic. Compare the other three: what do the saved weights cost in memory and in time, and does the error change by as much as the number of weights? Weights are what a DenseNet is thrifty with; copies and normalisations of wide concatenations do not show in
# multiply-adds, but a machine has to make them. Lesson 17 measures this for all networks.

# %% [markdown]
# ### The paper's own form
#
# Our DenseNet has the paper's form for small images. DenseNet-121 is its form for photographs: a stem that halves the image twice and four blocks with 58 layers, each with a
# bottleneck and a growth of 32. It needs larger images. Ours can be stretched to any size, which adds pixels and no detail; 96 pixels take about a fifth of the work of 224.
#
# **Predict:** how many times the multiply-adds of our network does one image take?

# %%
full_side = full_image_size or 96
full_form = {"input_shape": (full_side, full_side, 1), "classes": 10}
full_table = inspect.layer_table(networks.outline("densenet121", **full_form))
times = full_table.total_macs / inspect.layer_table(network).total_macs
print(f"DenseNet-121 on {full_side} x {full_side} pixels: {full_table.total_params:,} parameters")
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
        full_network = networks.build("densenet121", **full_form)
    full_recipe = dataclasses.replace(recipe, epochs=full_epochs)
    full_history = training.train(full_network, full_images, full_recipe, seed=seed, devices=devices)

# %% tags=["nbval-ignore-output"]
if full_image_size is not None:
    full_test = training.evaluate(full_network, full_images.test)
    lesson.add_run(f"DenseNet-121 at {full_image_size} pixels", full_network, full_history, test=full_test)
    print(f"test accuracy {full_test['top1']:.4f}, ours {test['top1']:.4f}")

# %% tags=["nbval-ignore-output"]
plots.learning_curves({"ours": history, "DenseNet-121, full": full_history}) if full_image_size else None

# %% [markdown]
# Where both were trained, compare their validation curves, and how often each saw the images: `epochs` and `full_epochs` may differ. A stretched image holds no detail
# that the small one lacks. So what the full form gains comes from its channels and its computing and not from sharper eyes.

# %% [markdown]
# ## Recap
#
# - Concatenation keeps all that was found; a sum is a special case of what a 1x1 convolution can make of it.
# - A layer adds $k$ maps; a block of $L$ layers on $k_0$ channels hands on $k_0 + L\,k$; transitions halve channels and pictures.
# - The bottleneck saves weights only where many channels are read: from $7.2\,k$ on.
# - DenseNets have few weights, and a memory that grows with the square of a block's depth, unless one computes copies again.
# - Whether old maps are used is seen by cutting, not from weights that began equal.
# - This ends the classics. Next, lesson 12 goes back to the inception module and takes its kernels apart.

# %% tags=["nbval-ignore-output"]
lesson.record(
    network=network,
    history=history,
    test=test,
    data=images,
    accuracy_after_cut=cuts,
    weight_oldest_by_newest=oldest_by_newest,
)

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. `lesson.hint("11-1")` helps, `lesson.solution("11-1")` shows a way.
#
# **11-1.** The second block of DenseNet-121 gets 128 channels and has 12 layers of growth 32. How many channels does the transition behind it hand on, with a compression of one half?

# %%
answer = None
lesson.check("11-1", answer)

# %% [markdown]
# **11-2.** How many trainable parameters has a transition from 256 to 128 channels: batch normalisation (a scale and a shift for each channel) and a 1x1 convolution without bias?

# %%
answer = None
lesson.check("11-2", answer)

# %% [markdown]
# **11-3.** How many direct connections has a block of 24 layers? Each layer is connected with the block's input and with every layer before it.

# %%
answer = None
lesson.check("11-3", answer)

# %% [markdown]
# **11-4 (code).** Write `dense_block(x, layers, growth)` on a Keras tensor: that many layers of BN, ReLU and a 3x3 convolution without bias, whose maps are stacked behind what it read, old channels first.

# %%
dense_block = None
lesson.check("11-4", dense_block)

# %% [markdown]
# **11-5 (code).** Write `block_memory(first, layers, growth)`: how many *channels* a straightforward program keeps for a block, if it stores the block's input, and for each layer the normalised copy of what it reads, the same after ReLU, its new maps, and the new
# concatenation.

# %%
block_memory = None
lesson.check("11-5", block_memory)

# %% [markdown]
# # 10 ResNet: layers that learn the difference
#
# Put more layers on a network that works, and it gets worse, not only on new images but on those it is trained on. Residual networks let each
# block compute a *change* to its input and add the input back, so that doing nothing is the easiest thing to do. With this one addition,
# networks of a hundred layers train like networks of twenty.
#
# *Paper:* K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition" (2016).
#
# **What you will learn**
# - degradation: why a deeper plain network is worse, and why overfitting cannot be the reason
# - the residual block: $g(z + a)$, and why $g(z) + a$ is another network
# - three kinds of shortcut and what they cost; the bottleneck block; the table from 18 to 152 layers
# - why a residual of zero is easy to learn, and what pre-activation changes
# - what happens to a trained network when you take a block out
#
# **You need** lessons 06 and 09, or: what a stack of convolutions, batch normalisation and ReLU are.
# **Time:** about a minute of computing at budget `quick`, four minutes at `cpu`; 50 minutes to read.

# %% tags=["parameters"]
budget: str = "quick"  # label of the budget: quick, cpu or gpu
seed: int = 0  # of weights and order of images
threads: int = 2  # CPU threads of the arithmetic
precision: str = "float32"  # float32, mixed_bfloat16 or auto
dataset: str = "fashion_mnist"  # fashion_mnist, cifar10 or folder:<path>
train_examples: int | None = 1200  # training images of the main network; None for all
validation_examples: int = 1000  # images to compare choices with
depth_examples: int | None = 1280  # training images of the plain and residual nets of several depths
variant_examples: int | None = 960  # training images of the variants of a block
epochs: int = 3  # passes over the training images, main network
depth_epochs: int = 2  # the same for the nets of several depths
variant_epochs: int = 2  # the same for the variants of a block
batch_size: int = 32  # images a step
learning_rate: float = 0.1  # peak of the one-cycle schedule
width: float = 0.25  # share of the paper's channels, main network
depths: list = [20, 56]  # layers of the plain and residual nets; 20 and 56 must be there, 110 may be
variant_depth: int = 8  # layers of the nets that compare variants of a block: 8, 14, 20, ...
mirror: bool = False  # flip training images left to right at random
full_image_size: int | None = None  # pixels; trains the paper's form on stretched images; None leaves it out
full_epochs: int = 10  # passes over the training images, the paper's own form
devices: int = 1  # accelerators that share each batch of the full-size training

# %% tags=["nbval-ignore-output"]
import dataclasses
import itertools

from cnnlib import lesson, data, inspect, networks, plots, training

import keras
import numpy as np

lesson.begin("10_resnet", budget=budget, seed=seed, threads=threads, precision=precision)

# %% [markdown]
# ## The problem: deeper is worse
#
# Lesson 06 saw depth help, and then help no more. With batch normalisation (lesson 09) the signal reaches every layer of a network of fifty layers at a
# good size. So nothing should be in the way of fifty layers. Let us train *plain* networks, stacks of 3x3 convolutions with normalisation and ReLU, with 20 and with 56 layers, in the form that
# the paper made for small images: three stages with 16, 32 and 64 channels, here with half of them.

# %%
images = data.load(dataset, train_examples=train_examples, validation_examples=validation_examples, seed=0)
first_of_each = [int(np.argmax(images.train.labels == k)) for k in range(images.classes)]
plots.image_grid(images.train.images[first_of_each], titles=images.class_names, columns=5)

# %% [markdown]
# The pictures of the lessons before, one of each class. We use few of them here and few steps, so that a network of 56 layers can be had in seconds; what we look for does not
# need many.

# %%
input_shape = images.train.images.shape[1:]
few_images = data.load(
    dataset, train_examples=depth_examples, validation_examples=validation_examples, seed=0
)
depth_recipe = training.Recipe(
    epochs=depth_epochs,
    batch_size=min(32, len(few_images.train)),
    optimizer="sgd",
    learning_rate=0.1,
    schedule="one_cycle",
    weight_decay=0.0001,
)


def small_net(depth, **options):
    """The paper's net for small images with half of its channels, the image halved at once, from the lesson's seed."""
    keras.utils.set_random_seed(seed)
    policy = keras.config.dtype_policy()
    # Always in float32: what rounding to bfloat16 does to a deep plain net is another question.
    keras.config.set_dtype_policy("float32")
    model = networks.build(
        "resnet20_cifar",
        input_shape=input_shape,
        classes=images.classes,
        width=0.5,
        stem_stride=2,
        depth=depth,
        **options,
    )
    keras.config.set_dtype_policy(policy)
    return model


plain = {depth: small_net(depth, shortcut="none") for depth in depths}
for depth, candidate in plain.items():
    table = inspect.layer_table(candidate)
    print(f"plain-{depth}: {table.total_params:7,} parameters, {table.total_macs:10,} multiply-adds")

# %% [markdown]
# **Predict:** the deeper network has three times the weights. Which one will fit the *training* images better?

# %% tags=["nbval-ignore-output"]
plain_histories = {}
for depth, candidate in plain.items():
    plain_histories[depth] = training.train(candidate, few_images, depth_recipe, seed=seed, progress="none")
    lesson.add_run(f"plain-{depth}", candidate, plain_histories[depth])
plots.lines(
    range(1, depth_epochs + 1),
    {f"plain-{depth}": [1 - a for a in h.train_accuracy] for depth, h in plain_histories.items()},
    x_label="epoch",
    y_label="training error",
    chance=1 - 1 / images.classes,
)

# %%
plain_error = {depth: 1 - h.train_accuracy[-1] for depth, h in plain_histories.items()}
lesson.claim(
    "10-degradation",
    "A plain network of 56 layers has a higher training error than one of 20 layers.",
    source="He et al., 2016, figure 1 and section 4.2",
    measured=f"training error {plain_error[56]:.4f} with 56 layers, {plain_error[20]:.4f} with 20",
    difference=plain_error[56] - plain_error[20],
)
if 110 in depths:
    lesson.claim(
        "10-plain-110",
        "A plain network of 110 layers has a higher training error than one of 56 layers.",
        source="He et al., 2016, section 4.2: more than 60 percent on CIFAR-10",
        measured=f"training error {plain_error[110]:.4f} with 110 layers, {plain_error[56]:.4f} with 56",
        difference=plain_error[110] - plain_error[56],
    )

# %% [markdown]
# This is the error on the *training* images, taken during each epoch. *Overfitting* would mean that the deeper network fits the training images better and new ones worse. If its line
# lies higher here, then it is not that: the deeper network does not even get to what it could. The authors call this *degradation*. (The claim about 110 layers is made at budget `cpu`.)
#
# ### A deeper network that is no worse exists
#
# And we can build it. Take the trained net of 20 layers and put layers on it that hand on their input unchanged: a 3x3 kernel
# with a one in the middle, from each channel to itself, and normalisation that neither shifts nor scales. ReLU does no harm to numbers that are not negative. One more block in each stage makes 26 layers.


# %%
def make_identity(block):
    """Weights that make one block of a plain network hand on its input: names such as "stage2_block4"."""
    model, name = block
    for convolution in (f"{name}_conv1", f"{name}_conv2"):
        kernel = np.zeros(model.get_layer(convolution).kernel.shape, "float32")
        kernel[1, 1] = np.eye(kernel.shape[2])
        model.get_layer(convolution).set_weights([kernel])
        ones = np.ones(kernel.shape[3], "float32")
        # A variance of 1 - epsilon, for the normalisation divides by the root of variance + epsilon.
        model.get_layer(f"{convolution}_bn").set_weights([ones, 0 * ones, 0 * ones, ones - 1e-5])


longer = small_net(26, shortcut="none")
for layer in plain[20].layers:
    if layer.weights:
        longer.get_layer(layer.name).set_weights(layer.get_weights())
for stage in (2, 3, 4):
    make_identity((longer, f"stage{stage}_block4"))

pictures = data.to_float(few_images.train.images[:256])
short_scores, long_scores = inspect.predict(plain[20], pictures), inspect.predict(longer, pictures)
difference = np.abs(short_scores - long_scores).max() / np.abs(short_scores).max()
lesson.claim(
    "10-identity-layers",
    "Identity layers on a trained plain network leave its scores as they are: a deeper net of equal training error exists.",
    source="He et al., 2016, section 1",
    measured=f"relative difference below 1e-5 with six layers more: {difference < 1e-5}",
    holds=bool(difference < 1e-5),
)

# %% [markdown]
# So the deeper networks *can* be as good. Training does not find such weights: among all the 3x3 kernels, a stack of nonlinear layers has to hit the one that does nothing. That is hard for
# a learner that starts from random numbers around zero.
#
# ## The block: add the input back
#
# Then let us make "nothing" the easy case. A block computes a change $z = F(a)$ by two convolutions and adds its input: $g(z + a)$ with $g$ the ReLU. If doing nothing is best, $F$ has to become zero, and
# weights around zero are where training starts and where weight decay pulls. Here is the block from plain Keras layers. Where channels or size change, the input cannot be added as it
# is; a 1x1 convolution, called *projection*, brings it to the right shape.


# %%
def residual_block(a, filters, stride=1):
    """g(z + a): two 3x3 convolutions with normalisation, and the input added before the last ReLU."""
    z = keras.layers.ZeroPadding2D(1)(a) if stride > 1 else a
    padding = "valid" if stride > 1 else "same"
    z = keras.layers.Conv2D(filters, 3, strides=stride, padding=padding, use_bias=False)(z)
    z = keras.layers.BatchNormalization(epsilon=1e-5)(z)
    z = keras.layers.ReLU()(z)
    z = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(z)
    z = keras.layers.BatchNormalization(epsilon=1e-5)(z)
    if stride > 1:
        a = keras.layers.Conv2D(filters, 1, strides=stride, use_bias=False)(a)
        a = keras.layers.BatchNormalization(epsilon=1e-5)(a)
    return keras.layers.ReLU()(keras.layers.Add()([z, a]))


# %%
maps = keras.Input((14, 14, 16))
two_blocks = keras.Model(maps, residual_block(residual_block(maps, 32, stride=2), 32))
plots.architecture(inspect.diagram(two_blocks))

# %% [markdown]
# Two residual blocks, one below the other. In the upper one the input goes two ways, through two 3x3 convolutions and through the projection, and the results are added.
# The upper one halves height and width, which is why it needs a projection. In the lower one the coloured line is the shortcut: it passes the convolutions by, nothing stands on it, and it ends in the addition, before the last ReLU.
#
# The network is eight such blocks between a first convolution and a dense layer:

# %%
inputs = keras.Input(input_shape)
x = keras.layers.ZeroPadding2D(1)(inputs)
x = keras.layers.Conv2D(round(64 * width), 3, strides=2, use_bias=False)(x)  # 14, 14 for 28 pixels
x = keras.layers.BatchNormalization(epsilon=1e-5)(x)
x = keras.layers.ReLU()(x)
for stage in range(4):  # 14, 14; 7, 7; 4, 4; 2, 2
    for block in range(2):
        x = residual_block(x, round(64 * 2**stage * width), stride=2 if stage > 0 and block == 0 else 1)
x = keras.layers.GlobalAveragePooling2D()(x)
by_hand = keras.Model(inputs, keras.layers.Dense(images.classes)(x))
convolutions = [layer for layer in by_hand.layers if isinstance(layer, keras.layers.Conv2D)]
projections = [layer for layer in convolutions if layer.kernel_size == (1, 1)]
print(
    f"{len(convolutions) - len(projections)} convolutions of 3x3, {len(projections)} projections, a dense layer"
)

# %% [markdown]
# Seventeen convolutions and the dense layer are the eighteen of ResNet-18's name; projections are not counted. The library's is the same function:

# %%
keras.utils.set_random_seed(seed)
network = networks.build(
    "resnet18", input_shape=input_shape, classes=images.classes, width=width, stem="small", stem_stride=2
)
lesson.expect_same_function(by_hand, network)

# %% [markdown]
# ### Zeros make the identity
#
# Set the scale of a block's last normalisation to zero, and $F$ is zero. **Predict:** what does the residual block give then, and what the plain one?

# %%
policy = keras.config.dtype_policy()
keras.config.set_dtype_policy("float32")


def one_block(block=networks.residual.residual_block, **options):
    """A model of one block on maps of 8 x 8 with 16 channels, its last normalisation set to zero."""
    maps = keras.Input((8, 8, 16))
    model = keras.Model(maps, block(maps, 16, name="block", **options))
    for layer in model.layers:
        if layer.name == "block_conv2_bn":
            layer.set_weights([0 * w if i < 2 else w for i, w in enumerate(layer.get_weights())])
    return model


random = np.random.default_rng(0)
signed = random.normal(size=(2, 8, 8, 16)).astype("float32")
positive = np.maximum(signed, 0)  # what a block gets: the block before it has ended in a ReLU
zeroed_residual = inspect.predict(one_block(), positive)
zeroed_plain = inspect.predict(one_block(shortcut="none"), positive)
print("residual block, zeroed: equals its input:", np.array_equal(zeroed_residual, positive))
print("plain block, zeroed:    equals its input:", np.array_equal(zeroed_plain, positive))
print("                        everything lost: ", not zeroed_plain.any())
lesson.claim(
    "10-zeroed-block",
    "A residual block whose last normalisation is zeroed is the identity.",
    source="He et al., 2016, section 3.1; used to start blocks by Goyal et al., 2017",
    measured=f"equal to the bit: {np.array_equal(zeroed_residual, positive)}",
    holds=np.array_equal(zeroed_residual, positive),
)

# %% [markdown]
# The plain block forgets everything, the residual one nothing. What holds for values holds for gradients: the derivative of $F(a) + a$ is that of $F$, plus one. Here is a chain of 56 random linear layers,
# each with a third of the size that would keep a signal; and the same layers, added to their input.

# %%
signal = {"plain": [np.ones(64) / 8], "residual": [np.ones(64) / 8]}
for _ in range(56):
    layer = random.normal(size=(64, 64)) / 64**0.5 / 3
    signal["plain"].append(layer @ signal["plain"][-1])
    signal["residual"].append(signal["residual"][-1] + layer @ signal["residual"][-1])
plots.lines(
    range(57),
    {name: [np.linalg.norm(v) for v in values] for name, values in signal.items()},
    x_label="layers passed",
    y_label="length of the signal",
    y_log=True,
)

# %% [markdown]
# The plain signal falls by the same factor at each layer, a straight line down on this axis; after 56 layers nothing is left. The residual one grows slowly instead: each layer adds
# to it. That is why residual nets keep normalisation (or start their blocks at zero).
#
# ### g(z + a) and g(z) + a
#
# Where does the last ReLU stand, after the addition or before it? Notes disagree, the paper does not: after it. Does it matter? The same weights in both orders:

# %%
orders = {
    "g(z + a)": small_net(20),
    "g(z) + a": small_net(20, relu_position="before_addition"),
}
orders["g(z) + a"].set_weights(orders["g(z + a)"].get_weights())
pictures = data.to_float(images.validation.images[:32])
outputs = {name: inspect.predict(model, pictures) for name, model in orders.items()}
gap = np.abs(outputs["g(z + a)"] - outputs["g(z) + a"]).max() / np.abs(outputs["g(z + a)"]).max()
lesson.claim(
    "10-two-orders",
    "g(z + a) and g(z) + a are different networks.",
    source="He et al., 2016, figure 2, against notes that write g(z) + a",
    measured=f"equal weights, outputs differ by more than a tenth of the largest: {gap > 0.1}",
    holds=bool(gap > 0.1),
)
keras.config.set_dtype_policy(policy)

# %% [markdown]
# With $g(z) + a$ a block can only add: $g(z)$ is never negative, so the maps can grow from block to block and never shrink. We see that here, and train both forms further below.

# %%
taps = [f"stage2_block{i}_add" for i in (1, 2, 3)]
for name, model in orders.items():
    maps = inspect.feature_maps(model, pictures, ["stem_conv_relu", *taps])
    chain = [np.maximum(maps[tap], 0) for tap in maps]
    never_shrinks = all(bool((after >= before - 1e-6).all()) for before, after in itertools.pairwise(chain))
    print(f"{name}: no value ever shrinks from block to block: {never_shrinks}")

# %% [markdown]
# ### Shortcuts: options A, B, C
#
# Three ways to bring the input to a new shape. *A* takes every second pixel and fills the new channels with zeros, which costs no weights. *B* projects by a 1x1 convolution where the shape changes, and
# *C* projects in every block. The counts, exactly:

# %%
print("            option A     option B     option C")
counts = {}
for name in ("resnet20_cifar", "resnet56_cifar", "resnet34"):
    counts[name] = [
        inspect.layer_table(networks.outline(name, shortcut=option)).total_params for option in "ABC"
    ]
    print(f"{name:15}" + "  ".join(f"{count:11,}" for count in counts[name]).rjust(32))
plain_counts = [inspect.layer_table(networks.outline(n)).total_params for n in ("plain20_cifar", "plain34")]
lesson.claim(
    "10-options",
    "Shortcuts of option A add no weights; ResNet-34 has 21,623,848 parameters with A, 21,797,672 with B, 22,716,840 with C.",
    source="He et al., 2016, section 4.1 and table 3; exact counts from independent implementations",
    measured=", ".join(f"{count:,}" for count in counts["resnet34"]),
    holds=counts["resnet34"] == [21_623_848, 21_797_672, 22_716_840]
    and counts["resnet20_cifar"] == [269_722, 272_474, 283_962]
    and plain_counts == [counts["resnet20_cifar"][0], counts["resnet34"][0]],
)

# %% [markdown]
# ### The bottleneck
#
# Deep ResNets use another block: a 1x1 convolution to a quarter of the channels, a 3x3 there, and a 1x1 back. It is GoogLeNet's reduction, with a way back. **Predict:** how many times fewer weights has it than two 3x3 convolutions, at
# 256 channels?

# %%
two_3x3 = 2 * 3 * 3 * 256 * 256
bottleneck = 256 * 64 + 3 * 3 * 64 * 64 + 64 * 256
print(f"{two_3x3:,} against {bottleneck:,}: {two_3x3 / bottleneck:.2f} times fewer")
lesson.claim(
    "10-bottleneck",
    "At 256 channels a bottleneck block has 69,632 weights where two 3x3 convolutions have 1,179,648.",
    source="arithmetic; He et al., 2016, figure 5",
    measured=f"{bottleneck:,} and {two_3x3:,}",
    holds=bottleneck == 69_632 and two_3x3 == 1_179_648,
)

# %% [markdown]
# ## The network: from 18 to 152 layers
#
# Four stages; the table says how many blocks each has. `networks.outline` makes the paper's forms for 224 x 224 pixels and 1,000 classes without allocating weights.

# %%
print("            blocks         kind         parameters   multiply-adds   top-1 error in the paper (2016)")
tables = {}
for name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"):
    facts = networks.catalogue()[name]
    tables[name] = inspect.layer_table(networks.outline(name))
    blocks = ", ".join(map(str, facts.options["depths"]))
    print(
        f"{name:10}  {blocks:13}  {facts.options['block']:10}  {tables[name].total_params:12,}"
        f"  {tables[name].total_macs:14,}  {facts.top1_error:8}"
    )

# %% [markdown]
# ResNet-50 has nearly three times the layers of ResNet-18 and little more than twice its work; that is the bottleneck's doing. (All of these errors are means over ten crops; 18 layers with option A, the others with option B.)

# %%
vgg = inspect.layer_table(networks.outline("vgg16"))
plots.bars(
    {name: table.total_macs / 1e9 for name, table in {"vgg16": vgg, **tables}.items()},
    x_label="multiply-adds for one image, billions",
    number_format="{:.1f}",
)

# %%
lesson.claim(
    "10-152-against-vgg",
    "ResNet-152 needs fewer multiply-adds than VGG-16.",
    source="He et al., 2016, section 3.3 and table 1",
    measured=f"{tables['resnet152'].total_macs / 1e9:.1f} against {vgg.total_macs / 1e9:.1f} billion",
    holds=tables["resnet152"].total_macs < vgg.total_macs,
)

# %% [markdown]
# Look at the bars: nine times as deep, and cheaper. VGG works with many channels on large maps; ResNet halves the image twice before its first block.
#
# The small-image form has $6n + 2$ layers: three stages of $n$ blocks of two convolutions, the first convolution and the last dense layer. Some notes say that the authors went on "to 101 layers" with it. Can that be?

# %%
possible = [6 * n + 2 for n in range(3, 20)]
print("6n + 2:", ", ".join(map(str, possible)))
print("ResNet-101:", 3 * (3 + 4 + 23 + 3) + 2, "layers, in bottlenecks, for photographs")
lesson.claim(
    "10-cifar-101",
    "The deep residual network for CIFAR-10 is one of 101 layers.",
    source="notes on the paper; He et al., 2016, table 6 has 20, 32, 44, 56, 110 and 1202 layers",
    measured="6n + 2 gives 110 for n = 18, and 101 for no n",
    holds=101 in possible,
)

# %% [markdown]
# | | paper | here |
# |---|---|---|
# | data | ImageNet; CIFAR-10 for the small form | Fashion-MNIST (parameter `dataset`) |
# | input | 224x224x3; 32x32x3 | 28x28x1 |
# | stem of ResNet-18 | 7x7 at two pixels a step, then pooling | 3x3 at two pixels a step, no pooling |
# | channels of ResNet-18 | 64 to 512 | a quarter at `quick`, three eighths at `cpu` |
# | plain and residual nets of 20 and 56 layers | 16, 32, 64 channels, 64,000 steps of 128 images | half the channels, the image halved at once; 80 steps of 32 images, 120 at `cpu` |
# | plain net of 110 layers | trained | at `cpu` only |
# | variants of a block | 34 layers on ImageNet (A, B, C) | 8 layers, half the channels |
# | training | SGD, momentum .9, rate divided by ten twice | SGD, momentum .9, one-cycle; main network with Nesterov momentum |
# | augmentation | shifted crops, mirroring | mirroring at `cpu`, main network |

# %% [markdown]
# ## Training

# %%
recipe = training.Recipe(
    epochs=epochs,
    batch_size=batch_size,
    optimizer="sgd",
    nesterov=True,
    learning_rate=learning_rate,
    schedule="one_cycle",
    weight_decay=0.0005,
)
recipe.table()

# %% tags=["nbval-ignore-output"]
augmentation = keras.layers.RandomFlip("horizontal", seed=seed) if mirror else None
history = training.train(network, images, recipe, seed=seed, augmentation=augmentation)

# %% tags=["nbval-ignore-output"]
plots.learning_curves({"resnet18": history})

# %% [markdown]
# Look at the solid lines in the first epochs: while the learning rate is high, validation may jump up and down, since the averages of batch normalisation lag behind weights that move
# fast. It settles as the rate falls. See whether training and validation have parted at the end; without dropout, and with this many weights, they will in a long training.
#
# The test set, once:

# %% tags=["nbval-ignore-output"]
test = training.evaluate(network, images.test)
print(f"test accuracy {test['top1']:.4f}, among the five best {test['top5']:.4f}")

# %%
lesson.expect_between("test accuracy of ResNet-18", test["top1"], 0.30, 0.98)

# %% [markdown]
# ## Looking inside
#
# ### How much does a block change?
#
# If blocks learn differences, how large are they? For each block of the trained network we compare the size of $z$ with the size of the $a$ to which it is added (root mean square over images, places and channels).

# %% tags=["nbval-ignore-output"]
pictures = images.validation.images[:256]
shares = {}
for stage in (2, 3, 4, 5):
    for block in (1, 2):
        name = f"stage{stage}_block{block}"
        add = network.get_layer(f"{name}_add")
        branch, shortcut = (tensor._keras_history.operation.name for tensor in add.input)
        maps = inspect.feature_maps(network, pictures, [branch, shortcut])
        shares[name] = float(np.sqrt(np.mean(maps[branch] ** 2) / np.mean(maps[shortcut] ** 2)))
plots.bars(shares, x_label="size of the change over size of what it changes", y_label="block")

# %%
lesson.expect_between("smallest relative change of a block", min(shares.values()), 0.01, 20.0)
lesson.expect_between("largest relative change of a block", max(shares.values()), 0.05, 100.0)

# %% [markdown]
# Compare the first and the second block of each stage. The first one of stages 3 to 5 adds to a projection, so both of its summands are new; the second one adds to what was there. A bar below
# one is a block that corrects more than it replaces. In deep ResNets the changes get smaller with depth (2016, figure 7).

# %% tags=["nbval-ignore-output"]
logits = inspect.predict(network, images.validation.images)
plots.confusion_matrix(images.validation.labels, logits.argmax(axis=1), images.class_names)

# %% [markdown]
# With clothes, compare the row of the shirt with those of the lessons before: a deeper network moves what is left of the errors only slowly out of the corner of shirt, T-shirt, pullover and coat.

# %% tags=["nbval-ignore-output"]
probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
plots.worst_mistakes(
    images.validation.images, images.validation.labels, probabilities, images.class_names, count=12
)

# %% [markdown]
# The wrong answers that the network was most sure of. Ask yourself of each which of the two names you would have given it.

# %% [markdown]
# ## Experiments
#
# ### The same depths with shortcuts
#
# The plain nets of the first section once more, now with shortcuts of option A: to the last digit the same number of weights, the same start, the same images in the same order. **Predict:** will the order of 20 and 56 layers turn around?

# %% tags=["nbval-ignore-output"]
residual_depths = (20, 56)
residual = {depth: small_net(depth) for depth in residual_depths}
residual_histories = {}
for depth, candidate in residual.items():
    residual_histories[depth] = training.train(
        candidate, few_images, depth_recipe, seed=seed, progress="none"
    )
    lesson.add_run(f"resnet-{depth}, option A", candidate, residual_histories[depth])
pairs = {f"plain-{depth}": plain_histories[depth] for depth in residual_depths}
pairs |= {f"resnet-{depth}": h for depth, h in residual_histories.items()}
plots.lines(
    range(1, depth_epochs + 1),
    {name: [1 - a for a in h.train_accuracy] for name, h in pairs.items()},
    x_label="epoch",
    y_label="training error",
    chance=1 - 1 / images.classes,
)

# %%
residual_error = {depth: 1 - h.train_accuracy[-1] for depth, h in residual_histories.items()}
lesson.claim(
    "10-no-degradation",
    "A residual network of 56 layers has no higher training error than one of 20 layers.",
    source="He et al., 2016, figure 6 (after 64,000 steps)",
    measured=f"training error {residual_error[56]:.4f} with 56 layers, {residual_error[20]:.4f} with 20",
    difference=residual_error[20] - residual_error[56],
)
plain_gap = plain_error[56] - plain_error[20]
residual_gap = residual_error[56] - residual_error[20]
lesson.claim(
    "10-smaller-gap",
    "Shortcuts shrink what 36 more layers add to the training error.",
    source="He et al., 2016, section 4.2",
    measured=f"training error {plain_gap:+.4f} without shortcuts, {residual_gap:+.4f} with",
    difference=plain_gap - residual_gap,
)
lesson.claim(
    "10-shortcut-56",
    "At 56 layers the network with shortcuts has the lower training error, at equal weights and start.",
    source="He et al., 2016, section 4.2",
    measured=f"training error {plain_error[56]:.4f} plain, {residual_error[56]:.4f} residual",
    difference=plain_error[56] - residual_error[56],
)

# %% [markdown]
# Read it in two steps. First the plain pair against the residual pair: how far apart are 20 and 56 layers in each? Then the residual pair alone. Our training is far shorter than the paper's; a deep
# net has more to set up before it can use its depth, so that the residual net of 56 layers may well be behind at our length. Compare it with the plain net of its own depth, too: which of the two has left chance behind?
#
# ### Taking a block out
#
# A plain network is a chain: each layer was trained on what the one before it says. In a residual network there is always the way around. So let us take single blocks out of the trained nets of 20 layers, by
# setting the block's change to zero in the residual net, and by identity layers in the plain one. (Not the first blocks of stages 3 and 4, which change the shape.)

# %% tags=["nbval-ignore-output"]
judged = data.Split(images.validation.images[:500], images.validation.labels[:500])


def silence(block):
    """Set the change of one block of a residual network to zero."""
    model, name = block
    normalisation = model.get_layer(f"{name}_conv2_bn")
    normalisation.set_weights([0 * w if i < 2 else w for i, w in enumerate(normalisation.get_weights())])


def accuracy_without(model, name, remove):
    """Accuracy with one block taken out; the weights are put back afterwards."""
    kept = model.get_weights()
    remove((model, name))
    accuracy = training.evaluate(model, judged)["top1"]
    model.set_weights(kept)
    return accuracy


blocks = [
    f"stage{stage}_block{i}" for stage in (2, 3, 4) for i in (1, 2, 3) if (stage, i) not in ((3, 1), (4, 1))
]
without = {
    "plain-20": [accuracy_without(plain[20], name, make_identity) for name in blocks],
    "resnet-20": [accuracy_without(residual[20], name, silence) for name in blocks],
}
whole = {
    "plain-20": training.evaluate(plain[20], judged)["top1"],
    "resnet-20": training.evaluate(residual[20], judged)["top1"],
}
plots.bars(
    {f"{net}, {'nothing' if i < 0 else blocks[i]}": whole[net] if i < 0 else without[net][i]
     for net in whole for i in range(-1, len(blocks))},
    x_label="validation accuracy",
    y_label="net, block taken out",
    number_format="{:.2f}",
)  # fmt: skip

# %%
kept_share = {net: float(np.mean(without[net])) / whole[net] for net in whole}
lesson.claim(
    "10-taking-out",
    "Without one of its blocks a trained residual network keeps more of its accuracy than a plain one.",
    source="Veit, Wilber, Belongie: Residual networks behave like ensembles of relatively shallow networks, 2016",
    measured=f"mean share kept: residual {kept_share['resnet-20']:.2f}, plain {kept_share['plain-20']:.2f}",
    difference=kept_share["resnet-20"] - kept_share["plain-20"],
)

# %% [markdown]
# Compare, within each net, the first bar with the others. Where a chain loses a link, everything behind it gets input that it has never seen; in the residual net it gets input that lacks one of many summands. This picture of a residual network, many
# ways of different length side by side, is due to Veit and others (2016).
#
# ### Pre-activation
#
# The same authors later moved normalisation and ReLU *before* each convolution, so that nothing at all is done to the sum: what the first block adds arrives at the last one unchanged. With 110 layers, the error on CIFAR-10
# fell from 6.61 to 6.37, and a network of 1,001 layers could be trained to 4.92 instead of 7.61 (He and others, Identity mappings in deep residual networks, 2016). Is a zeroed block the identity in
# this form, too, and for which input?

# %%
keras.config.set_dtype_policy("float32")
first_form = one_block()
preactivation = one_block(networks.residual.preactivation_block)
kernel = preactivation.get_layer("block_conv2").kernel
preactivation.get_layer("block_conv2").set_weights([np.zeros(kernel.shape, "float32")])
keras.config.set_dtype_policy(policy)
passes = {
    "first form": np.array_equal(inspect.predict(first_form, signed), signed),
    "pre-activation": np.array_equal(inspect.predict(preactivation, signed), signed),
}
lesson.claim(
    "10-preactivation-identity",
    "A zeroed pre-activation block hands on any input; in the first form negative values are cut off.",
    source="He, Zhang, Ren, Sun: Identity mappings in deep residual networks, 2016",
    measured=f"input of both signs unchanged: first form {passes['first form']}, pre-activation {passes['pre-activation']}",
    holds=passes["pre-activation"] and not passes["first form"],
)

# %% [markdown]
# The first form can hand on only what a ReLU has left; a stack of its blocks is never the identity for a negative number. Pre-activation is.
#
# ### Variants of a block
#
# Four small residual nets, which differ in the shortcut (A, B, C) or in the place of the last ReLU.
#
# In the paper's ResNet-34 the options A, B and C had top-1 errors of 25.03, 24.52 and 24.19 (2016, table 3), and the authors found projections useful but not essential. **Predict:** will such small differences show in our small nets?

# %% tags=["nbval-ignore-output"]
variant_images = data.load(
    dataset, train_examples=variant_examples, validation_examples=validation_examples, seed=0
)
variant_recipe = training.Recipe(
    epochs=variant_epochs,
    batch_size=min(32, len(variant_images.train)),
    optimizer="sgd",
    learning_rate=0.1,
    schedule="one_cycle",
    weight_decay=0.0001,
)
variants = {
    "option A": {"shortcut": "A"},
    "option B": {"shortcut": "B"},
    "option C": {"shortcut": "C"},
    "B, g(z) + a": {"shortcut": "B", "relu_position": "before_addition"},
}
final = {}
for name, options in variants.items():
    candidate = small_net(variant_depth, **options)
    variant_history = training.train(candidate, variant_images, variant_recipe, seed=seed, progress="none")
    lesson.add_run(f"{variant_depth} layers, {name}", candidate, variant_history)
    final[name] = variant_history.validation_accuracy[-1]
plots.bars(final, x_label="validation accuracy", y_label="variant", number_format="{:.4f}")

# %%
lesson.claim(
    "10-option-b",
    "Projections where the shape changes (B) are more accurate than zeros (A).",
    source="He et al., 2016, table 3: top-1 error 24.52 against 25.03",
    measured=f"validation accuracy {final['option B'] - final['option A']:+.4f}",
    difference=final["option B"] - final["option A"],
)
lesson.claim(
    "10-option-c",
    "Projections in every block (C) are more accurate than projections where the shape changes (B).",
    source="He et al., 2016, table 3: top-1 error 24.19 against 24.52",
    measured=f"validation accuracy {final['option C'] - final['option B']:+.4f}",
    difference=final["option C"] - final["option B"],
)
lesson.claim(
    "10-order-accuracy",
    "g(z + a) is more accurate than g(z) + a.",
    source="He et al., Identity mappings, 2016, table 2: CIFAR-10 error of 110 layers 6.61 against 7.84",
    measured=f"validation accuracy {final['option B'] - final['B, g(z) + a']:+.4f}",
    difference=final["option B"] - final["B, g(z) + a"],
)

# %% [markdown]
# Bars a point or two apart can change places with another seed, and the paper's own differences between A, B and C were half a point; that is what the report over several seeds is for. And if C
# should win, its additional weights are an explanation as good as its projections.
#
# ### Do 1,202 layers overfit?
#
# The paper trained a network of 1,202 layers, and it was worse than that of 110; the authors suspected overfitting. The sentence "1,202 layers overfit" has been repeated ever since. We do not run it here. The evidence, for and against, as errors on CIFAR-10 in percent:
#
# | | 110 layers | 1,202 layers |
# |---|---|---|
# | He and others (2016), training errors alike | 6.43 | 7.93 |
# | a well-known reimplementation, same form | 6.32 | 6.18 |
# | Huang and others (2016), with blocks left out at random in training | | 4.91 |
#
# The first row speaks for overfitting. The second one did not find it with the same network. The third one shows that 1,202 layers can be very good with a regulariser, which both
# readings allow. So: contested. A run or two of a network are too little to tell: the best of the paper's five runs with 110 layers had 6.43, their mean was 6.61.

# %%
for name in ("resnet110_cifar", "resnet1202_cifar"):
    facts = networks.catalogue()[name]
    print(f"{name:16} {facts.params:11,} parameters, error in the paper {facts.top1_error}")

# %% [markdown]
# ### The paper's own form
#
# Our ResNet-18 has a small stem. The paper's halves the image twice, by a 7x7 convolution and a pooling, before the first block; so it needs larger images. Ours can be stretched
# to any size, which adds pixels and no detail; 96 pixels take about a fifth of the work of 224.
#
# **Predict:** how many times the multiply-adds of our network does one image take?

# %%
full_side = full_image_size or 96
full_form = {"input_shape": (full_side, full_side, input_shape[-1]), "classes": images.classes}
full_table = inspect.layer_table(networks.outline("resnet18", **full_form))
times = full_table.total_macs / inspect.layer_table(network).total_macs
print(f"ResNet-18 on {full_side} x {full_side} pixels: {full_table.total_params:,} parameters")
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
        dataset,
        train_examples=train_examples,
        validation_examples=validation_examples,
        seed=0,
        image_size=full_image_size,
    )
    keras.utils.set_random_seed(seed)
    with training.on_devices(devices):
        full_network = networks.build("resnet18", **full_form)
        full_augmentation = keras.layers.RandomFlip("horizontal", seed=seed) if mirror else None
    full_recipe = dataclasses.replace(recipe, epochs=full_epochs)
    full_history = training.train(
        full_network,
        full_images,
        full_recipe,
        seed=seed,
        augmentation=full_augmentation,
        devices=devices,
    )

# %% tags=["nbval-ignore-output"]
if full_image_size is not None:
    full_test = training.evaluate(full_network, full_images.test)
    lesson.add_run(f"ResNet-18 at {full_image_size} pixels", full_network, full_history, test=full_test)
    print(f"test accuracy {full_test['top1']:.4f}, ours {test['top1']:.4f}")

# %% tags=["nbval-ignore-output"]
plots.learning_curves({"ours": history, "ResNet-18, full": full_history}) if full_image_size else None

# %% [markdown]
# Where both were trained, compare their validation curves, and how often each saw the images: `epochs` and `full_epochs` may differ. A stretched image holds no detail
# that the small one lacks. So what the full form gains comes from its channels and its computing and not from sharper eyes.

# %% [markdown]
# ## Recap
#
# - Plain networks degrade with depth: their *training* error rises, though a deeper network that is no worse exists, as we built it.
# - A residual block computes $g(F(a) + a)$; zero weights make it the identity. $g(z) + a$ is another network.
# - Shortcuts without weights (A) suffice; projections (B, C) cost weights. Bottlenecks make depth cheap: ResNet-152 needs less work than VGG-16.
# - A trained residual net gets over the loss of a block; a chain does not.
# - Pre-activation leaves the sum alone, so that a block's output reaches the end unchanged.
# - What the next network changes: it does not add what came before, it keeps all of it side by side. That is DenseNet.

# %% tags=["nbval-ignore-output"]
lesson.record(
    network=network,
    history=history,
    test=test,
    data=images,
    training_errors={
        **{f"plain-{d}": e for d, e in plain_error.items()},
        **{f"resnet-{d}": e for d, e in residual_error.items()},
    },
    change_of_blocks=shares,
)

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. `lesson.hint("10-1")` helps, `lesson.solution("10-1")` shows a way.
#
# **10-1.** How many blocks has each stage of the residual network with 110 layers for small images?

# %%
answer = None
lesson.check("10-1", answer)

# %% [markdown]
# **10-2.** ResNet-18 changes shape three times: from 64 to 128, 128 to 256, 256 to 512 channels. How many parameters do its projections add, each with a normalisation (scale and shift
# for each channel) and no bias?

# %%
answer = None
lesson.check("10-2", answer)

# %% [markdown]
# **10-3.** A network of 54 blocks in a row: how many ways lead from its first to its last block, if each block can be passed through or passed by?

# %%
answer = None
lesson.check("10-3", answer)

# %% [markdown]
# **10-4 (code).** Write `zero_padded(maps, channels)` in NumPy: the shortcut of option A. It takes every second row and column of maps (N, H, W, C), from the first on, and fills up with zero channels
# behind the old ones.

# %%
zero_padded = None
lesson.check("10-4", zero_padded)

# %% [markdown]
# **10-5 (code).** Write `bottleneck_block(a)`: a bottleneck block for a Keras tensor `a` with 4k channels: 1x1 to k channels, 3x3, 1x1 back to 4k, each convolution without bias and followed by a
# `BatchNormalization`, ReLU after the first two normalisations and after the addition.

# %%
bottleneck_block = None
lesson.check("10-5", bottleneck_block)

# %% [markdown]
# # 06 VGG: depth from one small block
#
# AlexNet's kernels have three sizes, and nobody could say why these. VGG takes the smallest kernel that knows left from
# right and up from down, 3x3, and stacks it: two, three, four times before each pooling. With one block and one
# rule, it becomes possible to ask a clean question: what does depth do?
#
# *Paper:* K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image recognition" (2015).
#
# **What you will learn**
# - what a stack of small kernels sees, what it costs, and why the ReLU between them matters
# - the five configurations A to E, and where their weights and their work are
# - how a dense layer turns into a convolution, so that a network takes images of any size
# - whether depth helps, where it stops helping, and how a trained shallow network can start a deep one
# - which of the paper's other findings we see again: kernels of 5x5, local response normalisation, several scales
#
# **You need** lessons 04 and 05, or: what a convolution, pooling and dropout are.
# **Time:** under a minute of computing at budget `quick`, about three minutes at `cpu`; 45 minutes to read.

# %% tags=["parameters"]
budget: str = "quick"  # label of the budget: quick, cpu or gpu
seed: int = 0  # of weights and order of images
threads: int = 2  # CPU threads of the arithmetic
precision: str = "float32"  # float32, mixed_bfloat16 or auto
train_examples: int | None = 4000  # training images of the main network; None for all
validation_examples: int = 2000  # images to compare choices with
experiment_examples: int | None = 1200  # training images of each network of an experiment
epochs: int = 2  # passes over the training images, main network
experiment_epochs: int = 2  # the same for each network of an experiment
batch_size: int = 64  # images a step, main network
experiment_batch_size: int = 32  # the same for each network of an experiment
learning_rate: float = 0.004  # peak of the one-cycle schedule
experiment_learning_rate: float = 0.05  # the same for the experiments, which train with momentum
mirror: bool = False  # flip training images left to right at random
full_image_size: int | None = None  # pixels; trains the paper's form on stretched images; None leaves it out
full_epochs: int = 10  # passes over the training images, the paper's own form
full_learning_rate: float = 0.001  # peak of its one-cycle schedule; its wide dense layers want a lower one
devices: int = 1  # accelerators that share each batch of the full-size training

# %% tags=["nbval-ignore-output"]
import dataclasses

from cnnlib import lesson, data, inspect, networks, plots, training
from cnnlib.networks.convert import to_fully_convolutional

import keras
import numpy as np

lesson.begin("06_vgg", budget=budget, seed=seed, threads=threads, precision=precision)

# %% [markdown]
# ## The problem: large kernels were chosen by hand
#
# These are AlexNet's convolutions (Krizhevsky and others, 2012), with their kernels:

# %%
alexnet = networks.outline("alexnet")
for layer in alexnet.layers:
    if isinstance(layer, keras.layers.Conv2D):
        print(f"{layer.name}: kernel {layer.kernel_size[0]}x{layer.kernel_size[1]}, {layer.filters} channels")

# %% [markdown]
# Why 11 first, why 5 next? A large kernel sees much in one step. But its weights grow with its area, and it is one linear
# step: however many weights it has, it computes one weighted sum. Let us see what a stack of small ones can do.
#
# A 3x3 kernel on top of a 3x3 kernel sees 5x5 pixels, a third one 7x7: each layer adds a pixel on every side.
# **Predict:** which is dearer for 64 channels in and out, one 7x7 kernel or three 3x3 kernels, and by how much?

# %%
channels = 64
for depth in (1, 2, 3, 4, 5):
    side = 2 * depth + 1
    one, stack = side**2 * channels**2, depth * 3**2 * channels**2
    print(
        f"sees {side:2}x{side:<2}  one kernel {one:9,} weights  {depth} of 3x3 {stack:9,}  ratio {one / stack:.2f}"
    )

# %%
depths = np.arange(1, 6)
plots.lines(
    2 * depths + 1,
    {
        "one kernel": (2 * depths + 1) ** 2 * channels**2,
        "stack of 3x3 kernels": depths * 9 * channels**2,
    },
    x_label="side of the window that is seen, pixels",
    y_label="weights, 64 channels in and out",
)

# %% [markdown]
# The upper curve grows with the square of the window's side, the lower one in a straight line. For AlexNet's 11x11 window
# the stack needs less than half of the weights.
#
# ### A stack without ReLU is one large kernel
#
# Is the stack only cheaper, or does it compute something else? Leave out the ReLUs first. Two linear steps in a row are
# one linear step, so there must be a 5x5 kernel that does what both 3x3 kernels do: its entry at (a + c, b + d)
# collects all products of an entry (a, b) of the first and (c, d) of the second. Let us compute it.


# %%
def composed(first, second):
    """The kernel (5, 5, C, D) of a 3x3 convolution (3, 3, C, M) followed by another (3, 3, M, D)."""
    kernel = np.zeros((5, 5, first.shape[2], second.shape[3]))
    for a in range(3):
        for b in range(3):
            for c in range(3):
                for d in range(3):
                    kernel[a + c, b + d] += first[a, b] @ second[c, d]
    return kernel


def convolved(maps, kernel, activation=lambda x: x):
    """`maps` (N, H, W, C) through an unpadded convolution, as a NumPy array."""
    return activation(keras.ops.convert_to_numpy(keras.ops.conv(maps, kernel, padding="valid")))


# %%
random = np.random.default_rng(0)
maps, first, second = (
    random.normal(size=size).astype("float32") for size in [(2, 12, 12, 4), (3, 3, 4, 8), (3, 3, 8, 6)]
)
in_one_step = convolved(maps, composed(first, second).astype("float32"))
in_two_steps = convolved(convolved(maps, first), second)
with_relu = convolved(convolved(maps, first, lambda x: np.maximum(x, 0)), second)
largest = np.abs(in_one_step).max()
linear_difference = np.abs(in_two_steps - in_one_step).max() / largest
relu_difference = np.abs(with_relu - in_one_step).max() / largest
lesson.claim(
    "06-linear-stack",
    "Without a ReLU between them, two 3x3 convolutions are one 5x5 convolution; with it they are not.",
    source="arithmetic; Simonyan and Zisserman, 2015, section 2.3 argues from it",
    measured=f"relative difference below 1e-5 without ReLU: {linear_difference < 1e-5}; above 0.1 with: {relu_difference > 0.1}",
    holds=bool(linear_difference < 1e-5 and relu_difference > 0.1),
)

# %% [markdown]
# So the stack is a 5x5 kernel forced to be a product of two small ones, plus a bend in the middle. It has
# *fewer* weights and *more* nonlinearity. That is VGG's whole argument, and the experiments below test it.
#
# Our pictures are the ones of lesson 04, ten kinds of clothes.

# %%
images = data.load(
    "fashion_mnist", train_examples=train_examples, validation_examples=validation_examples, seed=0
)
few_images = data.load(
    "fashion_mnist", train_examples=experiment_examples, validation_examples=validation_examples, seed=0
)
first_of_each = [int(np.argmax(images.train.labels == k)) for k in range(10)]
plots.image_grid(images.train.images[first_of_each], titles=images.class_names, columns=5)

# %% [markdown]
# One of each class. They have 28 x 28 pixels, where the paper's photographs had 224 x 224: after five halvings nothing would
# be left. Our form therefore pools three times only, and has a quarter of the channels.

# %% [markdown]
# ## The block: some 3x3 convolutions, then a pooling
#
# Here it is from plain Keras layers: `count` convolutions of equal width, each followed by *batch normalisation* (each
# channel is brought to mean zero and variance one; it came a year after VGG, lesson 09 takes it apart, and without it
# a deep network is slow to start) and ReLU. A pooling ends the block.


# %%
def vgg_block(x, filters, count, pool=True):
    """`count` times 3x3 convolution, normalisation, ReLU; then 2x2 max pooling."""
    for _ in range(count):
        x = keras.layers.Conv2D(filters, 3, padding="same")(x)
        x = keras.layers.BatchNormalization(epsilon=1e-5)(x)
        x = keras.layers.ReLU()(x)
    return keras.layers.MaxPooling2D(2)(x) if pool else x


inputs = keras.Input((28, 28, 1))
x = vgg_block(inputs, 16, 1)  # 14, 14, 16
x = vgg_block(x, 32, 1)  # 7, 7, 32
x = vgg_block(x, 64, 2)  # 3, 3, 64
x = vgg_block(x, 128, 2, pool=False)  # 3, 3, 128
x = vgg_block(x, 128, 2, pool=False)  # 3, 3, 128
x = keras.layers.Flatten()(x)  # 1152
for _ in range(2):
    x = keras.layers.Dense(128, activation="relu")(x)
    x = keras.layers.Dropout(0.2)(x)
by_hand = keras.Model(inputs, keras.layers.Dense(10)(x))
trained_numbers = sum(int(np.prod(v.shape)) for v in by_hand.trainable_variables)
print(
    f"{trained_numbers:,} parameters, and {by_hand.count_params() - trained_numbers:,} means and variances of BatchNorm"
)

# %% [markdown]
# Eight convolutions and three dense layers: the paper's configuration A, called VGG-11 for its eleven layers with weights. The
# library builds the same, as `vgg11` with the small stem and a quarter of the width.

# %%
network = networks.build(
    "vgg11", input_shape=(28, 28, 1), classes=10, width=0.25, stem="small", normalization="batch", dropout=0.2
)
lesson.expect_same_function(by_hand, network)

# %% [markdown]
# ## The network: configurations A to E
#
# The paper's five networks differ in one thing, how many convolutions a stage has. The channels are 64, 128, 256, 512, 512.
# (Some notes give the last one as 52.)

# %%
for configuration, stages in networks.vgg.FORMS.items():
    if configuration != "B5":
        kernels = "  ".join(f"{' '.join(map(str, kernels)):8}" for kernels in stages)
        print(f"{configuration}  kernels by stage: {kernels}".rstrip())

# %% [markdown]
# Each number is the side of one kernel. Only C has kernels of 1x1, a further bend without a wider window. Now the faithful
# forms, for photographs of 224 x 224 and 1,000 classes. `networks.outline` gives their shapes without allocating their weights.

# %%
names = {"A": "vgg11", "B": "vgg13", "C": "vgg16_c", "D": "vgg16", "E": "vgg19"}
tables = {letter: inspect.layer_table(networks.outline(name)) for letter, name in names.items()}
print("   layers   parameters     MACs, G   top-1 error in the paper (2015)")
for letter, name in names.items():
    table, facts = tables[letter], networks.catalogue()[name]
    depth = len(table.weighted())
    print(
        f"{letter}  {depth:6}  {table.total_params:11,}  {table.total_macs / 1e9:10.3f}  {facts.top1_error:32}"
    )

# %%
expected = {"A": 132_863_336, "B": 133_047_848, "C": 133_638_952, "D": 138_357_544, "E": 143_667_240}
counted = {letter: table.total_params for letter, table in tables.items()}
lesson.claim(
    "06-parameters",
    "VGG's configurations A to E have 133, 133, 134, 138 and 144 million parameters.",
    source="Simonyan and Zisserman, 2015, table 2; exact counts from independent implementations",
    measured=", ".join(f"{letter} {count:,}" for letter, count in counted.items()),
    holds=counted == expected and [round(c / 1e6) for c in counted.values()] == [133, 133, 134, 138, 144],
)

# %%
last_stage = tables["D"].frame.set_index("layer").loc["stage5_conv3"]
lesson.claim(
    "06-last-width",
    "The last stage of VGG has 52 channels.",
    source="a common note on VGG",
    measured=f"{last_stage.output_shape[0][-1]} channels and {last_stage.params:,} weights in its last convolution",
    holds=last_stage.output_shape[0][-1] == 52,
)

# %% [markdown]
# E is twice as deep as A, and its count is next to the same. Where do all the parameters sit? Here is D in full, VGG-16.

# %%
print(tables["D"].weighted())

# %%
frame = tables["D"].frame
shares = {
    "parameters in dense layers": frame.params[frame.type == "Dense"].sum() / frame.params.sum(),
    "multiply-adds in dense layers": frame.macs[frame.type == "Dense"].sum() / frame.macs.sum(),
    "parameters in the first dense layer": frame.params[frame.layer == "dense1"].sum() / frame.params.sum(),
    "memory of the maps in stages 1 and 2": frame.activation_bytes[
        frame.layer.str.startswith(("stage1", "stage2"))
    ].sum()
    / frame.activation_bytes.sum(),
}
for what, share in shares.items():
    print(f"{what:38} {share:6.1%}")

# %%
convolutions = tables["D"].weighted().frame
convolutions = convolutions[convolutions.type == "Conv2D"]
plots.bars(
    {row.layer: row.macs / 1e9 for row in convolutions.itertuples()},
    x_label="multiply-adds for one image, billions",
    y_label="layer of VGG-16",
    number_format="{:.2f}",
)

# %% [markdown]
# Look at the bars: a stage halves the sides and doubles the channels, so that a layer costs about the same in stages 2, 3 and 4.
# The first layer is cheap, for it reads three channels only. The last stage halves without doubling. As in AlexNet
# the dense layers hold nearly all of the weights and do next to none of the work; the memory lies in the first two stages.
#
# ### Dense layers are convolutions, too
#
# A dense layer behind `Flatten` weighs all numbers of a 7 x 7 x 512 block. A convolution whose kernel is 7x7 does the same at
# each place where it fits; on a map of 7 x 7 there is exactly one. Dense layers after that are 1x1 convolutions. So
# the dense part can be rewritten as convolutions with the same weights, in another shape. What is gained? A convolution
# does not ask how large the image is. We try it in float32, where equal means equal.

# %%
policy = keras.config.dtype_policy()
keras.config.set_dtype_policy("float32")
keras.utils.set_random_seed(0)
with_dense = networks.build("vgg11", input_shape=(28, 28, 1), classes=10, width=0.125, stem="small")
with_convolutions = to_fully_convolutional(with_dense)
keras.config.set_dtype_policy(policy)
for layer in with_dense.layers:
    if isinstance(layer, keras.layers.Dense):
        kernel = with_convolutions.get_layer(layer.name).kernel
        print(f"{layer.name}: weights {tuple(layer.kernel.shape)} -> kernel {tuple(kernel.shape)}")

# %%
pictures = data.to_float(images.validation.images[:8])
dense_scores = inspect.predict(with_dense, pictures)
convolution_scores = inspect.predict(with_convolutions, pictures)
print("scores:", dense_scores.shape, "from dense layers,", convolution_scores.shape, "from convolutions")
difference = np.abs(dense_scores - convolution_scores[:, 0, 0]).max() / np.abs(dense_scores).max()
lesson.claim(
    "06-dense-as-convolution",
    "VGG's dense layers, rewritten as convolutions, give the same scores.",
    source="Simonyan and Zisserman, 2015, section 3.2; Sermanet et al., 2014",
    measured=f"relative difference below 1e-5: {difference < 1e-5}",
    holds=bool(difference < 1e-5),
)

# %% [markdown]
# Same weights, same scores. And the image may now have any size; each place of the map of scores looks at another window.

# %%
for height, width in [(28, 28), (36, 28), (56, 84)]:
    canvas = np.zeros((1, height, width, 1), "float32")
    print(f"image {height}x{width} -> scores {inspect.predict(with_convolutions, canvas).shape[1:]}")

# %% [markdown]
# The network that was built for 28 x 28 reads a panorama. One caution: the scores at a place are *not exactly* those
# of a crop at that place. Padding puts zeros around a crop, and the panorama has real neighbours there.
#
# ### Paper and here
#
# | | paper | here |
# |---|---|---|
# | data | ImageNet, 1.3 million photographs | Fashion-MNIST, clothes |
# | input | 224x224x3, crops of an image scaled to a side of 256 to 512 | 28x28x1 |
# | poolings | after all five stages | after the first three |
# | channels | 64 to 512, dense 4,096 | a quarter: 16 to 128, dense 128; in the experiments an eighth |
# | normalisation | none | batch normalisation in the main network, none in the experiments (LRN in one) |
# | start of the weights | from a trained A | He et al., 2015 |
# | dropout | one half | a fifth; none in the experiments |
# | training | SGD, momentum .9, 74 epochs, rate divided by ten three times | AdamW, one-cycle; experiments SGD, one-cycle |
# | augmentation | crops, mirroring, colour | mirroring at budget `cpu` |

# %% [markdown]
# ## Training
#
# Beside what lesson 04 used, the recipe smooths the labels a little: the target is not one for the right class and zero for the others, but one
# twentieth of it is spread evenly over all ten classes, and the rest stays with the right one.

# %%
recipe = training.Recipe(
    epochs=epochs,
    batch_size=batch_size,
    optimizer="adamw",
    learning_rate=learning_rate,
    schedule="one_cycle",
    weight_decay=0.05,
    label_smoothing=0.05,
)
recipe.table()

# %% [markdown]
# A shop photographs a shoe from one side; its mirror image is a shoe as well. Where `mirror` is set, each training image is
# flipped with probability one half, anew in each epoch.

# %% tags=["nbval-ignore-output"]
augmentation = keras.layers.RandomFlip("horizontal", seed=seed) if mirror else None
history = training.train(network, images, recipe, seed=seed, augmentation=augmentation)

# %% tags=["nbval-ignore-output"]
plots.learning_curves({"vgg11": history})

# %% [markdown]
# The training curve is taken with dropout, while the weights still move; the validation curve without dropout at the end of each
# epoch; and the training loss is the one with smoothed labels. That is why the validation curves may lie on the better side. Look at whether both still improve at the end.
#
# The test set, once:

# %% tags=["nbval-ignore-output"]
test = training.evaluate(network, images.test)
print(f"test accuracy {test['top1']:.4f}, among the five best {test['top5']:.4f}")

# %%
lesson.expect_between("test accuracy of VGG-11", test["top1"], 0.60, 0.97)

# %% [markdown]
# ## Looking inside
#
# The sixteen kernels of the first layer. Three by three pixels do not leave room for much.

# %% tags=["nbval-ignore-output"]
plots.filters(network.get_layer("stage1_conv1").get_weights()[0], columns=8)

# %% [markdown]
# Red is positive, blue is negative. Look for kernels with red on one side and blue on the other: edges of eight possible
# directions are about all that a 3x3 kernel can tell apart. Everything else has to come from the stack.

# %% tags=["nbval-ignore-output"]
taps = ["stage1_conv1_relu", "stage2_conv1_relu", "stage3_conv2_relu"]
boot = images.validation.images[images.validation.labels == 9][:1]
maps_of_boot = inspect.feature_maps(network, boot, taps)
plots.feature_maps(maps_of_boot[taps[0]][0], columns=8)

# %% [markdown]
# An ankle boot after the first convolution: outlines and surfaces, and you can still see what it is.

# %% tags=["nbval-ignore-output"]
plots.feature_maps(maps_of_boot[taps[2]][0][..., :32], columns=8)

# %% [markdown]
# The same boot after the fourth convolution (half of the channels). Each place of these maps sees a good part of the image. Look for maps that are dark but for one or
# two places: they answer to one thing, a heel or a shaft, and say roughly where it is.

# %%
for name in [layer.name for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]:
    field = inspect.receptive_field(network, name)
    print(f"{name}: sees {field}")

# %% [markdown]
# One more convolution widens the window by two places of its own map; after a pooling, those are two places of twice the size.
# The last layers see more pixels than the image has.

# %% tags=["nbval-ignore-output"]
logits = inspect.predict(network, images.validation.images)
plots.confusion_matrix(images.validation.labels, logits.argmax(axis=1), images.class_names)

# %% [markdown]
# Compare with LeNet's matrix in lesson 04: shoes and trousers leave little to win, and what is gained is gained among
# shirt, T-shirt, pullover, dress and coat, in the rows that are still the least bright on the diagonal.

# %% tags=["nbval-ignore-output"]
probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
plots.worst_mistakes(
    images.validation.images, images.validation.labels, probabilities, images.class_names, count=12
)

# %% [markdown]
# The wrong answers that the network was most sure of. Which of them would you have got right at 28 pixels, and which label do you doubt?

# %% [markdown]
# ## Experiments
#
# The experiments train as the paper did, without normalisation and by SGD with momentum, on an eighth of the channels and few
# images. All share seed and recipe, so that the networks differ in what is asked about, and in nothing else.


# %%
experiment_recipe = training.Recipe(
    epochs=experiment_epochs,
    batch_size=experiment_batch_size,
    optimizer="sgd",
    learning_rate=experiment_learning_rate,
    schedule="one_cycle",
    weight_decay=0.0005,
    clip_norm=1.0,
)


def small_vgg(configuration, **options):
    """One of the paper's configurations for our pictures, an eighth as wide, from the lesson's seed."""
    keras.utils.set_random_seed(seed)
    return networks.build(
        "vgg11",
        input_shape=(28, 28, 1),
        classes=10,
        width=0.125,
        stem="small",
        form=configuration,
        dropout=0.0,
        **options,
    )


def trained(label, candidate):
    """Train a network of the experiments, keep it for the record, and give its validation accuracies."""
    candidate_history = training.train(candidate, few_images, experiment_recipe, seed=seed, progress="none")
    lesson.add_run(label, candidate, candidate_history)
    return candidate_history.validation_accuracy


experiment_recipe.table()

# %% [markdown]
# ### Depth helps, then saturates?
#
# In the paper the error falls from A to D, and E is no better than D: top-1 errors of 29.6, 28.7, 27.0 and 27.3 for A, B, D and E
# (2015, table 3). **Predict:** will our four networks, trained for a short time, come out in the same order?

# %% tags=["nbval-ignore-output"]
layers_of = {"A": 11, "B": 13, "D": 16, "E": 19}
shallow = small_vgg("A")
curves = {"A, 11 layers": trained("A", shallow)}
for configuration in ("B", "D", "E"):
    name = f"{configuration}, {layers_of[configuration]} layers"
    curves[name] = trained(configuration, small_vgg(configuration))
final = {name[0]: curve[-1] for name, curve in curves.items()}
plots.lines(
    range(1, experiment_epochs + 1),
    curves,
    x_label="epoch",
    y_label="validation accuracy",
    chance=0.1,
)

# %%
depth_gain = final["D"] - final["A"]
further_gain = final["E"] - final["D"]
lesson.claim(
    "06-depth-helps",
    "VGG with 16 layers is more accurate than VGG with 11.",
    source="Simonyan and Zisserman, 2015, table 3: top-1 error 27.0 against 29.6",
    measured=f"validation accuracy {depth_gain:+.4f}",
    difference=depth_gain,
)
lesson.claim(
    "06-depth-saturates",
    "The step from 16 to 19 layers gains less than the step from 11 to 16.",
    source="Simonyan and Zisserman, 2015, table 3: top-1 error 29.6, 27.0, 27.3",
    measured=f"11 to 16 layers {depth_gain:+.4f}, 16 to 19 layers {further_gain:+.4f}",
    difference=depth_gain - further_gain,
)

# %% [markdown]
# Read the curves twice: who *starts* last, and who *ends* where. A deep stack without normalisation passes its
# gradient through many layers, and in a short training it may not get past the start. Depth can help only
# a network that can be trained; the paper's authors trained for weeks, and still needed the trick that comes next.
#
# ### A deep network started from a trained shallow one
#
# The paper's deeper networks took over the first four convolutions and the three dense layers of a trained A; the layers between
# started at random. A's four stand in D at the places that have their shapes: first of stage 1, first of stage 2, first two of stage 3.

# %%
deep = small_vgg("D")
inherited = [f"stage{i}_conv{j}" for i, j in [(1, 1), (2, 1), (3, 1), (3, 2)]] + [
    "dense1",
    "dense2",
    "scores",
]
for name in inherited:
    deep.get_layer(name).set_weights(shallow.get_layer(name).get_weights())
weighted = [layer.name for layer in deep.layers if layer.weights]
print(f"{len(inherited)} of {len(weighted)} layers of D come from A: {', '.join(inherited)}")

# %% [markdown]
# **Predict:** where will the curve of the D that was started from A begin?

# %% tags=["nbval-ignore-output"]
from_a = trained("D started from A", deep)
plots.lines(
    range(1, experiment_epochs + 1),
    {
        "A": curves["A, 11 layers"],
        "D, random start": curves["D, 16 layers"],
        "D, started from A": from_a,
    },
    x_label="epoch",
    y_label="validation accuracy",
    chance=0.1,
)

# %%
start_gain = from_a[-1] - final["D"]
lesson.claim(
    "06-start-from-a",
    "A deep VGG that starts from a trained A learns more in the same epochs than one that starts at random.",
    source="Simonyan and Zisserman, 2015, section 3.1",
    measured=f"validation accuracy of D {start_gain:+.4f}",
    difference=start_gain,
)

# %% [markdown]
# Compare the two curves of D at their first point and at their last one. A head start need not last: A's dense layers expect the maps
# of A's convolutions, and there are random layers in between now. Be fair in the reading: A's own training came first, so
# the started network has seen each image twice as often. The authors later found that a random start of the right scale
# does as well (Glorot and Bengio, 2010); lesson 03 computes such scales, and our random start has the one for ReLU (He et al., 2015).
#
# ### One 5x5 for two 3x3s
#
# The paper replaced each pair of 3x3 convolutions in B by one 5x5. The window is the same, there is one ReLU fewer a stage. The
# top-1 error was 7 points higher (2015, section 4.1).

# %%
stacked, single = (
    inspect.layer_table(
        networks.outline(name, input_shape=(28, 28, 1), classes=10, width=0.125, stem="small")
    )
    for name in ("vgg13", "vgg13_5x5")
)
for name, table in {"two 3x3": stacked, "one 5x5": single}.items():
    print(f"{name}: {table.total_params:,} parameters, {table.total_macs:,} multiply-adds")

# %% tags=["nbval-ignore-output"]
final["B with 5x5"] = trained("B with 5x5", small_vgg("B5"))[-1]
final["A with LRN"] = trained("A with LRN", small_vgg("A", normalization="lrn"))[-1]
print(f"B, pairs of 3x3 {final['B']:.4f}, single 5x5 {final['B with 5x5']:.4f}")

# %%
stack_gain = final["B"] - final["B with 5x5"]
lesson.claim(
    "06-5x5",
    "B with pairs of 3x3 kernels is more accurate than B with one 5x5 kernel for each pair.",
    source="Simonyan and Zisserman, 2015, section 4.1: top-1 error 7 points apart",
    measured=f"validation accuracy {stack_gain:+.4f}",
    difference=stack_gain,
)

# %% [markdown]
# Keep two things apart: what the network *can* express (more, with the bend in between) and what a short training *finds* (a
# network of half the depth starts faster). At full length the first counts; at our length the second may.
#
# ### Local response normalisation
#
# AlexNet divides each value by the energy of its neighbours in the channels (LRN). VGG's A with LRN had a top-1 error of 29.7, A without it 29.6
# (2015, table 3), and so the authors left it out of all deeper networks. The cell above has trained A with LRN, too.

# %% tags=["nbval-ignore-output"]
plots.bars(
    {
        "A": final["A"],
        "A with LRN": final["A with LRN"],
        "B": final["B"],
        "B with 5x5": final["B with 5x5"],
        "D": final["D"],
        "D started from A": from_a[-1],
        "E": final["E"],
    },
    x_label="validation accuracy after the experiments' epochs",
    y_label="configuration",
)

# %%
without_lrn = final["A"] - final["A with LRN"]
lesson.claim(
    "06-lrn",
    "Local response normalisation makes VGG's A no better.",
    source="Simonyan and Zisserman, 2015, table 3: top-1 error 29.7 with, 29.6 without",
    measured=f"validation accuracy {without_lrn:+.4f} without LRN",
    difference=without_lrn,
)

# %% [markdown]
# All experiments side by side. Bars that differ by a point say little: another seed could turn them around. That is why no
# claim is decided here; the report of a run over several seeds does.
#
# ### Several scales
#
# VGG's networks were tested at several sizes of the same image, and the answers averaged. The main network, its dense layers
# turned into convolutions, can do that, too. We enlarge and shrink the validation images by two pixels, which is about the
# step of the paper, and average the probabilities.

# %% tags=["nbval-ignore-output"]
any_size = to_fully_convolutional(network)


def probabilities_at(side):
    """Class probabilities (N, classes) of the validation images, resized to `side` pixels."""
    resized = keras.ops.image.resize(data.to_float(images.validation.images), (side, side))
    map_of_scores = inspect.predict(any_size, keras.ops.convert_to_numpy(resized))
    return keras.ops.convert_to_numpy(keras.ops.softmax(map_of_scores)).mean(axis=(1, 2))


sides = (26, 28, 30)
by_scale = {f"{side} pixels": probabilities_at(side) for side in sides}
by_scale["mean of the three"] = np.mean(list(by_scale.values()), axis=0)
accuracy_by_scale = {
    name: float(np.mean(p.argmax(axis=1) == images.validation.labels)) for name, p in by_scale.items()
}
plots.bars(
    accuracy_by_scale, x_label="validation accuracy", y_label="size of the images", number_format="{:.4f}"
)

# %%
scale_gain = accuracy_by_scale["mean of the three"] - accuracy_by_scale["28 pixels"]
lesson.claim(
    "06-several-scales",
    "Averaging over several sizes of the test image is more accurate than the size of the training alone.",
    source="Simonyan and Zisserman, 2015, section 4.2",
    measured=f"validation accuracy {scale_gain:+.4f}",
    difference=scale_gain,
)

# %% [markdown]
# The paper's images vary in scale, and its networks D and E were *trained* at several sizes before they were tested at several (2015, section 3.1).
# Our clothes fill the frame, all at one scale. See how much a single foreign size loses; the mean can only win where the sizes
# make different mistakes. Lesson 21 trains at several sizes as well.

# %% [markdown]
# ### At the paper's size
#
# Our network has a quarter of the channels, pools three times and reads 28 pixels a side. The paper's configuration A pools five times and has twice 4,096 dense units; it needs larger
# images. Ours can be stretched to any size, which adds pixels and no detail. Batch normalisation stays in, since without it so
# deep a network is slow to start.
#
# **Predict:** how many times the multiply-adds of our network does one image take?

# %%
full_side = full_image_size or 224
full_form = {"input_shape": (full_side, full_side, 1), "classes": 10, "normalization": "batch"}
full_table = inspect.layer_table(networks.outline("vgg11", **full_form))
times = full_table.total_macs / inspect.layer_table(network).total_macs
print(f"VGG-11 on {full_side} x {full_side} pixels: {full_table.total_params:,} parameters")
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
        validation_examples=validation_examples,
        seed=0,
        image_size=full_image_size,
    )
    keras.utils.set_random_seed(seed)
    with training.on_devices(devices):
        full_network = networks.build("vgg11", **full_form)
        full_augmentation = keras.layers.RandomFlip("horizontal", seed=seed) if mirror else None
    full_recipe = dataclasses.replace(recipe, epochs=full_epochs, learning_rate=full_learning_rate)
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
    lesson.add_run(f"VGG-11 at {full_image_size} pixels", full_network, full_history, test=full_test)
    print(f"test accuracy {full_test['top1']:.4f}, ours {test['top1']:.4f}")

# %% tags=["nbval-ignore-output"]
plots.learning_curves({"ours": history, "VGG-11, full": full_history}) if full_image_size else None

# %% [markdown]
# Where both were trained, compare their validation curves, and how often each saw the images: `epochs` and `full_epochs` may differ. A stretched image holds no detail
# that the small one lacks. So what the full form gains comes from its channels and its computing and not from sharper eyes.

# %% [markdown]
# ## Recap
#
# - Stacks of 3x3 kernels see as much as large kernels, with fewer weights and a ReLU more for each layer.
# - Without the ReLU the stack would be one large kernel.
# - A to E differ in the number of convolutions; their weights sit in the dense layers, their work in the convolutions.
# - Dense layers are convolutions with a kernel as large as the map; written so, the network reads images of any size.
# - Depth pays only as far as the training reaches; the paper reached further with a trained shallow start, later networks with normalisation.
# - What the next network changes: the dense layers, nine tenths of VGG's weights, go. That is network in network.

# %% tags=["nbval-ignore-output"]
lesson.record(network=network, history=history, test=test, data=images, validation_by_scale=accuracy_by_scale)

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. `lesson.hint("06-1")` helps, `lesson.solution("06-1")` shows a way.
#
# **06-1.** Three 3x3 convolutions with 64 channels in and out see what one 7x7 convolution sees. Which share of its weights do they
# need? Leave out biases; a number between 0 and 1.

# %%
answer = None
lesson.check("06-1", answer)

# %% [markdown]
# **06-2.** Which share of the 138,357,544 parameters of VGG-16 is in its three dense layers? Compute it without a computer's table.

# %%
answer = None
lesson.check("06-2", answer)

# %% [markdown]
# **06-3.** VGG-16, dense layers turned into convolutions, reads a photograph of 384 x 384. How many rows has its map of scores?

# %%
answer = None
lesson.check("06-3", answer)

# %% [markdown]
# **06-4 (code).** Write `kernel_of(weights, height, width, channels)`: the weights (height * width * channels, units) of a dense layer behind
# `Flatten`, as the kernel (height, width, channels, units) of the convolution that does the same.

# %%
kernel_of = None
lesson.check("06-4", kernel_of)

# %% [markdown]
# **06-5 (code).** Write the paper's block, `block(x, filters, count)`: `count` 3x3 convolutions with ReLU and without normalisation,
# then a 2x2 max pooling. It takes and returns a Keras tensor.

# %%
block = None
lesson.check("06-5", block)

# %% [markdown]
# # 04 LeNet: the first convolutional network that went to work
#
# A convolution looks at a small window with the same few weights everywhere; subsampling then makes the picture
# smaller. LeNet-5 stacks the pair twice and lets dense layers decide. In the 1990s it read the amounts on bank
# cheques, and every network of this course keeps its plan.
#
# *Paper:* Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition" (1998).
#
# **What you will learn**
# - why a dense network is the wrong tool for pictures, shown by moving a picture by a few pixels
# - LeNet-5 as it was published: scaled tanh, trainable subsampling, a sparse layer, distances to drawn digits
# - its modern form, layer by layer, with every parameter accounted for
# - what the change from sigmoid and average to ReLU and maximum is worth
# - how to look at filters, feature maps and mistakes
#
# **You need** lessons 01 to 03, or: what a convolution, a gradient and an epoch are.
# **Time:** under a minute of computing at budget `quick`, about a minute at `cpu`; 45 minutes to read.

# %% tags=["parameters"]
budget: str = "quick"  # label of the budget: quick, cpu or gpu
seed: int = 0  # of weights and order of images
threads: int = 2  # CPU threads of the arithmetic
precision: str = "float32"  # float32, mixed_bfloat16 or auto
train_examples: int | None = 12000  # training images that are used; None for all
epochs: int = 6  # passes over the training images, main network
experiment_epochs: int = 3  # the same for each network of an experiment
batch_size: int = 128  # images a step
learning_rate: float = 0.01  # peak of the one-cycle schedule

# %% tags=["nbval-ignore-output"]
from cnnlib import lesson, data, inspect, layers, networks, plots, training

import keras
import numpy as np

lesson.begin("04_lenet", budget=budget, seed=seed, threads=threads, precision=precision)

# %% [markdown]
# ## The problem: a dense network does not know what a picture is
#
# Our pictures are Fashion-MNIST: grey photographs of clothes, 28 pixels high and wide, ten classes. They come in three
# sets: *training* images to learn from, *validation* images to compare choices with, and *test* images, which
# we look at once, at the very end.

# %%
images = data.load("fashion_mnist", train_examples=train_examples, seed=0)
first_of_each = [int(np.argmax(images.train.labels == k)) for k in range(10)]
plots.image_grid(images.train.images[first_of_each], titles=images.class_names, columns=5)

# %% [markdown]
# One example of each class. Shirt, coat and pullover differ by small things; sneaker and trouser by large ones.
# Expect a network to find the first three hard.
#
# Before convolutions, one flattened the picture to a list of 784 numbers and put dense layers on it. Count what the
# first layer alone costs, against LeNet's first layer:

# %%
dense_weights = (28 * 28 + 1) * 300
convolution_weights = (5 * 5 * 1 + 1) * 6
print(f"dense layer of 300 units on 784 pixels: {dense_weights:,} weights")
print(f"convolution of 6 kernels of 5x5:        {convolution_weights:,} weights")

# %% [markdown]
# The dense layer spends a weight on each pair of pixel and unit. It could be worth it. But the weights are tied to
# *places*: what was learnt about a sleeve at one place says nothing about a sleeve two pixels further right. Let us
# measure that. We train a dense network of 300 and 100 units, then move the validation images to the right.
#
# **Predict:** how far must you move the images before half of the answers are wrong?


# %%
def moved_right(pictures, pixels):
    """Pictures (N,H,W,C) moved to the right; black comes in from the left."""
    moved = np.zeros_like(pictures)
    moved[:, :, pixels:] = pictures[:, :, : pictures.shape[2] - pixels]
    return moved


def accuracy_when_moved(network, shifts):
    """Validation accuracy of `network` for each shift in pixels."""
    split = images.validation
    return [
        training.evaluate(network, data.Split(moved_right(split.images, shift), split.labels))["top1"]
        for shift in shifts
    ]


# %% tags=["nbval-ignore-output"]
dense = networks.build("lenet_300_100")
experiment_recipe = training.Recipe(
    epochs=experiment_epochs, batch_size=batch_size, learning_rate=1e-3, schedule="one_cycle"
)
dense_history = training.train(dense, images, experiment_recipe, seed=seed)
lesson.add_run("dense 300-100", dense, dense_history)

# %%
shifts = [0, 1, 2, 3, 4, 5, 6]
dense_when_moved = accuracy_when_moved(dense, shifts)
lesson.expect_between("validation accuracy of the dense network", dense_when_moved[0], 0.78, 0.93)
lesson.expect_between("the same, images moved by 4 pixels", dense_when_moved[4], 0.05, 0.60)

# %% tags=["nbval-ignore-output"]
plots.lines(
    shifts,
    {"dense 300-100": dense_when_moved},
    x_label="shift to the right, pixels",
    y_label="validation accuracy",
    chance=0.1,
)

# %% [markdown]
# The curve falls at once and keeps falling: four pixels, a seventh of the picture, are enough to lose most of what was
# learnt, though a person would not even notice. This is the number that LeNet has to beat. We come back to it.

# %% [markdown]
# ## The block: convolution, squashing, subsampling
#
# LeNet's block is three layers: a *convolution* (the same small kernel at every place), an *activation* (a function
# applied to each number), and *subsampling* (each 2x2 window becomes one number). Here is the modern form of the whole
# network from plain Keras layers. Read the comments: they give height, width and channels after each stage.

# %%
by_hand = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(6, 5, padding="same", activation="sigmoid"),  # 28, 28, 6
        keras.layers.AveragePooling2D(2),  # 14, 14, 6
        keras.layers.Conv2D(16, 5, activation="sigmoid"),  # 10, 10, 16: no padding, 14 - 5 + 1
        keras.layers.AveragePooling2D(2),  # 5, 5, 16
        keras.layers.Flatten(),  # 400
        keras.layers.Dense(120, activation="sigmoid"),
        keras.layers.Dense(84, activation="sigmoid"),
        keras.layers.Dense(10),  # scores: no activation, softmax belongs to the loss
    ]
)
by_hand.count_params()

# %%
plots.architecture(inspect.diagram(by_hand))

# %% [markdown]
# The network as a chain of boxes, from the picture at the top to the ten scores at the bottom; the last line of each box is the shape of what it
# gives. Follow the shapes down: height and width shrink while the channels grow, and from *flatten* on there is no place any more, only a list of
# numbers.

# %% [markdown]
# The course's library has the same network under the name `lenet5`. Is it really the same function? We copy the
# weights of one into the other, send random images through both, and compare.

# %%
network = networks.build("lenet5")
lesson.expect_same_function(by_hand, network)

# %% [markdown]
# ### The block as it was in 1998
#
# The published network differs from the modern form in four places. Each was a reasonable answer to a problem of its time.
#
# **1. Scaled tanh.** The activation was $1.7159 \tanh(2x/3)$. Its constants make $f(\pm 1) = \pm 1$, so that signals of
# size one stay of size one from layer to layer.

# %%
x = np.linspace(-4, 4, 161)
squashed = keras.ops.convert_to_numpy(layers.scaled_tanh(x))
print(f"f(-1) = {squashed[60]:.3f}, f(0) = {squashed[80]:.3f}, f(1) = {squashed[100]:.3f}")
plots.lines(
    x,
    {"scaled tanh": squashed, "sigmoid": 1 / (1 + np.exp(-x)), "ReLU": np.maximum(x, 0)},
    x_label="input of the unit",
    y_label="output of the unit",
)

# %% [markdown]
# The scaled tanh is centred at zero and steep there; the sigmoid is never negative and flat everywhere, which makes
# its gradients small; ReLU, the rectified linear unit, is the corner that replaced both.
#
# **2. Trainable subsampling.** A window's four numbers are added, multiplied by a coefficient and shifted by a bias; both
# are learnt, one pair for each channel. At the coefficient 1/4 it is average pooling:

# %%
subsampling = layers.TrainableSubsampling2D(2)
little = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)
print(keras.ops.convert_to_numpy(subsampling(little))[0, :, :, 0])
print("weights:", sum(int(np.prod(v.shape)) for v in subsampling.trainable_variables))

# %% [markdown]
# The input counts from 0 to 15 row by row, so the first output is the mean of 0, 1, 4 and 5.
#
# **3. A sparse layer.** The second convolution, called C3, does not let each of its 16 maps see all 6 maps below.
# Computing was dear, and different inputs force the maps to learn different things. This is the paper's table I:

# %%
table = np.zeros((6, 16), int)
for output_map, sources in enumerate(networks.lenet.C3_CONNECTIONS):
    table[list(sources), output_map] = 1
print(
    f"{table.sum()} of {table.size} connections: {table.sum() * 25 + 16:,} weights instead of {table.size * 25 + 16:,}"
)
plots.heatmap(
    table,
    x_label="map of C3",
    y_label="map of S2",
    value_label="connected",
    number_format="{:.0f}",
)

# %% [markdown]
# Each column is one map of C3: the first six see three neighbours, the next nine see four, the last one sees all.
#
# **4. Distances to drawings.** The last layer has no weights at all. Each class owns a fixed drawing of 7 x 12 pixels, and its
# score is minus the squared distance between the 84 numbers of layer F6 and that drawing (*radial basis functions*).

# %%
codes = layers.digit_codes()
plots.image_grid((codes.reshape(10, 12, 7, 1) + 1) / 2, titles=[str(k) for k in range(10)], columns=10)

# %% [markdown]
# These drawings are our own, in the paper's size. Similar digits have similar drawings, so that a reader of text sees from
# a near miss what it might have been. For clothes the drawings mean nothing, which is one reason that scores with
# learnt weights have replaced them.
#
# All four together, with the names of the paper's layers:

# %%
lenet_1998 = networks.outline("lenet5_1998")
print(inspect.layer_table(lenet_1998))

# %%
count = inspect.layer_table(lenet_1998).total_params
lesson.claim(
    "04-parameters-1998",
    "The LeNet-5 of 1998 has 60,000 trainable parameters.",
    source="LeCun et al., 1998, section II.B",
    measured=f"{count:,}",
    holds=count == 60_000,
)

# %% [markdown]
# ## The network: the modern form
#
# `inspect.layer_table` lists each layer's output shape, weights, *MACs* (multiply-adds for one image), *receptive field* (how
# many input pixels a unit can see), and the memory of its output.

# %%
table_of_layers = inspect.layer_table(network)
print(table_of_layers)

# %%
lesson.claim(
    "04-parameters-modern",
    "The modern form of LeNet-5 has 61,706 trainable parameters.",
    source="arithmetic over the layers: 156 + 2,416 + 48,120 + 10,164 + 850",
    measured=f"{table_of_layers.total_params:,}",
    holds=table_of_layers.total_params == 156 + 2_416 + 48_120 + 10_164 + 850 == 61_706,
)

# %% [markdown]
# Look at the column of parameters: one dense layer, the first, holds most of them, while the multiply-adds sit in
# the convolutions. That pattern, weights in dense layers and work in convolutions, will grow extreme in the next lesson.
#
# | | paper | here |
# |---|---|---|
# | data | MNIST, digits | Fashion-MNIST, clothes |
# | input | 32x32, digit of 20x20 centred in 28x28 | 28x28, padded by the first convolution |
# | activation | scaled tanh | sigmoid, then ReLU in the experiments |
# | subsampling | trainable | average, then maximum |
# | C3 | sparse, 1,516 weights | full, 2,416 weights |
# | output | distances to codes | dense layer and softmax |
# | training | stochastic Levenberg-Marquardt, 20 passes | AdamW, one-cycle |

# %% [markdown]
# ## Training
#
# A *recipe* says how a network is trained. Ours raises the learning rate to a peak and lets it fall again (*one-cycle*),
# and shrinks the kernels a little at each step (*weight decay*).

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
history = training.train(network, images, recipe, seed=seed)

# %% tags=["nbval-ignore-output"]
plots.learning_curves({"lenet5": history})

# %% [markdown]
# Look for three things: whether training loss still falls at the end (then more epochs would help), whether the
# validation loss turns up again (then the network memorises), and how far apart the two accuracies end.
#
# Now the test set, once:

# %% tags=["nbval-ignore-output"]
test = training.evaluate(network, images.test)
print(f"test accuracy {test['top1']:.4f}, among the five best {test['top5']:.4f}")

# %%
lesson.expect_between("test accuracy of LeNet-5", test["top1"], 0.70, 0.93)

# %% [markdown]
# ## Looking inside
#
# What did the six kernels of the first layer become? Red is positive, blue is negative.

# %% tags=["nbval-ignore-output"]
plots.filters(network.get_layer("stage1_conv").get_weights()[0])

# %% [markdown]
# A kernel that is red on one side and blue on the other answers to an edge of that direction; one that is all of a colour
# passes on brightness. Nobody put edges in: the classes asked for them.

# %% tags=["nbval-ignore-output"]
boot = images.validation.images[images.validation.labels == 9][:1]
maps = inspect.feature_maps(network, boot, ["stage1_activation"])["stage1_activation"]
plots.feature_maps(maps[0], columns=6)

# %% [markdown]
# The same ankle boot through the six kernels. Find the map that keeps the sole, and one that keeps only the outline.
#
# Next, back to the number of the first section. The convolution gives the same answer at every place, so moving the
# image moves the maps; subsampling forgives a pixel or two. **Predict:** where will LeNet's curve lie?

# %%
lenet_when_moved = accuracy_when_moved(network, shifts)
lesson.expect_between(
    "LeNet's validation accuracy, images moved by 2 pixels", lenet_when_moved[2], 0.40, 0.93
)

# %% tags=["nbval-ignore-output"]
plots.lines(
    shifts,
    {"dense 300-100": dense_when_moved, "lenet5": lenet_when_moved},
    x_label="shift to the right, pixels",
    y_label="validation accuracy",
    chance=0.1,
)

# %% [markdown]
# LeNet's curve starts flatter, and then falls too. The convolutions do not mind the shift, but the dense layers behind them
# still tie their weights to places. So a convolution is *equivariant* (what goes in moved comes out moved), and the
# network as a whole is *invariant* to small shifts only. Lessons 07 and 15 go further.
#
# Which classes does it confuse?

# %% tags=["nbval-ignore-output"]
logits = inspect.predict(network, images.validation.images)
plots.confusion_matrix(images.validation.labels, logits.argmax(axis=1), images.class_names)

# %% [markdown]
# Each row is a true class and shows where its images went. The bright diagonal is right; the block around shirt, T-shirt,
# pullover and coat is where the errors are, as the first picture of this lesson made us expect.

# %% tags=["nbval-ignore-output"]
probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
plots.worst_mistakes(
    images.validation.images, images.validation.labels, probabilities, images.class_names, count=10
)

# %% [markdown]
# The wrong answers that the network was most sure of. For some of them you may well side with the network: labels were
# given by a shop's catalogue, and a picture of this size does not always tell.

# %% [markdown]
# ## Experiments
#
# ### Dates first
#
# Two sentences are often heard: LeNet used the sigmoid because ReLU was unknown, and averaged because max pooling had not
# been found yet. Dates are easy to check.

# %%
first_published = {
    "rectified linear units in a layered vision network (Fukushima)": 1969,
    "taking the maximum over a neighbourhood (Yamaguchi and others)": 1990,
    "LeNet-5 (LeCun and others)": 1998,
}
for what, year in sorted(first_published.items(), key=lambda item: item[1]):
    print(year, what)
relu_year, maximum_year, lenet_year = first_published.values()
lesson.claim(
    "04-relu-unknown",
    "Rectified units and max pooling were unknown when LeNet-5 was made.",
    source="often said in lectures; Fukushima 1969, Yamaguchi et al. 1990",
    measured=f"known {lenet_year - relu_year} and {lenet_year - maximum_year} years earlier",
    holds=relu_year > lenet_year and maximum_year > lenet_year,
)

# %% [markdown]
# Both were known. They were not *valued*: networks were shallow, so that the vanishing gradient of a squashing function did
# little harm, and a smooth function was thought to be needed. (And LeNet-5 used no sigmoid either, but the scaled tanh.)
#
# ### A sigmoid LeNet under plain SGD
#
# Plain stochastic gradient descent takes a step against the gradient, without momentum and without a step size of its own for
# each weight. The sigmoid's derivative is at most 1/4, and the signal passes four of them on its way back.
#
# **Predict:** how good is the sigmoid network after one epoch of plain SGD at learning rate 0.1? Chance is one in ten.

# %% tags=["nbval-ignore-output"]
plain_sgd = training.Recipe(
    epochs=experiment_epochs, batch_size=batch_size, optimizer="sgd", momentum=0.0, learning_rate=0.1
)
sgd_histories = {}
for activation in ("sigmoid", "relu"):
    keras.utils.set_random_seed(seed)
    candidate = networks.build("lenet5", activation=activation)
    sgd_histories[activation] = training.train(candidate, images, plain_sgd, seed=seed, progress="none")
    lesson.add_run(f"{activation}, average, plain SGD", candidate, sgd_histories[activation])
plots.lines(
    range(1, experiment_epochs + 1),
    {name: h.validation_accuracy for name, h in sgd_histories.items()},
    x_label="epoch",
    y_label="validation accuracy",
    chance=0.1,
)

# %%
after_one = sgd_histories["sigmoid"].validation_accuracy[0]
lesson.claim(
    "04-sigmoid-sgd",
    "A sigmoid LeNet under plain SGD is at chance (below 0.2) after its first epoch.",
    source="experience with the sigmoid form in textbooks; learning rate 0.1",
    measured=f"validation accuracy {after_one:.4f} after one epoch",
    difference=0.2 - after_one,
)

# %% [markdown]
# The flat line at the bottom is the sigmoid network: its first layers get next to no gradient, so its scores stay the same
# for all images. The ReLU network, same step size, same images in the same order, is on its way within the first epoch. Nothing
# was wrong with LeNet's architecture; the learning signal did not arrive. Lesson 03 measures this layer by layer.
#
# ### Sigmoid or ReLU, average or maximum
#
# Now all four combinations under the good recipe: the schedule of the main network at half its learning rate, for `experiment_epochs` passes.

# %% tags=["nbval-ignore-output"]
short_recipe = training.Recipe(
    epochs=experiment_epochs,
    batch_size=batch_size,
    learning_rate=learning_rate / 2,
    schedule="one_cycle",
    weight_decay=0.01,
)
accuracies = {}
for activation in ("sigmoid", "relu"):
    for pooling in ("average", "max"):
        keras.utils.set_random_seed(seed)
        candidate = networks.build("lenet5", activation=activation, pooling=pooling)
        candidate_history = training.train(candidate, images, short_recipe, seed=seed, progress="none")
        label = f"{activation}, {pooling}"
        accuracies[label] = candidate_history.validation_accuracy[-1]
        lesson.add_run(label, candidate, candidate_history)
plots.bars(accuracies, x_label="validation accuracy", y_label="activation, pooling")

# %%
gain = accuracies["relu, max"] - accuracies["sigmoid, average"]
lesson.claim(
    "04-relu-max",
    "A LeNet with ReLU and max pooling beats one with sigmoid and average pooling, at equal epochs and recipe.",
    source="common practice since Krizhevsky et al., 2012",
    measured=f"validation accuracy {gain:+.4f}",
    difference=gain,
)

# %% [markdown]
# Compare the bars in pairs: the step from sigmoid to ReLU at equal pooling, and from average to maximum at equal activation.
# One seed shows one draw of each; whether the difference is more than luck is decided in the report of a run over several seeds.

# %% [markdown]
# ## Recap
#
# - A dense network ties its weights to places; a convolution shares them over all places.
# - LeNet-5 is (convolution, activation, subsampling) twice, then dense layers; in 1998 with scaled tanh, learnt averaging, a
#   sparse layer and fixed codes.
# - Most weights sit in the first dense layer, most work in the convolutions.
# - Sigmoids starve early layers of gradient under plain SGD; ReLU does not.
# - What the next network changes: more of everything, and ReLU, dropout and augmentation to make it trainable. That is AlexNet.

# %% tags=["nbval-ignore-output"]
lesson.record(network=network, history=history, test=test, data=images)

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. `lesson.hint("04-1")` helps, `lesson.solution("04-1")` shows a way.
#
# **04-1.** The paper counts *connections*: each unit of C1 reads 25 pixels and a bias. How many connections has C1 (28x28 units in
# each of 6 maps)?

# %%
answer = None
lesson.check("04-1", answer)

# %% [markdown]
# **04-2.** Feed the modern form with images of 32x32. What is the height of the second pooling layer's output?

# %%
answer = None
lesson.check("04-2", answer)

# %% [markdown]
# **04-3 (code).** Write trainable subsampling in NumPy: `subsample(maps, coefficient, bias)` for maps of shape (H, W, C) with even H
# and W, and vectors of length C, gives (H/2, W/2, C).

# %%
subsample = None
lesson.check("04-3", subsample)

# %% [markdown]
# **04-4 (code).** Write a function `tanh_lenet()` that returns a Keras model: the modern LeNet-5 with tanh activations and max
# pooling, on (28, 28, 1), with ten scores and no softmax.

# %%
tanh_lenet = None
lesson.check("04-4", tanh_lenet)

# %% [markdown]
# **04-5.** Which share of the modern form's parameters is in its three dense layers? A number between 0 and 1.

# %%
answer = None
lesson.check("04-5", answer)

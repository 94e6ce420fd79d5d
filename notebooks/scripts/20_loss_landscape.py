# %% [markdown]
# # 20 Loss landscapes: what a line through the weights shows
#
# Training walks downhill on a surface with as many dimensions as the network has weights. Nobody can see that surface; but one can walk straight through it in a random
# direction and draw the loss on the way. For the picture to mean anything, the length of the step has to fit the length of the weights, filter by filter.
#
# *Paper:* H. Li, Z. Xu, G. Taylor, C. Studer, T. Goldstein, "Visualizing the loss landscape of neural nets" (2018).
#
# **What you will learn**
# - why two networks that give the same answers can look sharp and flat
# - what a filter-normalised direction is, and how to draw the loss along it
# - how the curves change with shortcuts, with batch normalisation and with the size of the batch
# - why batch normalisation makes the scale of weights ambiguous, and what its moving averages do on the way
# - what such pictures cannot show
#
# **You need** lessons 09 and 10, or: what batch normalisation and a residual network are.
# **Time:** under a minute of computing at budget `quick`, about a minute at `cpu`; 35 minutes to read.

# %% tags=["parameters"]
budget: str = "quick"  # label of the budget: quick, cpu or gpu
seed: int = 0  # of weights and order of images
threads: int = 2  # CPU threads of the arithmetic
precision: str = "float32"  # float32, mixed_bfloat16 or auto
train_examples: int | None = 1600  # training images of all networks; None for all
validation_examples: int = 1000  # images to compare choices with
judged_examples: int = 300  # training images on which the loss is drawn
epochs: int = 3  # passes over the training images
batch_size: int = 32  # images a step
large_batch_size: int = 128  # the same for the network that is trained with large batches
learning_rate: float = 0.05  # peak of the one-cycle schedule
width: float = 0.25  # share of the paper's channels
depth: int = 14  # layers of all networks: 8, 14, 20, ...
lines: int = 3  # random directions for each network
points: int = 9  # points on each line, an odd number
grid: int = 5  # points on each side of a plane, an odd number

# %% tags=["nbval-ignore-output"]
from cnnlib import lesson, data, inspect, networks, plots, training

import keras
import numpy as np

lesson.begin("20_loss_landscape", budget=budget, seed=seed, threads=threads, precision=precision)

# %% [markdown]
# ## The problem: a picture that depends on nothing
#
# Begin with a network that can be seen whole. It has two weights, one behind the other: for an input of 1 it says $ab$, and it should say 1. Its loss is $(ab - 1)^2$.

# %%
weights = np.arange(1, 9) / 4
plots.heatmap(
    np.outer(weights, weights) - 1,
    x_label="weight a",
    y_label="weight b",
    value_label="ab - 1, whose square is the loss",
    row_names=[f"{w:g}" for w in weights],
    column_names=[f"{w:g}" for w in weights],
)

# %% [markdown]
# The valley of zeros bends through the picture, from the lower left to the upper right: all pairs with $ab = 1$. They are the same function, for only the product is ever used. How sharp is the valley? Take two of its points, (1, 1) and (4, 1/4),
# walk from each in the direction (1, 1), and measure the *curvature*, the second derivative of the loss along the way. Large means that the loss rises steeply to both sides.


# %%
def curvature_of_two(a, b, direction, step=1e-3):
    """Second derivative of the loss at (a, b), for steps of `direction`."""
    at = [((a + t * direction[0]) * (b + t * direction[1]) - 1) ** 2 for t in (-step, 0, step)]
    return (at[0] - 2 * at[1] + at[2]) / step**2


for a, b in ((1, 1), (4, 0.25)):
    print(f"at ({a:g}, {b:g}) in the direction (1, 1):    {curvature_of_two(a, b, (1, 1)):6.2f}")
    print(f"at ({a:g}, {b:g}) in its own direction:       {curvature_of_two(a, b, (a, b)):6.2f}")

# %%
same_step = [curvature_of_two(a, b, (1, 1)) for a, b in ((1, 1), (4, 0.25))]
own_step = [curvature_of_two(a, b, (a, b)) for a, b in ((1, 1), (4, 0.25))]
lesson.claim(
    "20-same-function",
    "Weights of the same function differ in curvature along equal steps, and agree along steps as long as each weight.",
    source="Li et al., 2018, section 3; Dinh et al., 2017",
    measured=f"{same_step[0]:.1f} and {same_step[1]:.1f} along (1, 1); {own_step[0]:.1f} and {own_step[1]:.1f} along (a, b)",
    holds=bool(same_step[1] > 4 * same_step[0] and abs(own_step[0] - own_step[1]) < 0.01),
)

# %% [markdown]
# The same answers, and one point looks four times as sharp as the other. "Sharp" was a property of the ruler: a step of one is the whole of a weight of one, and a quarter of a weight of four. With a step in
# proportion to each weight both points look alike. Real networks have this freedom, too: multiply all kernels of one layer by two, divide those of the next by two, and ReLU lets nobody notice. Batch normalisation, which divides by
# the size of what it gets, gives each single filter such a freedom.
#
# ## The block: a filter-normalised direction
#
# So we draw a random direction, one Gaussian number for each weight, and then give each *filter* of the direction the length of the network's own filter at that place. A filter is all weights that feed one output channel: a
# column of the kernel, reshaped. An offset of 0.1 then moves every filter by a tenth of its length. Biases, and the scales and shifts of a normalisation, stay where they are, as in the paper.
#
# The pictures are few and small, so that many losses can be computed:

# %%
images = data.load(
    "fashion_mnist", train_examples=train_examples, validation_examples=validation_examples, seed=0
)
judged = images.train.take(judged_examples)
print(f"{len(images.train):,} images to train on, of which {len(judged):,} draw the landscape")


# %%
def small_net(**options):
    """A small residual network, the image halved at once, from the lesson's seed."""
    keras.utils.set_random_seed(seed)
    return networks.build(
        "resnet20_cifar",
        input_shape=images.image_shape,
        classes=10,
        width=width,
        depth=depth,
        stem_stride=2,
        **options,
    )


network = small_net()

# %% [markdown]
# By hand, for all kernels of the network; then the library's:


# %%
def direction_by_hand(model, random):
    """Gaussian numbers, each filter scaled to the norm of the model's filter; zeros for vectors."""
    direction = []
    for variable in model.trainable_variables:
        weights = keras.ops.convert_to_numpy(variable)
        part = random.normal(size=weights.shape) if weights.ndim > 1 else np.zeros(weights.shape)
        for i in range(weights.shape[-1] if weights.ndim > 1 else 0):
            part[..., i] *= np.linalg.norm(weights[..., i]) / np.linalg.norm(part[..., i])
        direction.append(part)
    return direction


by_hand = direction_by_hand(network, np.random.default_rng(0))
direction = inspect.random_direction(network, seed=0)
print(
    "by hand and from the library alike:",
    all(np.allclose(a, b, rtol=1e-5, atol=1e-7) for a, b in zip(by_hand, direction, strict=True)),
)
moved = sum(part.size for part in direction if part.any())
print(f"{moved:,} of {sum(part.size for part in direction):,} weights are moved")

# %%
kernels = [
    (keras.ops.convert_to_numpy(variable), part)
    for variable, part in zip(network.trainable_variables, direction, strict=True)
    if part.ndim > 1
]
lengths = [
    tuple(np.sqrt((array.astype("float64") ** 2).reshape(-1, array.shape[-1]).sum(0)) for array in pair)
    for pair in kernels
]
gap = max(float(np.abs(1 - of_part / of_weights).max()) for of_weights, of_part in lengths)
lesson.claim(
    "20-filter-norms",
    "Each filter of a filter-normalised direction is as long as the network's filter.",
    source="Li et al., 2018, section 4",
    measured=f"relative difference below 1e-5 over {sum(len(pair[0]) for pair in lengths):,} filters: {gap < 1e-5}",
    holds=gap < 1e-5,
)

# %% [markdown]
# ### The loss along it
#
# Add a multiple of the direction to the weights, measure the loss, take the next multiple; at the end put the weights back. `inspect.loss_along` does that. Do we get the same with three lines of our own, and are the weights the old ones afterwards, to the bit?

# %%
before = lesson.digest(network)
from_library = inspect.loss_along(network, judged, [-0.5, 0, 0.5], direction)
print("weights as before:", lesson.digest(network) == before)

saved = [keras.ops.convert_to_numpy(variable).copy() for variable in network.trainable_variables]
own = []
for offset in (-0.5, 0, 0.5):
    for variable, value, part in zip(network.trainable_variables, saved, direction, strict=True):
        variable.assign(value + offset * part)
    own.append(training.evaluate(network, judged)["loss"])
for variable, value in zip(network.trainable_variables, saved, strict=True):
    variable.assign(value)
print("the same losses by hand:", np.allclose(own, from_library, rtol=1e-5))

# %% [markdown]
# ## The network: with and without shortcuts
#
# Three networks will be compared: a residual one, its plain twin without shortcuts, and the residual one without batch normalisation. They have the same convolutions.

# %%
shapes = {
    "residual": inspect.layer_table(network),
    "plain": inspect.layer_table(small_net(shortcut="none")),
    "residual, no BatchNorm": inspect.layer_table(small_net(normalization="none")),
}
for name, table in shapes.items():
    print(f"{name:23} {table.total_params:6,} parameters, {table.total_macs:9,} multiply-adds")

# %% [markdown]
# | | paper | here |
# |---|---|---|
# | networks | ResNet-20 to -110, their plain twins, wide forms, VGG-9, DenseNet-121 | a residual network with 14 or 20 layers and a quarter of the channels, its plain twin, one without BatchNorm |
# | images | CIFAR-10, 32x32x3, all 50,000 for each loss | Fashion-MNIST; a few hundred images for each loss |
# | planes | 51 x 51 points and more | a few points; mostly lines |
# | training | 300 epochs with weight decay | few epochs, without weight decay |
# | shortcuts of residual nets | as in lesson 10 | the same, without weights (option A) |
#
# ## Training
#
# One recipe for all. The fourth network is the residual one again, trained with large batches. Gradients are clipped, because a network without normalisation needs it (lesson 03).

# %%
recipe = training.Recipe(
    epochs=epochs,
    batch_size=batch_size,
    optimizer="sgd",
    learning_rate=learning_rate,
    schedule="one_cycle",
    clip_norm=1.0,
)
recipe.table()

# %% tags=["nbval-ignore-output"]
plain, unnormalised, large = small_net(shortcut="none"), small_net(normalization="none"), small_net()
large_recipe = training.Recipe(
    epochs=epochs,
    batch_size=large_batch_size,
    optimizer="sgd",
    learning_rate=learning_rate,
    schedule="one_cycle",
    clip_norm=1.0,
)
history = training.train(network, images, recipe, seed=seed)
plain_history = training.train(plain, images, recipe, seed=seed, progress="none")
unnormalised_history = training.train(unnormalised, images, recipe, seed=seed, progress="none")
large_history = training.train(large, images, large_recipe, seed=seed, progress="none")
lesson.add_run("plain", plain, plain_history)
lesson.add_run("residual, no BatchNorm", unnormalised, unnormalised_history)
lesson.add_run("residual, large batches", large, large_history)

# %% tags=["nbval-ignore-output"]
plots.learning_curves(
    {
        "residual": history,
        "plain": plain_history,
        "no BatchNorm": unnormalised_history,
        "large batches": large_history,
    }
)

# %% [markdown]
# Read where each dashed line, the training loss, ends: the networks do not arrive at the same height. Keep that in mind for the comparisons below, for a surface need not be equally curved at different heights.

# %% tags=["nbval-ignore-output"]
test = training.evaluate(network, images.test)
print(f"test accuracy {test['top1']:.4f}, among the five best {test['top5']:.4f}")

# %%
lesson.expect_between("test accuracy of the residual network", test["top1"], 0.4, 0.95)

# %% [markdown]
# ## Looking inside
#
# Now the trained residual network, along several random directions. **Predict:** will the curves of different directions look alike?


# %%
offsets = np.linspace(-0.4, 0.4, points)


def curves_of(model, count=lines):
    """The loss (count, points) along `count` random directions, the same draws for every network."""
    return np.stack(
        [
            inspect.loss_along(model, judged, offsets, inspect.random_direction(model, seed=k))
            for k in range(count)
        ]
    )


curves = {"residual": curves_of(network)}
middle = curves["residual"][:, points // 2]
print("all curves meet at offset 0:", len(set(middle)) == 1)

# %% tags=["nbval-ignore-output"]
plots.lines(
    offsets,
    {f"direction {k + 1}": curve for k, curve in enumerate(curves["residual"])},
    x_label="offset, in lengths of each filter",
    y_label="training loss, nats",
)

# %% [markdown]
# The curves meet at 0, the trained network. Look first how long they stay together on both sides of it: in a space of thousands of dimensions each random direction is a mixture of all of them, and mixtures resemble one another. We come back to what that hides. Then look at the ends, where a filter has moved by a third of its length and more, and each
# direction goes its own way.
#
# A plane of two directions shows the same from above:

# %% tags=["nbval-ignore-output"]
plane_offsets = np.linspace(-0.4, 0.4, grid)
plane = inspect.loss_along(
    network, judged, plane_offsets, inspect.random_direction(network, 0), inspect.random_direction(network, 1)
)
plots.heatmap(
    plane,
    x_label="offset along direction 2",
    y_label="offset along direction 1",
    value_label="training loss, nats",
    row_names=[f"{offset:.1f}" for offset in plane_offsets],
    column_names=[f"{offset:.1f}" for offset in plane_offsets],
)

# %% [markdown]
# The cell in the middle is the trained network. Look whether the loss rises outwards on all sides, and whether any other cell lies as low. The paper's famous pictures are such planes with many more points, and seen from the side.
#
# The worst mistakes of the network that we walk away from:

# %% tags=["nbval-ignore-output"]
logits = inspect.predict(network, images.validation.images)
probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
plots.worst_mistakes(
    images.validation.images, images.validation.labels, probabilities, images.class_names, count=12
)

# %% [markdown]
# Shoes for other shoes, one top for another. The landscape is drawn on training images; mistakes on others are a reminder that a low loss here is not the aim.
#
# ## Experiments
#
# ### Batch normalisation makes the scale ambiguous
#
# Multiply the kernels of a convolution by two, and the mean and the deviation of its outputs double. Batch normalisation takes both out again. So the network with *all* convolutions doubled (and the moving averages that belong to them) is the same function.
# What does its landscape look like?

# %%
doubled = small_net()
doubled.set_weights(network.get_weights())
convolutions = [layer for layer in doubled.layers if isinstance(layer, keras.layers.Conv2D)]
for layer in convolutions:
    layer.set_weights([2 * layer.get_weights()[0]])
    normalisation = doubled.get_layer(f"{layer.name}_bn")
    scale, shift, mean, variance = normalisation.get_weights()
    # The layer divides by the root of variance + epsilon, and it is this sum that has to become four times as large.
    normalisation.set_weights([scale, shift, 2 * mean, 4 * variance + 3 * normalisation.epsilon])
answers, answers_doubled = (
    inspect.predict(model, images.validation.images[:200]) for model in (network, doubled)
)
gap = float(np.abs(answers - answers_doubled).max() / np.abs(answers).max())
print(f"{len(convolutions)} convolutions doubled; the same scores: {gap < 1e-4}")

# %% [markdown]
# Now walk from both along the *same* random numbers, not normalised (only the convolutions move), and then along directions that are normalised to each network's own filters. **Predict:** which pair of curves falls together?

# %%
raw = [
    part / 5 if part.ndim == 4 else 0 * part
    for part in inspect.random_direction(network, 0, filter_normalized=False)
]
same_steps = {
    name: inspect.loss_along(model, judged, offsets, raw)
    for name, model in (("as trained", network), ("doubled", doubled))
}
stretched = inspect.loss_along(doubled, judged, 2 * offsets, raw)
normalised = [
    inspect.loss_along(model, judged, offsets, inspect.random_direction(model, 0))
    for model in (network, doubled)
]
same_when_stretched = np.allclose(stretched, same_steps["as trained"], rtol=1e-3)
same_when_normalised = np.allclose(*normalised, rtol=1e-3)
lesson.claim(
    "20-scale",
    "Doubled kernels in front of BatchNorm stretch the loss along a fixed direction by two, and leave it along filter-normalised ones.",
    source="Li et al., 2018, section 3; Laarhoven, 2017",
    measured=f"doubled steps give the same losses: {same_when_stretched}; normalised directions do: {same_when_normalised}",
    holds=same_when_stretched and same_when_normalised,
)

# %% tags=["nbval-ignore-output"]
plots.lines(
    offsets,
    {
        "as trained, same steps": same_steps["as trained"],
        "doubled, same steps": same_steps["doubled"],
        "as trained, normalised": normalised[0],
        "doubled, normalised": normalised[1],
    },
    x_label="offset",
    y_label="training loss, nats",
    y_log=True,
)

# %% [markdown]
# Along the same steps the doubled network looks the flatter one: its curve is the other's, stretched by two, and a stretched curve has a quarter of the curvature. (Of the two normalised curves only the upper one is to be seen.) Nothing about the network has changed, no answer and no error. Along normalised directions the two curves lie on
# each other. That is the whole case for filter normalisation: networks trained with and without weight decay, for instance, differ in the size of their weights, and without it one compares sizes.
#
# ### Which statistics, on the way?
#
# There is a second catch. Our losses are taken in inference mode: batch normalisation uses its moving averages, and these belong to the *unmoved* weights. A walker who took the statistics of each batch instead would see another surface.

# %%
few = judged.take(min(200, judged_examples))
own_direction = inspect.random_direction(network, 0)
statistics = {
    name: inspect.loss_along(network, few, offsets, own_direction, batch_statistics=fresh)
    for name, fresh in (("moving averages", False), ("of the batch", True))
}
lesson.expect_between(
    "ratio of the two losses at offset 0",
    statistics["of the batch"][points // 2] / statistics["moving averages"][points // 2],
    0.2,
    3,
)

# %% tags=["nbval-ignore-output"]
plots.lines(
    offsets,
    statistics,
    x_label="offset, in lengths of each filter",
    y_label="training loss, nats",
)

# %% [markdown]
# Read the gap at the ends. Where the line of the moving averages lies higher, a part of the rise comes from averages that no longer fit, and not from the weights. The paper draws the first kind, as do we below; one has to know which kind one looks at.
#
# ### With and without shortcuts
#
# In the paper's pictures plain networks of 56 layers and more stand in a rugged landscape, residual ones in a smooth bowl; at 20 layers the two look much alike. **Predict** which curve is the steeper here.

# %% tags=["nbval-ignore-output"]
curves["plain"] = curves_of(plain)
curves["no BatchNorm"] = curves_of(unnormalised)
curves["large batches"] = curves_of(large)


def mean_curves(*names):
    """A figure of the mean curve of each network, with the lowest and highest of its directions around it."""
    return plots.lines(
        offsets,
        {name: curves[name].mean(axis=0) for name in names},
        bands={name: (curves[name].min(axis=0), curves[name].max(axis=0)) for name in names},
        x_label="offset, in lengths of each filter",
        y_label="training loss, nats",
        y_log=True,
    )


mean_curves("residual", "plain")

# %%
curvatures = {
    name: float(np.mean([inspect.curvature(offsets, curve) for curve in values]))
    for name, values in curves.items()
}
lesson.claim(
    "20-skips",
    "Along filter-normalised directions the loss of a plain network curves more than that of a residual one.",
    source="Li et al., 2018, section 5: rugged from 56 layers on",
    measured=f"mean curvature {curvatures['plain']:.3g} plain, {curvatures['residual']:.3g} residual",
    difference=curvatures["plain"] - curvatures["residual"],
)

# %% [markdown]
# Look at two things. The lines' *height* at 0 is how far the training came. The *opening* is the curvature. The loss axis is logarithmic, so that both can be read; a curve that starts lower looks steeper on it, which is one more way to be misled.
# The numbers themselves:

# %% tags=["nbval-ignore-output"]
for name, values in curves.items():
    print(
        f"{name:14} loss at 0 {values[0, points // 2]:.3f}, curvature {curvatures[name]:8.3f},"
        f" loss at the ends {values[:, [0, -1]].mean():8.3f}"
    )

# %% [markdown]
# Before you conclude anything from the second column, read the first. The cross-entropy of a network that is sure of its right answers is flat in almost every direction, so a network that was trained for longer is flatter for this reason alone. The paper
# compares networks at the end of a long training; ours are at the end of a short one.
#
# ### With and without batch normalisation
#
# Batch normalisation is said to make the landscape smoother (Santurkar and others, 2018). Smoothness there means how steadily the gradient changes *during training*; what we can look at is the end point.

# %% tags=["nbval-ignore-output"]
mean_curves("residual", "no BatchNorm")

# %%
lesson.claim(
    "20-batch-norm",
    "Along filter-normalised directions the loss of a residual network without BatchNorm curves more than with it.",
    source="after Santurkar et al., 2018, who measure it during training",
    measured=f"mean curvature {curvatures['no BatchNorm']:.3g} without, {curvatures['residual']:.3g} with",
    difference=curvatures["no BatchNorm"] - curvatures["residual"],
)

# %% [markdown]
# Compare the openings of the two lines, and the widths of their bands: how much does the choice of the direction matter to each? In the network without normalisation a filter's length matters: nothing downstream divides it out. A move by a share of each filter then changes the size of the signal, from block to block, and sizes multiply up.
# With normalisation and fixed averages the same happens, up to the shift that the averages no longer fit; so the sign of this comparison is not clear beforehand.
#
# ### Sharpness at two batch sizes
#
# Large batches are said to end in *sharp* minima, which do worse on new images (Keskar and others, 2017). Their *sharpness* is the largest rise of the loss within a small box, over one plus the loss. We take the
# largest rise on our lines within a tenth of each filter's length.


# %%
def sharpness(values, radius=0.1):
    """Largest rise of the loss within `radius` on all lines, over one plus the loss at 0; in percent."""
    start = values[:, points // 2]
    within = values[:, np.abs(offsets) <= radius + 1e-6]
    return float(100 * np.max((within - start[:, None]) / (1 + start[:, None])))


sharpness_of = {name: sharpness(values) for name, values in curves.items()}
lesson.claim(
    "20-batch-size",
    "Training with large batches for as many epochs ends at a sharper place than training with small ones.",
    source="Keskar et al., 2017",
    measured=f"sharpness {sharpness_of['large batches']:.3g} percent with large batches, {sharpness_of['residual']:.3g} with small",
    difference=sharpness_of["large batches"] - sharpness_of["residual"],
)

# %% tags=["nbval-ignore-output"]
mean_curves("residual", "large batches")

# %% [markdown]
# At equal epochs the large batches take fewer steps and may end higher up: compare the heights at 0 first. A place that is not a minimum can be flatter than one that is. Li and others found the relation of sharpness and test error again once the directions were normalised; without, it can be turned
# around by weight decay. Whether sharpness *causes* a worse test error is contested to this day.
#
# ### What a random line cannot show
#
# How much of a surface does a random line see? Here we can compute the answer. Near a point every smooth surface is a *quadratic*, with a curvature of its own along each of as many axes as there are weights. A random direction is a mixture of the axes, and the curvature along it
# a *mean* of theirs. Take 2,000 axes, of which one is very sharp:

# %%
random = np.random.default_rng(0)
along_axes = np.full(2000, 1.0)
along_axes[0] = 1000.0
directions = random.normal(size=(500, 2000))
directions /= np.linalg.norm(directions, axis=1, keepdims=True)
seen = (directions**2 * along_axes).sum(axis=1)
print(f"sharpest axis {along_axes.max():g}, mean of the axes {along_axes.mean():.2f}")
print(f"along 500 random lines: mean {seen.mean():.1f}, largest {seen.max():.0f}")
lesson.claim(
    "20-mean-curvature",
    "The curvature along random lines is the mean over all axes: one sharp axis among 2,000 stays unseen.",
    source="arithmetic: the expected value of d'Hd is the mean of H's eigenvalues",
    measured=f"mean {seen.mean():.2f} on lines, {along_axes.mean():.2f} of the axes; largest on a line {seen.max():.1f} of {along_axes.max():g}",
    holds=bool(abs(seen.mean() - along_axes.mean()) < 0.1 and seen.max() < 0.02 * along_axes.max()),
)

# %% [markdown]
# And worse: let 600 of the 2,000 axes bend *downwards*. This point is no minimum at all; there are 600 ways down. Does any of the 500 lines notice?

# %%
saddle = np.where(np.arange(2000) < 600, -0.5, 1.0)
seen = (directions**2 * saddle).sum(axis=1)
lesson.claim(
    "20-convex-looking",
    "A point with 600 of 2,000 axes bending downwards looks like the bottom of a bowl on all of 500 random lines.",
    source="arithmetic; the caution of Li et al., 2018, section 6",
    measured=f"lines that bend downwards: {(seen < 0).sum()} of {len(seen)}; least curvature {seen.min():.2f}",
    holds=bool((seen > 0).all()),
)

# %% [markdown]
# So read such pictures in one direction only. A bump on a random line is real: the surface is not convex. A smooth bowl on random lines proves next to nothing about the single directions, neither that there is no sharp one nor that there is no way down. The authors therefore compute the
# smallest and the largest curvature as well (2018, section 6). What random lines *are* good for is a comparison of means: between networks, at equal heights, along normalised directions.
#
# ## Recap
#
# - Networks of equal answers can have weights of different size; sharpness along equal steps measures the size.
# - A filter-normalised direction moves each filter in proportion to its own length, and does not depend on that size.
# - Moving averages of batch normalisation fit the unmoved weights only.
# - Compare curves at equal height, or say that the heights differ.
# - A random line shows the mean curvature. It sees neither the sharpest direction nor the way down.
# - What the next lesson changes: nothing about the weights, but the size of the image that they are used on.

# %% tags=["nbval-ignore-output"]
lesson.record(
    network=network,
    history=history,
    test=test,
    data=images,
    name="resnet_landscape",
    curvature=curvatures,
    sharpness_percent=sharpness_of,
    loss_at_0={name: float(values[0, points // 2]) for name, values in curves.items()},
)

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. `lesson.hint("20-1")` helps, `lesson.solution("20-1")` shows a way.
#
# **20-1.** A filter of the network has norm 3, the filter drawn for the direction has norm 12. By which factor is the drawn filter multiplied?

# %%
answer = None
lesson.check("20-1", answer)

# %% [markdown]
# **20-2.** The loss is `0.40` at offset 0, and `0.43` at both offsets `-0.1` and `0.1`. What is the curvature, from these three numbers?

# %%
answer = None
lesson.check("20-2", answer)

# %% [markdown]
# **20-3.** All kernels in front of batch normalisation are multiplied by 10 (and the moving averages fitted). By which factor does the curvature along a fixed direction, not normalised, change?

# %%
answer = None
lesson.check("20-3", answer)

# %% [markdown]
# **20-4 (code).** Write `normalise_filters(drawn, kernel)`: both arrays (rows, columns, channels in, channels out); the result is `drawn` with each filter scaled to the norm of the kernel's filter.

# %%
normalise_filters = None
lesson.check("20-4", normalise_filters)

# %% [markdown]
# **20-5 (code).** Write `curvature_along(loss, weights, direction, step)`: the second derivative of the function `loss` (of a vector) at `weights` for offsets along `direction`, from three values of the loss.

# %%
curvature_along = None
lesson.check("20-5", curvature_along)

# %% [markdown]
# **20-6.** A quadratic has the curvature 300 along one of its 100 axes and 0 along all others. What is the mean curvature along random directions of length one?

# %%
answer = None
lesson.check("20-6", answer)

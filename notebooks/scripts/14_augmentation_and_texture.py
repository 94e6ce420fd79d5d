# %% [markdown]
# # 14 Augmentation and texture: what a network may ignore
#
# A shirt is a shirt when it is moved, mirrored, turned a little or seen under a yellow lamp. A network does not know that: it is told by showing it changed copies of its pictures
# under the same label. And what nobody tells it, it decides by itself: whether to look at the outline or at the cloth, at the thing or at what stands beside it.
#
# *Papers:* P. Simard, D. Steinkraus, J. Platt, "Best practices for convolutional neural networks applied to visual document analysis" (2003);
# R. Geirhos and others, "ImageNet-trained CNNs are biased towards texture" (2019).
#
# **What you will learn**
# - the transforms: mirror images, crops, scale, rotation, affine, elastic, colour, PCA colour, noise, erasing, mixing
# - equivariance and invariance, and how both are measured
# - that a convolutional network is not rotation-invariant, and that augmentation buys it
# - what augmentation is worth with few pictures and with many
# - how to ask a network whether it goes by texture, shape or context, and how easily it learns a wrong cue
#
# **You need** lessons 02 and 05, or: what pooling, equivariance and a crop are.
# **Time:** a minute of computing at budget `quick`, a minute and a half at `cpu`; 40 minutes to read.

# %% tags=["parameters"]
budget: str = "quick"  # label of the budget: quick, cpu or gpu
seed: int = 0  # of weights and order of images
threads: int = 2  # CPU threads of the arithmetic
precision: str = "float32"  # float32, mixed_bfloat16 or auto
dataset: str = "fashion_mnist_rgb"  # fashion_mnist_rgb, cifar10 or folder:<path>: colour is needed
train_examples: int | None = 1600  # training images of the main network; None for all
validation_examples: int = 1000  # images to compare choices with
judged_examples: int = 400  # validation images that are turned, lit, shuffled and so on
sizes: list = [250]  # smaller training sets with which the gain of augmentation is measured
single_transforms: list = ["mixing"]  # transforms that are tried alone, on the smallest training set
epochs: int = 5  # passes over the training images
batch_size: int = 64  # images a step
learning_rate: float = 0.01  # peak of the one-cycle schedule

# %% tags=["nbval-ignore-output"]
from cnnlib import lesson, augment, data, inspect, plots, training

import keras
import numpy as np

lesson.begin("14_augmentation_and_texture", budget=budget, seed=seed, threads=threads, precision=precision)

# %% [markdown]
# ## The problem: a quarter turn
#
# The pictures are the garments of the other lessons, dyed in a random colour and photographed under a warm to cool light, for here colour matters. The parameter `dataset` takes photographs in their place: `cifar10`, or a folder
# of your own.

# %%
wanted = {"train_examples": train_examples, "validation_examples": validation_examples, "seed": 0}
images = data.load(dataset, **wanted)
if images.image_shape[0] != images.image_shape[1]:  # pictures that are turned by a quarter must be squares
    images = data.load(dataset, **wanted, image_size=min(images.image_shape[:2]))
if images.image_shape[2] != 3 or min(images.image_shape[:2]) < 8:
    raise ValueError(
        f"dataset={dataset!r} has images {images.image_shape}; this lesson needs colour and 8 pixels"
    )
if max(sizes) > len(images.train):
    raise ValueError(f"sizes={sizes} must be at most the {len(images.train)} training images that there are")
first_of_each = [int(np.argmax(images.train.labels == k)) for k in range(images.classes)]
plots.image_grid(images.train.images[first_of_each], titles=images.class_names, columns=5)

# %% [markdown]
# One of each class. The dye says nothing about the class, and somebody who has never seen a red coat should know one all the same.
#
# A network of three convolutions, and the training that all networks of this lesson get:


# %%
def small_cnn(name):
    """Three convolutions with normalisation, a global average and a score for each class, from the lesson's seed."""
    keras.utils.set_random_seed(seed)
    inputs = x = keras.Input(images.image_shape)
    for stage, channels in enumerate((16, 32, 64), start=1):
        x = keras.layers.Conv2D(channels, 3, padding="same", use_bias=False, name=f"stage{stage}_conv")(x)
        x = keras.layers.BatchNormalization(momentum=0.9, name=f"stage{stage}_norm")(x)
        x = keras.layers.ReLU(name=f"stage{stage}_relu")(x)
        if stage < 3:
            x = keras.layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)  # 14, 14; then 7, 7
    x = keras.layers.GlobalAveragePooling2D(name="average")(x)
    return keras.Model(inputs, keras.layers.Dense(images.classes, name="scores")(x), name=name)


recipe = training.Recipe(
    epochs=epochs,
    batch_size=batch_size,
    optimizer="adamw",
    learning_rate=learning_rate,
    schedule="one_cycle",
    weight_decay=0.01,
)

# %% tags=["nbval-ignore-output"]
plain = small_cnn("plain_cnn")
plain_history = training.train(plain, images, recipe, seed=seed, progress="none")
lesson.add_run("without augmentation", plain, plain_history)

# %% [markdown]
# This network has seen garments upright only. **Predict:** what is left of its accuracy when they are turned by a quarter, a half, three quarters?


# %%
judged = images.validation.take(min(judged_examples, len(images.validation)))


def accuracy(model, pictures):
    """Share of right answers for changed copies of the judged validation images."""
    return float(np.mean(inspect.predict(model, pictures).argmax(axis=1) == judged.labels))


quarter_turns = [accuracy(plain, np.rot90(judged.images, turns, axes=(1, 2))) for turns in range(4)]
least_accuracy = 0.4 if dataset == "fashion_mnist_rgb" else 0.2  # photographs are harder; chance is 0.1
lesson.expect_between("validation accuracy, upright", quarter_turns[0], least_accuracy, 0.95)
lesson.expect_between("highest accuracy of the turned pictures", max(quarter_turns[1:]), 0.0, 0.75)

# %% tags=["nbval-ignore-output"]
plots.bars(
    dict(zip(["upright", "quarter turn", "half turn", "three quarters"], quarter_turns, strict=True)),
    x_label="validation accuracy",
    y_label="pictures",
)

# %%
lost_by_turning = quarter_turns[0] - float(np.mean(quarter_turns[1:]))
lesson.claim(
    "14-not-invariant",
    "A convolutional network that was trained on upright pictures is not rotation-invariant.",
    source="common; measured here at quarter turns, which need no interpolation",
    measured=f"accuracy {quarter_turns[0]:.4f} upright, {np.mean(quarter_turns[1:]):.4f} turned",
    difference=lost_by_turning,
)

# %% [markdown]
# Not a pixel was changed, only its place. Look which turn hurts least: some garments are nearly the same upside down. Convolution and pooling have shifts built in; nothing in the network speaks of turns.
#
# ## The block: a transform
#
# ### Reading a picture at other places
#
# Shift, rotation, scale and shear are one operation. For each pixel of the result, compute the place in the picture from which it comes, and read the picture there. The place lies between pixels,
# so one takes a weighted mean of the four around it: *bilinear* interpolation. Here it is for one picture, by hand:


# %%
def places(shape, degrees=0.0, scale=1.0):
    """Rows and columns, (H,W) each, from which the pixels of a turned (counter-clockwise) and enlarged picture come."""
    angle, (height, width) = np.deg2rad(degrees), shape
    rows, columns = np.mgrid[:height, :width] - np.array([(height - 1) / 2, (width - 1) / 2])[:, None, None]
    back_rows = (np.cos(angle) * rows + np.sin(angle) * columns) / scale
    back_columns = (np.cos(angle) * columns - np.sin(angle) * rows) / scale
    return back_rows + (height - 1) / 2, back_columns + (width - 1) / 2


def read_at(picture, rows, columns):
    """The picture (H,W,C) at places between its pixels, black outside."""
    height, width, _ = picture.shape
    result = np.zeros(picture.shape)
    for i, j in np.ndindex(height, width):
        top, left = int(np.floor(rows[i, j])), int(np.floor(columns[i, j]))
        down, right = rows[i, j] - top, columns[i, j] - left
        for row, row_weight in ((top, 1 - down), (top + 1, down)):
            for column, column_weight in ((left, 1 - right), (left + 1, right)):
                if 0 <= row < height and 0 <= column < width:
                    result[i, j] += row_weight * column_weight * picture[row, column]
    return result


sides = images.image_shape[:2]
boot = data.to_float(images.train.images[first_of_each[-1]])
by_hand = [
    read_at(boot, *places(sides, *change)) for change in ((0, 1), (30, 1), (90, 1), (30, 0.7), (0, 1.5))
]
plots.image_grid(
    np.clip(by_hand, 0, 1),
    titles=["as it is", "turned by 30", "turned by 90", "turned, times 0.7", "times 1.5"],
    columns=5,
)

# %% [markdown]
# Turned by 30 degrees the corners come from outside, and are black; enlarged, the border is lost. The library does the same for a whole batch, by `augment.sample`. Is it the same?


# %%
def changed(pictures, degrees=0.0, scale=1.0):
    """All pictures turned and scaled, float (N,H,W,C) in [0, 1], by the library."""
    rows, columns = (part[None].astype("float32") for part in places(sides, degrees, scale))
    floats = keras.ops.convert_to_tensor(data.to_float(pictures))
    return np.clip(keras.ops.convert_to_numpy(augment.sample(floats, rows, columns)), 0, 1)


one = images.train.images[first_of_each[-1] : first_of_each[-1] + 1]
differences = [
    float(np.abs(changed(one, 30, 0.7)[0] - by_hand[3]).max()),
    float(np.abs(changed(one, 90)[0] - np.rot90(boot)).max()),
]
lesson.claim(
    "14-sample",
    "Rotation and scaling are a reading of the picture at other places, with four weights for each pixel.",
    source="arithmetic; our loop, and NumPy's quarter turn, against the library",
    measured=f"largest differences below 1e-4: {max(differences) < 1e-4}",
    holds=max(differences) < 1e-4,
)

# %% [markdown]
# ### The transforms of the course
#
# Each is a Keras layer that draws anew for each picture of each batch. In the order of the rows below:
#
# - **Moving pixels.** *Flip* (the mirror image); *crop* (a window of the padded picture: a shift by whole pixels); *scale*; *rotation*; *affine* (rotation, scale, shear and shift at once); *elastic* (each
#   pixel moves a little, neighbours alike; made for the trembling of handwriting).
# - **Changing values.** *Colour* (brightness, contrast and saturation by random factors); *PCA colour* (along the directions in which the colours of the training set vary most; AlexNet's); *noise*.
# - **Taking away.** *Erasing* covers a random rectangle by noise, so that no single part can be relied on.

# %%
TRANSFORMS = {
    "flip": augment.RandomFlip(0.5, seed=1),
    "crop": augment.RandomCrop(4, seed=1),
    "scale": augment.RandomAffine(scale=(0.7, 1.3), seed=1),
    "rotation": augment.RandomAffine(rotation=45, seed=1),
    "affine": augment.RandomAffine(rotation=15, scale=(0.8, 1.2), shear=20, shift=0.1, seed=1),
    "elastic": augment.ElasticDistortion(strength=1.0, smoothness=4.0, seed=1),
    "colour": augment.RandomColor(brightness=0.5, contrast=0.5, saturation=0.8, seed=1),
    "PCA colour": augment.PCAColor.from_images(images.train.images, strength=0.3, seed=1),
    "noise": augment.GaussianNoise(0.25, seed=1),
    "erasing": augment.RandomErasing(1.0, seed=1),
}
copies = np.repeat(boot[None], 8, axis=0)
drawn = {
    name: keras.ops.convert_to_numpy(transform(copies, training=True))
    for name, transform in TRANSFORMS.items()
}
plots.image_grid(
    np.concatenate(list(drawn.values())),
    titles=[name if i == 0 else "" for name in drawn for i in range(8)],
    columns=8,
)

# %% [markdown]
# The same boot eight times in each row. All of them are still boots, and that is the one condition on a transform: *the label stays true*. Mirror the digit 2 and it is no digit; turn a 6 by a half and it is a 9. Which transforms
# are right is knowledge about the task. (Strengths here are larger than in training, so that one sees them.)

# %%
for name, pictures in drawn.items():
    still = keras.ops.convert_to_numpy(TRANSFORMS[name](copies, training=False))
    lowest, highest = pictures.min() >= 0, pictures.max() <= 1
    print(
        f"{name:11} stays in [0, 1]: {lowest and highest}; nothing outside training: {np.array_equal(still, copies)}"
    )

# %% [markdown]
# *Mixing* (mixup) goes further and changes the label as well: a weighted mean of two pictures gets the weighted mean of their labels.

# %%
last, another = images.classes - 1, min(1, images.classes - 2)
pair = data.to_float(images.train.images[[first_of_each[last], first_of_each[another]]])
mixer = augment.Mixup(images.classes, alpha=1.0, seed=1)
mixed, targets = (
    keras.ops.convert_to_numpy(part)
    for part in mixer([np.tile(pair, (3, 1, 1, 1)), np.array([last, another] * 3, "int32")], training=True)
)
first, second = images.class_names[last], images.class_names[another]
shares = [f"{first} {target[last]:.2f}, {second} {target[another]:.2f}" for target in targets[:3]]
for share, target in zip(shares, targets, strict=False):
    print(f"{share}, sum {target.sum():.2f}")
plots.image_grid(mixed[:3], titles=shares, columns=3)

# %% [markdown]
# No shop sells such a garment, and yet it helps: the network learns to pass from one class to another gradually, instead of jumping.
#
# ### Equivariance and invariance
#
# Let $T$ be a change of the picture. A layer $f$ is *equivariant* to it if the maps change alike, $f(Tx) = T'f(x)$, and *invariant* if they do not change at all, $f(Tx) = f(x)$. To classify, one wants
# equivariance on the way and invariance at the end. `inspect.equivariance_error` compares both sides of the first equation, 0 for equal maps and about 1 for maps that have nothing in common. For a convolution with random weights:


# %%
def moved(maps, down, right):
    """Maps (N,H,W,C) moved by whole places; they go around at the edge."""
    return np.roll(maps, (down, right), axis=(1, 2))


CHANGES = {
    "moved by 4": lambda maps: moved(maps, 0, 4),
    "mirrored": lambda maps: maps[:, :, ::-1],
    "quarter turn": lambda maps: np.rot90(maps, axes=(1, 2)),
}
untrained = small_cnn("untrained")
errors = {
    name: inspect.equivariance_error(untrained, judged.images[:50], "stage1_conv", change, crop=5)[
        "stage1_conv"
    ]
    for name, change in CHANGES.items()
}
for name, error in errors.items():
    print(f"{name:13} equal maps: {error < 1e-5}")
lesson.claim(
    "14-equivariance",
    "A convolution is equivariant to shifts, but neither to mirroring nor to turning.",
    source="arithmetic; maps compared inside a border of 5 places",
    measured=f"error below 1e-5: {[error < 1e-5 for error in errors.values()]}",
    holds=[error < 1e-5 for error in errors.values()] == [True, False, False],
)

# %% [markdown]
# Mirroring a picture does not mirror its maps, for the kernels are not mirrored. A network can only be taught to have pairs of kernels, one for each hand; or be built with them, which some are. Augmentation is the teaching.
#
# ## The network
#
# The network of the first section, with 24 thousand weights. It is the same with and without augmentation, which costs nothing once training is over.

# %%
table = inspect.layer_table(plain)
print(table.weighted())
print(f"{table.total_params:,} parameters, {table.total_macs:,} multiply-adds")

# %% [markdown]
# | | papers | here |
# |---|---|---|
# | augmentation | crops and mirror images (AlexNet, ResNet), elastic distortion (digits), mixup | mirror images, crops, small affine changes, colour |
# | texture against shape | pictures restyled by a network, 16 classes of ImageNet | the outline of one garment filled with the cloth of another |
# | planted cue | collected by hand, or found by accident | a coloured patch in a corner |
# | pictures | ImageNet, MNIST | Fashion-MNIST in colours, 28x28; CIFAR-10 at budget `gpu`, where outlines cannot be cut out as well |
#
# ## Training
#
# The lesson's network is trained on mirrored, shifted, slightly turned and scaled, and recoloured copies. Everything else is as for the first network: weights at the start, order of pictures, recipe.

# %%
recipe.table()


# %%
def usual_augmentation():
    """Transforms under which a garment stays what it is, seeded by the lesson's seed."""
    return augment.Chain(
        [
            augment.RandomFlip(0.5, seed=seed),
            augment.RandomAffine(rotation=10, scale=(0.9, 1.1), shift=0.08, seed=seed + 1),
            augment.RandomColor(brightness=0.4, contrast=0.3, saturation=0.5, seed=seed + 2),
        ]
    )


# %% tags=["nbval-ignore-output"]
network = small_cnn("augmented_cnn")
history = training.train(network, images, recipe, seed=seed, augmentation=usual_augmentation())

# %% tags=["nbval-ignore-output"]
plots.learning_curves({"augmented": history, "without augmentation": plain_history})

# %% [markdown]
# Compare dashed and solid of each colour. Augmented training pictures are harder than the real thing, so that the training accuracy of the augmented network may even lie *below* its validation accuracy; without augmentation it is the
# other way round, sooner or later.

# %% tags=["nbval-ignore-output"]
test = training.evaluate(network, images.test)
print(f"test accuracy {test['top1']:.4f}, among the five best {test['top5']:.4f}")

# %%
lesson.expect_between("test accuracy of the augmented network", test["top1"], least_accuracy, 0.95)

# %% [markdown]
# ## Looking inside
#
# Are the maps of a trained network more equivariant than random ones, and does augmentation by mirror images make them so for mirroring? Behind the poolings a picture that moves by 4 pixels moves the maps by 2, and by 1.


# %%
def errors_by_stage(model):
    """Equivariance errors of the three stages, for each change, inside a border that both sides know."""
    result = {}
    for name, change in CHANGES.items():
        steps = {"stage1_relu": 4, "stage2_relu": 2, "stage3_relu": 1}
        result[name] = [
            inspect.equivariance_error(
                model,
                judged.images[:100],
                layer,
                change,
                (lambda maps, step=step: moved(maps, 0, step)) if name == "moved by 4" else None,
                crop=step + 1,
            )[layer]
            for layer, step in steps.items()
        ]
    return result


# %% tags=["nbval-ignore-output"]
by_stage = {"augmented": errors_by_stage(network), "without": errors_by_stage(plain)}
plots.lines(
    [1, 2, 3],
    {f"{change}, {name}": values for name, found in by_stage.items() for change, values in found.items()},
    x_label="stage",
    y_label="equivariance error: 0 equal, 1 unrelated",
)

# %%
worst_moved = max(found["moved by 4"][0] for found in by_stage.values())
best_mirrored = min(found["mirrored"][0] for found in by_stage.values())
lesson.expect_between("equivariance error of the first stage, moved pictures", worst_moved, 0, 1e-4)
lesson.expect_between("equivariance error of the first stage, mirrored pictures", best_mirrored, 0.05, 2)

# %% [markdown]
# Moved pictures move the maps of the first stage exactly; further up, the zeros around the border reach in beyond what we left out. Mirrored and turned pictures begin far from zero: kernels are not symmetric. Compare the two lines of the
# mirrored pictures at the last stage. If the augmented network's lies lower, its late maps have become a little more equivariant to the one change that it was shown. But what counts is the end: the *answer* should not depend on the change.
#
# The worst mistakes of the augmented network:

# %% tags=["nbval-ignore-output"]
logits = inspect.predict(network, images.validation.images)
probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
plots.worst_mistakes(
    images.validation.images, images.validation.labels, probabilities, images.class_names, count=12
)

# %% [markdown]
# Check whether colour misleads it: are the mistakes of certain colours, or of garments that resemble each other in grey as well?
#
# ## Experiments
#
# ### Turns
#
# A third network sees its pictures turned by any angle. **Predict:** is its curve level, and does it lie above that of the first network at zero degrees?

# %% tags=["nbval-ignore-output"]
turning = small_cnn("turned_cnn")
turning_history = training.train(
    turning,
    images,
    recipe,
    seed=seed,
    augmentation=augment.RandomAffine(rotation=180, seed=seed),
    progress="none",
)
lesson.add_run("turned by any angle", turning, turning_history)
angles = list(range(-180, 181, 60))
by_angle = {
    name: [accuracy(model, changed(judged.images, degrees)) for degrees in angles]
    for name, model in (
        ("without augmentation", plain),
        ("up to 10 degrees", network),
        ("any angle", turning),
    )
}
plots.lines(
    angles,
    by_angle,
    x_label="degrees, counter-clockwise",
    y_label="validation accuracy",
    chance=1 / images.classes,
)

# %%
mean_by_angle = {name: float(np.mean(values[1:])) for name, values in by_angle.items()}  # -180 is 180
bought = mean_by_angle["any angle"] - mean_by_angle["without augmentation"]
upright = by_angle["any angle"][angles.index(0)] - by_angle["without augmentation"][angles.index(0)]
lesson.claim(
    "14-rotation",
    "Training on turned pictures buys accuracy on turned pictures.",
    source="common; measured here",
    measured=f"mean over all angles {bought:+.4f}, upright {upright:+.4f}",
    difference=bought,
)

# %% [markdown]
# The middle of the figure is the price: upright pictures are all that the first network was trained for, and the third one spends its few weights on all angles. Does the line of small turns, those of the usual
# augmentation, have a wider peak than the first?
#
# ### Shifts
#
# *Consistency* is the share of pictures that get the same answer, right or wrong, before and after a move (lessons 02 and 15).

# %%
shifts = [0, 1, 2, 4]
consistency = {
    name: inspect.shift_consistency(model, judged.images, shifts)
    for name, model in (("augmented", network), ("without augmentation", plain))
}
lesson.expect_between("consistency of unmoved pictures", min(v[0] for v in consistency.values()), 1, 1)

# %% tags=["nbval-ignore-output"]
plots.lines(shifts, consistency, x_label="moved by, pixels", y_label="consistency: share of equal answers")

# %%
shift_gain = float(np.mean(consistency["augmented"][1:]) - np.mean(consistency["without augmentation"][1:]))
lesson.claim(
    "14-shift",
    "Training on shifted pictures makes the answers more consistent under shifts of 1 to 4 pixels.",
    source="Zhang, 2019, section 4, for crops on CIFAR-10",
    measured=f"mean consistency {shift_gain:+.4f}",
    difference=shift_gain,
)

# %% [markdown]
# Moves within what was trained (about two pixels) should part the two curves most clearly; beyond, the garment itself leaves the picture.
#
# ### Light
#
# Now the lamp: all values times a factor, and a colour cast, from warm (less blue) to cool (less red).


# %%
def lit(pictures, brightness=1.0, warmth=0.0):
    """Pictures under another lamp, float in [0, 1]; warmth from -1 (red is gone) over 0 to 1 (blue is gone)."""
    gains = brightness * (1 - np.maximum(0, warmth * np.array([-1.0, 0.0, 1.0])))
    return np.clip(data.to_float(pictures) * gains, 0, 1).astype("float32")


brightnesses, warmths = [0.2, 0.4, 0.7, 1.0, 1.6, 3.0], [-0.9, 0.9]
lamps = np.concatenate([lit(one, b) for b in brightnesses] + [lit(one, 1.0, w) for w in warmths])
plots.image_grid(
    lamps,
    titles=[f"times {b}" for b in brightnesses] + [f"warmth {w}" for w in warmths],
    columns=6,
)

# %% [markdown]
# The same boot under eight lamps: darker and brighter ones, then a cold one, which lacks red, and a warm one, which lacks blue. A dye is dark where the lamp lacks its own colour.

# %% tags=["nbval-ignore-output"]
by_light = {
    name: [accuracy(model, lit(judged.images, b)) for b in brightnesses]
    for name, model in (("augmented", network), ("without augmentation", plain))
}
by_warmth = {
    name: [accuracy(model, lit(judged.images, 1.0, w)) for w in warmths]
    for name, model in (("augmented", network), ("without augmentation", plain))
}
plots.lines(
    brightnesses,
    by_light,
    x_label="brightness, factor",
    y_label="validation accuracy",
    x_log=True,
    chance=1 / images.classes,
)

# %%
changed_light = {
    name: float(
        np.mean([v for b, v in zip(brightnesses, by_light[name], strict=True) if b != 1] + by_warmth[name])
    )
    for name in by_light
}
light_gain = changed_light["augmented"] - changed_light["without augmentation"]
lesson.claim(
    "14-light",
    "Colour augmentation keeps accuracy under lamps that the training set does not have.",
    source="Krizhevsky et al., 2012, section 4.1, for PCA colour: one point on ImageNet",
    measured=f"mean accuracy over the lamps {light_gain:+.4f}",
    difference=light_gain,
)

# %% [markdown]
# Look at both ends. In the dark the scores shrink with the picture, and the normalisation inside the network, whose averages were taken in daylight, does not put it right. How far does the augmented network's plateau reach?
#
# ### How much is it worth, with few pictures and with many?
#
# The same pair, with and without augmentation, on smaller training sets. All are shown the same number of pictures in all; with few, each comes oftener. **Predict:** where is the gain largest?


# %%
def with_examples(count):
    """The data with `count` training images, repeated until an epoch is as long as that of the whole set."""
    repeats = len(images.train) // count
    few = images.train.take(count)
    repeated = data.Split(np.tile(few.images, (repeats, 1, 1, 1)), np.tile(few.labels, repeats))
    return data.Dataset(
        repeated,
        images.validation,
        images.test,
        class_names=images.class_names,
        name=images.name,
        sha256=images.sha256,
    )


def final_accuracy(label, dataset_of_run, augmentation):
    """Train one network of an experiment, keep it for the record; its validation accuracy at the end."""
    model = small_cnn("small_cnn")
    run = training.train(model, dataset_of_run, recipe, seed=seed, augmentation=augmentation, progress="none")
    lesson.add_run(label, model, run)
    return run.validation_accuracy[-1]


# %% tags=["nbval-ignore-output"]
accuracy_by_size = {"augmented": [], "without augmentation": []}
for count in sizes:
    accuracy_by_size["augmented"].append(
        final_accuracy(f"{count} images, augmented", with_examples(count), usual_augmentation())
    )
    accuracy_by_size["without augmentation"].append(
        final_accuracy(f"{count} images, without augmentation", with_examples(count), None)
    )
accuracy_by_size["augmented"].append(history.validation_accuracy[-1])
accuracy_by_size["without augmentation"].append(plain_history.validation_accuracy[-1])
counts = [*sizes, len(images.train)]
plots.lines(
    counts,
    accuracy_by_size,
    x_label="training images",
    y_label="validation accuracy",
    x_log=True,
    chance=1 / images.classes,
)

# %%
gains = np.subtract(*accuracy_by_size.values())
lesson.claim(
    "14-gain",
    "With few training images augmentation raises the accuracy.",
    source="Simard et al., 2003; Krizhevsky et al., 2012, section 4.1",
    measured=f"validation accuracy {gains[0]:+.4f} with {counts[0]} images",
    difference=float(gains[0]),
)
lesson.claim(
    "14-gain-by-size",
    "The gain of augmentation is larger with fewer training images.",
    source="common; measured here at an equal number of steps",
    measured=", ".join(f"{count} images {gain:+.4f}" for count, gain in zip(counts, gains, strict=True)),
    difference=float(gains[0] - gains[-1]),
)

# %% [markdown]
# The distance of the two lines is the gain. Changed copies stand in for pictures that one does not have; whoever has them needs the copies less. And they are harder: in a training as short as that of budget `quick` they can cost more than they bring, and the second line may lie below.
#
# ### One transform at a time
#
# Which of them does the work? Each alone, on the smallest training set; the parameter `single_transforms` says which ones are tried.

# %% tags=["nbval-ignore-output"]
ALONE = {
    **TRANSFORMS,
    "crop": augment.RandomCrop(2, seed=seed),
    "rotation": augment.RandomAffine(rotation=15, seed=seed),
    "mixing": augment.Mixup(images.classes, alpha=0.2, seed=seed),
}
alone = {
    "none": accuracy_by_size["without augmentation"][0],
    "the usual, together": accuracy_by_size["augmented"][0],
}
for name in single_transforms:
    alone[name] = final_accuracy(f"{sizes[0]} images, {name}", with_examples(sizes[0]), ALONE[name])
plots.bars(alone, x_label=f"validation accuracy, {sizes[0]} training images", y_label="transform")

# %% [markdown]
# Compare each bar with the first. A transform helps where it makes pictures that could have been in the validation set: mirror images of shoes, garments in other shades. One that makes pictures which do not occur there costs weights
# and steps, as the turned network has shown.
#
# ### Texture or shape?
#
# What does the network look at, the outline or the cloth? First cut the pictures into patches and shuffle them: the cloth stays, the outline goes.


# %%
def shuffled_patches(pictures, patches, source):
    """Pictures (N,H,W,C) cut into patches x patches pieces, put back in random order."""
    count, height, width, channels = pictures.shape
    tall, wide = height // patches, width // patches
    whole = pictures[
        :, : patches * tall, : patches * wide
    ]  # without what is left over at the right and below
    pieces = whole.reshape(count, patches, tall, patches, wide, channels).swapaxes(2, 3)
    pieces = pieces.reshape(count, patches**2, tall, wide, channels)
    order = np.argsort(source.random((count, patches**2)), axis=1)
    pieces = np.take_along_axis(pieces, order[:, :, None, None, None], axis=1)
    pieces = pieces.reshape(count, patches, patches, tall, wide, channels).swapaxes(2, 3)
    shuffled = pictures.copy()
    shuffled[:, : patches * tall, : patches * wide] = pieces.reshape(whole.shape)
    return shuffled


patch_counts = sorted({1, 2, 4, min(sides) // 4})
random = np.random.default_rng(0)
shuffled = {patches: shuffled_patches(judged.images, patches, random) for patches in patch_counts}
plots.image_grid(
    np.concatenate([pictures[:8] for pictures in shuffled.values()]),
    titles=[f"{p} x {p}" if i == 0 else "" for p in patch_counts for i in range(len(judged.images[:8]))],
    columns=len(judged.images[:8]),
)

# %% [markdown]
# In the second row one can still guess, in the last one hardly. A network that goes by local texture alone would not mind at all: a global average does not know where a patch was.

# %% tags=["nbval-ignore-output"]
by_patches = {
    name: [accuracy(model, shuffled[patches]) for patches in patch_counts]
    for name, model in (("augmented", network), ("without augmentation", plain))
}
plots.lines(
    patch_counts,
    by_patches,
    x_label="patches a side",
    y_label="validation accuracy",
    chance=1 / images.classes,
)

# %%
lesson.expect_between("accuracy on the finest patches", max(v[-1] for v in by_patches.values()), 0.05, 0.8)

# %% [markdown]
# How much of the accuracy survives at 2 x 2? So much can be had without the whole outline. Next a conflict: the *outline* of one garment, filled with the *cloth* of another class. The paper had a network repaint photographs in such a
# way (*stylised* images, 2019); with garments on black it can be done with scissors.


# %%
def stylised(pictures, cloths):
    """The outline of each picture filled with the cloth of another: its middle half, mirrored at the seams."""
    height, width = pictures.shape[1:3]
    top, left = height // 4, width // 4
    middle = cloths[:, top : height - top, left : width - left]
    cloth = np.pad(middle, [(0, 0), (top, top), (left, left), (0, 0)], mode="symmetric")
    outline = pictures.max(axis=3, keepdims=True) > 25
    return cloth * outline


def is_filled(pictures):
    """Whether the middle half of each picture is nearly all cloth."""
    height, width = pictures.shape[1:3]
    middle = pictures[:, height // 4 : height - height // 4, width // 4 : width - width // 4].max(axis=3)
    return (middle > 25).mean(axis=(1, 2)) > 0.98


filled = np.flatnonzero(is_filled(judged.images))
filled = filled if len(filled) else np.arange(len(judged))
other = np.random.default_rng(0).choice(filled, len(judged))
differ = judged.labels != judged.labels[other]
shape_labels, texture_labels = judged.labels[differ], judged.labels[other][differ]
conflicts = stylised(judged.images, judged.images[other])[differ]
shown = slice(0, 7)
plots.image_grid(
    np.concatenate([judged.images[differ][shown], judged.images[other][differ][shown], conflicts[shown]]),
    titles=[f"shape {images.class_names[k]}" for k in shape_labels[shown]]
    + [f"cloth {images.class_names[k]}" for k in texture_labels[shown]]
    + ["stylised"] * len(conflicts[shown]),
    columns=len(conflicts[shown]),
)

# %% [markdown]
# Above the outlines, in the middle the cloths (of pictures whose middle is all cloth, which leaves out shoes), below the outlines in the other's cloth. To us they are what their outline says. To the network?

# %% tags=["nbval-ignore-output"]
votes = {}
for name, model in (("augmented", network), ("without", plain)):
    answers = inspect.predict(model, conflicts).argmax(axis=1)
    votes[f"{name}: the shape's"] = float(np.mean(answers == shape_labels))
    votes[f"{name}: the cloth's"] = float(np.mean(answers == texture_labels))
plots.bars(votes, x_label="share of the stylised pictures", y_label="class of the answer")

# %%
by_texture, by_shape = votes["without: the cloth's"], votes["without: the shape's"]
lesson.claim(
    "14-texture",
    "Where texture and shape disagree, a convolutional network answers by texture more often than by shape.",
    source="Geirhos et al., 2019: ImageNet; here garments, without augmentation",
    measured=f"by texture {by_texture:.4f}, by shape {by_shape:.4f}",
    difference=by_texture - by_shape,
)

# %% [markdown]
# Both bars of a network together are less than one, for many answers are neither. Whether the claim holds *here* is for several seeds to say; keep in mind what differs: photographs of animals have fur to go by, and garments of 28 pixels have few
# textures but clear outlines. A bias towards texture belongs to the data as much as to the network.
#
# ### Context
#
# All training pictures have a black background. Nobody meant that as information, and a person would hardly notice another one. We put the same garments on grey.


# %%
def on_background(pictures, level):
    """The dark surroundings (all channels at most 12) brought to a grey `level`, 0 to 255."""
    background = pictures.max(axis=3, keepdims=True) <= 12
    return np.where(background, np.uint8(level), pictures)


levels = [0, 32, 64, 128, 192, 255]
plots.image_grid(
    np.concatenate([on_background(one, level) for level in levels]),
    titles=[f"grey {level}" for level in levels],
    columns=6,
)

# %% [markdown]
# The boot has not changed at all. **Predict:** from which grey on does the network lose it?

# %% tags=["nbval-ignore-output"]
by_background = {
    name: [accuracy(model, on_background(judged.images, level)) for level in levels]
    for name, model in (("augmented", network), ("without augmentation", plain))
}
plots.lines(
    levels,
    by_background,
    x_label="grey of the background",
    y_label="validation accuracy",
    chance=1 / images.classes,
)

# %%
background_loss = by_background["without augmentation"][0] - by_background["without augmentation"][-1]
lesson.claim(
    "14-context",
    "A network that saw its objects before one background only fails before another.",
    source="Beery et al., 2018, for animals in unusual places; here black against white",
    measured=f"accuracy lost on white {background_loss:.4f}",
    difference=background_loss,
)

# %% [markdown]
# A curve that goes down with the grey says that the network has learnt "bright before black". Context helps as long as it stays as it was.
#
# ### A planted cue
#
# Last, a trap. Each *training* picture gets a small patch in its corner, whose colour goes with the class: a hospital's stamp, a photographer's copyright line. **Predict:** ten colours against ten kinds of garments, which is easier to learn?

# %%
hues = np.arange(images.classes) / images.classes
PALETTE = np.clip(np.abs((hues[:, None] * 6 + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
PALETTE = (PALETTE * 255).astype("uint8")


def with_cue(pictures, cue_classes):
    """Pictures with a patch of 4x4 pixels in the upper left corner, in the colour of `cue_classes` (N,)."""
    marked = pictures.copy()
    marked[:, :4, :4] = PALETTE[cue_classes][:, None, None, :]
    return marked


wrong = (judged.labels + np.random.default_rng(0).integers(1, images.classes, len(judged))) % images.classes
exams = {
    "right cue": with_cue(judged.images, judged.labels),
    "no cue": judged.images,
    "wrong cue": with_cue(judged.images, wrong),
}
plots.image_grid(
    np.concatenate([pictures[:8] for pictures in exams.values()]),
    titles=[name if i == 0 else "" for name in exams for i in range(len(judged.images[:8]))],
    columns=len(judged.images[:8]),
)

# %% [markdown]
# Above as in training, below with another class's colour. The patch covers one pixel in fifty. We train on the first kind and examine with all three.

# %% tags=["nbval-ignore-output"]
marked_images = data.Dataset(
    data.Split(with_cue(images.train.images, images.train.labels), images.train.labels),
    data.Split(with_cue(images.validation.images, images.validation.labels), images.validation.labels),
    images.test,
    class_names=images.class_names,
    name=images.name,
    sha256=images.sha256,
)
misled = small_cnn("misled_cnn")
misled_history = training.train(misled, marked_images, recipe, seed=seed, progress="none")
lesson.add_run("with a planted cue", misled, misled_history)
by_exam = {
    f"{name}: {exam}": accuracy(model, pictures)
    for name, model in (("planted cue", misled), ("without", plain))
    for exam, pictures in exams.items()
}
plots.bars(by_exam, x_label="validation accuracy", y_label="trained with, examined with")

# %%
lesson.expect_between("accuracy with the cue of the training", by_exam["planted cue: right cue"], 0.7, 1)
follows = {
    name: float(np.mean(inspect.predict(model, exams["wrong cue"]).argmax(axis=1) == wrong))
    for name, model in (("planted cue", misled), ("without", plain))
}
lesson.claim(
    "14-cue-learnt",
    "A cue that goes with the class in training is learnt: with a wrong cue, answers follow the cue.",
    source="Geirhos et al., 2020, on shortcut learning; planted here",
    measured=f"answers that follow the wrong cue: {follows['planted cue']:.4f}, without training on it {follows['without']:.4f}",
    difference=follows["planted cue"] - follows["without"],
)
broken = by_exam["planted cue: right cue"] - by_exam["planted cue: wrong cue"]
lesson.claim(
    "14-cue-breaks",
    "A network that learnt a planted cue breaks where the cue no longer goes with the class.",
    source="Geirhos et al., 2020, on shortcut learning; planted here",
    measured=f"accuracy {by_exam['planted cue: right cue']:.4f} with the right cue, {by_exam['planted cue: wrong cue']:.4f} with a wrong one",
    difference=broken,
)

# %% [markdown]
# Its *validation* accuracy was high, as validation pictures had the patch as well: a split of the same collection has the same stamps. Only pictures from elsewhere tell. Look at the middle bar, too: without any cue, how much did the network learn about garments at
# all? Augmentation could have helped (crops cut corners off), if somebody had known what to look for.
#
# ## Recap
#
# - A transform reads the picture at other places or changes its values; the label must stay true, which is knowledge about the task.
# - Convolutions are equivariant to shifts only. What else a network should ignore it has to be shown, and it pays with accuracy for what is not needed.
# - Augmentation is worth most where pictures are few.
# - Shuffled patches, stylised pictures, other backgrounds: three ways to ask a network what it goes by.
# - A cue that goes with the class is learnt, and no split of the same collection finds it.
# - What the next lesson changes: shifts that are in the network's own arithmetic, and what a blur does for them.

# %% tags=["nbval-ignore-output"]
lesson.record(
    network=network,
    history=history,
    test=test,
    data=images,
    name="augmented_cnn",
    accuracy_by_angle={name: dict(zip(map(str, angles), v, strict=True)) for name, v in by_angle.items()},
    accuracy_by_size={
        name: dict(zip(map(str, counts), v, strict=True)) for name, v in accuracy_by_size.items()
    },
    accuracy_alone=alone,
    accuracy_by_exam=by_exam,
    votes=votes,
)

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. `lesson.hint("14-1")` helps, `lesson.solution("14-1")` shows a way.
#
# **14-1.** Mirror images or not, and crops that shift by -4 to 4 pixels in both directions. How many different pictures can become of one?

# %%
answer = None
lesson.check("14-1", answer)

# %% [markdown]
# **14-2.** A picture of 28 x 28 pixels is turned by a quarter counter-clockwise. From which `(row, column)` of the picture comes the upper left pixel of the result?

# %%
answer = None
lesson.check("14-2", answer)

# %% [markdown]
# **14-3.** Mixing takes 0.7 of a picture of class 1 and 0.3 of one of class 3, of five classes (0 to 4). What is the target? Give five numbers.

# %%
answer = None
lesson.check("14-3", answer)

# %% [markdown]
# **14-4 (code).** Write `mirror_symmetric(kernel)`, which makes of a kernel (rows, columns, channels in, channels out) the nearest one whose convolution is equivariant to mirroring left to right.

# %%
mirror_symmetric = None
lesson.check("14-4", mirror_symmetric)

# %% [markdown]
# **14-5 (code).** Write `erased(picture, top, left, height, width)` for a picture (H,W,C): a copy in which the rectangle is black. What would stand over the border is cut off; `top` and `left` may be negative.

# %%
erased = None
lesson.check("14-5", erased)

# %% [markdown]
# # 23 Comparison: every network side by side
#
# Twenty-two lessons, and a network in each. Which one is best? The question has no answer until one says: best at what, at which price, and by how much more than chance.
# This lesson puts all recorded results into one table and one picture, asks which differences are real, and ends with the oldest trick of all: ask several networks and take the mean.
#
# *Papers:* L. K. Hansen and P. Salamon, "Neural network ensembles" (1990); A. Canziani, A. Paszke, E. Culurciello, "An analysis of deep neural network models for practical applications" (2016).
#
# **What you will learn**
# - how far two accuracies on a test set must lie apart before the difference says anything
# - what accuracy costs: weights, multiply-adds, memory, time; and which networks nothing beats
# - why multiply-adds are not seconds
# - where networks of different families disagree
# - why the mean of several networks beats most of them, and what can be proved about it
#
# **You need** lessons 04 to 11, or: the names of the networks. Lessons 12 to 22 add their rows to the table.
# **Time:** under a minute of computing at budget `quick`, two minutes at `cpu`; 40 minutes to read.

# %% tags=["parameters"]
budget: str = "quick"  # label of the budget: quick, cpu or gpu
seed: int = 0  # of weights and order of images
threads: int = 2  # CPU threads of the arithmetic
precision: str = "float32"  # float32, mixed_bfloat16 or auto
dataset: str = "fashion_mnist"  # of the ensemble's members: fashion_mnist, cifar10 or folder:<path>
records: str = "../reference/cpu"  # folder of the results that are compared; a batch run gives its own
train_examples: int | None = 3000  # training images of the ensemble's members; None for all
validation_examples: int = 2000  # images to compare choices with
epochs: int = 3  # passes over the training images
batch_size: int = 64  # images a step
learning_rate: float = 0.004  # peak of the one-cycle schedule

# %% tags=["nbval-ignore-output"]
import json
from pathlib import Path

from cnnlib import lesson, data, inspect, networks, plots, training

import keras
import numpy as np
import pandas as pd

lesson.begin("23_comparison", budget=budget, seed=seed, threads=threads, precision=precision)

# %% [markdown]
# ## The problem: which is best?
#
# Every lesson of this course ends with a record of its result: a small file with the accuracy, the counts, the times. Here they are, one row a network, the mean over the seeds that were run. A lesson without a record shows "not run".

# %%
recorded = [json.loads(path.read_text()) for path in sorted(Path(records).glob("[0-9][0-9]_*-seed*.json"))]
recorded = [row for row in recorded if row["lesson"] != "23_comparison"]
lessons = sorted(path.stem for path in Path().glob("[0-9][0-9]_*.ipynb") if not path.stem.startswith("23"))
columns = [
    "data",
    "lesson",
    "network",
    "seed",
    "test_accuracy",
    "top5",
    "params",
    "macs",
    "activation_bytes",
    "seconds",
    "images_per_second",
]
frame = pd.DataFrame([row | {"data": row["provenance"]["data"]} for row in recorded], columns=columns)
results = (
    frame.groupby(["data", "lesson", "network"])
    .agg(
        seeds=("seed", "count"),
        accuracy=("test_accuracy", "mean"),
        spread=("test_accuracy", "std"),
        top5=("top5", "mean"),
        params=("params", "first"),
        macs=("macs", "first"),
        activation_mb=("activation_bytes", lambda column: column.iloc[0] / 2**20),
        seconds=("seconds", "median"),
        images_per_second=("images_per_second", "median"),
    )
    .reset_index()
    .sort_values("accuracy", ascending=False)
)
not_run = [name for name in lessons if name not in set(frame.lesson)]

# %%
for pictures in sorted(results.data.unique(), key=lambda name: (name != dataset, name)):
    print("tested on", pictures)
    part = results[results.data == pictures].drop(columns=["data", "seconds", "images_per_second"])
    print(part.round(4).to_string(index=False), end="\n\n")
print("not run:", ", ".join(not_run) or "none")

# %%
print("one row for each network that was run:", len(results) == frame.network.nunique())

# %% [markdown]
# What the trainings took stands apart, since it depends on the machine and on what else that does:

# %% tags=["nbval-ignore-output"]
took = {row.network: row.seconds for row in results.sort_values("seconds").itertuples()}
plots.bars(took, x_label="seconds of training", x_log=True, number_format="{:.0f}")

# %% [markdown]
# Read the tables with care before you choose a winner. There is one for each set of test images, since an accuracy on five classes, or on dyed garments, says nothing beside one on ten. The lessons trained their networks for different times on different numbers of images, as much as a laptop allows in a minute or two; a table compares *recipes as they are in this course*, not the
# best that each network can do. `spread` is the standard deviation over the seeds, empty where there was one.
#
# ### How far apart is apart?
#
# Say a network is right on a share $p$ of *all* pictures that there could be. On a test set of $n$ pictures drawn from them it will be right on a share near $p$, and how near is the arithmetic of coin tosses: the standard deviation is $\sqrt{p(1-p)/n}$. **Predict:** ten thousand test images, nine of ten right.
# Which differences between two networks are below two standard deviations?


# %%
def standard_deviation(share, count):
    """Of the share of right answers on `count` random pictures."""
    return np.sqrt(share * (1 - share) / count)


random = np.random.default_rng(0)
drawn = random.binomial(10_000, 0.9, size=20_000) / 10_000
formula = standard_deviation(0.9, 10_000)
print(f"formula {formula:.4f}, 20,000 simulated test sets {drawn.std():.4f}")
lesson.claim(
    "23-resolution",
    "With 10,000 test images and nine of ten right, an accuracy has a standard deviation of 0.003 from the choice of images alone.",
    source="binomial distribution",
    measured=f"formula {formula:.4f}, simulated {drawn.std():.4f}",
    holds=abs(formula - 0.003) < 1e-12 and abs(drawn.std() - formula) < 1e-4,
)

# %% [markdown]
# Two networks tested on the *same* images differ by less than that by chance, since hard pictures are hard for both; and two trainings of one network differ through their seeds alone. Both are why this course compares in pairs, on the same images from the same seed, and decides over several seeds.
#
# ## The block: a mean of opinions
#
# An *ensemble* asks several networks and takes the mean of their probabilities. Three networks and two classes, by hand:

# %%
opinions = np.array([[0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
print("mean:", opinions.mean(axis=0).round(3), "-> class", opinions.mean(axis=0).argmax())
print("majority of votes -> class", np.bincount(opinions.argmax(axis=1)).argmax())

# %% [markdown]
# The vote and the mean differ: one network was sure, two were nearly undecided. A mean lets those who know speak louder.
#
# In Keras an ensemble is a network like any other: one input, the members side by side, and a mean at the end. Its outputs are the logarithms of the mean probabilities, so that they are logits as everywhere in this course.


# %%
def ensemble_of(members, input_shape):
    """A network whose probabilities are the mean of its members'."""
    inputs = keras.Input(input_shape)
    probabilities = [keras.ops.softmax(keras.ops.cast(model(inputs), "float32")) for model in members]
    mean = sum(probabilities) / len(probabilities)
    return keras.Model(inputs, keras.ops.log(mean + 1e-12), name="ensemble")


images = data.load(dataset, train_examples=train_examples, validation_examples=validation_examples, seed=0)
SHAPE = images.train.images.shape[1:]
CLASSES = len(images.class_names)


def member(name):
    """A small form of a network of the course, its weights from the lesson's seed."""
    keras.utils.set_random_seed(seed)
    options = {
        "lenet5": {"activation": "relu", "pooling": "max"},
        "vgg11": {"width": 0.125, "stem": "small", "normalization": "batch", "dropout": 0.0},
        "googlenet": {
            "width": 0.25,
            "stem": "small",
            "stem_stride": 2,
            "normalization": "batch",
            "modules": ("3a", "3b"),
        },
        "resnet20_cifar": {"width": 0.5, "depth": 8, "stem_stride": 2},
    }[name]
    return networks.build(name, input_shape=SHAPE, classes=CLASSES, **options)


members = {name: member(name) for name in ("lenet5", "vgg11", "googlenet", "resnet20_cifar")}
ensemble = ensemble_of(list(members.values()), SHAPE)
pictures = np.random.default_rng(0).random((8, *SHAPE)).astype("float32")
by_hand = np.mean(
    [
        keras.ops.convert_to_numpy(keras.ops.softmax(inspect.predict(model, pictures)))
        for model in members.values()
    ],
    axis=0,
)
together = np.exp(inspect.predict(ensemble, pictures))
lesson.claim(
    "23-mean",
    "The ensemble's probabilities are the mean of its members' probabilities.",
    source="definition; Hansen and Salamon, 1990",
    measured=f"equal to 1e-4: {bool(np.abs(by_hand - together).max() < 1e-4)}",
    holds=bool(np.abs(by_hand - together).max() < 1e-4),
)

# %% [markdown]
# ## The network
#
# The members are small forms from four families, so that they can be trained side by side here: a chain of few layers, a chain of many, parallel paths, and shortcuts.

# %%
tables = {name: inspect.layer_table(model) for name, model in members.items()}
for name, table in tables.items():
    print(f"{name:15} {table.total_params:9,} parameters, {table.total_macs:11,} multiply-adds")
whole = inspect.layer_table(ensemble)
print(f"{'ensemble':15} {whole.total_params:9,} parameters, {whole.total_macs:11,} multiply-adds")
lesson.claim(
    "23-price",
    "An ensemble costs the sum of its members, in weights and in multiply-adds.",
    source="arithmetic",
    measured=f"{whole.total_params:,} parameters, {whole.total_macs:,} multiply-adds",
    holds=whole.total_params == sum(table.total_params for table in tables.values())
    and whole.total_macs == sum(table.total_macs for table in tables.values()),
)

# %% [markdown]
# | | papers | here |
# |---|---|---|
# | members | networks of one kind, from different starts (Hansen and Salamon, 1990); seven GoogLeNets (Szegedy et al., 2015) | four families, one each |
# | mean of | votes; probabilities | probabilities |
# | crops | up to 144 of each image (2015) | one |
#
# ## Training
#
# All members get the same recipe, the same images in the same order, and as many passes. That is fair in images, and in nothing else: each could do better with a recipe of its own.

# %%
recipe = training.Recipe(
    epochs=epochs, batch_size=batch_size, optimizer="adamw", learning_rate=learning_rate, schedule="one_cycle"
)
recipe.table()

# %% tags=["nbval-ignore-output"]
histories = {}
for name, model in members.items():
    histories[name] = training.train(model, images, recipe, seed=seed)
    lesson.add_run(f"member {name}", model, histories[name])

# %% tags=["nbval-ignore-output"]
plots.learning_curves(histories)

# %% [markdown]
# Look at the order in which the solid lines end, and at how far the dashed ones lie from them. With so few images a network with few weights may well be ahead of one that wins on many.

# %% tags=["nbval-ignore-output"]
test = training.evaluate(ensemble, images.test)
print(f"test accuracy of the ensemble {test['top1']:.4f}, among the five best {test['top5']:.4f}")

# %%
lowest = 0.6 if dataset == "fashion_mnist" else 0.2  # photographs are harder than garments; chance is 0.1
lesson.expect_between("test accuracy of the ensemble", test["top1"], lowest, 0.97)

# %% [markdown]
# ## Looking inside: where they disagree
#
# For each pair of members, the share of validation images to which both give the same answer, right or wrong:

# %% tags=["nbval-ignore-output"]
outputs = {name: inspect.predict(model, images.validation.images) for name, model in members.items()}
probabilities = {
    name: keras.ops.convert_to_numpy(keras.ops.softmax(logits)) for name, logits in outputs.items()
}
answers = {name: values.argmax(axis=1) for name, values in probabilities.items()}
agreement = np.array([[float((a == b).mean()) for b in answers.values()] for a in answers.values()])
plots.heatmap(
    agreement,
    x_label="network",
    y_label="network",
    value_label="share of equal answers",
    row_names=list(answers),
    column_names=list(answers),
)

# %%
lesson.expect_between("least share of equal answers of two members", float(agreement.min()), 0.3, 0.99)

# %% [markdown]
# Off the diagonal lies what an ensemble lives on. Were all members equal, the mean would be each of them; the lower these numbers at a given accuracy, the more there is to gain.
#
# Which classes are disputed? Each row is a class, each column a network; the number is its share of right answers.

# %% tags=["nbval-ignore-output"]
labels = images.validation.labels
present = np.unique(labels)
right_by_class = np.array(
    [[float((answer[labels == k] == k).mean()) for answer in answers.values()] for k in present]
)
plots.heatmap(
    right_by_class,
    x_label="network",
    y_label="class",
    value_label="share of right answers",
    row_names=[images.class_names[k] for k in present],
    column_names=list(answers),
)

# %% [markdown]
# Read it row by row: the garments for the upper body are hard for all, and often one network prefers shirts where another prefers coats. These are the pictures that tell the networks apart. Some of those on which all four give different or split answers:

# %% tags=["nbval-ignore-output"]
votes = np.stack(list(answers.values()))
disputed = np.flatnonzero((votes != votes[0]).sum(axis=0) >= 2)[:10]
titles = [f"{images.class_names[labels[i]]}" for i in disputed]
plots.image_grid(images.validation.images[disputed], titles=titles, columns=5) if titles else None

# %% [markdown]
# Above each picture is its label. Would you have known? Many of them are pictures about which people disagree, too.
#
# The worst mistakes of the ensemble:

# %% tags=["nbval-ignore-output"]
mean_probabilities = np.mean(list(probabilities.values()), axis=0)
plots.worst_mistakes(images.validation.images, labels, mean_probabilities, images.class_names, count=12)

# %% [markdown]
# Where all four are sure and wrong, the mean is sure and wrong: an ensemble cannot know what none of its members knows.
#
# ## Experiments
#
# ### Does the mean beat the best?
#
# **Predict:** is the ensemble better than its best member, and would it be without its worst?


# %%
def accuracy_of(names):
    """Validation accuracy of the mean of the named members."""
    mean = np.mean([probabilities[name] for name in names], axis=0)
    return float((mean.argmax(axis=1) == labels).mean())


single = {name: accuracy_of([name]) for name in members}
best, worst = max(single, key=single.get), min(single, key=single.get)
combined = {
    **single,
    "all four": accuracy_of(members),
    "without the worst": accuracy_of([name for name in members if name != worst]),
}
lesson.claim(
    "23-ensemble",
    "An ensemble of different families beats its best member.",
    source="Hansen and Salamon, 1990; GoogLeNet's seven networks, Szegedy et al., 2015, table 3",
    measured=f"validation accuracy {combined['all four']:.4f}, best member {best} {single[best]:.4f}",
    difference=combined["all four"] - single[best],
)

# %% tags=["nbval-ignore-output"]
plots.bars(combined, x_label="validation accuracy", y_label="network", number_format="{:.4f}")

# %% [markdown]
# Compare the last two bars with the longest of the first four. A member that is much worse than the others can pull the mean down: the theorem below is about the *average* member, not about the best one.
#
# ### What can be proved
#
# For the cross-entropy there is no luck in it. The logarithm is concave, so the loss of the mean probability is at most the mean of the losses, for every single picture (Jensen's inequality).

# %%
rows_of_images = np.arange(len(labels))
losses = {name: -np.log(values[rows_of_images, labels] + 1e-12) for name, values in probabilities.items()}
mean_of_losses = np.mean(list(losses.values()), axis=0)
loss_of_mean = -np.log(mean_probabilities[rows_of_images, labels] + 1e-12)
never_worse = bool((loss_of_mean <= mean_of_losses + 1e-5).all())
lesson.claim(
    "23-jensen",
    "On every picture the ensemble's cross-entropy is at most the mean of its members'.",
    source="Jensen's inequality",
    measured=f"on all {len(labels):,} validation images: {never_worse}",
    holds=never_worse,
)

# %% [markdown]
# Nothing of the kind holds for accuracy, and nothing says that the ensemble beats its *best* member. That is a matter of measuring, with a claim of its own above.
#
# ### Accuracy and its price
#
# All networks that were tested on the same images, and the four members as trained here on few images. The grey steps are the *front*: networks that no other beats in both accuracy and multiply-adds.

# %% tags=["nbval-ignore-output"]
here = pd.DataFrame(
    [
        {
            "network": f"{name} (here)",
            "accuracy": history.validation_accuracy[-1],
            "macs": tables[name].total_macs,
            "macs_per_second": tables[name].total_macs * history.images_per_second,
        }
        for name, history in histories.items()
    ]
)
results["macs_per_second"] = results.macs * results.images_per_second
comparable = results.loc[results.data == dataset, ["network", "accuracy", "macs", "macs_per_second"]]
points = pd.concat([comparable, here], ignore_index=True)
plots.accuracy_cost(points, cost="macs", cost_label="multiply-adds for one image", accuracy_label="accuracy")

# %% [markdown]
# Start at the left: to leave the lower left corner costs little. Towards the upper right the steps get long and low: each further point of accuracy costs a multiple of the work. A network below the steps is not a bad network; it was trained for less time, or for another purpose.
#
# ### Multiply-adds are not seconds
#
# How many multiply-adds did each network get done in a second of training? (The forward pass is counted, once an image.) **Predict:** which are faster at equal work, chains of large convolutions or networks of many small paths?

# %% tags=["nbval-ignore-output"]
speed = {row.network: row.macs_per_second / 1e9 for row in points.sort_values("macs_per_second").itertuples()}
plots.bars(
    speed, x_label="achieved multiply-adds, thousand millions a second", x_log=True, number_format="{:.2f}"
)

# %%
rates = dict(zip(here.network, here.macs_per_second, strict=True))
ratio = rates["vgg11 (here)"] / rates["googlenet (here)"]
lesson.claim(
    "23-regular",
    "Regular networks reach more multiply-adds a second than branching ones.",
    source="Canziani et al., 2016, section 3.5; Ma et al., 2018, guideline 3",
    measured=f"VGG-11 reaches {ratio:.2f} times the rate of GoogLeNet, trained side by side here",
    difference=float(np.log(ratio)),
)

# %% [markdown]
# The bars span a wide range. Each layer has a cost that its multiply-adds do not show: reading and writing feature maps, starting the operation, normalising. A layer with much arithmetic for each number that it reads keeps the processor busy; many small ones keep it waiting. So choose by seconds on the machine that will run the
# network, not by the count.
#
# ## Recap
#
# - A difference of two accuracies means something only beside its spread: over test images, and over seeds.
# - Accuracy has a price in weights, multiply-adds, memory and time, and networks change places when the price changes.
# - Multiply-adds are not seconds: regular networks get more of them done.
# - Networks of different families agree on easy pictures and differ on hard ones; their mean has a loss that is provably no worse than their average.
# - What the next network changes: that one is yours. The front has room.

# %% tags=["nbval-ignore-output"]
history = training.History(images_per_epoch=next(iter(histories.values())).images_per_epoch)
for epoch in range(epochs):
    row = {
        field: float(np.mean([getattr(h, field)[epoch] for h in histories.values()]))
        for field in (
            "train_loss",
            "train_accuracy",
            "validation_loss",
            "validation_accuracy",
            "learning_rate",
        )
    }
    for field in ("epoch_seconds", "train_seconds"):  # the members are trained one after another
        row[field] = sum(getattr(h, field)[epoch] for h in histories.values())
    history.append(**row)
lesson.record(
    network=ensemble, history=history, test=test, data=images, name="ensemble", validation_accuracy=combined
)

# %% [markdown]
# ## Exercises
#
# Replace `None` by your answer and run the cell. `lesson.hint("23-1")` helps, `lesson.solution("23-1")` shows a way.
#
# **23-1.** A test set has 2,500 images and a network is right on eight of ten. What is the standard deviation of its accuracy from the choice of images?

# %%
answer = None
lesson.check("23-1", answer)

# %% [markdown]
# **23-2.** Three networks err independently, each on one picture in ten, and there are two classes. On which share of pictures does the majority of the three err?

# %%
answer = None
lesson.check("23-2", answer)

# %% [markdown]
# **23-3.** A network of 500 million multiply-adds trains 40 images a second, another of 50 million trains 200. How many times as many multiply-adds a second does the first one reach?

# %%
answer = None
lesson.check("23-3", answer)

# %% [markdown]
# **23-4 (code).** Write `front(costs, accuracies)`: the sorted positions of those networks for which no other costs at most as much and is at least as accurate, with one of the two strictly better.

# %%
front = None
lesson.check("23-4", front)

# %% [markdown]
# **23-5 (code).** Write `ensemble_answers(probabilities)` for an array (members, images, classes): the class with the largest mean probability, for each image.

# %%
ensemble_answers = None
lesson.check("23-5", ensemble_answers)

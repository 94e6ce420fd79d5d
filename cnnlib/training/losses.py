"""Loss and right answers of a batch, for one or several outputs, and its augmentation, in operations of any backend."""

from keras import ops


def cross_entropy(labels, logits, label_smoothing=0.0):
    """Softmax cross-entropy of each example in nats, shape (N,), from (N, classes) logits and (N,) labels.

    Labels may also be shares of the classes, (N, classes), as mixed images have them.
    With smoothing s the target is 1 - s on the label plus s / classes on every class (Szegedy et al., 2016).
    """
    log_probabilities = ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
    mixed = len(labels.shape) == 2
    target = labels if mixed else ops.one_hot(labels, ops.shape(logits)[-1], dtype="float32")
    of_label = -ops.sum(target * log_probabilities, axis=-1)
    if isinstance(label_smoothing, int | float) and not label_smoothing:
        return of_label
    return (1 - label_smoothing) * of_label - label_smoothing * ops.mean(log_probabilities, axis=-1)


def scores_of(outputs):
    """The logits among a network's outputs: the output itself, or the one named `scores`."""
    return outputs["scores"] if isinstance(outputs, dict) else outputs


def classification_loss(labels, outputs, images, settings):
    """Cross-entropy of the logits, shape (N,); outputs beside `scores` (auxiliary heads) are logits, too.

    Args:
        labels: (N,) or shares (N, classes). outputs: logits, or a dict with them under `scores`. images: not used.
        settings: `auxiliary_weight` of each further output, and `label_smoothing` where there is any.
    """
    smoothing = settings.get("label_smoothing", 0.0)
    total = cross_entropy(labels, scores_of(outputs), smoothing)
    if isinstance(outputs, dict):
        for name in sorted(outputs):
            if name != "scores":
                total = total + settings["auxiliary_weight"] * cross_entropy(labels, outputs[name], smoothing)
    return total


def measured_loss(labels, outputs, images):
    """Plain cross-entropy of `scores`, shape (N,): what is measured, whatever was trained on."""
    return cross_entropy(labels, scores_of(outputs))


def correct_in_top(labels, logits, k):
    """1.0 for each example whose label is among the k largest logits, else 0.0; shape (N,).

    Counted by rank: a label is in the top k when fewer than k logits are larger. Of equal logits the earlier class
    comes first, as `argmax` has it, so that a network which answers the same everywhere is right by chance only. A
    logit that is not a number is in no top k. Of mixed labels (N, classes) the largest share counts.
    """
    logits = ops.cast(logits, "float32")
    labels = ops.argmax(labels, axis=-1) if len(labels.shape) == 2 else labels
    labels = ops.expand_dims(ops.cast(labels, "int32"), -1)
    of_label = ops.take_along_axis(logits, labels, axis=-1)
    earlier = ops.expand_dims(ops.arange(logits.shape[-1], dtype="int32"), 0) < labels
    ahead = ops.logical_or(ops.logical_not(logits <= of_label), ops.logical_and(logits == of_label, earlier))
    rank = ops.sum(ops.cast(ahead, "int32"), axis=-1)
    is_number = ops.squeeze(of_label == of_label, -1)
    return ops.cast(ops.logical_and(rank < k, is_number), "float32")


def augmented(augmentation, images, labels):
    """A training batch after its augmentation: (images, labels), which only a mixing one changes."""
    if augmentation is None:
        return images, labels
    if mixes_labels(augmentation):
        return tuple(augmentation([images, labels], training=True))
    return augmentation(images, training=True), labels


def mixes_labels(augmentation):
    """Whether an augmentation works on [images, labels] instead of images."""
    return getattr(augmentation, "mixes_labels", False)


def check_classes(augmentation, images):
    """ValueError unless targets that an augmentation mixes are of the data's classes."""
    classes = len(images.class_names)
    if mixes_labels(augmentation) and augmentation.classes != classes:
        raise ValueError(
            f"the augmentation mixes labels of {augmentation.classes} classes, the data have {classes}; "
            f"give it classes={classes}"
        )

"""A training batch on its way through an augmentation, which may change the labels, too."""


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

"""Lottery tickets: a sparse network that learns alone, if its weights start where they started in the dense one."""

from cnnlib import training
from cnnlib.compress.prune import magnitude_masks, set_masks


def rewind(model, start, masks):
    """Put the first weights back, zero those outside `masks`, and hold them there.

    Args:
        start: `model.get_weights()` from before the training.
        masks: which weights stay (see `magnitude_masks`).
    """
    set_masks(model, None)
    model.set_weights(start)
    set_masks(model, masks)


def find_ticket(model, images, recipe, share, rounds, *, seed=0, progress="none"):
    """Train, remove the smallest weights, rewind, and so on: iterative magnitude pruning (Frankle and Carbin, 2019).

    Args:
        share: share of weights removed in the end, in (0, 1); each round removes the same share of what is left.
        rounds: trainings before the last pruning, at least 1.

    Returns:
        (masks, start): the mask of the ticket and the weights that the model had when it came. The model is left
        rewound, ready to be trained as the ticket.

    Raises:
        ValueError: share or rounds out of range.
    """
    if not 0 < share < 1:
        raise ValueError(f"share={share!r} must be between 0 and 1")
    if not isinstance(rounds, int) or rounds < 1:
        raise ValueError(f"rounds={rounds!r} must be an integer of at least 1")
    start = [weight.copy() for weight in model.get_weights()]
    kept_each_round = (1 - share) ** (1 / rounds)
    for number in range(1, rounds + 1):
        training.train(model, images, recipe, seed=seed, progress=progress)
        masks = magnitude_masks(model, 1 - kept_each_round**number)
        rewind(model, start, masks)
    return masks, start

"""Intervals by Student's t, of 95% unless said, over the seeds of a run."""

import math

MINIMUM_SEEDS = 3
CONFIDENCE = 0.95


def interval_of_the_mean(values):
    """The mean and the interval in which the true mean lies: (mean, low, high); infinite for a single value."""
    mean, half = _mean_and_half_width(values, 1 / len(values), CONFIDENCE)
    return mean, mean - half, mean + half


def interval_of_a_new_value(values, confidence=CONFIDENCE):
    """(low, high) in which one more value lies; None for fewer than three values."""
    if len(values) < MINIMUM_SEEDS:
        return None
    mean, half = _mean_and_half_width(values, 1 + 1 / len(values), confidence)
    return mean - half, mean + half


def _mean_and_half_width(values, variances, confidence):
    """`variances`: how many times the variance of a single value the estimate has."""
    from scipy import stats

    n = len(values)
    mean = sum(values) / n
    if n < 2:
        return mean, math.inf
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (n - 1))
    return mean, stats.t.ppf((1 + confidence) / 2, n - 1) * deviation * math.sqrt(variances)

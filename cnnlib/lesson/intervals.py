"""Asserting cells: a fixed line where a measured value lies in its declared interval, an error where it does not."""


def expect_between(name, value, low, high):
    """Print that `name` lies in [low, high], without the value, or fail.

    The printed line is the same in every good run, so that an output check can compare it.

    Raises:
        AssertionError: the value lies outside, or is not a number.
    """
    if not low <= value <= high:
        raise AssertionError(f"{name} is {value:.6g}, outside its declared interval [{low:g}, {high:g}]")
    print(f"{name} lies in [{low:g}, {high:g}]")

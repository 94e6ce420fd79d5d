"""Target codes of +-1 for `RadialBasisFunctionOutput`."""

import numpy as np

from cnnlib._checks import as_count

# The ten digits drawn on 7 x 12 pixels, our own drawing (LeNet-5's bitmaps are of this size but not these).
# fmt: off
_DIGITS = """
.......  .......  .......  .......  .......  .......  .......  .......  .......  .......
.#####.  ...#...  .#####.  .#####.  .....#.  #######  ..####.  #######  .#####.  .#####.
##...##  ..##...  ##...##  ##...##  ....##.  ##.....  .##....  #....##  ##...##  ##...##
##...##  .###...  .....##  .....##  ...###.  ##.....  ##.....  ....##.  ##...##  ##...##
##..###  ...#...  .....##  .....##  ..#.##.  ######.  ##.....  ....##.  ##...##  ##...##
##.#.##  ...#...  ....##.  ..####.  .##.##.  ##...##  ######.  ...##..  .#####.  .######
###..##  ...#...  ...##..  .....##  ##..##.  .....##  ##...##  ...##..  ##...##  .....##
##...##  ...#...  ..##...  .....##  #######  .....##  ##...##  ..##...  ##...##  .....##
##...##  ...#...  .##....  .....##  ....##.  .....##  ##...##  ..##...  ##...##  ....##.
##...##  ...#...  ##.....  ##...##  ....##.  ##...##  ##...##  .##....  ##...##  ...##..
.#####.  .#####.  #######  .#####.  ....##.  .#####.  .#####.  .##....  .#####.  .###...
.......  .......  .......  .......  .......  .......  .......  .......  .......  .......
"""
# fmt: on


def digit_codes() -> np.ndarray:
    """Pictures of the ten digits as codes: float32 (10, 84) of -1 (paper) and +1 (ink), rows of 7 pixels."""
    rows = [line.split() for line in _DIGITS.strip().splitlines()]
    ink = np.array([[pixel == "#" for row in rows for pixel in row[digit]] for digit in range(10)])
    return np.where(ink, 1, -1).astype("float32")


def hadamard_codes(classes: int, length: int) -> np.ndarray:
    """Codes far apart: float32 (classes, length) of -1 and +1, the rows of a Hadamard matrix, cut to length.

    Raises:
        ValueError: length below 1, or more classes than there are different rows.
    """
    classes, length = as_count("classes", classes, least=1), as_count("length", length, least=1)
    matrix = np.ones((1, 1), "float32")
    while len(matrix) < max(length, classes):
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    # Row 0 has one sign throughout and would be no code; the first columns tell neighbouring rows apart.
    codes = matrix[1 : classes + 1, :length] if classes < len(matrix) else matrix[:classes, :length]
    if len(np.unique(codes, axis=0)) < classes:
        raise ValueError(f"length={length!r} is too short for {classes} different codes")
    return codes

"""How many images are measured at a time: as many as the device's memory surely holds."""

import numpy as np
import pytest

from cnnlib.data import Split
from cnnlib.training.compiled import Description
from cnnlib.training.runners import Evaluation

NOTHING = Description(None)


@pytest.mark.parametrize(("side", "batch_size"), [(28, 500), (64, 500), (96, 222), (224, 40), (1500, 1)])
def test_large_images_are_measured_in_small_batches(side, batch_size):
    split = Split(np.zeros((3, side, side, 1), np.uint8), np.zeros(3, np.int32))
    assert Evaluation(None, split, description=NOTHING).order.shape[1] == batch_size
    assert Evaluation(None, split, 7, description=NOTHING).order.shape[1] == 7

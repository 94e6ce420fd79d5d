"""Boxes of a model's graph: what they say, and what leads where."""

import keras
import pytest

from cnnlib import inspect, networks


def test_lenet_is_a_chain_that_tells_windows_shapes_and_weights():
    boxes = inspect.diagram(networks.outline("lenet5", activation="relu", pooling="max"))
    assert [box.label.replace("\n", "; ") for box in boxes] == [
        "input", "5x5 conv, 6; relu", "2x2 max pool, stride 2", "5x5 conv, 16; relu", "2x2 max pool, stride 2",
        "flatten", "dense, 120; relu", "dense, 84; relu", "dense, 10"]  # fmt: skip
    assert boxes[1].shape == (28, 28, 6)
    assert sum(box.weights for box in boxes) == 61_706
    assert [box.sources for box in boxes[1:]] == [(box.name,) for box in boxes[:-1]]


def test_an_activation_that_a_layer_has_of_its_own_is_told_with_it():
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(2, 3, activation="sigmoid")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(x)))
    assert [box.label for box in inspect.diagram(model)] == [
        "input",
        "3x3 conv, 2\nsigmoid",
        "flatten",
        "dense, 3",
    ]


def test_an_inception_module_has_four_paths_from_one_input_to_one_concatenation():
    boxes = inspect.diagram(networks.outline("googlenet"), "inception_3a")
    entry, join = boxes[0], boxes[-1]
    assert entry.shape == (28, 28, 192)
    assert (join.label, join.shape, len(join.sources)) == ("concatenate", (28, 28, 256), 4)
    assert sum(entry.name in box.sources for box in boxes) == 4


def test_a_residual_block_adds_its_input_and_tells_padding_and_normalisation_with_their_convolution():
    boxes = inspect.diagram(networks.outline("resnet18"), "stage3_block1")
    by_label = {box.label.split("\n")[0]: box for box in boxes}
    assert by_label["pad"].label == "pad\n3x3 conv, 128, stride 2\nbatch norm\nrelu"
    assert len(by_label["add"].sources) == 2
    identity = inspect.diagram(networks.outline("resnet18"), "stage2_block1")
    assert identity[0].name in identity[-1].sources


@pytest.mark.parametrize("name", [next(iter(family.VARIANTS)) for family in networks.FAMILIES])
def test_every_family_has_a_diagram(name):
    model = networks.outline(name)
    boxes = inspect.diagram(model)
    assert sum(box.weights for box in boxes) == model.count_params()


def test_a_part_that_is_not_there_is_told_with_what_there_is():
    with pytest.raises(
        ValueError, match=r"part='inception_9z' begins no layer's name; there are .*inception_3a"
    ):
        inspect.diagram(networks.outline("googlenet"), "inception_9z")

"""Boxes of a model's graph: what they say, and what leads where."""

import itertools

import keras
import pytest

from cnnlib import inspect, networks, plots


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


@pytest.mark.parametrize(
    ("name", "part"), [("lenet5", ""), ("googlenet", "inception_3a"), ("resnet50", "stage2_block2")]
)
def test_boxes_of_a_picture_do_not_overlap_and_arrows_avoid_them(name, part):
    figure = plots.architecture(inspect.diagram(networks.outline(name), part))
    boxes = [patch.get_bbox() for patch in figure.axes[0].patches if hasattr(patch, "get_boxstyle")]
    boxes = [box for box in boxes if box.width > 0.5]
    assert len(boxes) > 4
    for i, first in enumerate(boxes):
        assert not any(first.overlaps(second) for second in boxes[:i])
    for line in figure.axes[0].lines:
        x, y = line.get_data()
        for (x0, x1), (y0, y1) in zip(itertools.pairwise(x), itertools.pairwise(y), strict=True):
            if x0 == x1:  # down a column or a lane: no box may lie on the way
                low, high = sorted((y0, y1))
                assert not any(b.x0 < x0 < b.x1 and b.y0 < high - 0.01 and b.y1 > low + 0.01 for b in boxes)


@pytest.mark.parametrize(
    "label", ["2x2 average pool, stride 2", "3x3 conv, 1024, 32 groups, stride 2", "global max pooling2 d"]
)
def test_a_long_label_stays_inside_its_box(label):
    figure = plots.architecture([inspect.Box("a", label, (28, 28, 512), (), 0)])
    figure.canvas.draw()
    box, words = figure.axes[0].patches[0].get_window_extent(), figure.axes[0].texts[0].get_window_extent()
    assert words.x0 > box.x0 + 4
    assert words.x1 < box.x1 - 4
    assert words.y0 > box.y0
    assert words.y1 < box.y1


def test_a_picture_of_nothing_and_of_a_loose_end_is_refused():
    with pytest.raises(ValueError, match="boxes is empty"):
        plots.architecture([])
    with pytest.raises(ValueError, match="takes from 'a', which is not among the boxes"):
        plots.architecture([inspect.Box("b", "conv", (1,), ("a",), 0)])

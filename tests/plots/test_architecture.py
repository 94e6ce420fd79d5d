"""Networks as blocks: that every network of the catalogue can be read, and that the structure is the graph's."""

from types import SimpleNamespace

import keras
import pytest

from cnnlib import inspect, networks, plots
from cnnlib.plots import graph, shapes
from tests.plots.measures import faults, texts_of

MOST_LAYERS = 200
TWO_SCREENS = 14.5  # inches


def figure_of(name, part=""):
    return plots.architecture(inspect.diagram(networks.outline(name), part))


def words_of(figure):
    return [text.get_text() for text, _ in texts_of(figure)]


@pytest.mark.parametrize("name", networks.catalogue())
def test_every_network_of_the_catalogue_can_be_read(name):
    model = networks.outline(name)
    if len(model.layers) > MOST_LAYERS:
        pytest.skip(f"{len(model.layers)} layers")
    figure = plots.architecture(inspect.diagram(model))
    assert faults(figure) == []
    width, height = figure.get_size_inches()
    assert width == 8.0
    assert height <= TWO_SCREENS


@pytest.mark.parametrize(
    ("name", "part"),
    [("googlenet", "inception_3a"), ("resnet50", "stage2_block1"), ("densenet121", "block1"), ("capsnet", "class"),
     ("inception_v3", "inception_7b"), ("inception_v3", "inception_6a"), ("convnext_tiny", "stage1"),
     ("highway19", "stage1")],
)  # fmt: skip
def test_parts_of_networks_can_be_read(name, part):
    assert faults(figure_of(name, part)) == []


def test_the_measure_sees_overlap_cut_small_and_crossed_text():
    figure, axes = shapes.canvas(3, 1)
    shapes.write(axes, 1, 0.5, "one word")
    shapes.write(axes, 1.2, 0.5, "another")
    shapes.write(axes, 3, 0.2, "cut off")
    shapes.write(axes, 2.5, 0.8, "small", size=8)
    shapes.arrow(axes, (2, 0.2), (2.9, 0.2))
    found = "; ".join(faults(figure))
    for fault in (
        "'one word' and 'another' overlap",
        "'cut off' leaves",
        "'small' has 8.0",
        "crosses 'cut off'",
    ):
        assert fault in found


def test_repeated_layers_stand_once_with_their_count():
    words = words_of(figure_of("vgg16"))
    assert sorted(w for w in words if w.startswith("×")) == ["×2", "×2", "×2", "×3", "×3", "×3"]
    assert words.count("3×3 conv") == 5
    words = words_of(figure_of("mobilenet_v1"))
    assert words.count("×5") == 1


def test_the_paths_of_a_module_stand_in_the_order_in_which_they_are_joined():
    boxes = inspect.diagram(networks.outline("googlenet"), "inception_3a")
    element = graph.chain(boxes)[-1]
    rows = [[graph.words(box)[0] for box in row] for row in graph.lanes(element)]
    assert rows == [
        ["1×1 conv"],
        ["1×1 conv", "3×3 conv"],
        ["1×1 conv", "5×5 conv"],
        ["3×3 max pool", "1×1 conv"],
    ]
    assert (
        graph.columns(element)[rows and element.join.sources[0]] == 1
    )  # beside the larger kernels, as in the paper


def test_a_grouped_convolution_makes_towers_as_in_the_paper():
    boxes = inspect.diagram(networks.outline("alexnet"))
    towers = graph.towers(boxes)
    split = [graph.words(box)[0] for box in boxes if box.name in towers]
    assert [w for w in split if "conv" in w] == ["11×11 conv", "5×5 conv", "3×3 conv", "3×3 conv", "3×3 conv"]
    assert set(towers.values()) == {2}
    assert graph.towers(inspect.diagram(networks.outline("alexnet_ungrouped"))) == {}


def test_shortcuts_and_dense_layers_are_seen():
    elements = graph.chain(inspect.diagram(networks.outline("resnet18")))
    blocks = [element for element in elements if element.region]
    assert len(blocks) == 8
    assert sum(map(graph.has_identity, blocks)) == 5  # three have a projection
    groups = graph.fold(graph.chain(inspect.diagram(networks.outline("densenet121"))))
    assert [g.count for g in groups if graph.is_dense(g.members[0])] == [6, 12, 24, 16]
    assert "block1, a dense block of 6 layers" in "; ".join(words_of(figure_of("densenet121")))


def test_further_outputs_have_their_own_line():
    model = networks.outline("googlenet", auxiliary_heads=True)
    figure = plots.architecture(inspect.diagram(model))
    assert sum(word.startswith("further output") for word in words_of(figure)) == 2
    assert faults(figure) == []


def test_any_model_of_ordinary_layers_can_be_drawn():
    a, b = keras.Input((16, 12, 3)), keras.Input((16, 12, 5))
    x = keras.layers.Concatenate()([keras.layers.Conv2D(4, 1)(a), keras.layers.Conv2D(8, 1)(b)])
    y = keras.layers.SeparableConv2D(12, 3, padding="same")(x)
    x = keras.layers.Multiply()([x, y])
    x = keras.layers.UpSampling2D()(
        keras.layers.Conv2DTranspose(3, 3, strides=2, name="a_rather_long_name")(x)
    )
    assert faults(plots.architecture(inspect.diagram(keras.Model([a, b], x)))) == []
    sequence = keras.Sequential(
        [keras.Input((None, None, 1)), keras.layers.Conv2D(2, 3), keras.layers.GlobalMaxPooling2D()]
    )
    assert faults(plots.architecture(inspect.diagram(sequence))) == []


@pytest.mark.parametrize(
    ("boxes", "words"),
    [([], "boxes is empty"), ([SimpleNamespace(name="a", label="x", shape=(1,), sources=("b",))], "'b'")],
)
def test_wrong_boxes_end_in_one_sentence(boxes, words):
    with pytest.raises(ValueError, match=words):
        plots.architecture(boxes)

"""Pictures: what they show, that nothing overlaps for awkward input, that equal input gives equal bytes."""

import itertools
import logging

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from cnnlib import networks, plots
from cnnlib.plots import fonts
from cnnlib.plots.style import series_styles, shorten
from tests.plots.measures import faults

STYLES = networks.styles()
plots.use_family_styles(STYLES)

TWENTY = [
    "lenet5", "alexnet", "zfnet", "vgg11", "vgg16", "nin", "googlenet", "inception_v3", "bn_lenet", "highway19",
    "resnet20", "resnet56", "plain20", "plain56", "resnext29", "densenet121", "mobilenet_v1", "convnext_tiny",
    "capsnet", "something_with_a_name_that_is_much_too_long",
]  # fmt: skip
LONG_NAMES = [f"a rather long class name {i}" for i in range(10)]


def history(epochs, offset=0.0):
    epoch = np.arange(1, epochs + 1)
    return pd.DataFrame(
        {
            "epoch": epoch,
            "train_loss": 2.3 / epoch**0.5 + offset,
            "train_accuracy": 0.9 - 0.7 / epoch,
            "validation_loss": 2.4 / epoch**0.4 + offset,
            "validation_accuracy": 0.85 - 0.65 / epoch,
        }
    )


def rng():
    return np.random.default_rng(0)


def confusion(names):
    return plots.confusion_matrix(
        rng().integers(0, len(names), 500), rng().integers(0, len(names), 500), names
    )


CHARTS = {
    "one epoch": lambda: plots.learning_curves({"lenet5": history(1)}),
    "100 epochs": lambda: plots.learning_curves({"plain20": history(100), "plain56": history(100, 0.1)}),
    "20 networks": lambda: plots.learning_curves({n: history(3, i / 20) for i, n in enumerate(TWENTY)}),
    "lines": lambda: plots.lines(range(1, 5), {"a": [1, 2, 3, 4]}, x_label="layer", y_label="norm", chance=2),
    "lines of 20": lambda: plots.lines(
        10.0 ** np.arange(-4, 3), {n: np.arange(1, 8) * (i + 1) for i, n in enumerate(TWENTY)},
        x_label="rate", y_label="loss", x_log=True, y_log=True, title="many",
    ),
    "stem": lambda: plots.stem({"signal": np.arange(40.0), "kernel": [1, -1000], "shifted": (3, [1])}),
    "bars": lambda: plots.bars({n: i for i, n in enumerate(TWENTY)}, x_label="accuracy", intervals={"nin": (3, 9)}),
    "bars of both signs": lambda: plots.bars({"a": -0.001, "b": 0.002}, x_label="gain", title="effect"),
    "bars over decades": lambda: plots.bars({"a": 1, "b": 138_357_544}, x_label="params", x_log=True),
    "accuracy and cost": lambda: plots.accuracy_cost(
        {"network": TWENTY, "params": 10 ** rng().uniform(4, 8, 20), "accuracy": rng().random(20)},
        cost="params", cost_label="parameters",
    ),
    "one point": lambda: plots.accuracy_cost(
        pd.DataFrame({"network": ["nin"], "macs": [61_706], "accuracy": [0.9]}), cost="macs", cost_label="MACs"
    ),
    "costs close together": lambda: plots.accuracy_cost(
        {"network": ["a", "b", "c"], "s": [61.7, 70.0, 90.0], "accuracy": [0.8, 0.9, 0.7]}, cost="s", cost_label="s"
    ),
    "confusion": lambda: confusion(LONG_NAMES),
    "confusion of two": lambda: confusion(["cat", "dog"]),
    "confusion of 100": lambda: confusion([f"class number {i}" for i in range(100)]),
    "heatmap": lambda: plots.heatmap(
        rng().normal(size=(4, 60)), x_label="image", y_label="capsule", value_label="length", row_names=LONG_NAMES[:4]
    ),
    "distributions": lambda: plots.distributions(
        {f"stage{i}_block{i}_conv2_and_more": rng().normal(size=500) * 0.1**i for i in range(20)},
        x_label="gradient", log=True,
    ),
    "one distribution": lambda: plots.distributions({"relu": np.maximum(0, rng().normal(size=500))}, x_label="a"),
}  # fmt: skip
TILES = {
    "images": lambda: plots.image_grid(rng().random((10, 28, 28)), titles=LONG_NAMES),
    "one image": lambda: plots.image_grid(np.zeros((1, 28, 28, 3), np.uint8), titles=["ankle boot"]),
    "kernels": lambda: plots.filters(rng().normal(size=(5, 5, 6, 16))),
    "kernels in colour": lambda: plots.filters(rng().normal(size=(11, 11, 3, 64)), columns=16),
    "maps": lambda: plots.feature_maps(rng().normal(size=(7, 7, 100))),
    "mistakes": lambda: plots.worst_mistakes(
        rng().random((50, 8, 8, 1)), rng().integers(0, 10, 50), rng().dirichlet(np.ones(10), 50), LONG_NAMES
    ),
}


def boxes(texts, renderer):
    return [(t.get_text(), t.get_window_extent(renderer)) for t in texts if t.get_visible() and t.get_text()]


def axis_ticks(axis):
    low, high = sorted(axis.get_view_interval())
    ticks = axis.get_major_ticks() + axis.get_minor_ticks()
    return [
        tick.label1 for tick in ticks if low - 1e-9 * abs(low) <= tick.get_loc() <= high + 1e-9 * abs(high)
    ]


def visible_texts(figure):
    """All that a reader has to read: titles, axis labels, tick labels in view, legends."""
    texts = []
    for axes in figure.axes:
        texts += [axes.title, axes.xaxis.label, axes.yaxis.label]
        if axes.axison:
            texts += axis_ticks(axes.xaxis) + axis_ticks(axes.yaxis)
    return texts + [text for legend in figure.legends for text in legend.get_texts()]


def drawn(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return canvas


def find_overlaps(figure):
    renderer = drawn(figure).get_renderer()
    found = boxes(visible_texts(figure), renderer)
    return [
        (a, b)
        for (a, box_a), (b, box_b) in itertools.combinations(found, 2)
        if min(box_a.x1, box_b.x1) - max(box_a.x0, box_b.x0) > 0.5
        and min(box_a.y1, box_b.y1) - max(box_a.y0, box_b.y0) > 0.5
    ]


def find_outside(figure):
    canvas = drawn(figure)
    width, height = canvas.get_width_height()
    renderer = canvas.get_renderer()
    return [
        text
        for text, box in boxes(visible_texts(figure), renderer)
        if box.x0 < -0.5 or box.y0 < -0.5 or box.x1 > width + 0.5 or box.y1 > height + 0.5
    ]


@pytest.mark.parametrize("make", (CHARTS | TILES).values(), ids=(CHARTS | TILES).keys())
def test_texts_neither_overlap_nor_leave_the_picture(make):
    figure = make()
    assert find_overlaps(figure) == []
    assert find_outside(figure) == []
    assert faults(figure) == []  # nor is one smaller than 9 points


def test_the_overlap_check_sees_an_overlap():
    figure = plots.lines([0, 1], {"a": [0, 1]}, x_label="x", y_label="y")
    figure.axes[0].set_xticks([0.5, 0.501], ["one name", "another"])
    assert find_overlaps(figure) == [("one name", "another")]
    figure.axes[0].set_title("wide " * 60)
    assert find_outside(figure) == ["wide " * 60]


@pytest.mark.parametrize("make", CHARTS.values(), ids=CHARTS.keys())
def test_all_axes_are_labelled_and_the_figure_fits_a_notebook(make):
    figure = make()
    for axes in figure.axes:
        colorbar = axes.get_label() == "<colorbar>"
        last_row = axes.get_subplotspec() is None or axes.get_subplotspec().is_last_row()
        assert axes.get_ylabel()
        assert axes.get_xlabel() or colorbar or not last_row
    assert figure.get_size_inches()[0] <= 8.0
    assert figure.dpi == 100


@pytest.mark.parametrize("make", (CHARTS | TILES).values(), ids=(CHARTS | TILES).keys())
def test_equal_input_gives_equal_bytes_whatever_the_readers_settings(make):
    first = make().png()
    assert first[:8] == b"\x89PNG\r\n\x1a\n"
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "red", "savefig.bbox": "tight"}):
        figure = make()
        assert figure.png() == first
        assert figure.png() == first
        assert matplotlib.rcParams["font.size"] == 20


def test_no_figure_stays_open_and_the_text_form_is_short():
    from matplotlib import pyplot

    figure = plots.image_grid(np.zeros((4, 28, 28)))
    assert pyplot.get_fignums() == []
    assert repr(figure) == str(figure) == "Figure(800 x 210 pixels)"
    assert figure._repr_png_() == figure.png()


def test_a_network_has_its_family_s_colour_everywhere():
    assert (
        plots.network_color("resnet18")
        == plots.network_color("resnet")
        == plots.network_color("preact_resnet56")
    )
    assert plots.network_color("resnext50") == STYLES["resnext"][0]
    assert plots.network_color("googlenet") != plots.network_color("lenet5")
    assert plots.network_color("bn_lenet") == plots.network_color("batchnorm-lenet") == "#595959"
    assert plots.network_color("plain20") == STYLES["plain"][0]
    assert plots.network_color("explained") == plots.network_color("anything") == "#7F7F7F"
    colors = [color for color, _ in STYLES.values()]
    assert len(set(colors)) == len(colors) == 16
    figure = plots.learning_curves({"other": history(2), "vgg16": history(2)})
    assert [line.get_color() for line in figure.axes[0].lines][2:] == [plots.network_color("vgg16")] * 2
    assert len(set(series_styles(TWENTY))) == 20


def test_learning_curves_take_anything_with_a_table():
    class History:
        def table(self):
            return history(4)

    lines = plots.learning_curves({"nin": History()}).axes[0].lines
    np.testing.assert_array_equal(lines[0].get_ydata(), history(4)["train_loss"])
    np.testing.assert_array_equal(lines[1].get_ydata(), history(4)["validation_loss"])
    assert (lines[0].get_linestyle(), lines[1].get_linestyle()) == ("--", "-")


def test_images_may_leave_their_range_by_rounding_only():
    white = np.full((1, 4, 4, 1), np.nextafter(np.float32(1), np.float32(2)), np.float32)
    assert plots.image_grid(white).axes[0].images[0].get_array().max() <= 1
    with pytest.raises(ValueError, match=r"images range from 1.01 to 1.01"):
        plots.image_grid(np.full((1, 4, 4, 1), 1.01))


def test_one_loss_far_above_the_others_makes_the_axis_logarithmic():
    usual, wild = history(4), history(4)
    assert plots.learning_curves({"nin": usual}).axes[0].get_yscale() == "linear"
    wild["train_loss"] = [300.0, *usual["train_loss"][1:]]
    figure = plots.learning_curves({"nin": usual, "vgg11": wild})
    assert [axis.get_yscale() for axis in figure.axes] == ["log", "linear"]
    figure.png()


def test_a_confusion_matrix_counts_rows_by_true_class():
    figure = plots.confusion_matrix([0, 0, 0, 1], [0, 0, 1, 1], ["cat", "dog"], normalize=False)
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), [[2, 1], [0, 1]])
    figure = plots.confusion_matrix([0, 0, 0, 0], [0, 0, 0, 1], ["cat", "dog"])
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), [[75, 25], [0, 0]])


def test_worst_mistakes_are_the_surest_wrong_ones():
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]])
    figure = plots.worst_mistakes(
        np.zeros((4, 2, 2)), np.array([0, 1, 0, 1]), probabilities, ["cat", "dog"], count=2
    )
    assert [axes.get_title() for axes in figure.axes] == ["dog 80%\nis cat", "cat 70%\nis dog"]


def test_class_names_are_no_formulas():
    names = ["$5 and $6", r"$\frac$"]
    figure = plots.confusion_matrix([0, 1], [0, 1], names)
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == [r"\$5 and \$6", r"\$\frac\$"]
    assert figure.png()
    assert plots.worst_mistakes(np.zeros((1, 2, 2)), [0], [[0.2, 0.8]], names).png()


def test_the_front_holds_what_nothing_beats():
    from cnnlib.plots.bars import pareto_front

    costs, accuracies = np.array([1.0, 2, 2, 3, 4]), np.array([0.5, 0.7, 0.6, 0.7, 0.9])
    assert pareto_front(costs, accuracies) == [0, 1, 4]


def test_distributions_leave_zeros_out_and_tell_their_share():
    figure = plots.distributions({"relu": np.array([0, 0, 0, 2.0])}, x_label="activation")
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["relu   75% zero"]


POINTS = {"network": ["a"], "params": [1.0], "accuracy": [0.5]}
WRONG = {
    "no image": (lambda: plots.image_grid(np.zeros((0, 2, 2))), "images of shape"),
    "four channels": (lambda: plots.image_grid(np.zeros((1, 2, 2, 4))), "1 or 3 channels"),
    "not scaled": (lambda: plots.image_grid(np.full((1, 2, 2), 200.0)), "range from 200"),
    "text": (lambda: plots.image_grid("cat"), "array of numbers"),
    "ragged": (lambda: plots.image_grid([[1], [1, 2]]), "array of numbers"),
    "too many": (lambda: plots.image_grid(np.zeros((257, 2, 2))), "at most 256"),
    "titles": (lambda: plots.image_grid(np.zeros((2, 2, 2)), titles=["a"]), "titles has 1"),
    "columns": (lambda: plots.image_grid(np.zeros((2, 2, 2)), columns=0), "columns=0"),
    "kernels": (lambda: plots.filters(np.zeros((3, 3))), "4 dimensions"),
    "maps": (lambda: plots.feature_maps(np.full((2, 2, 1), np.nan)), "not finite"),
    "no history": (lambda: plots.learning_curves({}), "histories is empty"),
    "no mapping": (lambda: plots.learning_curves(3), "must be a mapping"),
    "no column": (lambda: plots.learning_curves({"a": {"train_loss": [1]}}), "no column 'train_accuracy'"),
    "no epoch": (lambda: plots.learning_curves({"a": history(0)}), "at least one epoch"),
    "length": (lambda: plots.lines([1, 2], {"a": [1]}, x_label="", y_label=""), r"expected \(2,\)"),
    "band": (lambda: plots.lines([1], {"a": [1]}, x_label="", y_label="", bands={"b": 1}), "no line"),
    "log": (lambda: plots.lines([1], {"a": [0]}, x_label="", y_label="", y_log=True), "y_log=True"),
    "signal": (lambda: plots.stem({"a": []}), "too small"),
    "bar": (lambda: plots.bars({"a": np.inf}, x_label=""), "not finite"),
    "interval": (lambda: plots.bars({"a": 1}, x_label="", intervals={"a": (2, 3)}), "does not hold"),
    "interval's name": (lambda: plots.bars({"a": 1}, x_label="", intervals={"b": (2, 3)}), "no bar"),
    "cost": (lambda: plots.accuracy_cost(POINTS, cost="macs", cost_label=""), "no column 'macs'"),
    "no cost": (
        lambda: plots.accuracy_cost({**POINTS, "params": [0]}, cost="params", cost_label=""),
        "0 or below",
    ),
    "unequal": (lambda: plots.confusion_matrix([0, 1], [0], ["a", "b"]), "predictions has 1"),
    "class": (lambda: plots.confusion_matrix([2], [0], ["a", "b"]), "labels must be integers from 0 to 1"),
    "names": (lambda: plots.worst_mistakes(np.zeros((1, 2, 2)), [0], [[1, 0]], ["a"]), "class_names has 1"),
    "matrix": (lambda: plots.heatmap([1, 2], x_label="", y_label="", value_label=""), "2 dimensions"),
    "only zeros": (lambda: plots.distributions({"a": [0, 0]}, x_label=""), "nothing but zeros"),
}


@pytest.mark.parametrize(("call", "words"), WRONG.values(), ids=WRONG.keys())
def test_wrong_input_ends_in_one_sentence(call, words):
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_labels_of_learning_curves_lie_within_the_picture():
    # A case whose first layout makes room for "0.5" and whose drawing then shows "0.55".
    history = {
        "train_loss": [0.5363, 0.3112, 0.2334, 0.1715],
        "validation_loss": [0.3685, 0.2722, 0.2323, 0.2017],
    }
    history |= {
        "train_accuracy": [0.81, 0.887, 0.914, 0.937],
        "validation_accuracy": [0.868, 0.904, 0.919, 0.927],
    }
    figure = plots.learning_curves({"resnet18": history})
    figure.png()
    assert min(axis.yaxis.label.get_window_extent().x0 for axis in figure.axes) >= 0


CHINESE = ["猫和狗", "小狗", "鱼"]


def chinese_texts():
    """A figure with Chinese at its ticks, above its tiles, and beside its bars."""
    return [
        confusion(CHINESE),
        plots.image_grid(np.zeros((3, 4, 4)), titles=CHINESE),
        plots.bars(dict.fromkeys(CHINESE, 1.0), x_label="精度"),
    ]


@pytest.fixture
def fonts_of_the_system(monkeypatch):
    """Function that sets which families are installed, whatever this machine has."""

    def set_fonts(*names, new=()):
        families = {fonts.BASE, *names}
        monkeypatch.setattr(fonts, "_warned", False)
        monkeypatch.setattr(fonts, "_installed", lambda: families)
        monkeypatch.setattr(fonts, "_characters", lambda family: LATIN if family == fonts.BASE else HAN)
        monkeypatch.setattr(fonts, "_learn_new_fonts", lambda: families.update(new))

    return set_fonts


LATIN, HAN = frozenset(range(0x250)), frozenset(range(0x4E00, 0xA000))


def families_of(figure, text):
    """The fonts of the text of a figure."""
    (found,) = {tuple(t.get_fontfamily()) for t in figure.findobj(Text) if t.get_text() == text}
    return list(found)


def test_an_installed_chinese_font_is_taken_for_what_the_own_font_lacks(fonts_of_the_system, recwarn):
    fonts_of_the_system("SimHei", "Liberation Sans")
    for figure, text in zip(chinese_texts(), ("小狗", "小狗", "精度"), strict=True):
        figure.png()
        assert families_of(figure, text) == [fonts.BASE, "SimHei"]
    assert not [str(w.message) for w in recwarn if "No installed font" in str(w.message)]


def test_the_font_that_the_reader_set_comes_first(fonts_of_the_system):
    fonts_of_the_system("SimHei", "My Kai")
    with matplotlib.rc_context({"font.family": "sans-serif", "font.sans-serif": ["My Kai", "Arial"]}):
        figure = confusion(CHINESE)
        figure.png()
        assert matplotlib.rcParams["font.sans-serif"] == ["My Kai", "Arial"]
    assert families_of(figure, "小狗") == [fonts.BASE, "My Kai", "SimHei"]


def test_a_font_that_was_installed_after_matplotlib_made_its_list_is_found(fonts_of_the_system, recwarn):
    fonts_of_the_system(new=["WenQuanYi Zen Hei"])
    figure = confusion(CHINESE)
    figure.png()
    assert families_of(figure, "小狗") == [fonts.BASE, "WenQuanYi Zen Hei"]
    assert not len(recwarn)


def test_without_a_font_one_sentence_names_the_package(fonts_of_the_system, recwarn):
    fonts_of_the_system()
    for figure in chinese_texts():
        figure.png()
    (warning,) = [str(w.message) for w in recwarn]
    assert warning.startswith("No installed font has '猫和狗小鱼', which figures show as boxes;")
    assert "apt-get install fonts-noto-cjk" in warning
    assert warning.endswith(".")


def test_letters_of_the_own_font_need_no_other(recwarn):
    plots.bars({"Grüße, naïve – 1×2 → α": 1.0}, x_label="a").png()
    assert not len(recwarn)


def test_chinese_names_are_drawn_and_not_as_boxes():
    """With a real font of this machine, where there is one: characters differ from one another, as boxes do not."""
    fonts._learn_new_fonts()
    if not any("Hei" in name or "CJK" in name for name in fonts.families()):
        pytest.skip("no Chinese font is installed here")
    first, second = (plots.image_grid(np.zeros((1, 9, 9)), titles=[name]).png() for name in ("猫", "狗"))
    assert first != second


def test_chinese_names_are_cut_and_sized_by_the_room_that_they_take():
    assert fonts.width_of("猫a") == 3
    assert shorten("猫狗猫狗", 8) == "猫狗猫狗"
    assert shorten("猫狗猫狗", 7) == "猫狗猫…"
    assert shorten("abcdefgh", 7) == "abcdef…"


def test_where_no_answer_is_wrong_the_figure_says_so():
    figure = plots.worst_mistakes(np.zeros((1, 2, 2)), [0], [[1, 0]], ["a", "b"])
    assert [t.get_text() for t in figure.texts] == ["no mistake among 1 images"]
    assert figure.png()


def test_a_font_of_medium_weight_only_is_taken_without_a_word(caplog):
    with fonts.quiet():
        logging.getLogger("matplotlib.font_manager").warning(
            "findfont: Failed to find font weight %s for %s, now using %d.",
            "normal",
            "WenQuanYi Zen Hei",
            500,
        )
        logging.getLogger("matplotlib.font_manager").warning("something else")
    assert [record.getMessage() for record in caplog.records] == ["something else"]

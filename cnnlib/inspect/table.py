"""The layer table: what every layer makes, weighs, costs and sees."""

from collections.abc import Callable

from cnnlib.backends import keras_internals
from cnnlib.inspect._graph import graph
from cnnlib.inspect.cost import activation_bytes, multiply_adds
from cnnlib.inspect.field import fields_of_calls

_HEADINGS: dict[str, tuple[str, Callable]] = {
    "layer": ("layer", str),
    "type": ("type", str),
    "output_shape": ("output shape", lambda shape: " + ".join("×".join(map(str, part)) for part in shape)),
    "params": ("params", "{:,}".format),
    "macs": ("MACs", "{:,}".format),
    "receptive_field": ("receptive field", str),
    "activation_bytes": ("activation bytes", "{:,}".format),
}


class LayerTable:
    """One row a layer, in the order of computation, and the totals.

    Attributes:
        frame: pandas DataFrame with the columns layer, type, output_shape, params, macs, receptive_field,
            activation_bytes. Shapes leave out the batch; receptive fields are text in pixels ("all" is the whole
            image); bytes are those of the layer's outputs for one image in float32.
        total_params: weights that training can change, frozen or not; BatchNorm's moving statistics are not.
        non_trainable_params: moving statistics and fixed weights; a random generator's state is neither.
        total_macs: multiply-adds of convolutions and dense layers for one image.
        total_activation_bytes: sum of the column.
    """

    def __init__(
        self, frame, *, name, total_params, non_trainable_params, total_macs, total_activation_bytes
    ):
        self.frame = frame
        self.name = name
        self.total_params = total_params
        self.non_trainable_params = non_trainable_params
        self.total_macs = total_macs
        self.total_activation_bytes = total_activation_bytes

    def weighted(self):
        """The same table, with only the rows that have weights or cost multiply-adds; totals unchanged."""
        rows = self.frame[(self.frame.params > 0) | (self.frame.macs > 0)].reset_index(drop=True)
        totals = {key: value for key, value in vars(self).items() if key != "frame"}
        return LayerTable(rows, **totals)

    def __len__(self):
        return len(self.frame)

    def __str__(self):
        headings = [heading for heading, _ in _HEADINGS.values()]
        body = [
            [show(value) for value, (_, show) in zip(row, _HEADINGS.values(), strict=True)]
            for row in self.frame.itertuples(index=False)
        ]
        total = ["total", "", "", *map("{:,}".format, (self.total_params, self.total_macs))]
        total += ["", f"{self.total_activation_bytes:,}"]
        return "\n".join([self.name, *_aligned(headings, body, total)])

    __repr__ = __str__


def layer_table(model):
    """What every layer of a functional model makes, weighs, costs and sees, as a `LayerTable`.

    Works on models of `networks.outline`, too, whose weights have shapes but no values. Layers of nested
    models have rows of their own, "outer/inner". A layer used twice has two rows; its weights count once.

    Raises:
        ValueError: the model is not functional, or a side of its input is free.
    """
    import pandas

    model_graph = graph(model)
    if any(None in shape[1:] for shape in model_graph.input_shapes):
        raise ValueError(
            f"model={model.name!r} takes {model_graph.input_shapes[0]}; a table needs every side "
            "fixed: build it with a definite input_shape"
        )
    seen, rows = set(), []
    for call, field in zip(model_graph.calls, fields_of_calls(model_graph), strict=True):
        layer = call.operation
        trainable = [] if id(layer) in seen else keras_internals.weights(layer)[0]
        seen.add(id(layer))
        rows.append(
            {
                "layer": call.name,
                "type": type(layer).__name__,
                "output_shape": tuple(shape[1:] for shape in call.output_shapes),
                "params": sum(map(_size, trainable)),
                "macs": multiply_adds(layer, call.input_shapes[0], call.output_shapes[0]),
                "receptive_field": str(field),
                "activation_bytes": activation_bytes(call.output_shapes),
            }
        )
    frame = pandas.DataFrame(rows, columns=list(_HEADINGS))
    trainable, fixed = keras_internals.weights(model)
    return LayerTable(
        frame,
        name=model.name,
        total_params=sum(map(_size, trainable)),
        non_trainable_params=sum(map(_size, fixed)),
        total_macs=int(frame.macs.sum()),
        total_activation_bytes=int(frame.activation_bytes.sum()),
    )


def _size(variable):
    size = 1
    for side in variable.shape:
        size *= side
    return size


def _aligned(headings, body, total):
    """Lines of a text table: text to the left, figures to the right, rules around the rows."""
    widths = [max(len(row[i]) for row in [headings, *body, total]) for i in range(len(headings))]

    def line(row):
        cells = [
            c.ljust(w) if i < 3 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    return [line(headings), rule, *map(line, body), rule, line(total)]

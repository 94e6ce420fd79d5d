"""What the library reads of Keras beyond its public interface, in one place; `tests/backends` holds each use.

The graph of a functional model, the layers within a layer, and the flag of a weight that is frozen for now have no
public name in Keras 3.
"""

from collections.abc import Callable, Iterator

import keras


def flattened(operation: keras.Operation) -> list[keras.Operation]:
    """A network or layer and all layers and operations within, each once, in order."""
    found: dict[int, keras.Operation] = {}

    def visit(part: keras.Operation) -> None:
        if id(part) in found:
            return
        found[id(part)] = part
        inner = (
            part._flatten_layers(recursive=False, include_self=False)
            if hasattr(part, "_flatten_layers")
            else ()
        )
        for other in (*inner, *getattr(part, "operations", ())):
            visit(other)

    visit(operation)
    return list(found.values())


def weights(layer: keras.layers.Layer) -> tuple[list[keras.Variable], list[keras.Variable]]:
    """(weights that training may change, even if frozen now; fixed weights and statistics), each once."""
    trainable: dict[int, keras.Variable] = {}
    fixed: dict[int, keras.Variable] = {}
    for part in flattened(layer):
        trainable.update((id(v), v) for v in getattr(part, "_trainable_variables", ()))
        fixed.update((id(v), v) for v in getattr(part, "_non_trainable_variables", ()))
    return list(trainable.values()), list(fixed.values())


def functional(model: keras.Model) -> keras.Model:
    """The functional model behind a network; ValueError for a subclassed one, or a Sequential without an input."""
    if isinstance(model, keras.Sequential) and model.built:
        return model._functional
    if not hasattr(model, "_nodes_by_depth"):
        name = getattr(model, "name", model)
        raise ValueError(
            f"model={name!r} has no graph; expected a functional keras.Model, or a Sequential with an Input"
        )
    return model


def has_graph(operation: keras.Operation) -> bool:
    """Whether an operation is itself a model of layers."""
    sequential = isinstance(operation, keras.Sequential) and operation.built
    return sequential or hasattr(operation, "_nodes_by_depth")


def nodes(model: keras.Model) -> Iterator:
    """The calls of a functional model in the order of computation: `operation`, `input_tensors`, `outputs`, ..."""
    by_depth = model._nodes_by_depth
    for depth in sorted(by_depth, reverse=True):
        yield from by_depth[depth]


def run_with(model: keras.Model, tensor, replacement: Callable):
    """The outputs of a functional model for `tensor`, each operation replaced by `replacement(operation)`."""
    return functional(model)._run_through_graph(tensor, operation_fn=replacement)


def producer(tensor: keras.KerasTensor) -> keras.Operation:
    """The operation that made a symbolic tensor."""
    return tensor._keras_history.operation


def last_activation(tensor: keras.KerasTensor) -> str | None:
    """Name of the function that a symbolic tensor comes out of: that of a layer's activation, or of an operation."""
    operation = producer(tensor)
    while has_graph(operation):
        operation = producer(functional(operation).outputs[0])
    while isinstance(operation, keras.layers.Reshape | keras.layers.Flatten | keras.layers.Identity):
        operation = producer(operation.input)
    activation = getattr(operation, "activation", None)
    return activation.__name__ if hasattr(activation, "__name__") else type(operation).__name__.lower()

"""Walk the graph of a functional model: its calls in order, nested models opened up."""

import itertools
from dataclasses import dataclass

import keras

from cnnlib.backends import keras_internals


@dataclass(frozen=True)
class Call:
    """One use of a layer or operation. `sources` and `results` number the tensors that it joins."""

    operation: keras.Operation
    name: str  # "outer/inner" inside a nested model
    sources: tuple[int, ...]
    results: tuple[int, ...]
    input_shapes: tuple[tuple, ...]
    output_shapes: tuple[tuple, ...]
    arguments: tuple = ((), {})  # what the operation was called with: positional, by name


@dataclass(frozen=True)
class Graph:
    """The calls of a model in the order of computation; `inputs` and `outputs` are tensor numbers."""

    calls: tuple[Call, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    input_shapes: tuple[tuple, ...]


def graph(model):
    """The graph of a functional or sequential `keras.Model`, input layers left out.

    Raises:
        ValueError: a subclassed model, which has no graph, or a Sequential without an input shape.
    """
    functional = keras_internals.functional(model)
    counter = itertools.count()
    numbers = {id(tensor): next(counter) for tensor in functional.inputs}
    calls = tuple(_walk(functional, numbers, counter, ""))
    shapes = tuple(tuple(t.shape) for t in functional.inputs)
    return Graph(
        calls, *(tuple(numbers[id(t)] for t in ts) for ts in (functional.inputs, functional.outputs)), shapes
    )


def _walk(functional, numbers, counter, prefix):
    for node in keras_internals.nodes(functional):
        operation, name = node.operation, prefix + node.operation.name
        if node.is_input:
            continue
        sources = tuple(numbers[id(t)] for t in node.input_tensors)
        if keras_internals.has_graph(operation):
            inner = keras_internals.functional(operation)
            inner_numbers = {id(t): source for t, source in zip(inner.inputs, sources, strict=True)}
            yield from _walk(inner, inner_numbers, counter, f"{name}/")
            results = tuple(inner_numbers[id(t)] for t in inner.outputs)
        else:
            results = tuple(next(counter) for _ in node.outputs)
            shapes = (tuple(tuple(t.shape) for t in ts) for ts in (node.input_tensors, node.outputs))
            yield Call(
                operation, name, sources, results, *shapes, (node.arguments.args, node.arguments.kwargs)
            )
        numbers.update(zip(map(id, node.outputs), results, strict=True))

"""PyTorch: an eager loop over data that stay on the device, read back once."""

import contextlib
import os

import torch
from keras.src.backend.torch.core import get_device

VIRTUAL_CPUS = "set KERAS_BACKEND to jax or tensorflow"


def put(array):
    return torch.tensor(array, device=get_device())


def compile_training(forward, update, state, arrays):
    def program(state, arrays, first, start, stop):
        total = torch.zeros((), device=arrays.images.device)
        correct = torch.zeros((), device=arrays.images.device)
        trainable, frozen, moments, noise = state.groups()
        for step in range(start, stop):
            index = arrays.order[step].long()
            values = [variable.value.detach().requires_grad_() for variable in trainable]
            others = [[variable.value.detach() for variable in group] for group in (frozen, noise)]
            batch = arrays.images[index], arrays.labels[index].long()
            value, (right, *others) = forward(values, *others, *batch, arrays.settings)
            gradients = torch.autograd.grad(value, values, allow_unused=True)
            with torch.no_grad():
                held = [variable.value for variable in moments]
                rate, done = arrays.rates[first + step], first + step + 1
                values, held = update(values, gradients, held, done, rate, arrays.settings)
                for group, new in zip(
                    (trainable, moments, frozen, noise), (values, held, *others), strict=True
                ):
                    for variable, value_ in zip(group, new, strict=True):
                        variable.assign(value_)
                total += value.detach()
                correct += right
        return float(total), float(correct)

    return program


def compile_sums(sums, variables, arrays):
    @torch.no_grad()
    def program(variables, images, labels, order, weights):
        values = [variable.value for variable in variables]
        totals = torch.zeros(3, device=images.device)
        for index, weight in zip(order.long(), weights, strict=True):
            totals += torch.stack(sums(values, images[index], labels[index].long(), weight))
        return tuple(float(total) for total in totals)

    return program


def parallel_training(forward, update, state, devices, optimizer):
    raise AssertionError("one device only")  # `device_names` names no second one


def device_names():
    """One: this course trains on one device with PyTorch."""
    return ["this course uses one"]


def device_scope(devices):
    return contextlib.nullcontext()


def built_for(model):
    return None


def free_bytes():
    return torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else None


def make_deterministic(threads):
    """Threads by a call, deterministic kernels by a switch and a cuBLAS setting."""
    switches = {"use_deterministic_algorithms": True}
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    if threads is not None:
        torch.set_num_threads(threads)
        switches["threads"] = threads
    return switches


def input_gradient(function, array):
    array = torch.tensor(array, device=get_device(), requires_grad=True)
    (gradient,) = torch.autograd.grad(function(array), array)
    return gradient.cpu().numpy()


def accelerator():
    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None


def uses_gpus():
    return torch.version.cuda is not None


def gains_from_bfloat16():
    """Not on CPUs, whose bfloat16 kernels were measured slower or equal."""
    return torch.cuda.is_available()

"""The gradient of a scalar, on the backend that runs, against derivatives known by hand."""

import numpy as np
from keras import ops

from cnnlib import inspect


def test_gradient_of_a_polynomial_is_its_derivative():
    x = np.array([[1.0, -2.0], [0.5, 3.0]], "float32")
    gradient = inspect.input_gradient(lambda value: ops.sum(value**3 - 4 * value), x)
    assert isinstance(gradient, np.ndarray)
    np.testing.assert_allclose(gradient, 3 * x**2 - 4, rtol=1e-6)


def test_gradient_with_respect_to_a_kernel_correlates_input_and_error():
    random = np.random.default_rng(0)
    x, error = random.normal(size=(1, 5, 5, 1)).astype("float32"), random.normal(size=(1, 3, 3, 1))
    kernel = np.ones((3, 3, 1, 1), "float32")
    error32 = ops.convert_to_tensor(error.astype("float32"))
    gradient = inspect.input_gradient(
        lambda value: ops.sum(ops.multiply(ops.conv(x, value, padding="valid"), error32)), kernel
    )
    expected = [[np.sum(x[0, a : a + 3, b : b + 3] * error[0]) for b in range(3)] for a in range(3)]
    np.testing.assert_allclose(gradient[:, :, 0, 0], expected, rtol=1e-4, atol=1e-5)

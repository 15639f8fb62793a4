"""How far two bfloat16 iterations of Newton and Schulz come apart that sum in different orders.

A number of bfloat16 has 8 significant bits: rounding to it changes v by at most 2⁻⁸·|v|, and by
errors spread evenly over that by v·2⁻⁸/√3 in the root mean square. A product's sum of t terms in
float32 adds at most t·2⁻²⁴. Two sides whose sums go in different orders, or that round in between,
have at worst independent errors: √2 times as much. Hence each operation with the result V sets the
two apart by

    ε·‖V‖,    ε = √⅔·(2⁻⁸ + t·2⁻²⁴)    (Frobenius norm).

The steps that follow carry that on. They apply an odd polynomial f to the singular values σ of x; a
small change of x in the basis of its singular vectors is multiplied, element by element, by

    (f(σᵢ) − f(σⱼ))/(σᵢ − σⱼ),    (f(σᵢ) + f(σⱼ))/(σᵢ + σⱼ),    f(σᵢ)/σᵢ

in its symmetric part, its antisymmetric part, and what is outside of the n × n (Daleckii and Krein
1965). Independent errors have no direction: they grow by the root mean square of these. And the
squares of independent distances add up.
"""

import numpy as np

Coefficients = tuple[float, float, float]


def expected_distance(u: np.ndarray, coefficients: Coefficients, steps: int) -> float:
    """The root mean square of ‖mine − theirs‖ / ‖exact‖, for u (n, m) of full rank."""
    a, b, c = coefficients
    x = u.T if len(u) > u.shape[1] else u
    x = x / np.linalg.norm(x)
    # u, and the quotient; the norm of u is one number, whose error changes all σ alike.
    squares = 2 * _growth(x, coefficients, steps) ** 2 + _along(x, coefficients, steps) ** 2
    for left in reversed(range(steps)):
        square = x @ x.T
        polynomial = b * square + c * square @ square
        s2 = np.linalg.svd(x, compute_uv=False) ** 2
        into_x = np.sqrt(np.mean(s2))
        into_polynomial = np.sqrt(np.mean((b + c * np.add.outer(s2, s2)) ** 2))
        x = a * x + polynomial @ x
        sizes = [_size(x), _size(polynomial) * into_x, _size(square) * into_polynomial * into_x]
        squares += _growth(x, coefficients, left) ** 2 * np.sum(np.square(sizes))
    epsilon = np.sqrt(2 / 3) * (2.0**-8 + max(u.shape) * 2.0**-24)
    return float(epsilon * np.sqrt(squares) / _size(x))


def _size(x: np.ndarray) -> float:
    return float(np.linalg.norm(x))


def _iterated(s: np.ndarray, coefficients: Coefficients, steps: int) -> tuple[np.ndarray, ...]:
    """f(σ) and f′(σ) after so many steps."""
    a, b, c = coefficients
    slope = np.ones_like(s)
    for _ in range(steps):
        slope = slope * (a + 3 * b * s**2 + 5 * c * s**4)
        s = a * s + b * s**3 + c * s**5
    return s, slope


def _growth(x: np.ndarray, coefficients: Coefficients, steps: int) -> float:
    """By how much the steps multiply a change of x (n, m), n <= m, that has no direction."""
    n, m = x.shape
    s = np.linalg.svd(x, compute_uv=False)
    f, slope = _iterated(s, coefficients, steps)
    i, j = np.triu_indices(n, 1)
    symmetric = (f[i] - f[j]) / (s[i] - s[j])
    antisymmetric = (f[i] + f[j]) / (s[i] + s[j])
    outside = np.sqrt(m - n) * f / s
    factors = np.concatenate([slope, symmetric, antisymmetric, outside])
    return float(np.linalg.norm(factors)) / (n * m) ** 0.5


def _along(x: np.ndarray, coefficients: Coefficients, steps: int) -> float:
    """The same of a change that multiplies x by a number."""
    s = np.linalg.svd(x, compute_uv=False)
    _, slope = _iterated(s, coefficients, steps)
    return float(np.linalg.norm(slope * s) / np.linalg.norm(s))

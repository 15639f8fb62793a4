// What flows through a deep network: rows of N(0, 1) forwards, gradients of N(0, 1) back. A layer
// returns its output y and `back`, which makes of a gradient by y one by its input.
import { activations } from "./activations.mjs";
import { fixedStd, initializers } from "./initializers.mjs";
import { generator } from "./random.mjs";

const EPS = 1e-5;

// (rows, n) times (n, n); four products at a time, which is three times as fast as one.
function times(a, b, rows, n) {
  const c = new Float64Array(rows * n), even = n - (n % 4);
  for (let row = 0; row < rows * n; row += n) {
    for (let k = 0; k < even; k += 4) {
      const [a0, a1, a2, a3] = [a[row + k], a[row + k + 1], a[row + k + 2], a[row + k + 3]], at = k * n;
      for (let j = 0; j < n; j += 1) {
        const at0 = at + j;
        c[row + j] += a0 * b[at0] + a1 * b[at0 + n] + a2 * b[at0 + 2 * n] + a3 * b[at0 + 3 * n];
      }
    }
    for (let k = even; k < n; k += 1) {
      for (let j = 0; j < n; j += 1) c[row + j] += a[row + k] * b[k * n + j];
    }
  }
  return c;
}

const transposed = (w, n) => w.map((_, k) => w[(k % n) * n + Math.floor(k / n)]);

// y = xW
export const affine = (x, w, rows, n) => ({
  y: times(x, w, rows, n),
  back: (dy) => times(dy, transposed(w, n), rows, n),
});

function means(rows, n, value) {
  const sums = new Float64Array(n);
  for (let k = 0; k < rows * n; k += 1) sums[k % n] += value(k);
  return sums.map((sum) => sum / rows);
}

// x̂ = (x − μ)/√(σ² + ε);  ∂x = (∂y − mean(∂y) − x̂·mean(∂y·x̂))/√(σ² + ε)
export function batchNorm(x, rows, n) {
  const mean = means(rows, n, (k) => x[k]);
  const variance = means(rows, n, (k) => (x[k] - mean[k % n]) ** 2);
  const y = x.map((value, k) => (value - mean[k % n]) / Math.sqrt(variance[k % n] + EPS));
  const back = (dy) => {
    const shift = means(rows, n, (k) => dy[k]), scale = means(rows, n, (k) => dy[k] * y[k]);
    return dy.map((d, k) => (d - shift[k % n] - y[k] * scale[k % n]) / Math.sqrt(variance[k % n] + EPS));
  };
  return { y, back };
}

export function activation(x, { value, slope }) {
  const y = x.map((each) => value(each)), slopes = x.map((each, k) => slope(each, y[k]));
  return { y, slopes, back: (dy) => dy.map((d, k) => d * slopes[k]) };
}

// Each layer's activations and their slopes, and the gradients by them, from the input's side.
export function flow({ rows, units, depth, activation: name, init, std, batchNorm: normalized, seed }) {
  const random = generator(seed), draw = init === "std" ? fixedStd(std) : initializers[init];
  let x = random.normal(rows * units);
  const sent = random.normal(rows * units), layers = [];
  for (let layer = 0; layer < depth; layer += 1) {
    const parts = [affine(x, draw(units, random), rows, units)];
    if (normalized) parts.push(batchNorm(parts[0].y, rows, units));
    parts.push(activation(parts.at(-1).y, activations[name]));
    layers.push(parts);
    x = parts.at(-1).y;
  }
  const gradients = [sent];
  for (const parts of layers.slice(1).reverse()) {
    gradients.unshift(parts.reduceRight((dy, part) => part.back(dy), gradients[0]));
  }
  return { activations: layers.map((parts) => parts.at(-1).y), slopes: layers.map((parts) => parts.at(-1).slopes), gradients };
}

// Activation functions, element by element, with the slope at x where the value is y.
const ALPHA = 1.6732632423543772848170429916717, SCALE = 1.0507009873554804934193349852946;

const logistic = (x) => 1 / (1 + Math.exp(-x));
const density = (x) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
const distribution = (x) => (1 + erf(x / Math.SQRT2)) / 2;

// 2x/√π · e^(−x²) · (1 + 2x²/3 + (2x²)²/(3·5) + …), whose terms are all positive.
function erf(x) {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = 1, sum = 1;
  for (let n = 1; term > 1e-17 * sum; n += 1) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return ((2 * x) / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

export const activations = {
  sigmoid: { value: logistic, slope: (x, y) => y * (1 - y) },
  tanh: { value: Math.tanh, slope: (x, y) => 1 - y * y },
  relu: { value: (x) => Math.max(x, 0), slope: (x) => (x > 0 ? 1 : 0) },
  leaky_relu: { value: (x) => (x > 0 ? x : 0.01 * x), slope: (x) => (x > 0 ? 1 : 0.01) },
  gelu: { value: (x) => x * distribution(x), slope: (x) => distribution(x) + x * density(x) },
  silu: { value: (x) => x * logistic(x), slope: (x) => logistic(x) * (1 + x * (1 - logistic(x))) },
  selu: {
    value: (x) => SCALE * (x > 0 ? x : ALPHA * Math.expm1(x)),
    slope: (x) => SCALE * (x > 0 ? 1 : ALPHA * Math.exp(x)),
  },
};

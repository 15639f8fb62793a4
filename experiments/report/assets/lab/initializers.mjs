// Initial weights (n, n), row after row, from a generator, as scratch.init.
const filled = (n, value) => new Float64Array(n * n).fill(value);
const normal = (std) => (n, random) => random.normal(n * n, std(n));
const uniform = (bound) => (n, random) => random.uniform(n * n, -bound(n), bound(n));

function eye(n) {
  const w = filled(n, 0);
  for (let i = 0; i < n; i += 1) w[i * n + i] = 1;
  return w;
}

// N(0, 1) within two standard deviations: all are drawn anew until each was within them once.
function truncated(n, random) {
  const w = filled(n, NaN);
  while (w.some(Number.isNaN)) {
    random.normal(n * n).forEach((x, i) => { if (Number.isNaN(w[i]) && Math.abs(x) <= 2) w[i] = x; });
  }
  return w;
}

// Columns of length 1 at right angles, from normal ones by Gram and Schmidt, twice for rounding's
// sake: the Q of A = QR with a positive diagonal in R, which is one only.
function orthogonal(n, random) {
  const a = random.normal(n * n), w = filled(n, 0), columns = [];
  for (let k = 0; k < n; k += 1) {
    const column = Float64Array.from({ length: n }, (_, i) => a[i * n + k]);
    for (let again = 0; again < 2; again += 1) {
      for (const other of columns) {
        const along = dot(column, other);
        for (let i = 0; i < n; i += 1) column[i] -= along * other[i];
      }
    }
    const length = Math.sqrt(dot(column, column));
    for (let i = 0; i < n; i += 1) w[i * n + k] = column[i] /= length;
    columns.push(column);
  }
  return w;
}

function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i] * b[i];
  return sum;
}

const byInput = (gain) => (n) => Math.sqrt(gain / n);

export const initializers = {
  zeros: (n) => filled(n, 0),
  ones: (n) => filled(n, 1),
  eye,
  normal: normal(() => 1),
  uniform: (n, random) => random.uniform(n * n, 0, 1),
  trunc_normal: truncated,
  xavier: normal(byInput(1)),
  he: normal(byInput(2)),
  lecun_normal: normal(byInput(1)),
  lecun_uniform: uniform(byInput(3)),
  xavier_normal: normal((n) => Math.sqrt(2 / (n + n))),
  xavier_uniform: uniform((n) => Math.sqrt(6 / (n + n))),
  kaiming_normal: normal(byInput(2)),
  kaiming_uniform: uniform(byInput(6)),
  orthogonal,
};

export const fixedStd = (std) => normal(() => std);

// Adam in JavaScript, for `lockstep check --exec "node adam.mjs" --against Adam`.
import { readSync, writeSync } from "node:fs";

const settings = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0 };
const TYPES = { float64: Float64Array, float32: Float32Array };
let Numbers, params; // the type of the numbers; name, w, m, v and t of each parameter

// Reads exactly so many bytes; null at the end of the input.
function read(count) {
  const bytes = new Uint8Array(count);
  for (let at = 0, some; at < count; at += some) {
    try {
      some = readSync(0, bytes, at, count - at);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error; // nothing there yet
      some = 0;
      continue;
    }
    if (some === 0) return null;
  }
  return bytes;
}

function readLine() {
  const bytes = [];
  for (let byte = read(1); byte; byte = read(1)) {
    if (byte[0] === 10) return JSON.parse(Buffer.from(bytes));
    bytes.push(byte[0]);
  }
  return { do: "bye" };
}

const readNumbers = (size) => new Numbers(read(size * Numbers.BYTES_PER_ELEMENT).buffer);

function write(fields, ...arrays) {
  const data = arrays.map((a) => Buffer.from(a.buffer));
  const bytes = data.reduce((sum, part) => sum + part.length, 0);
  let rest = Buffer.concat([Buffer.from(JSON.stringify({ ...fields, bytes }) + "\n"), ...data]);
  while (rest.length) rest = rest.subarray(writeSync(1, rest));
}

function step({ w, m, v }, g, t) {
  const { lr, eps, weight_decay, betas: [beta1, beta2] } = settings;
  for (let i = 0; i < w.length; i++) {
    const gradient = g[i] + weight_decay * w[i];
    m[i] += (1 - beta1) * (gradient - m[i]);
    v[i] = beta2 * v[i] + (1 - beta2) * gradient * gradient;
    const vHat = v[i] / (1 - beta2 ** t);
    w[i] -= ((lr / (1 - beta1 ** t)) * m[i]) / (Math.sqrt(vHat) + eps);
  }
}

const answers = {
  hello({ settings: given }) {
    Object.assign(settings, given);
    write({ lockstep: 1, name: "adam.mjs", settings, can: ["scale_lr", "state"] });
  },
  start({ dtype, names, shapes, sizes }) {
    Numbers = TYPES[dtype];
    if (!Numbers) return write({ error: `it takes ${Object.keys(TYPES)}` });
    params = names.map((name, i) => {
      const [m, v] = [new Numbers(sizes[i]), new Numbers(sizes[i])];
      return { name, shape: shapes[i], w: readNumbers(sizes[i]), m, v, t: 0 };
    });
    write({}, ...params.map(({ w }) => w));
  },
  step({ given }) {
    params.forEach((p, i) => given[i] && step(p, readNumbers(p.w.length), ++p.t));
    write({}, ...params.map(({ w }) => w));
  },
  scale_lr({ factor }) {
    settings.lr *= factor;
    write({});
  },
  state() {
    const described = ({ name, shape }) => ["exp_avg", "exp_avg_sq"].map((b) => [`${name}/${b}`, shape]);
    write({ state: params.flatMap(described) }, ...params.flatMap(({ m, v }) => [m, v]));
  },
};
for (let asked = readLine(); asked.do !== "bye"; asked = readLine()) answers[asked.do](asked);

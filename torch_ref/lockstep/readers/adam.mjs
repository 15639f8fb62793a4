// An Adam of its own, in float64, on the gradients of a golden file:
//   node adam.mjs adam.safetensors candidate.safetensors [NAME=VALUE …]
// A hyperparameter that is given, such as eps=1e-7, replaces the golden one: a bug to be found.
import { writeFileSync } from "node:fs";
import { read } from "./reader.mjs";

const [golden, candidate, ...overrides] = process.argv.slice(2);
const changes = overrides.map((o) => o.split("=")).map(([name, v]) => [name, JSON.parse(v)]);
const { manifest, tensors } = read(golden);

// Takes all steps for one parameter; what it returns holds the values after each of them.
function adam(start, grads, steps, settings) {
  const { lr, eps, weight_decay, amsgrad, maximize, decoupled_weight_decay } = settings;
  const [beta1, beta2] = settings.betas;
  const size = start.length;
  const [w, m, v, vMax] = [Float64Array.from(start), ...[0, 0, 0].map(() => new Float64Array(size))];
  const kept = { param: w, exp_avg: m, exp_avg_sq: v, ...(amsgrad && { max_exp_avg_sq: vMax }) };
  const out = Object.keys(kept).map((name) => [name, new Float64Array(steps * size)]);
  for (let t = 1; t <= steps; t++) {
    for (let i = 0; i < size; i++) {
      let g = (maximize ? -1 : 1) * grads[(t - 1) * size + i];
      if (decoupled_weight_decay) w[i] *= 1 - lr * weight_decay;
      else g += weight_decay * w[i];
      m[i] += (1 - beta1) * (g - m[i]);
      v[i] = beta2 * v[i] + (1 - beta2) * g * g;
      vMax[i] = Math.max(vMax[i], v[i]);
      const vHat = (amsgrad ? vMax[i] : v[i]) / (1 - beta2 ** t);
      w[i] -= ((lr / (1 - beta1 ** t)) * m[i]) / (Math.sqrt(vHat) + eps);
    }
    for (const [name, values] of out) values.set(kept[name], (t - 1) * size);
  }
  return out;
}

// tensors: { NAME: { shape, data: Float64Array } }
function write(path, tensors) {
  let end = 0;
  const header = {};
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype: "F64", shape, data_offsets: [end, (end += data.byteLength)] };
  }
  let json = JSON.stringify(header);
  json += " ".repeat((8 - (json.length % 8)) % 8); // so that the data are aligned
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const data = Object.values(tensors).map((t) => new Uint8Array(t.data.buffer));
  writeFileSync(path, Buffer.concat([length, Buffer.from(json), ...data]));
}

const mine = {};
manifest.cases.forEach(({ hyperparameters }, number) => {
  const settings = { ...hyperparameters, ...Object.fromEntries(changes) };
  for (const name of Object.keys(manifest.parameters)) {
    const [start, grad] = ["start", "grad"].map((what) => tensors[`float64/${what}/${name}`]);
    for (const [quantity, data] of adam(start.data, grad.data, manifest.steps, settings)) {
      mine[`float64/${number}/${quantity}/${name}`] = { shape: grad.shape, data };
    }
  }
});
write(candidate, mine);

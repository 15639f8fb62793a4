// Reads a golden file: read("adam.safetensors") → { manifest, tensors: { NAME: { shape, data } } }.
import { readFileSync } from "node:fs";

const TYPES = { F64: Float64Array, F32: Float32Array };

export function read(path) {
  const file = readFileSync(path);
  const start = 8 + Number(file.readBigUInt64LE(0));
  const { __metadata__, ...header } = JSON.parse(file.toString("utf8", 8, start));
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: [begin, end] }] of Object.entries(header)) {
    const bytes = Uint8Array.from(file.subarray(start + begin, start + end)); // a copy is aligned
    tensors[name] = { shape, data: new TYPES[dtype](bytes.buffer) };
  }
  return { manifest: JSON.parse(__metadata__.manifest), tensors };
}

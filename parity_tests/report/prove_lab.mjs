// What the activation lab's modules make of what standard input asks for:
// node prove_lab.mjs FOLDER < asked.json > made.json
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folder = pathToFileURL(process.argv[2] + "/");
const module = (name) => import(new URL(`lab/${name}.mjs`, folder));
const [{ generator }, { initializers }, { activations }, { flow }, told] = await Promise.all(
  ["random", "initializers", "activations", "network", "statistics"].map(module));

const { weights, points, flows, layers } = JSON.parse(readFileSync(0, "utf8"));
const plain = (matrices) => matrices.map((matrix) => Array.from(matrix));
process.stdout.write(JSON.stringify({
  weights: weights.map(({ init, n, seed }) => Array.from(initializers[init](n, generator(seed)))),
  points: Object.fromEntries(Object.entries(activations).map(([name, { value, slope }]) =>
    [name, [points.map(value), points.map((x) => slope(x, value(x)))]])),
  flows: flows.map((asked) => {
    const found = flow(asked);
    return { activations: plain(found.activations), slopes: plain(found.slopes), gradients: plain(found.gradients) };
  }),
  layers: layers.map(({ values, flags, units, range, bins }) => {
    const matrix = Float64Array.from(values);
    return {
      shares: told.shares(matrix, range, bins), std: told.deviation(matrix),
      ...told.small(flags, units), identical: told.identical(matrix, units),
    };
  }),
}));

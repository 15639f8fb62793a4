// Takes the steps that standard input asks for, with the page's own modules, and writes what comes
// of them: node prove.mjs FOLDER < asked.json > taken.json
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folder = pathToFileURL(process.argv[2] + "/");
const module = (kind, name) => import(new URL(`${kind}/${name}.mjs`, folder));

// One number's way: the weight and its buffers after each step.
function way({ buffers, rule }, w, grads, settings) {
  const state = { step: 0, ...buffers(settings, w) };
  return grads.map((g) => {
    state.step += 1;
    w = rule(w, g, state, settings);
    return { param: w, ...state };
  });
}

// The rate at every step, and the momentum where the schedule moves it.
function moved({ rate, momentum }, { base, steps, settings }) {
  let lr = base;
  return Array.from({ length: steps }, (_, t) => [(lr = rate(lr, t, base, settings)), momentum?.(t, settings) ?? null]);
}

const { optimizers, schedules } = JSON.parse(readFileSync(0, "utf8"));
const taken = { optimizers: {}, schedules: {} };
for (const [name, { start, grads, cases }] of Object.entries(optimizers)) {
  const optimizer = await module("optim", name);
  taken.optimizers[name] = cases.map((settings) =>
    start.map((w, i) => way(optimizer, w, grads[i], settings)));
}
for (const [name, asked] of Object.entries(schedules)) {
  const schedule = await module("schedule", name);
  taken.schedules[name] = asked.map((each) => moved(schedule, each));
}
process.stdout.write(JSON.stringify(taken));

"use strict";
// The way of an optimizer down a function of x and y, step by step, by the modules that are proven.

// Pairs of N(0, 1), the same for every optimizer and every time: mulberry32, Box and Muller.
function normals(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => {
    const r = Math.sqrt(-2 * Math.log(1 - uniform())), angle = 2 * Math.PI * uniform();
    return [r * Math.cos(angle), r * Math.sin(angle)];
  };
}

// x, y and f after every step, the start among them; it ends where it is `far` away or no number.
function walk({ dual, start, steps, far, noise, seed, module, settings, schedule }) {
  const { buffers, rule } = modules[module], draw = normals(seed);
  const own = { ...settings }, base = settings.lr;
  const next = (t) => {
    if (!schedule) return;
    const { rate, momentum } = modules[schedule.module];
    own.lr = rate(own.lr, t, base, schedule.settings);
    const moved = momentum?.(t, schedule.settings) ?? null;
    if (moved === null) return;
    if ("betas" in own) own.betas = [moved, own.betas[1]];
    else if ("momentum" in own) own.momentum = moved;
  };
  next(0);
  let w = [...start];
  const states = w.map((value) => ({ step: 0, ...buffers(own, value) }));
  const path = { x: [w[0]], y: [w[1]], f: [], lr: [own.lr] };
  for (let t = 1; ; t += 1) {
    const [f, ...gradient] = dual(...w);
    path.f.push(f);
    if (t > steps) return path;
    const drawn = noise ? draw().map((value) => noise * value) : [0, 0];
    w = w.map((value, i) => {
      states[i].step = t;
      return rule(value, gradient[i] + drawn[i], states[i], own);
    });
    if (!w.every((value) => Math.abs(value) < far)) return path;
    path.x.push(w[0]);
    path.y.push(w[1]);
    next(t);
    path.lr.push(own.lr);
  }
}

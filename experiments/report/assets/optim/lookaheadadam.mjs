// Lookahead around Adam: every k-th step goes back, part of the way to where the last one began.
import * as adam from "./adam.mjs";

export const buffers = (settings, w) => ({ ...adam.buffers(settings), slow: w });

export function rule(w, g, state, settings) {
  w = adam.rule(w, g, state, settings);
  if (state.step % settings.sync_period) return w;
  return (state.slow += settings.slow_step_size * (w - state.slow));
}

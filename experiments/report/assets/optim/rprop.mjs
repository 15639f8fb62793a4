// Rprop, as torch.optim.Rprop: only the sign of the gradient counts.
import { regularized } from "./regularized.mjs";

export const buffers = ({ lr }) => ({ prev: 0, step_size: lr });

export function rule(w, g, state, settings) {
  const { etas: [shrink, grow], step_sizes: [least, most] } = settings;
  [w, g] = regularized(w, g, settings);
  const agreement = g * state.prev;
  const size = state.step_size * (agreement > 0 ? grow : agreement < 0 ? shrink : 1);
  state.step_size = Math.min(Math.max(size, least), most);
  state.prev = agreement < 0 ? 0 : g;
  return w - Math.sign(state.prev) * state.step_size;
}

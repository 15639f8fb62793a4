// The chapter's Adam (section 6.1.6): ε beside the uncorrected √v.
import { moments } from "./moments.mjs";

export const buffers = () => ({ exp_avg: 0, exp_avg_sq: 0 });

export function rule(w, g, state, { lr, beta1, beta2, eps }) {
  const t = state.step, [m, v] = moments(g, state, [beta1, beta2]);
  const rate = (lr * Math.sqrt(1 - beta2 ** t)) / (1 - beta1 ** t);
  return w - (rate * m) / (Math.sqrt(v) + eps);
}

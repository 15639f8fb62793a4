// Lion, which torch does not have: only the sign of the momentum counts.
import { regularized } from "./regularized.mjs";

export const buffers = () => ({ exp_avg: 0 });

export function rule(w, g, state, settings) {
  const { lr, betas: [beta1, beta2] } = settings;
  [w, g] = regularized(w, g, { ...settings, decoupled_weight_decay: true });
  w -= lr * Math.sign(beta1 * state.exp_avg + (1 - beta1) * g);
  state.exp_avg = beta2 * state.exp_avg + (1 - beta2) * g;
  return w;
}

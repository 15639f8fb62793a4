// Adamax, as torch.optim.Adamax: Adam with the largest gradient in place of the root of v.
import { regularized } from "./regularized.mjs";

export const buffers = () => ({ exp_avg: 0, exp_inf: 0 });

export function rule(w, g, state, settings) {
  const { lr, betas: [beta1, beta2], eps } = settings;
  [w, g] = regularized(w, g, settings);
  state.exp_avg = beta1 * state.exp_avg + (1 - beta1) * g;
  state.exp_inf = Math.max(beta2 * state.exp_inf, Math.abs(g) + eps);
  return w - ((lr / (1 - beta1 ** state.step)) * state.exp_avg) / state.exp_inf;
}

// ASGD, as torch.optim.ASGD: SGD that also keeps the average of the weights.
import { regularized } from "./regularized.mjs";

// Torch keeps η and μ in float32.
export const buffers = ({ lr }) => ({ eta: Math.fround(lr), mu: 1, ax: 0 });

export function rule(w, g, state, settings) {
  const { lr, lambd, alpha, t0 } = settings, { eta, mu, step: t } = state;
  [w, g] = regularized(w, g, settings);
  w *= 1 - lambd * eta;
  w -= eta * g;
  state.ax = mu === 1 ? w : state.ax + mu * (w - state.ax);
  state.eta = Math.fround(lr / (1 + lambd * lr * t) ** alpha);
  state.mu = Math.fround(1 / Math.max(1, t - t0));
  return w;
}

// NAdam, as torch.optim.NAdam: Adam with Nesterov's momentum, which grows over the steps.
import { moments } from "./moments.mjs";
import { regularized } from "./regularized.mjs";

export const buffers = () => ({ mu_product: 1, exp_avg: 0, exp_avg_sq: 0 });

export function rule(w, g, state, settings) {
  const { lr, betas, eps, momentum_decay } = settings, t = state.step;
  const mu = (step) => betas[0] * (1 - 0.5 * 0.96 ** (step * momentum_decay));
  [w, g] = regularized(w, g, settings);
  const [m, v] = moments(g, state, betas);
  // Torch keeps the product of all μ in float32.
  const product = state.mu_product = Math.fround(Math.fround(state.mu_product) * Math.fround(mu(t)));
  const root = Math.sqrt(v / (1 - betas[1] ** t)) + eps, next = mu(t + 1);
  w -= (((lr * (1 - mu(t))) / (1 - product)) * g) / root;
  return w - (((lr * next) / (1 - product * next)) * m) / root;
}

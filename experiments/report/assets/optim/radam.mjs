// RAdam, as torch.optim.RAdam: momentum alone until the average of g² is long enough to trust.
import { moments } from "./moments.mjs";
import { regularized } from "./regularized.mjs";

export const buffers = () => ({ exp_avg: 0, exp_avg_sq: 0 });

export function rule(w, g, state, settings) {
  const { lr, betas, eps } = settings, [beta1, beta2] = betas, t = state.step;
  [w, g] = regularized(w, g, settings);
  const [m, v] = moments(g, state, betas);
  const step = (m / (1 - beta1 ** t)) * lr;
  const longest = 2 / (1 - beta2) - 1;
  const length = longest - (2 * t * beta2 ** t) / (1 - beta2 ** t);
  if (length <= 5) return w - step;
  const rectified = ((length - 4) * (length - 2) * longest) / ((longest - 4) * (longest - 2) * length);
  return w - step * ((Math.sqrt(1 - beta2 ** t) / (Math.sqrt(v) + eps)) * Math.sqrt(rectified));
}

// Adam, as torch.optim.Adam.
import { moments } from "./moments.mjs";
import { regularized } from "./regularized.mjs";

export const buffers = ({ amsgrad }) => ({
  exp_avg: 0, exp_avg_sq: 0, ...(amsgrad && { max_exp_avg_sq: 0 }),
});

export function rule(w, g, state, settings) {
  const { lr, betas, eps, amsgrad } = settings, t = state.step;
  [w, g] = regularized(w, g, settings);
  let [m, v] = moments(g, state, betas);
  if (amsgrad) v = state.max_exp_avg_sq = Math.max(state.max_exp_avg_sq, v);
  const rate = lr / (1 - betas[0] ** t);
  return w - (rate * m) / (Math.sqrt(v) / Math.sqrt(1 - betas[1] ** t) + eps);
}

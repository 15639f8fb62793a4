// AdaGrad, as torch.optim.Adagrad.
import { regularized } from "./regularized.mjs";

export const buffers = ({ initial_accumulator_value }) => ({ sum: initial_accumulator_value });

export function rule(w, g, state, settings) {
  const { lr, lr_decay, eps } = settings;
  [w, g] = regularized(w, g, settings);
  state.sum += g * g;
  const rate = lr / (1 + (state.step - 1) * lr_decay);
  return w - (rate * g) / (Math.sqrt(state.sum) + eps);
}

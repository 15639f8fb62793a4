// Adadelta, as torch.optim.Adadelta: steps in the unit of the weight.
import { regularized } from "./regularized.mjs";

export const buffers = () => ({ square_avg: 0, acc_delta: 0 });

export function rule(w, g, state, settings) {
  const { lr, rho, eps } = settings;
  [w, g] = regularized(w, g, settings);
  state.square_avg = rho * state.square_avg + (1 - rho) * g * g;
  const delta = (Math.sqrt(state.acc_delta + eps) / Math.sqrt(state.square_avg + eps)) * g;
  state.acc_delta = rho * state.acc_delta + (1 - rho) * delta * delta;
  return w - lr * delta;
}

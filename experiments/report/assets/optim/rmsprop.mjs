// RMSprop, as torch.optim.RMSprop.
import { regularized } from "./regularized.mjs";

export const buffers = ({ momentum, centered }) => ({
  square_avg: 0, ...(momentum && { momentum_buffer: 0 }), ...(centered && { grad_avg: 0 }),
});

export function rule(w, g, state, settings) {
  const { lr, alpha, eps, momentum, centered } = settings;
  [w, g] = regularized(w, g, settings);
  state.square_avg = alpha * state.square_avg + (1 - alpha) * g * g;
  let variance = state.square_avg;
  if (centered) {
    state.grad_avg = alpha * state.grad_avg + (1 - alpha) * g;
    variance -= state.grad_avg * state.grad_avg;
  }
  let step = g / (Math.sqrt(variance) + eps);
  if (momentum) step = state.momentum_buffer = momentum * state.momentum_buffer + step;
  return w - lr * step;
}

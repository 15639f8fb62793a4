// Stochastic gradient descent, with momentum, as torch.optim.SGD.
import { regularized } from "./regularized.mjs";

export const buffers = ({ momentum }) => (momentum ? { momentum_buffer: 0 } : {});

export function rule(w, g, state, settings) {
  const { lr, momentum, dampening, nesterov } = settings;
  [w, g] = regularized(w, g, settings);
  if (momentum) {
    const first = state.step === 1;
    const b = first ? g : momentum * state.momentum_buffer + (1 - dampening) * g;
    state.momentum_buffer = b;
    g = nesterov ? g + momentum * b : b;
  }
  return w - lr * g;
}

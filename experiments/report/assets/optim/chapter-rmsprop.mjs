// The chapter's RMSProp (section 6.1.5).
export const buffers = () => ({ square_avg: 0 });

export function rule(w, g, state, { lr, decay_rate, eps }) {
  state.square_avg = decay_rate * state.square_avg + (1 - decay_rate) * g * g;
  return w - lr * (g / (Math.sqrt(state.square_avg) + eps));
}

// The chapter's AdaGrad (section 6.1.5).
export const buffers = () => ({ sum: 0 });

export function rule(w, g, state, { lr, eps }) {
  state.sum += g * g;
  return w - (lr * g) / (Math.sqrt(state.sum) + eps);
}

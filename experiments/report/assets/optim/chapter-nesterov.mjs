// Nesterov's momentum: the gradient after the momentum step, in the chapter's variables.
export const buffers = () => ({ v: 0 });

export function rule(w, g, state, { lr, momentum }) {
  state.v = momentum * state.v - lr * g;
  return w + (momentum * state.v - lr * g);
}

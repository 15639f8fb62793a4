// The chapter's momentum (section 6.1.4): a ball that rolls down a bowl.
export const buffers = () => ({ v: 0 });

export function rule(w, g, state, { lr, momentum }) {
  state.v = momentum * state.v - lr * g;
  return w + state.v;
}

// The averages of the gradient and of its square, as Adam and its relatives keep them: [m, v].
export function moments(g, state, [beta1, beta2]) {
  state.exp_avg = beta1 * state.exp_avg + (1 - beta1) * g;
  state.exp_avg_sq = beta2 * state.exp_avg_sq + (1 - beta2) * g * g;
  return [state.exp_avg, state.exp_avg_sq];
}

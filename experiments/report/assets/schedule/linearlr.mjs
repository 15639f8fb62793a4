// From one part of the rate to another on a line, as torch.optim.lr_scheduler.LinearLR.
export function rate(lr, t, base, { start_factor: s, end_factor: e, total_iters: T }) {
  if (t === 0) return lr * s;
  return t > T ? lr : lr * (1 + (e - s) / (T * s + (t - 1) * (e - s)));
}

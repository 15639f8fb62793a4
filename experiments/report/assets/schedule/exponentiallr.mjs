// Times γ at every step, as torch.optim.lr_scheduler.ExponentialLR.
export function rate(lr, t, base, { gamma }) {
  return t > 0 ? lr * gamma : lr;
}

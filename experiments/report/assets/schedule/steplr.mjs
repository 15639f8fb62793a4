// Times γ every step_size steps, as torch.optim.lr_scheduler.StepLR.
export function rate(lr, t, base, { step_size, gamma }) {
  return t > 0 && t % step_size === 0 ? lr * gamma : lr;
}

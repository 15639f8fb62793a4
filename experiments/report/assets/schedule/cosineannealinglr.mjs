// Down to η_min on a cosine, as torch.optim.lr_scheduler.CosineAnnealingLR.
export function rate(lr, t, base, { T_max: T, eta_min }) {
  if (t === 0) return lr;
  if ((t - 1 - T) % (2 * T) === 0) return lr + ((base - eta_min) * (1 - Math.cos(Math.PI / T))) / 2;
  const ratio = (1 + Math.cos((Math.PI * t) / T)) / (1 + Math.cos((Math.PI * (t - 1)) / T));
  return ratio * (lr - eta_min) + eta_min;
}

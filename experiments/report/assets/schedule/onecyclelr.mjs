// Up once, down for good, as torch.optim.lr_scheduler.OneCycleLR (whose max_lr is the base here).
const CURVES = {
  cos: (start, end, part) => end + ((start - end) / 2) * (Math.cos(Math.PI * part) + 1),
  linear: (start, end, part) => (end - start) * part + start,
};

export function rate(lr, t, base, settings) {
  const { total_steps, pct_start, div_factor, final_div_factor, three_phase } = settings;
  const first = base / div_factor, last = first / final_div_factor;
  const values = three_phase ? [first, base, first, last] : [first, base, last];
  const back = three_phase ? [2 * pct_start * total_steps - 2] : [];
  const ends = [pct_start * total_steps - 1, ...back, total_steps - 1], starts = [0, ...ends];
  const phase = Math.max(0, ends.findIndex((end) => t <= end));
  const part = (t - starts[phase]) / (ends[phase] - starts[phase]);
  return CURVES[settings.anneal_strategy](values[phase], values[phase + 1], part);
}

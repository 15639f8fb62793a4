// Up once, down for good, as torch.optim.lr_scheduler.OneCycleLR (whose max_lr is the base here); the
// momentum, or β₁, goes the other way.
const CURVES = {
  cos: (start, end, part) => end + ((start - end) / 2) * (Math.cos(Math.PI * part) + 1),
  linear: (start, end, part) => (end - start) * part + start,
};

// Where a number is at step t, on its way from one value to the next.
function between(values, t, { total_steps, pct_start, three_phase, anneal_strategy }) {
  const back = three_phase ? [2 * pct_start * total_steps - 2] : [];
  const ends = [pct_start * total_steps - 1, ...back, total_steps - 1], starts = [0, ...ends];
  const phase = Math.max(0, ends.findIndex((end) => t <= end));
  const part = (t - starts[phase]) / (ends[phase] - starts[phase]);
  return CURVES[anneal_strategy](values[phase], values[phase + 1], part);
}

export function rate(lr, t, base, settings) {
  const first = base / settings.div_factor, last = first / settings.final_div_factor;
  return between(settings.three_phase ? [first, base, first, last] : [first, base, last], t, settings);
}

export function momentum(t, settings) {
  const { cycle_momentum, base_momentum: low, max_momentum: high, three_phase } = settings;
  return cycle_momentum ? between(three_phase ? [high, low, high, high] : [high, low, high], t, settings) : null;
}

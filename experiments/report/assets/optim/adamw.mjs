// AdamW, as torch.optim.AdamW: Adam, with the weight decay beside the gradient.
import * as adam from "./adam.mjs";

export const buffers = adam.buffers;

export function rule(w, g, state, settings) {
  return adam.rule(w, g, state, { ...settings, decoupled_weight_decay: true });
}

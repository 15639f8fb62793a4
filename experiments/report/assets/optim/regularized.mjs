// The gradient with maximize and the weight decay, in torch's order; and the weight that the
// decoupled decay has shrunk already: [w, g].
export function regularized(w, g, { lr, maximize, weight_decay, decoupled_weight_decay }) {
  if (maximize) g = -g;
  if (!weight_decay) return [w, g];
  return decoupled_weight_decay ? [w * (1 - lr * weight_decay), g] : [w, g + weight_decay * w];
}

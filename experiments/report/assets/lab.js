"use strict";
// The activation lab: what is chosen, what flows then, and how it is shown.

const lab = (() => {
  const data = DATA.lab, { flow } = modules.network, { shares, deviation, small, identical } = modules.statistics;
  const byId = (id) => document.getElementById(`lab-${id}`);
  const canvas = byId("histograms"), VANISHED = 1e-3, FLAT = 0.2, TINY = 1e-300;
  const sliders = ["std", "depth", "units"].map(byId);
  let waiting = null;

  const chosen = () => ({
    back: document.querySelector("[name=flow]:checked").value === "backward",
    activation: byId("activation").value, init: byId("init").value, std: Number((10 ** byId("std").value).toPrecision(3)),
    depth: Number(byId("depth").value), units: Number(byId("units").value), batchNorm: byId("bn").checked,
    seed: byId("seed").checkValidity() ? Number(byId("seed").value) : 0, rows: data.rows,
  });

  // The largest slope of an activation, where it is steepest.
  const steepest = (name) => Math.max(...Array.from({ length: 401 }, (_, k) => {
    const x = (k - 200) / 50, { value, slope } = modules.activations.activations[name];
    return slope(x, value(x));
  }));

  // Each layer's histogram and numbers, from the input's side.
  function layers(now = chosen()) {
    const found = flow(now), most = steepest(now.activation);
    return (now.back ? found.gradients : found.activations).map((values, k) => {
      const seen = now.back ? values.map((v) => Math.log10(Math.max(Math.abs(v), TINY))) : values;
      const flags = now.back ? Array.from(values, (v) => !(Math.abs(v) >= VANISHED)) : Array.from(found.slopes[k], (s) => !(Math.abs(s) >= FLAT * most));
      return {
        shares: shares(seen, rangeOf(now), data.bins), std: deviation(values),
        ...small(flags, now.units), identical: identical(values, now.units),
      };
    });
  }

  const rangeOf = ({ back, activation }) => (back ? data.logRange : data.activations[activation].range);

  function draw() {
    const now = chosen(), found = layers(now), color = colour(now.back ? "@1" : "@0");
    const relu = now.activation === "relu" && !now.back; // whose zeros would leave nothing to see of the rest
    const top = Math.max(...found.flatMap((l) => l.shares.slice(relu ? 1 : 0)), 0.02) * 1.1;
    const box = panelsOn(canvas, found.length, { most: 5, least: 130, height: 120 });
    const context = sharp(canvas);
    found.forEach((l, k) => histogram(context, box(k), { title: word("layer", { layer: k + 1 }) + (now.back && !k ? `, ${word("magnitude")}` : ""), shares: l.shares, top, range: rangeOf(now), color }));
    const curves = (names) => names.map(([name, index]) => ({ values: found.map((l) => l[name]), color: colour(`@${index}`) }));
    const shared = { depth: now.depth, xTitle: word("layerAxis") };
    overLayers(byId("shares"), curves([["small", 0], ["dead", 1], ["identical", 2]]), { ...shared, title: word("share") });
    overLayers(byId("std-curve"), curves([["std", 3]]), { ...shared, title: word("std"), log: true });
    tell(now, found);
  }

  const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)}\u00a0%`;

  function tell(now, found) {
    const layer = now.back ? 0 : found.length - 1, l = found[layer];
    byId("std").disabled = now.init !== "std";
    byId("std-shown").textContent = now.init === "std" ? now.std : "";
    for (const name of ["depth", "units"]) byId(`${name}-shown`).textContent = now[name];
    for (const slider of sliders) slider.setAttribute("aria-valuetext", byId(slider.id.slice(4) + "-shown").textContent || "–");
    byId("said").textContent = word("arriving", {
      layer: layer + 1, depth: found.length, std: signed(l.std), small: word(now.back ? "vanished" : "saturated"), smallShare: percent(l.small),
      dead: percent(l.dead), identical: percent(l.identical),
    }) + (Number.isFinite(l.std) ? "" : ` ${word("overflow")}`);
    fill("#lab-numbers tbody", found.map((each, k) =>
      [k + 1, number(each.std), percent(each.small), percent(each.dead), percent(each.identical)]));
  }

  function take(preset) {
    byId("activation").value = preset.activation;
    byId("init").value = preset.init;
    if (preset.std) byId("std").value = Math.log10(preset.std);
    draw();
  }

  // At most once a frame, however often a slider says that it moves.
  function soon() {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(draw);
  }

  function begin() {
    for (const control of document.querySelectorAll("#lab-controls input, #lab-controls select")) control.addEventListener("input", soon);
    document.querySelectorAll("#lab-presets [data-preset]").forEach((button, k) => button.addEventListener("click", () => take(data.presets[k])));
    whenSeen(canvas, draw);
  }

  return { begin, layers };
})();

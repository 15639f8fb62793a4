"use strict";
// Shows what scratch's layers let through, forwards and back. Nothing here computes it.

function bytes(text) {
  const raw = atob(text), found = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i += 1) found[i] = raw.charCodeAt(i); // ten times as fast as from()
  return found.buffer;
}

const lab = (() => {
  const data = DATA.lab, bins = data.bins, depths = data.depths, deepest = Math.max(...depths);
  const histograms = new Uint16Array(bytes(data.histograms)), numbers = new Float32Array(bytes(data.numbers));
  const kinds = data.stds.length + data.named.length;
  const layersOfAll = deepest + depths.reduce((a, b) => a + b, 0);
  const std = document.getElementById("std"), depth = document.getElementById("depth");
  const histogramsPlot = document.getElementById("lab-histograms"), sharesPlot = document.getElementById("lab-shares");
  const value = (name) => document.querySelector(`[name=${name}]:checked`).value;

  function chosen() {
    const weights = value("weights"), activation = Number(value("activation"));
    const kind = weights === "std" ? Number(std.value) : data.stds.length + Number(weights);
    return { back: value("flow") === "backward", activation, kind, at: Number(depth.value) };
  }

  // Each layer's histogram and numbers, from the input's side.
  function layers({ back, activation, kind, at }) {
    const flow = (activation * kinds + kind) * layersOfAll;
    const before = back ? deepest + depths.slice(0, at).reduce((a, b) => a + b, 0) : 0;
    const count = data.statistics.length;
    return Array.from({ length: depths[at] }, (_, layer) => {
      const index = flow + before + layer;
      return {
        shares: Array.from(histograms.subarray(index * bins, (index + 1) * bins), (v) => v / 65535),
        ...Object.fromEntries(data.statistics.map((name, k) => [name, numbers[index * count + k]])),
      };
    });
  }

  function draw() {
    const now = chosen(), found = layers(now);
    const [low, high] = now.back ? data.logRange : data.ranges[now.activation];
    const middles = Array.from({ length: bins }, (_, k) => low + ((k + 0.5) * (high - low)) / bins);
    std.disabled = value("weights") !== "std";
    document.getElementById("std-shown").textContent = std.disabled ? "" : data.stds[std.value];
    std.setAttribute("aria-valuetext", String(data.stds[std.value]));
    document.getElementById("depth-shown").textContent = depths[now.at];
    depth.setAttribute("aria-valuetext", String(depths[now.at]));
    const relu = !now.back && data.activations[now.activation] === "ReLU";
    const top = Math.max(...found.flatMap((l) => l.shares.slice(relu ? 1 : 0)), 0.02) * 1.1;
    drawInto(histogramsPlot, { columns: 5, height: 110, panels: found.map((l, k) => ({
      title: word("layer", { layer: k + 1 }),
      x: { title: now.back ? word("magnitude") : "", range: [low, high] }, y: { title: "", range: [0, top] },
      traces: [{ type: "bar", name: word("layer", { layer: k + 1 }), x: middles, y: l.shares, marker: { color: now.back ? "@1" : "@0" } }],
    })) }, { revision: JSON.stringify(now) });
    const at = found.map((_, k) => k + 1);
    const curve = (name, index, title) => ({
      type: "scatter", mode: "lines+markers", name: title, x: at, y: found.map((l) => (l[name] > 0 || name !== "std" ? l[name] : null)),
      line: { color: `@${index}`, width: 2, dash: ["solid", "dash", "dot", "solid"][index] }, marker: { color: `@${index}`, symbol: index },
    });
    const layer = { title: word("layerAxis") };
    drawInto(sharesPlot, { columns: 2, height: 220, panels: [
      { title: word("share"), x: layer, y: { title: "", range: [-0.03, 1.03] }, traces: [
        curve("small", 0, small(now)), curve("dead", 1, word("dead")), curve("identical", 2, word("identical"))] },
      { title: word("std"), x: layer, y: { title: "", log: true }, traces: [curve("std", 3, word("std"))] },
    ] }, { revision: JSON.stringify(now) });
    tell(now, found);
    return found;
  }

  function small({ back, activation }) {
    return word(back ? "vanished" : data.activations[activation] === "ReLU" ? "zero" : "saturated");
  }

  const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)}\u00a0%`;

  function tell(now, found) {
    const layer = now.back ? 0 : found.length - 1, l = found[layer];
    document.getElementById("lab-said").textContent = word("arriving", {
      layer: layer + 1, depth: found.length, std: number(l.std), small: small(now), smallShare: percent(l.small),
      dead: percent(l.dead), identical: percent(l.identical),
    });
    fill("#lab-numbers tbody", found.map((l, k) =>
      [k + 1, number(l.std), percent(l.small), percent(l.dead), percent(l.identical)]));
  }

  function begin() {
    std.max = data.stds.length - 1;
    std.value = data.stds.indexOf(0.01);
    depth.max = depths.length - 1;
    depth.value = 1;
    for (const control of document.querySelectorAll("#lab-controls input")) control.addEventListener("input", draw);
    reserve(histogramsPlot, { columns: 5, height: 110, panels: Array(depths[1]) });
    reserve(sharesPlot, { columns: 2, height: 220, panels: [0, 1] });
    whenSeen(histogramsPlot, draw);
  }

  return { begin, layers: () => layers(chosen()) };
})();

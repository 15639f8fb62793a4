"use strict";
// Shows the paths that scratch computed. Nothing here computes a step.

function bytes(text) {
  const raw = atob(text), found = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i += 1) found[i] = raw.charCodeAt(i); // ten times as fast as from()
  return found.buffer;
}

const explorer = (() => {
  const data = DATA.explorer, rates = data.rates, momenta = data.momenta, points = data.steps + 1;
  const surfaces = data.surfaces.map((s) => ({
    ...s, points: new Uint16Array(bytes(s.points)), frames: new Float32Array(bytes(s.frames)),
  }));
  let first = 0;
  const starts = data.optimizers.map((o) => {
    const start = first;
    first += (o.momentum ? momenta.length : 1) * rates.length;
    return start;
  });
  const walkers = [...document.querySelectorAll(".walker")].map((element) => ({
    element,
    on: element.querySelector("[data-control=walker]"),
    rate: element.querySelector("[data-control=rate]"),
    momentum: element.querySelector("[data-control=momentum]"),
  }));
  const steps = document.getElementById("steps"), play = document.getElementById("play");
  const map = document.getElementById("explorer-map"), time = document.getElementById("explorer-time");
  let surface = 0, timer = null;

  // The path of an optimizer on the surface at hand, as far as it goes: [x…], [y…].
  function path(optimizer) {
    const { rate, momentum } = walkers[optimizer], s = surfaces[surface];
    const index = starts[optimizer] + (momentum ? Number(momentum.value) * rates.length : 0) + Number(rate.value);
    const [x0, sx, y0, sy] = s.frames.subarray(4 * index, 4 * index + 4);
    const at = 2 * points * index, count = s.counts[index];
    const along = (offset, low, scale) =>
      Array.from({ length: count }, (_, k) => low + (s.points[at + 2 * k + offset] / 65535) * scale);
    return { x: along(0, x0, sx), y: along(1, y0, sy), count };
  }

  function state(found, last) {
    const { x, y } = surfaces[surface].limits;
    if (last >= found.count) return word("diverged", { step: found.count });
    const out = found.x.slice(0, last + 1).findIndex((v, k) => v < x[0] || v > x[1] || found.y[k] < y[0] || found.y[k] > y[1]);
    return out < 0 ? word("inside") : word("outside", { step: out });
  }

  function walks() {
    const last = Number(steps.value);
    return walkers.flatMap((walker, index) => {
      if (!walker.on.checked) return [];
      const found = path(index), end = Math.min(last, found.count - 1);
      return [{
        index, name: data.optimizers[index].name, x: found.x.slice(0, end + 1), y: found.y.slice(0, end + 1), end,
        rate: rates[walker.rate.value], momentum: walker.momentum ? momenta[walker.momentum.value] : null,
        state: state(found, last),
      }];
    });
  }

  function line(walk, x, y, mode) {
    const dashes = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];
    return {
      type: "scatter", mode, name: walk.name, x, y,
      line: { color: `@${walk.index}`, width: 2, dash: mode === "lines" ? dashes[walk.index] : "solid" },
      marker: { color: `@${walk.index}`, size: 5, symbol: walk.index },
    };
  }

  function mark(name, places, symbol) {
    return {
      type: "scatter", mode: "markers", name, x: places.map((p) => p[0]), y: places.map((p) => p[1]), hoverinfo: "skip",
      marker: { symbol, size: 13, color: "@text", line: { width: 2.5, color: "@text" } },
    };
  }

  const mapHeight = () => Math.max(170, Math.min(460, map.clientWidth * 0.55));

  function draw() {
    const s = surfaces[surface], found = walks();
    for (const { rate, momentum, element } of walkers) {
      put(element, "rate", rate, rates[rate.value]);
      if (momentum) put(element, "momentum", momentum, momenta[momentum.value]);
    }
    document.getElementById("steps-shown").textContent = steps.value;
    play.textContent = word(timer ? "pause" : "play");
    const contour = {
      type: "contour", name: "", ...s.contour, showscale: false, hoverinfo: "skip", ncontours: 18,
      contours: { coloring: "lines" }, colorscale: [[0, "@muted"], [1, "@muted"]], line: { width: 0.7 },
    };
    drawInto(map, { columns: 1, height: mapHeight(), panels: [{
      title: "", x: { title: "x", range: s.limits.x }, y: { title: "y", range: s.limits.y },
      traces: [contour, mark("", [s.start], "circle-open"), mark("", s.minima, "cross-thin-open"),
        ...found.map((walk) => line(walk, walk.x, walk.y, "lines+markers"))],
    }] }, { revision: surface });
    const over = (walk) => walk.x.map((_, k) => k);
    drawInto(time, { columns: 2, height: 200, panels: ["x", "y"].map((key) => ({
      title: "", x: { title: word("step"), range: [0, Math.max(10, Number(steps.value))] }, y: { title: key, range: s.limits[key] },
      traces: found.map((walk) => line(walk, over(walk), walk[key], "lines")),
    })) }, { revision: surface + "-" + steps.value });
    tell(found);
    return found;
  }

  function put(element, name, slider, value) {
    element.querySelector(`[data-output=${name}]`).textContent = value;
    slider.setAttribute("aria-valuetext", String(value));
  }

  function tell(found) {
    fill("#explorer-ends tbody", found.map((walk) => [
      tr(walk.name), walk.rate, walk.momentum ?? "–", walk.end, number(walk.x.at(-1)), number(walk.y.at(-1)), walk.state,
    ]));
    if (timer) return; // while it plays, a screen reader is not to be told every step
    document.getElementById("explorer-said").textContent = found.length ? found.map((walk) => word("arrives", {
      optimizer: tr(walk.name), step: walk.end, x: number(walk.x.at(-1)), y: number(walk.y.at(-1)), state: walk.state,
    })).join(" ") : word("nobody");
  }

  function suggest() {
    surfaces[surface].suggested.forEach(([rate, momentum], index) => {
      walkers[index].rate.value = rate;
      if (walkers[index].momentum) walkers[index].momentum.value = momentum;
    });
  }

  function stop() {
    clearInterval(timer);
    timer = null;
  }

  function toggle() {
    if (timer) { stop(); draw(); return; }
    if (Number(steps.value) >= data.steps) steps.value = 0;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) { steps.value = data.steps; draw(); return; }
    timer = setInterval(() => {
      steps.value = Number(steps.value) + 1;
      if (Number(steps.value) >= data.steps) stop();
      draw();
    }, 80);
    draw();
  }

  function begin() {
    steps.max = data.steps;
    steps.value = 30;
    for (const { rate, momentum, on } of walkers) {
      rate.max = rates.length - 1;
      if (momentum) momentum.max = momenta.length - 1;
      for (const control of [rate, momentum].filter(Boolean)) control.addEventListener("input", draw);
      on.addEventListener("change", draw);
    }
    for (const radio of document.querySelectorAll("[name=surface]")) {
      radio.addEventListener("change", () => { surface = Number(radio.value); suggest(); draw(); });
    }
    steps.addEventListener("input", () => { stop(); draw(); });
    play.addEventListener("click", toggle);
    document.getElementById("suggested").addEventListener("click", () => { suggest(); draw(); });
    suggest();
    reserve(map, { columns: 1, height: mapHeight(), panels: [0] });
    reserve(time, { columns: 2, height: 200, panels: [0, 1] });
    whenSeen(map, draw);
  }

  return { begin, walks };
})();

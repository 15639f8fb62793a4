"use strict";
// The explorer: what is chosen, the paths that follow from it, and the address that holds both.

const explorer = (() => {
  const data = DATA.explorer, byId = (id) => document.getElementById(`explorer-${id}`);
  const canvas = byId("map"), time = byId("time"), handle = byId("start");
  const steps = byId("steps"), total = byId("total"), play = byId("play"), speed = byId("speed"), loop = byId("loop");
  const surface = byId("surface"), formula = byId("formula"), startX = byId("start-x"), startY = byId("start-y");
  const noise = byId("noise"), seed = byId("seed"), schedule = byId("schedule");
  const walkers = data.optimizers.map((optimizer, index) => {
    const card = document.querySelector(`.walker[data-optimizer="${index}"]`);
    return {
      ...optimizer, index, card,
      on: document.querySelector(`[data-control=walker][value="${index}"]`),
      rate: card.querySelector("[data-control=rate]"), lr: card.querySelector("[data-setting=lr]"),
      inputs: [...card.querySelectorAll("[data-setting]")],
    };
  });
  const FAR = 1e3; // pictures
  let chosen, found = [], view, picture = null, pictureOf = "", now = 0, frame = null, last = 0;

  // What is chosen

  const number_ = (input, otherwise) => (input.value !== "" && input.checkValidity() ? Number(input.value) : otherwise);

  // The settings in a form: numbers, flags, texts; a setting of two numbers has two inputs.
  function settingsOf(inputs, defaults) {
    const settings = structuredClone(defaults);
    for (const input of inputs) {
      const name = input.dataset.setting, place = input.dataset.place;
      const value = input.type === "checkbox" ? input.checked
        : input.tagName === "SELECT" ? input.value : number_(input, place ? defaults[name][place] : defaults[name]);
      if (place) settings[name][place] = value;
      else settings[name] = value;
    }
    return settings;
  }

  function put(inputs, settings) {
    for (const input of inputs) {
      const value = settings[input.dataset.setting];
      if (value === undefined) continue;
      if (input.type === "checkbox") input.checked = value;
      else input.value = input.dataset.place ? value[input.dataset.place] : value;
    }
  }

  const scheduleInputs = (name) => [...document.querySelectorAll(`[data-schedule="${name}"] [data-setting]`)];
  const defaultsOf = (walker) => ({ ...walker.settings, ...walker.start });

  function read() {
    const own = surface.value === "own", s = own ? null : data.surfaces[surface.value];
    const text = own ? formula.value : s.formula, f = expression.read(text);
    byId("formula-wrong").textContent = f.mistake ?? "";
    formula.setAttribute("aria-invalid", String(Boolean(f.mistake)));
    const limits = s ?? { x: [-5, 5], y: [-4, 4] };
    const scheduled = data.schedules.find(({ name }) => name === schedule.value);
    const next = {
      key: text, formula: text, own, limits, f: f.mistake ? chosen?.f ?? expression.read("x²+y²") : f,
      minima: s?.minima ?? [], start: [number_(startX, limits.x[0]), number_(startY, limits.y[0])],
      steps: number_(total, data.steps), noise: number_(noise, 0), seed: number_(seed, 0),
      schedule: scheduled && { ...scheduled, settings: settingsOf(scheduleInputs(scheduled.name), scheduled.settings) },
      walkers: walkers.filter((walker) => walker.on.checked).map((walker) => ({ walker, settings: settingsOf(walker.inputs, defaultsOf(walker)) })),
    };
    next.typical = typical(next);
    next.least = Math.min(...(next.minima.length ? next.minima.map((at) => next.f.value(...at)) : [Infinity]));
    return next;
  }

  // The middle length of the gradients in the picture: noise is measured by it.
  function typical({ f, limits: { x, y } }) {
    const lengths = [];
    for (let i = 0; i <= 20; i += 1) {
      for (let j = 0; j <= 20; j += 1) {
        const [, dx, dy] = f.dual(x[0] + (i / 20) * (x[1] - x[0]), y[0] + (j / 20) * (y[1] - y[0]));
        lengths.push(Math.hypot(dx, dy));
      }
    }
    return lengths.filter(Number.isFinite).sort((a, b) => a - b)[Math.floor(lengths.length / 2)] ?? 0;
  }

  function pathOf(walker, settings, at = chosen) {
    const { x, y } = at.limits;
    return walk({
      dual: at.f.dual, start: at.start, steps: at.steps, far: FAR * Math.max(x[1] - x[0], y[1] - y[0]),
      noise: at.noise * at.typical, seed: at.seed, module: walker.module, settings, schedule: at.schedule,
    });
  }

  function whole({ x, y }) {
    const out = x.findIndex((v, k) => v < view.left || v > view.right || y[k] < view.bottom || y[k] > view.top);
    if (x.length <= chosen.steps) return word("diverged", { step: x.length });
    return out < 0 ? word("inside") : word("outside", { step: out });
  }

  // Of these rates the one that comes lowest and stays in the picture; else the smallest.
  function suggestedRate(walker, settings) {
    const { x, y } = chosen.limits, best = { f: Infinity, lr: 1e-4 };
    const at = { ...chosen, noise: 0, schedule: undefined };
    for (let power = -4; power < 1; power += 1) {
      for (const digit of [1, 2, 5]) {
        const lr = Number(`${digit}e${power}`), path = pathOf(walker, { ...settings, lr }, at), f = path.f.at(-1);
        const inside = path.x.every((v, k) => v >= x[0] && v <= x[1] && path.y[k] >= y[0] && path.y[k] <= y[1]);
        if (path.x.length > at.steps && inside && f < best.f) Object.assign(best, { f, lr });
      }
    }
    return best.lr;
  }

  // For those that are shown; for another when it is: to try fifteen rates takes a while.
  function suggest() {
    chosen = read();
    for (const walker of walkers) {
      walker.suggested = false;
      if (walker.on.checked) suggestFor(walker);
    }
  }

  function suggestFor(walker) {
    if (walker.suggested) return;
    const settings = defaultsOf(walker), bowl = data.surfaces[surface.value]?.name === "bowl";
    if (!bowl || !walker.chapter) settings.lr = suggestedRate(walker, settings);
    put(walker.inputs, settings);
    walker.suggested = true;
  }

  // The address: #f=bowl&at=-7,2&n=30&SGD=lr:1.05

  const changed = (settings, defaults) => Object.entries(settings)
    .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(defaults[name]))
    .map(([name, value]) => `${name}:${Array.isArray(value) ? value.join(",") : value}`).join(";");

  function address() {
    const entries = [["f", chosen.own ? chosen.formula : data.surfaces[surface.value].name], ["at", chosen.start.join(",")], ["n", chosen.steps]];
    if (Math.floor(now) < chosen.steps) entries.push(["k", Math.floor(now)]);
    if (chosen.noise) entries.push(["noise", chosen.noise], ["seed", chosen.seed]);
    if (chosen.schedule) entries.push(["schedule", `${chosen.schedule.name};${changed(chosen.schedule.settings, {})}`]);
    for (const { walker, settings } of chosen.walkers) entries.push([walker.name, changed(settings, { ...walker.settings, lr: null })]);
    return "#" + entries.map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%3B", ";")}`).join("&");
  }

  function parsed(text, defaults) {
    const found = {};
    for (const [name, value] of text.split(";").filter(Boolean).map((part) => part.split(":"))) {
      if (!Object.hasOwn(defaults, name) || value === undefined) continue;
      if (Array.isArray(defaults[name])) found[name] = value.split(",").map(Number);
      else found[name] = typeof defaults[name] === "boolean" ? value === "true" : typeof defaults[name] === "string" ? value : Number(value);
    }
    return found;
  }

  // Take what an address says, if it says anything of the explorer.
  function follow(hash) {
    if (!hash.includes("=")) return false;
    const said = new URLSearchParams(hash.slice(1).replaceAll("+", "%2B"));
    const index = data.surfaces.findIndex(({ name }) => name === said.get("f"));
    if (index >= 0) surface.value = String(index);
    else if (said.has("f")) [surface.value, formula.value] = ["own", said.get("f")];
    begunAt(said.get("at")?.split(","));
    total.value = said.get("n") ?? data.steps;
    noise.value = said.get("noise") ?? 0;
    seed.value = said.get("seed") ?? 0;
    const [name, ...rest] = (said.get("schedule") ?? "").split(";");
    const scheduled = data.schedules.find((each) => each.name === name);
    schedule.value = scheduled ? name : "";
    if (scheduled) put(scheduleInputs(name), parsed(rest.join(";"), scheduled.settings));
    for (const walker of walkers) walker.on.checked = said.has(walker.name);
    suggest();
    for (const walker of walkers) {
      put(walker.inputs, parsed(said.get(walker.name) ?? "", walker.settings));
    }
    now = said.has("k") ? Number(said.get("k")) || 0 : Infinity;
    return true;
  }

  function begunAt(place) {
    const [x, y] = place ?? data.surfaces[surface.value]?.start ?? [-3, 2];
    [startX.value, startY.value] = [x, y];
  }

  // Drawing

  function ground() {
    const key = JSON.stringify([chosen.key, view.width, view.height, page.dark && !page.print, chosen.limits.x]);
    if (key !== pictureOf) [picture, pictureOf] = [shaded(view, chosen.f.value, root.dataset.theme === "dark"), key];
    return picture;
  }

  function draw() {
    if (!canvas.clientWidth) return;
    view = viewOf(canvas, chosen.limits);
    const context = sharp(canvas);
    context.drawImage(ground(), 0, 0, view.width, view.height);
    context.strokeStyle = colour("@text");
    context.lineWidth = 2;
    for (const place of chosen.minima) cross(context, view.at(...place), 5);
    const ends = found.map(({ walker, path }) => ({
      at: trace(context, view, path, now, colour(`@${walker.index}`)), name: tr(walker.label), color: colour(`@${walker.index}`),
    }));
    labels(context, view, ends, tone("--ground"));
    const [x, y] = view.at(...chosen.start);
    handle.style.transform = `translate(${x}px, ${y}px)`;
    const least = floor();
    overSteps(time, found.map(({ walker, path }) => ({ values: path.f.map((f) => f - least), color: colour(`@${walker.index}`) })),
      chosen.steps, now);
    steps.value = Math.floor(now);
    byId("steps-shown").textContent = `${Math.floor(now)} / ${chosen.steps}`;
    play.textContent = word(frame ? "pause" : "play");
  }

  // What f is measured from: its minimum, or the lowest that any path has come to.
  const floor = () => (Number.isFinite(chosen.least) ? chosen.least : Math.min(...found.flatMap(({ path }) => path.f.filter(Number.isFinite)), Infinity));

  function compute() {
    chosen = read();
    for (const { card, on } of walkers) card.hidden = !on.checked;
    for (const form of document.querySelectorAll("[data-schedule]")) form.hidden = form.dataset.schedule !== schedule.value;
    byId("own").hidden = !chosen.own;
    byId("seed-label").hidden = !chosen.noise;
    byId("noise-shown").textContent = number(chosen.noise);
    for (const { rate, lr } of walkers) {
      rate.value = Math.log10(Math.max(1e-6, number_(lr, 1e-3)));
      rate.setAttribute("aria-valuetext", lr.value);
    }
    steps.max = chosen.steps;
    found = chosen.walkers.map(({ walker, settings }) => ({ walker, settings, path: pathOf(walker, settings) }));
    now = Math.min(now, chosen.steps);
  }

  function ends() {
    const step = Math.floor(now);
    return found.map(({ walker, settings, path }) => {
      const end = Math.min(step, path.x.length - 1);
      return { name: walker.name, label: tr(walker.label), lr: settings.lr, end, x: path.x[end], y: path.y[end], f: path.f[end], over: end < step, state: whole(path) };
    }).sort((a, b) => Number(a.over) - Number(b.over) || a.f - b.f);
  }

  function tell() {
    const order = ends(), first = order[0];
    fill("#explorer-ends tbody", order.map((e) => [e.label, signed(e.lr), e.end, signed(e.f), signed(e.x), signed(e.y), e.state]));
    byId("said").textContent = !first ? word("nobody")
      : word("lowest", { optimizer: first.label, step: Math.floor(now), f: signed(first.f) });
  }

  let written = null;
  function keep() {
    clearTimeout(written); // a browser refuses more than a hundred addresses in 30 seconds
    written = setTimeout(() => { try { history.replaceState(null, "", address()); } catch { /* where there is no address */ } }, 300);
  }

  function update({ remember: kept = true } = {}) {
    compute();
    draw();
    tell();
    if (kept) keep();
  }

  // Playing

  function stop() {
    cancelAnimationFrame(frame);
    frame = null;
  }

  function tick(at) {
    const passed = Math.min(100, Math.max(0, at - last)); // a frame may have begun before the click
    last = at;
    now += (passed / 1000) * Number(speed.value);
    if (now >= chosen.steps) {
      now = loop.checked ? 0 : chosen.steps;
      if (!loop.checked) { stop(); draw(); tell(); return; }
    }
    frame = requestAnimationFrame(tick);
    draw();
  }

  function start() {
    if (now >= chosen.steps) now = 0;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) { now = chosen.steps; draw(); tell(); return; }
    last = performance.now();
    frame = requestAnimationFrame(tick);
    draw();
  }

  function go(step) {
    stop();
    now = Math.min(chosen.steps, Math.max(0, step));
    draw();
    tell();
    keep();
  }

  // The start, by finger, mouse and keyboard

  function begin_(place) {
    [startX.value, startY.value] = place.map((value) => Number(value.toPrecision(4)));
    update();
  }

  const placeOf = (event) => {
    const box = canvas.getBoundingClientRect();
    return view.from(event.clientX - box.left, event.clientY - box.top);
  };

  function movable() {
    handle.addEventListener("pointerdown", (event) => { handle.setPointerCapture(event.pointerId); event.preventDefault(); handle.focus({ preventScroll: true }); });
    handle.addEventListener("pointermove", (event) => { if (handle.hasPointerCapture(event.pointerId)) begin_(placeOf(event)); });
    canvas.addEventListener("click", (event) => begin_(placeOf(event)));
    canvas.addEventListener("pointermove", (event) => { byId("readout").textContent = readout(...placeOf(event)); });
    canvas.addEventListener("pointerleave", () => { byId("readout").textContent = word("dragStart"); });
    handle.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!way) return;
      event.preventDefault();
      const size = (event.shiftKey ? 10 : 2) / view.scale;
      begin_(chosen.start.map((value, i) => value + way[i] * size));
    });
  }

  // What lies under the pointer: a step of a path, or the function itself.
  function readout(x, y) {
    const near = { distance: 12 };
    for (const { walker, path } of found) {
      for (let k = 0; k <= Math.min(now, path.x.length - 1); k += 1) {
        const distance = Math.hypot(path.x[k] - x, path.y[k] - y) * view.scale;
        if (distance < near.distance) Object.assign(near, { distance, walker, k, x: path.x[k], y: path.y[k], f: path.f[k] });
      }
    }
    const at = near.walker ? near : { x, y, f: chosen.f.value(x, y) };
    const place = `f(${signed(at.x)}, ${signed(at.y)}) = ${signed(at.f)}`;
    return near.walker ? `${tr(near.walker.label)}, ${word("step")} ${near.k}: ${place}` : place;
  }

  function begin() {
    byId("readout").textContent = word("dragStart");
    for (const walker of walkers) {
      walker.on.addEventListener("change", () => { if (walker.on.checked) suggestFor(walker); update(); });
      walker.rate.addEventListener("input", () => {
        walker.lr.value = Number((10 ** walker.rate.value).toPrecision(3));
        update();
      });
      for (const input of walker.inputs) input.addEventListener("input", () => update());
    }
    for (const { name } of data.schedules) for (const input of scheduleInputs(name)) input.addEventListener("input", () => update());
    for (const input of [formula, startX, startY, noise, seed, total, schedule]) input.addEventListener("input", () => update());
    total.addEventListener("input", () => go(chosen.steps));
    surface.addEventListener("change", () => { begunAt(); suggest(); update(); });
    steps.addEventListener("input", () => go(Number(steps.value)));
    byId("back").addEventListener("click", () => go(Math.ceil(now) - 1));
    byId("step").addEventListener("click", () => go(Math.floor(now) + 1));
    play.addEventListener("click", () => { if (frame) { stop(); draw(); tell(); keep(); } else start(); });
    byId("suggested").addEventListener("click", () => { suggest(); update(); });
    addEventListener("hashchange", () => { stop(); if (follow(location.hash)) update({ remember: false }); });
    movable();
    const linked = follow(location.hash);
    if (!linked) { begunAt(); suggest(); now = Infinity; }
    update({ remember: false });
    if (linked) document.getElementById("explorer").scrollIntoView();
    else if (!matchMedia("(prefers-reduced-motion: reduce)").matches) start();
    page.redraws.push(() => { draw(); tell(); });
  }

  const walks = () => found.map(({ walker, settings, path }) => ({ name: walker.name, settings, ...path, state: whole(path) }));
  return { begin, walks, ends };
})();

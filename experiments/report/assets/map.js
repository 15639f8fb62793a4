"use strict";
// The map: a picture of the function, drawn once for each view, and the paths over it.

// Where the picture is: both axes in one scale, and as much more as the canvas has room for.
function viewOf(canvas, limits) {
  const width = canvas.clientWidth, height = canvas.clientHeight;
  const scale = Math.min(width / (limits.x[1] - limits.x[0]), height / (limits.y[1] - limits.y[0]));
  const [cx, cy] = [limits.x, limits.y].map(([low, high]) => (low + high) / 2);
  return {
    width, height, scale,
    left: cx - width / 2 / scale, right: cx + width / 2 / scale,
    bottom: cy - height / 2 / scale, top: cy + height / 2 / scale,
    at: (x, y) => [width / 2 + (x - cx) * scale, height / 2 - (y - cy) * scale],
    from: (px, py) => [cx + (px - width / 2) / scale, cy - (py - height / 2) / scale],
  };
}

// A context in CSS pixels on a canvas as sharp as the screen.
function sharp(canvas) {
  const ratio = Math.min(2, devicePixelRatio || 1);
  const size = [canvas.clientWidth * ratio, canvas.clientHeight * ratio].map(Math.round);
  if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  return context;
}

const LEVELS = 22, EVERY = 3;

// The values of all pixels: of every third in each direction as they are, of the others between.
function smooth(width, height, value) {
  const columns = Math.ceil(width / EVERY) + 1, rows = Math.ceil(height / EVERY) + 1;
  const coarse = Float64Array.from({ length: columns * rows }, (_, k) => value((k % columns) * EVERY, Math.floor(k / columns) * EVERY));
  const values = new Float64Array(width * height);
  for (let row = 0; row < height; row += 1) {
    const down = (row % EVERY) / EVERY, at = Math.floor(row / EVERY) * columns;
    for (let column = 0; column < width; column += 1) {
      const k = at + Math.floor(column / EVERY), right = (column % EVERY) / EVERY;
      const upper = coarse[k] + right * (coarse[k + 1] - coarse[k]);
      const lower = coarse[k + columns] + right * (coarse[k + columns + 1] - coarse[k + columns]);
      values[row * width + column] = upper + down * (lower - upper) || 0;
    }
  }
  return values;
}

// Bands of equal area from low to high, with a line between two of them.
function shaded(view, value, dark) {
  const width = Math.round(view.width), height = Math.round(view.height);
  const values = smooth(width, height, (column, row) => {
    const found = value(...view.from(column + 0.5, row + 0.5));
    return Number.isNaN(found) ? Infinity : found;
  });
  const level = levels(values);
  const band = Uint8Array.from(values, level);
  const picture = new ImageData(width, height);
  const [low, high, line] = dark
    ? [[42, 58, 82], [20, 23, 28], [84, 98, 118]] : [[214, 229, 243], [255, 255, 255], [168, 182, 198]];
  for (let k = 0; k < band.length; k += 1) {
    const edge = (k % width < width - 1 && band[k] !== band[k + 1]) || (k + width < band.length && band[k] !== band[k + width]);
    const share = band[k] / (LEVELS - 1);
    for (let c = 0; c < 3; c += 1) picture.data[4 * k + c] = edge ? line[c] : low[c] + share * (high[c] - low[c]);
    picture.data[4 * k + 3] = 255;
  }
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  canvas.getContext("2d").putImageData(picture, 0, 0);
  return canvas;
}

// The band of a value, by the values that a sample of them has at equal shares; finer at the bottom.
function levels(values) {
  const sample = Float64Array.from({ length: 2000 }, (_, k) => values[Math.floor((k * values.length) / 2000)]).sort();
  const bounds = Array.from({ length: LEVELS - 1 }, (_, k) => sample[Math.floor(((k + 1) / LEVELS) ** 1.5 * 1999)]);
  return (value) => {
    let low = 0, high = bounds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value > bounds[middle]) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

// A path up to a step, which may lie between two; and where it ends, as canvas coordinates.
function trace(context, view, path, step, color) {
  const last = path.x.length - 1, whole = Math.min(last, Math.floor(step)), rest = Math.min(step, last) - whole;
  context.strokeStyle = context.fillStyle = color;
  context.lineWidth = 2;
  context.beginPath();
  for (let k = 0; k <= whole; k += 1) context.lineTo(...view.at(path.x[k], path.y[k]));
  let end = view.at(path.x[whole], path.y[whole]);
  if (rest) {
    const to = view.at(path.x[whole + 1], path.y[whole + 1]);
    end = end.map((from, i) => from + rest * (to[i] - from));
    context.lineTo(...end);
  }
  context.stroke();
  if (last <= 200) {
    for (let k = 1; k <= whole; k += 1) dot(context, view.at(path.x[k], path.y[k]), 2.2);
  }
  dot(context, end, 5);
  return end;
}

function dot(context, [x, y], radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

// Names at the ends of the paths, moved apart where they would cover each other.
function labels(context, view, ends, ground) {
  context.font = `600 12px ${getComputedStyle(document.body).fontFamily}`;
  context.textBaseline = "middle";
  const placed = [];
  for (const { at: [x, y], name, color } of ends) {
    if (x < 0 || x > view.width || y < 0 || y > view.height) continue;
    const width = context.measureText(name).width;
    const left = x + 9 + width > view.width ? x - 9 - width : x + 9;
    const clashes = (top) => placed.some((p) => Math.abs(p.top - top) < 14 && left < p.right && left + width > p.left);
    let top = y;
    for (let k = 1; clashes(top) && k < 30; k += 1) top = y + (k % 2 ? 1 : -1) * Math.ceil(k / 2) * 7;
    top = Math.min(view.height - 8, Math.max(8, top));
    placed.push({ top, left, right: left + width });
    context.lineWidth = 3;
    context.strokeStyle = ground;
    context.strokeText(name, left, top);
    context.fillStyle = color;
    context.fillText(name, left, top);
  }
}

function cross(context, [x, y], size) {
  context.beginPath();
  context.moveTo(x - size, y - size);
  context.lineTo(x + size, y + size);
  context.moveTo(x - size, y + size);
  context.lineTo(x + size, y - size);
  context.stroke();
}

// Curves over the steps on a logarithmic axis, of those of their values that are above 0.
function overSteps(canvas, curves, steps, now) {
  const context = sharp(canvas), width = canvas.clientWidth, height = canvas.clientHeight;
  const box = { left: 52, right: width - 12, top: 8, bottom: height - 34 };
  const all = curves.flatMap(({ values }) => values.filter((value) => value > 1e-16 && value < 1e16));
  let [low, high] = all.length ? [Math.min(...all), Math.max(...all)].map(Math.log10) : [-1, 1];
  [low, high] = [Math.floor(low), Math.max(Math.ceil(high), Math.floor(low) + 1)];
  const x = (step) => box.left + (step / Math.max(1, steps)) * (box.right - box.left);
  const y = (value) => box.bottom - ((Math.log10(Math.max(value, 1e-300)) - low) / (high - low)) * (box.bottom - box.top);
  pen(context, { textAlign: "right" });
  const every = Math.ceil((high - low) / 6);
  for (let at = low; at <= high; at += every) {
    line(context, [box.left, y(10 ** at)], [box.right, y(10 ** at)]);
    context.fillText(power(at), box.left - 6, y(10 ** at));
  }
  context.textAlign = "center";
  for (let k = 0; k <= 5; k += 1) context.fillText(String(Math.round((k * steps) / 5)), x((k * steps) / 5), box.bottom + 11);
  context.fillText(word("step"), (box.left + box.right) / 2, box.bottom + 26);
  context.save();
  context.beginPath();
  context.rect(box.left, box.top, box.right - box.left, box.bottom - box.top);
  context.clip();
  for (const { values, color } of curves) {
    context.lineWidth = 2;
    for (const [alpha, from, to] of [[0.28, 0, values.length - 1], [1, 0, Math.min(Math.floor(now), values.length - 1)]]) {
      context.globalAlpha = alpha;
      context.strokeStyle = color;
      context.beginPath();
      for (let k = from; k <= to; k += 1) context.lineTo(x(k), y(values[k]));
      context.stroke();
    }
  }
  context.restore();
  pen(context, { strokeStyle: tone("--muted") });
  line(context, [x(now), box.top], [x(now), box.bottom]);
}

function line(context, from, to) {
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
}

const raised = (power) => [...String(power)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("");

"use strict";
// Small plots on a canvas, for what moves while a slider does.

// The widest grid of panels that fits, and a function that gives the box of each.
function panelsOn(canvas, count, { most, least, height }) {
  const width = canvas.clientWidth, columns = Math.max(1, Math.min(most, count, Math.floor(width / least)));
  const each = width / columns, rows = Math.ceil(count / columns);
  canvas.style.height = `${rows * height}px`;
  return (index) => {
    const left = (index % columns) * each, top = Math.floor(index / columns) * height;
    return { left: left + 8, right: left + each - 8, top: top + 20, bottom: top + height - 20, first: index % columns === 0 };
  };
}

function pen(context, look = {}) {
  Object.assign(context, {
    font: `12px ${getComputedStyle(document.body).fontFamily}`, textBaseline: "middle", textAlign: "left", lineWidth: 1,
    fillStyle: tone("--muted"), strokeStyle: tone("--grid"), ...look,
  });
}

// A histogram with its title, and the ends of its axis.
function histogram(context, box, { title, shares, top, range, color }) {
  pen(context, { fillStyle: colour("@text") });
  context.fillText(title, box.left, box.top - 10);
  pen(context);
  line(context, [box.left, box.bottom], [box.right, box.bottom]);
  range.forEach((end, k) => {
    context.textAlign = ["left", "right"][k];
    context.fillText(signed(end), [box.left, box.right][k], box.bottom + 10);
  });
  context.fillStyle = color;
  const wide = (box.right - box.left) / shares.length;
  shares.forEach((share, k) => {
    const high = Math.min(1, share / top) * (box.bottom - box.top);
    context.fillRect(box.left + k * wide, box.bottom - high, Math.max(1, wide - 1), high);
  });
}

// Curves over the layers; on a logarithmic axis where `log` says so.
function overLayers(canvas, curves, { title, log, depth, xTitle }) {
  const box = { left: 52, right: canvas.clientWidth - 14, top: 24, bottom: canvas.clientHeight - 40 };
  const context = sharp(canvas);
  const drawn = (v) => Number.isFinite(v) && (!log || v > 0);
  const [low, high] = log ? powers(curves.flatMap(({ values }) => values.filter(drawn))) : [0, 1];
  const up = (v) => (log ? Math.log10(v) : v);
  const y = (v) => box.bottom - ((up(v) - low) / (high - low)) * (box.bottom - box.top);
  const x = (layer) => box.left + ((layer - 1) / Math.max(1, depth - 1)) * (box.right - box.left);
  pen(context, { fillStyle: colour("@text") });
  context.fillText(title, box.left, 10);
  pen(context, { textAlign: "right" });
  const every = log ? Math.ceil((high - low) / 5) : 0.25;
  for (let at = low; at <= high + 1e-9; at += every) {
    const v = log ? 10 ** at : at;
    line(context, [box.left, y(v)], [box.right, y(v)]);
    context.fillText(log ? power(at) : String(at), box.left - 6, y(v));
  }
  context.textAlign = "center";
  for (let layer = 1; layer <= depth; layer += depth > 10 ? 2 : 1) context.fillText(String(layer), x(layer), box.bottom + 12);
  context.fillText(xTitle, (box.left + box.right) / 2, box.bottom + 28);
  for (const { values, color } of curves) curve(context, values.flatMap((v, k) => (drawn(v) ? [[x(k + 1), y(v)]] : [])), color);
}

function curve(context, points, color) {
  Object.assign(context, { strokeStyle: color, fillStyle: color, lineWidth: 2 });
  context.beginPath();
  for (const point of points) context.lineTo(...point);
  context.stroke();
  for (const point of points) dot(context, point, 3.5);
}

// The powers of ten that hold all values, three of them at least: noise shall not look like a trend.
function powers(values) {
  if (!values.length) return [-1, 1];
  const low = Math.floor(Math.log10(Math.min(...values))), high = Math.ceil(Math.log10(Math.max(...values)));
  return [Math.min(low, high - 2), high];
}

const power = (at) => (at >= -2 && at <= 3 ? String(Number((10 ** at).toPrecision(1))) : `10${raised(at)}`);

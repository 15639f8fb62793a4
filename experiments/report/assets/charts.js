"use strict";
// Panels in a grid that fits the width, drawn by Plotly when they come into view.

const GAP = { x: 64, y: 64 };
const MARGIN = { l: 72, r: 12, t: 30, b: 48 };
const coarse = matchMedia("(pointer: coarse)");

// A trace with the page's colours in place of @3, and its texts in the page's language.
function dressed(value) {
  if (typeof value === "string") return value.startsWith("@") ? colour(value) : value;
  if (Array.isArray(value)) return value.map(dressed);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, dressed(v)]));
}

function shown(trace, chosen) {
  return (
    !(trace.group != null && chosen.groups && !chosen.groups.has(trace.group)) &&
    !(trace.backend && chosen.backends && !chosen.backends.has(trace.backend))
  );
}

const decoded = new WeakMap();

// All numbers above 0 that the traces have along an axis.
function positive(traces, along) {
  return traces.flatMap((trace) => {
    const packed = trace[along];
    if (!packed?.bdata) return Array.isArray(packed) ? packed.filter((v) => v > 0) : [];
    if (!decoded.has(packed)) decoded.set(packed, [...unpacked(packed)].filter((v) => v > 0));
    return decoded.get(packed);
  });
}

// 0.1, 0.2, 0.5, 1, 2 … where that is not too much, else the powers of ten alone.
function logTicks(values, room) {
  if (!values.length) return {};
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  const [first, last] = [Math.floor(Math.log10(low)) - 1, Math.ceil(Math.log10(high)) + 1];
  const decades = Math.log10(high / low), fine = decades * 3 * 22 < room && decades < 4;
  const every = fine ? 1 : Math.max(1, Math.ceil((decades * 34) / room)), tickvals = [], ticktext = [];
  for (let at = first; at <= last; at += 1) {
    for (const digit of fine ? [1, 2, 5] : [1]) {
      if (at % every) continue;
      tickvals.push(digit * 10 ** at);
      ticktext.push(at >= -4 && at <= 3 ? String(Number((digit * 10 ** at).toPrecision(1))) : `${digit > 1 ? digit + "·" : ""}10${raised(at)}`);
    }
  }
  return { tickvals, ticktext };
}

function axis(spec, title, domain, anchor, room, values) {
  const plainAxis = {
    title: { text: title ? plain(title) : "", standoff: 6 },
    type: spec.log ? "log" : "linear",
    domain,
    anchor,
    automargin: false,
    gridcolor: tone("--grid"),
    linecolor: colour("@muted"),
    zeroline: false,
    exponentformat: "power",
    nticks: Math.max(2, Math.min(6, Math.round(room / 45))),
  };
  if (spec.log) Object.assign(plainAxis, logTicks(values(), room));
  if (spec.ticks?.length) Object.assign(plainAxis, { tickvals: spec.ticks, ticktext: spec.ticks.map(String) });
  if (spec.range) plainAxis.range = spec.range;
  return plainAxis;
}

// Numbers that Python has packed.
function unpacked({ bdata }) {
  const raw = atob(bdata), found = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i += 1) found[i] = raw.charCodeAt(i); // ten times as fast as from()
  return new Float32Array(found.buffer);
}

// Both sides at every point of one of them, and how far apart they are; single precision has 7 digits.
function besides({ y, other, backend }) {
  const theirs = unpacked(other);
  return Array.from(unpacked(y), (value, k) => {
    const [scratch, torch] = backend === "scratch" ? [value, theirs[k]] : [theirs[k], value];
    const apart = Math.abs(scratch - torch) / Math.max(Math.abs(scratch), Math.abs(torch));
    return [signed(scratch), signed(torch), scratch === torch ? "< 0.00001 %" : `${signed(Number((100 * apart).toPrecision(2)))} %`];
  });
}

function hover(trace, panel) {
  if (trace.hoverinfo || trace.hovertemplate || trace.type === "contour") return {};
  if (trace.other) {
    return {
      customdata: besides(trace),
      hovertemplate: `<b>${plain(trace.name)}</b><br>${plain(panel.x.title ?? "")} %{x}<br>scratch %{customdata[0]}<br>`
        + `torch %{customdata[1]}<br>${word("difference")} %{customdata[2]}<extra></extra>`,
    };
  }
  const text = trace.text ? "<br>%{text}" : "", side = trace.backend ? `, ${trace.backend}` : "";
  const x = panel.x.title ? plain(panel.x.title) + " " : "";
  const y = panel.rows?.length ? "" : "<br>" + (panel.y.title ? plain(panel.y.title) + " " : "") + "%{y:.4g}";
  return { hovertemplate: `<b>${plain(trace.name)}${side}</b>${text}<br>${x}%{x:.4g}${y}<extra></extra>` };
}

// A picture of the plane, whose axes are in one scale: then how high it is for its width.
function heightToWidth(panel) {
  const { x, y } = panel ?? {};
  const plane = x && x.title === "x" && y.title === "y" && x.range && y.range;
  return plane ? (y.range[1] - y.range[0]) / (x.range[1] - x.range[0]) : null;
}

// The panels that are chosen, how many columns fit, and how much room they take inside of the margins.
function grid(spec, chosen, width) {
  const panels = spec.panels.filter((panel) => panel.choice == null || panel.choice === chosen.choice);
  const ratio = heightToWidth(panels[0]);
  const least = spec.columns > 2 && !ratio ? 130 : 320;
  const columns = Math.max(1, Math.min(spec.columns, panels.length, Math.floor(width / least)));
  const rows = Math.ceil(panels.length / columns);
  const across = width - MARGIN.l - MARGIN.r, panelWidth = (across - (columns - 1) * GAP.x) / columns;
  const high = ratio ? panelWidth * ratio : spec.height;
  return { panels, columns, panelWidth, high, inner: { x: across, y: rows * high + (rows - 1) * GAP.y } };
}

// Keep the room that a chart will take, so that a link to what is below it leads there.
function reserve(element, spec, width = element.clientWidth) {
  const { inner } = grid(spec, { choice: 0 }, width || 300);
  element.style.minHeight = `${inner.y + MARGIN.t + MARGIN.b}px`;
}

// Plotly's data and layout of a chart, with those traces that are chosen.
function compose(spec, chosen, width) {
  const { panels, columns, panelWidth, high, inner } = grid(spec, chosen, width);
  const data = [], annotations = [], shapes = [];
  const layout = {
    width, height: inner.y + MARGIN.t + MARGIN.b, margin: MARGIN, showlegend: false,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "closest",
    font: { color: colour("@text"), size: 12, family: getComputedStyle(document.body).fontFamily },
    dragmode: coarse.matches ? false : "zoom", uirevision: chosen.revision ?? 0, bargap: 0.05,
    hoverlabel: { namelength: -1 },
  };
  panels.forEach((panel, index) => {
    const suffix = index ? String(index + 1) : "";
    const column = index % columns, row = Math.floor(index / columns);
    const left = (column * (panelWidth + GAP.x)) / inner.x;
    const top = 1 - (row * (high + GAP.y)) / inner.y;
    const x = [left, left + panelWidth / inner.x];
    const y = [Math.max(0, top - high / inner.y), top];
    const last = index + columns >= panels.length;
    const yTitle = column === 0 || panel.y.title !== panels[index - 1]?.y.title ? panel.y.title : "";
    layout["xaxis" + suffix] = axis(panel.x, last ? panel.x.title : "", x, "y" + suffix, panelWidth, () => positive(panel.traces, "x"));
    layout["yaxis" + suffix] = axis(panel.y, yTitle, y, "x" + suffix, high, () => positive(panel.traces, "y"));
    if (panel.rows?.length) inRows(panel, layout["yaxis" + suffix], annotations, suffix);
    if (panel.title) {
      annotations.push({
        text: plain(panel.title), x: x[0], y: y[1], xref: "paper", yref: "paper", showarrow: false,
        xanchor: "left", yanchor: "bottom", font: { size: 12 },
      });
    }
    (panel.notes ?? []).forEach((note, line) => annotations.push({
      text: plain(note.text), x: 0.5, y: 1, xref: `x${suffix} domain`, yref: `y${suffix} domain`, yshift: -14 * line,
      yanchor: "top", showarrow: false, font: { size: 11, color: colour(note.color) },
    }));
    for (const trace of panel.traces) {
      if (!shown(trace, chosen)) continue;
      if (trace.type === "rule") { across(trace, suffix, shapes, annotations); continue; }
      const { group, backend, other, ...rest } = trace;
      if (rest.text) rest.text = rest.text.map(plain);
      data.push({ ...dressed(rest), ...hover(trace, panel), meta: backend, name: plain(trace.name), xaxis: "x" + suffix, yaxis: "y" + suffix });
    }
  });
  Object.assign(layout, { annotations, shapes });
  return { data, layout };
}

// A line across the panel, with its text at the end.
function across(rule, suffix, shapes, annotations) {
  const upright = rule.x != null, own = { xref: "x" + suffix, yref: "y" + suffix };
  const refs = { ...own, [upright ? "yref" : "xref"]: `${upright ? "y" : "x"}${suffix} domain` };
  const line = { color: colour("@muted"), width: 2 };
  shapes.push({ type: "line", layer: "below", line, x0: rule.x ?? 0, x1: rule.x ?? 1, y0: rule.y ?? 0, y1: rule.y ?? 1, ...refs });
  if (rule.text) {
    annotations.push({ text: plain(rule.text), x: rule.x ?? 1, y: rule.y ?? 1, xanchor: "right", yanchor: "bottom", showarrow: false, ...refs });
  }
}

// Names above the rows: beside them, on a phone, they would leave nothing for the plot.
function inRows(panel, yaxis, annotations, suffix) {
  Object.assign(yaxis, { range: [panel.rows.length - 0.5, -0.7], showticklabels: false, showgrid: false });
  panel.rows.forEach((text, row) => annotations.push({
    text: plain(text), x: 0, y: row, xref: `x${suffix} domain`, yref: "y" + suffix, xanchor: "left",
    showarrow: false, yshift: 12, font: { size: 11, color: colour("@text") },
  }));
}

function drawInto(element, spec, chosen) {
  const { data, layout } = compose(spec, chosen, page.print ? 660 : element.clientWidth || 300);
  element.style.minHeight = `${layout.height}px`;
  return plotly().react(element, data, layout, { displayModeBar: false, responsive: false });
}

// A chart as a file: on a ground, and with a legend, which on the page are its switches.
function saveChart(name, spec, chosen, format) {
  const { data, layout } = compose(spec, chosen, 900), seen = new Set();
  for (const trace of data) {
    if (trace.meta) trace.name += `, ${trace.meta}`;
    trace.showlegend = !trace.fill && Boolean(trace.name) && !seen.has(trace.name);
    if (trace.showlegend) seen.add(trace.name); // a band is none of it
  }
  const ground = tone("--ground");
  const title = { text: plain(document.getElementById(`title-${name}`).innerText), font: { size: 15 } };
  Object.assign(layout, { title, showlegend: true, paper_bgcolor: ground, plot_bgcolor: ground, margin: { ...MARGIN, t: 64, r: 190 }, width: 1080, height: layout.height + 34 });
  return plotly().downloadImage({ data, layout }, { format, filename: `lockstep-${name}`, width: layout.width, height: layout.height, scale: format === "png" ? 2 : 1 });
}

// The table of a figure as a file.
function saveTable(name, figure) {
  const quoted = (cell) => `"${cell.textContent.trim().replaceAll('"', '""')}"`;
  const visible = (cell) => { const copy = cell.cloneNode(true); for (const other of copy.querySelectorAll(`[lang]:not([lang=${page.language}])`)) other.remove(); return copy; };
  const rows = [...figure.querySelectorAll("table tr")].map((row) => [...row.cells].map((cell) => quoted(visible(cell))).join(","));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([rows.join("\n") + "\n"], { type: "text/csv" }));
  link.download = `lockstep-${name}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// Plotly is a third of a second's reading: it waits as text until the first chart is drawn.
function plotly() {
  if (!window.Plotly) {
    const script = document.createElement("script");
    script.textContent = document.getElementById("plotly").textContent;
    document.head.append(script);
  }
  return Plotly;
}

// Draw when it comes into view, and when anything has changed as soon as it is in view again.
function whenSeen(element, draw) {
  const watcher = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) { watcher.disconnect(); draw(); }
  }, { rootMargin: "300px" });
  watcher.observe(element);
  page.redraws.push((all) => {
    watcher.disconnect();
    if (all) draw();
    else watcher.observe(element);
  });
}

function mount(figure, width) {
  const spec = DATA.charts[figure.dataset.chart], element = figure.querySelector(".plot");
  const controls = [...figure.querySelectorAll("[data-control]")];
  let revision = 0;
  const checked = (kind) => {
    const boxes = controls.filter((c) => c.dataset.control === kind);
    return boxes.length ? boxes.filter((b) => b.checked).map((b) => b.value) : null;
  };
  const chosen = () => {
    const groups = checked("group"), backends = checked("backend");
    const choice = controls.find((c) => c.dataset.control === "choice");
    return {
      groups: groups && new Set(groups.map(Number)), backends: backends && new Set(backends),
      choice: choice ? Number(choice.value) : null, revision,
    };
  };
  const whole = controls.find((c) => c.dataset.control === "whole");
  const draw = () => {
    drawInto(element, spec, chosen());
    if (element.dataset.zooms) return;
    element.dataset.zooms = "yes";
    element.on("plotly_relayout", (change) => { if (Object.keys(change).some((key) => key.includes("axis"))) whole.hidden = false; });
  };
  whole.addEventListener("click", () => { whole.hidden = true; });
  for (const control of controls) {
    if (control.dataset.control === "save") {
      control.addEventListener("click", () => (control.value === "csv" ? saveTable(figure.dataset.chart, figure) : saveChart(figure.dataset.chart, spec, chosen(), control.value)));
    } else if (control.dataset.control === "whole") control.addEventListener("click", () => { revision += 1; draw(); });
    else control.addEventListener("change", draw);
  }
  reserve(element, spec, width);
  whenSeen(element, draw);
}

"use strict";
// The language, the theme, and what every chart needs of them.

const DATA = JSON.parse(document.getElementById("data").textContent);
const root = document.documentElement;
const page = { language: "en", dark: false, print: false, redraws: [] };

// Okabe and Ito's colours; on a dark ground lighter ones of the same hues.
const LIGHT = ["#0072b2", "#d55e00", "#009e73", "#b0578d", "#b37a00", "#6a3fc4", "#1b1f24",
  "#8c1d40", "#4f7f00", "#00838f", "#7a4a2b", "#c2185b", "#5a6b7a", "#3949ab", "#806000", "#00695c", "#b0178f", "#666600"];
const DARK = ["#56a8e0", "#f58a3c", "#2fc79b", "#e09cc4", "#e8b53a", "#b49cf5", "#e8eaed",
  "#ff8fa8", "#a5d34f", "#4dd0e1", "#d2a27c", "#ff77b0", "#a9b8c6", "#9fa8ff", "#dfc35a", "#5fc9b5", "#f58ae0", "#cfcf5a"];

function remembered(key) {
  try { return localStorage.getItem("lockstep-" + key); } catch { return null; }
}

function remember(key, value) {
  try { localStorage.setItem("lockstep-" + key, value); } catch { /* a file may have no storage */ }
}

// A text of a chart, which may have a Korean one.
function tr(text) {
  return page.language === "ko" && Object.hasOwn(DATA.korean, text) ? DATA.korean[text] : text;
}

// What Plotly is to write as it stands: it would take < and & for its own.
function plain(text) {
  return tr(String(text)).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

// One of the scripts' own texts, with values in it.
function word(name, values = {}) {
  const text = DATA.words[name][page.language === "ko" ? 1 : 0];
  return text.replace(/\{(\w+)\}/g, (all, key) => (key in values ? values[key] : all));
}

function colour(code) {
  const dark = root.dataset.theme === "dark";
  if (code === "@text") return dark ? "#e8eaed" : "#1b1f24";
  if (code === "@muted") return dark ? "#5a6470" : "#b4bcc6";
  const [, index, alpha] = code.match(/^@(\d+)(?:\/([\d.]+))?$/);
  const hex = (dark ? DARK : LIGHT)[index % LIGHT.length];
  return alpha ? hex + Math.round(alpha * 255).toString(16).padStart(2, "0") : hex;
}

// A colour of the style.
const tone = (name) => getComputedStyle(root).getPropertyValue(name);

function paint(within = document) {
  for (const element of within.querySelectorAll("[data-color]")) {
    element.style.background = colour("@" + element.dataset.color);
  }
}

function number(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e5 ? String(Number(value.toPrecision(4))) : value.toExponential(2);
}

const signed = (value) => number(value).replaceAll("-", "−");

// The rows of a table, the first cell of each naming it.
function fill(selector, rows) {
  document.querySelector(selector).replaceChildren(...rows.map((cells) => {
    const row = document.createElement("tr");
    cells.forEach((text, column) => {
      const cell = document.createElement(column ? "td" : "th");
      if (!column) cell.scope = "row";
      cell.textContent = text;
      row.append(cell);
    });
    return row;
  }));
}

// Everything that is drawn already; or everything.
function redraw(all = false) {
  for (const draw of page.redraws) draw(all);
}

function setLanguage(language) {
  page.language = root.lang = language;
  document.title = word("title");
  for (const option of document.querySelectorAll("option[data-en]")) {
    option.textContent = option.dataset[language];
  }
}

function setTheme(dark) {
  page.dark = dark;
  root.dataset.theme = dark && !page.print ? "dark" : "light"; // paper is light
  document.getElementById("theme").setAttribute("aria-pressed", String(dark));
  paint();
}

document.getElementById("language").addEventListener("click", () => {
  setLanguage(page.language === "en" ? "ko" : "en");
  remember("language", page.language);
  redraw();
});
document.getElementById("theme").addEventListener("click", () => {
  setTheme(!page.dark);
  remember("theme", page.dark ? "dark" : "light");
  redraw();
});
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
prefersDark.addEventListener("change", () => {
  if (remembered("theme")) return;
  setTheme(prefersDark.matches);
  redraw();
});

setLanguage(remembered("language") ?? (navigator.language.startsWith("ko") ? "ko" : "en"));
setTheme(remembered("theme") ? remembered("theme") === "dark" : prefersDark.matches);

"use strict";
// Begins, and sees to widths and to printing.

paint();
explorer.begin();
// All figures are as wide as the chapter: to ask each would lay out what is not in view yet.
const wide = document.getElementById("chapter").clientWidth;
for (const figure of document.querySelectorAll("[data-chart]")) mount(figure, wide);
lab.begin();
survey.begin();

let width = innerWidth, waiting = null;
addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    if (innerWidth === width || page.print) return; // a phone's bars come and go with scrolling
    width = innerWidth;
    redraw();
  }, 150);
});
function forPaper(paper) {
  page.print = paper;
  setTheme(page.dark);
  redraw(paper);
}
addEventListener("beforeprint", () => forPaper(true));
addEventListener("afterprint", () => forPaper(false));

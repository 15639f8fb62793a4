"use strict";
// Begins, and sees to widths and to printing.

paint();
explorer.begin();
const figures = [...document.querySelectorAll("[data-chart]")];
// All widths first: to read one after a change would lay the whole page out again.
const widths = figures.map((figure) => figure.clientWidth);
figures.forEach((figure, index) => mount(figure, widths[index]));
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

"use strict";
// Which rows of the survey are shown.

const survey = (() => {
  const rows = [...document.querySelectorAll("#survey tbody tr")];
  const [kind, find, differs] = ["kind", "find", "differs"].map((name) => document.getElementById(`survey-${name}`));

  function filter() {
    const wanted = find.value.trim().toLowerCase();
    for (const row of rows) {
      row.hidden = (kind.value && row.dataset.kind !== kind.value) || (differs.checked && row.dataset.verdict !== "differs")
        || !row.textContent.toLowerCase().includes(wanted);
    }
    document.getElementById("survey-count").textContent = `${rows.filter((row) => !row.hidden).length} / ${rows.length}`;
  }

  function begin() {
    if (!rows.length) return;
    for (const control of [kind, find, differs]) control.addEventListener("input", filter);
    filter();
  }

  return { begin };
})();

"use strict";
// Tables that sort by the column whose heading is pressed, and show long contents a part at a time.
//
// Columns are {title, value(row), cell(row), number}; a row without a value comes last, whichever way it goes.
const Table = (() => {
  const { el } = DOM;
  function make(place, columns, { sort = 0, descending = false, part = 25, attributes = () => ({}) } = {}) {
    const order = { column: sort, descending, rows: [], count: part };
    const headings = columns.map((column, index) => el("th", { scope: "col", class: column.number ? "number" : null },
      el("button", { type: "button", onclick: () => sortBy(index) }, column.title)));
    const body = el("tbody");
    const more = el("button", { type: "button", class: "more", onclick: () => { order.count += 4 * part; draw(); } });
    place.append(el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, headings)), body)), more);

    function sortBy(column) {
      order.descending = column === order.column ? !order.descending : false;
      order.column = column;
      draw();
    }

    function setRows(rows) {
      order.rows = rows;
      order.count = part;
      draw();
    }

    function draw() {
      const { value } = columns[order.column];
      const rows = [...order.rows].sort((a, b) => compare(value(a), value(b), order.descending ? -1 : 1));
      body.replaceChildren(...rows.slice(0, order.count).map((row) => el("tr", attributes(row),
        columns.map((column, index) => el(index ? "td" : "th",
          { class: column.number ? "number" : null, scope: index ? null : "row" }, column.cell(row))))));
      const left = rows.length - order.count;
      more.hidden = left <= 0;
      more.textContent = `Show more (${left} left)`;
      headings.forEach((heading, index) => {
        const direction = order.descending ? "descending" : "ascending";
        heading.setAttribute("aria-sort", index === order.column ? direction : "none");
      });
    }

    return { setRows };
  }

  function compare(a, b, sign) {
    const missing = (value) => value === null || value === undefined;
    if (missing(a) || missing(b)) return missing(a) - missing(b);
    return sign * (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b);
  }

  return { make };
})();

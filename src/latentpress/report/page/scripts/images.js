"use strict";
// Every image at every point, as a table to sort and filter.
const Images = (() => {
  const { el, choice, labelled } = DOM;
  const { state } = State;

  function start() {
    const section = document.getElementById("images");
    const rows = state.data.images.map(([id, point, source, bpp, psnr, msSsim, encode, decode]) => ({
      curve: State.curve(id), point, source, bpp, psnr, msSsim, encode, decode,
    }));
    section.hidden = rows.length === 0;
    if (section.hidden) return;
    const filter = { text: "", curve: "" };
    const table = Table.make(document.getElementById("images-table"), columns());
    const draw = () => table.setRows(rows.filter((row) =>
      (!filter.curve || row.curve.id === filter.curve) &&
      `${row.source} ${row.point}`.toLowerCase().includes(filter.text)));
    const search = el("input", { type: "search", placeholder: "image or point", oninput: () => {
      filter.text = search.value.toLowerCase();
      draw();
    } });
    const measured = [...new Set(rows.map((row) => row.curve))].map((curve) => [curve.id, curve.name]);
    document.getElementById("images-controls").append(
      choice("Curve", [["", "All"], ...measured], "", (curve) => { filter.curve = curve; draw(); }),
      labelled("Search", search));
    draw();
  }

  function columns() {
    const figure = (title, key, digits) => ({
      title, number: true, value: (row) => row[key], cell: (row) => Format.number(row[key], digits),
    });
    const time = (title, key) => ({
      title, number: true, value: (row) => row[key], cell: (row) => Format.seconds(row[key]),
    });
    return [
      { title: "Image", value: (row) => row.source, cell: (row) => row.source },
      { title: "Curve", value: (row) => row.curve.name,
        cell: (row) => el("span", { class: "curve-name" }, Marks.swatch(row.curve), el("span", {}, row.curve.name)) },
      { title: "Point", value: (row) => row.point, cell: (row) => row.point },
      figure("bpp", "bpp", 4),
      figure("PSNR [dB]", "psnr", 2),
      figure("MS-SSIM", "msSsim", 4),
      time("Encode", "encode"),
      time("Decode", "decode"),
    ];
  }

  return { start };
})();

"use strict";
(() => {
  const table = document.getElementById("board");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.querySelectorAll("tr.row")].map((row) => ({ row, details: row.nextElementSibling, place: row.id.slice(4) }));
  const heads = [...table.tHead.querySelectorAll("th button")];
  const find = document.getElementById("find");
  const memory = document.getElementById("memory");
  const model = document.getElementById("model");
  const front = document.getElementById("front");
  const count = document.getElementById("count");
  const points = new Map([...document.querySelectorAll(".point")].map((point) => [point.dataset.row, point]));

  const open = (one, wanted) => {
    one.row.querySelector(".open button").setAttribute("aria-expanded", String(wanted));
    one.details.hidden = !wanted || one.row.hidden;
  };
  const isOpen = (one) => one.row.querySelector(".open button").getAttribute("aria-expanded") === "true";

  const filter = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const one of rows) {
      const text = one.row.textContent.toLowerCase();
      const fits = words.every((word) => text.includes(word))
        && (!memory.value || one.row.dataset.memory === memory.value)
        && (!model.value || one.row.dataset.model === model.value)
        && (!front.checked || one.row.classList.contains("front"));
      one.row.hidden = !fits;
      one.details.hidden = !fits || !isOpen(one);
      const point = points.get(one.place);
      if (point) point.classList.toggle("off", !fits);
      shown += fits;
    }
    count.textContent = `${shown} of ${rows.length} rows`;
  };

  const sort = (column) => {
    const head = heads[column].parentElement;
    const kind = heads[column].dataset.kind;
    const first = kind === "down" ? "descending" : "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    const way = head.getAttribute("aria-sort") === first ? other : first;
    for (const one of heads) one.parentElement.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", way);
    const sign = way === "ascending" ? 1 : -1;
    const value = (one) => one.row.cells[column + 1].dataset.v;
    const order = [...rows].sort((a, b) => {
      const x = value(a), y = value(b);
      if (x === "" || y === "") return (x === "") - (y === "") || a.place - b.place;
      return (kind === "text" ? sign * x.localeCompare(y, "en") : sign * (x - y)) || a.place - b.place;
    });
    body.append(...order.flatMap((one) => [one.row, one.details]));
  };

  heads.forEach((head, column) => head.addEventListener("click", () => sort(column)));
  for (const one of rows) one.row.querySelector(".open button").addEventListener("click", () => open(one, !isOpen(one)));
  for (const [place, point] of points) {
    const one = rows.find((row) => row.place === place);
    const show = () => {
      open(one, true);
      one.row.scrollIntoView({ block: "center" });
      one.row.querySelector(".open button").focus();
    };
    point.setAttribute("tabindex", "0");
    point.setAttribute("role", "button");
    point.addEventListener("click", show);
    point.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); show(); }
    });
  }
  for (const one of [find, memory, model, front]) one.addEventListener("input", filter);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== find) { event.preventDefault(); find.focus(); }
    if (event.key === "Escape" && document.activeElement === find) { find.value = ""; filter(); }
  });
  filter();
})();

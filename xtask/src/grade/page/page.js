"use strict";
const form = document.querySelector("form");
const blocks = [...document.querySelectorAll(".block")];
const rows = [...document.querySelectorAll(".scroll tbody tr")];
const told = rows.map((row) => row.cells[0].textContent.toLowerCase());
const points = rows.map((row) => parseFloat(row.cells[1].textContent) || 0);
const [search, show, by] = form.elements;
const [output, all] = [form.querySelector("output"), form.querySelector("button")];
let mistake = "";

// Rows that fit, in order, filled into the tables that are there.
function apply() {
  const words = search.value.toLowerCase().split(/\s+/);
  const wanted = rows.keys().filter((n) =>
    words.every((word) => told[n].includes(word)) &&
    (!show.value || rows[n].classList.contains(show.value)) &&
    (!mistake || rows[n].querySelector(`a[href="${mistake}"]`)));
  const order = [...wanted];
  const compare = {
    name: (a, b) => told[a] < told[b] ? -1 : 1,
    most: (a, b) => points[b] - points[a],
    fewest: (a, b) => points[a] - points[b],
  }[by.value];
  if (compare) order.sort(compare);
  const size = Math.ceil(rows.length / blocks.length);
  blocks.forEach((block, n) => {
    const here = order.slice(n * size, (n + 1) * size);
    block.querySelector("tbody").replaceChildren(...here.map((row) => rows[row]));
    block.hidden = here.length === 0;
  });
  output.textContent = `${order.length} of ${rows.length}`;
  all.hidden = !mistake;
  all.textContent = mistake && "this mistake alone: show all";
}

form.hidden = false;
form.addEventListener("input", apply);
form.addEventListener("submit", (event) => event.preventDefault());
all.addEventListener("click", () => { mistake = ""; apply(); });
for (const item of document.querySelectorAll(".mistakes li")) {
  const button = document.createElement("button");
  button.textContent = "show in the matrix";
  button.addEventListener("click", () => {
    mistake = `#${item.id}`;
    search.value = show.value = "";
    apply();
    document.getElementById("matrix").scrollIntoView();
  });
  item.querySelector("details").append(button);
}
// A link to a row or a mistake reaches what is folded or left out.
addEventListener("hashchange", () => {
  const id = decodeURIComponent(location.hash.slice(1));
  let target = document.getElementById(id);
  if (!target && rows.some((row) => row.id === id)) {
    mistake = search.value = show.value = "";
    apply();
    target = document.getElementById(id);
  }
  for (let fold = target?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  target?.scrollIntoView({ block: "center" });
});
// Which check is under the pointer.
let on = null;
document.querySelector(".scroll").addEventListener("mousemove", (event) => {
  const cell = event.target.closest("tbody td");
  on?.classList.remove("on");
  on = null;
  if (!cell || cell.cellIndex < 2 || cell.colSpan > 1) return;
  const head = cell.closest("table").querySelector(".checks").cells[cell.cellIndex - 2];
  on = [...head.children].find((span) => {
    const box = span.getBoundingClientRect();
    return box.left <= event.clientX && event.clientX < box.right;
  }) || null;
  on?.classList.add("on");
});
apply();

// Une grille de champs. props.value : "1 0 2/0 1 3".
const MAX_SIDE = 12; // exercises/ex00_convolution/grids.py
const table = element.querySelector("table");
const sizes = element.querySelector(".taille");
let timer = null;

const read = () => [...table.rows].map((row) =>
  [...row.querySelectorAll("input")].map((field) => field.value.trim() || "0"));
const write = (rows) => rows.map((row) => row.join(" ")).join("/");

function send() {
  clearTimeout(timer);
  const text = write(read());
  if (text === props.value) return;
  props.value = text;
  trigger("input");
}

function draw(rows) {
  const shape = (lines) => lines.map((line) => line.length).join(",");
  if (shape(rows) !== shape(read())) {
    table.replaceChildren();
    rows.forEach((row, i) => {
      const line = table.insertRow();
      row.forEach((_, j) => {
        const field = document.createElement("input");
        field.type = "text";
        field.inputMode = "text";
        field.autocomplete = "off";
        field.maxLength = 8;
        field.setAttribute("aria-label", `${props.label}, ligne ${i + 1}, colonne ${j + 1}`);
        line.insertCell().append(field);
      });
    });
  }
  rows.forEach((row, i) => row.forEach((text, j) => {
    const field = table.rows[i].cells[j].firstChild;
    if (field !== document.activeElement || field.value.trim() === "") field.value = text;
  }));
}

function resize(dh, dw) {
  const rows = read();
  const height = Math.min(MAX_SIDE, Math.max(1, rows.length + dh));
  const width = Math.min(MAX_SIDE, Math.max(1, rows[0].length + dw));
  draw(Array.from({ length: height }, (_, i) =>
    Array.from({ length: width }, (_, j) => rows[i]?.[j] ?? "0")));
  send();
}

[["− ligne", -1, 0, "Retirer une ligne"], ["+ ligne", 1, 0, "Ajouter une ligne"],
 ["− colonne", 0, -1, "Retirer une colonne"], ["+ colonne", 0, 1, "Ajouter une colonne"],
].forEach(([text, dh, dw, title]) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.setAttribute("aria-label", `${title} (${props.label})`);
  button.addEventListener("click", () => resize(dh, dw));
  sizes.append(button);
});

table.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(send, 300); // le temps de finir de taper un nombre
});
table.addEventListener("change", send);
table.addEventListener("focusin", (event) => event.target.select());
table.addEventListener("keydown", (event) => {
  const field = event.target;
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], Enter: [1, 0] };
  if (field.selectionStart === 0) steps.ArrowLeft = [0, -1];
  if (field.selectionEnd === field.value.length) steps.ArrowRight = [0, 1];
  const step = steps[event.key];
  if (!step) return;
  const cell = field.parentElement;
  const next = table.rows[cell.parentElement.rowIndex + step[0]]?.cells[cell.cellIndex + step[1]];
  if (event.key === "Enter") send();
  if (!next) return;
  event.preventDefault();
  next.firstChild.focus();
});

const show = () => draw(props.value.split("/").map((row) => row.split(" ")));
show();
watch("value", show);

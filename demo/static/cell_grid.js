// Des cases à noircir. props.value : des lignes de # et de ., séparées par des espaces.
const board = element.querySelector(".cases");
let painting = null; // "#" ou "." : ce que pose le geste en cours

const rows = () => props.value.trim().split(/\s+/);
const cells = () => [...board.querySelectorAll("button")];

function paint(button, mark) {
  button.dataset.mark = mark;
  button.setAttribute("aria-pressed", mark === "#");
}

function draw() {
  const lines = rows();
  if (cells().length !== lines.join("").length) {
    board.style.setProperty("--colonnes", lines[0].length);
    board.replaceChildren();
    lines.forEach((line, i) => {
      const row = document.createElement("div");
      row.setAttribute("role", "row");
      [...line].forEach((_, j) => {
        const button = document.createElement("button");
        button.type = "button";
        button.tabIndex = i || j ? -1 : 0; // une seule case dans le parcours de Tab
        button.setAttribute("aria-label", `ligne ${i + 1}, colonne ${j + 1}`);
        const cell = document.createElement("div");
        cell.setAttribute("role", "gridcell");
        cell.append(button);
        row.append(cell);
      });
      board.append(row);
    });
  }
  const marks = lines.join("");
  cells().forEach((button, k) => paint(button, marks[k]));
}

function send() {
  const width = rows()[0].length;
  const marks = cells().map((button) => button.dataset.mark).join("");
  const text = marks.match(new RegExp(`.{${width}}`, "g")).join(" ");
  if (text === rows().join(" ")) return;
  props.value = text;
  trigger("input");
}

const toggled = (button) => (button.dataset.mark === "#" ? "." : "#");

board.addEventListener("pointerdown", (event) => {
  const button = event.target.closest("button");
  if (!button || event.button) return;
  event.preventDefault();
  button.focus();
  painting = toggled(button);
  paint(button, painting);
});
board.addEventListener("pointermove", (event) => {
  if (painting === null) return;
  const button = document.elementFromPoint(event.clientX, event.clientY)?.closest("button");
  if (button && board.contains(button)) paint(button, painting);
});
document.addEventListener("pointerup", () => {
  if (painting === null) return;
  painting = null;
  send();
});
board.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || event.detail) return; // la souris est déjà passée par pointerdown
  paint(button, toggled(button)); // espace ou Entrée
  send();
});
board.addEventListener("keydown", (event) => {
  const width = rows()[0].length;
  const all = cells();
  const at = all.indexOf(event.target);
  const step = { ArrowUp: -width, ArrowDown: width, ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const next = all[at + step];
  const wraps = Math.abs(step) === 1 && Math.floor(at / width) !== Math.floor((at + step) / width);
  if (at < 0 || !next || wraps) return;
  event.preventDefault();
  all.forEach((button) => { button.tabIndex = button === next ? 0 : -1; });
  next.focus();
});

draw();
watch("value", draw);

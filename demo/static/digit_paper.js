// Une feuille blanche, un crayon noir. props.value : une adresse data: en PNG, ou "".
const canvas = element.querySelector("canvas");
const help = element.querySelector(".crayon");
const paper = canvas.getContext("2d", { willReadFrequently: true });
const INK_PX = 20, STEP_PX = 10; // une feuille fait 280 pixels de côté
let last = null, down = false, ink = null; // ink : la feuille sans le curseur du clavier
let at = { x: 140, y: 60 };

function wipe() {
  paper.fillStyle = "#fff";
  paper.fillRect(0, 0, canvas.width, canvas.height);
}

function stroke(from, to) {
  paper.strokeStyle = "#000";
  paper.lineWidth = INK_PX;
  paper.lineCap = paper.lineJoin = "round";
  paper.beginPath();
  paper.moveTo(from.x, from.y);
  paper.lineTo(to.x + 0.01, to.y);
  paper.stroke();
}

function send(value) {
  const text = value ?? canvas.toDataURL("image/png");
  if (text === props.value) return;
  props.value = text;
  trigger("input");
}

const place = (event) => {
  const box = canvas.getBoundingClientRect();
  return {
    x: ((event.clientX - box.left) * canvas.width) / box.width,
    y: ((event.clientY - box.top) * canvas.height) / box.height,
  };
};

canvas.addEventListener("pointerdown", (event) => {
  event.preventDefault();
  hideCursor();
  canvas.focus();
  hideCursor();
  canvas.setPointerCapture(event.pointerId);
  last = place(event);
  stroke(last, last);
});
canvas.addEventListener("pointermove", (event) => {
  if (!last) return;
  const here = place(event);
  stroke(last, here);
  last = here;
});
["pointerup", "pointercancel"].forEach((name) => canvas.addEventListener(name, () => {
  if (!last) return;
  last = null;
  send();
}));

function hideCursor() {
  if (ink) paper.putImageData(ink, 0, 0);
  ink = null;
}
function showCursor() {
  hideCursor();
  ink = paper.getImageData(0, 0, canvas.width, canvas.height);
  paper.strokeStyle = down ? "#d55e00" : "#0072b2";
  paper.lineWidth = 3;
  paper.beginPath();
  paper.arc(at.x, at.y, 12, 0, 2 * Math.PI);
  paper.stroke();
  help.textContent = down ? "Crayon posé." : "Crayon levé.";
}
canvas.addEventListener("blur", () => {
  hideCursor();
  down = false;
  help.textContent = "";
});
canvas.addEventListener("keydown", (event) => {
  const steps = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
  const step = steps[event.key];
  if (!step && ![" ", "Escape"].includes(event.key)) return;
  event.preventDefault();
  hideCursor();
  if (event.key === "Escape") {
    wipe();
    down = false;
    send("");
  } else if (event.key === " ") {
    down = !down;
    if (down) stroke(at, at);
    send();
  } else {
    const inside = (value) => Math.min(270, Math.max(10, value));
    const to = { x: inside(at.x + step[0] * STEP_PX), y: inside(at.y + step[1] * STEP_PX) };
    if (down) stroke(at, to);
    at = to;
    if (down) send();
  }
  showCursor();
});

function show() {
  ink = null;
  if (!props.value) {
    wipe();
    return;
  }
  const picture = new Image();
  picture.onload = () => paper.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.src = props.value;
}
wipe();
show();
watch("value", show);

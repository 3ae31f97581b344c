"""La mise en page des ateliers, sur un téléphone et sur un écran : des faits, et non des images.

Une image d'atelier change avec les polices de la machine. On vérifie donc, à `TOLERANCE_PX` près,
ce qui doit rester vrai partout : chaque colonne est sous son titre, rien ne sort du cadre, aucun
bouton n'en couvre un autre, et ce qui s'écrit en colonnes a une chasse fixe.
"""

import pytest

from web import path

TOLERANCE_PX = 2
MAX_SHIFT = 0.1  # du « cumulative layout shift » : au-delà, ce qu'on lit se déplace
SHIFTS = """window.shift = 0; new PerformanceObserver((list) => {
  for (const each of list.getEntries()) if (!each.hadRecentInput) window.shift += each.value;
}).observe({type: "layout-shift", buffered: true});"""
WIDTHS = (360, 1280)
READY = {  # ce qu'un atelier montre quand il a répondu, s'il ne le fait pas aussitôt
    "apprendre": ".sorte canvas",
    "attention": "table canvas",
    "boites": "figure canvas",
    "chiffre": ".decalages td",
    "ecrire": "textarea",
    "graphes": "table canvas",
    "masques": "figure canvas",
    "nommer": "figure canvas",
    "reseau": ".couches td",
    "transfert": ".sorte canvas",
    "x_ou_o": "button",
}
FAULTS = """(tolerance) => {
  const frame = document.querySelector(".atelier"), faults = [];
  const isSeen = (each) => each.checkVisibility({opacityProperty: true, visibilityProperty: true});
  const name = (each) => `${each.tagName}.${each.className} « ${each.textContent.slice(0, 30)} »`;
  const columns = (row) => {
    let place = 0;
    return [...row.cells].map((cell) => ({cell, first: place, last: (place += cell.colSpan) - 1,
      box: cell.getBoundingClientRect()}));
  };
  for (const table of frame.querySelectorAll("table")) {
    const [head] = table.tHead?.rows ?? [];
    if (!head || !isSeen(head)) continue;
    const titles = columns(head);
    for (const row of [...table.tBodies].flatMap((body) => [...body.rows])) {
      for (const {cell, first, last, box} of columns(row)) {
        const from = titles.find((each) => each.first === first);
        const to = titles.find((each) => each.last === last);
        const gaps = [from && box.left - from.box.left, to && box.right - to.box.right];
        if (gaps.some((gap) => Math.abs(gap ?? 0) > tolerance)) {
          faults.push(`${name(cell)} n'est pas sous ${name((from ?? to).cell)}`);
        }
      }
    }
  }
  const {left, right} = frame.getBoundingClientRect();
  for (const each of frame.querySelectorAll("*")) {
    if (!isSeen(each) || each.closest(".defile, svg") || each.matches(".bouton input")) continue;
    const box = each.getBoundingClientRect();
    if (box.left < left - tolerance || box.right > right + tolerance) {
      faults.push(`${name(each)} sort du cadre`);
    }
  }
  const controls = [...frame.querySelectorAll("button, select, textarea, .bouton, input")]
    .filter((each) => isSeen(each) && !each.matches(".bouton input"))
    .map((each) => [each, each.getBoundingClientRect()]);
  controls.forEach(([each, a], i) => controls.slice(i + 1).forEach(([other, b]) => {
    const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (width > tolerance && height > tolerance) faults.push(`${name(each)} couvre ${name(other)}`);
  }));
  for (const each of frame.querySelectorAll("textarea")) {
    const font = getComputedStyle(each).fontFamily;
    if (!font.includes("monospace")) faults.push(`${name(each)} n'est pas en chasse fixe`);
  }
  return faults.slice(0, 10);
}"""


def examples():
    """Rend chaque atelier, et le dernier des exemples que le cours y ouvre."""
    return {name: example for own in path.WORKSHOPS.values() for name, example, _ in own}


@pytest.mark.parametrize(("name", "example"), [("index", ""), *sorted(examples().items())])
def test_a_workshop_opens_in_place_and_is_read_by_all(page, address, violations, name, example):
    """En place, à sa forme, et sans défaut pour qui n'y voit pas : une page ouverte une fois."""
    page.set_viewport_size({"width": WIDTHS[0], "height": 800})
    page.add_init_script(SHIFTS)
    page.goto(f"{address}/{name}.html?exemple={example}")
    page.locator(f".atelier {READY.get(name, 'input')}").first.wait_for()
    page.wait_for_timeout(200)
    assert page.evaluate("shift") <= MAX_SHIFT
    assert violations() == []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(FAULTS, TOLERANCE_PX) == [], width
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width

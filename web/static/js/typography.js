// La typographie de ce qu'un atelier écrit : celle que web/book.py donne aux pages.

// Insécables en français : autour d'un guillemet, avant un signe double, entre les milliers, dans « 28 × 28 », avant une unité.
const SPACES = /(?<=«)\s|\s(?=[»;:?!%])|(?<=\d) (?=\d{3}\b|× \d|(?:px|ms|s|min|Hz|dB|Mo)\b)|(?<=\d[ \u00a0]×) (?=\d)/g;
const APOSTROPHES = /(?<=\p{L})'(?=\p{L}|«)/gu;
const KEPT = "textarea, code, pre, script, style";

/** Corrige les textes d'un morceau de page. @param {Node} node */
function correct(node) {
  const texts = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  for (let text = node instanceof Text ? node : texts.nextNode(); text; text = texts.nextNode()) {
    const {data, parentElement} = /** @type {Text} */ (text);
    if (parentElement?.closest(KEPT)) continue;
    const better = data.replace(SPACES, "\u00a0").replace(APOSTROPHES, "’");
    if (better !== data) /** @type {Text} */ (text).data = better;
  }
}

/** Corrige tout ce qu'un atelier écrit, dès qu'il l'écrit. @param {Element} workshop */
export function correctAlways(workshop) {
  correct(workshop);
  new MutationObserver((changes) => {
    for (const {target, type, addedNodes} of changes) {
      if (type === "characterData") correct(target);
      for (const node of addedNodes) correct(node);
    }
  }).observe(workshop, {childList: true, characterData: true, subtree: true});
}

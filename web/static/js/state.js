// L'adresse d'une page garde ce qu'on y a réglé : la recharger, ou la donner, le retrouve.

/** Rend l'exemple que l'adresse garde, ou demande, `?exemple=N3`, ou null. */
export function asked() {
  return kept()?.exemple ?? new URLSearchParams(location.search).get("exemple");
}

/** Rend ce que l'adresse garde, ou null si elle ne garde rien. @returns {Record<string, string> | null} */
export function kept() {
  return location.hash.includes("=") ? Object.fromEntries(new URLSearchParams(location.hash.slice(1))) : null;
}

/** Garde des réglages dans l'adresse. @param {Record<string, string>} settings */
export function keep(settings) {
  try {
    history.replaceState(null, "", `#${new URLSearchParams(settings)}`);
  } catch {
    // un navigateur le refuse d'un dossier, ou si souvent : la page sert encore
  }
}

/** Lit des contrôles, par nom. @param {any[]} controls chacun a un `id`. */
export function readControls(controls) {
  return Object.fromEntries(controls.map((each) => [each.id, each.type === "checkbox" ? String(each.checked) : each.value]));
}

/** Remet des contrôles comme ils étaient. @param {any[]} controls @param {Record<string, string>} settings */
export function setControls(controls, settings) {
  for (const each of controls) {
    const value = settings[each.id];
    if (value === undefined) continue;
    if (each.type === "checkbox") each.checked = value === "true";
    else each.value = value;
  }
}

/** Garde un texte dans ce navigateur ; null l'oublie. @param {string} name @param {string | null} text */
export function store(name, text) {
  try {
    if (text === null) localStorage.removeItem(name);
    else localStorage.setItem(name, text);
  } catch {
    // un navigateur peut le refuser, ou manquer de place : la page sert encore
  }
}

/** Rend un texte que ce navigateur garde, ou null. @param {string} name */
export function stored(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

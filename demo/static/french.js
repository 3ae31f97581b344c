// Avant Gradio : la page est en français quelle que soit la langue du navigateur, et un fichier
// trop gros, ou qui n'est pas une image, est refusé avant d'être envoyé.
Object.defineProperty(navigator, "language", { get: () => "fr-FR" });
Object.defineProperty(navigator, "languages", { get: () => ["fr-FR", "fr"] });

// Ce que les traductions de Gradio oublient.
const WORDS = {
  "Remove Image": "Retirer l'image",
  "Upload file": "Choisir un fichier",
  "File upload": "Choisir un fichier",
  "Capture from camera": "Prendre une photo",
  "Paste from clipboard": "Coller une image",
  "capture photo": "Prendre la photo",
  "Click to Access Webcam": "Cliquez pour ouvrir la caméra",
  "select input source": "Choisir la caméra",
  "select source": "Choisir la caméra",
  "Déposez un fichier image ici pour télécharger": "Déposer ou choisir une image",
  "Reset to default value": "Remettre à zéro",
  "More tabs": "Autres onglets",
  "Empty value": "Rien encore",
  "grant webcam access": "Autoriser la caméra",
  "Error": "Erreur",
  "Connection errored out.": "La page ne répond plus : est-elle encore ouverte dans le terminal ?",
  "This application is currently busy. Please try again. ":
    "Trop de visiteurs à la fois ; réessayez dans un instant.",
};

// De même, autour d'un nom.
const AROUND = [[/^number input for (.*)$/, "$1, en chiffres"], [/^range slider for (.*)$/, "$1, curseur"]];
const ATTRIBUTES = ["aria-label", "title", "alt", "placeholder"];

function inFrench(text) {
  if (WORDS[text]) return WORDS[text];
  const found = AROUND.find(([english]) => english.test(text));
  return found && text.replace(...found);
}

function translate(node) {
  if (node.nodeType === Node.TEXT_NODE) {
    const french = WORDS[node.data.trim()];
    if (french) node.data = french;
  } else if (node.nodeType === Node.ELEMENT_NODE) {
    for (const name of ATTRIBUTES) {
      const french = node.hasAttribute(name) && inFrench(node.getAttribute(name));
      if (french) node.setAttribute(name, french);
    }
    node.childNodes.forEach(translate);
  }
}
new MutationObserver((changes) => changes.forEach((change) => {
  if (change.type === "childList") change.addedNodes.forEach(translate);
  else translate(change.target);
})).observe(document, {
  subtree: true, childList: true, characterData: true, attributes: true,
  attributeFilter: ATTRIBUTES,
});

function whyRefused(file) {
  if (!file.type.startsWith("image/")) { // ce que Gradio refuserait, en anglais
    return `${file.name} n'est pas une image que le navigateur connaisse ; `
      + "déposez un fichier JPEG, PNG ou WebP.";
  }
  if (file.size <= MAX_BYTES) return null;
  const size = (file.size / 1e6).toFixed(1).replace(".", ",");
  return `${file.name} pèse ${size} Mo : au plus ${MAX_BYTES / 1e6} Mo sont acceptés ; `
    + "réduisez l'image d'abord.";
}

function refuse(event) {
  const files = event.target.files ?? event.dataTransfer?.files ?? event.clipboardData?.files ?? [];
  const zone = document.getElementById("image");
  if (!zone?.contains(event.target)) return;
  document.getElementById("refus")?.remove();
  const reason = [...files].map(whyRefused).find((text) => text);
  if (!reason) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const message = document.createElement("p");
  message.id = "refus";
  message.className = "erreur";
  message.setAttribute("role", "alert");
  message.textContent = reason;
  zone.after(message);
  if (event.target.files) event.target.value = "";
}
["change", "drop", "paste"].forEach((name) => document.addEventListener(name, refuse, true));

// Avant Gradio : la page est en français quelle que soit la langue du navigateur, et un fichier
// trop gros est refusé avant d'être envoyé.
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
  "Error": "Erreur",
  "Connection errored out.": "La page ne répond plus : est-elle encore ouverte dans le terminal ?",
  "This application is currently busy. Please try again. ":
    "Trop de visiteurs à la fois ; réessayez dans un instant.",
};

function translate(node) {
  if (node.nodeType === Node.TEXT_NODE) {
    const french = WORDS[node.data.trim()];
    if (french) node.data = french;
  } else if (node.nodeType === Node.ELEMENT_NODE) {
    for (const name of ["aria-label", "title"]) {
      const french = WORDS[node.getAttribute(name)];
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
  attributeFilter: ["aria-label", "title"],
});

function refuse(event) {
  const files = event.target.files ?? event.dataTransfer?.files ?? event.clipboardData?.files ?? [];
  const zone = document.getElementById("image");
  if (!zone?.contains(event.target)) return;
  document.getElementById("refus")?.remove();
  const big = [...files].find((file) => file.size > MAX_BYTES);
  if (!big) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const message = document.createElement("p");
  const size = (big.size / 1e6).toFixed(1).replace(".", ",");
  message.id = "refus";
  message.className = "erreur";
  message.setAttribute("role", "alert");
  message.textContent = `${big.name} pèse ${size} Mo : au plus ${MAX_BYTES / 1e6} Mo sont acceptés ; `
    + "réduisez l'image d'abord.";
  zone.after(message);
  if (event.target.files) event.target.value = "";
}
["change", "drop", "paste"].forEach((name) => document.addEventListener(name, refuse, true));

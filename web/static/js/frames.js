// Donne à chaque atelier montré dans un cadre la hauteur qu'il demande (voir alone.js).

const MAX_HEIGHT = 4000; // pixels

addEventListener("message", ({data, source}) => {
  for (const frame of document.querySelectorAll("iframe")) {
    if (frame.contentWindow === source && data?.height > 0) frame.style.height = `${Math.min(data.height, MAX_HEIGHT)}px`;
  }
});

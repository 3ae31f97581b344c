"""La page : cinq onglets, un style, et ce qui l'empêche de parler à d'autres machines."""

from collections.abc import Awaitable, Callable

import gradio as gr

from demo import convolution, digit, limits, network, predict, x_or_o
from demo.components import script

TITLE = "Réseaux convolutifs, par la pratique"
NUM_VISITORS = 10  # servis en même temps
# Polices du système : rien à télécharger.
FONTS = ["system-ui", "DejaVu Sans", "Arial", "sans-serif"]
MONO_FONTS = ["ui-monospace", "DejaVu Sans Mono", "monospace"]
# Le navigateur n'a le droit de parler qu'à cette page.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "connect-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'"
)
TABS = {"Convolution": convolution, "X ou O ?": x_or_o, "Chiffre": digit, "Réseau": network}


class Guard:
    """Une enveloppe ASGI : page en français, adresses extérieures interdites, envois bornés.

    Args:
        app: ce qu'elle enveloppe.
    """

    def __init__(self, app: Callable):
        self.app = app

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        """Sert une requête."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"")
        if length.isdigit() and int(length) > 2 * limits.MAX_BYTES:
            await _reply(send, 413, b'{"detail": "Envoi trop gros."}')
            return
        if scope["path"].endswith("/upload_progress") and scope["query_string"] == b"upload_id=":
            # La caméra demande l'avancement d'un envoi qu'elle n'a pas nommé : il est fini.
            await _reply(send, 200, b'data: {"msg": "done"}\n\n', kind=b"text/event-stream")
            return
        await self.app(scope, receive, _Response(send, is_page=scope["path"] == "/"))


class _Response:
    """Ajoute la politique aux en-têtes, et réécrit la page d'accueil."""

    def __init__(self, send: Callable[[dict], Awaitable[None]], *, is_page: bool):
        self._send, self._is_page = send, is_page
        self._start: dict | None = None
        self._body = b""

    async def __call__(self, message: dict) -> None:
        if message["type"] == "http.response.start":
            headers = [*message["headers"], (b"content-security-policy", POLICY.encode())]
            message = {**message, "headers": headers}
            if self._is_page:
                self._start = message
                return
        elif self._is_page and message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if message.get("more_body"):
                return
            body = in_french(self._body.decode()).encode()
            headers = [
                (name, str(len(body)).encode() if name == b"content-length" else value)
                for name, value in self._start["headers"]
            ]
            await self._send({**self._start, "headers": headers})
            message = {**message, "body": body}
        await self._send(message)


async def _reply(
    send: Callable, status: int, body: bytes, *, kind: bytes = b"application/json"
) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def in_french(page: str) -> str:
    """Rend la page d'accueil de Gradio en français, sans adresse extérieure.

    Args:
        page: HTML de Gradio.

    Returns:
        Le même, langue et cartes de visite changées.
    """
    kept, meta = [], []
    for line in page.replace('lang="en"', 'lang="fr"', 1).splitlines(
        keepends=True
    ):  # <meta … /> tient parfois sur plusieurs lignes
        if meta or line.lstrip().startswith("<meta"):
            meta.append(line)
            if ">" in line:
                text = "".join(meta)
                if 'property="og:' not in text and 'name="twitter:' not in text:
                    kept.append(text)
                meta = []
        else:
            kept.append(line)
    head = (
        f"<head><title>{TITLE}</title><script>(() => {{ const MAX_BYTES = {limits.MAX_BYTES};\n"
        f"{script('french.js')}}})();</script>"
    )
    return "".join(kept).replace("<head>", head, 1)


def build() -> gr.Blocks:
    """Construit la page.

    Returns:
        Les `gr.Blocks`, que `launch_options` complète.
    """
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(60, 60)) as page:
        gr.HTML(f"<h1>{TITLE}</h1>", elem_id="titre")
        with gr.Tabs():
            with gr.Tab("Prédire", id="Prédire"):
                predict.build()
            for title, module in TABS.items():
                with gr.Tab(title, id=title) as tab:
                    refresh = module.build()
                tab.select(*refresh, show_progress="hidden", api_visibility="private")
    page.queue(default_concurrency_limit=NUM_VISITORS, max_size=10 * NUM_VISITORS)
    return page


def launch_options() -> dict:
    """Rend les options de `launch` : ni partage, ni pied de page, ni historique, ni mouchard."""
    from starlette.middleware import Middleware

    theme = gr.themes.Base(primary_hue="blue", font=FONTS, font_mono=MONO_FONTS)
    theme = theme.set(
        body_text_color_subdued="*neutral_600",
        block_info_text_color="*neutral_600",
        block_title_text_color="*neutral_700",
        block_label_text_color="*neutral_700",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color_dark="*neutral_300",
    )
    return {
        "share": False,
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "pwa": False,
        "mcp_server": False,
        "ssr_mode": False,
        "quiet": True,
        "max_file_size": 2 * limits.MAX_BYTES,
        "theme": theme,
        "css": script("style.css"),
        "app_kwargs": {
            "middleware": [Middleware(Guard)],
            "docs_url": None,
            "redoc_url": None,
            "openapi_url": None,
        },
    }

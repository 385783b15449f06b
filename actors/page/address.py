"""Where the page is."""

from typing import Final

MOUNT: Final = "/page"
HOME: Final = f"{MOUNT}/"


def address(host: str, port: int, token: str | None) -> str:
    """For a browser; who opens it with a token is signed in."""
    named = f"[{host}]" if ":" in host else host
    return f"http://{named}:{port}{HOME}" + (f"#token={token}" if token else "")

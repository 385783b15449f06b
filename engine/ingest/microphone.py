"""The microphone of this machine, as FFmpeg calls it."""

import sys

import av

from engine.errors import ConfigurationError

_PREFERRED = {"linux": ("pulse", "alsa"), "darwin": ("avfoundation",), "win32": ("dshow",)}


def microphone(
    name: str | None, *, platform: str = sys.platform, formats: frozenset[str] = frozenset(av.formats_available)
) -> tuple[str, str]:
    """The address and the format under which FFmpeg opens a microphone; no name is the default one.

    Raises `ConfigurationError` with the way out where this FFmpeg knows no sound devices.
    """
    wanted = _PREFERRED.get(platform, ())
    found = next((format for format in wanted if format in formats), None)
    if found is None:
        raise ConfigurationError(
            f"no microphone can be opened here: this FFmpeg knows none of {', '.join(wanted) or 'the devices'} of "
            f"{platform}; pipe one in, as in `arecord -f S16_LE -r 16000 | turntone stream - --dialogue ID`"
        )
    if found == "avfoundation":
        return f":{name or 'default'}", found
    if found == "dshow":
        if name is None:
            raise ConfigurationError("Windows has no default microphone: name it, as in `mic:Microphone (USB Audio)`")
        return f"audio={name}", found
    return name or "default", found

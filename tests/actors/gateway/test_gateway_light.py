"""The gateway's process: what it must never load, whatever it is asked."""

import subprocess
import sys

ASKED = """
import sys
from actors.door import Gateway
from actors.gateway.streams import furnish
from actors.metrics import page
from actors.page import furnish
from engine.config import Broker, Config, GatewaySettings, StoreSettings
from engine.errors import TransportUnavailable

def away(**_):
    raise TransportUnavailable("away")

page.worker_readings, page.KafkaLag = dict, away
nowhere = "redis://127.0.0.1:1/0"
config = Config(
    broker=Broker(bootstrap="127.0.0.1:1"),
    store=StoreSettings(url=nowhere),
    gateway=GatewaySettings(port=0, token="a-token-of-the-tests"),
)
Gateway().open(config)
assert b"turntone_model_info" in page.StackFigures(config).exposition()
print(sorted({"torch", "transformers", "scipy", "sklearn"} & sys.modules.keys()))
"""


def test_no_model_is_loaded_to_serve_and_to_show_figures():
    """The figures name the checkpoint, and that once brought torch along: 500 MB."""
    told = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True)
    assert told.stdout == "[]\n", told.stderr

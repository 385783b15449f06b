import asyncio

from actors.fusion_server import FusionServer
from engine.signals import StepOutcome, StepRequest


class Echo:
    model_id = "m2"

    def infer(self, wave):
        return [StepOutcome(tensors=request.tensors, estimates=()) for request in wave]


def test_a_wave_is_answered_in_order_and_the_checkpoint_named():
    server = FusionServer(Echo)
    wave = [StepRequest(tensors={"n": number}, turns=()) for number in range(3)]

    async def ask():
        return await server.model_id(), await server.infer(wave)

    model_id, outcomes = asyncio.run(ask())
    assert model_id == "m2"
    assert [outcome.tensors["n"] for outcome in outcomes] == [0, 1, 2]

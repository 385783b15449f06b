import numpy as np
import pytest
from ray.exceptions import ActorDiedError, RayTaskError

from actors.remote_models import RemoteModels
from engine.errors import InferenceUnavailable, SnapshotMismatch
from engine.signals import StepOutcome, StepRequest


class Given:
    """An answer that is there, or fails when it is waited for."""

    def __init__(self, value):
        self.value = value
        self.cancelled = False

    def result(self, *, timeout_s):
        if isinstance(self.value, BaseException):
            raise self.value
        return self.value

    def cancel(self):
        self.cancelled = True


class Server:
    def __init__(self, answer):
        self.answer = Given(answer)

    def model_id(self):
        return Given("m1")

    def infer(self, wave):
        return self.answer


WAVE = [StepRequest(tensors={}, turns=())]


def test_outcomes_have_memory_of_their_own():
    shared = np.zeros(3, np.float32)
    shared.flags.writeable = False
    models = RemoteModels(server=Server([StepOutcome(tensors={"context": shared}, estimates=())]))
    assert models.model_id == "m1"
    (outcome,) = models.infer(WAVE)
    outcome.tensors["context"][0] = 1.0
    assert shared[0] == 0.0


@pytest.mark.parametrize("failure", [TimeoutError(), ActorDiedError()])
def test_a_server_that_is_away_is_one_kind_of_failure(failure):
    server = Server(failure)
    with pytest.raises(InferenceUnavailable):
        RemoteModels(server=server).infer(WAVE)
    assert server.answer.cancelled == isinstance(failure, TimeoutError)


def test_what_the_server_objects_to_is_raised_as_it_was():
    objection = RayTaskError("infer", "trace", SnapshotMismatch("layout 2"))
    with pytest.raises(SnapshotMismatch, match="layout 2"):
        RemoteModels(server=Server(objection)).infer(WAVE)

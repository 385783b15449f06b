from concurrent.futures import Future

import pytest
from pydantic import SecretStr

from actors.gateway.keeping import Keeper
from actors.progress import Step
from engine.clock import ManualClock
from engine.config import Config, GatewaySettings
from engine.errors import ConfigurationError

PORT = 4711


class InTest:
    """A gateway that lives until the test lets it die."""

    def __init__(self, refuses: BaseException | None) -> None:
        self.refuses = refuses
        self.opened: list[Config] = []
        self.served: Future[None] = Future()
        self.ended: list[str] = []

    def open(self, config: Config) -> Future[int]:
        self.opened.append(config)
        answer: Future[int] = Future()
        if self.refuses:
            answer.set_exception(self.refuses)
        else:
            answer.set_result(config.gateway.port or PORT)
        return answer

    def serve(self) -> Future[None]:
        return self.served

    def drain(self) -> None:
        self.ended.append("drain")
        self.served.set_result(None)

    def dismiss(self) -> None:
        self.ended.append("dismiss")


class House:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.steps: list[Step] = []
        self.doors: list[InTest] = []
        self.refuses: BaseException | None = None
        self.keeper = Keeper(hire=self.hire, clock=self.clock, progress=self.steps.append)

    def hire(self) -> InTest:
        self.doors.append(InTest(self.refuses))
        return self.doors[-1]


@pytest.fixture
def house() -> House:
    return House()


def test_a_token_is_made_where_there_is_none_and_kept_where_there_is_one(house):
    config = house.keeper.begin(Config(), warm_s=1.0)
    assert config.gateway.port == PORT
    assert len(config.gateway.token.get_secret_value()) > 30
    own = GatewaySettings(token=SecretStr("a-token-of-ones-own"), port=1234)
    assert House().keeper.begin(Config(gateway=own), warm_s=1.0).gateway == own


def test_another_takes_the_place_with_the_same_token_and_port(house):
    config = house.keeper.begin(Config(), warm_s=1.0)
    house.doors[0].served.set_exception(RuntimeError("killed\nat length"))
    house.keeper.look_after(timeout_s=0.0)
    assert len(house.doors) == 2
    assert house.doors[1].opened == [config]
    assert house.doors[0].ended == ["dismiss"]
    assert [(step.status, step.note) for step in house.steps][-1] == ("restarted", "killed")
    house.keeper.look_after(timeout_s=0.0)
    assert len(house.doors) == 2


def test_one_that_does_not_start_again_is_tried_ever_more_slowly(house):
    house.keeper.begin(Config(), warm_s=1.0)
    house.refuses = ConfigurationError("the port is taken")
    house.doors[0].served.set_exception(RuntimeError("killed"))
    for _ in range(50):
        house.keeper.look_after(timeout_s=0.0)
        house.clock.advance(0.1)
    assert 3 <= len(house.doors) <= 6
    house.refuses = None
    house.clock.advance(60.0)
    house.keeper.look_after(timeout_s=0.0)
    assert house.doors[-1].opened
    assert house.doors[-1].ended == []


def test_a_gateway_that_cannot_start_the_first_time_stops_the_start(house):
    house.refuses = ConfigurationError("the port is taken")
    with pytest.raises(ConfigurationError, match="the port is taken"):
        house.keeper.begin(Config(), warm_s=1.0)
    house.keeper.drain(timeout_s=0.0)
    house.keeper.drain(timeout_s=0.0)


def test_it_is_drained_and_then_ended(house):
    house.keeper.begin(Config(), warm_s=1.0)
    house.keeper.drain(timeout_s=1.0)
    assert house.doors[0].ended == ["drain", "dismiss"]
    house.keeper.look_after(timeout_s=0.0)
    assert len(house.doors) == 1

"""The gateway's client in Python: send utterances, read dialogues, listen to events."""

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx2
from pydantic import ValidationError

from actors.gateway.answers import Accepted, DialogueLine, DialogueList, DialogueTurns, ProblemDetails, Status
from actors.gateway.told import KINDS, Kind
from engine.errors import TurntoneError, Unavailable
from schemas.segment import DialogueEnded, DialogueStarted, Participant

_log = logging.getLogger(__name__)

_SILENCE_S = 60.0
"""A stream in which not even a heartbeat came for so long is dead."""
_SHORTEST_WAIT_S = 0.25
_LONGEST_WAIT_S = 10.0
_SERVERS_FAULT = 500
_KIND: Mapping[str, Kind] = {kind: kind for kind in KINDS}


@dataclass(frozen=True, slots=True)
class Heard:
    """One event as the stream tells it."""

    id: str
    """To resume after it."""
    kind: Kind
    event: Mapping[str, Any]
    """As it stands in the topic of its kind."""


class Refused(TurntoneError):
    """The gateway refused a request; the message says why."""

    def __init__(self, problem: ProblemDetails, *, retry_after_s: float | None) -> None:
        super().__init__(f"{problem.title} ({problem.status}): {problem.detail}")
        self.problem = problem
        self.retry_after_s = retry_after_s
        """When to try again; None: not at all."""
        self.retryable = retry_after_s is not None


class Client:
    """One gateway at `url`, used with one token; a context manager.

    Methods raise `Refused`, and `Unavailable` where no gateway answers. What was not answered may be sent again as it
    was: a sequence that is known counts once.
    """

    def __init__(
        self, url: str, *, token: str, timeout_s: float = 60.0, wait: Callable[[float], None] = time.sleep
    ) -> None:
        self._http = httpx2.Client(
            base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=timeout_s, trust_env=False
        )
        self._wait = wait

    @property
    def url(self) -> str:
        """Where the gateway is."""
        return str(self._http.base_url).rstrip("/")

    def ready(self) -> bool:
        """Whether the gateway answers and follows the topics."""
        try:
            self._ask("GET", "/readyz")
        except (Refused, Unavailable):
            return False
        return True

    def push(
        self,
        dialogue_id: str,
        media: bytes,
        *,
        content_type: str,
        sequence: int,
        start_s: float,
        end_s: float,
        speaker: str | None = None,
        role: str | None = None,
        channel: str | None = None,
        consent: bool | None = None,
        source: str | None = None,
        dataref: str | None = None,
        traceparent: str | None = None,
    ) -> Accepted:
        """Send about one utterance: encoded media, or none where `dataref` names it."""
        given = {
            "sequence": sequence,
            "starttime": start_s,
            "endtime": end_s,
            "speaker": speaker,
            "role": role,
            "channel": channel,
            "consent": None if consent is None else str(consent).lower(),
            "source": source,
            "dataref": dataref,
        }
        headers = {"content-type": content_type} | ({"traceparent": traceparent} if traceparent else {})
        query = {name: str(value) for name, value in given.items() if value is not None}
        answer = self._ask("POST", f"/v1/dialogues/{dialogue_id}/segments", query=query, content=media, headers=headers)
        return Accepted.model_validate_json(answer.content)

    def start(
        self, dialogue_id: str, *, participants: Sequence[Participant] = (), speakers: int | None = None
    ) -> Accepted:
        """Say who takes part, or how many."""
        word = DialogueStarted(participants=tuple(participants), speakers=speakers)
        answer = self._ask("POST", f"/v1/dialogues/{dialogue_id}/start", content=word.model_dump_json().encode())
        return Accepted.model_validate_json(answer.content)

    def end(self, dialogue_id: str, *, reason: str = "producer") -> Accepted:
        """Say that a dialogue is over."""
        word = DialogueEnded(reason=reason)
        answer = self._ask("POST", f"/v1/dialogues/{dialogue_id}/end", content=word.model_dump_json().encode())
        return Accepted.model_validate_json(answer.content)

    def dialogues(self, *, status: Status | None = None, most: int = 100) -> Sequence[DialogueLine]:
        """The dialogues, the one heard of last first."""
        query = {"most": str(most)} | ({"status": status} if status else {})
        return DialogueList.model_validate_json(self._ask("GET", "/v1/dialogues", query=query).content).dialogues

    def dialogue(self, dialogue_id: str) -> DialogueTurns:
        """One dialogue with its turns."""
        return DialogueTurns.model_validate_json(self._ask("GET", f"/v1/dialogues/{dialogue_id}").content)

    def events(
        self,
        *,
        kinds: Sequence[str] = (),
        dialogues: Sequence[str] = (),
        speakers: Sequence[str] = (),
        labels: Sequence[str] = (),
        after: str | None = None,
        from_beginning: bool = False,
        alive: Callable[[], None] | None = None,
    ) -> Iterator[Heard]:
        """Turns, dialogues and alerts as they come, for ever; a connection that breaks is made again where it broke.

        after: the id of the last event that was heard; where some of what came since is kept no more, the log says so.
        alive: is called at every sign of life, the first of which says that nothing is missed from now on.
        Raises `Refused` for what trying again does not help.
        """
        query = [("kind", one) for one in kinds] + [("dialogue", one) for one in dialogues]
        query += [("speaker", one) for one in speakers] + [("label", one) for one in labels]
        if from_beginning:
            query.append(("from_beginning", "true"))
        last_id, wait_s = after, 0.0
        while True:
            try:
                for place, heard in self._listen(query, last_id):
                    last_id = place
                    if alive is not None:
                        alive()
                    if heard is not None:
                        wait_s = 0.0
                        yield heard
            except (Unavailable, Refused) as error:
                if not error.retryable:
                    raise
            wait_s = min(max(_SHORTEST_WAIT_S, 2 * wait_s), _LONGEST_WAIT_S)
            self._wait(wait_s)

    def close(self) -> None:
        """Free the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _listen(
        self, query: Sequence[tuple[str, str]], last_id: str | None
    ) -> Iterator[tuple[str | None, Heard | None]]:
        """One connection: the id to resume with and, where there is one, the event."""
        headers = {} if last_id is None else {"last-event-id": last_id}
        timeout = httpx2.Timeout(_SILENCE_S)
        try:
            with self._http.stream("GET", "/v1/events", params=list(query), headers=headers, timeout=timeout) as answer:
                if answer.is_error:
                    answer.read()
                    raise refused(answer)
                for said in _blocks(answer.iter_lines()):
                    last_id = said.get("id", last_id)
                    kind = _KIND.get(said.get("event", ""))
                    if said.get("event") == "gap":
                        _log.warning("%s: %s", self.url, said.get("data"))
                    yield last_id, Heard(last_id or "", kind, json.loads(said["data"])) if kind else None
        except httpx2.TransportError as error:
            raise Unavailable(f"the gateway at {self._http.base_url} does not answer: {error}") from error

    def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        try:
            answer = self._http.request(method, path, params=query, content=content, headers=headers)
        except httpx2.TransportError as error:
            raise Unavailable(f"no gateway answers at {self._http.base_url}: {error}") from error
        if answer.is_error:
            raise refused(answer)
        return answer


def _blocks(lines: Iterable[str]) -> Iterator[Mapping[str, str]]:
    """The fields of each event of a stream, which ends with an empty line."""
    said: dict[str, str] = {}
    for line in lines:
        if not line:
            yield said
            said = {}
        name, _, value = line.partition(":")
        if name:
            said[name] = value.removeprefix(" ")


def refused(answer: httpx2.Response) -> Refused:
    """What an answer that is an error, and has been read, says."""
    try:
        problem = ProblemDetails.model_validate_json(answer.content)
    except ValidationError:
        # Not the gateway, but something before it.
        phrase = answer.reason_phrase or "refused"
        problem = ProblemDetails(type="about:blank", title=phrase, status=answer.status_code, detail=phrase)
    told = answer.headers.get("retry-after", "")
    if told.isdecimal():
        return Refused(problem, retry_after_s=float(told))
    return Refused(problem, retry_after_s=_SHORTEST_WAIT_S if answer.status_code >= _SERVERS_FAULT else None)

"""The dialogues as they stand now, and one of them with its turns. Never voices, faces or states."""

import asyncio
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from actors.gateway.answers import DialogueLine, DialogueList, DialogueTurns, LiveState, Status
from actors.gateway.conversations import Conversation
from actors.gateway.parts import WithParts, bearer, permitted
from actors.gateway.problems import Problem, responses
from actors.gateway.segments import Id
from actors.gateway.tokens import Access
from engine.state.base import Store
from schemas.record import DialogueRecord

router = APIRouter(tags=["dialogues"], dependencies=[bearer])
Reader = Annotated[Access, Depends(permitted("dialogues:read"))]


@router.get("/v1/dialogues", responses=responses(401, 403, 422, 429))
async def list_dialogues(
    parts: WithParts,
    access: Reader,
    status: Annotated[Status | None, Query(description="Only these.")] = None,
    most: Annotated[int, Query(ge=1, le=1000, description="How many at the most.")] = 100,
) -> DialogueList:
    """Which dialogues there are: those of the newest events."""
    known = parts.feed.conversations.newest()
    return DialogueList(dialogues=[_line(one) for one in known if status is None or one.status == status][:most])


@router.get("/v1/dialogues/{dialogue_id}", responses=responses(401, 403, 404, 422, 429, 503))
async def show_dialogue(dialogue_id: Id, parts: WithParts, access: Reader) -> DialogueTurns:
    """One dialogue, turn by turn; a turn that was said again stands there as it was said last."""
    known = parts.feed.conversations.of(dialogue_id)
    live = await asyncio.to_thread(_live, parts.store, dialogue_id)
    if known is None:
        if live is None:
            detail = f"nothing is known of dialogue {dialogue_id}: never heard of, or kept no more"
            raise Problem(HTTPStatus.NOT_FOUND, "unknown-dialogue", detail)
        known = Conversation(dialogue_id, status="ended" if live.status == "ended" else "open")
    return DialogueTurns(
        dialogue_id=dialogue_id,
        status=known.status,
        turns=known.turns,
        left_out=known.left_out,
        life=known.life,
        live=live,
    )


def _line(one: Conversation) -> DialogueLine:
    labels = [turn.label for turn in one.turns if turn.label is not None]
    return DialogueLine(
        dialogue_id=one.dialogue_id,
        status=one.status,
        turns=len(one.turns) + one.left_out,
        speakers=sorted({turn.speaker for turn in one.turns if turn.speaker is not None}),
        last_label=labels[-1] if labels else None,
        end_s=max((turn.end_s for turn in one.turns), default=None),
    )


def _live(store: Store, dialogue_id: str) -> LiveState | None:
    record: DialogueRecord | None = store.load([dialogue_id]).records.get(dialogue_id)
    if record is None:
        return None
    return LiveState(
        status=record.status,
        incarnation=record.incarnation,
        turns=record.turns,
        updated=datetime.fromtimestamp(record.updated_s, tz=UTC),
        participants=record.roster,
        aliases=record.aliases,
        model_id=record.model_id,
        waiting=len(record.outbox),
    )

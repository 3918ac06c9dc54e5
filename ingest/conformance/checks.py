"""What a source may rely on, one check each: it says what it expects, tries it, and says what it found."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from ingest.conformance.asking import Answer, Asking, encode
from schemas.ranges import CLOCK_OFF_MAX_MS, OLDEST_MS

NOBODY = 2**53 - 1
"""A member that no club has."""
HALF_AN_HOUR_MS = 30 * 60_000


@dataclass(frozen=True)
class Found:
    """What a check saw, in words, and whether it is as it must be."""

    good: bool
    text: str


@dataclass(frozen=True)
class Check:
    """One promise of the gateway."""

    group: str
    promise: str
    run: Callable[[Asking], Awaitable[Found]]


CHECKS: list[Check] = []
Run = Callable[[Asking], Awaitable[Found]]


def check(group: str) -> Callable[[Run], Run]:
    """Put a check on the list, in the order of this file. Its docstring is the promise that the table shows."""

    def listed(run: Run) -> Run:
        CHECKS.append(Check(group, (run.__doc__ or "").strip(), run))
        return run

    return listed


def took(answer: Answer, *, accepted: int = 0, doubled: int = 0, reasons: tuple[str, ...] = ()) -> Found:
    """Whether the exits are exactly these."""
    reply = answer.reply
    good = (reply.accepted, reply.doubled, tuple(r.get("reason") for r in reply.rejected)) == (accepted, doubled, reasons)
    return Found(good, str(answer))


@check("health")
async def ready(asking: Asking) -> Found:
    """It runs and is ready."""
    statuses = [(await asking.http.get(path)).status_code for path in ("/health", "/ready")]
    return Found(statuses == [200, 200], f"/health {statuses[0]}, /ready {statuses[1]}")


@check("health")
async def stranger(asking: Asking) -> Found:
    """A token that nobody made is refused with 401."""
    headers = {"Authorization": "Bearer pd_nobody_made_this"}
    response = await asking.http.get("/v1/sessions", headers=headers)
    return Found(response.status_code == 401, str(response.status_code))


@check("health")
async def known(asking: Asking) -> Found:
    """Your token is known."""
    response = await asking.http.get("/v1/sessions")
    return Found(response.status_code == 200, str(response.status_code))


@check("accepted")
async def accepted(asking: Asking) -> Found:
    """A batch of yours is accepted."""
    events = asking.samples.make(asking.now_ms)
    return took(await asking.post(events), accepted=len(events))


@check("accepted")
async def accepted_lines(asking: Asking) -> Found:
    """So are lines of NDJSON."""
    events = asking.samples.make(asking.now_ms)
    answer = await asking.post_bytes(b"\n".join(map(encode, events)), "application/x-ndjson")
    return took(answer, accepted=len(events))


@check("accepted")
async def accepted_frames(asking: Asking) -> Found:
    """So are frames of a stream."""
    events = asking.samples.make(asking.now_ms)
    return took(Answer(200, await asking.stream(events)), accepted=len(events))


@check("doubled")
async def doubled(asking: Asking) -> Found:
    """The same batch again counts nothing twice."""
    events = asking.samples.make(asking.now_ms)
    await asking.post(events)
    return took(await asking.post(events), doubled=len(events))


@check("doubled")
async def doubled_elsewhere(asking: Asking) -> Found:
    """Nor does an event that comes by another way."""
    events = asking.samples.make(asking.now_ms)
    await asking.post(events)
    return took(Answer(200, await asking.stream(events)), doubled=len(events))


@check("doubled")
async def doubled_within(asking: Asking) -> Found:
    """Nor one that is twice in a batch."""
    event = asking.samples.one(asking.now_ms)
    return took(await asking.post([event, event]), accepted=1, doubled=1)


@check("late")
async def late(asking: Asking) -> Found:
    """An event of half an hour ago is accepted."""
    return took(await asking.post([asking.samples.probe(asking.now_ms - HALF_AN_HOUR_MS)]), accepted=1)


@check("late")
async def too_old(asking: Asking) -> Found:
    """One older than seven days is too old."""
    event = asking.samples.probe(asking.now_ms - OLDEST_MS - HALF_AN_HOUR_MS)
    return took(await asking.post([event]), reasons=("too_old",))


@check("late")
async def too_far_ahead(asking: Asking) -> Found:
    """One far in the future is refused."""
    event = asking.samples.probe(asking.now_ms + CLOCK_OFF_MAX_MS + HALF_AN_HOUR_MS)
    return took(await asking.post([event]), reasons=("too_far_ahead",))


@check("rejected")
async def invalid(asking: Asking) -> Found:
    """A value that nobody can have is invalid."""
    event = {**asking.samples.probe(asking.now_ms), "type": "heart_rate", "heart_rate_bpm": 999}
    return took(await asking.post([event]), reasons=("invalid",))


@check("rejected")
async def unknown_field(asking: Asking) -> Found:
    """A field that is not listed is refused."""
    event = asking.samples.probe(asking.now_ms, pulse_bpm=140)
    return took(await asking.post([event]), reasons=("unknown_field",))


@check("rejected")
async def no_id(asking: Asking) -> Found:
    """An event without an id is invalid."""
    event = asking.samples.probe(asking.now_ms)
    del event["event_id"]
    return took(await asking.post([event]), reasons=("invalid",))


@check("rejected")
async def nobody(asking: Asking) -> Found:
    """A member that is not yours, or nobody, is refused."""
    answer = await asking.post([asking.samples.probe(asking.now_ms, member_id=NOBODY)])
    reason = answer.reasons[0] if answer.reasons else ""
    return Found(reason in {"unknown_member", "forbidden_member"} and len(answer.reply.rejected) == 1, str(answer))


@check("rejected")
async def malformed(asking: Asking) -> Found:
    """What is not JSON is refused with 422."""
    answer = await asking.post_bytes(b"[{]")
    return Found(answer.status == 422 and answer.reply.reason == "malformed", str(answer))


@check("rejected")
async def neighbours(asking: Asking) -> Found:
    """A bad event does not cost its neighbours, and is named."""
    first, second, third = (asking.samples.one(asking.now_ms) for _ in range(3))
    answer = await asking.post([first, {**second, "surprise": 1}, third])
    named = [(refused.get("index"), refused.get("event_id")) for refused in answer.reply.rejected]
    found = took(answer, accepted=2, reasons=("unknown_field",))
    return Found(found.good and named == [(1, second["event_id"])], f"{found.text}, named {named}")


@check("health")
async def accounted(asking: Asking) -> Found:
    """Every event that was sent has left by one exit."""
    return Found(asking.sent == asking.accounted, f"{asking.sent} sent, {asking.accounted} answered")


FAULTS = (msgspec.MsgspecError, ValueError, KeyError)
"""What a gateway that is none may make a check stumble over."""

"""The books of a load: what was answered, lost, told twice, out of order or given up."""

from schemas.events import EmotionEvent, Modalities, PolicyDecision, StateNote
from simulators.load.account import Account, Sent
from simulators.load.buckets import bucket_row, since
from simulators.load.report import REST, WHOLE, latencies, row

INFINITE = float("inf")


def sent(start_s, *, fault=None, dialogue_id="r-0", speaker="customer", begin_s=100.0):
    return Sent(dialogue_id, speaker, start_s, start_s + 2.0, ended_s=begin_s + start_s + 2.0, fault=fault)


def turn(number, start_s, *, name=None, dialogue_id="r-0", speaker="customer", **fields):
    return EmotionEvent(
        event_id=name or f"{dialogue_id} {number} {start_s}",
        dialogue_id=dialogue_id,
        turn=number,
        speaker=speaker,
        start_s=start_s + 0.2,
        end_s=start_s + 1.8,
        label=fields.pop("label", "joy"),
        modalities=Modalities(audio=True, video=False),
        model_id="m",
        policy=PolicyDecision(allowed=True, rule="r"),
        state=StateNote(status="continued"),
        **fields,
    )


def account(*utterances, one_each=True, dead_letters=True):
    books = Account(one_each=one_each, dead_letters=dead_letters)
    for utterance in utterances:
        books.expect(utterance)
        books.acknowledge(utterance)
    return books


def test_a_quiet_day():
    books = account(sent(0.0), sent(5.0))
    assert books.waiting == 2
    books.hear(turn(0, 0.0), at_s=102.5, stages_ms={"decode": 100.0, "infer": 300.0})
    books.hear(turn(1, 5.0, label=None, abstained="withheld"), at_s=107.25)
    balance = books.balance()
    assert (balance.sent, balance.answered, balance.lost, balance.twice, balance.out_of_order) == (2, 2, 0, 0, 0)
    assert balance.outcomes == {"joy": 1, "withheld": 1}
    assert books.waiting == 0
    rows = latencies(books.answers)
    assert rows["inferred"][WHOLE].p50 == 500.0
    assert rows["inferred"][REST].p50 == 100.0
    assert rows["withheld"][WHOLE].p99 == 250.0


def test_what_nobody_answers_is_lost():
    books = account(sent(0.0), sent(5.0))
    books.hear(turn(0, 5.0), at_s=108.0)
    assert (books.balance().answered, books.balance().lost) == (1, 1)


def test_a_turn_that_is_told_again_and_a_second_turn_for_a_segment_are_twice():
    books = account(sent(0.0))
    for event in (turn(0, 0.0), turn(0, 0.0), turn(1, 0.0, name="another")):
        books.hear(event, at_s=103.0)
    assert books.balance().twice == 2
    assert len(books.answers) == 1


def test_a_turn_that_is_said_again_with_what_is_known_later_is_not_twice():
    books = account(sent(0.0))
    books.hear(turn(0, 0.0), at_s=103.0)
    books.hear(turn(0, 0.0, name="later", revision=1), at_s=104.0)
    assert books.balance().twice == 0


def test_the_numbers_of_a_dialogue_have_to_grow_and_dialogues_have_numbers_of_their_own():
    books = account(sent(0.0), sent(5.0), sent(10.0), sent(0.0, dialogue_id="r-1"))
    for number, start_s in ((0, 0.0), (2, 10.0), (1, 5.0)):
        books.hear(turn(number, start_s), at_s=120.0)
    books.hear(turn(0, 0.0, dialogue_id="r-1"), at_s=121.0)
    assert books.balance().out_of_order == 1


def test_garbage_and_what_came_late_are_answered_by_dead_letters_and_nothing_else_is():
    utterances = sent(0.0, fault="garbage"), sent(5.0, fault="late"), sent(10.0), sent(15.0, fault="duplicate")
    books = account(*utterances)
    for one in utterances[:3]:
        books.bury(one.dialogue_id, one.speaker, one.start_s, one.end_s)
    books.hear(turn(0, 15.0), at_s=120.0)
    balance = books.balance()
    assert (balance.lost, balance.given_up) == (0, 1)
    assert balance.faults["garbage"] == {"sent": 1, "answered": 0, "dead_letters": 1}
    assert balance.faults["duplicate"] == {"sent": 1, "answered": 1, "dead_letters": 0}


def test_where_dead_letters_cannot_be_read_nobody_waits_for_them():
    books = account(sent(0.0, fault="garbage"), sent(5.0, fault="late"), dead_letters=False)
    assert books.waiting == books.balance().lost == 0


def test_what_was_never_acknowledged_is_neither_sent_nor_lost_unless_it_is_answered():
    books = Account(one_each=True, dead_letters=True)
    books.expect(sent(0.0))
    books.expect(sent(5.0))
    books.hear(turn(0, 5.0), at_s=108.0)
    balance = books.balance()
    assert (balance.sent, balance.answered, balance.lost, balance.unacknowledged) == (1, 1, 0, 1)


def test_a_turn_for_nothing_is_unexpected():
    books = account(sent(0.0))
    books.hear(turn(0, 0.0, speaker="agent"), at_s=103.0)
    assert books.balance().unexpected == 1


def test_a_live_stream_is_cut_where_the_gateway_cuts_it():
    books = account(sent(0.0), sent(2.1), one_each=False)
    # One turn over both; then a piece of a third that is told before the third is over.
    books.hear(turn(0, 0.0, name="both").model_copy(update={"end_s": 4.0}), at_s=104.5)
    books.hear(turn(1, 10.0), at_s=112.3)
    assert books.balance().unexpected == 1
    books.expect(sent(10.0))
    balance = books.balance()
    assert (balance.answered, balance.unexpected, balance.twice) == (3, 0, 0)
    # From the end of what the turn answers: at 4.0 and at 11.8 of a call that began at 100.
    assert [round(answer.latency_s, 3) for answer in books.answers] == [0.5, 0.5]


def test_percentiles_of_buckets_lie_on_a_line_inside_them():
    buckets = since({0.1: 5.0, 0.2: 5.0, INFINITE: 5.0}, {0.1: 55.0, 0.2: 105.0, INFINITE: 105.0})
    assert buckets == {0.1: 50.0, 0.2: 100.0, INFINITE: 100.0}
    found = bucket_row(buckets)
    assert (found.turns, found.p50, found.p95, found.p99) == (100, 100.0, 190.0, 198.0)
    assert bucket_row({0.1: 0.0, INFINITE: 0.0}) is None
    assert bucket_row({0.1: 0.0, INFINITE: 4.0}).p99 == 100.0


def test_a_histogram_that_was_started_anew_counts_from_nothing():
    assert since({0.1: 50.0, INFINITE: 60.0}, {0.1: 2.0, INFINITE: 3.0}) == {0.1: 2.0, INFINITE: 3.0}


def test_percentiles_of_nothing_are_none():
    assert row([]) is None

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from engine.transport.memory_group import balance

MEMBERS = st.lists(st.sampled_from("abcdef"), min_size=1, unique=True)
PARTITIONS = st.integers(min_value=0, max_value=12).map(lambda count: [("t", number) for number in range(count)])


@given(members=MEMBERS, partitions=PARTITIONS, data=st.data())
def test_everybody_gets_an_even_share(members, partitions, data):
    owners = data.draw(st.dictionaries(st.sampled_from(partitions), st.sampled_from("abcdef"))) if partitions else {}
    target = balance(partitions, owners, members)
    shares = Counter(target.values())
    assert set(target) == set(partitions)
    assert set(shares) <= set(members)
    assert max(shares[member] for member in members) - min(shares[member] for member in members) <= 1


@given(members=MEMBERS, partitions=PARTITIONS)
def test_what_is_balanced_stays_where_it_is(members, partitions):
    target = balance(partitions, {}, members)
    assert balance(partitions, target, members) == target


@given(members=MEMBERS, partitions=PARTITIONS)
def test_a_newcomer_takes_from_others_only_what_it_gets(members, partitions):
    before = balance(partitions, {}, members)
    after = balance(partitions, before, [*members, "new"])
    assert all(after[partition] in (before[partition], "new") for partition in partitions)

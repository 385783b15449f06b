"""A consumer group in memory: who owns which partition, handed over one step at a time as cooperative Kafka does."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from engine.errors import LostOwnership
from engine.transport.base import Partition, Polled


@dataclass(eq=False)
class Member:
    """One member, and what it has yet to be told."""

    name: str
    leaving: frozenset[Partition] = frozenset()
    """Told as revoked by the last heartbeat; the next one releases them."""
    lost: frozenset[Partition] = frozenset()
    expired: bool = False


@dataclass
class Group:
    """Members in the order they joined, owners and committed offsets. Its broker's lock guards it."""

    partitions: Collection[Partition]
    committed: dict[Partition, int] = field(default_factory=dict)
    _members: dict[str, Member] = field(default_factory=dict)
    _owners: dict[Partition, str] = field(default_factory=dict)

    def join(self, name: str) -> Member:
        """Become a member; who had the name before is fenced, and its partitions are free."""
        self._free(name)
        self._members[name] = Member(name)
        return self._members[name]

    def leave(self, member: Member) -> None:
        """Give everything up; a fenced member has nothing to give."""
        if self._members.get(member.name) is member:
            self._free(member.name)
            del self._members[member.name]

    def expire(self, name: str) -> None:
        """The session timed out: the member learns of it when it comes back."""
        member = self._members.pop(name)
        member.lost = frozenset(self._free(name))
        member.leaving = frozenset()
        member.expired = True

    def heartbeat(self, member: Member) -> Polled:
        """Release what was announced, then say what this member gains, has to give up or has lost."""
        lost, member.lost = member.lost, frozenset()
        if member.expired and member.name not in self._members:
            member.expired = False
            self._members[member.name] = member
        if self._members.get(member.name) is not member:
            raise LostOwnership(f"another member named {member.name!r} has joined the group")
        for partition in member.leaving:
            del self._owners[partition]
        target = balance(self.partitions, self._owners, tuple(self._members))
        mine = {partition for partition, name in target.items() if name == member.name}
        member.leaving = self.held_by(member, leaving=frozenset()) - mine
        assigned = frozenset(partition for partition in mine if partition not in self._owners)
        self._owners.update(dict.fromkeys(assigned, member.name))
        return Polled(assigned=assigned, revoked=member.leaving, lost=lost)

    def held_by(self, member: Member, *, leaving: frozenset[Partition] | None = None) -> frozenset[Partition]:
        """The partitions a member owns and does not have to give up."""
        owned = frozenset(partition for partition, name in self._owners.items() if name == member.name)
        return owned - (member.leaving if leaving is None else leaving)

    def commit(self, member: Member, offsets: Mapping[Partition, int]) -> None:
        """Keep offsets of partitions that are the member's; raise `LostOwnership` for any other."""
        foreign = sorted(partition for partition in offsets if self._owners.get(partition) != member.name)
        if foreign or self._members.get(member.name) is not member:
            raise LostOwnership(f"member {member.name!r} does not own {foreign or 'its name any more'}")
        self.committed.update(offsets)

    def _free(self, name: str) -> Collection[Partition]:
        freed = [partition for partition, owner in self._owners.items() if owner == name]
        for partition in freed:
            del self._owners[partition]
        return freed


def balance(
    partitions: Collection[Partition], owners: Mapping[Partition, str], members: Collection[str]
) -> Mapping[Partition, str]:
    """An even share for every member in which as many partitions as can be stay where they are."""
    fair, over = divmod(len(partitions), len(members))
    held = list(owners.values())
    ranked = sorted(members, key=held.count, reverse=True)
    room = {member: fair + (rank < over) for rank, member in enumerate(ranked)}
    target: dict[Partition, str] = {}
    for partition in partitions:
        owner = owners.get(partition)
        if owner is not None and room.get(owner, 0):
            target[partition] = owner
            room[owner] -= 1
    free = iter([member for member in members for _ in range(room[member])])
    for partition in partitions:
        if partition not in target:
            target[partition] = next(free)
    return target

"""What budgets and reports call a person."""

from dataclasses import replace

from oauth.principal import Principal
from oauth.sign_in.person_names import PersonNames
from oauth.sign_in.subjects import Subject
from server.storage.memory.subjects import MemorySubjectStore

ADA = Subject("acme", "sub_ada", "ada@example.com")


class CountingStore(MemorySubjectStore):
    """Counts reads; `meanwhile` is called while one is under way."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.names: PersonNames | None = None

    async def get(self, tenant_id: str, subject_id: str) -> Subject | None:
        self.reads += 1
        found = await super().get(tenant_id, subject_id)
        if self.names is not None:
            self.names.forget({(tenant_id, subject_id)})
        return found


def principal(subject: str = "sub_ada", tenant_id: str = "acme") -> Principal:
    return Principal(tenant_id, subject, "client", frozenset(), "grant")


async def names_in(store: MemorySubjectStore, most: int = 10) -> PersonNames:
    await store.add(ADA, None)
    return PersonNames(store, most)


async def test_a_person_is_read_once() -> None:
    store = CountingStore()
    names = await names_in(store)
    assert {await names.of(principal()) for _ in range(3)} == {"ada@example.com"}
    assert store.reads == 1


async def test_who_is_no_person_is_called_by_id_and_read_once_too() -> None:
    store = CountingStore()
    names = await names_in(store)
    assert [await names.of(principal("robot")) for _ in range(2)] == ["robot"] * 2
    assert await names.of(principal(tenant_id="globex")) == "sub_ada"
    assert store.reads == 2


async def test_a_change_is_heard() -> None:
    store = MemorySubjectStore()
    names = await names_in(store)
    await names.of(principal())
    await store.save(replace(ADA, email="ada@example.org"))
    names.forget({("acme", "sub_ada")})
    assert await names.of(principal()) == "ada@example.org"


async def test_what_was_read_before_a_change_is_not_remembered_after_it() -> None:
    store = CountingStore()
    names = store.names = await names_in(store)
    await names.of(principal())
    await names.of(principal())
    assert store.reads == 2


async def test_the_least_recently_seen_are_forgotten() -> None:
    store = CountingStore()
    names = await names_in(store, most=2)
    for subject in ("sub_ada", "b", "sub_ada", "c", "sub_ada"):
        await names.of(principal(subject))
    assert store.reads == 3

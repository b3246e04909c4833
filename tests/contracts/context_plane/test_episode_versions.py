"""What a source has under an id is found again, whoever may see it, on both databases."""

from server.storage.context_plane.context_store import SqlContextStore
from server.storage.database import Database
from tools.context_plane.facts import Episode
from tools.context_plane.ids import new_id


def episode(source_id: str, occurred_at_us: int, audience: str = "", source: str = "gong") -> Episode:
    number = new_id()
    return Episode(number, audience, source, source_id, f"hash of {number}", "transcript", occurred_at_us, 1, content="words")


async def test_versions_are_found_by_the_id_of_their_source(sql_database: Database) -> None:
    store = SqlContextStore(sql_database)
    ones = [episode("1", 10), episode("1", 20, "sub_ada"), episode("2", 30), episode("1", 40, source="salesforce")]
    await store.change("acme", lambda rows: rows.add_episodes(ones))
    await store.change("other", lambda rows: rows.add_episodes([episode("1", 50)]))
    found = await store.read("acme", lambda rows: rows.versions_of("gong", ["1", "3", *map(str, range(100, 1_200))]))
    assert {source_id: {each.episode_id for each in versions} for source_id, versions in found.items()} == {
        "1": {ones[0].episode_id, ones[1].episode_id}
    }
    assert {(each.audience, each.kind, each.content_hash) for each in found["1"]} == {
        (each.audience, "transcript", each.content_hash) for each in ones[:2]
    }


async def test_versions_between_two_times_begin_with_the_first_and_end_before_the_second(sql_database: Database) -> None:
    store = SqlContextStore(sql_database)
    ones = [episode(str(at), at) for at in (10, 20, 30)]
    await store.change("acme", lambda rows: rows.add_episodes([*ones, episode("x", 20, source="salesforce")]))
    await store.change("other", lambda rows: rows.add_episodes([episode("9", 20)]))
    found = await store.read("acme", lambda rows: rows.versions_between("gong", 10, 30))
    assert {each.source_id for each in found} == {"10", "20"}

"""The verbs of requests and of operations: families that mean much the same, and the kind of change that each makes.

A word may stand in several families (`cancel` stops and removes), and its family may be of several kinds (a ban is put or posted).
"""

from collections.abc import Iterable
from functools import lru_cache

from capability_index.words import split_name, stem, word_set

READ, CREATE, UPDATE, REMOVE, OTHER = 1, 2, 4, 8, 16
#: family, its kinds, its words; the first four say no more than the kind does
_FAMILIES = """
read R: get show see view check read display tell retrieve describe inspect fetch list browse look count search find lookup query compare
    watch download preview give
create C: create add make new write register setup spin insert submit book order buy purchase generate compose draft issue build provision
    plan schedule open host reserve enter remind record react comment ask request upload put log file enroll hire sign star like monitor
    expose design draw paint compute install give apply
update U: update change edit modify rename set replace patch adjust correct fix configure put
remove D: delete remove erase destroy drop wipe clear purge discard trash rid prune shred uninstall kick kill revoke empty throw expel
    evict cut forget scrap bin cancel withdraw
send C: send post mail email message text dm notify forward deliver tell reply respond sms ping say
start C: start run launch trigger begin execute fire kick rebuild redeploy deploy build
stop UD: stop cancel abort end terminate halt kill interrupt finish
pause U: pause suspend hold snooze
resume U: resume continue unpause unsuspend
search R: search find lookup query filter look
count R: count many number total
enable U: enable activate
disable U: disable deactivate offline
restore U: restore recover undelete revert undo rollback roll
restart U: restart reboot reload
resize U: resize scale grow shrink bigger smaller
move U: move transfer migrate reorder
copy C: copy clone duplicate fork
attach CU: attach assign link connect associate join grant tag add label put
detach D: detach unassign unlink disconnect dissociate leave remove untag quit exit revoke
ban CU: ban block
unban D: unban unblock
pin CU: pin
unpin D: unpin
lock U: lock freeze protect
unlock UD: unlock unfreeze
archive U: archive
unarchive U: unarchive
mute U: mute silence
unmute U: unmute
upload C: upload import
export RC: export download
share C: share
invite C: invite
merge U: merge
close U: close resolve complete finish
reopen U: reopen
approve U: approve accept confirm allow
reject U: reject decline deny refuse
verify C: verify validate confirm authenticate
test C: test try
reset U: reset rotate regenerate renew refresh
publish C: publish release
unpublish D: unpublish
subscribe C: subscribe follow
unsubscribe D: unsubscribe unfollow
mark U: mark flag
refund C: refund reimburse
pay C: pay charge capture
sync C: sync synchronize
translate C: translate
transcribe C: transcribe
"""
_KIND_BY_LETTER = {"R": READ, "C": CREATE, "U": UPDATE, "D": REMOVE}
#: words that as often name a thing: "build logs", "design tokens", "an order"
NOUNS_TOO = word_set(
    "build test run design export order set post message mail email text plan open host number total block lock issue schedule watch share "
    "link query search release view count draft publish copy reply book pin charge report sms mark fix"
)
_BIT_BY_NAME: dict[str, int] = {}
_families_by_stem: dict[str, int] = {}
_KINDS: list[int] = []


def _read() -> None:
    for line in _FAMILIES.replace("\n    ", " ").strip().splitlines():
        head, _, words = line.partition(":")
        name, letters = head.split()
        bit = 1 << len(_KINDS)
        _BIT_BY_NAME[name] = bit
        _KINDS.append(sum(_KIND_BY_LETTER[letter] for letter in letters))
        for word in words.split():
            _families_by_stem[stem(word)] = _families_by_stem.get(stem(word), 0) | bit


_read()
#: the families that say no more than a kind does
GENERAL = 0b1111


def family(*names: str) -> int:
    """Return the set of the families of these names, as bits."""
    return sum(_BIT_BY_NAME[name] for name in names)


@lru_cache(16_384)
def families_of(word: str) -> int:
    """Return the families of a lower-case word as bits; none of a word that is no verb. `redeploy` starts and does again."""
    found = _families_by_stem.get(stem(word), 0)
    if not found and word.startswith("re") and len(word) > 5:
        again = _families_by_stem.get(stem(word[2:]), 0)
        found = again | _BIT_BY_NAME["start"] if again else 0
    return found


@lru_cache(4_096)
def kinds_of(families: int) -> int:
    """Return the kinds of change that `families` make, as bits."""
    found = 0
    for at, kinds in enumerate(_KINDS):
        if families >> at & 1:
            found |= kinds
    return found


# Not "get" and "make": "get an order taken back" and "make it go away" are said of removing too.
_HARMLESS = frozenset(map(stem, ("add", "create", "insert", "register", "find", "list", "look", "read", "search", "show", "view")))
_REMOVING = frozenset(map(stem, ("delete", "remove", "erase", "destroy", "purge", "discard", "trash", "rid")))


def only_makes_or_reads(stems: Iterable[str]) -> bool:
    """Say whether an intent of these stems names an act, and none that removes."""
    said = frozenset(stems)
    return not said.isdisjoint(_HARMLESS) and said.isdisjoint(_REMOVING)


@lru_cache(4_096)
def removes(slug: str) -> bool:
    """Say whether the last part of `slug` begins or ends with a word that removes."""
    words = split_name(slug.rpartition(".")[2]).lower().split()
    return any(stem(word) in _REMOVING for word in (*words[:1], *words[-1:]))

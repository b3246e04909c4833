"""What a document says of an operation in one sentence: markup, notes and addresses left out, never cut within a word."""

import html
import re

from tools.catalog.verbs import VERB_BY_WORD, leads_of, snake, spoken_in, words_of
from tools.plain_text import visible

MAX_SUMMARY_CHARS = 160
#: of a description only its beginning is read
_MAX_READ_CHARS = 4_000
_NOTE = r"(?:note|notes|warning|important|caution|tip|info|attention|deprecated|deprecation notice|disclaimer|n\.?b\.?)"
#: `**Note:** …`, `> [!NOTE] …`, `Warning: …` at the beginning of a paragraph
_IS_NOTE = re.compile(rf"[\W_]*(?:{_NOTE}\b[*_\s]*[:!\]–—-]|\[!{_NOTE}\])", re.IGNORECASE)
_NOTE_WITHIN = re.compile(rf"(?:^|\s)(?:>\s*)?(?:\*\*|__){_NOTE}\b", re.IGNORECASE)
_TAGS = (
    "a|abbr|aside|b|blockquote|br|code|dd|details|div|dl|dt|em|font|h[1-6]|hr|i|img|li|ol|p|pre|small|span|strong|sub|summary|sup|table"
    "|tbody|td|th|thead|tr|tt|u|ul"
)
_MARKUP = (
    (re.compile(r"<!--.*?-->|```.*?```|~~~.*?~~~", re.DOTALL), " "),
    (re.compile(r"<(?:p|br|li|/p|/li|/h[1-6]|/div|/ul|/ol|/table)\b[^<>]{0,200}>", re.IGNORECASE), "\n\n"),
    (re.compile(rf"</?(?:{_TAGS})\b[^<>]{{0,400}}>", re.IGNORECASE), ""),
    (re.compile(r"!\[[^\]\n]{0,200}\]\([^)\n]{0,400}\)"), ""),
    (re.compile(r"\[([^\]\n]{0,300})\](?:\([^)\n]{0,600}\)|\[[^\]\n]{0,100}\])"), r"\1"),
    (re.compile(r"\*\*|__(?=\W|$)|(?:(?<=\W)|^)__|`+|(?<![\w*])\*(?=\S)|(?<=\S)\*(?![\w*])"), ""),
)
_HEADING = re.compile(r"\s{0,3}#{1,6}\s|\s*(?:={3,}|-{3,})\s*$")
_BULLET = re.compile(r"^\s*(?:>\s?)+|^\s*(?:[-*+•]|\d+[.)])\s+")
_END = re.compile(r"[.!?]+(?=[\"')\]]*(?:\s+[\"'(\[]*[A-Z0-9À-Þ]|\s*$))|[。！？]")
#: after these a full stop ends no sentence
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.?g|i\.?e|etc|vs|approx|incl|excl|resp|cf|no|nos|fig|max|min|ca|st|mr|mrs|ms|dr|inc|ltd|ver|ex)|\b[A-Za-z])$",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\s*\(?https?://\S+?\)?(?=[\s,.;]|$)")


def paragraphs_of(text: str) -> tuple[list[str], list[str]]:
    """Return (what a description says, its notes) as paragraphs in their order; headings are left out."""
    said: list[str] = []
    notes: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text[:_MAX_READ_CHARS].replace("\r\n", "\n")):
        lines = [line for line in paragraph.split("\n") if not _HEADING.match(line)]
        whole = " ".join(" ".join(lines).split())
        if whole:
            (notes if _IS_NOTE.match(whole) else said).append(whole)
    return said, notes


def without_notes(description: str) -> str:
    """Return a description on one line without the notes at its end: what an operation warns of is not what it does."""
    found = _NOTE_WITHIN.search(description)
    return description[: found.start()].rstrip() if found else description


def notes_last(description: str) -> str:
    """Return a description with its notes after everything else."""
    said, notes = paragraphs_of(description)
    return "\n\n".join([*said, *notes]) if said and notes and len(description) <= _MAX_READ_CHARS else description


def unmarked(text: str) -> str:
    """Return `text` without HTML and Markdown: of a link remain its words."""
    for pattern, put in _MARKUP:
        text = pattern.sub(put, text)
    return html.unescape(text)


def first_sentence(text: str, most: int = MAX_SUMMARY_CHARS) -> str:
    """Return the first sentence of a description without its full stop, at most so many characters; "" where there are but notes."""
    said, _notes = paragraphs_of(unmarked(text[:_MAX_READ_CHARS]))
    for paragraph in said:
        plain = _ADDRESS.sub("", " ".join(visible(_BULLET.sub("", paragraph)).split()))
        sentence = plain[: _end_of(plain)].strip().rstrip(".:").strip()
        if any(letter.isalpha() for letter in sentence):
            return within(sentence, most)
    return ""


def within(text: str, most: int) -> str:
    """Return `text` in at most so many characters, cut between words."""
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    at = cut.rfind(" ")
    return (cut[:at] if at > most // 2 else cut).rstrip(" ,;:-–—(") + "…"


def _end_of(text: str) -> int:
    for end in _END.finditer(text):
        if end[0] != "." or not _ABBREVIATION.search(text, 0, end.start()):
            return end.start() if end[0] in (".", "。") else end.end()
    return len(text)


def summary_of(summary: object, description: object, operation_id: str | None) -> str:
    """Return what an operation does in the document's own words, "" where it has none.

    Its summary, else the first sentence of its description, else its operationId in words. A description that begins with more verbs
    than the summary has adds its sentence: `Update an incident. Acknowledge, resolve or reassign an incident`.
    """
    told = description if isinstance(description, str) else ""
    short = summary if isinstance(summary, str) else ""
    short = "" if _is_a_name(short, operation_id) else first_line(short)
    sentence = first_sentence(told)
    if not short:
        return sentence or humanised(operation_id or "")
    more = set(leads := leads_of(sentence)) - set(leads_of(short))
    both = f"{short.rstrip('.')}. {sentence}"
    return both if len(leads) > 1 and more and len(both) <= MAX_SUMMARY_CHARS else short


def first_line(summary: str) -> str:
    """Return a summary on one line, without markup."""
    return within(" ".join(visible(unmarked(summary)).split()), MAX_SUMMARY_CHARS)


def _is_a_name(summary: str, operation_id: str | None) -> bool:
    """Say whether a summary says no more than the operationId or an address does."""
    text = summary.strip()
    return " " not in text and (snake(text) == snake(operation_id or "") or text.startswith("/") or "_" in text)


def humanised(operation_id: str) -> str:
    """Return an operationId in words, its verb first: `issues/list-for-repo` -> List issues for repo; "" where it is one word."""
    is_parted = re.search(r"[/.:]", operation_id) is not None
    spoken = [words_of(part) for part in re.split(r"[/.:]+", operation_id)] if is_parted else spoken_in(operation_id)
    spoken = [kept for part in spoken if (kept := [word for word in part if not re.fullmatch(r"v\d+", word)])]
    words = [word for part in spoken for word in part]
    if len(spoken) > 1 and words[0] not in VERB_BY_WORD and spoken[-1][0] in VERB_BY_WORD and "_".join(words) != operation_id:
        last, before = spoken[-1], [word for part in spoken[:-1] for word in part]
        words = [last[0], *(word for word in before if word not in last[1:]), *last[1:]]
    return within(" ".join(words).capitalize(), MAX_SUMMARY_CHARS) if len(words) > 1 else ""

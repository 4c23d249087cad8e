#!/usr/bin/env python3
"""Proves on the unpacked manuals that questions.jsonl says what it claims: python3 check.py DIR (as given to manuals.sh).

Every range exists, is whole UTF-8 text outside tags, and is the text that the question was written for; the halves
and packages are even; and a record marked shares_words=false shares no stemmed content word with its gold text except
its topic's name. Never retrieves or scores anything: that is the next step, `make eval`. Prints one line of figures.
"""

import argparse
import hashlib
import html
import json
import re
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
RANGE_BYTES_MAX = 600
TOPIC_WORDS_MAX = 3
SAME_WORD_PREFIX = 5

STOP_WORDS = frozenset(
    """
    a about above after again all almost also although always am among an and another any anything are aren as at
    away be because been before behind being below between both but by can cannot could couldn d did didn do does
    doesn doing don down during each either else ever every few for from further get gets got had has hasn have
    haven having he her here hers him his how however i if in into is isn it its itself just let lets like ll m
    made make makes many may me might more most much must my neither never no nor not now of off often on once one
    only onto or other others our ours out over own per re s same shall she should shouldn since so some still
    such than that the their theirs them then there these they this those though through thus to too toward under
    until up upon us ve very via was wasn we well were what whatever when where whether which while who whole whom
    whose why will with within without won would wouldn yet you your yours
    """.split()
)
SUFFIXES = sorted(
    """
    s es ies ed ied ing ings er ers or ors ion ions ation ations ization izations ment ments ness ly able ible ability
    al ally ive ity ful ship e y i
    """.split(),
    key=len,
    reverse=True,
)


def stem(word):
    """Crude on purpose: it cuts more than a retriever's stemmer, so that it finds more words shared, not fewer."""
    for suffix in SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word[: -len(suffix)]
            break
    while len(word) > 3 and word[-1] in "eiy":
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def content_words(text):
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    words = set()
    for spelling in (text, parted):
        for word in re.findall(r"[^\W_]+", spelling.casefold()):
            if word not in STOP_WORDS and len(word) > 1:
                words.add(stem(word))
    return words


def alike(one, other):
    shorter, longer = sorted((one, other), key=len)
    return one == other or (len(shorter) >= SAME_WORD_PREFIX and longer.startswith(shorter))


def shared_words(question, gold, topic):
    left, right = content_words(question), content_words(gold)
    named = set().union(*(content_words(word) for word in topic)) if topic else set()
    return sorted(w for w in left if w not in named and any(alike(w, g) for g in right))


def plain(raw):
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", raw))).strip()


def gold_text(manuals, place):
    """The plain text of one place, or ValueError with what is wrong with it."""
    path = manuals / place["file"]
    start, end = place["start"], place["end"]
    if path.suffix != ".html" or ".." in path.parts or not path.is_file():
        raise ValueError(f"{place['file']} is no page of the manuals")
    raw = path.read_bytes()
    if not 0 <= start < end <= len(raw):
        raise ValueError(f"{start}..{end} is not inside {place['file']} ({len(raw)} bytes)")
    if end - start > RANGE_BYTES_MAX:
        raise ValueError(f"{end - start} bytes are more than {RANGE_BYTES_MAX}")
    for edge in (start, end):
        before = raw[:edge]
        if before.rfind(b"<") > before.rfind(b">"):
            raise ValueError(f"byte {edge} of {place['file']} stands inside a tag")
        if edge < len(raw) and raw[edge] & 0xC0 == 0x80:
            raise ValueError(f"byte {edge} of {place['file']} stands inside a character")
    text = plain(raw[start:end].decode("utf-8"))
    if not re.search(r"\w", text):
        raise ValueError(f"{start}..{end} of {place['file']} has no text")
    return text


def record_faults(record, texts):
    """What is wrong with one record, given the text of its gold and of every other place that answers it."""
    topic = record.get("topic", [])
    if not record["question"].strip() or not record["answer"].strip():
        yield "question and answer must not be empty"
    if record["half"] not in ("tune", "judge"):
        yield f"half is {record['half']!r}"
    if len(topic) > TOPIC_WORDS_MAX:
        yield f"a topic of {len(topic)} words excuses too much"
    for word in topic:
        if not content_words(word) <= content_words(record["question"]):
            yield f"the topic {word!r} is not in the question"
    for text in texts:
        shared = shared_words(record["question"], text, topic)
        if not record["shares_words"] and shared:
            yield f"shares_words is false, but {', '.join(shared)} stands in: {text}"
    if record["shares_words"] and (topic or not shared_words(record["question"], texts[0], [])):
        yield "shares_words is true, but no content word is shared (or a topic is given)"


def set_faults(records):
    """What is wrong with the set as a whole: its size, its halves, their packages and their hard third."""
    if len({r["id"] for r in records}) != len(records) or len(records) != 40:
        yield f"40 records with ids of their own are wanted, not {len(records)}"
    halves = {half: [r for r in records if r["half"] == half] for half in ("tune", "judge")}
    packages = {half: Counter(r["file"].split("/")[0] for r in rs) for half, rs in halves.items()}
    if packages["tune"] != packages["judge"]:
        yield f"the halves differ in their packages: {packages}"
    for half, members in halves.items():
        hard = sum(not r["shares_words"] for r in members)
        if len(members) != 20 or hard < 7:
            yield f"{half} has {len(members)} records, {hard} of them without shared words; 20 and at least 7 are wanted"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("dir", type=Path)
    arguments.add_argument("--write-digest", action="store_true", help="for whoever changes the questions on purpose")
    given = arguments.parse_args()
    manuals = given.dir / "manuals"

    records = [json.loads(line) for line in (HERE / "questions.jsonl").read_text("utf-8").splitlines()]
    faults, digest, range_bytes, places_total = list(set_faults(records)), hashlib.sha256(), [], 0
    for record in records:
        places = [record, *record.get("also", [])]
        places_total += len(places)
        try:
            texts = [gold_text(manuals, place) for place in places]
        except (ValueError, UnicodeDecodeError) as fault:
            faults.append(f"{record['id']}: {fault}")
            continue
        digest.update("".join(f"{record['id']}\t{text}\n" for text in texts).encode())
        range_bytes.append(record["end"] - record["start"])
        faults.extend(f"{record['id']}: {fault}" for fault in record_faults(record, texts))

    digest_file = HERE / "gold.sha256"
    if given.write_digest:
        digest_file.write_text(digest.hexdigest() + "\n")
    if not faults and digest.hexdigest() != digest_file.read_text().strip():
        faults.append("the gold texts are not those that the questions were written for (gold.sha256)")
    if faults:
        sys.exit("\n".join(faults))
    hard = Counter(r["half"] for r in records if not r["shares_words"])
    packages = ", ".join(f"{n} {name}" for name, n in Counter(r["file"].split("/")[0] for r in records).items())
    print(
        f"eval questions: {len(records)} hold ({packages}; 20 tune, 20 judge; {hard['tune']} + {hard['judge']} share no "
        f"content word), {places_total} places, gold {min(range_bytes)} to {max(range_bytes)} bytes, "
        f"median {sorted(range_bytes)[len(range_bytes) // 2]}"
    )


if __name__ == "__main__":
    main()

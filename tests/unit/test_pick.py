"""The ``fields`` grammar: CONTRACT §0.8 and the picker scenarios of §8.3."""

import copy
from typing import Any

import pytest

from backups.api.fields import MOST_HTML, FieldsError, pick

BACKUPS = [
    {"modified": "2026-11-23 18:25:47.460Z", "key": "case.zip", "size": 1},
    {"modified": "2026-11-24 18:25:47.460Z", "key": "test.zip", "size": 2},
]
RECORD = {
    "id": "123",
    "title": "lorem",
    "rel": {
        "title": "<p>rel_title</p>",
        "id": "456",
        "sub": {"name": "deep", "id": "789"},
    },
}


def excerpt_of(html: str, arguments: str) -> Any:
    return pick({"text": html}, f"text:excerpt({arguments})")["text"]


def test_it_leaves_the_data_alone_without_fields() -> None:
    assert pick(BACKUPS, "") is BACKUPS


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("key", [{"key": "case.zip"}, {"key": "test.zip"}]),
        (" size , key ", [{"key": "case.zip", "size": 1}, {"key": "test.zip", "size": 2}]),
        ("size,,size,", [{"size": 1}, {"size": 2}]),
        ("nope", [{}, {}]),
        ("KEY", [{}, {}]),
        ("ke", [{}, {}]),
        ("key.x", [{"key": "case.zip"}, {"key": "test.zip"}]),
        ("key.", [{"key": "case.zip"}, {"key": "test.zip"}]),
        (",", BACKUPS),
        (" ", BACKUPS),
        ("*", BACKUPS),
    ],
)  # fmt: skip
def test_it_picks_from_each_item_of_an_array(fields: str, expected: Any) -> None:
    assert pick(BACKUPS, fields) == expected


def test_it_gives_the_example_of_the_contract() -> None:
    assert pick(BACKUPS[:1], "*,key:excerpt(4,true)") == [
        {"key": "case...", "modified": "2026-11-23 18:25:47.460Z", "size": 1}
    ]


@pytest.mark.parametrize("fields", [",", "*", "*,rel.*", "rel,id,title"])
def test_it_orders_keys_alphabetically_at_every_level(fields: str) -> None:
    picked = pick(RECORD, fields)

    assert list(picked) == ["id", "rel", "title"]
    assert list(picked["rel"]) == ["id", "sub", "title"]
    assert list(picked["rel"]["sub"]) == ["id", "name"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("*,rel.id", {"id": "123", "title": "lorem", "rel": {"id": "456"}}),
        ("id,rel.*", {"id": "123", "rel": RECORD["rel"]}),
        (
            "id,rel.*,rel.sub.id",
            {
                "id": "123",
                "rel": {
                    "id": "456",
                    "title": "<p>rel_title</p>",
                    "sub": {"id": "789"},
                },
            },
        ),
        (
            "*:excerpt(2),rel.title:excerpt(3, true)",
            {"id": "12", "title": "lo", "rel": {"title": "rel..."}},
        ),
        ("rel,rel.id", {"rel": RECORD["rel"]}),
        ("rel.nope", {"rel": {}}),
        ("rel:excerpt(1)", {"rel": RECORD["rel"]}),
        ("*.id", {}),
    ],
)
def test_it_follows_dotted_paths_and_wildcards(fields: str, expected: Any) -> None:
    assert pick(RECORD, fields) == expected


def test_it_filters_lists_inside_the_data() -> None:
    data = {"rules": [{"a": 1, "b": 2}, {"a": 3}], "tags": ["x", "y"], "none": []}

    assert pick(data, "rules.a,tags.a,none.a") == {
        "rules": [{"a": 1}, {"a": 3}],
        "tags": ["x", "y"],
        "none": [],
    }


@pytest.mark.parametrize("data", [None, True, 7, "text", [], ["a", {"b": 1}], [[1]]])
def test_scalars_and_lists_of_scalars_pass_through(data: Any) -> None:
    assert pick(data, "key") == data


def test_it_filters_a_page_only_inside_its_items() -> None:
    page = {
        "page": 1,
        "perPage": 30,
        "totalItems": 2,
        "totalPages": 1,
        "items": BACKUPS,
    }

    picked = pick(page, "size")

    assert picked == {**page, "items": [{"size": 1}, {"size": 2}]}
    assert list(picked) == sorted(page)


def test_it_never_changes_the_data() -> None:
    before = copy.deepcopy(RECORD)

    pick(RECORD, "*:excerpt(1),rel.sub.*:excerpt(1)")

    assert before == RECORD


@pytest.mark.parametrize(
    "fields",
    [
        "key:bad(1)",
        "key:excerpt",
        "*:excerpt",
        "key:excerpt()",
        "key:",
        "key:excerpt(0)",
        "key:excerpt(-1)",
        "key:excerpt(abc)",
        "key:excerpt(²)",
        "key:excerpt(1,true,2)",
        "key:excerpt(1)x",
        "key:excerpt(" + "9" * 5000 + ")",
        "key:excerpt(4",
        "(key",
        "key)",
        "key)(",
        '"key',
    ],
)
def test_it_refuses_a_bad_expression(fields: str) -> None:
    with pytest.raises(FieldsError, match=r"\.$"):
        pick({"size": 1}, fields)


def test_commas_in_parentheses_and_quotes_do_not_split() -> None:
    assert pick(RECORD, "id:excerpt(1,true),'rel,title',title") == {
        "id": "1...",
        "title": "lorem",
    }


@pytest.mark.parametrize("word", ["true", "t", "1"])
def test_true_words_ask_for_the_ellipsis(word: str) -> None:
    assert excerpt_of("lorem", f" 2 , {word} ") == "lo..."


@pytest.mark.parametrize("word", ["false", "0", "yes", ""])
def test_other_words_do_not_ask_for_the_ellipsis(word: str) -> None:
    assert excerpt_of("lorem", f"2,{word}") == "lo"


@pytest.mark.parametrize("value", [1, None, True, ["lorem"], {"a": "lorem"}])
def test_excerpt_changes_only_strings(value: Any) -> None:
    assert excerpt_of(value, "2,true") == value


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("plain", "plain"),
        ("  a \n\t b  ", "a b"),
        ("<p>a</p><p>b</p>", "a b"),
        ("a<br>b<hr/>c", "a b c"),
        ("a<b>b</b><i>c</i>d", "abcd"),
        ("a &amp; b &lt;p&gt;", "a & b <p>"),
        ("a<!-- b -->c", "ac"),
        ("<html><head><title>x</title></head><body>a</body></html>", "a"),
        ("<head><title>x</title><body>a", "a"),
        ("a<script>x < y</script><style>p{}</style>b", "ab"),
        ("a<img src=x>b<input>c<embed>d", "abcd"),
        ("a<svg/>b<svg><text>x</text></svg>c", "abc"),
        ("a<object>x<object>y</object>z</object>b", "ab"),
        ("a<form>x<p>y</p><button>z</button></form>b", "ab"),
        ("a<select><option>x<option>y</select>b", "ab"),
        ("a<textarea>x", "a"),
        ("a</form>b", "ab"),
        ("a<![if x]>b", "ab"),
        ("a<![b>c", "ac"),
        ("1 < 2", "1 < 2"),
    ],
)
def test_excerpt_keeps_the_visible_text_of_html(html: str, expected: str) -> None:
    assert excerpt_of(html, "100") == expected


@pytest.mark.parametrize("html", ["<![", "<![x", "<!", "<", "</", "<?", "&#", "<a b='"])
def test_excerpt_survives_broken_markup(html: str) -> None:
    assert excerpt_of(f"text{html}", "4") == "text"


@pytest.mark.parametrize("html", ["<a ", "<!--", "<![", "</", "&#"])
def test_excerpt_reads_only_so_much_of_a_string(html: str) -> None:
    long = "lorem" + " " * MOST_HTML + html * 200_000

    assert excerpt_of(long, "9") == "lorem"


@pytest.mark.parametrize(
    ("text", "arguments", "expected"),
    [
        ("lorem ipsum", "6,true", "lorem..."),
        ("lorem", "5,true", "lorem"),
        ("ünïcödé", "3", "ünï"),
        ("🎈🎈🎈", "2,true", "🎈🎈..."),
    ],
)
def test_excerpt_cuts_by_characters(text: str, arguments: str, expected: str) -> None:
    assert excerpt_of(text, arguments) == expected

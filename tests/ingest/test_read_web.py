"""HTML: the content and its structure, without what surrounds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragedge.contracts import ParsedFile, ReadOptions
from ragedge.ingest.readers import read_file
from tests.ingest.samples import HTML


def read(folder: Path, content: str | bytes) -> ParsedFile:
    path = folder / "page.html"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_file(path, ReadOptions())


def test_structure_is_kept_and_surroundings_are_not(tmp_path: Path) -> None:
    parsed = read(tmp_path, HTML)
    page = parsed.pages[0]
    found = [(b.kind, page.text[b.start : b.end]) for b in page.blocks]
    assert found == [
        ("heading", "Pump manual"),
        ("text", "The pump needs 12 Nm.\nSecond line."),
        ("list", "- First item"),
        ("list", "- Second item"),
        ("table", "Part | Torque\nSeal | 12 Nm"),
        ("code", "a  b\n  c"),
    ]
    assert page.blocks[4].has_header
    assert (parsed.title, parsed.language) == ("Pump manual", "de")


@pytest.mark.parametrize(
    "junk",
    [
        "<script>JUNK</script>", "<style>JUNK</style>", "<nav>JUNK</nav>", "<footer>JUNK</footer>",
        "<aside>JUNK</aside>", "<form>JUNK</form>", '<div role="navigation">JUNK</div>',
        '<div style="display: none">JUNK</div>',
        '<p aria-hidden="true">JUNK</p>', "<template>JUNK</template>", "<!-- JUNK -->",
        "<ul>" + "".join(f'<li><a href="/{i}">JUNK {i}</a></li>' for i in range(8)) + "</ul>",
    ],
)  # fmt: skip
def test_boilerplate_is_left_out(tmp_path: Path, junk: str) -> None:
    text = read(tmp_path, f"<body>{junk}<p>{'Real content of the page. ' * 20}</p></body>").pages[0].text
    assert "JUNK" not in text and "Real content" in text


@pytest.mark.parametrize("tag", ["form", "nav", "aside", "footer", "header"])
def test_an_element_that_holds_the_whole_page_stays(tmp_path: Path, tag: str) -> None:
    assert (
        "The only text" in read(tmp_path, f"<body><{tag}><p>The only text there is.</p></{tag}></body>").pages[0].text
    )


def test_a_header_inside_an_article_stays(tmp_path: Path) -> None:
    page = read(
        tmp_path, f"<body><article><header><h1>Title</h1></header><p>{'text ' * 50}</p></article></body>"
    ).pages[0]
    assert page.text.startswith("Title\n")


def test_lists_of_long_links_are_content(tmp_path: Path) -> None:
    items = "".join(
        f'<li><a href="/{i}">How the pump number {i} of the field unit is serviced</a></li>' for i in range(9)
    )
    assert "number 7" in read(tmp_path, f"<body><ul>{items}</ul><p>{'text ' * 300}</p></body>").pages[0].text


def test_nested_and_numbered_lists_keep_their_items(tmp_path: Path) -> None:
    text = read(tmp_path, "<ol><li>one<ul><li>inner</li></ul></li><li>two</li></ol>").pages[0].text
    assert text == "1. one\n- inner\n2. two"


def test_layout_tables_are_text_and_words_stay_whole(tmp_path: Path) -> None:
    page = read(tmp_path, "<table><tr><td><p>Left <b>bo</b>ld text</p></td></tr></table>").pages[0]
    assert (page.text, page.blocks[0].kind) == ("Left bold text", "text")


def test_a_table_without_marked_header_is_judged_by_its_cells(tmp_path: Path) -> None:
    named = read(tmp_path, "<table><tr><td>Part</td><td>Nm</td></tr><tr><td>Seal</td><td>12</td></tr></table>").pages[0]
    assert named.blocks[0].has_header
    bare = read(tmp_path, "<table><tr><td>Seal</td><td>12</td></tr><tr><td>Nut</td><td>8</td></tr></table>").pages[0]
    assert not bare.blocks[0].has_header


def test_deep_nesting_loses_no_text(tmp_path: Path) -> None:
    depth = 5_000
    assert "deep text" in read(tmp_path, "<div>" * depth + "deep text" + "</div>" * depth).pages[0].text


def test_the_declared_encoding_is_used(tmp_path: Path) -> None:
    page = '<html><head><meta charset="koi8-r"></head><body><p>Насос требует обслуживания</p></body></html>'
    assert "Насос требует" in read(tmp_path, page.encode("koi8-r")).pages[0].text

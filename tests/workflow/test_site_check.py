"""The check of the site finds each fault that is planted, and nothing in a page that is well."""

import pytest

from workflow.site.check import check_site

PAGE = """<!doctype html><html><head>
<link rel="stylesheet" href="style.css"><link rel="canonical" href="https://example.org/">
<script src="script.js"></script><style>p { background: url(data:image/png;base64,AA) }</style></head>
<body><h2 id="part">Part</h2><img src="picture.png" alt="A picture."><a href="#part">here</a>
<a href="other.html#there">there</a><a href="https://example.org/paper">a paper</a><a href="mailto:a@b.c">write</a>
%s</body></html>"""


@pytest.fixture
def site(tmp_path):
    """Writes a site whose first page has something more in its body."""

    def write(more="", style="p { color: black }", script="let a = 1"):
        (tmp_path / "index.html").write_text(PAGE % more)
        (tmp_path / "other.html").write_text('<html><body><p id="there">there</p></body></html>')
        (tmp_path / "style.css").write_text(style)
        (tmp_path / "script.js").write_text(script)
        (tmp_path / "picture.png").write_bytes(b"")
        return tmp_path

    return write


def test_a_site_that_is_well_has_no_fault(site):
    assert check_site(site()) == []


@pytest.mark.parametrize(
    ("planted", "fault"),
    [
        ('<img src="https://example.org/a.png" alt="a">', "loads 'https://example.org/a.png' from outside"),
        ('<img src="//example.org/a.png" alt="a">', "from outside"),
        ('<img src="picture.png" srcset="picture.png 1x, https://example.org/b.png 2x" alt="a">', "b.png"),
        ('<script src="http://example.org/a.js"></script>', "a.js' from outside"),
        ('<script>import("https://example.org/a.mjs")</script>', "a script loads"),
        ('<link rel="stylesheet" href="https://example.org/a.css">', "a.css' from outside"),
        ('<link rel="preconnect" href="https://fonts.example.org">', "from outside"),
        ('<iframe src="https://example.org/frame"></iframe>', "from outside"),
        ('<video poster="https://example.org/v.png"></video>', "from outside"),
        ('<svg><use href="https://example.org/a.svg#b"></use></svg>', "from outside"),
        ('<p style="background: url(https://example.org/c.png)">x</p>', "from outside"),
        ("<style>@import 'https://example.org/d.css'</style>", "from outside"),
        ('<base href="https://example.org/">', "<base>"),
        ('<a href="missing.html">x</a>', "'missing.html', which is not part of the site"),
        ('<a href="other.html#nowhere">x</a>', "no such place"),
        ('<a href="#nowhere">x</a>', "no such place"),
        ('<a href="/other.html">x</a>', "begins at the root"),
        ('<a href="../outside.html">x</a>', "not part of the site"),
        ('<img src="missing.png" alt="a">', "missing.png"),
        ('<img src="picture.png">', "no alternative text"),
        ('<img src="picture.png" alt=" ">', "no alternative text"),
    ],
)
def test_a_planted_fault_is_found(site, planted, fault):
    faults = check_site(site(planted))
    assert len(faults) == 1, faults
    assert faults[0].startswith("index.html: ")
    assert fault in faults[0]


def test_faults_of_style_sheets_and_scripts_are_found(site):
    folder = site(
        style="@font-face { src: url('https://fonts.example.org/a.woff2') } p { background: url(missing.png) }",
        script='const s = document.createElement("script"); s.src = "https://example.org/a.js"',
    )
    faults = check_site(folder)
    assert [fault.split(":")[0] for fault in faults] == ["style.css", "style.css", "script.js"]


def test_a_folder_without_pages_is_a_fault(tmp_path):
    assert "no page" in check_site(tmp_path)[0]

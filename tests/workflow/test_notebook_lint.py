"""Each rule of the notebook lint finds its planted fault, names the cell, and finds nothing in the good lesson."""

import base64
import struct
import zlib

import nbformat
import pytest

from tests.workflow.fixtures.copies import FIXTURES, LessonCopy
from workflow.notebook_tools.__main__ import main
from workflow.notebook_tools.lint.stored import LessonFile


def png(width):
    """A PNG file, one pixel high, as base64."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0))
    data = (
        b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * (width + 1))) + chunk(b"IEND", b"")
    )
    return base64.b64encode(data).decode()


def shown(media, content):
    return nbformat.v4.new_output("display_data", data={media: content})


def set_stdout(cell, text):
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]


# Each plants one fault; the value is the rule that must find it and a piece of its message.
def lost_count(copy):
    copy.code[3].execution_count = None


def count_out_of_order(copy):
    copy.code[3].execution_count = 5


def stale_result_count(copy):
    copy.code[4].outputs[0].execution_count = 9


def stored_stderr(copy):
    copy.code[3].outputs.append(nbformat.v4.new_output("stream", name="stderr", text="Warning: old\n"))


def stored_error(copy):
    copy.code[3].outputs.append(
        nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[])
    )


def seconds(copy):
    set_stdout(copy.code[3], "trained in 3.2 s\n")


def milliseconds(copy):
    set_stdout(copy.code[3], "a step takes 12ms\n")


def speed(copy):
    set_stdout(copy.code[3], "10,700 images/s\n")


def tqdm_bar(copy):
    set_stdout(copy.code[3], "100%|█████| 5/5 [00:01<00:00,  4.21it/s]\n")


def keras_bar(copy):
    set_stdout(copy.code[3], "94/94 ━━━━━━━━━━━━━━━━━━━━ done\n")


def overwritten_line(copy):
    set_stdout(copy.code[3], "one of two\rtwo of two\n")


def timing_in_asserting_cell(copy):
    copy.find('expect_between("the sum').outputs[0].text += "took 0.1 seconds\n"


def papermill_notebook(copy):
    copy.notebook.metadata["papermill"] = {"duration": 1.0}


def papermill_cell(copy):
    copy.code[3].metadata["papermill"] = {"status": "completed"}


def language_version(copy):
    copy.notebook.metadata.language_info["version"] = "3.11.7"


def other_kernel(copy):
    copy.notebook.metadata.kernelspec["name"] = "my-kernel"


def home_path(copy):
    set_stdout(copy.code[3], "saved to /home/ada/course/model.keras\n")


def windows_path(copy):
    set_stdout(copy.code[3], "saved to C:\\Users\\ada\\model.keras\n")


def memory_address(copy):
    set_stdout(copy.code[3], "<Axes object at 0x7f402bdee490>\n")


def no_parameters(copy):
    copy.code[1].metadata.pop("tags")


def two_parameters(copy):
    copy.code[3].metadata["tags"] = ["parameters"]


def parameter_not_literal(copy):
    copy.code[1].source = "count: int = 2 + len('a')  # how many"


def parameter_without_annotation(copy):
    copy.code[1].source = "count = 3  # how many"


def parameter_without_help(copy):
    copy.code[1].source = 'name: str = "#1"'


def parameter_of_wrong_type(copy):
    copy.code[1].source = "count: int | None = 2.5  # how many"


def exits(copy):
    copy.add_code("import sys\nsys.exit(0)", None)


def clears(copy):
    copy.add_code("from IPython.display import clear_output\nclear_output(wait=True)", None)


def updates(copy):
    copy.add_code("handle.update_display(3)", None)


def display_id(copy):
    copy.add_code("display(3, display_id='a')", None)


def asks(copy):
    copy.add_code('name = input("your name? ")', None)


def shell(copy):
    copy.add_code("!pip list", None)


def cell_magic(copy):
    copy.add_code("%%time\nprint(1)")


def no_syntax(copy):
    copy.add_code("print(1", None)


def check_in_loop(copy):
    copy.add_code('for answer in (1, 2):\n    lesson.check("04-2", answer)')


def claim_in_comprehension(copy):
    copy.add_code('[lesson.claim("04-x", n > 0) for n in squares]')


def claim_in_function(copy):
    copy.add_code('def state():\n    lesson.claim("04-x", True)')


def claim_passed_on(copy):
    copy.add_code('list(map(lesson.claim, ["04-x"], [True]))')


def variable_identifier(copy):
    copy.add_code("lesson.check(name, 1)")


def formatted_identifier(copy):
    copy.add_code('lesson.check(f"04-{count}", 1)')


def repeated_identifier(copy):
    copy.add_code('lesson.check("04-1", 5)')


def foreign_identifier(copy):
    copy.add_code('lesson.check("05-1", 5)')


def svg_figure(copy):
    copy.code[0].outputs = [shown("image/svg+xml", "<svg/>")]


def html_figure(copy):
    copy.code[0].outputs = [shown("text/html", "<div><IMG src='a.png'></div>")]


def wide_figure(copy):
    copy.find("grey_square(side))").outputs[0].data["image/png"] = png(901)


def large_notebook(copy):
    copy.find("grey_square(side))").outputs[0].data["image/png"] += " " * 1_500_000


def typed_percentage(copy):
    copy.find("## Recap").source += "\n\nThe network reached 91.2% here."


def typed_accuracy(copy):
    copy.find("## Recap").source += "\n\nWe end at an accuracy of about 0.91, which is good."


def typed_in_table(copy):
    copy.find("## Recap").source += "\n\n| net | score |\n|---|---|\n| LeNet (1998) | 1 |\n| ours | 91 % |"


def banned_word(copy):
    copy.find("## Recap").source += "\n\nThis obviously holds."


def unread_figure(copy):
    copy.find("The picture shows").source = "### A heading is no sentence."
    # A sentence of a later section does not read it either.
    copy.notebook.cells.append(nbformat.v4.new_markdown_cell("This closes the last section.", id="closing"))


def missing_heading(copy):
    copy.find("## Recap").source = "The end comes near."


def heading_too_early(copy):
    cells = copy.notebook.cells
    recap = copy.find("## Recap")
    cells.remove(recap)
    cells.insert(1, recap)


def too_much_free(copy):
    copy.add_code("print(squares)", tags=["nbval-ignore-output"])


def misspelt_tag(copy):
    copy.code[3].metadata["tags"] = ["nbval-ignore-outputs"]


def unread_parameter(copy):
    copy.code[1].source += "\nsteps: int = 3  # nobody asks"


def overwritten_parameter(copy):
    copy.code[3].source += "\nfor count in (1, 2):\n    pass"


def drawing_without_figure(copy):
    copy.add_code("figure = plots.bars({'a': 1})")


def repeated_label(copy):
    for _ in range(2):
        copy.add_code("lesson.add_run(f'{count} layers', 1, 2)")


def label_in_a_loop(copy):
    copy.add_code("for n in squares:\n    lesson.add_run('net', n, 2)")


def repeated_quantity(copy):
    copy.add_code('lesson.expect_between("the sum", sum(squares), 1, 20)')


def nbval_comment(copy):
    copy.code[3].source = "# NBVAL_IGNORE_OUTPUT\n" + copy.code[3].source


PLANTS = {
    lost_count: ("NB001", "In [4]"),
    count_out_of_order: ("NB001", "In [4]"),
    stale_result_count: ("NB001", "In [5]"),
    stored_stderr: ("NB003", "In [4]"),
    stored_error: ("NB003", "ValueError"),
    seconds: ("NB004", "'3.2 s'"),
    milliseconds: ("NB004", "'12ms'"),
    speed: ("NB004", "'images/s'"),
    tqdm_bar: ("NB004", "In [4]"),
    keras_bar: ("NB004", "In [4]"),
    overwritten_line: ("NB004", "progress bar"),
    timing_in_asserting_cell: ("NB004", "'0.1 seconds'"),
    papermill_notebook: ("NB005", "papermill"),
    papermill_cell: ("NB005", "In [4]"),
    language_version: ("NB005", "language_info.version"),
    other_kernel: ("NB005", "python3"),
    home_path: ("NB006", "/home/ada/course/model.keras"),
    windows_path: ("NB006", "C:\\\\Users"),
    memory_address: ("NB006", "address"),
    no_parameters: ("NB007", "0 cells"),
    two_parameters: ("NB007", "2 cells"),
    parameter_not_literal: ("NB007", "no literal"),
    parameter_without_annotation: ("NB007", "not an annotated assignment"),
    parameter_without_help: ("NB007", "no help comment"),
    parameter_of_wrong_type: ("NB007", "int | None"),
    exits: ("NB008", "exit()"),
    clears: ("NB008", "clear_output()"),
    updates: ("NB008", "update_display()"),
    display_id: ("NB008", "display_id"),
    asks: ("NB008", "input()"),
    shell: ("NB008", "!pip list"),
    cell_magic: ("NB008", "%%time"),
    no_syntax: ("NB008", "does not parse"),
    check_in_loop: ("NB009", "loop"),
    claim_in_comprehension: ("NB009", "loop"),
    claim_in_function: ("NB009", "function"),
    claim_passed_on: ("NB009", "without a call"),
    variable_identifier: ("NB009", "literal"),
    formatted_identifier: ("NB009", "literal"),
    repeated_identifier: ("NB009", "'04-1'"),
    foreign_identifier: ("NB009", "begin with 04-"),
    svg_figure: ("NB010", "image/svg+xml"),
    html_figure: ("NB010", "text/html"),
    wide_figure: ("NB011", "901 pixels"),
    large_notebook: ("NB011", "1,500,000"),
    typed_percentage: ("NB012", "'91.2%'"),
    typed_accuracy: ("NB012", "0.91"),
    typed_in_table: ("NB012", "'91 %'"),
    banned_word: ("NB013", "'obviously'"),
    unread_figure: ("NB014", "In [8]"),
    missing_heading: ("NB015", "'Recap'"),
    heading_too_early: ("NB015", "order"),
    too_much_free: ("NB016", "75%"),
    misspelt_tag: ("NB017", "'nbval-ignore-outputs'"),
    unread_parameter: ("NB018", "'steps'"),
    overwritten_parameter: ("NB018", "'count' is given another value"),
    drawing_without_figure: ("NB019", "plots.bars"),
    repeated_label: ("NB020", "layers"),
    label_in_a_loop: ("NB020", "over and over"),
    repeated_quantity: ("NB020", "'the sum'"),
    nbval_comment: ("NB017", "NBVAL_IGNORE_OUTPUT"),
}


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_planted_fault_is_found_by_its_rule_alone(tmp_path, plant):
    rule, message = PLANTS[plant]
    copy = LessonCopy(tmp_path)
    plant(copy)
    faults = copy.save().faults()
    assert {fault.rule for fault in faults} == {rule}, [str(fault) for fault in faults]
    assert message in str(faults[0])


def test_good_lesson_has_no_fault(tmp_path):
    assert LessonCopy(tmp_path).faults() == []


def test_what_is_drawn_or_assigned_in_its_own_scope_or_under_a_condition_is_no_fault(tmp_path):
    copy = LessonCopy(tmp_path)
    copy.add_code("plots.bars({'a': 1}) if count > 9 else None")
    copy.add_code("def draw(count):\n    count = 2\n    return plots.bars({'a': count})")
    copy.add_code("color = plots.network_color('lenet5')\n[count for count in squares]")
    assert copy.save().faults() == []


def test_pair_that_disagrees_in_text_tags_or_length(tmp_path):
    text = LessonCopy(tmp_path).save(pair=False)
    text.code[3].source += "\n# changed"
    (fault,) = text.save(pair=False).faults()
    assert (fault.rule, fault.where) == ("NB002", "cell 6 (In [4])")

    tags = LessonCopy(tmp_path)
    tags.code[3].metadata["tags"] = ["hide-input"]
    (fault,) = tags.save(pair=False).faults()
    assert fault.rule == "NB002"
    assert "tags" in fault.message

    longer = LessonCopy(tmp_path)
    longer.script.write_text(longer.script.read_text() + "\n# %%\nprint(1)\n")
    (fault,) = longer.faults()
    assert (fault.rule, "the script has" in fault.message) == ("NB002", True)

    longer.script.unlink()
    (fault,) = longer.faults()
    assert fault.rule == "NB002"
    assert "missing" in fault.message


def test_unreadable_and_missing_notebooks_are_faults(tmp_path):
    copy = LessonCopy(tmp_path)
    copy.lesson.notebook.write_text("{")
    assert [fault.rule for fault in copy.faults()] == ["NB000"]
    copy.lesson.notebook.unlink()
    assert [fault.rule for fault in copy.faults()] == ["NB000"]


def test_identifiers_are_unique_over_the_course(tmp_path):
    seen = {}
    LessonCopy(tmp_path).faults(seen)
    faults = LessonCopy(tmp_path, "05_more").faults(seen)
    assert any("stands in 04_numbers, cell 20 (In [10]) too" in fault.message for fault in faults)


@pytest.mark.parametrize(
    "prose",
    [
        "The paper reached 99.2% (LeCun et al., 1998).",
        "LeCun et al. (1998) report an error rate of 0.8%.",
        "The option `dropout=50%` and the formula $0.5\\%$ are no measured values.",
        "All of the 100% are there.",
        "A stride of 2 halves 28 to 14, and the learning rate is 0.01.",
        "The lost time is a lot, in version 3.15.1.",
    ],
)
def test_prose_that_is_allowed(tmp_path, prose):
    copy = LessonCopy(tmp_path)
    copy.find("## Recap").source += f"\n\n{prose}"
    assert copy.save().faults() == []


@pytest.mark.parametrize(
    "line",
    ["conv1 6 (24, 24, 6) 156 parameters", "stride 2, same", "inputs/outputs: 3/4", "16 s1 maps", "2 state(s)",
     "classes: 10, top-5", "ratio 4:3", "relative path data/fashion-mnist", "see https://host/home/page"],
)  # fmt: skip
def test_exact_outputs_that_are_allowed(tmp_path, line):
    copy = LessonCopy(tmp_path)
    set_stdout(copy.code[3], f"{line}\n")
    assert copy.save().faults() == []


def test_timing_in_a_free_cell_is_allowed(tmp_path):
    copy = LessonCopy(tmp_path)
    set_stdout(copy.code[2], "3.2 s, 10,700 images/s\n")
    assert copy.save().faults() == []


def test_kinds_of_cells(tmp_path):
    copy = LessonCopy(tmp_path)
    stored = LessonFile(copy.lesson, copy.notebook)
    kinds = [cell.kind for cell in stored.code]
    assert kinds[:5] == ["silent", "silent", "free", "checked", "checked"]
    assert kinds[5:] == ["checked", "asserting", "silent", "checked", "checked"]
    assert len(stored.code[7].pictures) == 1  # silent, but for its picture
    assert stored.checked_share == pytest.approx(6 / 7)


def test_command_prints_a_table_and_its_status(tmp_path, capsys):
    copy = LessonCopy(tmp_path)
    assert main(["lint", "--notebooks", str(tmp_path)]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split()[:3] == ["lesson", "cells", "code"]
    assert table[1].split() == [
        "04_numbers",
        "20",
        "10",
        "7",
        "5",
        "1",
        "1",
        "86%",
        "1",
        table[1].split()[9],
        "0",
    ]
    lost_count(copy)
    copy.save()
    assert main(["lint", "numbers", "--notebooks", str(tmp_path)]) == 1
    assert "NB001 04_numbers, cell 6 (In [4]): execution count is None" in capsys.readouterr().out


def test_wrong_selection_is_one_sentence(capsys):
    assert main(["lint", "05", "--notebooks", str(FIXTURES)]) == 2
    assert "'05'" in capsys.readouterr().err

"""From drafts to the pieces that an editor is given."""

from hermes.cli.editor.drafts import OVERLAP, Answer, parts


def test_a_draft_is_what_is_done_now_and_the_answer_so_far() -> None:
    assert parts("⚙️ reading a\n⚙️ reading b\n\nHello") == ("reading b", "Hello")
    assert parts("⏳ Still at it.\n\nHello") == ("", "Hello")
    assert parts("Hello\n\n⚙️ no step") == ("", "Hello\n\n⚙️ no step")
    assert parts("⚙️ reading a") == ("reading a", "")


def test_pieces_join_to_the_answer() -> None:
    answer = Answer()
    assert [answer.more(text) for text in ("He", "Hello", "Hello", "Hello you")] == ["He", "llo", "", " you"]


def test_a_draft_that_shows_only_the_end_of_a_long_answer_goes_on_from_there() -> None:
    answer = Answer()
    answer.more("".join(str(number) for number in range(300)))
    assert answer.more(answer.said[-OVERLAP - 100 :] + " and on") == " and on"


def test_what_does_not_go_on_is_a_paragraph_of_its_own() -> None:
    answer = Answer("Hello")
    assert answer.more("Something else") == "\n\nSomething else"

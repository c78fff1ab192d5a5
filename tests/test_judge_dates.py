"""Days that were moved, told in other words than the day before: by when something is due, when something is."""

from __future__ import annotations

import pytest

from memos_cli.stores.verdicts import Relation, by_rule


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "The Formas grant application is due on 15 April",
            "The Formas grant deadline was moved to 29 April",
        ),
        ("The Formas grant application is due on 15 April.", "The Formas deadline is now 29 April."),
        (
            "The Formas application has to be submitted by 15 April.",
            "The Formas grant is now due on 29 April.",
        ),
        (
            "The deadline for the Formas grant is 15 April.",
            "The Formas deadline has been extended to 29 April.",
        ),
        ("The ethics application is due on Friday.", "The ethics deadline moved to Monday."),
        ("The deadline for the review is 3 May.", "The deadline for the review was moved to 9 May."),
        ("中文课是星期三", "中文课改到周五了"),
        ("组会是周三下午两点", "组会改到周四下午了"),
        ("我的中文课是星期三。", "我的中文课改到周五了。"),
        ("The freezer code for the minus 80 is 4471.", "The freezer code for the minus 80 is now 9038."),
        ("The password for the lab wifi is heron7.", "The lab wifi password has changed to owl8."),
    ],
)
def test_a_day_that_was_moved_is_an_update(old: str, new: str) -> None:
    verdict = by_rule(old, new)
    assert (verdict.relation, verdict.sure) == (Relation.UPDATE, True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("The Formas grant application is due on 15 April.", "The Formas deadline is 29 April."),
        (
            "The Formas grant application is due on 15 April.",
            "The Formas grant report deadline was moved to 2 May.",
        ),
        ("The Formas grant application is due on 15 April.", "The ERC grant deadline was moved to 29 April."),
        ("The project application is due on 1 March.", "The project deadline was moved to 1 June."),
        ("The project proposal is due on 1 March.", "The project deadline was moved to 1 June."),
        ("My application is due on 15 April.", "The Formas deadline was moved to 29 April."),
        ("The paper is due to Anna on 15 April.", "The paper deadline was moved to 29 April."),
        ("中文课是星期三", "英文课改到周五了"),
        ("中文课是星期三", "中文课是星期五"),
        ("今天是星期三", "今天是星期五"),
        ("The password for the week is heron7.", "The password for the week is owl8."),
        ("The code for the freezer is 4471.", "The code for the cupboard is 9038."),
    ],
)
def test_another_day_of_another_thing_closes_nothing(old: str, new: str) -> None:
    assert not by_rule(old, new).sure


def test_the_same_day_in_other_words_is_kept_beside_it() -> None:
    told = by_rule("The Formas grant application is due on 15 April.", "The Formas deadline is 15 April.")
    assert (told.relation, told.sure) == (Relation.COMPLEMENT, False)

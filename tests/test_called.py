"""Somebody named with what he or she is to the speaker is the one of that name, and nobody else."""

from __future__ import annotations

import pytest

from memos_cli.operations.add import add
from memos_cli.schema import AddResult, Draft, MemoryItem, Status
from memos_cli.session import Session
from memos_cli.stores.called import by_name
from memos_cli.stores.verdicts import Relation, by_rule


@pytest.mark.parametrize(
    ("text", "bare", "role"),
    [
        ("My brother Tomas lives in Graz.", "Tomas lives in Graz.", "brother"),
        ("Our landlord Holm lives in Ghent.", "Holm lives in Ghent.", "landlord"),
        ("My colleague Dr. Lena Okafor lives in Leeds.", "Lena Okafor lives in Leeds.", "colleague"),
        ("Our landlord Mr. Holm lives in Ghent.", "Mr. Holm lives in Ghent.", "landlord"),
        ("My older brother Tomas Berg works at Ubel.", "Tomas Berg works at Ubel.", "brother"),
        ("My brother Tomas's phone number is 555 1234.", "Tomas's phone number is 555 1234.", "brother"),
        ("Update: my sister-in-law Ana moved to Porto.", "Update: Ana moved to Porto.", "sister-in-law"),
        ("My friend Ana van der Berg is 40.", "Ana van der Berg is 40.", "friend"),
        ("Dr. Lena Okafor moved to York.", "Lena Okafor moved to York.", ""),
        ("我弟弟小王住在北京。", "小王住在北京。", "弟弟"),
        ("我的同事李明住在深圳。", "李明住在深圳。", "同事"),
        ("我们的房东老张搬到苏州了。", "老张搬到苏州了。", "房东"),
        ("我表弟小刘的电话是123456。", "小刘的电话是123456。", "表弟"),
    ],
)
def test_who_is_named_with_a_role(text: str, bare: str, role: str) -> None:
    assert by_name(text) == (bare, role)


@pytest.mark.parametrize(
    "text",
    [
        "My brother lives in Graz.",
        "Our guest Wifi password is Ab1.",
        "My client Acme moved to Leeds.",
        "My colleague Ben Wifi password is abc.",
        "My student ID number is 4471.",
        "My doctor Monday is Okafor.",
        "My server Atlas is down.",
        "Anna's brother Tomas lives in Graz.",
        "His brother Tomas lives in Graz.",
        "The landlord Holm lives in Ghent.",
        "Dr. Okafor moved to York.",
        "My mother tongue is German.",
        "我弟弟住在北京。",
        "我弟弟高兴了。",
        "我弟弟常年住在广州。",
        "我同事全家搬到广州了。",
        "我弟弟去年搬到广州了。",
        "他弟弟小王住在北京。",
        "我老师安排在周五。",
    ],
)
def test_what_names_nobody_with_a_role_is_left_alone(text: str) -> None:
    assert by_name(text) == (text, "")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("My brother Tomas lives in Graz.", "Tomas moved to Utrecht."),
        ("Tomas lives in Graz.", "My brother Tomas moved to Utrecht."),
        ("My brother Tomas moved to Utrecht.", "My older brother Tomas moved to Porto."),
        ("Our landlord Holm lives in Ghent.", "Holm moved to Bruges."),
        ("My colleague Dr. Lena Okafor works at Siemens.", "Lena Okafor now works at Bosch."),
        ("My sister Ana's phone number is 555 1234.", "Ana's phone number has changed to 555 9999."),
        ("My cousin Ada lives in Oslo.", "Ada moved to Bergen."),
        ("我弟弟小王住在北京。", "小王搬到上海了。"),
        ("李明住在深圳。", "我同事李明搬到广州了。"),
    ],
)
def test_a_named_person_is_brought_up_to_date(old: str, new: str) -> None:
    verdict = by_rule(old, new)
    assert (verdict.relation, verdict.sure) == (Relation.UPDATE, True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("My brother Tomas Berg lives in Graz.", "Tomas Lind moved to Utrecht."),
        ("My brother Tomas Berg lives in Graz.", "Tomas moved to Utrecht."),
        ("My brother Tomas lives in Graz.", "My colleague Tomas moved to Utrecht."),
        ("My brother Tomas lives in Graz.", "My brother moved to Utrecht."),
        ("My brother Tomas lives in Graz.", "Anna's brother Tomas moved to Utrecht."),
        ("Our landlord Holm lives in Ghent.", "Mrs. Holm moved to Bruges."),
        ("我弟弟小王住在北京。", "我同事小王搬到上海了。"),
        ("我弟弟小王住在北京。", "王小明搬到上海了。"),
    ],
)
def test_others_are_not_mixed_up_with_them(old: str, new: str) -> None:
    assert not by_rule(old, new).sure


def test_who_somebody_is_is_not_lost_in_a_duplicate() -> None:
    assert by_rule("Tomas lives in Graz.", "My brother Tomas lives in Graz.").relation is Relation.COMPLEMENT
    assert by_rule("My brother Tomas lives in Graz.", "Tomas lives in Graz.").relation is Relation.DUPLICATE


# in a cube


def tell(session: Session, *texts: str) -> AddResult:
    return add(session, [Draft(memory=text) for text in texts])


def shown(session: Session) -> set[str]:
    items: list[MemoryItem] = session.cube.table.items("known_to IS NULL")
    return {item.memory for item in items if item.status is Status.ACTIVATED}


def test_each_move_ends_the_one_before(session: Session) -> None:
    tell(session, "My brother Tomas lives in Graz.")
    tell(session, "Tomas moved to Utrecht.")
    tell(session, "My brother Tomas moved to Porto.")
    assert shown(session) == {"My brother Tomas moved to Porto."}


def test_of_two_who_share_a_name_nobody_is_closed_by_the_bare_name(session: Session) -> None:
    two = ("My brother Tomas lives in Graz.", "My colleague Tomas lives in Bonn.")
    assert len(tell(session, *two).added) == 2
    result = tell(session, "Tomas moved to Porto.")
    assert (len(result.updated), len(result.linked)) == (0, 1)
    assert shown(session) == {*two, "Tomas moved to Porto."}

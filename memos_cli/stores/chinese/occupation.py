"""Where somebody works or studies.

Owns: those patterns. Does not own: what somebody is called there (`stores/chinese/attribute`).
"""

from __future__ import annotations

from memos_cli.stores.chinese.pattern import VALUE, WHO, claimed, match
from memos_cli.stores.chinese.sentence import Sentence, compiled
from memos_cli.stores.chinese.subject import subject
from memos_cli.stores.claims import Claim, Manner
from memos_cli.stores.places import size


def work(s: Sentence) -> list[Claim] | None:
    verbs = "(?:工作|上班|任职|就职)"
    for pattern, turn in (
        (rf"{WHO}(?P<no>不再|不)?在{VALUE}{verbs}(?P<end>了)?", 0),
        (rf"{WHO}(?P<no>不再|不)?(?:就职于|任职于|供职于){VALUE}(?P<end>了)?", 0),
        (rf"{WHO}(?:跳槽到|跳槽去|入职|加入|去了|换到)了?{VALUE}(?P<job>{verbs})?(?P<end>了)?", 1),
        (rf"{WHO}从{VALUE}(?:离职|辞职|退休)了?", -1),
        (rf"{WHO}(?:离开|辞去)了?{VALUE}(?:的工作)?了?", -1),
    ):
        found = match(pattern, s)
        if not found:
            continue
        if "去了" in s.text and not found.groupdict().get("job"):
            continue
        if ("换到" in s.text or "离开" in s.text or "加入" in s.text) and not compiled(
            "工作|公司|上班"
        ).search(s.text):
            continue
        who, firm = subject(found.group("s")), found.group("v").removesuffix("了").removesuffix("公司")
        if (
            who is None
            or not firm
            or size((firm,))
            or compiled("^(?:家$|家里|外面|这|那|外地|国外)").match(firm)
        ):
            return []
        # "A bank", of which there are many: another one says nothing of it.
        loose = bool(compiled("^(?:一[家个所]|1[家个所]|学校|银行|医院)").match(firm))
        firm = compiled("^[一1][家个所]").sub("", firm)
        no = found.groupdict().get("no") or ""
        ended = bool(found.groupdict().get("end"))
        return [
            claimed(
                s, f"{who}|工作", Manner.STATE, value=(firm,), positive=turn >= 0 and not no,
                changed=turn != 0 or "再" in no or ended, event=turn != 0,
                domain="loose" if loose else "name",
            )
        ]  # fmt: skip
    return None


def school(s: Sentence) -> list[Claim] | None:
    for pattern, changed in (
        (rf"{WHO}(?P<no>不)?在{VALUE}(?:读书|上学|念书|就读|上大学|读大学)(?P<end>了)?", False),
        (rf"{WHO}(?P<no>不)?就读于{VALUE}(?P<end>了)?", False),
        (rf"{WHO}(?:转学到|转到|考上|考入)了?{VALUE}(?P<end>了)?", True),
    ):
        if found := match(pattern, s):
            who, school = subject(found.group("s")), found.group("v").removesuffix("了")
            if who is None or not compiled("大学|学院|中学|小学|高中|一中|附中|学校").search(school):
                return [] if "转到" not in s.text else None
            no = found.groupdict().get("no")
            return [
                claimed(
                    s,
                    f"{who}|上学",
                    Manner.STATE,
                    value=(school,),
                    positive=not no,
                    changed=changed or bool(found.group("end")),
                    domain="name",
                )
            ]
    return None

"""Names of groups in Chinese, and in Chinese and English: whole words, not scraps of them."""

from __future__ import annotations

import pytest

from memos_cli.organize import unspaced
from memos_cli.organize.titles import NAMED, name_of, title_terms, words_of

TOPICS = {
    "咖啡": [
        "我每天早上喝一杯手冲咖啡。",
        "小林送了我一台意式咖啡机。",
        "我在附近的咖啡馆写作。",
        "埃塞俄比亚的咖啡豆有花香。",
        "手冲咖啡的水温要九十二度。",
        "这家咖啡馆的拿铁很好喝。",
        "我把咖啡豆放在密封罐里。",
        "意式咖啡机需要每周除垢。",
        "下午三点以后我不喝咖啡。",
        "我想学拉花。",
    ],
    "杭州": [
        "我上周去杭州出差。",
        "杭州的西湖边有很多游客。",
        "公司在杭州设了办事处。",
        "去杭州的高铁要一个小时。",
        "我们在西湖边吃了龙井虾仁。",
        "杭州办事处有二十个人。",
        "出差的酒店在西湖附近。",
        "高铁票是公司订的。",
        "龙井茶是杭州的特产。",
        "下个月还要去杭州出差。",
    ],
    "猫": [
        "我家的猫叫豆包。",
        "豆包是一只橘猫。",
        "橘猫特别能吃猫粮。",
        "豆包上周去打了疫苗。",
        "宠物医院的医生说豆包太胖。",
        "猫粮换成了减肥配方。",
        "豆包喜欢睡在窗台上。",
        "宠物医院在学校旁边。",
        "我给豆包买了新的猫砂盆。",
        "猫砂盆放在阳台。",
    ],
    "编程": [
        "小王在学习编程语言。",
        "他最喜欢的编程语言是Python。",
        "Python的数据分析库很好用。",
        "小王写了一个数据分析脚本。",
        "我们用机器学习预测销量。",
        "机器学习模型需要训练数据。",
        "小王的编程作业用Python完成。",
        "数据分析报告周五交。",
        "机器学习课程在周二。",
        "他想转行做后端开发。",
    ],
    "马拉松": [
        "我报名了上海马拉松。",
        "马拉松训练每周跑四次。",
        "跑步鞋磨破了要换新的。",
        "教练给我定了训练计划。",
        "周日的长距离跑是二十公里。",
        "训练计划包括力量训练。",
        "我的膝盖在跑步后会疼。",
        "上海马拉松在十一月举行。",
        "跑步鞋是朋友推荐的。",
        "教练说膝盖要多休息。",
    ],
    "装修": [
        "厨房的装修开始了。",
        "装修公司报价八万。",
        "厨房要换成开放式。",
        "木地板选了橡木的。",
        "装修公司的设计师姓陈。",
        "客厅铺木地板。",
        "设计师建议墙面刷成米色。",
        "厨房的橱柜下周安装。",
        "橱柜门板有色差。",
        "装修合同已经签了。",
    ],
}
GARDEN = [
    "Anna planted tomatoes in the garden bed.",
    "The tomatoes in the greenhouse are ripe.",
    "Anna watered the garden bed at dawn.",
    "The greenhouse needs a new window.",
    "Slugs ate the tomatoes again.",
    "The greenhouse heater broke.",
]
MIXED = [
    "我用Python写了一个爬虫。",
    "The Python crawler runs at night.",
    "爬虫把数据存到数据库。",
    "The database is PostgreSQL.",
    "数据库用的是PostgreSQL。",
    "Python爬虫又被封了。",
]
WORDS = frozenset(
    [
        "咖啡",
        "咖啡豆",
        "咖啡馆",
        "意式咖啡机",
        "手冲咖啡",
        "杭州",
        "出差",
        "西湖",
        "西湖边",
        "办事处",
        "杭州出差",
        "高铁",
        "龙井",
        "公司",
        "豆包",
        "宠物医院",
        "橘猫",
        "猫粮",
        "猫砂盆",
        "学习",
        "数据",
        "小王",
        "数据分析",
        "机器学习",
        "编程",
        "编程语言",
        "跑步",
        "马拉松",
        "训练",
        "上海马拉松",
        "教练",
        "膝盖",
        "训练计划",
        "跑步鞋",
        "装修",
        "厨房",
        "木地板",
        "橱柜",
        "装修公司",
        "设计师",
        "爬虫",
        "数据库",
    ]
)


@pytest.mark.parametrize("beside", [{}, {"garden": GARDEN, "mixed": MIXED}], ids=["Chinese", "mixed"])
def test_names_are_whole_words(beside: dict[str, list[str]]) -> None:
    groups = TOPICS | beside
    found = dict(zip(groups, title_terms([words_of(g) for g in groups.values()], words_of([])), strict=True))
    scraps = {t for terms in found.values() for t in terms if not t.isascii()} - WORDS
    assert not scraps
    for topic, word in [
        *(
            ("咖啡", "咖啡"),
            ("杭州", "西湖"),
            ("猫", "宠物医院"),
            ("编程", "数据"),
            ("马拉松", "马拉松"),
            ("装修", "木地板"),
        )
    ]:
        assert any(word in term for term in found[topic][:NAMED]), (topic, found[topic])
    if beside:
        assert name_of(found["garden"]) == "greenhouse, tomatoes, anna"
        assert {"爬虫", "数据库"} < set(found["mixed"])


def test_what_no_two_texts_share_is_named_by_whole_pieces() -> None:
    (terms,) = title_terms([words_of(["今天去了故宫。", "我买了西瓜。"])], words_of([]))
    assert sorted(terms) == ["故宫", "西瓜"]


def test_a_string_is_a_scrap_where_a_longer_one_is_as_frequent() -> None:
    texts = ["宠物医院很远", "这家宠物医院", "宠物医院的医生", "一家医院"]
    counts = words_of(texts).counts
    assert counts["宠物医"] == 3
    assert unspaced.words(counts, ()) >= {"宠物医院", "医院"}
    assert not unspaced.words(counts, ()) & {"宠物", "物医", "宠物医", "物医院"}


def test_names_keep_their_capitals_and_sentence_starts_give_none() -> None:
    group = words_of(
        [
            "The grant of Formas is late, says Tomas.",
            "Grant money: ask Tomas about PostgreSQL.",
            "PostgreSQL holds the grant of Formas.",
            "Tomas wrote. Formas answered.",
        ]
    )
    [terms] = title_terms([group], words_of([]))
    assert set(terms) == {"grant", "Formas", "Tomas", "PostgreSQL"}


def test_a_spelling_is_the_one_of_all_texts() -> None:
    """A group where Lena begins every sentence learns from another; what is shouted teaches nothing."""
    lena = words_of(
        ["Lena sings in the choir.", "Lena sings well.", "CHOIR PRACTICE", "The choir, said a Choir."]
    )
    other = words_of(["I met Lena.", "The kiln of Lena.", "The kiln is hot.", "A letter to Lena"])
    terms, _ = title_terms([lena, other], words_of([]))
    assert {"Lena", "choir", "sings"} <= set(terms)
    [alone] = title_terms([lena], words_of([]))
    assert {"lena", "choir"} <= set(alone)


def test_terms_are_the_same_whatever_their_capitals() -> None:
    small = [text.lower() for text in GARDEN]
    for first, second in zip(terms_of(GARDEN), terms_of(small), strict=True):
        assert first.lower() == second


def terms_of(texts: list[str]) -> list[str]:
    return title_terms([words_of(texts)], words_of([]))[0]

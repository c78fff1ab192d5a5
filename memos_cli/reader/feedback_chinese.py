"""The frames of Chinese feedback: corrections, wishes to delete, praise, and what is neither.

Owns: the grammar. Does not own: the parts it gives (`feedback`), nor what a statement claims
(`stores/chinese`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from memos_cli.reader.feedback import Form, Part, bare, opened, parts_of

_SENTENCE = re.compile(r"(?<=[。!?!?;;])\s*")
_STOPS = " ,.!?:;~\u3002\u3001\u2026"
"""At an edge of a sentence; the grammar sees stops of half width."""
_STOP = r"[,，。.!！;；:：、…~～\s]"


def _opener(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{words})(?:{_STOP}+|$)|(?:{words})(?=\S)")


def _closed(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{words})(?:{_STOP}+|$)")


_PARTICLE = "[啊呀吧呢哦的了啦嘛哈]*"
_NEGATING = (
    _closed(
        rf"(?:不|不不|不对|不是|不是的|不是这样|错|错了|不正确|不准确|有误|不太对|不完全对|没有|瞎说|胡说){_PARTICLE}"
    ),
    _closed(
        rf"(?:这|那|这个|那个|这条|那条|上面|刚才)(?:说的|记的)?(?:是)?(?:不对|错|错误|不正确|不准确|不是真|有误|有问题|不属实){_PARTICLE}"
    ),
    _opener("(?:你(?:又|好像|可能|是不是)?)?(?:记|说|搞|弄|写)(?:错|反|混)了|混淆了"),
    _closed(
        "你(?:又|好像|可能)?把?(?:记|说|搞|弄|写)(?:错|反|混)了?(?:学校|名字|号码|日期|时间|地址|地方|人|城市|姓)了?"
    ),
    _closed(
        "我不是(?:这个|那个)意思|我(?:没有?|可没)(?:这么|这样|那么)说过?|(?:这|那)(?:个|条)?已?经?(?:过时|过期)了"
    ),
    _closed(r"(?:名字|号码|时间|日期|地址|地方|人|数字|城市|价格)(?:写|记|说|搞|弄)?错了?"),
    _opener("我(?:刚才|之前|上次)?(?:说|写|记|打|搞)错了"),
    _opener("(?:我来|我要|需要|请)?(?:更正|纠正|订正|修正)(?:一下|一点|你一下)?"),
    _opener("其实|实际上|事实上|准确地说|准确来说|确切地说|严格来说"),
    _opener("我(?:的意思|指的|想说的|说的)是"),
)
_ADDING = (
    _opener("另外|此外|除此之外|还有一点|还有一件事|还有(?=[,,::])|再说一点"),
    _opener("(?:我)?(?:再)?补充(?:一下|一点|一句|一条)?(?:信息)?"),
    _opener("顺便(?:说一下|说一句|说|提一下|一提)?"),
    _opener("(?:请|帮我|要|你要)?(?:记住|记得|记一下|记下来|记下|注意|牢记|留意)(?:一下|一点)?"),
    _opener("(?:请|千万)?(?:别|不要)忘(?:了|记)(?=[^,,。]{2,})"),
    _opener("你(?:要|得|应该|需要)知道"),
    _opener("(?:请|帮我)?(?:加|添加|增加|保存|存)(?:上)?一(?:条|点|个|下)(?:记忆|信息)?"),
    _closed("对了|话说"),
)
_FILLING = (
    _closed(
        f"(?:哦|噢|喂|嘿|那个|嗯|呃|啊|那么|那|所以|但是|可是|等等|等一下|抱歉|对不起|不好意思|好的|好|请问|请){_PARTICLE}"
    ),
    _opener("但是|可是|不过"),
)
_PRAISING = (
    _closed(
        rf"(?:是|对|对对|嗯|没错|正确|完全正确|确实|确实如此|就是|就是这样|正是|正是如此|可以|说得(?:很|真|太)?(?:对|好)|你说得对|你(?:是)?对|完全对|一点没错){_PARTICLE}"
    ),
    _closed("(?:这|那)?正?(?:就)?是我(?:的意思|想(?:要|说)的|要的)"),
    _closed(r"(?:非常|多|十分|太|真的?)?(?:谢谢|感谢|多谢|谢|辛苦)(?:你|您|啦|了|大家)?(?:[^,,。]{0,4})?"),
    _closed(
        rf"(?:真|太|很|非常|挺|好|超|特别|相当)?(?:棒|好|厉害|赞|不错|完美|优秀|聪明|贴心|强|牛|准确|清楚|到位){_PARTICLE}"
    ),
    _closed(rf"(?:你|您)(?:真的?|太|好|很|可真)(?:棒|好|厉害|赞|聪明|贴心|强|牛|细心|能干)(?:{_PARTICLE})"),
    _closed(rf"(?:你)?(?:记|说|答|回答)得(?:真|很|太|非常|挺)?(?:清楚|好|对|准|准确|棒|牢|不错){_PARTICLE}"),
    _closed(rf"(?:你|您)?的?记[性忆](?:力)?(?:真|很|太|可真|超|挺)?(?:好|棒|不错|强){_PARTICLE}"),
    _closed(rf"(?:这|那)?正?(?:就)?是我(?:一直)?(?:在|想)?(?:要|找|想要|想找)(?:找)?的{_PARTICLE}"),
    _closed(f"就是(?:(?:这|那)(?:个|条|家|款|位)[^,,。是不]{{0,6}}|它){_PARTICLE}|不赖{_PARTICLE}"),
    _closed(
        rf"[^,,。是不]{{1,10}}(?:的事|那条|这条)?你(?:都)?(?:说|记|答)(?:得)?(?:很|真|太)?对了?{_PARTICLE}"
    ),
    _closed(rf"(?:干|做|回答)得(?:好|漂亮|不错){_PARTICLE}|点赞|给力|完美|满分"),
    _closed(rf"(?:这|那|这个|那个|这条)(?:是)?(?:对|正确|没错|没问题|没错){_PARTICLE}"),
)

_DROP = "(?:忘掉|忘记|忘了|忘|删除|删掉|删去|删|去掉|移除|清除|清空|抹掉|抹去|擦除|丢掉|扔掉|除掉|清理掉)"
_KEEP = "(?:提起|提到|提|记住|记得|记下|记录|记|保存|保留|存储|存|储存)"
_PLEASE = r"(?:(?:请|麻烦|希望|想让|想要|我想让|我希望|我想|我要|能不能|可以|可不可以|能否|帮我|给我|你|您|就|快|把它?|现在|以后|从现在起)\s*)*"
_FORGET = re.compile(rf"{_PLEASE}{_DROP}(?:了|吧)?(?P<what>.*)$")
_NEED_NOT = re.compile(
    rf"(?P<what>[^,,。]{{2,20}}?)(?:的?(?:事|事情|这件事|那件事|那条|这条))?(?:你|就|以后)*(?:不用|不必|别|不要|无需)(?:再)?{_KEEP}了?$"
)
_WHOLE = re.compile("(?:[那这一]条|记忆|记录|笔记)$|^[那这]条")
"""It is a note that shall go."""
_FORGET_BA = re.compile(
    rf"{_PLEASE}[把将](?P<what>.+?)(?:都|全部?|统统|通通|一并|给我|给|从[^删清移去抹忘]*?(?:里|中|里面|中间))*\s*{_DROP}(?:了|吧|掉)*$"
)
_KEEP_NOT = re.compile(
    rf"{_PLEASE}(?:(?:别|不要|不用|不必|无需|不需要|停止|不许)(?:再|继续|帮我|替我)*|我?不(?:想|希望|要)(?:让|要)?你(?:再|继续)?){_KEEP}(?:着|了)?(?P<what>.+)$"
)
_FORGET_IT = re.compile(
    rf"(?P<what>[^,,。]{{2,14}}?)(?:的)?(?:那|这)(?:条|个|些|件事)(?:记忆|记录)?(?:都)?(?:可以|该|请|要)?{_DROP}(?:了|掉)?(?:吧)?$"
)
_EVERY = re.compile("所有|全部|一切|任何|都|统统|通通|凡是")
_POINTING = re.compile(
    rf"(?:这|那|刚才|上)?(?:个|条|件事|一条|一个|些|点|它|他|她|句|条记忆|些记忆)?(?:吧|了|记忆|说的)?{_PARTICLE}"
)
_ABOUT = re.compile(
    r"^(?:(?:所有|全部|一切|任何|那些|这些|那条|这条|那个|这个|我说的|你(?:所)?(?:知道|记得|记住|保存)的|我(?:告诉|跟)你(?:说)?的?)*)(?:有关|关于|涉及|提到)?"
)
_ABOUT_TAIL = re.compile(
    "(?:的)?(?:(?:所有|全部|一切|任何|那|这|那个|这个|相关)?(?:的)?(?:一?(?:条|个|件|些|切))?(?:记忆|事情|事|信息|内容|记录|笔记|资料|东西|那条|这条)|一切|所有|那条|这条)(?:都|了|吧)?$"
)

_NOT_WORD = r"[^,,。;;::]"
_REPLACE = re.compile(
    rf"{_PLEASE}[把将](?P<all>所有的?|全部的?|每个)?(?P<a>{_NOT_WORD}+?)(?:都|全部?|统统|一律)?(?:改成|改为|换成|换为|替换成|替换为|改叫|更正为|更新为|修改为|修改成|改到)(?P<b>{_NOT_WORD}+?)(?:吧|了)?$"
)
_INTO = re.compile(
    rf"{_PLEASE}(?:用)?(?P<b>{_NOT_WORD}{{1,12}}?)(?:替换|代替|取代)(?P<a>{_NOT_WORD}{{1,12}})$"
)
_SPELLED = re.compile(
    rf"(?:[她他它]|名字|姓名|{_NOT_WORD}{{0,6}}?名字)?(?:叫|写作|写成|写做)(?:做)?(?P<b>{_NOT_WORD}{{1,12}}?)[,,、]?\s*(?:而)?不(?:叫|是叫|写作|写成|是)(?P<a>{_NOT_WORD}{{1,12}})$"
)
_IT = r"(?:[她他它这那]|名字|应该|正确的?|这里|那里|应当|姓)?"
_IS_NOT = re.compile(
    rf"{_IT}(?:应该|应|就)?是(?P<b>{_NOT_WORD}{{1,14}}?)[,,、]?\s*(?:而|并|可)?不(?:是|叫)(?P<a>{_NOT_WORD}{{1,14}})$"
)
_NOT_IS = re.compile(
    rf"{_IT}(?:并)?不(?:是|叫)(?P<a>{_NOT_WORD}{{1,14}}?)[,,、]?\s*(?:而|应该|应当|其实)*(?:是|叫)(?P<b>{_NOT_WORD}{{1,14}})$"
)
_SHOULD = re.compile(
    rf"(?P<a>{_NOT_WORD}{{1,10}}?)(?:写错了?,?|打错了?,?|应该|应当|应){{1,2}}(?:是|为|写成|写作|叫)(?P<b>{_NOT_WORD}{{1,10}})$"
)
_IT_SHOULD = re.compile(
    rf"(?:[它这那])?(?:应该|应当|应|就|现在|正确的)?(?:是|改成|改为|为)(?P<b>{_NOT_WORD}{{1,14}})$"
)

_FALSE = "(?:错的|假的|不对的?|不是真的|不正确|不属实|不实|误会|错误的|没有的事|谣言)"
_IS_FALSE = re.compile(
    rf"(?P<s>.{{3,}}?)(?:这件事|这条|这个|这一点|的说法|这话|的事)?(?:都|完全)?(?:是)?{_FALSE}$"
)
_DETAIL_FALSE = re.compile(
    r"(?P<s>(?![这那])[^,,。;;是不没在了]{2,6}?)(?:都|好像|已经)?(?:是)?(?:不对|错了?|错的|有误|不正确|不准|过时了?|过期了?)$"
)
_SOMEBODY = re.compile(r"(?:[她他它]们?)(?:并|根本|从来|其实)?不是[^,,。;;]{1,14}$")
"""A denial about somebody who is not named."""
_KEEP_IT = re.compile("(?:请|千万|可)*(?:不要|别|不许|不能)(?:再)?(?:把[^,,。]{1,12})?(?:删|移除|清除|抹|擦)")
_SWITCHED = re.compile(
    rf"(?P<s>{_NOT_WORD}{{2,12}}?)(?:已经|现在|刚刚?)?从(?P<a>{_NOT_WORD}{{1,14}}?)(?:换成|改成|改用|换到|切换到|切换成|迁移到|迁到|挪到|改到|提前到|推迟到)(?P<b>{_NOT_WORD}{{1,14}}?)了?$"
)
_MOVED = re.compile(
    rf"(?P<s>{_NOT_WORD}{{2,12}}?)(?:已经|现在|都)?(?:改到|推迟到|提前到|挪到|延到|改成|改为)(?:了)?(?P<x>{_NOT_WORD}{{2,12}}?)了?$"
)
_NO_LONGER = re.compile(
    r"(?P<s>[^,,。;;]{1,8}?)(?:已经|早就|早已|现在)?不(?:再)?[^,,。;;]{1,12}了?[,,;;](?:(?:因为)?[她他它])(?P<x>[^,,。;;]{2,24})$"
)
_TOO_LATE = re.compile(r"[,;](?:是)?(?:你|我)?(?:又|好像|之前|刚才)?(?:记|说|搞|弄|写)(?:错|反|混)了?$")
"""What says after a statement that something else is remembered."""
_GOT_WRONG = re.compile(
    r"(?:你)?把(?P<s>[^,,。;;]{2,14}?)(?:给)?(?:记|说|搞|弄|写)(?:错|反|混)了[,,;;]?(?:它|他|她)?(?:应该)?(?:是|叫)(?P<b>[^,,。;;]{1,14})$"
)
"""你把狗的名字记错了，它叫毛毛: what is wrong and what is right, in two clauses."""
_HAS_NEW = re.compile(
    r"(?P<s>[^,,。;;]{1,8}?)(?:已经|刚刚?)?换了?(?:个)?新?(?P<what>[^,,。;;了]{2,8}?)了?[,,;;:](?:新(?:的)?(?:号码|地址|密码|名字)?|现在)?(?:的)?是(?P<b>[^,,。;;]{1,20})$"
)
_NEW_IS = re.compile(r"新的?(?P<s>[^,,。;;的]{2,10}?)(?:现在)?(?:是|为)(?P<b>[^,,。;;]{1,20})$")
_WENT = re.compile(
    r"(?P<s>[^,,。;;]{2,12}?)(?:已经)?(?:涨|降|提高|增加|减少|调|升|跌)(?:到|至|成|为)了?(?P<b>[^,,。;;]*\d[^,,。;;]*?)了?$"
)
_NOW = re.compile("(?<=[^,,。;;])(?:现在|如今|目前|今后|以后)(?:都|已经|改)?(?=[^,,。;;]{2,}$)")
_NEVER_SAID = re.compile(
    r"我(?:从来|可|根本|并)?(?:没有?|不曾)(?:有)?(?:说过?|讲过|提过|提到过|告诉过?你)(?P<s>.{3,})$"
)
_FALSE_THAT = re.compile(rf"(?:说)?{_FALSE}[,,::]\s*(?P<s>.+)$")

_CONTRAST = re.compile(r"(?P<s>.{3,}?)[,,;;]\s*(?:而|并|可)?(?:不|没)(?:是|在|叫|有)?(?P<y>[^,,;;]{1,20})$")
_CONTRAST_TIGHT = re.compile(r"(?P<s>.{3,}?)(?:而|并)?不是(?P<y>[^,,;;]{1,20})$")
_ISNT = re.compile(
    r"(?P<subject>[^,,;;]{1,20}?)(?P<no>并?不(?P<v>是|在|住在?|叫|姓|属))(?P<y>[^,,;;]{1,20}?)[,,;;]\s*(?:而|其实|应该|现在)*(?:[她他它我])?(?P<w>是|在|住在?|叫|姓|属)(?P<x>[^,,;;]{1,30})$"
)

_QUESTION = re.compile(
    r"(?:吗|呢|么|嘛)[??]?$|[??]$|什么|怎么|哪(?:里|儿|个|天|些|位)|谁|为什么|几(?:点|岁|个|号)|多(?:少|大|久|高|远|长)|是不是|有没有|能不能|可不可以|会不会"
)
_ASKS = re.compile(
    r"(?:请|麻烦)?(?:你)?(?:帮我|给我|告诉我|跟我|讲|说说|写|画|查|搜|找|看看|列出|总结|翻译|解释|我们聊|聊聊|咱们聊|唱|播放|打开|别说|换个话题)"
)
_CHATTER = re.compile(
    rf"(?:好|好的|嗯+|哦+|噢+|啊+|呃+|哈+|呵+|嘿+|你好|您好|再见|拜拜|早|早上好|晚安|晚上好|算了|没事|随便|是吗|知道了|明白了?|行|可以|在吗|啊这|额|无语|测试|(?:让)?我(?:再)?(?:想想|看看|考虑一下)){_PARTICLE}"
)
_NAMES_A_THING = re.compile(
    "[^,,。;;:是为叫在有\\da-zA-Z]{0,8}(?:密码|号码|地址|生日|电话|手机号|邮箱|名字|时间|日期|纪念日)"
)
"""千万别忘了无线密码 says neither what it is nor that it shall go."""


def read(text: str) -> Iterator[Part]:
    """The parts of an utterance."""
    return parts_of(_SENTENCE.split(text), _opened, _said)


def _opened(sentence: str) -> tuple[str, set[str]]:
    """A sentence without what opens it, and what its openers say; nothing is left of small talk."""
    if re.fullmatch(rf"(?:{_CHATTER.pattern}){_STOP}*", sentence):
        return "", set()
    table = (("no", _NEGATING), ("more", _ADDING), ("yes", _PRAISING), ("", _FILLING))
    return opened(sentence, table, _STOPS)


def _said(sentence: str, negated: bool, signs: set[str]) -> Iterator[Part]:
    asks = bool(re.search("[??]$", sentence.rstrip()))
    rest = sentence.rstrip(_STOPS)
    if corrected := _TOO_LATE.search(rest):
        rest, negated = rest[: corrected.start()], True
    adds = "more" in signs
    if _KEEP_IT.match(rest) and not adds:
        yield Part(Form.REMARK)
    elif (part := None if adds else _forgotten(rest)) is not None or (
        part := None if asks else _changed(rest) or _replaced(rest) or _denied(rest) or _contrasted(rest)
    ) is not None:
        yield part
    elif asks or _QUESTION.search(rest):
        yield Part(Form.REMARK)
    elif (found := _IT_SHOULD.fullmatch(rest)) is not None:
        yield Part(Form.STATE, right=bare(found["b"]), corrects=True, points=True)
    elif _CHATTER.fullmatch(rest) or (_ASKS.match(rest) and not adds):
        yield Part(Form.REMARK)
    elif "yes" in signs and not negated and not adds:
        yield Part(Form.CONFIRM, rest)
    elif adds and _NAMES_A_THING.fullmatch(rest):
        yield Part(Form.REMARK)
    elif len(rest) >= 4 or (len(rest) == 3 and rest[0] in "我他她"):
        moved = _MOVED.fullmatch(rest)
        plain = f"{moved['s']}{moved['x']}" if moved else ""
        if not plain and _NOW.search(rest):
            plain = _NOW.sub("", rest, count=1).removesuffix("了")
        said = re.sub("并(?=不|没)", "", rest)
        yield Part(Form.STATE, said, corrects=negated, adds=adds, changed=bool(plain), plain=plain)
    elif negated:
        yield Part(Form.STATE, right=bare(rest), corrects=True, points=True)
    else:
        yield Part(Form.REMARK)


def _forgotten(text: str) -> Part | None:
    if re.match("我(?:已经|都|总是|老是|经常|差点)?(?:忘|删)", text):
        return None  # that is told, not asked for
    found = next(
        (m for p in (_FORGET_BA, _KEEP_NOT, _FORGET, _FORGET_IT, _NEED_NOT) if (m := p.fullmatch(text))), None
    )
    if found is None:
        return None
    what = re.sub("[吗吧呢么了]+$", "", bare(found["what"]))
    if _POINTING.fullmatch(what):
        return Part(Form.FORGET, points=True)
    every = bool(_EVERY.search(text))
    about = _ABOUT_TAIL.sub("", _ABOUT.sub("", what, count=1))
    about = about.removesuffix("的") if every else about
    whole = bool(_WHOLE.search(found["what"]))
    return Part(Form.FORGET, bare(about), every=every, whole=whole, points=not bare(about))


def _replaced(text: str) -> Part | None:
    for pattern in (_REPLACE, _INTO, _SPELLED):
        if found := pattern.fullmatch(text):
            return _words(found, every=True)
    for pattern in (_IS_NOT, _NOT_IS):
        if found := pattern.fullmatch(text):
            return _words(found, every=False)
    if (found := _SHOULD.fullmatch(text)) and found["a"] not in ("这", "那", "它", "就"):
        return _words(found, every=False)
    return None


def _words(found: re.Match[str], *, every: bool) -> Part | None:
    wrong, right = bare(found["a"]).removesuffix("的"), bare(found["b"]).removesuffix("的")
    if wrong == right:
        return Part(Form.REMARK)
    if not wrong or not right or wrong in ("它", "这个", "那个", "这", "那"):
        return None
    return Part(Form.REPLACE, wrong=wrong, right=right, corrects=True, every=every)


def _denied(text: str) -> Part | None:
    for pattern in (_NEVER_SAID, _IS_FALSE, _FALSE_THAT):
        if found := pattern.fullmatch(text):
            return Part(Form.DENY, bare(found["s"]), corrects=True)
    if found := _DETAIL_FALSE.fullmatch(text):
        return Part(Form.DENY, bare(found["s"]), corrects=True, points=True)
    if _SOMEBODY.fullmatch(text):
        return Part(Form.DENY, text, corrects=True, points=True)
    return None


def _changed(text: str) -> Part | None:
    """A statement that says what was so and is not any more."""
    if found := _GOT_WRONG.fullmatch(text):
        return Part(Form.STATE, f"{found['s']}是{found['b']}", corrects=True)
    if found := _HAS_NEW.fullmatch(text):
        return Part(Form.STATE, text, changed=True, plain=f"{found['s']}的{found['what']}是{found['b']}")
    if found := _NEW_IS.fullmatch(text) or _WENT.fullmatch(text):
        return Part(Form.STATE, text, changed=True, plain=f"{found['s']}是{found['b']}")
    if found := _SWITCHED.fullmatch(text):
        plain = f"{found['s']}是{found['b']}"
        return Part(Form.STATE, text, wrong=_short(found["a"]), changed=True, plain=plain)
    if found := _NO_LONGER.fullmatch(text):
        return Part(Form.STATE, text, corrects=True, changed=True, plain=f"{found['s']}{found['x']}")
    return None


def _contrasted(text: str) -> Part | None:
    """A statement that says with it what is not so."""
    if found := _ISNT.fullmatch(text):
        said = f"{found['subject']}{found['w']}{found['x']}"
        return Part(Form.STATE, said, wrong=_short(found["y"]), corrects=True)
    for pattern in (_CONTRAST, _CONTRAST_TIGHT):
        if found := pattern.fullmatch(text):
            return Part(Form.STATE, found["s"], wrong=_short(found["y"]), corrects=True)
    return None


def _short(words: str) -> str:
    return re.sub("^(?:在|是|叫|住在|住)", "", bare(words))

"""Which places exclude one another: somebody who lives in one city does not live in another, but may
well live in a city and its country.

Owns: the names of countries, regions and large cities, English and Chinese, and that comparison.
A place that is in neither list is of unknown size.
"""

from __future__ import annotations

from memos_cli.stores.wordlist import word_set

_REGIONS = word_set(
    "norway sweden denmark finland iceland germany france spain portugal italy austria switzerland belgium netherlands "
    "poland ukraine russia turkey greece hungary romania bulgaria serbia croatia ireland england scotland wales britain "
    "uk usa us america canada mexico brazil argentina chile peru colombia china japan korea taiwan india pakistan "
    "thailand vietnam singapore malaysia indonesia philippines australia egypt morocco nigeria kenya israel iran iraq "
    "europe asia africa bavaria catalonia tuscany texas california florida ohio oregon nevada utah alaska hawaii georgia "
    "virginia colorado arizona washington michigan illinois ontario quebec alberta scandinavia cuba jamaica nepal "
    "estonia latvia lithuania slovakia slovenia czechia luxembourg malta cyprus ethiopia ghana uganda tanzania "
    "zealand africa arabia emirates states kingdom"
)
_CITIES = word_set(
    "oslo bergen trondheim stavanger tromso stockholm gothenburg malmo uppsala copenhagen aarhus odense helsinki tampere turku espoo "
    "reykjavik berlin munich hamburg cologne frankfurt stuttgart dusseldorf leipzig dresden hanover bremen nuremberg "
    "bonn essen dortmund mannheim karlsruhe freiburg heidelberg erlangen aachen munster paris lyon marseille toulouse nice nantes bordeaux lille "
    "strasbourg rennes grenoble madrid barcelona valencia seville malaga bilbao granada lisbon porto braga coimbra rome milan "
    "naples turin florence venice bologna genoa palermo vienna graz linz salzburg innsbruck zurich geneva basel bern "
    "lausanne brussels antwerp ghent bruges amsterdam rotterdam utrecht eindhoven delft leiden groningen hague warsaw "
    "krakow gdansk wroclaw poznan lodz prague brno bratislava budapest bucharest sofia belgrade zagreb ljubljana athens thessaloniki "
    "istanbul ankara izmir kyiv lviv odesa moscow petersburg kazan minsk riga tallinn vilnius dublin cork galway london manchester "
    "birmingham liverpool leeds sheffield bristol cambridge oxford edinburgh glasgow cardiff belfast nottingham newcastle brighton york "
    "boston chicago seattle portland denver dallas houston austin miami atlanta philadelphia pittsburgh detroit "
    "minneapolis phoenix tucson vegas sacramento oakland berkeley nashville memphis charlotte raleigh baltimore "
    "cleveland columbus cincinnati milwaukee omaha orlando tampa honolulu brooklyn toronto montreal vancouver ottawa "
    "calgary edmonton winnipeg halifax lima bogota medellin santiago quito caracas montevideo rio brasilia "
    "beijing shanghai shenzhen guangzhou hangzhou chengdu wuhan nanjing tianjin chongqing xian suzhou qingdao dalian xiamen "
    "tokyo osaka kyoto yokohama nagoya sapporo fukuoka kobe seoul busan incheon taipei kaohsiung bangkok hanoi saigon jakarta "
    "manila mumbai delhi bangalore bengaluru chennai kolkata hyderabad pune karachi lahore dhaka colombo kathmandu "
    "dubai doha riyadh tehran baghdad beirut jerusalem haifa cairo alexandria casablanca rabat tunis algiers lagos "
    "nairobi accra kampala addis capetown johannesburg durban sydney melbourne brisbane perth adelaide canberra auckland "
    "wellington christchurch"
)
_CITY_PAIRS = frozenset(
    (
        "new york",
        "los angeles",
        "san francisco",
        "san diego",
        "hong kong",
        "cape town",
        "tel aviv",
        "abu dhabi",
        "buenos aires",
        "sao paulo",
        "mexico city",
        "kuala lumpur",
        "new delhi",
        "salt lake",
        "san jose",
        "new orleans",
        "las vegas",
        "the hague",
        "ho chi",
    )
)
_REGIONS_ZH = word_set(
    "中国 美国 英国 法国 德国 日本 韩国 加拿大 澳大利亚 澳洲 新西兰 意大利 西班牙 葡萄牙 荷兰 比利时 瑞士 瑞典 挪威 丹麦 芬兰 冰岛 俄罗斯 波兰 "
    "奥地利 希腊 土耳其 埃及 印度 泰国 越南 新加坡 马来西亚 印尼 印度尼西亚 菲律宾 巴西 阿根廷 墨西哥 秘鲁 智利 南非 以色列 爱尔兰 台湾 欧洲 亚洲 非洲 "
    "河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 海南 四川 贵州 云南 陕西 甘肃 青海 内蒙古 广西 西藏 宁夏 新疆 加州"
)
_CITIES_ZH = word_set(
    "北京 上海 天津 重庆 广州 深圳 杭州 南京 苏州 成都 武汉 西安 长沙 郑州 青岛 大连 厦门 宁波 无锡 合肥 福州 济南 沈阳 长春 哈尔滨 昆明 贵阳 南宁 南昌 "
    "太原 石家庄 兰州 西宁 银川 乌鲁木齐 拉萨 呼和浩特 海口 三亚 珠海 东莞 佛山 惠州 中山 温州 绍兴 嘉兴 常州 南通 扬州 徐州 烟台 威海 洛阳 桂林 丽江 大理 "
    "香港 澳门 台北 高雄 台中 东京 大阪 京都 横滨 首尔 釜山 曼谷 河内 吉隆坡 雅加达 马尼拉 孟买 新德里 迪拜 悉尼 墨尔本 奥克兰 伦敦 曼彻斯特 爱丁堡 剑桥 牛津 "
    "巴黎 里昂 马赛 柏林 慕尼黑 汉堡 法兰克福 科隆 罗马 米兰 佛罗伦萨 威尼斯 马德里 巴塞罗那 里斯本 波尔图 阿姆斯特丹 鹿特丹 布鲁塞尔 维也纳 苏黎世 日内瓦 "
    "斯德哥尔摩 奥斯陆 卑尔根 特隆赫姆 哥本哈根 赫尔辛基 莫斯科 华沙 布拉格 布达佩斯 雅典 伊斯坦布尔 开罗 纽约 洛杉矶 旧金山 西雅图 波士顿 芝加哥 休斯顿 "
    "华盛顿 费城 迈阿密 多伦多 温哥华 蒙特利尔 墨西哥城 圣保罗"
)


def size(place: tuple[str, ...]) -> str:
    """ "city", "region" or "" where it is not known."""
    name = " ".join(place)
    if name in _CITIES or name in _CITY_PAIRS or name in _CITIES_ZH:
        return "city"
    return "region" if name in _REGIONS or name in _REGIONS_ZH or place[-1] in _REGIONS else ""


def comparable(one: tuple[str, ...], other: tuple[str, ...], *, told: bool) -> bool:
    """Whether a person lives in one of two places only. `told`: the text itself speaks of a change."""
    a, b = size(one), size(other)
    return a == b if a and b else told

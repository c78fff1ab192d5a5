"""Times that words name: the first layer of the grammar, English and Chinese in one.

Owns: which runs of tagged words make a point ('3 May 2023', 'last Friday', 三天前, '2023年初'). Does not own:
what a point comes to (`named`, `counted`), combinations of points (`timephrases`), the words (`timewords`).
"""

from __future__ import annotations

from memos_cli.dates import counted, named
from memos_cli.dates.question import Rule
from memos_cli.dates.tags import YEAR

COUNT = "(?: A? FEW OF? | [A NUM NUMBER] )"
_IN_DATE = "(?: ITS_WEEKDAY COMMA? | WEEKDAY COMMA? THE? | CWEEKDAY )?"
POINTS: tuple[Rule, ...] = (
    (f"{_IN_DATE} [NUM ORD] OF? MONTH (?: COMMA? OF? YEAR )? (?! QUANTITY )", named.full_date),
    ("[NUM ORD] (?: OF SHY_MONTH (?: COMMA? YEAR )? | SHY_MONTH COMMA? YEAR )", named.full_date),
    ("(?<= ON ) THE? [NUM ORD] SHY_MONTH", named.full_date),
    ("(?<= ON THE ) [NUM ORD] SHY_MONTH", named.full_date),
    (f"{_IN_DATE} (?<! IN ) MONTH THE? [NUM ORD] (?! QUANTITY | TO NUM )", named.full_date),
    (f"{_IN_DATE} [MONTH SHY_MONTH] THE? [NUM ORD] COMMA? OF? YEAR", named.full_date),
    ("(?<= ON ) SHY_MONTH [NUM ORD]", named.full_date),
    ("SHY_MONTH ORD", named.full_date),
    ("(?: CYEAR OF? )? CMONTH [NUM DOM] (?: COMMA? CWEEKDAY )?", named.full_date),
    ("MONTH [NUM ORD] TO [NUM ORD] (?: COMMA? YEAR )?", named.days_of_month),
    (
        "(?: FROM | BETWEEN )? THE? [NUM ORD] (?: TO | AND | UNTIL ) THE? [NUM ORD] OF? MONTH (?: COMMA? YEAR )?",
        named.days_of_month,
    ),
    ("FROM? (?: CYEAR OF? )? CMONTH [NUM DOM] (?: TO | AND ) [NUM DOM]", named.days_of_month),
    ("DATE", named.iso),
    ("YEARMONTH", named.year_month),
    ("MONTH (?: COMMA | OF )? YEAR", named.month_of_year),
    ("SHY_MONTH OF? YEAR", named.month_of_year),
    ("CYEAR OF? CMONTH", named.month_of_year),
    ("CYEAR", named.year),
    ("(?: THE )? UNIT YEAR", lambda w, q: named.year(w, q) if w.get("UNIT") == YEAR else None),
    ("YEAR (?! QUANTITY )", named.bare_year),
    ("CMONTH | MONTH | (?<= [IN SINCE UNTIL] ) SHY_MONTH", named.month),
    ("WEEKDAY COMMA? THE? ORD", named.nothing),
    ("WEEKDAY | ITS_WEEKDAY | CWEEKDAY", named.weekday),
    ("EVERY [WEEKDAY CWEEKDAY UNIT MONTH SEASON WEEKEND HOLIDAY CMONTH WEEKSDAY PART]", named.nothing),
    ("WEEKEND | CWEEKEND", named.weekend),
    ("SEASON (?: IN | OF | COMMA )? YEAR | CYEAR OF? CSEASON", named.season),
    ("SEASON | CSEASON", named.season),
    ("HOLIDAY (?: IN | OF | COMMA )? YEAR | CYEAR OF? CHOLIDAY", named.holiday),
    ("HOLIDAY | CHOLIDAY", named.holiday),
    (
        "(?<! OWNER ) (?: THIS? PAST | LAST ) [WEEKDAY ITS_WEEKDAY WEEKEND MONTH SHY_MONTH SEASON HOLIDAY] PART? (?! OF | YEAR )",
        named.last_one,
    ),
    (
        "(?<! OWNER ) NEXT [WEEKDAY ITS_WEEKDAY WEEKEND MONTH SHY_MONTH SEASON HOLIDAY] PART? (?! OF | YEAR )",
        named.next_one,
    ),
    (
        "THIS NEXT? [WEEKDAY ITS_WEEKDAY WEEKEND MONTH SHY_MONTH SEASON HOLIDAY] PART? (?! YEAR )",
        named.this_one,
    ),
    ("THE NEXT UNIT", named.nothing),
    ("OFFSET OF? PART? | PART OFFSET", counted.offset),
    ("THE? UNIT (?: BEFORE | AFTER ) OFFSET", counted.beyond_offset),
    ("DAYPART", counted.day_part),
    ("THIS PART", counted.this_part),
    ("(?<! OWNER ) (?<! THE ) LAST PART", counted.last_part),
    ("(?<! [OWNER THE A EVERY] ) [LAST NEXT] UNIT (?! OF )", counted.period),
    ("THIS UNIT (?! OF )", counted.period),
    ("PERIOD", counted.period),
    ("PERIOD [BIT]", counted.period),
    ("THE? (?: UNIT | WEEKEND ) BEFORE LAST", counted.before_last),
    ("[EARLIER LATER] THIS UNIT", counted.part_of_period),
    (
        "[EARLIER LATER] OFFSET",
        lambda w, q: counted.part_of_today(w, q) if w.get("OFFSET") == 0 else counted.offset(w, q),
    ),
    ("WEEKSDAY OF? PART?", counted.weeks_day),
    ("(?<! OWNER ) THE (?: LAST | PAST ) UNIT (?! OF | BEFORE | AFTER )", counted.rolling),
    ("(?<! OWNER ) THIS? PAST UNIT (?! OF )", counted.rolling),
    (f"(?<! OWNER ) THE? (?: LAST | PAST | NEXT ) {COUNT} UNIT (?! OF | BEFORE | AFTER )", counted.rolling),
    (f"{COUNT} UNIT (?: AGO | BACK )", counted.ago),
    (f"{COUNT} UNIT AGO OFFSET", counted.ago),
    ("HALF A? UNIT AGO", counted.ago),
    (f"{COUNT} [WEEKEND WEEKENDS] AGO", counted.weekends_ago),
    ("[MONTH SEASON WEEKDAY] OF? [LAST NEXT THIS] UNIT", counted.of_period),
    ("(?<= IN ) SHY_MONTH OF? [LAST NEXT THIS] UNIT", counted.of_period),
    (
        "[NUM ORD] OF? MONTH OF? [LAST NEXT THIS] UNIT | MONTH THE? [NUM ORD] OF? [LAST NEXT THIS] UNIT",
        counted.of_period,
    ),
    (f"(?: AND | NUM | NUMBER ) A? HALF {COUNT}? UNIT AGO", named.nothing),
    (f"IN {COUNT} UNIT (?! OF )", counted.ahead),
    ("[NUMBER FEW] UNIT AFTER_POST", counted.ahead),
    ("THE OTHERDAY (?: UNIT | PART )", counted.other_day),
    ("OTHERDAYS", counted.other_days),
    ("(?<! MORE ) (?<! AS ) RECENT", counted.recent),
    ("CYEAR BIT | (?: CYEAR OF? )? CMONTH OF? BIT", counted.bit_of_chinese),
    ("(?: CYEAR OF? | PERIOD OF? | EVERY )? YEARPART", counted.year_part),
    ("DOM (?: CWEEKDAY )?", counted.day_of_month),
    ("DOM AGO", named.nothing),
    ("[NUMBER NUM] UNIT AGO OF? [CSEASON CMONTH]", counted.of_then),
    ("CYEAR OF? OFFSET", counted.this_day_then),
    ("PERIOD OF? [DOM NUM]", counted.day_of_period),
    ("(?<= ON THE ) ORD (?= STOP | COMMA | $ )", counted.day_of_month),
)

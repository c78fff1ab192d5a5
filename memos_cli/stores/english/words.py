"""Words of the English grammar of statements (`stores/english`): lists, and no rule."""

from __future__ import annotations

import re

from memos_cli.stores.wordlist import word_set

ADVERBS_OF_CHANGE = (
    "now",
    "currently",
    "nowadays",
    "these days",
    "recently",
    "presently",
    "meanwhile",
    "instead",
    "again",
)
ADVERBS = ("already", "finally", "officially", "still", "just")
UNSURE = (
    "if would could might may maybe perhaps probably possibly likely seems seem seemed apparently supposedly wish wishes "
    "hope hopes hoping want wants wanted wanna planning planned going gonna will shall should must ought "
    "said says say saying told tells claims claimed thinks think thought believes believe believed heard hear "
    "guess suppose supposed imagine imagines imagined dream dreams dreamed dreamt pretend pretends expects considering consider "
    "thinking used formerly previously once ago until till unless whether or either neither nor sometimes "
    "temporarily today tonight yesterday tomorrow also too both only almost nearly except but although though "
    "because when while before after during another other former previous old ex alleged rumour rumor "
    "was were had did who whom which what where why how half part-time seasonally everyone somebody someone"
)
UNSURE_PHRASES = (
    "as well",
    "plan to",
    "plans to",
    "plan on",
    "plans on",
    "a second",
    "a third",
    "for now",
    "this morning",
    "this week",
    "this month",
    "this year",
    "last",
    "next",
    "for the",
    "on weekends",
    "right now",
    "at the moment",
    "at present",
    "this quarter",
    "this term",
    "this semester",
    "this season",
    "this summer",
    "this autumn",
    "this winter",
    "this spring",
    "this weekend",
    "in case",
    "at least",
    "at most",
    "more than",
    "less than",
)
NOBODY = word_set(
    "he she it they this that these those there who what someone somebody everyone everybody nobody anyone "
    "anybody one some any no every each all most many few you your his her hers its their him them a an "
    "here both several people which another such"
)
RELATIVES = word_set(
    "brother sister sibling friend child son daughter cousin uncle aunt nephew niece colleague coworker neighbour "
    "neighbor pet dog cat hobby interest goal language skill allergy habit book idea plan task problem child kid "
    "student teacher classmate roommate flatmate teammate client customer member favourite favorite "
    "point advantage benefit reason example part thing issue question answer story dream wish"
)
FEW = word_set(
    "brother sister sibling twin child son daughter kid baby stepbrother stepsister stepson stepdaughter half-brother "
    "half-sister brother-in-law sister-in-law son-in-law daughter-in-law grandson granddaughter grandchild grandmother "
    "grandfather grandma grandpa granny nan godson goddaughter godchild pet dog "
    "puppy cat kitten hamster rabbit parrot budgie bird fish horse pony tortoise hen goat chicken"
)
"""Of whom somebody may have several: "my cousin" in two texts may be two."""
MANY = word_set(
    "aunt auntie uncle niece nephew cousin friend colleague assistant coworker co-worker workmate neighbour roommate flatmate housemate teammate classmate schoolmate "
    "student pupil intern apprentice trainee client customer patient guest visitor tenant buyer seller supplier member "
    "employee worker applicant candidate player volunteer acquaintance contact driver passenger teacher"
)
"""Of whom there are so many that not even a change is meant of the one that another text names."""
SEVERAL = word_set(
    "email account login username handle doctor dentist vet veterinarian gp hairdresser barber physiotherapist physio coach "
    "trainer accountant lawyer therapist paediatrician pediatrician orthodontist cardiologist dermatologist gynaecologist "
    "gynecologist neurologist psychiatrist optician mechanic tutor number"
)
"""Attributes of which somebody may well have two: another value is one more until it is said that it changed."""
STATES = word_set("on open up online available active locked")
"""How a thing stands for a while, as `OPPOSITES` level it."""
RESTRICTING = word_set(
    "for on in at with without during when whenever before after per if from until under while as each every near behind above below "
    "inside outside through via by to beyond across around within against among between since past over beside beneath along "
    "including excluding except unless once where only plus minus"
)
"""With one of these behind a value it is said for whom, where or how often it holds."""
DIMENSIONS = word_set("wide high tall long deep thick old broad width height length depth")
"""Of one thing, two measures with two of these are of two sides."""
FUNCTIONAL = word_set(
    "name nickname surname birthday birthplace hometown home address number phone mobile email e-mail mail "
    "password passphrase passcode pin code key colour color size height weight age price cost fee rent salary budget "
    "deadline date time version port host hostname url status state capital population president ceo "
    "manager boss supervisor director chair owner landlord doctor dentist husband wife spouse partner fiance fiancee "
    "boyfriend girlfriend mother father mom mum dad employer job occupation profession title role position "
    "major nationality religion sign type temperature speed limit capacity length width depth volume "
    "food dish drink fruit vegetable film movie book song band singer author writer artist sport team game show series "
    "season animal flower restaurant city country place subject language brand framework editor database default "
    "operating-system os timezone zone ip diet username login account handle score rate ratio percentage "
    "vet veterinarian gp hairdresser barber landlady physiotherapist coach trainer accountant lawyer therapist "
    "paediatrician pediatrician orthodontist cardiologist dermatologist gynaecologist gynecologist neurologist "
    "psychiatrist optician mechanic ph humidity pressure balance "
    "headquarters location venue room seat floor desk extension plan model"
)
"""Head nouns of attributes with one value. A favourite is one whatever it is a favourite of; those
that are only functional as favourites are held apart below."""
ONLY_AS_FAVOURITE = word_set(
    "food dish drink fruit vegetable film movie book song band singer author writer artist sport team game show "
    "series season animal flower restaurant city country place subject language brand framework home"
)
PERSONS = word_set(
    "president ceo manager director chair owner landlord landlady doctor dentist husband wife fiance fiancee boyfriend "
    "girlfriend employer vet veterinarian gp hairdresser barber physiotherapist coach trainer accountant lawyer "
    "therapist paediatrician pediatrician orthodontist cardiologist dermatologist gynaecologist gynecologist "
    "neurologist psychiatrist optician mechanic"
)
"""Attributes whose value is somebody; "my landlord is angry" tells of none."""
ORIGINS = word_set(
    "german dutch french english british american irish scottish welsh spanish italian portuguese polish russian "
    "ukrainian turkish greek swedish norwegian danish finnish icelandic swiss austrian belgian chinese japanese korean "
    "indian canadian australian mexican brazilian catholic protestant muslim jewish christian buddhist hindu vegan"
)
"""What somebody is, with a capital."""
HOLDERS = word_set(
    "chair chairman chairwoman chairperson president ceo cto cfo coo director head mayor governor captain principal "
    "headmaster headmistress rector dean chancellor treasurer manager leader conductor coach minister"
)
"""Posts that one person holds, of a body that is named."""
ONCE = word_set(
    "meeting session panel discussion call workshop day week month year table list class debate hearing conference jury"
)
"""Of which there is one after another, each with its own chair."""
DWELLINGS = word_set(
    "flat apartment house attic loft room studio cottage villa farm farmhouse dorm dormitory hostel houseboat boat caravan "
    "residence basement bungalow cabin mill"
)
_TO_HAND_IN = ("submitted", "delivered", "handed in", "turned in", "sent off", "sent in")
_TO_FINISH = ("finished", "done", "ready", "completed", "complete")
DONE = frozenset(_TO_FINISH)
TO_DO = FINISHED = f"(?:{'|'.join((*_TO_HAND_IN, *_TO_FINISH))})"
RECURRING = word_set(
    "rent payment bill invoice tax taxes fee instalment installment subscription report homework assignment books "
    "insurance premium review newsletter membership order delivery car medication vaccination laundry timesheet salary"
)
"""What is due again and again, each time another."""
UNIQUE = word_set("thesis dissertation manuscript novel phd")
"""Of which somebody has one at a time."""
CURRENCIES = {
    "euro": "€", "euros": "€", "eur": "€", "dollar": "$", "dollars": "$", "usd": "$", "yen": "¥", "gbp": "£",
}  # fmt: skip
FIXED = word_set(
    "birthday birthplace hometown nationality capital mother father mom mum dad name surname sign type"
)
MOVES = word_set("age version price cost status state temperature score ph humidity pressure balance")
"""Attributes whose change is expected, so that another value needs no word of change to be an update."""

TRADES = word_set(
    "developer engineer manager director nurse teacher student assistant analyst consultant professor doctor lead intern "
    "officer architect designer scientist editor lecturer chef cook lawyer programmer researcher accountant apprentice "
    "technician trainer journalist pilot captain secretary waiter waitress barista clerk baker electrician plumber "
    "translator librarian pharmacist surgeon dentist therapist psychologist trainee head president partner"
)
MONTHS = {
    name: f"m{i}"
    for i, names in enumerate(
        (
            "january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul",
            "august aug", "september sep sept", "october oct", "november nov", "december dec",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
DAYS = word_set("monday tuesday wednesday thursday friday saturday sunday noon midnight")
_COUNTED = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
)
NUMBERS = {word: str(i) for i, word in enumerate(_COUNTED.split())}
ARTICLES = word_set("a an the")
SYNONYMS = {
    "favorite": "favourite", "color": "colour", "mom": "mother", "mum": "mother", "dad": "father",
    "spouse": "partner", "cellphone": "mobile", "cell": "mobile", "telephone": "phone", "e-mail": "email",
    "film": "movie", "films": "movie", "boss": "manager", "supervisor": "manager", "profession": "job", "occupation": "job",
    "cost": "price", "neighbor": "neighbour", "bike": "bicycle", "flat": "apartment", "licence": "license",
    "postgres": "postgresql", "tv": "television", "passcode": "code", "wi-fi": "wifi",
}  # fmt: skip
LIKES = {
    "like": "like",
    "love": "love",
    "enjoy": "like",
    "adore": "love",
    "hate": "hate",
    "dislike": "dislike",
    "detest": "hate",
    "despise": "hate",
}
OPPOSITES = {
    "closed": "open", "shut": "open", "fixed": "open", "resolved": "open", "offline": "online", "disabled": "enabled",
    "unavailable": "available", "inactive": "active", "broken": "working", "unfinished": "finished",
    "incomplete": "complete", "unmarried": "married", "dead": "alive", "absent": "present", "unsafe": "safe",
    "unhappy": "happy", "impossible": "possible", "illegal": "legal", "invalid": "valid", "unemployed": "employed",
    "off": "on", "unlocked": "locked", "unpaid": "paid", "unknown": "known", "insecure": "secure", "down": "up",
}  # fmt: skip
MOMENTARY = word_set(
    "tired hungry thirsty sick ill busy free bored sleepy asleep awake drunk sober cold hot warm happy sad angry upset nervous "
    "anxious stressed excited lonely worried calm ready late early away here there home outside inside upstairs downstairs "
    "alone relaxed exhausted afraid scared sore dizzy full wet dry"
)
"""How somebody is for a while; where somebody is, "in the office", is as brief."""
ILLS = word_set(
    "headache cold fever flu cough toothache migraine hangover time hiccups appetite pain rash visitors guests"
)
"""What somebody has for a while."""
UNITS_OF_WORK = word_set(
    "team desk row room floor building group section department dept division unit ward gate table seat block wing shift class "
    "grade level league line lane squad crew office marketing sales finance engineering hr operations support legal product "
    "research accounting it qa procurement logistics"
)
"""To which one moves who stays where he lives."""
TOOLS = word_set(
    "linux windows mac macos android ios ubuntu debian fedora python rust go golang java kotlin swift typescript javascript ruby php "
    "postgres postgresql mysql mongodb sqlite redis aws azure gcp github gitlab bitbucket slack teams discord notion obsidian evernote vim emacs "
    "vscode kubernetes docker jira trello asana linear figma outlook gmail signal telegram whatsapp spotify netflix firefox chrome safari "
    "premium basic pro plus standard enterprise business tier prepaid agile scrum kanban react vue angular svelte terraform jenkins excel word latex"
)
"""To which one moves who changes a tool."""
MARITAL = {
    "single": "single", "engaged": "engaged", "married": "married", "divorced": "divorced", "widowed": "widowed",
    "dating": "dating", "separated": "separated", "unmarried": "single",
}  # fmt: skip
UNITS = word_set("kg kilo kilos kilogram kilograms g gram grams lb lbs pound pounds ton tons t oz")
IRREGULAR = {
    "has": "have",
    "have": "have",
    "be": "be",
    "do": "do",
    "go": "go",
    "does": "do",
    "goes": "go",
    "is": "be",
    "am": "be",
    "are": "be",
    "owns": "have",
    "own": "have",
    "possesses": "have",
}
PAST = word_set(
    "went came saw took made got gave found knew thought left became began bought brought built caught chose drew "
    "drank drove ate fell felt flew forgot grew heard held kept led lost met paid ran sang sat sent sold slept spoke "
    "spent stood swam taught told threw understood won wore wrote broke"
)
FREQUENCY = re.compile(
    r"^(?P<core>.+?) (?P<how>every \w+|every \w+ \w+|each \w+|often|regularly|daily|always|usually|a lot|in the mornings?|in the evenings?|all the time|\w+ times a \w+|once a \w+|twice a \w+)$"
)

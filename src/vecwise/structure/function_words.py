"""Words that hold sentences together and say nothing of what they are about, for a few languages.

This module must not know clusters or names: it tells which of some words these are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

DIFFERENT: Final = 3  # function words must be there: one alone may be a word of another language
LEAST: Final = 0.15  # of all words in a text of a language are among its function words; in most a third is

_LISTS: Final = {
    "English": """a about after again all also am an and any are as at be because been before being but by can could
        did do does doing don't down each either else ever for from get got had has have having he
        her here hers him himself his how i i'd i'll i'm i've if in into is it it's its itself just
        let me might more most much must may ought cannot one two three four five six seven eight
        nine ten hundred thousand million billion first second third my myself no nor not now of off
        on once only or other our ours ourselves out over own same shall she should so some such
        than that that's the their theirs them
        themselves then there these they this those through to too under until up upon us very was
        we were what when where which while who whom whose why will with would yes yet you your
        yours yourself yourselves ll ve re don didn doesn isn wasn couldn wouldn aren t s m d""",
    "German": """aber alle allem allen aller alles als also am an ander andere anderen auch auf aus bei beim bin bis
        bist da damit dann das dass daß dein deine dem den denn der des dich die dies diese diesem
        diesen dieser dieses dir doch dort du durch ein eine einem einen einer eines er es etwas
        euch euer für gegen hab habe haben hat hatte hatten hier hin hinter ich ihm ihn ihnen ihr
        ihre ihrem ihren ihrer im in ins ist ja jede jedem jeden jeder kann kein keine keinen können
        könnte man mein meine meinem meinen meiner mich mir mit muss nach nicht nichts noch nun nur
        ob oder ohne sehr sein seine seinem seinen seiner sich sie sind so soll sollte sondern um
        und uns unser unsere unter vom von vor war waren was weil welche wenn wer werden wie wieder
        will wir wird wo wurde wurden während würde zu zum zur zwar zwischen über""",
    "French": """à au aux avait avec avoir c ce ceci cela ces cet cette ceux chaque comme d dans de des donc du elle
        elles en encore est et été être eu fait ici il ils j je l la le les leur leurs lui m ma mais
        me même mes moi mon n ne nos notre nous on ont ou où par pas pour plus qu quand que quel
        quelle qui s sa sans se ses si son sont sous sur t ta te tes toi ton tous tout toute toutes
        très tu un une vos votre vous y étaient était""",
    "Spanish": """a al algo ante antes aquel aunque cada como con contra cual cuando de del desde donde dos e el él
        ella ellas ellos en entre era eran es esa ese eso esta está están estar este esto estos fue
        ha había han hasta hay la las le les lo los más me mi mis mucho muy nada ni no nos nosotros
        o os otra otro para pero poco por porque que qué quien se sea ser si sí sin sobre son su sus
        también te tiene todo todos tu tus un una uno unos y ya yo""",
    "Italian": """a ad agli ai al alla alle allo anche c che chi ci ciò come con cui da dagli dai dal dalla dei del
        della delle dello di dove e è ed egli era essere gli ha hanno ho i il in io l la le lei li
        lo loro lui ma me mi mia mio ne nei nel nella nelle noi non nostro o ogni per perché più poi
        può quale quando quella quello questa questo qui se sei senza si sia solo sono su sua sul
        sulla suo te ti tra tu tuo tutti tutto un una uno vi voi""",
    "Dutch": """aan al alles als altijd andere ben bij daar dan dat de der deze die dit doen door dus een en er ge
        geen had heb hebben heeft hem het hier hij hoe hun ik in is ja je jij kan kon maar me meer
        men met mij mijn moet na naar niet niets nog nu of om omdat onder ons ook op over te tegen
        toch toen tot u uit uw van veel voor want waren was wat we werd wie wij worden wordt zal ze
        zich zij zijn zo zonder zou""",
    "Portuguese": """a ao aos as até com como da das de dela dele deles depois do dos e é ela elas ele eles em entre era
        essa esse esta está este eu foi há isso isto já la lhe mais mas me mesmo meu minha muito na
        não nas nem no nos nós o os ou para pela pelo por qual quando que quem se sem ser seu sua
        são só também te tem teu todo tu um uma você vos à às""",
}


def function_words(words: Sequence[str], counts: np.ndarray) -> np.ndarray:
    """Tell which of these words are function words of the language they are in, a mask `(words,)`; `counts` is how
    often each stands there.

    The language is the one whose function words make the largest share of all, if that is 15% and more and they are
    three at least: without such a language none is one. With one, numbers in digits are too, but for years. A run of
    words ("of the") is one if all of its words are.

    >>> function_words(["the", "sea", "of the", "of", "000", "1914"], np.array([5, 3, 2, 2, 1, 1])).tolist()
    [True, False, True, True, True, False]
    """
    listed = {language: frozenset(text.split()) for language, text in _LISTS.items()}
    parts = [
        [part.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'") for part in word.split()]
        for word in words
    ]
    best, most = np.zeros(len(words), bool), 0.0
    total = float(counts.sum())
    for known in listed.values():
        found = np.array([bool(part) and known.issuperset(part) for part in parts], bool)
        share = float(counts[found].sum()) / total if total else 0.0
        if share >= LEAST and share > most and found.sum() >= DIFFERENT:
            best, most = found, share
    return best | _numerals(parts) if best.any() else best


def _numerals(words: list[list[str]]) -> np.ndarray:
    """Words that are digits, but for those of four, which may be a year."""
    return np.array(
        [bool(word) and all(part.isdecimal() and len(part) != 4 for part in word) for word in words], bool
    )

"""Every sentence people read, by who reads it and when. Each says what happened and what to do;
whether it was charged is the cost line's to say. Only text is made here, of plain values: nothing
is decided. Used as `words.<sentence>`.
"""

from bot.words.answers import *
from bot.words.audit import *
from bot.words.budgets import *
from bot.words.buttons import *
from bot.words.check import *
from bot.words.files import *
from bot.words.guide import *
from bot.words.owner import *
from bot.words.reports import *
from bot.words.requests import *
from bot.words.servers import *
from bot.words.upkeep import *

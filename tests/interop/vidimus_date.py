# SPDX-License-Identifier: MIT
"""Dates as sources give them, written from docs/FORMATS.md ("Dates of sources") with nothing but the standard library: by
regular expressions, where the program goes from left to right."""
import re

from vidimus_format import Malformed

CLOCK = (r"T(?:(?:[01]\d|2[0-3]):[0-5]\d(?::(?:[0-5]\d|60)(?:\.\d{1,9})?)?|24:00(?::00)?)"
         r"(?:Z|[+-](?:0\d|1[0-4])(?::[0-5]\d)?)?")
DATE = re.compile(r"(?:Y(?P<long>-?[1-9]\d{4,11})"
                  r"|(?P<year>-?(?:\d{4}|\d{3}X|\d\dXX))[?~%]?"
                  r"|(?P<y>-?\d{4})-(?:(?P<m>0[1-9]|1[0-2])(?:-(?P<d>\d\d|XX))?|(?P<season>2[1-4])|(?P<x>XX)(?:-XX)?)(?P<end>[?~%]?|"
                  + CLOCK + r"))", re.ASCII)


def leap(year):
    return (year % 4 == 0 and year % 100 != 0) or year % 400 == 0


def days_in(year, month):
    return [31, 29 if leap(year) else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]


def day_number(year, month, day):
    """Days since 1970-01-01: whole years of the calendar, then months."""
    before = lambda y: 365 * y + (y + 3) // 4 - (y + 99) // 100 + (y + 399) // 400  # noqa: E731
    return before(year) - before(1970) + sum(days_in(year, m) for m in range(1, month)) + day - 1


def years(first, last):
    return day_number(first, 1, 1), day_number(last, 12, 31)


def one_date(text):
    """(first day, last day, has it a time of day?)"""
    match = DATE.fullmatch(text)
    if not match:
        raise Malformed("no date")
    found = match.groupdict()
    if found["long"]:
        return *years(int(found["long"]), int(found["long"])), False
    if (found["year"] or found["y"]) == "-0000":
        raise Malformed("there is no year -0000")
    if found["year"]:
        minus, digits = found["year"].startswith("-"), found["year"].lstrip("-")
        low, high = int(digits.replace("X", "0")), int(digits.replace("X", "9"))
        if minus and low == 0:
            raise Malformed("there is no year -0000")
        return *(years(-high, -low) if minus else years(low, high)), False
    year, clock = int(found["y"]), found["end"].startswith("T")
    if not found["m"]:
        if clock:
            raise Malformed("a time without a day")
        return *years(year, year), False
    month, day = int(found["m"]), found["d"]
    if day and day != "XX":
        if not 1 <= int(day) <= days_in(year, month):
            raise Malformed("no such day")
        number = day_number(year, month, int(day))
        return number, number, clock
    if clock:
        raise Malformed("a time without a day")
    return day_number(year, month, 1), day_number(year, month, days_in(year, month)), False


def decode_date(text):
    """(first day, last day) that it may mean, since 1970-01-01; None: an end that is open or not known."""
    if "/" not in text:
        return one_date(text)[:2]
    ends = text.split("/")
    if len(ends) != 2:
        raise Malformed("an interval has two ends")
    known = [None if end in ("", "..") else one_date(end) for end in ends]
    if known == [None, None] or any(end and end[2] for end in known):
        raise Malformed("no interval")
    if all(known) and known[0][0] > known[1][1]:
        raise Malformed("an interval that ends before it begins")
    return known[0] and known[0][0], known[1] and known[1][1]

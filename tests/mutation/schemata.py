# SPDX-License-Identifier: MIT
"""Writes all mutants of a C file into one copy of it, so that it is compiled once ("mutant schemata").

clang says where the conditions stand (its syntax tree as JSON); the text is then changed in place. Each mutant breaks
one thing:

    always, never   the condition of an if, a loop or a ?:, a comparison, or what a bool function returns, is true or
                    false whatever it looked at
    always          an operand of && is true, as if it were not there; or the whole of || is true
    never           an operand of || is false, as if it were not there; or the whole of && is false
    <= for <, ...   a comparison's boundary is off by one

A condition is evaluated before its answer is thrown away, so a call in it is made, and only its result is ignored.
Left alone: assertions and whatever else comes out of a macro, constants, and functions that do nothing but fail.
"""
import json
import re
import subprocess
from collections import Counter
from dataclasses import dataclass

EDGES = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
COMPARISONS = {*EDGES, "==", "!="}
LOGICAL = {"&&": "always", "||": "never"}  # for an operand: the change that takes it out
WRAPPERS = {"ParenExpr", "ImplicitCastExpr", "ConstantExpr"}
FAILING = re.compile(r"vdm_(fail|err_prefix)")


@dataclass(frozen=True)
class Mutant:
    number: int
    file: str
    line: int
    function: str
    text: str  # of the condition, on one line; the second of the same text in a function ends in #2
    change: str

    @property
    def key(self):
        """What names it in survivors.txt: no line number, so that it stays valid."""
        return f"{self.file} {self.function} `{self.text}` {self.change}"


def children(node):
    return [child for child in node.get("inner", []) if child]


def bare(node):
    while node.get("kind") in WRAPPERS:
        node = children(node)[0]
    return node


def opcode(node):
    node = bare(node)
    return node.get("opcode") if node.get("kind") == "BinaryOperator" else None


def callee(node):
    node = bare(node)
    if node.get("kind") != "CallExpr":
        return None
    return bare(children(node)[0]).get("referencedDecl", {}).get("name")


def is_constant(node):
    node = bare(node)
    if opcode(node) == ",":
        return is_constant(children(node)[1])
    return node.get("kind") == "IntegerLiteral"


def is_zero(node):
    return bare(node).get("value") == "0"


def returned(node):
    """The expressions that a function returns."""
    if node.get("kind") == "ReturnStmt":
        yield from children(node)
    for child in children(node):
        yield from returned(child)


def only_fails(node, failing):
    name = callee(node)
    return name is not None and (name in failing or FAILING.match(name) is not None)


def fails_either_way(node, failing):
    """As only_fails; or a ?: whose two answers do."""
    inside = bare(node)
    if inside.get("kind") == "ConditionalOperator":
        return all(fails_either_way(answer, failing) for answer in children(inside)[1:])
    return only_fails(node, failing)


def failing_functions(functions):
    """The functions of a file that return false on every way: to mutate `return fail(...)` would change nothing."""
    failing, grown = set(), True
    while grown:
        more = {f["name"] for f in functions if f["name"] not in failing and list(returned(f))
                and all(is_zero(e) or fails_either_way(e, failing) for e in returned(f))
                and any(fails_either_way(e, failing) for e in returned(f))}
        failing |= more
        grown = bool(more)
    return failing


class File:
    """One C file: its functions as clang sees them, its text, and the mutants found so far."""

    def __init__(self, path, name, first, options):
        self.source = path.read_bytes()
        self.name, self.next = name, first
        self.mutants, self.seen = [], Counter()
        self.edits = {}  # (begin, end): the changes, innermost first
        self.function = ""
        command = ["clang", "-fsyntax-only", "-Xclang", "-ast-dump=json", *options, str(path)]
        tree = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        self.functions = [f for f in children(tree) if f["kind"] == "FunctionDecl" and "includedFrom" not in f["loc"]
                          and any(child["kind"] == "CompoundStmt" for child in children(f))]
        self.failing = failing_functions(self.functions)

    def place(self, node):
        """Where the text of a node begins and ends. What comes out of a macro has the place of the macro's use."""
        begin, end = node["range"]["begin"], node["range"]["end"]
        last = end.get("expansionLoc", end)
        stop = last["offset"] + last["tokLen"]
        if "expansionLoc" in end and self.source[stop:stop + 1] == b"(":
            stop = self.source.index(b")", stop) + 1
        return begin.get("expansionLoc", begin)["offset"], stop

    @staticmethod
    def from_macro(node):
        begin, end = node["range"]["begin"].get("expansionLoc"), node["range"]["end"].get("expansionLoc")
        return begin is not None and end is not None and begin["offset"] == end["offset"]

    def add(self, node, change):
        if self.from_macro(node):
            return
        place = self.place(node)
        text = " ".join(self.source[slice(*place)].decode().split())
        self.seen[self.function, text, change] += 1
        again = self.seen[self.function, text, change]
        line = self.source.count(b"\n", 0, place[0]) + 1
        self.mutants.append(Mutant(self.next, self.name, line, self.function,
                                   text if again == 1 else f"{text}#{again}", change))
        operator = children(bare(node)) if change in COMPARISONS else None
        self.edits.setdefault(place, []).append((self.next, change, operator))
        self.next += 1

    def condition(self, node, changes=("always", "never")):
        """A node whose truth matters. `changes`: what may be made of the whole."""
        inside, operator = bare(node), opcode(node)
        if is_constant(node) or only_fails(node, self.failing):
            return
        if operator in LOGICAL:
            self.logical(node, changes)
        elif inside.get("kind") == "ConditionalOperator":
            question, yes, no = children(inside)
            self.condition(question)
            self.condition(yes, changes)
            self.condition(no, changes)
        else:
            if operator in EDGES:
                self.add(inside, EDGES[operator])
            for change in changes:
                self.add(node, change)
            self.inside_of(inside)

    def inside_of(self, node):
        """Below a condition that is no && or ||. What `!` turns round has been mutated as a whole already."""
        if node.get("kind") == "UnaryOperator" and node.get("opcode") == "!":
            operand = children(node)[0]
            if opcode(operand) in LOGICAL:
                self.logical(operand, ())
                return
        for child in children(node):
            self.walk(child)

    def logical(self, node, changes):
        operator = opcode(node)
        for change in changes:
            if change != LOGICAL[operator]:  # that would be all operands at once: each alone is harder to notice
                self.add(node, change)
        for operand in children(bare(node)):
            if opcode(operand) == operator:
                self.logical(operand, ())
            else:
                self.condition(operand, (LOGICAL[operator],))

    def walk(self, node):
        kind, inner = node.get("kind"), node.get("inner", [])
        if kind == "VarDecl" and node.get("storageClass") == "static":
            return
        if kind in ("IfStmt", "WhileStmt", "ConditionalOperator"):
            asked = inner[0]
        elif kind == "DoStmt":
            asked = inner[1]
        elif kind == "ForStmt":
            asked = inner[2]
        elif kind == "ReturnStmt" and self.returns_bool and inner:
            asked = inner[0]
        elif opcode(node) in COMPARISONS | set(LOGICAL):
            self.condition(node)
            return
        else:
            asked = None
        for child in children(node):
            if child is asked:
                self.condition(child)
            else:
                self.walk(child)

    def render(self, begin, end):
        """The text from begin to end with every edit that lies in it."""
        out, at = [], begin
        for place in sorted(self.edits, key=lambda p: (p[0], -p[1])):
            if at <= place[0] and place[1] <= end and place != (begin, end):
                out += [self.source[at:place[0]].decode(), self.render_edit(place)]
                at = place[1]
        return "".join(out) + self.source[at:end].decode()

    def render_edit(self, place):
        text = self.render(*place)
        for number, change, operands in self.edits[place]:
            if change in COMPARISONS:
                left, right = (self.render_edit(p) if p in self.edits else self.render(*p)
                               for p in map(self.place, operands))
                text = f"(vdm_is_mutant({number}) ? ({left}) {change} ({right}) : ({text}))"
            else:
                text = f"vdm_{change}({number}, ({text}))"
        return text

    def rewritten(self):
        for function in self.functions:
            self.function = function["name"]
            self.returns_bool = function["type"]["qualType"].startswith("_Bool")
            self.walk(function)
        return self.render(0, len(self.source))


def mutate_file(path, name, first, options):
    """The text of a file with all its mutants, and the mutants, numbered from `first`."""
    file = File(path, name, first, options)
    return '#include "mutation/mutant.h"\n' + file.rewritten(), file.mutants

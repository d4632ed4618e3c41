"""The part of Helm's template language that the chart uses, so that it can be rendered and checked
where no helm is at hand. Whatever it does not know is an error, not a blank."""

import json
import re

TOKEN = re.compile(r"""\s*(?:("(?:\\.|[^"\\])*")|(`[^`]*`)|(-?\d+(?:\.\d+)?)|(\$?[\w]*(?:\.[\w]+)+|\$\w*|\.)|([\w]+)|(:=|[()|,=]))""")


class TemplateError(Exception):
    pass


def dump(value, indent=0):
    """YAML as Helm's toYaml writes it: keys in order, blocks."""
    pad = "  " * indent
    if isinstance(value, dict):
        if not value:
            return "{}"
        lines = []
        for key in sorted(value):
            inner = value[key]
            if isinstance(inner, (dict, list)) and inner:
                deeper = indent + (1 if isinstance(inner, dict) else 0)
                lines.append(f"{pad}{key}:\n{dump(inner, deeper)}")
            else:
                lines.append(f"{pad}{key}: {dump(inner)}")
        return "\n".join(lines)
    if isinstance(value, list):
        if not value:
            return "[]"
        lines = []
        for item in value:
            text = dump(item, indent + 1).lstrip() if isinstance(item, (dict, list)) else dump(item)
            lines.append(f"{pad}- {text}")
        return "\n".join(lines)
    return scalar(value)


def scalar(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    plain = re.fullmatch(r"[A-Za-z/_][\w./ -]*", value) and value.lower() not in (
        "true", "false", "null", "yes", "no", "on", "off", "y", "n")
    return value if plain and value == value.strip() else json.dumps(value, ensure_ascii=False)


def text_of(value):
    if value is None:
        return ""
    return scalar(value) if isinstance(value, (bool, int, float)) else str(value)


def indented(count, text):
    return "\n".join(" " * count + line if line else line for line in str(text).split("\n"))


def formatted(pattern, *values):
    quoted = re.sub(r"%q", "%s", pattern)
    kinds = re.findall(r"%([sdqv])", pattern)
    shown = [json.dumps(v) if k == "q" else int(v) if k == "d" else text_of(v)
             for k, v in zip(kinds, values)]
    return quoted.replace("%v", "%s") % tuple(shown)


FUNCTIONS = {
    "quote": lambda v: json.dumps(text_of(v), ensure_ascii=False),
    "squote": lambda v: "'" + text_of(v).replace("'", "''") + "'",
    "default": lambda fallback, v=None: v if v else fallback,
    "toYaml": dump,
    "indent": indented,
    "nindent": lambda count, text: "\n" + indented(count, text),
    "printf": formatted,
    "eq": lambda a, *b: a in b,
    "ne": lambda a, b: a != b,
    "and": lambda *v: next((x for x in v if not x), v[-1]),
    "or": lambda *v: next((x for x in v if x), v[-1]),
    "not": lambda v: not v,
    "add": lambda *v: sum(int(x) for x in v),
    "int": int,
    "list": lambda *v: list(v),
    "trunc": lambda count, text: text[:count],
    "trimSuffix": lambda suffix, text: text.removesuffix(suffix),
}


class Chart:
    """Templates by name, and the values that they are rendered with."""

    def __init__(self, values, chart, release, files):
        self.root = {"Values": values, "Chart": chart, "Release": release, "Files": files}
        self.defined = {}

    def render(self, source):
        tree, rest = self._parse(self._cut(source), 0, ())
        if rest is not None:
            raise TemplateError(f"unexpected {rest}")
        return self._run(tree, self.root, {"$": self.root})

    @staticmethod
    def _cut(source):
        """Texts and actions by turns; a dash next to a brace takes the blanks beside it away."""
        parts, position = [], 0
        for found in re.finditer(r"\{\{(-?)(.*?)(-?)\}\}", source, re.DOTALL):
            text = source[position:found.start()]
            parts.append(["text", text.rstrip() if found[1] else text, parts and parts[-1][2]])
            parts.append(["action", found[2].strip(), bool(found[3])])
            position = found.end()
        parts.append(["text", source[position:], parts and parts[-1][2]])
        return [(kind, text.lstrip() if kind == "text" and trim else text) for kind, text, trim in parts]

    def _parse(self, parts, depth, ends, cursor=None):
        cursor = cursor if cursor is not None else iter(parts)
        nodes = []
        for kind, text in cursor:
            if kind == "text":
                nodes.append(("text", text))
                continue
            word = text.split(None, 1)[0] if text else ""
            if text.startswith("/*"):
                continue
            if word in ("end", "else"):
                if depth == 0:
                    raise TemplateError(f"{word} without a beginning")
                return nodes, text
            if word in ("if", "with", "range", "define"):
                nodes.append(self._block(word, text[len(word):].strip(), depth, cursor))
            else:
                nodes.append(("print", text))
        if depth:
            raise TemplateError("a block has no end")
        return nodes, None

    def _block(self, word, argument, depth, cursor):
        body, ended = self._parse(None, depth + 1, (), cursor)
        other = []
        if ended.startswith("else if"):
            other = [self._block("if", ended[len("else if"):].strip(), depth, cursor)]
        elif ended.startswith("else"):
            other, ended = self._parse(None, depth + 1, (), cursor)
        return (word, argument, body, other)

    def _run(self, nodes, dot, names):
        out = []
        for node in nodes:
            if node[0] == "text":
                out.append(node[1])
            elif node[0] == "print":
                out.append(self._print(node[1], dot, names))
            elif node[0] == "define":
                self.defined[json.loads(node[1])] = node[2]
            elif node[0] == "range":
                out.append(self._range(node, dot, names))
            else:
                value = self.value(node[1], dot, names)
                inner = value if node[0] == "with" and value else dot
                out.append(self._run(node[2] if value else node[3], inner, dict(names)))
        return "".join(out)

    def _range(self, node, dot, names):
        variables, argument = [], node[1]
        if ":=" in argument:
            before, argument = argument.split(":=", 1)
            variables = [name.strip() for name in before.split(",")]
        items = self.value(argument, dot, names) or []
        pairs = sorted(items.items()) if isinstance(items, dict) else list(enumerate(items))
        out = []
        for pair in pairs:
            bound = dict(zip(variables, pair if len(variables) == 2 else pair[1:]))
            out.append(self._run(node[2], pair[1], {**names, **bound}))
        return "".join(out) if pairs else self._run(node[3], dot, names)

    def _print(self, text, dot, names):
        assigned = re.fullmatch(r"(\$\w+)\s*:?=\s*(.*)", text, re.DOTALL)
        if assigned:
            names[assigned[1]] = self.value(assigned[2], dot, names)
            return ""
        return text_of(self.value(text, dot, names))

    # Expressions: pipelines of calls.

    def value(self, text, dot, names):
        tokens, position = [], 0
        text = text.strip()
        while position < len(text):
            found = TOKEN.match(text, position)
            if not found:
                raise TemplateError(f"cannot be read: {text[position:]!r}")
            tokens.append(next((kind, part) for kind, part in enumerate(found.groups()) if part is not None))
            position = found.end()
        value, rest = self._pipeline(tokens, dot, names)
        if rest:
            raise TemplateError(f"left over in {text!r}: {rest}")
        return value

    def _pipeline(self, tokens, dot, names):
        value, tokens = self._call(tokens, dot, names, ())
        while tokens and tokens[0] == (5, "|"):
            value, tokens = self._call(tokens[1:], dot, names, (value,))
        return value, tokens

    def _call(self, tokens, dot, names, piped):
        if not tokens:
            raise TemplateError("an expression is empty")
        kind, word = tokens[0]
        if kind == 4 and word not in ("true", "false", "nil"):
            values, tokens = self._terms(tokens[1:], dot, names)
            return self._apply(word, [*values, *piped], names), tokens
        if (kind, word) == (3, ".Files.Get"):
            values, tokens = self._terms(tokens[1:], dot, names)
            return self.root["Files"][values[0]].rstrip("\n"), tokens
        value, tokens = self._term(tokens, dot, names)
        return value, tokens

    def _terms(self, tokens, dot, names):
        values = []
        while tokens and tokens[0] not in ((5, "|"), (5, ")")):
            value, tokens = self._term(tokens, dot, names)
            values.append(value)
        return values, tokens

    def _term(self, tokens, dot, names):
        (kind, word), rest = tokens[0], tokens[1:]
        if kind == 0:
            return json.loads(word), rest
        if kind == 1:
            return word[1:-1], rest
        if kind == 2:
            return (float(word) if "." in word else int(word)), rest
        if kind == 3:
            return self._field(word, dot, names), rest
        if kind == 4 and word in ("true", "false", "nil"):
            return {"true": True, "false": False, "nil": None}[word], rest
        if (kind, word) == (5, "("):
            value, rest = self._pipeline(rest, dot, names)
            if not rest or rest[0] != (5, ")"):
                raise TemplateError("a parenthesis has no end")
            return value, rest[1:]
        raise TemplateError(f"unexpected {word!r}")

    @staticmethod
    def _field(path, dot, names):
        first, *fields = path.split(".")
        value = dot if first == "" else names[first]
        for field in filter(None, fields):
            if not isinstance(value, dict):
                raise TemplateError(f"{path}: there is no {field} in {value!r}")
            if field not in value:
                raise TemplateError(f"{path}: there is no {field}")
            value = value[field]
        return value

    def _apply(self, name, arguments, names):
        if name == "include":
            template, dot = arguments
            return self._run(self.defined[template], dot, {"$": dot})
        if name not in FUNCTIONS:
            raise TemplateError(f"unknown function {name}")
        return FUNCTIONS[name](*arguments)

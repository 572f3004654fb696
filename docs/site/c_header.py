# SPDX-License-Identifier: Apache-2.0
"""A C header. What its comments say goes to the declarations that they stand before or behind; what they leave to the
conventions of base.h (struct_size, _INIT, _destroy) is spelled out."""

import pathlib
import re

import prose

COMMENT = re.compile(r"/\*.*?\*/", re.S)
ENUM = re.compile(r"typedef (u?int32_t) (hob_\w+);\n(enum)( *\{)")


def convert(path: pathlib.Path) -> str:
    text = path.read_text()
    text = re.sub(r"\A/\* SPDX.*?\*/", "", text)
    text = _without_plumbing(text)
    text = _with_comments(path, text)
    # An enum's values are constants of an int32_t, since its own size is the compiler's choice; here they are one.
    text = ENUM.sub(r"enum \2 : \1\n\4", text)
    text = re.sub(r"^ *\{ (HOB_\w+ = .*?) *\};$", _short_enum, text, flags=re.M)
    lines = text.splitlines()
    _document_rest(lines, text)
    return "\n".join(lines) + "\n/** @} */\n"


def _without_plumbing(text: str) -> str:
    """Drops include guards, extern "C" and the definitions of HOB_API and HOB_DEPRECATED."""
    text = re.sub(r"^#(if|elif|else|endif|ifndef|ifdef|include)\b.*$", "", text, flags=re.M)
    text = re.sub(r"^#define (HOB_API|\w+_H_|HOB_DEPRECATED\(\w+\))( .*)?$", "", text, flags=re.M)
    text = re.sub(r"^(extern \"C\" \{|\} /\* extern \"C\" \*/)$", "", text, flags=re.M)
    return re.sub(r"^HOB_DEPRECATED\(.*?\)\s", "", text, flags=re.M)


def _with_comments(path: pathlib.Path, text: str) -> str:
    out, at, opened = [], 0, False
    for match in COMMENT.finditer(text):
        out.append(text[at : match.start()])
        at = match.end()
        body = prose.escaped(match[0][2:-2])
        line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        if not opened:
            opened = True
            out.append(prose.opening(path, re.sub(r"^ \*", "  ", body, flags=re.M).lstrip("\n")))
        elif line.strip():
            value = re.search(r"HOB_\w+ = (-?\d+),? *$", line)
            out.append(f"/**<{f' ({value[1]})' if value else ''}{body}*/")
        elif text[at : at + 2] != "\n\n":
            # What an app defines itself has no declaration to be found by.
            out.append(f"/**{body}*/")
    return "".join(out) + text[at:]


def _short_enum(match: re.Match) -> str:
    return "{ " + re.sub(r"(HOB_\w+) = (-?\d+)(,|$)", r"\1 = \2\3 /**< (\2) */", match[1]) + " };"


def _document_rest(lines: list[str], text: str) -> None:
    """Adds to `lines`, in place, what declarations without a comment of their own are."""
    comment, struct, shared = "", "", ""
    for i, line in enumerate(lines):
        before = lines[i - 1] if i else ""
        commented = before.rstrip().endswith("*/") and not re.search(r"[;,{] */\*\*<|/\*\*<(?!.*[;,])", before)
        if line.startswith("/**"):
            comment = _whole_comment(lines, i)
        if macro := re.match(r"#define (HOB_(\w+)_INIT)\b", line):
            lines[i] = f"/** A hob_{macro[2].lower()} with its defaults. */ {line}"
        elif line.startswith("#define") and "#define " in before and not before.endswith("\\"):
            lines[i] = f"{comment} {line}"
        elif match := re.match(r"typedef struct (hob_\w+) \{", line):
            struct = match[1]
            if not commented:
                lines[i] = f"/** {_users(struct, text)} */ {line}"
        elif match := re.match(r"enum (hob_\w+) : (\w+)", line):
            note = f"An {match[2]} of which these are the values." if match[2] == "int32_t" else "A uint32_t of these bits."
            lines[i] = f"/** {'@n ' if commented else ''}{note} */ {line}"
            if commented:  # one comment, not two
                end = before.rindex("*/")
                lines[i - 1] = before[:end] + f" {note} */"
                lines[i] = line
        elif match := re.match(r" *(HOB_\w+) = (-?\d+),?$", line):
            lines[i] = f"{line} /**< ({match[2]}) */"
        elif line.startswith("HOB_API") and not commented:
            name = re.search(r"(hob_\w+)\(", line)[1]
            if name.endswith("_destroy"):
                lines[i] = f"/** Gives the handle up; NULL does nothing. */ {line}"
            elif before.endswith(";"):
                lines[i] = f"{comment} {line}"
        elif line.startswith("  ") and struct and line.rstrip().endswith(";"):
            lines[i] = line + _field(line, struct)
        elif line.startswith("}"):
            struct = ""


def _whole_comment(lines: list[str], i: int) -> str:
    found = []
    for line in lines[i:]:
        found.append(re.sub(r"^ \*(?!/)", "", line).strip())
        if "*/" in line:
            break
    return " ".join(found)


def _users(struct: str, text: str) -> str:
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    names = re.findall(rf"\b(hob_\w+)\([^;]*\b{struct}\b[^;]*\);", code)
    if not names:  # part of another struct
        names = re.findall(rf"^  [^;]*\b{struct}\b[^;]*;[^}}]*^\}} (\w+);", code, re.M)
    return prose.linked(f"For {', '.join(names)}.") if names else ""


def _field(line: str, struct: str) -> str:
    if " struct_size;" in line:
        return " /**< The size of the struct that the caller has: " + prose.linked(f"{struct.upper()}_INIT sets it. */")
    if re.search(r" reserved\d?(\[\d+\])?;", line):
        return " /**< Zero. */"
    return ""

"""A paper as one HTML page: no script, no request, escaped throughout, fit for paper."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from importlib import resources

from chaosmem.runbook.document import Block, Bullets, Code, Heading, Paper, Para, Table, spans


def html(paper: Paper) -> str:
    """The paper as a document, UTF-8."""
    style = (resources.files(__package__) / "paper.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'"
    title = next((b.text for b in paper if isinstance(b, Heading)), "chaosmem")
    body = "\n".join(_block(block) for block in paper)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title.replace("`", ""))}</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{_text(text)}</h{level}>"
        case Para(text):
            return f"<p>{_text(text)}</p>"
        case Bullets(items, boxes):
            kind = ' class="boxes"' if boxes else ""
            return f"<ul{kind}>{''.join(f'<li>{_text(item)}</li>' for item in items)}</ul>"
        case Table(rows):
            return _table(rows)
        case Code(lines):
            code = escape("\n".join(lines))
            return f'<pre tabindex="0"><code>{code}</code></pre>'


def _table(rows: tuple[tuple[str, ...], ...]) -> str:
    head, *body = rows
    top = "".join(f'<th scope="col">{_text(cell)}</th>' for cell in head)
    lines = ("".join(f"<td>{_text(cell)}</td>" for cell in row) for row in body)
    filled = "".join(f"<tr>{line}</tr>" for line in lines)
    return (
        '<div class="table"><table>'
        f"<thead><tr>{top}</tr></thead><tbody>{filled}</tbody></table></div>"
    )


def _text(text: str) -> str:
    pieces = ((code, escape(piece)) for code, piece in spans(text))
    return "".join(f"<code>{piece}</code>" if code else piece for code, piece in pieces)

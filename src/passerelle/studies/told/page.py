"""A finding as one plain HTML page that needs nothing else: its words, numbers and pictures, for print and archives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from passerelle.studies.told.plots import draw_plots
from passerelle.studies.told.words import format_number, texts

_STYLE = """body{font:16px/1.5 sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}
body{color:#1b1b1b;background:#fff}h1{font-size:1.5rem;line-height:1.25}h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}svg{width:100%;height:auto}.sentence{font-size:1.15rem}
th,td{text-align:left;vertical-align:top;padding:.35rem .5rem;border-bottom:1px solid #d9d9d9}
figure{margin:1rem 0}code{overflow-wrap:anywhere}"""


def write_page(finding: Mapping[str, Any], licences: Sequence[str], language: str) -> str:
    """The page in `language`; `licences` are the sentences that name the data's."""
    words, plots = texts()["page"][language], draw_plots(finding, language)
    parts = [
        f"<h1>{_text(finding['outcome'], language)}</h1>",
        f'<p class="sentence">{_text(finding["sentence"], language)}</p>',
        _section(words["why"], f"<p>{_text(finding['comparison'], language)}</p>"),
        *(_picture(body) for body in plots.values()),
        _section(words["method"], _write_method(finding, words, language)),
        _section(words["checks"], _write_checks(finding, words, language)) if finding["checks"] else "",
        _section(words["alternatives"], _write_alternatives(finding, words, language))
        if finding.get("alternatives")
        else "",
        _section(words["declared"], _write_declared(finding, words)),
        _section(words["data"], "".join(f"<p>{escape(one)}</p>" for one in licences) + _write_data(finding, words)),
        f"<p><code>{escape(finding['id'])}</code></p>",
    ]
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(finding['outcome'], language)}</title><style>{_STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def _text(both: Mapping[str, str], language: str) -> str:
    return escape(both[language])


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _picture(svg: str) -> str:
    """The picture within the page, without its XML declaration."""
    return f"<figure>{svg.partition(chr(10))[2]}</figure>"


def _write_method(finding: Mapping[str, Any], words: Mapping[str, str], language: str) -> str:
    method = finding["method"]
    if method is None:
        return f"<p>{escape(words['nothing'])}</p>"
    told = [f"{_text(method['title'], language)}. {escape(method['reference'])}"]
    told += [_text(finding[name]["text"], language) for name in ("choice", "inference") if finding.get(name)]
    held = "".join(f"<li>{_text(one['text'], language)}</li>" for one in finding["assumptions"])
    return "".join(f"<p>{one}</p>" for one in told) + f"<p>{escape(words['assumptions'])}</p><ul>{held}</ul>"


def _write_checks(finding: Mapping[str, Any], words: Mapping[str, str], language: str) -> str:
    rows = "".join(
        f'<tr><th scope="row">{_text(one["title"], language)}</th><td>{escape(words[one["outcome"]])}</td>'
        f"<td>{_text(one['detail'], language)}</td></tr>"
        for one in finding["checks"]
    )
    return f"<table><tbody>{rows}</tbody></table>"


def _write_alternatives(finding: Mapping[str, Any], words: Mapping[str, str], language: str) -> str:
    rows = "".join(
        f'<tr><th scope="row">{_text(one["method"]["title"], language)}</th>'
        f"<td>{_write_effect(one['effect'], words, language) if one['effect'] else escape(one['refused'])}</td></tr>"
        for one in finding["alternatives"]
    )
    return f"<table><tbody>{rows}</tbody></table>"


def _write_effect(effect: Mapping[str, Any], words: Mapping[str, str], language: str) -> str:
    shown = [_number(effect[name], language) for name in ("value", "low", "high")]
    return escape(words["effect"].format(value=shown[0], low=shown[1], high=shown[2], unit=effect["unit"][language]))


def _number(value: float | None, language: str) -> str:
    return "\u221e" if value is None else format_number(value, language, 1)


def _write_declared(finding: Mapping[str, Any], words: Mapping[str, str]) -> str:
    sealed = finding["declaration"]
    told = words["retrospective" if finding["retrospective"] else "prospective"]
    amendments = "".join(
        f"<li>{escape(one['amended_at'])}: {escape(one['reason'])} "
        f"({escape(words['seen' if one['data_seen'] else 'unseen'])})</li>"
        for one in sealed.get("amendments", ())
    )
    listed = f"<p>{escape(words['amended'])}</p><ul>{amendments}</ul>" if amendments else ""
    return f"<p>{escape(sealed['declared_at'])}, {escape(told)}. <code>{escape(sealed['hash'])}</code></p>{listed}"


def _write_data(finding: Mapping[str, Any], words: Mapping[str, str]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(one["place_name"])}</th><td>{escape(one["first"])}</td>'
        f"<td>{escape(one['last'])}</td><td>{one['rows']}</td></tr>"
        for one in finding["data"]
    )
    heads = "".join(f'<th scope="col">{escape(words[name])}</th>' for name in ("place", "first", "last", "rows"))
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"

"""The page that page/document.py puts together: it stands whatever is done with it, and asks for nothing."""

import json
import random
import re
import time

import numpy as np
import pytest
from helpers import ROOT
from pages import follow, message, settle, write

from page import document


@pytest.mark.parametrize(
    ("fragment", "drawn", "says"),
    [
        ("text=hello", "2026", "figures"),
        ("text=20x6", "206", "figures"),
        ("text=" + "31415" * 2000, "31415" * 4 + "3141", "room for 24"),
        ("text=", "2026", "figures"),
        ("text=%D9%A3", "2026", "figures"),
        ("text=<script>document.title='hit'</script>", "2026", "figures"),
        ("<img src=x onerror=\"document.title='hit'\">", "2026", "link"),
        ("text=12&hand=<script>alert(1)</script>", "12", "link"),
        ("text=12&hand=99999999999999999999&blend=-1&turn=1e9&view=__proto__&each=perhaps", "12", "link"),
        ("directions=NaN_Infinity&constructor=1&__proto__=2&toString", "2026", "link"),
        ("text=12&directions=9e99_x", "12", "link"),
        ("text=12&directions=0_0_0_0_0_0_1", "12", "fewer sliders"),
        ("%%%E0%A4%A", "2026", "link"),
        ("text=7&text=8", "8", ""),
        ("", "2026", ""),
    ],
)
def test_strange_links_are_answered_kindly(open_page, play_html, fragment, drawn, says):
    page = open_page(play_html, fragment)
    settle(page)
    assert page.evaluate("shown.map(({cell}) => cell.label).join('')") == drawn
    assert says in message(page) and bool(says) == bool(message(page)) and len(message(page)) < 200
    scripts = play_html.read_text(encoding="utf-8").count("<script")
    assert page.evaluate("['script', 'img'].map((tag) => document.querySelectorAll(tag).length)") == [scripts, 0]
    assert page.title() == "Digits that nobody wrote"


def test_strange_numbers_are_answered_kindly(open_page, play_html):
    page = open_page(play_html)
    for typed, drawn in (("12a", "12"), ("", "12"), ("9" * 30, "9" * 24), ("\N{PILE OF POO}4", "4")):
        page.locator("#number").fill(typed)
        settle(page)
        assert page.evaluate("shown.map(({cell}) => cell.label).join('')") == drawn
        assert message(page)
    page.locator("#hand").fill("-5")
    assert "whole number" in message(page)
    page.locator("#hand").blur()
    assert page.locator("#hand").input_value() == "11" and message(page) == ""
    write(page, "11")
    assert message(page) == ""


def test_nothing_can_be_asked_of_a_network(browser, play_html):
    """Even if a script in it wanted to."""
    page = browser.new_page()
    page.goto(play_html.as_uri())
    reasons = page.evaluate("""async () => {
        const reasons = [];
        document.addEventListener("securitypolicyviolation", (event) => reasons.push(event.effectiveDirective));
        await fetch("http://127.0.0.1:9/").catch(() => {});
        for (const [tag, source] of [["img", "src"], ["script", "src"], ["iframe", "src"]]) {
            const made = document.createElement(tag);
            made[source] = "http://127.0.0.1:9/";
            document.body.append(made);
        }
        await new Promise((resolve) => setTimeout(resolve, 200));
        return reasons;
    }""")
    page.close()
    assert sorted(reasons) == ["connect-src", "frame-src", "img-src", "script-src-elem"]


def row_is_whole(page):
    return page.evaluate("element('row').scrollHeight <= element('row').offsetHeight")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (844, 390), (320, 568), (1920, 1080)])
def test_it_fits_phones_and_projectors(open_page, play_html, width, height):
    page = open_page(play_html, "text=" + "1234567890" * 2, viewport={"width": width, "height": height})
    for view in ("row", "wall"):
        page.evaluate("(view) => change({view})", view)
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        box = page.locator(f"#{view}").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        sticky, high = page.evaluate("[getComputedStyle(stage).position === 'sticky', stage.offsetHeight]")
        assert width > 960 or high < 0.85 * height if sticky else row_is_whole(page)
    small = page.evaluate("""() => [...document.querySelectorAll("button:not(.digit), input:not([type=radio]), select")]
        .filter((each) => each.offsetParent && each.type !== "checkbox" && each.offsetHeight < 32).length""")
    size = page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
    assert small == 0 and size >= (22 if width == 1920 else 16)


def test_what_has_the_focus_is_seen(open_page, play_html):
    """Where the stage stays above the controls, they do not hide behind it."""
    page = open_page(play_html, viewport={"width": 800, "height": 700})
    page.locator("summary").focus()
    seen = set()
    for _ in range(18):
        page.keyboard.press("Shift+Tab")
        name, free = page.evaluate("""() => {
            const {top} = document.activeElement.getBoundingClientRect(), {bottom} = stage.getBoundingClientRect();
            return [document.activeElement.id, top >= bottom - 1 || stage.contains(document.activeElement)];
        }""")
        assert free, name
        seen.add(name)
    assert {"new-hand", "hand", "middle", "blend", "turn", "download"} <= seen


def test_a_link_that_the_browser_will_not_keep_now_is_kept_later(open_page, play_html):
    """Safari allows a hundred changes in half a minute."""
    page = open_page(play_html)
    page.evaluate("() => { history.replaceState = history.pushState = () => { throw new Error('too many') } }")
    page.get_by_role("button", name="New hand").click()
    page.wait_for_timeout(400)
    page.evaluate("delete history.replaceState, delete history.pushState")
    assert page.evaluate("new Promise((done) => setTimeout(() => done(location.hash === link()), 2300))")


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_everything_has_a_name_and_can_be_told_from_its_ground(open_page, play_html, scheme):
    page = open_page(play_html, color_scheme=scheme)
    for view in ("wall", "row"):
        follow(page, f"view={view}")
        settle(page)
        nameless = page.evaluate("""() =>
            [...document.querySelectorAll("input, select, button, [role=img], [role=group]")]
            .filter((each) => each.offsetParent && !(each.getAttribute("aria-label") || each.textContent.trim()
                || [...each.labels ?? []].some((label) => label.textContent.trim()))).map((each) => each.outerHTML)""")
        assert nameless == []
    names = ("page", "paper", "text", "quiet", "accent", "on-accent", "line")
    script = "(names) => names.map((name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name))"
    colours = dict(zip(names, map(luminance, page.evaluate(script, list(names))), strict=True))

    def contrast(one, two):
        return (max(colours[one], colours[two]) + 0.05) / (min(colours[one], colours[two]) + 0.05)

    for ground in ("page", "paper"):  # the levels of WCAG 2: 4.5 for text, 3 for what is drawn
        assert min(contrast(ground, ink) for ink in ("text", "quiet", "accent")) >= 4.5
        assert contrast(ground, "line") >= 3
    assert contrast("accent", "on-accent") >= 4.5


def luminance(colour):
    """Of a colour such as #12a or #1122aa, by WCAG 2."""
    figures = colour.strip().lstrip("#")
    pairs = [figure * 2 for figure in figures] if len(figures) == 3 else re.findall("..", figures)
    values = [int(pair, 16) / 255 for pair in pairs]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def play_about(page, rng, seconds):
    """Click, type, drag and scroll anywhere for some seconds; returns how often."""
    keys = (
        "Tab",
        "Enter",
        "Space",
        "ArrowRight",
        "ArrowLeft",
        "ArrowDown",
        "Home",
        "End",
        "Backspace",
        "7",
        "x",
        "PageDown",
    )
    width, height = page.viewport_size.values()
    until, actions = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        kind = rng.random()
        if kind < 0.5:
            page.mouse.click(rng.uniform(0, width), rng.uniform(0, height))
        elif kind < 0.8:
            page.keyboard.press(rng.choice(keys))
        elif kind < 0.9:
            page.mouse.wheel(0, rng.uniform(-900, 900))
        else:
            page.mouse.move(rng.uniform(0, width), rng.uniform(0, height))
            page.mouse.down()
            page.mouse.move(rng.uniform(0, width), rng.uniform(0, height), steps=3)
            page.mouse.up()
        actions += 1
    return actions


@pytest.mark.parametrize("seconds", [5, pytest.param(600, marks=pytest.mark.stress)])
def test_playing_about_breaks_nothing(open_page, play_html, seconds):
    """No error, which `open_page` looks for; and memory does not grow."""
    page = open_page(play_html, accept_downloads=False)
    tools = page.context.new_cdp_session(page)

    def used():
        for view in ("wall", "row"):  # with the longest number, all that is ever made is there
            page.evaluate("(view) => change({...START, view, text: '8'.repeat(maxFigures)})", view)
            settle(page)
        tools.send("HeapProfiler.collectGarbage")
        counts = tools.send("Memory.getDOMCounters")
        return tools.send("Runtime.getHeapUsage")["usedSize"], counts["nodes"]

    play_about(page, random.Random(0), seconds / 5)
    heap, nodes = used()
    assert play_about(page, random.Random(1), seconds) > seconds
    assert page.url.startswith(play_html.as_uri())
    more_heap, more_nodes = used()
    # The browser keeps what was typed into fields, up to a thousand times, to undo it: on an empty page, too.
    assert more_heap - heap < 3e6 and more_nodes - nodes < 1100, (heap, more_heap, nodes, more_nodes)


def test_the_committed_page_is_of_the_pretrained_models_and_these_scripts(play_html):
    """`make page` makes it; what is measured may be rounded otherwise by another machine."""
    text = (ROOT / "docs" / "play.html").read_text(encoding="utf-8")
    committed, made = (
        re.search(r'<script type="application/json" id="models">(.*?)</script>', page, re.DOTALL)[1]
        for page in (text, play_html.read_text(encoding="utf-8"))
    )
    assert document.assemble(committed) == text, "make page"
    committed, made = json.loads(committed), json.loads(made)
    np.testing.assert_allclose(committed.pop("opinions"), made.pop("opinions"), atol=0.02, err_msg="make page")
    for one, other in zip(committed.pop("directions"), made.pop("directions"), strict=True):
        assert (one["name"], one["edges"]) == (other["name"], other["edges"]), "make page"
        assert one["correlation"] == pytest.approx(other["correlation"], abs=0.05), "make page"
    assert committed == made, "make page"
    assert len(text.encode()) <= 3_000_000

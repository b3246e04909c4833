"""The Chromium of the machine: how the tests start it, what they look for on a page, and when they are skipped."""

import shutil

import pytest
from playwright.async_api import expect as expect_async
from playwright.sync_api import expect as expect_sync

from tests.conftest import REPOSITORY

CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
AXE = REPOSITORY / "node_modules" / "axe-core" / "axe.min.js"
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="node modules are not installed; run `make conformance`")
#: what axe-core finds against WCAG 2.2 AA; to be run after its own source
VIOLATIONS = """async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"];
  const {violations} = await axe.run(document, {runOnly: tags});
  return violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
}"""
PHONE, DESKTOP = (360, 740), (1280, 800)

#: what a page may take on a busy machine; a wait that is longer is a fault
LIMIT_MS = 30_000
expect_async.set_options(timeout=LIMIT_MS)
expect_sync.set_options(timeout=LIMIT_MS)

#: the machine may have no way out: without these, Chromium calls home at every start
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

#: elements with text of their own whose contrast to what is behind them is below the ratio that WCAG 2.2 AA asks for
LOW_CONTRAST = """() => {
  const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((each) => each.nodeType === 3 && each.textContent.trim());
    if (!own || node.disabled || !node.getClientRects().length) continue;
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(behind(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(`${node.tagName} ${node.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return found;
}"""

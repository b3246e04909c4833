// Comfort only: keys, local times, lists that stay fresh, copying. Every page works without it.
"use strict";

const EVERY_MS = 15000;
const all = (what, within = document) => [...within.querySelectorAll(what)];
const one = (what) => document.querySelector(what);

// Times are UTC on the page; people think in their own zone, and see UTC when they point at them.
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "medium" });
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const local = (within) => {
  for (const each of all("time[datetime]:not([title])", within)) {
    const at = new Date(each.dateTime);
    each.title = at.toISOString().replace("T", " ").replace(".000Z", " UTC");
    each.textContent = each.textContent.endsWith("UTC") ? FULL.format(at) : `${DAY.format(at)} ${CLOCK.format(at)}`;
  }
};
local(document);

const copy = async (text, from) => {
  await navigator.clipboard.writeText(text);
  const said = document.createElement("span");
  said.role = "status";
  said.className = "fine";
  said.textContent = "Copied.";
  from.after(said);
  setTimeout(() => said.remove(), 4000);
};
for (const each of all("[data-copy]")) {
  each.hidden = false;
  each.addEventListener("click", () => copy(one(each.dataset.copy).textContent, each));
}

// A list is asked for again while somebody looks at it and is not in the middle of something.
const isBusy = () => {
  const at = document.activeElement;
  return document.hidden || !getSelection().isCollapsed || one("dialog[open]") || (at && at.closest("form, [data-live] details[open]"));
};
const freshen = async () => {
  if (isBusy()) return;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok || answer.redirected || isBusy()) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of all("[data-live]:not([data-live=''])")) {
    const now = fresh.querySelector(`[data-live="${old.dataset.live}"]`);
    if (!now) continue;
    const at = old.contains(document.activeElement) && document.activeElement.getAttribute("href");
    local(now);
    old.replaceChildren(...now.childNodes);
    if (at) (all("a", old).find((each) => each.getAttribute("href") === at) || one("#page")).focus({ preventScroll: true });
  }
};
if (one("[data-live]:not([data-live=''])")) setInterval(() => freshen().catch(() => {}), EVERY_MS);

const help = one("#keys");
for (const each of all("[data-keys]")) {
  each.hidden = false;
  each.addEventListener("click", () => help.showModal());
}
const step = (by) => {
  const rows = all("a.row");
  const at = rows.indexOf(document.activeElement);
  const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1)];
  if (next) next.focus();
};
const narrow = () => {
  const field = one(".filters input[type=search]") || one(".filters select");
  if (!field) return;
  field.closest("details").open = true;
  field.focus();
  if (field.select) field.select();
};
const absolute = () => {
  const link = one("[data-absolute]");
  if (!link) return;
  history.replaceState(null, "", link.href);
  link.closest("details").open = true;
  copy(link.href, link);
};
const KEYS = { j: () => step(1), k: () => step(-1), "/": narrow, a: absolute, "?": () => help && help.showModal() };
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
  const link = all("[data-key]").find((each) => each.dataset.key === event.key);
  if (!link && !Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  if (link) link.click();
  else KEYS[event.key]();
});

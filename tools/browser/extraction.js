// What a page says, for extraction.py: runs in an isolated world, so that no script of the page can change what is used here.
// Everything is cut to a length, so that the answer is small whatever the page is.
(asked) => {
  const clean = (text, chars) => (text || "").replace(/\s+/g, " ").trim().slice(0, chars);
  const all = (root, selector, most) => Array.from(root.querySelectorAll(selector)).slice(0, most);
  let left = asked.max_chars;
  const kept = (text) => {
    const part = text.slice(0, Math.max(0, left));
    left -= part.length;
    return part;
  };
  const isFlat = (value, levels) =>
    value === null || typeof value !== "object" || (levels > 0 && Object.values(value).every((each) => isFlat(each, levels - 1)));
  const absolute = (url) => {
    try { return new URL(url, document.baseURI).href.slice(0, 2000); } catch { return ""; }
  };
  const valueOf = (node, attribute) => {
    if (!attribute) return kept(clean(node.innerText ?? node.textContent, 10000));
    const value = node.getAttribute(attribute);
    if (value === null) return null;
    return kept(["href", "src", "action"].includes(attribute) ? absolute(value) : value.slice(0, 10000));
  };
  const picked = (root, field, path) => {
    const spec = typeof field === "string" ? { selector: field } : field;
    let nodes;
    try {
      nodes = all(root, spec.selector, spec.many ? 500 : 1);
    } catch {
      throw { path: `${path}.selector`, value: spec.selector };
    }
    const values = nodes.map((node) => spec.fields ? pickedAll(node, spec.fields, `${path}.fields`) : valueOf(node, spec.attribute));
    return spec.many ? values : values.length ? values[0] : null;
  };
  const pickedAll = (root, fields, path) =>
    Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, picked(root, field, `${path}.${name}`)]));

  const answer = { title: clean(document.title, 300), lang: clean(document.documentElement.lang, 35) };
  try {
    if (asked.fields) answer.fields = pickedAll(document, asked.fields, "fields");
  } catch (fault) {
    return JSON.stringify({ fault: fault.path ? fault : { path: "fields", value: "" } });
  }
  if (asked.about) {
    const canonical = document.querySelector("link[rel~=canonical]");
    answer.canonical = canonical ? absolute(canonical.getAttribute("href")) : null;
    answer.meta = {};
    for (const each of all(document, "meta[name][content], meta[property][content]", 100)) {
      const name = clean(each.getAttribute("name") || each.getAttribute("property"), 100);
      if (name && name !== "__proto__" && !(name in answer.meta)) answer.meta[name] = kept(clean(each.getAttribute("content"), 2000));
    }
    answer.json_ld = [];
    for (const each of all(document, "script[type='application/ld+json']", 20)) {
      try {
        const value = JSON.parse(kept(each.textContent.slice(0, 50000)));
        if (isFlat(value, asked.max_levels)) answer.json_ld.push(value);
      } catch { /* it says nothing that can be read */ }
    }
    answer.headings = all(document, "h1, h2, h3", 100).map((each) => ({ level: Number(each.tagName[1]), text: kept(clean(each.innerText, 300)) }));
  }
  if (asked.text_chars) {
    const text = (document.body ? document.body.innerText : "").replace(/[ \t\u00a0]+/g, " ").replace(/\s*\n\s*/g, "\n").trim();
    answer.text = text.slice(0, asked.text_chars);
    answer.text_is_whole = text.length <= asked.text_chars;
  }
  if (asked.links) {
    const seen = new Set();
    answer.links = [];
    for (const each of all(document, "a[href]", 5000)) {
      const url = absolute(each.getAttribute("href")).split("#")[0];
      // One that was cut would be another address.
      if (url.length >= 2000 || !/^https?:/.test(url) || seen.has(url) || answer.links.length >= asked.links) continue;
      seen.add(url);
      answer.links.push({ url, text: clean(each.innerText, 200), nofollow: /\bnofollow\b/i.test(each.rel) });
    }
  }
  return JSON.stringify(answer);
}

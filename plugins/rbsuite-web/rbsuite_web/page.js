// Reads a page as lines of text. Arguments: whether every leaf gets a reference; a selector of what is left out; a reference, of which the
// element is returned and where to click it, or null; a selector, of whose elements with a reference what they are is returned, or null.
// See page.py.
const [every, without, wanted, chosen] = arguments;
const MOST = 120, OPTIONS = 60, LETTERS = "bcdfghjkmnpqrstvwxz23456789";
const INTERACTIVE = new Set(["link", "button", "checkbox", "radio", "slider", "textbox", "searchbox", "spinbutton", "combobox", "listbox",
  "menuitem", "menuitemcheckbox", "menuitemradio", "option", "tab", "switch", "treeitem", "clickable"]);
const NAMED_BY_TEXT = new Set(["link", "button", "menuitem", "menuitemcheckbox", "menuitemradio", "option", "tab", "switch", "treeitem",
  "clickable", "heading", "checkbox", "radio"]);
const INPUTS = {button: "button", submit: "button", reset: "button", image: "button", file: "button", checkbox: "checkbox",
  radio: "radio", range: "slider", number: "spinbutton", search: "searchbox"};
const TAGS = {BUTTON: "button", SUMMARY: "button", TEXTAREA: "textbox", IMG: "image", NAV: "navigation", FORM: "form", DIALOG: "dialog",
  FIELDSET: "group", TABLE: "table", TR: "row", LI: "listitem"};
const CONTAINERS = new Set(["navigation", "form", "dialog", "alertdialog", "group", "row", "listitem", "menu", "tablist", "tree"]);
const SKIPPED = new Set(["SCRIPT", "STYLE", "NOSCRIPT", "TEMPLATE", "HEAD", "LINK", "META", "DATALIST"]);

const lines = [], named = new Map(), taken = new Set(), counts = new Map();
let buffer = "", found = null, depth = 0;

const squeezed = text => (text || "").replace(/\s+/g, " ").trim();
const cut = text => text.length > MOST ? text.slice(0, MOST - 1) + "…" : text;
const quoted = text => JSON.stringify(text);

function role(element, style) {
  const given = squeezed(element.getAttribute("role")).split(" ")[0].toLowerCase();
  if (given && given !== "presentation" && given !== "none") return given;
  const tag = element.tagName.toUpperCase();
  if (tag === "INPUT") return INPUTS[element.type] || "textbox";
  if (tag === "SELECT") return element.multiple || element.size > 1 ? "listbox" : "combobox";
  if ((tag === "A" || tag === "AREA") && element.hasAttribute("href")) return "link";
  if (/^H[1-6]$/.test(tag)) return "heading";
  if (TAGS[tag]) return clickable(element, style) && (tag === "LI" || tag === "IMG" || tag === "TR") ? "clickable" : TAGS[tag];
  if (element.isContentEditable && !(element.parentElement && element.parentElement.isContentEditable)) return "textbox";
  return clickable(element, style) ? "clickable" : "";
}

function clickable(element, style) {
  if (element.hasAttribute("onclick") || (element.hasAttribute("tabindex") && element.tabIndex >= 0)) return true;
  const parent = element.parentElement;
  return style.cursor === "pointer" && !(parent && getComputedStyle(parent).cursor === "pointer");
}

function label(element) {
  const own = squeezed(element.getAttribute("aria-label"));
  if (own) return own;
  const ids = squeezed(element.getAttribute("aria-labelledby"));
  if (ids) {
    const told = squeezed(ids.split(" ").map(id => document.getElementById(id)).map(one => one ? one.textContent : "").join(" "));
    if (told) return told;
  }
  if (element.labels && element.labels.length) {
    const told = squeezed([...element.labels].map(one => {
      const copy = one.cloneNode(true);
      copy.querySelectorAll("select, textarea, script, style").forEach(inner => inner.remove());
      return copy.textContent;
    }).join(" "));
    if (told) return told;
  }
  return "";
}

function name(element, what) {
  const labelled = label(element);
  if (labelled) return labelled;
  const tag = element.tagName.toUpperCase();
  if (tag === "INPUT" && INPUTS[element.type] === "button") {
    return squeezed(element.value || element.alt || ({submit: "Submit", reset: "Reset", file: "Choose file"})[element.type]);
  }
  if (tag === "IMG" || tag === "AREA") return squeezed(element.alt || element.title);
  if (tag === "FIELDSET") return squeezed((element.querySelector("legend") || {}).textContent);
  if (NAMED_BY_TEXT.has(what)) {
    const text = squeezed(element.innerText === undefined ? element.textContent : element.innerText);
    if (text) return text;
    const picture = element.querySelector("img[alt]");
    if (picture && squeezed(picture.alt)) return squeezed(picture.alt);
  }
  return squeezed(element.title || element.getAttribute("placeholder"));
}

function reference(what, text) {
  const key = what + "\u0000" + text;
  let nth = counts.get(key) || 0;
  counts.set(key, nth + 1);
  for (;; nth += 1000) {
    const whole = key + "\u0000" + nth;
    let hash = 0x811c9dc5;
    for (let at = 0; at < whole.length; at++) hash = Math.imul(hash ^ whole.charCodeAt(at), 0x01000193) >>> 0;
    let made = "";
    for (let at = 0; at < 5; at++) { made += LETTERS[hash % 27]; hash = Math.floor(hash / 27); }
    if (!taken.has(made)) { taken.add(made); return made; }
  }
}

function states(element, control, what) {
  const said = [], tag = control.tagName.toUpperCase();
  const is = attribute => control.getAttribute("aria-" + attribute);
  if (tag === "SELECT") {
    const all = [...control.options], texts = all.map(one => quoted(squeezed(one.text)));
    said.push("value " + (all.filter(one => one.selected).map(one => quoted(squeezed(one.text))).join(", ") || '""'));
    const more = texts.length > OPTIONS ? ` | ${texts.length - OPTIONS} more` : "";
    said.push("options " + texts.slice(0, OPTIONS).join(" | ") + more);
  } else if (tag === "INPUT" && control.type === "password") {
    if (control.value) said.push("value " + quoted("•".repeat(control.value.length)));
  } else if (["textbox", "searchbox", "spinbutton", "slider"].includes(what)) {
    const value = control.value === undefined ? squeezed(control.innerText) : control.value;
    if (value) said.push("value " + quoted(value.length > 2000 ? value.slice(0, 1999) + "…" : value));
    if (tag === "INPUT" && ["date", "time", "datetime-local", "month", "week", "color"].includes(control.type)) said.push(control.type);
    if (what === "slider" && tag === "INPUT") said.push(`from ${control.min || 0} to ${control.max || 100}`);
  }
  if (control.checked || is("checked") === "true") said.push("checked");
  if (is("selected") === "true") said.push("selected");
  if (is("pressed") === "true") said.push("pressed");
  const opened = tag === "SUMMARY" && control.parentElement ? String(!!control.parentElement.open) : is("expanded");
  if (opened === "true") said.push("expanded");
  if (opened === "false") said.push("collapsed");
  if (control.disabled || is("disabled") === "true") said.push("disabled");
  if (control.readOnly) said.push("read-only");
  if (is("current") && is("current") !== "false") said.push("current");
  if (control === document.activeElement && control !== document.body) said.push("focused");
  return said;
}

function looks(element, style) {
  const box = element.getBoundingClientRect(), said = [];
  const hex = colour => {
    const parts = (colour.match(/[\d.]+/g) || []).map(Number);
    return parts.length < 3 || parts[3] === 0 ? "" : "#" + parts.slice(0, 3).map(one => Math.round(one).toString(16).padStart(2, "0")).join("");
  };
  const drawn = element.ownerSVGElement !== undefined && element.ownerSVGElement !== null;
  const colour = hex(drawn ? style.fill : style.backgroundColor), ink = hex(style.color);
  if (colour && colour !== "#ffffff") said.push("colour " + colour);
  if (!drawn && ink && ink !== "#000000") said.push("ink " + ink);
  if (drawn && parseFloat(style.fontSize) && element.tagName === "text") said.push("size " + parseFloat(style.fontSize));
  said.push(`at ${Math.round(box.left)},${Math.round(box.top)} ${Math.round(box.width)}x${Math.round(box.height)}`);
  return said;
}

function marks(element) {
  // What an element without a text is called by the page's own code: not in the name, since it changes with its state.
  const id = squeezed(element.id), classes = squeezed(element.getAttribute("class"));
  return [(id ? "#" + id : "") + (classes ? "." + classes.split(" ").join(".") : "")].filter(Boolean);
}

function flush() {
  const text = squeezed(buffer).replace(/( \|)+$/, "").replace(/^(\| )+/, "");
  buffer = "";
  if (text && text !== "|") lines.push("  ".repeat(depth) + text);
}

function emit(element, what, text, said) {
  flush();
  const short = cut(text), made = reference(what, short);
  named.set(element, made);
  if (wanted === made && !found) found = element;
  lines.push("  ".repeat(depth) + [what, short ? quoted(short) : "", ...said].filter(Boolean).join(" ") + ` [${made}]`);
}

function shown(element) {
  return element.checkVisibility({visibilityProperty: true});
}

function spot(element) {
  // Where a plain click hits the element, which lies in one piece, uncovered, and needs no scrolling; the pixel is the one ChromeDriver takes.
  const boxes = element.getClientRects();
  if (boxes.length !== 1 || ["OPTION", "AREA"].includes(element.tagName.toUpperCase()) || element.type === "file") return null;
  const box = boxes[0], [width, height] = [Math.trunc(box.width), Math.trunc(box.height)];
  const inside = outer => box.left >= outer.left && box.top >= outer.top && box.right <= outer.right && box.bottom <= outer.bottom;
  const seen = element.checkVisibility({visibilityProperty: true, opacityProperty: true});
  if (!seen || width < 1 || height < 1 || !inside({left: 0, top: 0, right: innerWidth, bottom: innerHeight})) return null;
  for (let outer = element.parentElement; outer; outer = outer.parentElement) {
    if (getComputedStyle(outer).overflow !== "visible" && !inside(outer.getBoundingClientRect())) return null;
  }
  const at = [Math.trunc(box.left) + Math.trunc(width / 2), Math.trunc(box.top) + Math.trunc(height / 2)];
  return element.contains(document.elementFromPoint(...at)) ? at : null;
}

function within(element) {
  return element.shadowRoot ? element.shadowRoot.childNodes : element.tagName === "SLOT" ? element.assignedNodes() : element.childNodes;
}

function holdsInteractive(element) {
  return [...element.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [onclick], [tabindex], [role]")]
    .some(one => shown(one) && (INTERACTIVE.has(role(one, getComputedStyle(one)))));
}

function children(element) {
  for (const child of within(element)) walk(child);
}

function indented(element, head) {
  flush();
  if (head) { lines.push("  ".repeat(depth) + head); depth++; }
  const before = lines.length;
  children(element);
  flush();
  if (head) { depth--; if (lines.length === before) lines.pop(); }
}

function walk(node) {
  if (node.nodeType === Node.TEXT_NODE) {
    if (node.parentElement && getComputedStyle(node.parentElement).visibility === "visible") buffer += node.data;
    return;
  }
  if (node.nodeType !== Node.ELEMENT_NODE) return;
  const element = node, tag = element.tagName.toUpperCase();
  if (SKIPPED.has(tag) || (without && element.matches(without))) return;
  const style = getComputedStyle(element);
  if (style.display === "contents") return children(element);
  if (!element.checkVisibility()) return;
  if (tag === "BR") return flush();
  const visible = style.visibility === "visible", what = role(element, style);
  const inline = style.display.startsWith("inline") || style.display === "";
  if (tag === "IFRAME" || tag === "FRAME") {
    flush();
    lines.push("  ".repeat(depth) + `frame ${quoted(cut(squeezed(element.title || element.name)))} (not shown)`);
    return;
  }
  if (tag === "LABEL" && element.control && visible) {
    const control = element.control, box = control.getBoundingClientRect();
    if (!shown(control) || box.width === 0 || box.height === 0) {
      const stands = role(control, getComputedStyle(control));
      return emit(element, stands, squeezed(element.innerText), states(element, control, stands));
    }
    for (const child of within(element)) if (child.nodeType === Node.ELEMENT_NODE) walk(child);
    return;
  }
  if (INTERACTIVE.has(what) && visible) {
    const box = element.getBoundingClientRect();
    const wraps = !["INPUT", "SELECT", "TEXTAREA"].includes(tag) && (every && what === "clickable" ? element.childElementCount > 0 : holdsInteractive(element));
    if (box.width > 0 && box.height > 0) {
      emit(element, what, wraps ? label(element) : name(element, what), [...states(element, element, what), ...(every ? looks(element, style) : [])]);
    } else if (tag === "INPUT" || tag === "SELECT" || tag === "TEXTAREA") {
      return;  // its label stands for it
    }
    if (wraps || (box.width === 0 || box.height === 0)) { depth++; children(element); flush(); depth--; }
    return;
  }
  if (what === "heading") { flush(); if (!every && !holdsInteractive(element)) { const text = name(element, what); if (text) lines.push("  ".repeat(depth) + "heading " + quoted(cut(text))); return; } }
  if (what === "image" && !every) { const text = name(element, what); if (text) { flush(); lines.push("  ".repeat(depth) + "image " + quoted(cut(text))); } return; }
  if (tag === "DETAILS" && !element.open) {
    for (const child of element.children) if (child.tagName === "SUMMARY") { walk(child); break; }
    return;
  }
  if (tag === "CANVAS") return emit(element, "canvas", name(element, what), looks(element, style));
  if (every && visible && !element.childElementCount && !["TABLE", "TBODY", "BODY", "SVG"].includes(tag)) {
    const box = element.getBoundingClientRect();
    if (box.width > 0 && box.height > 0) {
      const text = tag === "IMG" ? squeezed(element.alt) || (element.src || "").split("/").pop() : squeezed(element.textContent);
      return emit(element, element.tagName.toLowerCase(), text, [...(text ? [] : marks(element)), ...looks(element, style)]);
    }
    return;
  }
  if (tag === "TD" || tag === "TH") { if (buffer.trim()) buffer += " | "; children(element); buffer += " "; return; }
  if (tag === "LEGEND") return;
  if (CONTAINERS.has(what) && visible) {
    if (what === "row" || what === "listitem") {
      if (!every && !holdsInteractive(element)) {
        flush();
        buffer = what === "listitem" ? "- " : "";
        children(element);
        flush();
        return;
      }
      return indented(element, what === "row" ? "row" : "item");
    }
    const told = label(element) || (tag === "FIELDSET" ? name(element, what) : "");
    return indented(element, told || what === "dialog" || what === "alertdialog" ? [what, told ? quoted(cut(told)) : ""].join(" ").trim() : "");
  }
  if (inline) {
    children(element);
  } else {
    flush();
    children(element);
    flush();
  }
}

if (document.body) walk(document.body);
flush();
if (wanted !== null) return found && [found, spot(found)];
if (chosen === null) return {url: location.href, title: document.title, lines};
return [...document.querySelectorAll(chosen)].filter(one => named.has(one)).map(one => {
  const box = one.getBoundingClientRect();
  return {
    ref: named.get(one), tag: one.tagName.toLowerCase(), text: squeezed(one.textContent), value: one.value === undefined ? "" : String(one.value),
    attributes: Object.fromEntries([...one.attributes].map(each => [each.name, each.value])),
    box: [box.left, box.top, box.width, box.height].map(Math.round),
  };
});

// Elements from plain data. Text only ever becomes a text node: nothing here parses HTML.

export const byId = (id) => document.getElementById(id);

// el("p", {class: "x", onclick: f, "aria-label": "y"}, "text", node, null)
export function el(tag, properties, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else node.setAttribute(name, String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function fill(node, ...children) {
  node.replaceChildren(...children.filter((child) => child !== null && child !== undefined));
}

export function announce(text) {
  byId("status").textContent = text;
}

export function showProblem(box, error) {
  fill(
    box,
    el("p", {class: "problem-message"}, error.message),
    error.hint ? el("p", {}, error.hint) : null,
  );
  box.hidden = false;
}

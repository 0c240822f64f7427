// The parts of the page that every script may need: elements by id, a passing word, elements from HTML.

export const at = (id) => document.getElementById(id);

let hiding;

export function toast(text) {
  at("toast").textContent = text;
  at("toast").hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => (at("toast").hidden = true), 5000);
}

// The server made this HTML and escaped what people and models wrote.
export function element(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

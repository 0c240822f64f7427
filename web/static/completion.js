// Completes slash commands: a listbox that the message field controls.

import { get } from "./api.js";
import { at, element } from "./view.js";

const text = at("text");
const list = at("completion");
let commands;
let chosen = 0;

async function matching() {
  const typed = /^\/(\w*)$/.exec(text.value);
  if (!typed) return [];
  commands ??= get("/api/commands").then((answer) => answer.commands).catch(() => (commands = undefined, []));
  return (await commands).filter((one) => one.name.startsWith(typed[1].toLowerCase()));
}

export async function suggest() {
  const found = await matching();
  chosen = 0;
  list.replaceChildren(...found.map(option));
  const shown = found.length > 0 && text.value.startsWith("/");
  list.hidden = !shown;
  text.setAttribute("aria-expanded", String(shown));
  mark();
}

function option(command, index) {
  const node = element('<li role="option"><b></b><span></span></li>');
  node.id = `option-${index}`;
  node.dataset.name = command.name;
  node.children[0].textContent = `/${command.name}`;
  node.children[1].textContent = command.summary;
  node.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    take(node.dataset.name);
  });
  return node;
}

function mark() {
  [...list.children].forEach((node, index) => node.setAttribute("aria-selected", String(index === chosen)));
  const current = list.children[chosen];
  if (list.hidden || !current) return text.removeAttribute("aria-activedescendant");
  text.setAttribute("aria-activedescendant", current.id);
  current.scrollIntoView({ block: "nearest" });
}

function take(name) {
  text.value = `/${name} `;
  hide();
  text.focus();
  text.dispatchEvent(new Event("input"));
}

export function hide() {
  list.hidden = true;
  text.setAttribute("aria-expanded", "false");
  text.removeAttribute("aria-activedescendant");
}

// Returns whether the key was for the list. Enter sends a command that is written out, and completes a part of one.
export function key(event) {
  if (list.hidden) return false;
  const count = list.children.length;
  const name = list.children[chosen]?.dataset.name;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    chosen = (chosen + (event.key === "ArrowDown" ? 1 : count - 1)) % count;
    mark();
  } else if (event.key === "Escape") hide();
  else if (event.key === "Tab" || (event.key === "Enter" && text.value !== `/${name}`)) take(name);
  else return false;
  event.preventDefault();
  return true;
}

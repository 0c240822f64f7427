// The list of chats, the drawer it is on a phone, and the choice of colours.

import { chat, get, request } from "./api.js";
import { at } from "./view.js";

const phone = matchMedia("(max-width: 800px)");
const isChat = document.body.classList.contains("chat") && at("log") !== null;
const THEMES = { "": "System", light: "Light", dark: "Dark" };

function isOpen() {
  return phone.matches ? document.body.classList.contains("drawer") : !document.body.classList.contains("narrow");
}

function open(wanted) {
  document.body.classList.toggle(phone.matches ? "drawer" : "narrow", phone.matches ? wanted : !wanted);
  at("menu").setAttribute("aria-expanded", String(wanted));
  if (!phone.matches) localStorage.setItem("hermes-sidebar", wanted ? "" : "closed");
  else if (wanted) at("sidebar").querySelector("a, button").focus();
  else at("menu").focus();
}

let reloading;

// Several changes at once are one look.
export function reload() {
  clearTimeout(reloading);
  reloading = setTimeout(look, 250);
}

// Where the conversation of this chat is: another surface may have taken it, or given it back.
async function whereabouts() {
  const answer = await request(`/departed?chat=${chat}`).catch(() => null);
  if (answer) at("departed").innerHTML = await answer.text();
}

async function look() {
  if (isChat) whereabouts();
  const answer = await request(`/chats?current=${isChat ? chat : ""}`).catch(() => null);
  if (!answer) return;
  at("chats").innerHTML = await answer.text();
  group();
  if (!isChat) return;
  const title = at("chats").querySelector("[aria-current]")?.textContent ?? "New chat";
  at("title").textContent = title;
  document.title = `${title} · Hermes`;
}

let counting;

// How many requests for approval wait, beside the link that leads to them.
export function recount() {
  clearTimeout(counting);
  if (at("waiting")) counting = setTimeout(count, 250);
}

async function count() {
  const found = await get("/api/hermes/approvals?limit=1").catch(() => null);
  if (found) showCount(found.waiting);
}

export function showCount(waiting) {
  at("waiting").textContent = waiting;
  at("waiting").hidden = waiting === 0;
}

// Chats stand under the day they were last used, in the reader's own calendar.
function group() {
  let last = "";
  for (const link of at("chats").querySelectorAll("a")) {
    const name = dayName(Number(link.dataset.at));
    if (name !== last) {
      const heading = document.createElement("li");
      heading.className = "day";
      heading.textContent = name;
      link.parentElement.before(heading);
    }
    last = name;
  }
}

function dayName(moment) {
  if (!moment) return "Today";
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(moment).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days <= 0) return "Today";
  if (days === 1) return "Yesterday";
  return days < 7 ? "This week" : days < 31 ? "This month" : "Earlier";
}

function colours(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  at("theme").querySelector("span").textContent = THEMES[theme];
  at("theme").setAttribute("aria-label", `Colours: ${THEMES[theme]}`);
}

export function start() {
  let theme = document.documentElement.dataset.theme ?? "";
  colours(theme);
  at("theme").addEventListener("click", () => {
    theme = { "": "light", light: "dark", dark: "" }[theme];
    localStorage.setItem("hermes-theme", theme);
    colours(theme);
  });
  if (localStorage.getItem("hermes-sidebar") === "closed" && !phone.matches) document.body.classList.add("narrow");
  at("menu").setAttribute("aria-expanded", String(isOpen()));
  at("menu").addEventListener("click", () => open(!isOpen()));
  for (const node of document.querySelectorAll("[data-close-sidebar]")) node.addEventListener("click", () => open(false));
  addEventListener("keydown", (event) => event.key === "Escape" && phone.matches && isOpen() && open(false));
  group();
}

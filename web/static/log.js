// The list of messages: adding, replacing, drafts, times, and where the view stands.

import { base, get } from "./api.js";
import { at, element } from "./view.js";

const log = at("log");
const scroller = at("scroller");
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });
let older = document.body.dataset.older;
let sticking = true;

function order(message) {
  const [direction, row] = message.id.split("-");
  return [Date.parse(message.querySelector("time")?.dateTime ?? "") || Infinity, direction === "out" ? 1 : 0, Number(row)];
}

function later(a, b) {
  const [x, y] = [order(a), order(b)];
  for (let i = 0; i < x.length; i += 1) if (x[i] !== y[i]) return x[i] > y[i];
  return false;
}

// Nearly always the newest; after a break in the connection a message may belong further up.
function place(message) {
  const messages = [...log.querySelectorAll(".message")];
  const before = messages.findLast((one) => !one.classList.contains("pending") && later(message, one));
  if (before) before.after(message);
  else if (messages.length) messages[0].before(message);
  else log.append(message);
}

export function show(message) {
  const known = at(message.id) ?? log.querySelector(`.pending[data-message="${CSS.escape(message.message_id)}"]`);
  if (message.direction === "out" && message.state === "cancelled") {
    known?.remove();
    return refresh();
  }
  const fresh = element(message.html);
  if (known?.classList.contains("pending")) known.remove();
  if (known && !known.classList.contains("pending")) known.replaceWith(fresh);
  else {
    fresh.classList.add("fresh");
    place(fresh);
  }
  refresh();
  return fresh;
}

export function append(node) {
  log.append(node);
  refresh();
}

// Dividers between days, times in the reader's own clock, and the welcome while there is nothing.
export function refresh() {
  for (const old of log.querySelectorAll(".divider")) old.remove();
  let last = "";
  for (const message of log.querySelectorAll(".message")) {
    const time = message.querySelector("time");
    if (!time) continue;
    const moment = new Date(time.dateTime);
    time.textContent = clock.format(moment);
    time.title = full.format(moment);
    const today = moment.toDateString();
    if (today !== last) message.before(divider(moment));
    last = today;
  }
  at("welcome").hidden = log.querySelector(".message") !== null;
  at("older").hidden = !older;
  if (sticking) toEnd();
}

function divider(moment) {
  const node = document.createElement("p");
  node.className = "divider";
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(moment).setHours(0, 0, 0, 0)) / 86_400_000);
  node.textContent = days === 0 ? "Today" : days === 1 ? "Yesterday" : day.format(moment);
  return node;
}

export function toEnd(smooth = false) {
  sticking = true;
  scroller.scrollTo({ top: scroller.scrollHeight, behavior: smooth ? "smooth" : "instant" });
  at("latest").hidden = true;
}

export function follow() {
  if (sticking) toEnd();
  else at("latest").hidden = false;
}

export function draft(frame) {
  const id = `draft-${frame.id}`;
  let node = at(id);
  if (!node) {
    node = element(`<article class="message out" id="${id}"><div class="body prose"></div></article>`);
    at("drafts").append(node);
  }
  node.firstElementChild.innerHTML = frame.html;
  if (sticking) toEnd();
}

export function endDrafts() {
  at("drafts").replaceChildren();
}

export async function readOlder() {
  if (!older || at("older").disabled) return;
  at("older").disabled = true;
  try {
    const page = await get(`${base}/history?view=page&limit=40&before=${older}`);
    older = page.older;
    const height = scroller.scrollHeight - scroller.scrollTop;
    log.prepend(...page.messages.map((message) => element(message.html)));
    sticking = false;
    refresh();
    scroller.scrollTop = scroller.scrollHeight - height;
  } finally {
    at("older").disabled = false;
  }
}

scroller.addEventListener("scroll", () => {
  sticking = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
  if (sticking) at("latest").hidden = true;
}, { passive: true });
at("older").addEventListener("click", readOlder);
at("latest").addEventListener("click", () => toEnd(true));
new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && readOlder(), { root: scroller }).observe(at("older"));
new ResizeObserver(() => sticking && toEnd()).observe(scroller);
log.addEventListener("load", () => sticking && toEnd(), { capture: true });

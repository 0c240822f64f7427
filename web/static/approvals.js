// The approvals: shows what waits as it comes and goes, and sends decisions.

import { get, post, request } from "./api.js";
import * as sidebar from "./sidebar.js";
import { Stream } from "./stream.js";
import { at, element, toast } from "./view.js";

const API = "/api/hermes/approvals";
const OPEN = ["pending", "held", "unknown"];
// What is decided and not over yet changes once more, and is on no list of what waits.
const MOVING = ["approved", "running"];
const SECOND = 1000;
const dayAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const inUnits = new Intl.RelativeTimeFormat(undefined, { numeric: "always", style: "long" });
const pending = at("pending");
let looking;
let deciding = 0;

const cards = () => [...pending.querySelectorAll(".request")];

// Times in the reader's own calendar, and how long it still is.
function left(milliseconds) {
  const seconds = Math.max(0, Math.round((milliseconds - Date.now()) / SECOND));
  if (seconds < 90) return inUnits.format(seconds, "second");
  if (seconds < 5400) return inUnits.format(Math.round(seconds / 60), "minute");
  return seconds < 172_800 ? inUnits.format(Math.round(seconds / 3600), "hour") : inUnits.format(Math.round(seconds / 86_400), "day");
}

function tell(time) {
  const moment = Number(time.dataset.until ?? time.dataset.at);
  const text = time.dataset.until ? left(moment) : dayAndTime.format(moment);
  if (time.textContent !== text) time.textContent = text;
  time.title = dayAndTime.format(moment);
}

function tellTimes(root = document, kind = "time") {
  for (const time of root.querySelectorAll(kind)) tell(time);
}

// One look for several events; what came meanwhile is looked at once more.
function look() {
  clearTimeout(looking);
  looking = setTimeout(refresh, 120);
}

async function refresh() {
  if (deciding) return look();
  const [waiting, permissions] = await Promise.all([piece(`/approvals/pending?shown=${cards().length}`), piece("/approvals/grants")]);
  if (!waiting || deciding) return;
  await show(waiting);
  if (permissions) replace(at("grants"), permissions);
  sidebar.recount();
}

async function piece(path) {
  const answer = await request(path).catch(() => null);
  if (!answer) return null;
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  return template.content;
}

function replace(list, content) {
  list.replaceChildren(content);
  tellTimes(list);
}

// A card that somebody works on stays as it is; one that is over is shown as it ended.
async function show(content) {
  const found = [...content.querySelectorAll(".request")];
  const fresh = new Map(found.map((card) => [card.id, card]));
  // Where there are further pages, what is older than this one is not on it.
  const oldest = content.querySelector("[data-more]") ? Number(found.at(-1)?.dataset.asked) : 0;
  for (const card of cards()) {
    const now = fresh.get(card.id);
    fresh.delete(card.id);
    if (now && now.dataset.mark !== card.dataset.mark) put(card, now);
    else if (!now && isBehind(card, oldest)) await reload(card);
  }
  const news = [...fresh.values()];
  if (!news.length) return;
  pending.prepend(...news);
  for (const card of news) arrived(card);
  at("news").textContent = news.length === 1 ? `New request: ${news[0].querySelector("h3").textContent}` : `${news.length} new requests`;
}

function isBehind({ dataset }, oldest) {
  return MOVING.includes(dataset.state) || (OPEN.includes(dataset.state) && Number(dataset.asked) >= oldest);
}

function arrived(card) {
  tellTimes(card);
  seen.observe(card);
}

function put(old, card) {
  for (const name of ["reason", "text", "code"]) {
    const [from, to] = [old, card].map((one) => one.querySelector(`[name="${name}"]`));
    if (from && to && from.value !== from.defaultValue) to.value = from.value;
  }
  const more = card.querySelector(".more");
  if (more && old.querySelector(".more")?.open) more.open = true;
  const focused = old.contains(document.activeElement) && document.activeElement;
  card.classList.toggle("settled", !OPEN.includes(card.dataset.state));
  old.replaceWith(card);
  tellTimes(card);
  if (focused) (card.querySelector(`#${CSS.escape(focused.id || "none")}`) ?? card).focus({ preventScroll: true });
}

async function reload(card) {
  const answer = await request(`/approvals/card/${card.dataset.id}`).catch(() => null);
  if (!answer) return;
  put(card, element(await answer.text()));
  await refreshHistory();
}

async function refreshHistory() {
  const form = new FormData(at("filters"));
  const content = await piece(`/approvals/history?${new URLSearchParams(form)}`);
  if (!content) return;
  const open = new Set([...at("history").querySelectorAll("details[open] > .request")].map((card) => card.id));
  replace(at("history"), content);
  for (const card of at("history").querySelectorAll(".past > .request")) if (open.has(card.id)) card.parentElement.open = true;
}

function decisionOf(card, button) {
  const value = (name) => card.querySelector(`[name="${name}"]`)?.value.trim() ?? "";
  const body = { decision: button.dataset.decide, reason: value("reason"), code: value("code") };
  if (body.decision === "edit") body.text = card.querySelector('[name="text"]').value;
  if (button.dataset.reach) body.reach = button.dataset.reach;
  return body;
}

function send(card, button) {
  const { id } = card.dataset;
  const verb = button.dataset.decide;
  if (verb === "again") return post(`${API}/${id}/again`, {});
  if (verb === "happened" || verb === "failed") return post(`${API}/${id}/settle`, { happened: verb === "happened" });
  return post(`${API}/${id}`, decisionOf(card, button));
}

async function decide(button) {
  const card = button.closest(".request");
  const buttons = [...card.querySelectorAll("[data-decide]")];
  for (const one of buttons) one.disabled = true;
  deciding += 1;
  try {
    const { outcome, sentence } = await send(card, button);
    toast(sentence);
    if (outcome === "code_needed") askForCode(card, buttons);
    else await reload(card);
  } catch (failure) {
    toast(failure.message);
    if (failure.status === 409) await reload(card);
    for (const one of buttons) one.disabled = false;
  } finally {
    deciding -= 1;
    look();
  }
}

function askForCode(card, buttons) {
  for (const one of buttons) one.disabled = false;
  const field = card.querySelector(".code");
  field.hidden = false;
  field.querySelector("input").focus();
}

async function revoke(button) {
  button.disabled = true;
  try {
    await request(`/api/hermes/grants/${button.dataset.revoke}`, {
      method: "DELETE",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    toast("Revoked.");
  } catch (failure) {
    toast(failure.message);
    button.disabled = false;
  }
  look();
}

async function more(button) {
  button.disabled = true;
  const content = await piece(button.dataset.more);
  if (!content) {
    button.disabled = false;
    return;
  }
  const fresh = [...content.querySelectorAll(".request")];
  tellTimes(content);
  (button.closest("li") ?? button).replaceWith(content);
  for (const card of fresh) if (pending.contains(card)) seen.observe(card);
}

// What a person has had before their eyes becomes part of the request's trail.
const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting || document.hidden) continue;
    seen.unobserve(target);
    get(`${API}/${target.dataset.id}`).catch(() => {});
  }
}, { threshold: 0.5 });

function toNamed() {
  const named = location.hash.slice(1);
  if (!/^[0-9a-f]{32}$/.test(named)) return;
  const card = at(`approval-${named}`) ?? at(`past-${named}`);
  if (!card) return bring(named);
  card.closest("details.past")?.setAttribute("open", "");
  card.scrollIntoView({ block: "center" });
  card.focus({ preventScroll: true });
}

// A link may name a request that is on no page shown here.
async function bring(named) {
  const answer = await request(`/approvals/card/${named}`).catch((failure) => toast(failure.message));
  if (!answer) return;
  const card = element(await answer.text());
  card.classList.toggle("settled", !OPEN.includes(card.dataset.state));
  pending.prepend(card);
  arrived(card);
  toNamed();
}

document.addEventListener("click", (event) => {
  const { target } = event;
  if (target.matches("[data-decide]")) decide(target);
  else if (target.matches("[data-revoke]")) revoke(target);
  else if (target.matches("[data-more]")) more(target);
});
at("filters").addEventListener("submit", (event) => {
  event.preventDefault();
  refreshHistory();
});
at("filters").addEventListener("change", refreshHistory);
addEventListener("hashchange", toNamed);
setInterval(() => document.hidden || tellTimes(document, "time[data-until]"), SECOND);

tellTimes();
sidebar.start();
sidebar.reload();
for (const card of cards()) seen.observe(card);
toNamed();
new Stream(document.body.dataset.seq, { ready: look, approvals: look, sessions: () => sidebar.reload(), reset: () => location.reload() });

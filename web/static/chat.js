// The chat: puts the parts together.

import { base, chat, newKey, post } from "./api.js";
import * as completion from "./completion.js";
import * as log from "./log.js";
import * as sending from "./sending.js";
import * as sidebar from "./sidebar.js";
import { Stream } from "./stream.js";
import * as uploads from "./uploads.js";
import { at, toast } from "./view.js";

const text = at("text");
const DRAFT = `hermes-draft-${chat}`;
const QUIET = 8000;
let quieting;
let unread = 0;
let bubble = "";

// A turn is running while the newest message of a person is.
function isRunning() {
  return document.querySelector('.message.in[data-state="running"]') !== null;
}

function showActivity(words) {
  clearTimeout(quieting);
  const running = isRunning();
  const shown = words || bubble || (running ? "Working on it" : "");
  at("activity").hidden = !shown;
  at("doing").textContent = shown;
  at("stop").hidden = !running;
  log.follow();
}

const handlers = {
  ready() {
    log.endDrafts();
    bubble = "";
    showActivity("");
    sending.resume();
    sidebar.recount();
  },
  message(message) {
    if (message.direction === "in") sending.done(message.message_id);
    else log.endDrafts();
    const isNew = !at(message.id);
    log.show(message);
    if (message.direction === "out" && isNew) arrived(message);
    showActivity("");
  },
  reset: () => location.reload(),
  draft(frame) {
    log.draft(frame);
    at("activity").hidden = !bubble;
    at("stop").hidden = !isRunning();
  },
  bubble(frame) {
    bubble = frame.text;
    showActivity(bubble);
  },
  burst() {
    bubble = "";
    showActivity("");
  },
  typing() {
    if (document.querySelector("#drafts .message")) return;
    showActivity(bubble || "Hermes is writing");
    quieting = setTimeout(() => showActivity(""), QUIET);
  },
  tap: (frame) => frame.text && toast(frame.text),
  sessions: () => sidebar.reload(),
  approvals: () => sidebar.recount(),
};

function arrived(message) {
  // Answers come with the title of their conversation, and make it the latest one.
  if (message.session_id) sidebar.reload();
  if (!document.hidden) return;
  unread += 1;
  document.title = `(${unread}) ${at("title").textContent} · Hermes`;
}

async function send() {
  if (!text.value.trim() && !uploads.some()) return;
  const said = text.value.trim() ? text.value : "";
  const files = uploads.some() ? await uploads.take() : [];
  if (files === null) return;
  text.value = "";
  typed();
  sending.say(said, files);
}

function typed() {
  at("send").disabled = !text.value.trim() && !uploads.some();
  sessionStorage.setItem(DRAFT, text.value);
  // Where the style sheet's field-sizing is not known yet, the field grows by hand.
  if (!CSS.supports("field-sizing", "content")) {
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight}px`;
  }
  completion.suggest();
}

async function tap(button) {
  const message = button.closest(".message");
  const buttons = [...message.querySelectorAll("[data-tap]")];
  for (const one of buttons) one.disabled = true;
  button.classList.add("chosen");
  try {
    await post(`${base}/taps`, { key: newKey(), value: button.dataset.tap, message_id: message.dataset.message });
  } catch (failure) {
    toast(failure.message);
    for (const one of buttons) one.disabled = false;
    button.classList.remove("chosen");
  }
}

async function copy(button) {
  await navigator.clipboard.writeText(button.closest("figure").querySelector("code").textContent);
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy"), 1600);
}

document.addEventListener("click", (event) => {
  const { target } = event;
  if (target.matches("[data-tap]")) tap(target);
  else if (target.matches("[data-copy]")) copy(target);
  else if (target.matches("[data-idea]")) sending.say(target.dataset.idea);
});
at("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
at("stop").addEventListener("click", () => sending.say("/stop"));
text.addEventListener("input", typed);
text.addEventListener("keydown", (event) => {
  if (event.isComposing || completion.key(event)) return;
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    send();
  }
});
text.addEventListener("blur", completion.hide);
addEventListener("hermes-files", typed);
// Writing begins anywhere on the page, as in other chats.
addEventListener("keydown", (event) => {
  const elsewhere = document.activeElement === document.body || document.activeElement === at("scroller");
  if (elsewhere && event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) text.focus();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unread = 0;
  document.title = `${at("title").textContent} · Hermes`;
});

sidebar.start();
text.value = sessionStorage.getItem(DRAFT) ?? "";
typed();
log.refresh();
log.toEnd();
if (matchMedia("(hover: hover)").matches) text.focus();
new Stream(document.body.dataset.seq, handlers);

// What a person says is kept until Hermes has committed it: over a lost connection, a restart, a closed tab.

import { base, chat, newKey, post } from "./api.js";
import { append, refresh, toEnd } from "./log.js";
import { element } from "./view.js";

const STORE = `hermes-unsent-${chat}`;
let unsent = JSON.parse(localStorage.getItem(STORE) ?? "[]");
let working = false;
let timer;

function keep() {
  if (unsent.length) localStorage.setItem(STORE, JSON.stringify(unsent));
  else localStorage.removeItem(STORE);
}

export function say(text, attachments = []) {
  const message = { key: newKey(), text, attachments };
  unsent.push(message);
  keep();
  pending(message);
  toEnd();
  deliver();
}

function pending(message) {
  const node = element(`<article class="message in pending" aria-label="You"><h3 class="who">You</h3>
    <div class="body plain"></div><ul class="files"></ul><footer><span class="state">Sending …</span></footer></article>`);
  node.id = `pending-${message.key}`;
  node.dataset.message = message.key;
  node.querySelector(".body").textContent = message.text;
  node.querySelector(".body").hidden = !message.text;
  for (const file of message.attachments) {
    const item = element('<li><span class="file"><b></b></span></li>');
    item.querySelector("b").textContent = file.name;
    node.querySelector(".files").append(item);
  }
  append(node);
}

async function deliver() {
  clearTimeout(timer);
  if (working) return;
  working = true;
  try {
    while (unsent.some((message) => !message.refused)) await deliverOne(unsent.find((message) => !message.refused));
  } finally {
    working = false;
  }
}

async function deliverOne(message) {
  try {
    await post(`${base}/messages`, { key: message.key, text: message.text, attachments: message.attachments });
    done(message.key);
  } catch (failure) {
    if (failure.passing) {
      note(message.key, "Waiting for the connection");
      await new Promise((resolve) => (timer = setTimeout(resolve, 2000)));
    } else {
      message.refused = true;
      refused(message, failure);
    }
  }
}

// The committed message comes through the stream and takes the place of the pending one.
export function done(key) {
  unsent = unsent.filter((message) => message.key !== key);
  keep();
}

function note(key, text) {
  const state = document.querySelector(`#pending-${key} .state`);
  if (state) state.textContent = text;
  return state;
}

function refused(message, failure) {
  const state = note(message.key, `${failure.message} `);
  for (const [label, act] of [["Try again", again], ["Remove", remove]]) {
    const button = element('<button type="button" class="retry"></button>');
    button.textContent = label;
    button.addEventListener("click", () => act(message));
    state?.append(button, " ");
  }
}

function again(message) {
  message.refused = false;
  note(message.key, "Sending …");
  deliver();
}

function remove(message) {
  done(message.key);
  document.getElementById(`pending-${message.key}`)?.remove();
  refresh();
}

export function resume() {
  for (const message of unsent) {
    message.refused = false;
    if (!document.querySelector(`[data-message="${CSS.escape(message.key)}"]`)) pending(message);
  }
  deliver();
}

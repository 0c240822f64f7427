// Follows the chat; after a break it continues behind the last event it has seen, so nothing is missed.

import { base, get } from "./api.js";
import { at } from "./view.js";

const LONGEST = 15_000;
const HIDDEN = 5 * 60_000;
const NAMES = ["ready", "message", "reset", "draft", "bubble", "burst", "typing", "reaction", "tap", "sessions", "approvals"];

export class Stream {
  #seq;
  #source;
  #delay = 500;
  #timer;
  #warning;
  #hiding;
  #handlers;

  constructor(seq, handlers) {
    this.#seq = seq;
    this.#handlers = handlers;
    addEventListener("online", () => this.#retry(0));
    document.addEventListener("visibilitychange", () => this.#seen());
    this.#open();
  }

  #open() {
    clearTimeout(this.#timer);
    this.#source?.close();
    const source = new EventSource(`${base}/stream?view=page&since=${this.#seq}`);
    for (const name of NAMES) source.addEventListener(name, (event) => this.#take(name, event));
    source.addEventListener("error", () => this.#broken(source));
    this.#source = source;
  }

  #take(name, event) {
    if (event.lastEventId) this.#seq = event.lastEventId;
    if (name === "ready") this.#connected();
    this.#handlers[name]?.(JSON.parse(event.data));
  }

  #connected() {
    this.#delay = 500;
    clearTimeout(this.#warning);
    this.#warning = undefined;
    at("banner").hidden = true;
  }

  #broken(source) {
    if (source !== this.#source) return;
    source.close();
    this.#source = undefined;
    this.#warning ??= setTimeout(() => this.#warn(), 1500);
    this.#retry(this.#delay * (0.75 + Math.random() / 2));
    this.#delay = Math.min(this.#delay * 1.7, LONGEST);
  }

  #warn() {
    at("banner").textContent = "The connection to Hermes is lost; trying again. What you write is kept.";
    at("banner").hidden = false;
    // An EventSource does not tell why: a session that is over leads to the login.
    get("/api/commands").catch(() => {});
  }

  #retry(delay) {
    if (this.#source) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#open(), delay);
  }

  // Browsers allow few connections to one server: a tab that nobody looks at gives its own back.
  #seen() {
    clearTimeout(this.#hiding);
    if (document.hidden) {
      this.#hiding = setTimeout(() => {
        this.#source?.close();
        this.#source = undefined;
        clearTimeout(this.#timer);
      }, HIDDEN);
    } else this.#retry(0);
  }
}

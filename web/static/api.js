// Speaks to Hermes: JSON in, JSON out, one kind of failure.

export const chat = document.body.dataset.chat;
export const base = `/api/chat/web/${chat}`;

export class Failure extends Error {
  constructor(status, code, message, remedy) {
    super([message, remedy].filter(Boolean).join(" "));
    this.status = status;
    this.code = code;
  }

  // Worth trying again by itself: the connection, or Hermes, is away for a moment.
  get passing() {
    return this.status === 0 || this.status === 503;
  }
}

export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export async function failureOf(answer) {
  const { error } = await answer.json().catch(() => ({}));
  return new Failure(answer.status, error?.code ?? "", error?.message ?? `Hermes answered ${answer.status}.`, error?.remedy ?? "");
}

export async function request(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Failure(0, "offline", "Hermes cannot be reached.", "");
  }
  if (answer.status === 401) location.assign("/login");
  if (!answer.ok) throw await failureOf(answer);
  return answer;
}

export async function get(path) {
  return (await request(path)).json();
}

export async function post(path, body) {
  const headers = { "content-type": "application/json" };
  return (await request(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
}

// The jobs: shows what is scheduled as it changes, and runs, pauses, resumes and deletes it.

import { post, request } from "./api.js";
import * as sidebar from "./sidebar.js";
import { at, toast } from "./view.js";

const API = "/api/hermes/cron";
const EVERY = 15_000;
// What a tap set going is looked at again after so long.
const SOON = [700, 2000, 5000];
const dayAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function tellTimes() {
  for (const time of document.querySelectorAll("time[data-at]")) time.textContent = dayAndTime.format(Number(time.dataset.at));
}

// Whoever reads an older page of what ran keeps it.
let older = false;

async function renew(id, path) {
  const answer = await request(path).catch(() => null);
  if (!answer) return;
  const html = await answer.text();
  if (id === "history" && older) return;
  const focused = document.activeElement?.closest(`#${id} button`)?.dataset;
  at(id).innerHTML = html;
  if (focused?.job) at(id).querySelector(`[data-job="${focused.job}"][data-verb="${focused.verb}"]`)?.focus({ preventScroll: true });
}

async function refresh() {
  if (document.hidden) return;
  await Promise.all([renew("pieces", "/jobs/pieces"), older ? null : renew("history", "/jobs/history")]);
  tellTimes();
}

async function more(button) {
  const answer = await request(button.dataset.more).catch((failure) => toast(failure.message));
  if (!answer) return;
  older = true;
  button.parentElement.outerHTML = await answer.text();
  tellTimes();
}

async function change(button) {
  const { job, verb } = button.dataset;
  if (verb === "delete" && !confirm("Delete this job? Its history stays.")) return;
  button.disabled = true;
  try {
    await post(`${API}/${job}/${verb}`, {});
    await refresh();
    for (const wait of SOON) setTimeout(refresh, wait);
  } catch (failure) {
    toast(failure.message);
    button.disabled = false;
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.verb) change(button);
  else if (button?.dataset.more) more(button);
});
document.addEventListener("visibilitychange", refresh);
setInterval(refresh, EVERY);
tellTimes();
sidebar.start();

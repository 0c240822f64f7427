// The jobs: shows what is scheduled as it changes, and runs, pauses, resumes and deletes it.

import { post, request } from "./api.js";
import * as sidebar from "./sidebar.js";
import { at, toast } from "./view.js";

const API = "/api/hermes/cron";
const EVERY = 15_000;
const dayAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function tellTimes() {
  for (const time of document.querySelectorAll("time[data-at]")) time.textContent = dayAndTime.format(Number(time.dataset.at));
}

async function refresh() {
  if (document.hidden) return;
  const answer = await request("/jobs/pieces").catch(() => null);
  if (!answer) return;
  at("pieces").innerHTML = await answer.text();
  tellTimes();
}

async function more(button) {
  const answer = await request(button.dataset.more).catch((failure) => toast(failure.message));
  if (!answer) return;
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

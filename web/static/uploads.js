// Files that wait above the message field; each is uploaded at once and named by the message that is sent.

import { base, Failure } from "./api.js";
import { at, element, toast } from "./view.js";

const LIMIT = Number(document.body.dataset.uploadLimit);
const MOST = 10;
const chips = at("chips");
let waiting = [];

export function attach(files) {
  for (const file of files) {
    if (waiting.length >= MOST) return toast(`A message carries ${MOST} files at most.`);
    if (file.size > LIMIT) toast(`${file.name} is larger than ${Math.round(LIMIT / 1024 / 1024)} MB.`);
    else add(file);
  }
}

function add(file) {
  const chip = element('<li><span></span><progress max="1" value="0"></progress><button type="button">×</button></li>');
  const upload = { chip, view: null, request: new XMLHttpRequest() };
  chip.querySelector("span").textContent = file.name;
  chip.querySelector("button").setAttribute("aria-label", `Remove ${file.name}`);
  chip.querySelector("button").addEventListener("click", () => drop(upload));
  upload.done = send(upload, file);
  waiting.push(upload);
  chips.append(chip);
  dispatchEvent(new Event("hermes-files"));
}

function send(upload, file) {
  const { request, chip } = upload;
  request.open("POST", `${base}/uploads?name=${encodeURIComponent(file.name || "file")}`);
  request.setRequestHeader("content-type", "application/octet-stream");
  request.responseType = "json";
  request.upload.onprogress = (event) => (chip.querySelector("progress").value = event.loaded / event.total);
  return new Promise((resolve) => {
    request.onload = () => resolve(finished(upload));
    request.onerror = () => resolve(failed(upload, "The upload was cut off."));
    request.onabort = () => resolve();
    request.send(file);
  });
}

function finished(upload) {
  const { status, response } = upload.request;
  if (status !== 201) return failed(upload, new Failure(status, "", response?.error?.message ?? "The upload failed.", response?.error?.remedy ?? "").message);
  upload.view = response;
  upload.chip.querySelector("progress").remove();
}

function failed(upload, message) {
  upload.chip.classList.add("bad");
  upload.chip.querySelector("progress")?.remove();
  toast(message);
}

function drop(upload) {
  upload.request.abort();
  upload.chip.remove();
  waiting = waiting.filter((one) => one !== upload);
  dispatchEvent(new Event("hermes-files"));
}

export const some = () => waiting.length > 0;

// Waits for what is still on its way; what failed stays, so that nobody sends a message that lacks its file unseen.
export async function take() {
  await Promise.all(waiting.map((upload) => upload.done));
  if (waiting.some((upload) => !upload.view)) {
    toast("A file could not be uploaded; remove it or attach it again.");
    return null;
  }
  const views = waiting.map((upload) => upload.view);
  chips.replaceChildren();
  waiting = [];
  dispatchEvent(new Event("hermes-files"));
  return views;
}

function watchDrops() {
  let depth = 0;
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  const zone = (shown) => (at("dropzone").hidden = !shown);
  addEventListener("dragenter", (event) => carriesFiles(event) && zone((depth += 1) > 0));
  addEventListener("dragleave", (event) => carriesFiles(event) && zone((depth -= 1) > 0));
  addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    zone(false);
    attach(event.dataTransfer.files);
  });
}

at("attach").addEventListener("click", () => at("files").click());
at("files").addEventListener("change", () => {
  attach(at("files").files);
  at("files").value = "";
});
at("text").addEventListener("paste", (event) => {
  if (!event.clipboardData.files.length) return;
  event.preventDefault();
  attach(event.clipboardData.files);
});
watchDrops();

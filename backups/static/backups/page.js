// Live progress, uploads with a bar, and small helps. Without it every form works.

const LOOK_EVERY = 1500;
const page = document.querySelector(".backups");
const number = new Intl.NumberFormat(document.documentElement.lang);

function size(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit += 1;
  }
  const style = { style: "unit", unit: units[unit], maximumFractionDigits: unit ? 1 : 0 };
  return new Intl.NumberFormat(document.documentElement.lang, style).format(bytes);
}

// Progress ---------------------------------------------------------------------

const began = { at: 0, bytes: 0 };

function show(operation) {
  const box = page.querySelector("[data-progress]");
  box.hidden = !operation;
  if (!operation) return;
  const bar = box.querySelector("progress");
  bar.max = operation.total || 1;
  bar.value = Math.min(operation.done, bar.max);
  const link = box.querySelector("[data-link]");
  link.href = operation.url;
  say(link, operation.title);
  say(box.querySelector("[data-phase]"), operation.phase);
  box.querySelector("[data-figures]").textContent = figures(operation);
}

function figures({ done, total }) {
  if (!total) return "";
  const now = performance.now() / 1000;
  if (!began.at || done < began.bytes) Object.assign(began, { at: now, bytes: done });
  const rate = (done - began.bytes) / (now - began.at || 1);
  const percent = number.format(Math.min(100, Math.floor((100 * done) / total)));
  const speed = rate > 0 ? ` · ${size(rate)}/s · ${time((total - done) / rate)}` : "";
  return `${percent} % · ${size(done)} / ${size(total)}${speed}`;
}

// How long it will still take, in seconds or minutes.
function time(seconds) {
  const [count, unit] = seconds < 100 ? [seconds, "second"] : [seconds / 60, "minute"];
  const style = { style: "unit", unit, maximumFractionDigits: 0 };
  const text = new Intl.NumberFormat(document.documentElement.lang, style).format(
    Math.max(0, Math.ceil(count)),
  );
  return page.querySelector("[data-progress]").dataset.left.replace("%s", text);
}

// A page that waits for an operation: its own one, or whichever runs.
async function look() {
  let answer;
  try {
    const response = await fetch(page.dataset.status, { redirect: "manual" });
    if (response.type === "opaqueredirect") return location.reload(); // To the login.
    if (!response.ok) throw new Error(response.status);
    answer = await response.json();
  } catch {
    // The site is being restored or its workers are being replaced.
    waitForSite();
    return setTimeout(look, LOOK_EVERY);
  }
  show(answer.operation);
  const isOver = page.dataset.state
    ? answer.operation?.state !== page.dataset.state
    : String(answer.idle) !== page.dataset.idle && answer.idle;
  if (isOver) return location.reload();
  if (!page.dataset.state) setIdle(answer.idle);
  setTimeout(look, LOOK_EVERY);
}

function waitForSite() {
  const box = page.querySelector("[data-progress]");
  if (!box.hidden) say(box.querySelector("[data-phase]"), box.dataset.closed);
}

// Only what is new, so that a screen reader is not told the same again.
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function setIdle(idle) {
  page.dataset.idle = idle;
  for (const button of page.querySelectorAll("[data-needs-idle]")) button.disabled = !idle;
}

if (page?.dataset.status && (page.dataset.state ?? "running") === "running") {
  setTimeout(look, page.dataset.state ? 300 : LOOK_EVERY);
}

// Upload -----------------------------------------------------------------------

function upload(form, file) {
  const state = form.querySelector(".backups-upload-state");
  const bar = state.querySelector("progress");
  const words = state.querySelector("[role=status]");
  const button = form.querySelector("[type=submit]");
  const request = new XMLHttpRequest();
  const data = new FormData();
  data.append("csrfmiddlewaretoken", form.csrfmiddlewaretoken.value);
  data.append("file", file, file.name);
  const end = (text) => {
    words.textContent = text;
    bar.hidden = true;
    button.disabled = false;
    state.querySelector("[data-cancel]").hidden = true;
  };

  state.hidden = bar.hidden = state.querySelector("[data-cancel]").hidden = false;
  button.disabled = true;
  request.upload.onprogress = ({ loaded, total }) => {
    bar.value = loaded / total;
    words.textContent = `${Math.floor((100 * loaded) / total)} % · ${size(loaded)} / ${size(total)}`;
  };
  request.onload = () => {
    const answer = request.response ?? {};
    if (request.status === 200 && answer.url) location.assign(answer.url);
    else if (request.status === 200 || request.status === 403) location.reload(); // Logged out.
    else end(answer.message ?? `${request.status} ${request.statusText}`);
  };
  request.onerror = () => end(form.dataset.broken);
  request.onabort = () => end(form.dataset.cancelled);
  state.querySelector("[data-cancel]").onclick = () => request.abort();
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.responseType = "json";
  request.send(data);
}

for (const form of document.querySelectorAll("form[data-upload]")) {
  const input = form.querySelector("[type=file]");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.files.length) upload(form, input.files[0]);
  });
  form.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("is-target");
  });
  form.addEventListener("dragleave", () => form.classList.remove("is-target"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("is-target");
    if (event.dataTransfer.files.length) upload(form, event.dataTransfer.files[0]);
  });
}

// Times, in the zone of whoever looks; without scripts they are in the site's. ----

const STYLES = {
  short: { dateStyle: "short", timeStyle: "short" },
  medium: { dateStyle: "medium", timeStyle: "short" },
  clock: { timeStyle: "medium" },
};

for (const element of document.querySelectorAll("time[datetime]")) {
  const words = (style) =>
    new Intl.DateTimeFormat(document.documentElement.lang, STYLES[style]).format(
      new Date(element.dateTime),
    );
  if (element.title) element.title = words("medium");
  if (element.dataset.style) element.textContent = words(element.dataset.style);
}

// Confirmation -----------------------------------------------------------------

for (const input of document.querySelectorAll("[data-must-equal]")) {
  const button = input.form.querySelector("[type=submit]");
  const check = () => (button.disabled = input.value !== input.dataset.mustEqual);
  input.addEventListener("input", check);
  check();
}

for (const chip of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  chip.hidden = false;
  chip.nextElementSibling.hidden = true;
  chip.addEventListener("click", async () => {
    await navigator.clipboard.writeText(chip.dataset.copy);
    chip.classList.add("is-copied");
  });
}

// Shows the last requests, or the timeline of the trace id in the page's address (#trace=ID).
// Responses are inserted as text, never as markup.
const POLL_MS = 1000;
const TRACE_ID = /^[0-9a-f]{32}$/;
const TRACE = "#trace=";
const tags = new Map();
const shown = new Map();

function duration(ms) {
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms.toFixed(ms < 10 ? 2 : 1)} ms`;
}

function outcome(span) {
  if (span.success === true) return ["good", "succeeded"];
  if (span.success === false) return ["bad", "failed"];
  return ["unknown", "outcome unknown"];
}

// Colour alone is not accessible, so the outcome is written as well.
function status(span) {
  const [className, text] = outcome(span);
  return element("span", className, span.status ? `${span.status} ${text}` : text);
}

function requestRow(request) {
  const row = element("tr");
  const { name, function: functionName } = request;
  const link = element("a", "", functionName && functionName !== name ? `${functionName} (${name})` : name);
  link.href = `${TRACE}${encodeURIComponent(request.operationId)}`;
  const operation = element("th", "operation");
  operation.scope = "row";
  operation.append(link);
  const state = element("td");
  state.append(status(request));
  const time = element("td", "time", new Date(request.time).toLocaleTimeString());
  time.title = request.time;
  row.append(
    time,
    operation,
    element("td", "quiet", request.role),
    state,
    element("td", "number", duration(request.durationMs)),
    element("td", "", request.problem ?? ""),
  );
  return row;
}

function showRequests({ requests, rejected }) {
  // Replacing the rows must not take the focus from a link.
  const focused = document.activeElement?.getAttribute("href");
  byId("requests").replaceChildren(...requests.map(requestRow));
  byId("empty").hidden = requests.length > 0;
  if (focused) {
    const links = [...document.querySelectorAll("#requests a")];
    links.find((link) => link.getAttribute("href") === focused)?.focus();
  }
  shown.set("rejected", rejected);
}

function spanItem(span, totalMs) {
  const item = element("li");
  const about = element("div", "about");
  about.style.paddingLeft = `${Math.min(span.depth, 8) * 0.75}rem`;
  about.append(element("strong", "", span.name), element("span", "quiet", span.role));
  about.append(element("span", "quiet", span.target ? `${span.kind} ${span.target}` : span.kind));
  about.append(status(span));
  if (span.attempts) about.append(element("span", "", span.attempts === "1" ? "1 attempt" : `${span.attempts} attempts`));
  if (span.problem) about.append(element("span", "bad", span.problem));
  const times = `+${duration(span.offsetMs)}, ${duration(span.durationMs)}`;
  about.append(element("span", "duration", times));
  const track = element("div", "track");
  track.setAttribute("aria-hidden", "true");
  const bar = element("div", `bar ${outcome(span)[0]}`);
  const share = (ms) => (totalMs > 0 ? Math.min(100, (100 * ms) / totalMs) : 0);
  bar.style.left = `${share(span.offsetMs)}%`;
  bar.style.width = `${Math.min(share(span.durationMs), 100 - share(span.offsetMs))}%`;
  track.append(bar);
  item.append(about, track);
  return item;
}

function logItem(line) {
  const item = element("li");
  const isBad = ["error", "critical", "exception"].includes(line.level);
  item.append(
    element("span", "quiet", `+${duration(line.offsetMs)} `),
    element("span", isBad ? "bad" : "", `${line.level} `),
    element("span", "", `${line.role}: ${line.text} `),
    element("span", "quiet", line.properties),
  );
  return item;
}

function showOperation(operation) {
  const { spans, logs } = operation;
  byId("found").hidden = false;
  byId("operation-title").textContent = spans[0]?.name ?? "Operation";
  const total = `${duration(operation.durationMs)} in total`;
  byId("operation-about").textContent = `${operation.operationId}, ${new Date(operation.time).toLocaleString()}, ${total}`;
  byId("spans").replaceChildren(...spans.map((span) => spanItem(span, operation.durationMs)));
  byId("logs").replaceChildren(...logs.map(logItem));
  byId("no-logs").hidden = logs.length > 0;
}

// The trace id in the page's address, or an empty string.
function openTraceId() {
  if (!location.hash.startsWith(TRACE)) return "";
  const id = location.hash.slice(TRACE.length);
  try {
    return decodeURIComponent(id).trim().toLowerCase();
  } catch {
    return id;
  }
}

async function load(address, show) {
  const headers = tags.has(address) ? { "If-None-Match": tags.get(address) } : {};
  const response = await fetch(address, { headers, cache: "no-store" });
  if (response.status === 304) return;
  if (!response.ok) throw new Error(response.status === 404 ? "not found" : "unavailable");
  const body = await response.json();
  // The user may have navigated in the meantime.
  if (address !== current().address) return;
  show(body);
  tags.set(address, response.headers.get("ETag"));
}

function current() {
  const id = openTraceId();
  return id
    ? { address: `/telemetry/operations/${id}`, show: showOperation }
    : { address: "/telemetry/requests", show: showRequests };
}

function showState(text) {
  // Written only when it changes, so that a screen reader does not repeat it every second.
  if (byId("state").textContent !== text) byId("state").textContent = text;
}

async function refresh() {
  const id = openTraceId();
  if (id && !TRACE_ID.test(id)) {
    showState("This is not a trace id, which has 32 hexadecimal digits.");
    return;
  }
  const { address, show } = current();
  try {
    await load(address, show);
    const rejected = shown.get("rejected");
    showState(rejected ? `Live; ${rejected} items were rejected.` : "Live");
  } catch (error) {
    if (id !== openTraceId()) return;
    showState(error.message === "not found" ? "No telemetry is stored for this trace id, or none yet." : "The gateway does not respond.");
  }
}

function navigate() {
  const id = openTraceId();
  byId("list").hidden = Boolean(id);
  byId("operation").hidden = !id;
  byId("found").hidden = true;
  byId("trace").value = id;
  byId("link").href = location.href;
  byId("link").textContent = location.href;
  tags.clear();
  if (id) {
    byId("operation-about").replaceChildren();
    byId("operation-title").textContent = "Operation";
    byId("operation-title").focus();
  }
  refresh();
}

function find(event) {
  event.preventDefault();
  const hash = `${TRACE}${encodeURIComponent(byId("trace").value.trim())}`;
  // Searching for the same id does not fire hashchange.
  if (location.hash === hash) navigate();
  else location.hash = hash;
}

async function poll() {
  if (!document.hidden) await refresh();
  setTimeout(poll, POLL_MS);
}

byId("find").addEventListener("submit", find);
addEventListener("hashchange", navigate);
navigate();
setTimeout(poll, POLL_MS);

// Shows the access log of a patient in sentences.
// Responses are inserted as text, never as markup.

// What was done, as it happened and as it was tried.
const ACTIONS = {
  read: ["read", "read"],
  "found in a search": ["found", "find"],
  created: ["created", "create"],
  changed: ["changed", "change"],
  deleted: ["deleted", "delete"],
  restored: ["restored", "restore"],
};

// The codes of HL7's PurposeOfUse that clients send.
const PURPOSES = {
  TREAT: "treatment",
  ETREAT: "treatment in an emergency",
  HPAYMT: "payment",
  HOPERAT: "the operations of a health-care organisation",
  PATRQT: "a request of the patient",
  PUBHLTH: "public health",
  HRESCH: "research",
};

const DAY = new Intl.DateTimeFormat("en", { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const TIME = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

// The address of the next page, or null.
let next = null;
// The number of the newest request; responses to earlier ones are dropped.
let newest = 0;

function who({ organisation, person }) {
  if (person && organisation) return `${person} (${organisation})`;
  return person ?? organisation ?? "An internal system";
}

function whatOf({ what, count }) {
  if (what === "patient") return "your patient record";
  return count > 1 ? `${count} of your test results` : "one of your test results";
}

// What somebody did, without the name.
function deed(line) {
  const [done, tried] = ACTIONS[line.action];
  const what = whatOf(line);
  const how = line.action === "found in a search" ? " in a search" : "";
  switch (line.outcome) {
    case "unknown":
      return ` may have ${done} ${what}${how}; the outcome is being checked.`;
    case "notFound":
      return ` tried to ${tried} ${what}${how}, which was not there.`;
    case "refused":
      return ` tried to ${tried} ${what}${how}, and was refused.`;
    case "failed":
      return ` tried to ${tried} ${what}${how}, which failed.`;
    default:
      if (line.count === 0) return ` asked to ${tried} ${what}${how}; nothing was disclosed or changed.`;
      return ` ${done} ${what}${how}.`;
  }
}

function lineItem(line) {
  const when = new Date(line.when);
  const time = element("time", "", TIME.format(when));
  time.dateTime = line.when;
  time.title = line.when;
  const sentence = element("p", "", element("strong", "", element("bdi", "", escaped(who(line)))), deed(line));
  if (line.purpose) {
    sentence.append(element("span", "quiet why", `Purpose: ${PURPOSES[line.purpose] ?? line.purpose}.`));
  }
  return element("li", "", time, sentence);
}

// Adds lines below their day; the lists of a day go on over pages.
function show(lines) {
  for (const line of lines) {
    const day = DAY.format(new Date(line.when));
    if (byId("log").lastElementChild?.dataset.day !== day) {
      const list = element("ul");
      list.dataset.day = day;
      byId("log").append(element("h2", "", day), list);
    }
    byId("log").lastElementChild.append(lineItem(line));
  }
}

function nextPage(response) {
  const link = /^<([^>]*)>; rel="next"$/.exec(response.headers.get("Link") ?? "");
  return link ? new URL(link[1], response.url).href : null;
}

function summary() {
  const shown = byId("log").querySelectorAll("li").length;
  if (shown === 0) return next ? "Nothing so far." : "Nobody saw or changed this patient’s data.";
  return `${shown} ${shown === 1 ? "entry" : "entries"}${next ? " so far" : ""}, the newest first.`;
}

async function load(address) {
  newest += 1;
  const number = newest;
  byId("state").className = "";
  byId("state").textContent = "Loading …";
  byId("more").hidden = true;
  let message;
  try {
    const response = await fetch(address, { headers: keyHeader(), cache: "no-store" });
    const body = await response.json();
    if (number !== newest) return;
    if (response.ok) {
      next = nextPage(response);
      show(body);
      byId("more").hidden = next === null;
      byId("state").textContent = summary();
      return;
    }
    message = body.detail;
  } catch {
    message = "The gateway does not respond.";
  }
  if (number !== newest) return;
  byId("state").className = "bad";
  byId("state").textContent = message;
  byId("more").hidden = next === null;
}

function begin(event) {
  event.preventDefault();
  next = null;
  byId("log").replaceChildren();
  const error = checkKey();
  if (error) {
    byId("state").className = "bad";
    byId("state").textContent = error;
    return;
  }
  const query = byId("attempts").checked ? "?attempts=true" : "";
  load(`/patient/${encodeURIComponent(byId("patient").value.trim())}/access-log${query}`);
}

keepKey();
// Any other text could turn the path into that of another operation.
byId("patient").pattern = `\\s*${GUID}\\s*`;
byId("patient").title = "A GUID, for instance 0190a6b2-1111-7abc-8def-0123456789ab.";
byId("request").addEventListener("submit", begin);
byId("more").addEventListener("click", () => load(next));

"use strict";
// The demo page: choose a person, send something, answer what is asked. Texts are only ever set as text. Addresses are
// relative, so that the page also works below a path of a proxy.

const PEOPLE = ["employee", "supervisor", "manager", "finance"];
/** The messages come in the browser's language, where the demo has it; the page itself is English. */
const language = navigator.language.startsWith("zh") ? "zh-CN" : "en";
const byId = (id) => document.getElementById(id);
let token = "";
let userId = 0;
let socket = null;

async function call(path, body = {}) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.msg);
  return answer;
}

/** Does something and says how it went. */
async function attempt(what, then) {
  try {
    await then();
    byId("said").textContent = what;
  } catch (error) {
    byId("said").textContent = error.message;
  }
}

function element(name, text, className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

function button(text, onClick) {
  const made = element("button", text);
  made.type = "button";
  made.addEventListener("click", onClick);
  return made;
}

async function become(person) {
  if (socket) socket.onclose = null, socket.close();
  token = "";
  ({ token, userId } = await call("login", { login: person, password: "demo" }));
  for (const choice of byId("people").children) {
    choice.setAttribute("aria-pressed", String(choice.textContent === person));
  }
  follow();
  await refresh();
}

/** Listens for what is new; the list itself comes from the server's record. */
function follow() {
  const here = new URL(`websocket/${token}?device=demo-page&deviceName=Demo%20page`, location.href);
  here.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(here);
  socket.onmessage = refresh;
  socket.onclose = () => { byId("said").textContent = "The server is gone: start it again and reload this page."; };
}

async function refresh() {
  const { data } = await call("ecgapi/api/message/getMessagePage", { pageNum: 1, pageSize: 30 });
  byId("inbox").replaceChildren(...data.records.map(row));
  byId("empty").hidden = data.records.length > 0;
}

function row(record) {
  const item = element("li", "", record.state ?? "");
  const when = new Date(record.sendTime).toLocaleTimeString();
  item.append(element("strong", record.title), element("span", record.content));
  item.append(element("div", `${record.sender} · ${when} · ${record.status}`, "meta"));
  if (record.actions && record.receiver.includes(userId)) {
    const actions = element("div", "", "actions");
    for (const action of record.actions) {
      actions.append(button(action.label, () => {
        if (action.confirm && !confirm(action.confirm)) return;
        attempt(`${action.label}: done.`, async () => {
          await call(new URL(action.url).pathname, { id: record.id, action: action.id });
          await refresh();
        });
      }));
    }
    item.append(actions);
  }
  return item;
}

for (const person of PEOPLE) {
  byId("people").append(button(person, () => attempt(`You are ${person} now.`, () => become(person))));
}
byId("expense").addEventListener("submit", (event) => {
  event.preventDefault();
  const { what, amount } = event.target.elements;
  attempt("Filed: it is with supervisor now.", async () => {
    await call("demo/expenses", { what: what.value, amount: amount.value, language });
    await refresh();
  });
});
byId("others").addEventListener("click", (event) => {
  const path = event.target.dataset.call;
  if (path) attempt("Sent.", async () => { await call(path, { language }); await refresh(); });
});
attempt("You are employee now.", () => become("employee"));

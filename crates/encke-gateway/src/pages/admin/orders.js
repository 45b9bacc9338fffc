/* What is done to channels and clients. Each is asked for once more before it is done. */

/* Asks in a dialog; `done` gets the fields, and says how it went. One that fails is told in the dialog. */
function confirmed({ title, text, fields = [], yes, danger, done }) {
  const dialog = $("ask");
  const wrong = el("p", { class: "bad", role: "alert" });
  const button = el("button", { class: danger ? "danger main" : "main" }, yes);
  const form = el("form", {}, el("h2", { id: "ask-title" }, title), text && el("p", {}, text), fields.map(({ label, node }) => el("label", {}, label, node)), wrong,
    el("div", { class: "orders" }, el("button", { type: "button", onclick: () => dialog.close() }, "Cancel"), button));
  form.onsubmit = async event => {
    event.preventDefault();
    button.disabled = true;
    write(wrong, "");
    try {
      say(await done(Object.fromEntries(new FormData(form))));
      dialog.close();
      again();
    } catch (error) {
      if (!needKey(error)) write(wrong, sentence(error.message));
    }
    button.disabled = false;
  };
  dialog.replaceChildren(form);
  if (!dialog.open) dialog.showModal();
}

const choice = (name, choices) => el("select", { name }, choices.map(([value, text]) => el("option", { value }, text)));
const FOR = [["1m", "1 minute"], ["10m", "10 minutes"], ["1h", "1 hour"], ["1d", "1 day"], ["7d", "7 days"], ["30d", "30 days"]];
const text = (name, more = {}) => el("input", { name, autocomplete: "off", autocapitalize: "off", spellcheck: "false", maxlength: 255, ...more });

function trimChannel(name) {
  const keep = el("input", { name: "keep", type: "number", min: 0, max: 1e9, step: 1, value: 0, required: true });
  confirmed({ title: "Trim the channel", text: `The oldest messages of ${shown(name)} are removed. Who has not read them gets a gap.`, yes: "Trim", danger: true,
    fields: [{ label: "Keep so many of the newest", node: keep }],
    done: async ({ keep }) => {
      const { removed } = await post(["channels", name, "trim"], { keep: Number(keep) });
      return `Removed from ${shown(name)}: ${many(removed, "message")}.`;
    } });
}

function deleteChannel(name) {
  confirmed({ title: "Delete the channel", text: `All messages of ${shown(name)} are removed. Those who follow it go on, and who has not read them gets a gap.`, yes: "Delete", danger: true,
    done: async () => {
      await ask("DELETE", ["channels", name]);
      return `All messages of ${shown(name)} are removed.`;
    } });
}

function drainNode() {
  confirmed({ title: "Drain the node", text: "The node takes no new clients, sends all others away, and ends. That cannot be taken back.", yes: "Drain", danger: true,
    done: async () => {
      await post(["drain"]);
      return "The drain has begun.";
    } });
}

function disconnect(row) {
  confirmed({ title: "Disconnect", text: `Client #${row.id} loses its connection. It may come back.`, yes: "Disconnect",
    done: async () => {
      await post(["clients", row.id, "disconnect"]);
      return `Client #${row.id} is disconnected.`;
    } });
}

/* Whose rights may be taken back: one subscription has none of its own. */
const holders = row => ["subject", "client"].filter(kind => row[kind] !== undefined)
  .map(kind => [JSON.stringify({ [kind]: row[kind] }), `${kind} ${shown(row[kind])}, wherever it is`]);

function kick(row) {
  const only = JSON.stringify({ subscription: row.id });
  const names = el("datalist", { id: "kick-channels" }, row.follows.map(value => el("option", { value })));
  const channel = text("channel", { list: "kick-channels", required: true, value: row.follows.length === 1 ? row.follows[0] : "" });
  const span = choice("for", [["", "now; it may come back"], ...FOR]);
  const whom = choice("whom", [[only, `client #${row.id} only`], ...holders(row)]);
  /* A subscription cannot be kept out, since its client would come back by another. */
  whom.onchange = () => { span.disabled = whom.value === only; if (span.disabled) span.value = ""; };
  span.disabled = true;
  confirmed({ title: "Kick from a channel", text: "It follows the channel no longer. Its other channels go on.", yes: "Kick",
    fields: [{ label: "Channel or pattern", node: el("span", { class: "field" }, channel, names) }, { label: "Whom", node: whom }, { label: "For", node: span }],
    done: async ({ whom, channel, for: time }) => {
      const { concerned } = time ? await post(["kick"], { whom: JSON.parse(whom), channel, for: time }) : await post(["unsubscribe"], { whom: JSON.parse(whom), channels: [channel] });
      return `Kicked from ${shown(channel)}: ${many(concerned, "client")}.`;
    } });
}

const HOW = [["revoke", "what was granted until now; what is granted later holds"], ["bans", "whatever is granted: shut out"]];
const taken = (how, concerned) => `${how === "revoke" ? "Revoked" : "Banned"}: that concerned ${many(concerned, "client")}.`;

function revoke(row) {
  const whose = holders(row);
  if (!whose.length) return confirmed({ title: "Revoke", text: `Client #${row.id} has neither a subject nor a name, so nothing was granted to it alone. It can be disconnected.`, yes: "Disconnect",
    done: async () => {
      await post(["clients", row.id, "disconnect"]);
      return `Client #${row.id} is disconnected.`;
    } });
  confirmed({ title: "Revoke", text: "Its connections end now.", yes: "Revoke", danger: true,
    fields: [{ label: "Whose rights", node: choice("whom", whose) }, { label: "What is taken back", node: choice("how", HOW) }, { label: "For, which is at least as long as its tokens hold", node: choice("for", FOR.toReversed()) }],
    done: async ({ whom, how, for: time }) => taken(how, (await post([how], { whom: JSON.parse(whom), for: time })).concerned) });
}

/* Bans somebody who need not be here. */
function ban() {
  confirmed({ title: "Ban", yes: "Ban", danger: true,
    fields: [{ label: "Whom", node: choice("kind", [["subject", "the subject"], ["client", "the client, by the name that it calls itself"], ["token", "who came by the token of this id"]]) },
      { label: "Name", node: text("name", { required: true }) }, { label: "Channel or pattern; everything if there is none", node: text("channel") },
      { label: "What is taken back", node: choice("how", HOW) }, { label: "For", node: choice("for", FOR) }],
    done: async ({ kind, name, channel, how, for: time }) =>
      taken(how, (await post([how], { whom: { [kind]: name }, ...channel && { channel }, for: time })).concerned) });
}

function lift(row) {
  const on = row.channel === undefined ? "everything" : shown(row.channel);
  confirmed({ title: "Lift the ban", text: `${whomText(row.whom)} gets back what is granted on ${on}. What has ended stays ended.`, yes: "Lift",
    done: async () => {
      await ask("DELETE", ["bans", row.id]);
      return "The ban is lifted.";
    } });
}

/* Tables whose rows stay the same nodes while their figures change, and the pages of long lists. */

/* `columns`: `{ name, text: row => .., href: row => .., sort, number, lesser, button: { name, run } }`. */
class Table {
  #rows = new Map();

  constructor(caption, columns, keyOf, { none = "none", sorted, onSort } = {}) {
    this.columns = columns;
    this.keyOf = keyOf;
    this.body = el("tbody");
    this.none = el("p", { class: "none", hidden: true }, none);
    const heads = columns.map(({ name, sort, number, lesser, hidden }) => el("th", {
      scope: "col", class: `${number ? "number" : ""} ${lesser ? "lesser" : ""}`, "aria-sort": sort && sort === sorted ? (number ? "descending" : "ascending") : null,
    }, sort ? el("button", { class: "sort", type: "button", onclick: () => onSort(sort) }, name) : hidden ? el("span", { class: "hide" }, name) : name));
    this.node = el("div", { class: "table" }, el("table", {}, el("caption", { class: "hide" }, caption), el("thead", {}, el("tr", {}, heads)), this.body), this.none);
    this.rows = [];
  }

  fill(rows) {
    this.rows = rows;
    const known = this.#rows;
    this.#rows = new Map();
    for (const row of rows) {
      let key = this.keyOf(row);
      while (this.#rows.has(key)) key += "'";
      const old = known.get(key) ?? this.#make();
      known.delete(key);
      this.#rows.set(key, old);
      this.#write(old, row);
    }
    for (const { node } of known.values()) node.remove();
    let at = this.body.firstElementChild;
    for (const { node } of this.#rows.values()) {
      if (node === at) at = at.nextElementSibling;
      else this.body.insertBefore(node, at);
    }
    this.none.hidden = rows.length > 0;
  }

  #make() {
    const cells = this.columns.map(column => {
      const inner = column.href ? el("a") : column.button ? el("button", { class: "small", type: "button" }, column.button.name) : el("span");
      const kind = `${column.number ? "number" : ""} ${column.lesser ? "lesser" : ""} ${column.wide ? "wide" : ""}`;
      return { inner, node: el(column === this.columns[0] ? "th" : "td", { class: kind, scope: column === this.columns[0] ? "row" : null }, inner) };
    });
    return { cells, node: el("tr", {}, cells.map(({ node }) => node)) };
  }

  #write({ cells }, row) {
    this.columns.forEach(({ text, href, button, bad }, at) => {
      const { inner } = cells[at];
      if (button) {
        inner.onclick = () => button.run(row);
        mark(inner, "aria-label", `${button.name} ${button.of(row)}`);
        return;
      }
      write(inner, text(row));
      if (bad) inner.classList.toggle("bad", bad(row));
      const to = href?.(row);
      if (to) mark(inner, "href", to);
      else if (href) inner.removeAttribute("href");
    });
  }
}

/* A view's address. Empty parameters are left out. */
function address(path, query = {}) {
  const said = new URLSearchParams(Object.entries(query).filter(([, value]) => value).map(([name, value]) => [name, String(value).toWellFormed()]));
  const segments = path.map(segment => encodeURIComponent(String(segment).toWellFormed()));
  return `#/${segments.join("/")}${said.size ? `?${said}` : ""}`;
}

/* The pages of a list, which the API gives one after the other: how to go on, and back to where we came from. */
const cameFrom = new Map();
class Pager {
  constructor(path, query, size) {
    Object.assign(this, { path, query, size });
    this.page = Math.max(1, Number(query.page) || 1);
    this.where = el("span", { class: "soft" }, "");
    this.first = el("a", { class: "button", href: address(path, { ...query, after: "", page: "" }) }, "First");
    this.back = el("a", { class: "button" }, "Previous");
    this.forth = el("a", { class: "button" }, "Next");
    this.node = el("div", { class: "pager" }, this.where, this.first, this.back, this.forth);
    const from = cameFrom.get(location.hash);
    this.#show(this.first, this.page > 1 && this.first.href);
    this.#show(this.back, from);
    this.#show(this.forth, null);
  }

  /* `silent`: nodes that did not answer, and whose part is missing. */
  fill(length, next, all, silent = []) {
    const to = next && address(this.path, { ...this.query, after: next, page: this.page + 1 });
    if (to) cameFrom.set(to, location.hash);
    this.#show(this.forth, to);
    const begin = (this.page - 1) * this.size;
    const of = all === undefined ? next ? "" : ` of ${count(begin + length)}` : ` of ${count(Math.max(all, begin + length))}`;
    const missing = silent.length ? `no answer from ${silent.map(shown).join(", ")}` : "";
    write(this.where, [length ? `${count(begin + 1)}–${count(begin + length)}${of}` : "", missing].filter(Boolean).join(", "));
  }

  /* A link that leads nowhere is no link, but keeps its space. */
  #show(link, to) {
    if (to) {
      mark(link, "href", to);
      for (const name of ["role", "aria-disabled"]) link.removeAttribute(name);
    } else {
      link.removeAttribute("href");
      mark(link, "role", "link");
      mark(link, "aria-disabled", "true");
    }
  }
}

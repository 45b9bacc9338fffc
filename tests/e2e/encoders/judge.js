// Reads one JSON array of programs, runs each as a browser would, and prints what their pages were given, as JSON.
// A program is the list of its scripts, and they share one global object.
const vm = require("node:vm");
let input = "";
process.stdin.setEncoding("utf8").on("data", (part) => (input += part)).on("end", () => {
  process.stdout.write(JSON.stringify(JSON.parse(input).map(run)));
});

function run(scripts) {
  const given = [];
  const called = (...parts) => given.push(parts);
  const page = {
    cb: (data) => called(data),
    parent: { handle: (data) => called(data), postMessage: (data, origin) => called(data, origin) },
    document: { getElementsByTagName: () => [] },
    location: { search: "" },
    setTimeout: () => 0,
    clearTimeout: () => {},
  };
  page.window = page;
  const context = vm.createContext(page);
  for (const script of scripts) vm.runInContext(script, context);
  return given;
}

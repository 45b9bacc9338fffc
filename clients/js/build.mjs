// Builds dist from src. With --check it changes nothing, and fails where dist is not what src gives, or is too large.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";

/** Bytes, gzipped. The classic script has the loader of EventTube besides. */
const LIMIT = 6 * 1024;
const LOADER = 160;
const here = dirname(fileURLToPath(import.meta.url));
const check = process.argv.includes("--check");
const dist = join(here, "dist");
const out = mkdtempSync(join(here, ".dist-"));

// What a transport is asked and tells: names that the bundles share, also with those of other versions.
const shared = { alive: "a", end: "b", failed: "c", quiet: "d", take: "e" };
// Names of properties that only one bundle knows, and that nothing of the browser has.
const own = ["answered", "asked", "began", "cargo", "carry", "catchUp", "changed", "covered", "enter", "flush", "forget", "give", "heard", "isDue", "isIn", "joined", "leave", "drop", "line", "link", "memory", "named", "nudge", "offer", "over", "pass", "passed", "pause", "pinged", "reader", "readers", "refused", "release", "renew", "ride", "rung", "seen", "sent", "serve", "settle", "start", "stranded", "subject", "update", "ways"];

const common = {
  absWorkingDir: here,
  bundle: true,
  external: ["./eventtube.mjs", "./legacy.mjs"],
  legalComments: "none",
  logLevel: "warning",
  mangleCache: shared,
  mangleProps: new RegExp(`^(${[...own, ...Object.keys(shared)].join("|")})$`),
  sourcemap: "inline",
  target: "es2022",
  // Modules and classes are strict already.
  tsconfigRaw: {},
  write: false,
};
const shapes = [
  { entryPoints: ["src/index.ts"], file: "encke.mjs", format: "esm" },
  { entryPoints: ["src/classic.ts"], file: "encke.js", limit: LIMIT + LOADER, format: "iife" },
  { entryPoints: ["src/eventtube.mts"], file: "eventtube.mjs", format: "esm" },
  { entryPoints: ["src/legacy.mts"], file: "legacy.mjs", format: "esm" },
  { entryPoints: ["src/presence.mts"], file: "presence.mjs", format: "esm" },
];

/** Bundles one file, makes it small, and says how small. */
async function write({ file, limit = LIMIT, ...shape }) {
  const { outputFiles } = await build({ ...common, ...shape });
  const { code, map } = await minify(outputFiles[0].text, {
    module: shape.format === "esm",
    ecma: 2020,
    compress: { passes: 3, unsafe_arrows: true, unsafe_comps: true, pure_getters: true, reduce_funcs: false, unsafe: true },
    sourceMap: { content: "inline", url: `${file}.map`, includeSources: true },
  });
  writeFileSync(join(out, file), code);
  writeFileSync(join(out, `${file}.map`), map);
  const zipped = gzipSync(code, { level: 9 }).length;
  console.log(`${file.padEnd(10)} ${String(code.length).padStart(6)} bytes, ${String(zipped).padStart(5)} of at most ${limit} gzipped`);
  return zipped > limit && file;
}

try {
  const large = (await Promise.all(shapes.map(write))).filter(Boolean);
  execFileSync(process.execPath, [join(here, "node_modules/typescript/bin/tsc"), "-p", here, "--outDir", out], { stdio: "inherit" });

  if (large.length) throw new Error(`too large: ${large}`);
  const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const names = files.map((entry) => relative(out, join(entry.parentPath, entry.name)));
  if (check) {
    const same = (name) => existsSync(join(dist, name)) && readFileSync(join(out, name)).equals(readFileSync(join(dist, name)));
    if (!names.every(same)) throw new Error("dist is not what src gives: run `npm run build` in clients/js, and commit it");
  } else {
    // Each file is replaced at once: a build of the gateway may be reading it.
    cpSync(out, dist, { recursive: true });
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}

// Bundles the tests with the sources as they are, and runs them, or those whose names are given.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);
const files = readdirSync(here).filter((file) => file.endsWith(".test.ts") && (!wanted.length || wanted.some((name) => file.startsWith(name))));
const out = mkdtempSync(join(tmpdir(), "encke-js-"));
try {
  await build({
    absWorkingDir: here,
    entryPoints: files,
    outdir: out,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: "inline",
    logLevel: "warning",
  });
  const tests = files.map((file) => join(out, file.replace(/ts$/, "mjs")));
  process.exitCode = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...tests], { stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}

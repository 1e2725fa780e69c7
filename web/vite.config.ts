// The build. Preact stands in for React (TanStack's packages and wouter import `react`), every file name carries a
// hash, and nothing is inlined as `data:` script or style, so that the page runs under a strict CSP.
import { readFileSync } from "node:fs";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const server = process.env["TELLTALE_URL"] ?? "http://127.0.0.1:8355";
const token = process.env["TELLTALE_TOKEN"];

// `npm run dev` works against a running server: as the cookie's user, or with a token the proxy adds.
const proxy = {
  target: server,
  changeOrigin: true,
  ws: true,
  headers: { Origin: server, ...(token ? { Authorization: `Bearer ${token}` } : {}) },
};

/** What the server this UI is built with answers, by its own document. */
const API = readFileSync(new URL("../src/api/own/openapi.json", import.meta.url), "utf8");
const LOG_RULES = ["log-metrics", "alert-rules", "receivers"].every((name) => API.includes(`"/api/telltale/v1/${name}"`));

const EARLY = "src/early.ts";
/** What every page needs is two files, and not one for each set of pages that share a module: what runs first with all
    it imports, and the shell with the kit and what most pages share. Each file more is a request and some work before
    a page's first paint. */
const GROUPS = [
  { name: "first", test: /\/src\/lib\/(first-asks|head-start|address)\.ts$|\/src\/app\/loads\.ts$|vite\/preload-helper|rolldown\/runtime/, priority: 2 },
  { name: "shell", test: /\/src\/(app\/(App|measure|first-data|FirstData|MakeMenu)|kit\/(index|chart|theme|ticks)|lib\/(cursor|histogram|message|rows|range-query))\.tsx?$/, priority: 1 },
];
/** A script of its own that runs before the rest of the UI: modules run in the order they stand in, and this is first. */
function early(): Plugin {
  return {
    name: "early",
    transformIndexHtml: {
      order: "post",
      handler(_html, { bundle }) {
        if (!bundle) return [{ tag: "script", attrs: { type: "module", src: `/${EARLY}` }, injectTo: "head" }];
        const chunk = Object.values(bundle).find((c) => c.type === "chunk" && c.name === "early");
        if (chunk?.type !== "chunk") throw new Error(`no chunk of ${EARLY}`);
        return [
          { tag: "script", attrs: { type: "module", crossorigin: true, src: `./${chunk.fileName}` }, injectTo: "head-prepend" },
          ...chunk.imports.map((file) => ({ tag: "link", attrs: { rel: "modulepreload", crossorigin: true, href: `./${file}` }, injectTo: "head-prepend" as const })),
        ];
      },
    },
  };
}

export default defineConfig({
  define: { __LOG_RULES__: JSON.stringify(LOG_RULES) },
  base: "./", // the server may put the UI under a path
  resolve: {
    alias: [
      { find: /^react$/, replacement: "preact/compat" },
      { find: /^react\/jsx-runtime$/, replacement: "preact/jsx-runtime" },
      { find: /^react-dom$/, replacement: "preact/compat" },
    ],
    dedupe: ["preact"],
  },
  build: {
    target: "es2022",
    manifest: true,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    cssCodeSplit: true,
    reportCompressedSize: false,
    rolldownOptions: {
      input: { index: "index.html", early: EARLY },
      // TanStack marks files for React's server components, which are not used here.
      onwarn: (w, warn) => w.code !== "MODULE_LEVEL_DIRECTIVE" && warn(w),
      output: { codeSplitting: { groups: GROUPS } },
    },
  },
  plugins: [early()],
  server: { proxy: { "/api": proxy, "/-/": proxy, "/metrics": { ...proxy, bypass: htmlStays } } },
  preview: { proxy: { "/api": proxy, "/-/": proxy } },
  test: { include: ["src/**/*.test.ts", "src/**/*.test.tsx"], environment: "happy-dom" },
});

// /metrics is a page of the UI for a browser and the server's own metrics for a scraper.
function htmlStays(request: { headers: { accept?: string | undefined }; url?: string | undefined }) {
  return request.headers.accept?.includes("text/html") ? "/index.html" : undefined;
}

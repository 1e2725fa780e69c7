// The build. Preact stands in for React (TanStack's packages and wouter import `react`), every file name carries a
// hash, and nothing is inlined as `data:` script or style, so that the page runs under a strict CSP.
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

export default defineConfig({
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
    // TanStack marks files for React's server components, which are not used here.
    rolldownOptions: { onwarn: (w, warn) => w.code !== "MODULE_LEVEL_DIRECTIVE" && warn(w) },
  },
  server: { proxy: { "/api": proxy, "/-/": proxy, "/metrics": { ...proxy, bypass: htmlStays } } },
  preview: { proxy: { "/api": proxy, "/-/": proxy } },
  test: { include: ["src/**/*.test.ts", "src/**/*.test.tsx"], environment: "happy-dom" },
});

// /metrics is a page of the UI for a browser and the server's own metrics for a scraper.
function htmlStays(request: { headers: { accept?: string | undefined }; url?: string | undefined }) {
  return request.headers.accept?.includes("text/html") ? "/index.html" : undefined;
}

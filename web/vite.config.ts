import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// `npm run dev` shows the pages beside a running node; its address can be set.
const node = process.env["PASSERELLE_NODE"] ?? "http://127.0.0.1:8101";

export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: "../src/passerelle/api/pages",
    emptyOutDir: true,
    // The Content-Security-Policy admits no data: fonts or styles, so no asset is inlined.
    assetsInlineLimit: 0,
    // The map is a megabyte of its own, loaded after the page.
    chunkSizeWarningLimit: 1200,
  },
  server: { proxy: { "/api": node, "/health": node } },
});

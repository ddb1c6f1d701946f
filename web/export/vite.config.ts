/** @file How the page of `sequitur export --web` is built: into dist/web-export, from where exports copy it. */
import { join } from "node:path";
import { defineConfig } from "vite";

const root = import.meta.dirname;

export default defineConfig({
  root,
  base: "./",
  publicDir: false,
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../../dist/web-export",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: false,
    rolldownOptions: {
      input: { page: join(root, "index.html"), recommender: join(root, "recommender.ts") },
      preserveEntrySignatures: "strict",
      output: {
        // Other pages import it by this name; it only names the file in assets/ that this page loads, too.
        entryFileNames: ({ name }) => (name === "recommender" ? "[name].js" : "assets/[name]-[hash].js"),
      },
    },
  },
});

import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte()],
  // The app's pages come from the app itself, and the window's rules forbid everything that is not a file of its own.
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: false,
    // What the first rows need is one file; more would be asked for one after the other.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'window', tags: ['$initial'] }] } } },
  },
  // The texts lie beside this folder, since Rust reads them too.
  server: { fs: { allow: ['..'] } },
  // The texts as one string: JSON is parsed faster than JavaScript.
  json: { stringify: true, namedExports: false },
  test: { include: ['src/**/*.test.ts'] },
});

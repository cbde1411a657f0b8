import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte()],
  // The app's pages come from the app itself, and the window's rules forbid everything that is not a file of its own.
  build: { target: 'es2022', assetsInlineLimit: 0, modulePreload: false },
  // The texts lie beside this folder, since Rust reads them too.
  server: { fs: { allow: ['..'] } },
  test: { include: ['src/**/*.test.ts'] },
});

import svelte from 'eslint-plugin-svelte';
import { defineConfig } from 'eslint/config';
import ts from 'typescript-eslint';

import svelteConfig from './svelte.config.js';

export default defineConfig(
  { ignores: ['dist/', 'src/backend/bindings.ts'] },
  ts.configs.strictTypeChecked,
  svelte.configs.recommended,
  {
    languageOptions: { parserOptions: { projectService: true, extraFileExtensions: ['.svelte'] } },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, svelteConfig } },
  },
  {
    rules: {
      // What a message says is text, never markup.
      'svelte/no-at-html-tags': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // One door to Rust.
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['@tauri-apps/*'], message: 'only src/backend/tauri.ts' }] },
      ],
    },
  },
  {
    rules: {
      // Sets are never changed here but replaced, in $state.raw.
      'svelte/prefer-svelte-reactivity': 'off',
    },
  },
  {
    // What crosses from component to component has no type here; svelte-check knows and checks it.
    files: ['**/*.svelte'],
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
  { files: ['src/backend/tauri.ts'], rules: { 'no-restricted-imports': 'off' } },
  { files: ['*.js'], extends: [ts.configs.disableTypeChecked] },
);

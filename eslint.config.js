import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  globalIgnores(['build/', 'dist/', 'coverage/', 'docs/api/', '**/node_modules/']),
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      // Typed arrays and tables are indexed within bounds that the types cannot express.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/unified-signatures': 'off',
      // A parameter that the caller names documents what the method expects.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // Whatever was thrown is what a promise rejects with.
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
    },
  },
  {
    // Tests replace the timers and the clock: see src/timers.ts. The page runs in a browser, and the
    // command line in a process of its own.
    files: ['src/**/*.ts'],
    ignores: ['src/timers.ts', 'src/monitor/page/**', 'src/command/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['setImmediate', 'setTimeout', 'setInterval', 'queueMicrotask'].map((name) => ({
          name,
          message: 'Import it from src/timers.ts.',
        })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'nextTick', message: 'Import it from src/timers.ts.' },
        { object: 'performance', property: 'now', message: 'Import it from src/timers.ts.' },
      ],
      'no-restricted-imports': ['error', 'node:timers', 'node:timers/promises'],
    },
  },
  {
    files: ['**/*.js'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        Buffer: 'readonly',
        AbortController: 'readonly',
        performance: 'readonly',
        setTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        clearTimeout: 'readonly',
        setImmediate: 'readonly',
        URL: 'readonly',
      },
    },
  },
);

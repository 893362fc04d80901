// The tests of `npm test`. They are compiled first (`npm run build:test`): workers and child processes
// then run the same JavaScript as the test itself. Nothing waits longer than WATCHDOG_MILLISECONDS of
// test/fixture.ts: what AVA ends after the timeout is stuck without one.
export default {
  files: ['build/test/**/*.test.js', '!build/test/**/*.full.test.js'],
  timeout: '6m',
  concurrency: 2,
};

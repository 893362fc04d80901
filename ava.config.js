// The tests of `npm test`. They are compiled first (`npm run build:test`): workers and child processes
// then run the same JavaScript as the test itself.
export default {
  files: ['build/test/**/*.test.js', '!build/test/**/*.full.test.js'],
  timeout: '10m',
  concurrency: 2,
};

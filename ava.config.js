// The tests are compiled first (`npm run build:test`): workers and child processes then run the
// same JavaScript as the test itself.
export default {
  files: ['build/test/**/*.test.js'],
  timeout: '5m',
  concurrency: 2,
};

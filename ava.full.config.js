// The tests that `npm run test:full` adds: those that install packages, start servers or a browser, run
// the examples and the guide's programs, or kill processes for seconds.
import config from './ava.config.js';

export default { ...config, files: ['build/test/**/*.full.test.js'] };

/**
 * Whether this is the run before a release (`npm run test:full`): tests that repeat something, or go
 * through all combinations, then do it as often as it takes to meet what is rare.
 */
export const thorough = process.env.THOROUGH === '1';

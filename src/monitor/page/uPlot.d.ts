// The monitor serves the library beside the page's own files.
export { default } from 'uplot';

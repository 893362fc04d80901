// A thread that ends its process once its parent is gone. The main thread cannot be relied upon for
// that: it may be waiting for another process in a call that blocks it.
const parent = process.ppid;

setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, 500);

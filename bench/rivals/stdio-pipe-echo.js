// The answering process of stdio-pipe.js.
process.stdin.pipe(process.stdout);

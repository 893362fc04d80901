// The answering process of child-process.js.
process.on('message', (value) => process.send(value));
